"""How the review desk sees the evidence for a dimension."""

from portal.refusal import mark
from portal.review.rules import Item, SubjectKind
from training.maturity.actions import decide, for_review
from training.maturity.questions import Instrument, names
from training.maturity.rules import SUBJECT

MATURITY = SubjectKind(
    SUBJECT,
    mark("Evidence of maturity"),
    (
        Item(
            "own",
            mark("Does it show this organisation at work?"),
            mark(
                "Its own screens, records and people; no template, no sample data, nothing of a client alone."
            ),
        ),
        Item(
            "recent",
            mark("Is it from the last two quarters?"),
            mark("A date or period can be read on it."),
        ),
        Item(
            "fits",
            mark("Does each piece show what its item says?"),
            mark("Levels go by what can be seen. What has no evidence has level 0."),
        ),
        Item(
            "private",
            mark("Are customers' personal data covered?"),
            mark("Names, numbers and faces of customers must not be readable."),
        ),
    ),
    clock_wd=lambda programme: float(programme.maturity["review_wd"]),
    template="maturity/for_review.html",
    context=for_review,
    decide=decide,
    fields=tuple(f"{part}_{name}" for i in Instrument for name in names(i) for part in ("level", "because")),
)
