"""How the review desk sees a change of names."""

from portal.profile.actions import decide, for_review
from portal.profile.rules import ITEMS
from portal.refusal import mark
from portal.review.rules import SubjectKind

PROFILE_CHANGE = SubjectKind(
    "profile_change",
    mark("Change of name or credit code"),
    ITEMS,
    clock_wd=1,
    template="profile/for_review.html",
    context=for_review,
    decide=decide,
    roles=frozenset({"reviewer", "partner_manager"}),
)
