"""How a case is handed to a colleague."""

from casebook.cases.actions import give_case
from casebook.cases.queries import cases_of_person, open_case
from portal.desk.parts import Handing
from portal.refusal import mark

CASES = Handing("case", mark("Case"), cases_of_person, open_case, give_case)
