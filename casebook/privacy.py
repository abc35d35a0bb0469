"""What the casebook holds of people."""

from portal.privacy.rules import Area, Basis, Fate, Lasts, Seen
from portal.refusal import mark

_OURS = mark("It is the organisation's; the number of the account stays.")
_CONTACT = mark("name, telephone and address of the contact")

_AWARDS = mark("giving awards by published scores")
_JURY = mark("Who decided must be known as long as the award counts; the number of the account stays.")

PERSONAL = [
    Area(
        "award_score",
        mark("Scores you gave as a juror"),
        _AWARDS,
        Basis.DUTY,
        Seen.STAFF,
        Lasts.RECORD,
        {"marks points note scored_at": mark("what you gave, why and when")},
        Fate.KEEP,
        why=_JURY,
        actors=("juror_id",),
    ),
    Area(
        "award_objection",
        mark("Objections to nominations"),
        _AWARDS,
        Basis.CONSENT,
        Seen.PUBLIC,
        Lasts.RECORD,
        {
            "text made_at": mark("what was objected, without your name"),
            "upheld answer answered_at": mark("the answer"),
        },
        Fate.KEEP,
        why=_JURY,
        actors=("person_id", "answered_by"),
    ),
    Area(
        "award_nomination",
        mark("Nominations for awards"),
        _AWARDS,
        Basis.CONTRACT,
        Seen.PUBLIC,
        Lasts.RECORD,
        {
            "award statement status nominated_at checked_at reason decided_at": mark(
                "when it happened and what state it is in"
            ),
            "parts performance conduct merit jury total place": mark("the score by part"),
        },
        Fate.KEEP,
        why=_OURS,
        actors=("nominated_by", "checked_by"),
    ),
    Area(
        "award_round",
        mark("Publishing of awards"),
        _AWARDS,
        Basis.DUTY,
        Seen.STAFF,
        Lasts.RECORD,
        {"status shortlisted_at proposed_at published_at": mark("when it happened and what state it is in")},
        Fate.KEEP,
        why=_JURY,
        actors=("shortlisted_by", "proposed_by", "published_by"),
    ),
    Area(
        "introduction",
        mark("Contacts given to a brand"),
        mark("bringing a brand and a provider together once both said yes"),
        Basis.CONTRACT,
        Seen.TEAM,
        Lasts.RECORD,
        {
            "contact_name contact_phone contact_email": _CONTACT,
            "status revision offered_at expires_at answered_at reason_code note opened_at met_at proposed_at ended_at": mark(
                "how the talks went"
            ),
        },
        Fate.EMPTY,
        why=_OURS,
        address="contact_email",
        actors=("responsible_id",),
        empty={"contact_name": "", "contact_phone": "", "contact_email": ""},
    ),
    Area(
        "brief",
        mark("Contacts given to providers"),
        mark("bringing a brand and a provider together once both said yes"),
        Basis.CONTRACT,
        Seen.TEAM,
        Lasts.RECORD,
        {
            "contact_name contact_phone contact_email": _CONTACT,
            "number once title need industry must_have wished stage scale segment budget_low budget_high province on_site languages start_by systems no_systems blocked": mark(
                "what the brand needs"
            ),
            "status revision created_at opened_at matched_at due_at seed programme_version kth_score passed decided_at reason_code reason closed_at outcome": mark(
                "how the talks went"
            ),
        },
        Fate.EMPTY,
        why=_OURS,
        address="contact_email",
        actors=("created_by", "responsible_id"),
        empty={"contact_name": "", "contact_phone": "", "contact_email": ""},
    ),
    Area(
        "case_confirmation",
        mark("A client's answer to a case"),
        mark("having what is said of a client confirmed by the client"),
        Basis.CONSENT,
        Seen.TEAM,
        Lasts.RECORD,
        {
            "email name role": mark("who was asked and who answered for the client"),
            "token_hash": mark("a mark that the link holds"),
            "sent_at expires_at used_at": mark("when asked and answered"),
            "rating comment renewed": mark("what the client said"),
        },
        Fate.EMPTY,
        why=mark("What the client confirmed counts; who it was is emptied."),
        address="email",
        actors=("sent_by",),
        empty={"email": "", "name": "", "role": ""},
        secret=frozenset({"token_hash"}),
    ),
    Area(
        "case_study",
        mark("Cases you wrote"),
        mark("showing what an organisation has done"),
        Basis.CONTRACT,
        Seen.PUBLIC,
        Lasts.RECORD,
        {
            "number once title client_name client_named client_alias industry stage archetype capabilities channels period_from period_until before systems failed_first done sop_version": mark(
                "what was done for the client"
            ),
            "status revision confirmation_id created_at submitted_at published_at": mark(
                "when it happened and what state it is in"
            ),
        },
        Fate.KEEP,
        why=_OURS,
        actors=("created_by", "responsible_id"),
    ),
]
