"""What cases contribute to a provider's home page."""

from datetime import datetime

from sqlmodel import Session

from casebook.cases.queries import case_waiting, own_cases, unpublished_cases
from casebook.cases.rules import Status, normal_client
from portal.desk.parts import Next, Part, Possible
from portal.ledger.rules import FactKind
from portal.organisations.rules import Kind
from portal.refusal import mark
from portal.web.viewer import Viewer

_NEXT = {
    Status.CLIENT_CONFIRMED: (
        mark("Hand in your case"),
        mark("The client has confirmed “%(title)s”. Reviewers decide within ten working days."),
        mark("Open the case"),
    ),
    Status.DISPUTED: (
        mark("The client disputes a number"),
        mark(
            "In “%(title)s” one number at least differs from the client's. Mend it and send the case again."
        ),
        mark("See what is disputed"),
    ),
    Status.CHANGES_ASKED: (
        mark("Answer what the reviewers asked"),
        mark("“%(title)s” needs more before it can be published; each item says what."),
        mark("See what is asked"),
    ),
    Status.DRAFT: (
        mark("Finish your case"),
        mark("“%(title)s” is still a draft. Published cases and confirmed outcomes carry most of a level."),
        mark("Go on writing"),
    ),
}
SHOWN = 5


def next_step(session: Session, viewer: Viewer, _now: datetime) -> Next | None:
    acting = viewer.organisation
    if acting is None or acting.kind != Kind.PROVIDER or not viewer.may("draft"):
        return None
    waiting = case_waiting(session, acting.id)
    if waiting is None or (waiting[2] is Status.CLIENT_CONFIRMED and not viewer.may("submit")):
        return None
    title, text, button = _NEXT[waiting[2]]
    return Next(title, text, f"/my/cases/{waiting[0]}", button, {"title": waiting[1]})


def part(session: Session, viewer: Viewer, _now: datetime) -> Part | None:
    """The organisation's cases with their state."""
    acting = viewer.organisation
    if acting is None or acting.kind != Kind.PROVIDER:
        return None
    rows = own_cases(session, acting.id, limit=SHOWN + 1)
    return Part("cases/home.html", {"rows": rows[:SHOWN], "more": len(rows) > SHOWN})


def possible(session: Session, organisation_id: int) -> list[Possible]:
    """Each case that is not published yet, as the fact it would be."""
    return [
        Possible(
            f"case-{case_id}",
            mark("“%(title)s” is published"),
            {"title": title},
            FactKind.CASE_PUBLISHED,
            {"client": normal_client(client), "named": named, "case_id": case_id},
        )
        for case_id, title, client, named in unpublished_cases(session, organisation_id)
    ]
