"""What training holds of people."""

from portal.privacy.rules import Area, Basis, Fate, Lasts, Seen
from portal.refusal import mark

PERSONAL = [
    Area(
        "module_progress",
        mark("What you learned"),
        mark("showing how far you have come and counting training hours"),
        Basis.CONTRACT,
        Seen.SELF,
        Lasts.ACCOUNT,
        {
            "module version practice": mark("which lesson, and what you chose in its practice"),
            "started_at finished_at": mark("when begun and finished"),
        },
        Fate.REMOVE,
        owner="person_id",
    ),
    Area(
        "assessment",
        mark("Self-assessments of an organisation"),
        mark("finding out what an organisation should learn"),
        Basis.CONTRACT,
        Seen.TEAM,
        Lasts.RECORD,
        {
            "instrument answers claimed counted overall taken_at reminded_at": mark(
                "what was answered for the organisation, and when"
            )
        },
        Fate.KEEP,
        why=mark("It is the organisation's; the number of the account stays."),
        actors=("taken_by",),
    ),
    Area(
        "maturity_proof",
        mark("Evidence for self-assessments"),
        mark("verifying what an organisation says of itself"),
        Basis.CONTRACT,
        Seen.TEAM,
        Lasts.RECORD,
        {
            "instrument dimension status claims levels reasons score began_at decided_at valid_until": mark(
                "what was handed in for the organisation, and what was accepted"
            )
        },
        Fate.KEEP,
        why=mark("It is the organisation's; the number of the account stays."),
        actors=("began_by",),
    ),
]
