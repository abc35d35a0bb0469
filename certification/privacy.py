"""What certification holds of people, what it does before an erasure, and the certificates a page may show."""

from datetime import datetime

from sqlmodel import Session

from certification.credentials.actions import revoke
from certification.credentials.queries import credentials_of_person
from certification.credentials.rules import CredentialStatus, reads_as
from certification.exams.queries import open_sitting
from portal.desk.parts import Certificate
from portal.privacy.rules import Area, Basis, Fate, Lasts, Seen
from portal.programme.queries import programme_at
from portal.refusal import mark

_EXAMS = mark("holding exams, marking them fairly, answering appeals")
_CHECKED = mark(
    "Whoever was shown a certificate must be able to check it, and how it was earned must be known while it counts."
)

_RULES = mark("showing who changed the rules, and why")
_WHO_RULED = mark("Rules bind many: who wrote and published them stays known.")
_CONDUCT = mark("holding everybody to the same rules, with a hearing and a second person")
_DECIDED = mark("What two people decided about an organisation must be known as long as it counts.")

PERSONAL = [
    Area(
        "backtest",
        mark("Back-tests of rules you asked for"),
        _RULES,
        Basis.DUTY,
        Seen.STAFF,
        Lasts.RECORD,
        {
            "digest content at status touched_at finished_at done total last_id result": mark(
                "which rules were tried, how far it came, and the figures"
            ),
            "told_id told_at": mark("how far holders were told"),
        },
        Fate.KEEP,
        why=_WHO_RULED,
        actors=("asked_by",),
    ),
    Area(
        "programme_draft",
        mark("Drafts of rules you worked on"),
        _RULES,
        Basis.DUTY,
        Seen.STAFF,
        Lasts.RECORD,
        {
            "text status revision reason effective_on": mark("the rules, why, and from when"),
            "opened_at saved_at decided_at": mark("when it was begun, saved and decided"),
        },
        Fate.KEEP,
        why=_WHO_RULED,
        actors=("opened_by", "submitted_by", "decided_by"),
    ),
    Area(
        "benefit_use",
        mark("Benefits you booked for your organisation"),
        mark("giving each organisation what its stars bring, and no more"),
        Basis.CONTRACT,
        Seen.TEAM,
        Lasts.RECORD,
        {
            "entry quantity change at": mark("what was booked, used or given back"),
            "what wanted_on reason": mark("what for, and what was answered"),
        },
        Fate.KEEP,
        why=mark("It is the account of the organisation, whose lines are only ever added."),
        owner="by",
    ),
    Area(
        "complaint",
        mark("Complaints you answered for your organisation, opened or decided"),
        _CONDUCT,
        Basis.CONTRACT,
        Seen.TEAM,
        Lasts.RECORD,
        {
            "kind origin complainant text status opened_at revision": mark(
                "what is said, and where it stands"
            ),
            "answer_until answer answered_at": mark("the organisation's answer"),
            "decided_at reason confirmed_at remedied_at remedy": mark("what was decided, and why"),
            "appealed_at appeal appeal_until appeal_decided_at appeal_reason": mark(
                "the appeal and what came of it"
            ),
        },
        Fate.KEEP,
        why=_DECIDED,
        actors=(
            "opened_by",
            "answered_by",
            "decided_by",
            "confirmed_by",
            "remedied_by",
            "appealed_by",
            "appeal_decided_by",
        ),
    ),
    Area(
        "sanction",
        mark("Sanctions you proposed, decided or appealed against"),
        _CONDUCT,
        Basis.CONTRACT,
        Seen.TEAM,
        Lasts.RECORD,
        {
            "measure family stars reason_class reason status proposed_at lapses_at revision": mark(
                "what was proposed, and where it stands"
            ),
            "decided_at word": mark("what was decided, and why"),
            "appealed_at appeal appeal_until appeal_decided_at appeal_reason": mark(
                "the appeal and what came of it"
            ),
        },
        Fate.KEEP,
        why=_DECIDED,
        actors=("proposed_by", "decided_by", "appealed_by", "appeal_decided_by"),
    ),
    Area(
        "integrity_file",
        mark("Questions about an exam you sat"),
        mark("fair exams: figures that stand out are looked at by people, and you are heard"),
        Basis.CONTRACT,
        Seen.STAFF,
        Lasts.RECORD,
        {
            "kind figures opened_at status": mark("what stood out, and where it stands"),
            "proposed_at proposal answer_until statement stated_at": mark("what was proposed, and your word"),
            "decision decided_at reason": mark("what was decided, and why"),
        },
        Fate.EMPTY,
        why=_CHECKED,
        through=("sitting_id", "sitting"),
        actors=("proposed_by", "decided_by"),
        empty={"statement": ""},
    ),
    Area(
        "sitting_away",
        mark("Leaving the page of an exam"),
        mark("fair exams: figures that stand out are looked at by people, and you are heard"),
        Basis.CONTRACT,
        Seen.STAFF,
        Lasts.RECORD,
        {"times seconds": mark("how often and how long the page was not in front")},
        Fate.REMOVE,
        through=("sitting_id", "sitting"),
    ),
    Area(
        "paper_form",
        mark("Forms of exams you had made"),
        _EXAMS,
        Basis.CONTRACT,
        Seen.STAFF,
        Lasts.RECORD,
        {"number question_ids information status made_at": mark("the form, its figures and its state")},
        Fate.KEEP,
        why=_CHECKED,
        actors=("made_by",),
    ),
    Area(
        "answer",
        mark("Answers in exams"),
        _EXAMS,
        Basis.CONTRACT,
        Seen.STAFF,
        Lasts.RECORD,
        {
            "chosen text flagged revision saved_at first_at changes": mark(
                "what you chose or wrote, when, and how often you changed it"
            )
        },
        Fate.KEEP,
        why=_CHECKED,
        through=("sitting_id", "sitting"),
    ),
    Area(
        "sitting",
        mark("Exams you sat"),
        _EXAMS,
        Basis.CONTRACT,
        Seen.STAFF,
        Lasts.RECORD,
        {
            "part token seed drawn paper points pass_marks accommodation": mark(
                "your paper, and more time if you were given it"
            ),
            "started_at ends_at status handed_in_at timed_out": mark("when, and how it ended"),
            "score passed result": mark("your result"),
        },
        Fate.KEEP,
        why=_CHECKED,
        owner="person_id",
        secret=frozenset({"seed", "drawn"}),
    ),
    Area(
        "accommodation",
        mark("More time in exams"),
        _EXAMS,
        Basis.CONTRACT,
        Seen.STAFF,
        Lasts.RECORD,
        {"factor until given_at": mark("how much more time, until when"), "reason": mark("for which reason")},
        Fate.EMPTY,
        why=_CHECKED,
        owner="person_id",
        actors=("given_by",),
        empty={"reason": ""},
    ),
    Area(
        "mark",
        mark("Marks you gave"),
        _EXAMS,
        Basis.CONTRACT,
        Seen.STAFF,
        Lasts.RECORD,
        {"points note marked_at": mark("what you gave for an answer, and when")},
        Fate.KEEP,
        why=_CHECKED,
        actors=("marked_by",),
    ),
    Area(
        "bank_upload",
        mark("Files of questions you took in"),
        _EXAMS,
        Basis.CONTRACT,
        Seen.SELF,
        Lasts.ACCOUNT,
        {"name content uploaded_at": mark("the file, for a day at most")},
        Fate.REMOVE,
        owner="uploaded_by",
    ),
    Area(
        "question",
        mark("Questions you wrote"),
        _EXAMS,
        Basis.CONTRACT,
        Seen.STAFF,
        Lasts.RECORD,
        {
            "code version topic group level kind stem prompts options key accept case rubric points why": mark(
                "the question"
            ),
            "markup pictures enemies tags content_hash status": mark("its form and its state"),
        },
        Fate.KEEP,
        why=_CHECKED,
        actors=("written_by",),
    ),
    Area(
        "standard_rating",
        mark("Ratings for a pass mark"),
        mark("setting fair pass marks, and being able to say how"),
        Basis.CONTRACT,
        Seen.STAFF,
        Lasts.RECORD,
        {"round chance note saved_at": mark("how you rated a question as a judge, your remark, and when")},
        Fate.KEEP,
        why=mark("A pass mark that was set by judges must be explainable for as long as it counts."),
        owner="person_id",
    ),
    Area(
        "standard",
        mark("Judging sessions for a pass mark"),
        mark("setting fair pass marks, and being able to say how"),
        Basis.CONTRACT,
        Seen.STAFF,
        Lasts.RECORD,
        {
            "title questions status opened_at closed_at": mark("what was rated, and when"),
            "cut_share cut_error judges adopted_at reason": mark("the pass mark, and why it was adopted"),
        },
        Fate.KEEP,
        why=mark("A pass mark that was set by judges must be explainable for as long as it counts."),
        actors=("opened_by", "closed_by", "adopted_by"),
    ),
    Area(
        "credential",
        mark("Certificates"),
        mark("letting anybody check a certificate"),
        Basis.CONTRACT,
        Seen.PUBLIC,
        Lasts.RECORD,
        {
            "uuid number holder code programme_version scope score": mark(
                "what it certifies, and its number"
            ),
            "awarded_at valid_until status status_reason status_since": mark(
                "since when, until when, its state"
            ),
            "status_list status_index key_id source_kind source_id": mark("what is needed to check it"),
            "signed": mark(
                "the signed certificate, which can't be changed; it names you by a number and a salted hash of your address"
            ),
            "reminded_d": mark("which reminder of its end was sent last"),
            "name_public": mark("whether strangers read your whole name on its page"),
        },
        Fate.EMPTY,
        why=_CHECKED,
        owner="person_id",
        empty={"name_public": False},
    ),
    Area(
        "level_application",
        mark("Applications for a level"),
        mark("deciding on what an organisation hands in"),
        Basis.CONTRACT,
        Seen.STAFF,
        Lasts.RECORD,
        {"family stars statement tree applied_at": mark("what was applied for, and when")},
        Fate.KEEP,
        why=mark("It is the organisation's; the number of the account stays."),
        actors=("applied_by",),
    ),
]


def certificates(session: Session, person_id: int, now: datetime) -> list[Certificate]:
    """All but those that were replaced."""
    found = []
    for row in credentials_of_person(session, person_id):
        if row.status is not CredentialStatus.SUPERSEDED:
            entry = programme_at(session, row.awarded_at).certificate(row.code)
            title = {"zh": str(entry["zh"]), "en": str(entry["en"])}
            state = reads_as(row.status, row.valid_until, now)
            found.append(Certificate(row.uuid, title, state, row.valid_until, row.name_public))
    return found


def why_not_erase(session: Session, person_id: int) -> str | None:
    if open_sitting(session, person_id):
        return mark("You are sitting an exam. Hand it in, or let its time run out, first.")
    return None


def before_erasure(session: Session, person_id: int, revoke_them: bool, now: datetime) -> None:
    """Certificates stay as they are, unless their holder wants them revoked."""
    for row in credentials_of_person(session, person_id) if revoke_them else ():
        if row.status in (CredentialStatus.ACTIVE, CredentialStatus.SUSPENDED):
            revoke(session, row, "按本人要求撤销 / Revoked at the holder's own wish", by=None, now=now)
