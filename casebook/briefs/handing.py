"""How a brief and an introduction are handed to a colleague."""

from casebook.briefs.actions import give_brief, give_introduction
from casebook.briefs.queries import (
    briefs_of_person,
    introductions_of_person,
    running_brief,
    running_introduction,
)
from portal.desk.parts import Handing
from portal.refusal import mark

BRIEFS = Handing("brief", mark("Brief"), briefs_of_person, running_brief, give_brief)
INTRODUCTIONS = Handing(
    "introduction", mark("Introduction"), introductions_of_person, running_introduction, give_introduction
)
