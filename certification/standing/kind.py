"""How the review desk sees an application for a level."""

from certification.standing.actions import decide, for_review
from portal.refusal import mark
from portal.review.rules import Item, SubjectKind

LEVEL = SubjectKind(
    "level",
    mark("Level application"),
    (
        Item(
            "evidence",
            mark("Does the evidence behind the tree hold?"),
            mark("Open three facts at random and follow them to their source."),
        ),
        Item(
            "people",
            mark("Do the counted people really work there?"),
            mark("Employment confirmed by both sides; no contractor lent for the day."),
        ),
        Item(
            "conduct", mark("Is nothing open against them?"), mark("Complaints, disputes, unanswered briefs.")
        ),
        Item(
            "storefront",
            mark("Is the storefront honest and complete?"),
            mark("Price, exclusions and capacity are stated."),
        ),
    ),
    clock_wd=10,
    template="standing/for_review.html",
    context=for_review,
    decide=decide,
)
