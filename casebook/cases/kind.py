"""How the review desk sees a case."""

from casebook.cases.actions import decide, for_review
from casebook.cases.rules import ITEMS
from portal.refusal import mark
from portal.review.rules import SubjectKind

CASE = SubjectKind(
    "case",
    mark("Case"),
    ITEMS,
    clock_wd=10,
    template="cases/for_review.html",
    context=for_review,
    decide=decide,
    blind=True,
)
