"""Five things a reviewer checks before an organisation is verified."""

from portal.refusal import mark
from portal.review.rules import Item

ITEMS = (
    Item(
        "name",
        mark("Does the name on the licence equal the registered name?"),
        mark("Every character, brackets too."),
    ),
    Item(
        "code",
        mark("Does the credit code on the licence equal the registered one?"),
        mark("Its check digit has been computed already."),
    ),
    Item("status", mark("Is the licence in force?"), mark("Not expired, not cancelled, and readable.")),
    Item(
        "scope",
        mark("Does the business scope cover what they offer?"),
        mark("Operation services, software, or the brand's own trade."),
    ),
    Item(
        "authority",
        mark("May this person act for the organisation?"),
        mark("Legal representative, or a letter of authority with a seal."),
    ),
)
