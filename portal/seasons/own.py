"""What seasons hold of people."""

from portal.privacy.rules import Area, Basis, Fate, Lasts, Seen
from portal.refusal import mark

PERSONAL = [
    Area(
        "season_exception",
        mark("Forms opened after their phase"),
        mark("letting an organisation in late, for a recorded reason"),
        Basis.DUTY,
        Seen.STAFF,
        Lasts.RECORD,
        {"form until reason given_at": mark("what was opened until when, and why")},
        Fate.KEEP,
        why=mark("Who did it must be known as long as the decision counts; the number of the account stays."),
        actors=("given_by",),
    ),
]
