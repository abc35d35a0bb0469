"""How a task that somebody set is handed to a colleague."""

from portal.desk.parts import Handing
from portal.refusal import mark
from training.tasks.actions import give_task
from training.tasks.queries import task_to_hand, tasks_to_hand

TASKS = Handing("task", mark("Task"), tasks_to_hand, task_to_hand, give_task)
