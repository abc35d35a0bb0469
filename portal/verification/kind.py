"""How the review desk sees a verification."""

from portal.refusal import mark
from portal.review.rules import SubjectKind
from portal.verification.actions import decide, for_review
from portal.verification.rules import ITEMS

VERIFICATION = SubjectKind(
    "verification",
    mark("Verification"),
    ITEMS,
    clock_wd=1,
    template="verification/for_review.html",
    context=for_review,
    decide=decide,
)
