"""Everything the portal tells people: one catalogue of kinds, and which of them may be muted."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from portal.refusal import mark

KEPT_FOR = timedelta(days=180)  # once read
TIP_EVERY, LOOK_EVERY = timedelta(days=7), timedelta(days=1)


class Class(StrEnum):
    ACCOUNT = "account"  # mail only: links that open the account
    ACTIVE = "active"  # mail and portal: clocks run, or something was decided
    SEMI = "semi"  # may be muted, by mail and in the portal


@dataclass(frozen=True)
class NoticeKind:
    name: str  # catalogue key, as the other two
    why: str  # why one gets it
    kind: Class


_ASKED = mark("You get this mail because somebody used this address on Yuqiao to sign up or sign in.")
_OWNER = mark("You get this because you are an owner of your organisation; what is decided can't be muted.")


def reminder_due(until: datetime, told: int | None, days: Sequence[int], now: datetime) -> int | None:
    """How many days before its end one is told now; None before the first of `days` and when that one was told."""
    due = min((d for d in days if until - timedelta(days=d) <= now < until), default=None)
    return due if due is not None and (told is None or due < told) else None


# Template in templates/mail → what it is. A house test holds the two together.
_SEAT = mark("You get this because you have a seat in the session or wait for one.")
CATALOGUE: dict[str, NoticeKind] = {
    "accounts/already": NoticeKind(mark("Signing up twice"), _ASKED, Class.ACCOUNT),
    "accounts/confirm": NoticeKind(mark("Confirming your address"), _ASKED, Class.ACCOUNT),
    "accounts/reset": NoticeKind(mark("A new password"), _ASKED, Class.ACCOUNT),
    "accounts/identity": NoticeKind(mark("Proving a mailbox"), _ASKED, Class.ACCOUNT),
    "accounts/changed": NoticeKind(
        mark("Changes of how you sign in"),
        mark("You get this because it is about your own account; it can't be muted."),
        Class.ACTIVE,
    ),
    "organisations/invitation": NoticeKind(
        mark("Invitation to an organisation"),
        mark(
            "You get this mail because an organisation on Yuqiao entered this address. Nothing else is sent to it."
        ),
        Class.ACCOUNT,
    ),
    "cases/confirm": NoticeKind(
        mark("Confirming a case as its client"),
        mark(
            "You get this mail because a service provider named you as its client. Nothing else is sent to you."
        ),
        Class.ACCOUNT,
    ),
    "cases/answered": NoticeKind(mark("The client's answer to a case"), _OWNER, Class.ACTIVE),
    "cases/decided": NoticeKind(mark("Decision on a case"), _OWNER, Class.ACTIVE),
    "departures/left": NoticeKind(mark("Somebody left"), _OWNER, Class.ACTIVE),
    "departures/escalated": NoticeKind(mark("A handover ran out of time"), _OWNER, Class.ACTIVE),
    "departures/owners": NoticeKind(mark("Does somebody still work with you?"), _OWNER, Class.ACTIVE),
    "departures/ended": NoticeKind(
        mark("Your link to an organisation has ended"),
        mark("You get this because the link was yours; it is sent once."),
        Class.ACTIVE,
    ),
    "departures/check": NoticeKind(
        mark("Do you still work there?"),
        mark(
            "You get this because you count for an organisation with this mailbox; a clock runs on your answer."
        ),
        Class.ACTIVE,
    ),
    "departures/client": NoticeKind(
        mark("Whether you have hired somebody"),
        mark(
            "You get this mail because an organisation on Yuqiao named you as its client. Nothing else is sent to you."
        ),
        Class.ACCOUNT,
    ),
    "verification/decided": NoticeKind(mark("Decision on your verification"), _OWNER, Class.ACTIVE),
    "verification/reminder": NoticeKind(mark("Days left to verify"), _OWNER, Class.ACTIVE),
    "verification/frozen": NoticeKind(mark("Frozen without verification"), _OWNER, Class.ACTIVE),
    "profile/decided": NoticeKind(mark("Decision on a change of names"), _OWNER, Class.ACTIVE),
    "profile/capacity": NoticeKind(
        mark("Capacity runs out"),
        mark("You get this because you are an owner of your organisation and one step is open."),
        Class.SEMI,
    ),
    "maturity/decided": NoticeKind(mark("Decision on evidence of maturity"), _OWNER, Class.ACTIVE),
    "maturity/quarter": NoticeKind(
        mark("A new quarter to measure"),
        mark("You get this because you are an owner of your organisation and one step is open."),
        Class.SEMI,
    ),
    "group/link": NoticeKind(mark("Links between organisations"), _OWNER, Class.ACTIVE),
    "mergers/news": NoticeKind(mark("Mergers of organisations"), _OWNER, Class.ACTIVE),
    "leaving/export": NoticeKind(mark("An export is ready"), _OWNER, Class.ACTIVE),
    "leaving/left": NoticeKind(mark("The organisation has left"), _OWNER, Class.ACTIVE),
    "domains/lost": NoticeKind(mark("A domain is no longer proved"), _OWNER, Class.ACTIVE),
    "domains/prove": NoticeKind(
        mark("Proving a domain"),
        mark("You get this mail because an organisation on Yuqiao says that this domain is its own."),
        Class.ACCOUNT,
    ),
    "credentials/issued": NoticeKind(
        mark("A certificate is issued"),
        mark("You get this because the certificate is yours or your organisation's; it is sent once."),
        Class.ACTIVE,
    ),
    "programme/changed": NoticeKind(mark("New rules, and what changes for you"), _OWNER, Class.ACTIVE),
    "levels/news": NoticeKind(mark("Your level moves or ends"), _OWNER, Class.ACTIVE),
    "credentials/again": NoticeKind(
        mark("A certificate is issued again"),
        mark("You get this because the certificate is yours or your organisation's; it is sent once."),
        Class.ACTIVE,
    ),
    "credentials/ending": NoticeKind(
        mark("A certificate of yours ends soon"),
        mark("You get this because the certificate is yours: 90, 60, 30, 7 days and 1 day before it ends."),
        Class.ACTIVE,
    ),
    "benefits/answered": NoticeKind(
        mark("A booking of yours is answered"),
        mark("You get this because you booked a benefit of your organisation; it is sent once."),
        Class.ACTIVE,
    ),
    "conduct/complaint": NoticeKind(mark("Complaints about your organisation"), _OWNER, Class.ACTIVE),
    "conduct/sanction": NoticeKind(mark("Sanctions against your organisation"), _OWNER, Class.ACTIVE),
    "exams/marked": NoticeKind(
        mark("An exam of yours is marked"),
        mark("You get this because people marked your answers; it is sent once."),
        Class.ACTIVE,
    ),
    "lessons/decided": NoticeKind(
        mark("A lesson you wrote is decided on"),
        mark("You get this because you wrote in the version last; it is sent once a decision."),
        Class.ACTIVE,
    ),
    "tasks/assigned": NoticeKind(
        mark("A training task for you"),
        mark("You get this because your organisation, or the staff, asks you to learn or do something."),
        Class.ACTIVE,
    ),
    "tasks/due": NoticeKind(
        mark("A training task is due"),
        mark(
            "You get this because a task of yours has a deadline: 7 days and 1 day before, on the day, and after it."
        ),
        Class.ACTIVE,
    ),
    "tasks/said": NoticeKind(
        mark("A task is said to be done"),
        mark("You get this because you answer for the task: you look, and confirm it or send it back."),
        Class.ACTIVE,
    ),
    "tasks/escalated": NoticeKind(mark("A training task lies overdue"), _OWNER, Class.ACTIVE),
    "live/seat": NoticeKind(
        mark("A seat in a live session"),
        mark("You get this because you asked for a seat and one fell free; it is sent once."),
        Class.ACTIVE,
    ),
    "live/changed": NoticeKind(mark("A live session has changed"), _SEAT, Class.ACTIVE),
    "live/cancelled": NoticeKind(mark("A live session is cancelled"), _SEAT, Class.ACTIVE),
    "live/reminder": NoticeKind(mark("A live session within a day"), _SEAT, Class.ACTIVE),
    "cohorts/answer": NoticeKind(mark("The answer to an application for a cohort"), _OWNER, Class.ACTIVE),
    "awards/news": NoticeKind(mark("News of a nomination for an award"), _OWNER, Class.ACTIVE),
    "integrity/asked": NoticeKind(
        mark("Your word on a sitting is wanted"),
        mark("You get this because the sitting is yours; a clock runs on your answer."),
        Class.ACTIVE,
    ),
    "integrity/decided": NoticeKind(
        mark("The question about a sitting is settled"),
        mark("You get this because the sitting is yours and you were asked about it; it is sent once."),
        Class.ACTIVE,
    ),
    "briefs/brand": NoticeKind(
        mark("News of your brief"),
        mark("You get this because you wrote the brief; a clock runs on what it asks of you."),
        Class.ACTIVE,
    ),
    "briefs/provider": NoticeKind(
        mark("News of an invitation"),
        mark("You get this because you are an owner of the provider; a clock runs on what it asks of you."),
        Class.ACTIVE,
    ),
    "people/contact": NoticeKind(
        mark("A letter by your page"),
        mark("You get this because your page has an open form for letters. You close it on “My page”."),
        Class.ACTIVE,
    ),
    "privacy/export": NoticeKind(
        mark("Your data are ready"),
        mark("You get this because you asked for your data."),
        Class.ACTIVE,
    ),
    "privacy/erasure": NoticeKind(
        mark("Your account will be erased"),
        mark("You get this because the erasure of your account was asked for."),
        Class.ACTIVE,
    ),
    "notices/tip": NoticeKind(
        mark("The next step, once a week"),
        mark("You get this because you are an owner of your organisation and one step is open."),
        Class.SEMI,
    ),
}
SEMI = {key: kind for key, kind in CATALOGUE.items() if kind.kind is Class.SEMI}


def ways(kind: NoticeKind, *, by_mail: bool, in_portal: bool) -> tuple[bool, bool]:
    """(by mail, in the portal) for a person with that choice. Only what may be muted listens to it."""
    if kind.kind is Class.SEMI:
        return by_mail, in_portal
    return True, kind.kind is Class.ACTIVE


def without_letter(text: str, greeting: str, url: str) -> str:
    """A mail's words as a notice shows them: no greeting, no address, for a button leads there."""
    lines = [line for line in text.splitlines() if line.strip() not in (greeting, url)]
    paragraphs = "\n".join(lines).strip().split("\n\n")
    kept = "\n\n".join(p.strip() for p in paragraphs if p.strip())
    if kept.endswith((":", "：")):
        kept = kept[:-1] + ("。" if kept.endswith("：") else ".")
    return kept[:1].upper() + kept[1:]


def tip_is_due(looked_at: datetime | None, sent_at: datetime | None, now: datetime) -> bool:
    """At most one a week, looked for at most once a day."""
    looked = looked_at is not None and looked_at > now - LOOK_EVERY
    told = sent_at is not None and sent_at > now - TIP_EVERY
    return not looked and not told


def unsubscribe_code(secret: str, person_id: int, kind: str) -> str:
    """Opens nothing but muting that kind for that person: person, kind and a signature, to be written in an address."""
    return f"{person_id}.{kind.replace('/', '-')}.{_signature(secret, person_id, kind)}"


def read_unsubscribe_code(secret: str, code: str) -> tuple[int, str] | None:
    """(person, kind) when the signature is right and the kind may be muted."""
    person, _, rest = code.partition(".")
    name, _, signature = rest.partition(".")
    kind = next((key for key in SEMI if key.replace("/", "-") == name), None)
    if kind is None or not (
        person.isascii() and person.isdigit() and len(person) < 10 and signature.isascii()
    ):
        return None
    right = hmac.compare_digest(signature, _signature(secret, int(person), kind))
    return (int(person), kind) if right else None


def _signature(secret: str, person_id: int, kind: str) -> str:
    return hmac.new(secret.encode(), f"unsubscribe:{person_id}:{kind}".encode(), hashlib.sha256).hexdigest()[
        :32
    ]
