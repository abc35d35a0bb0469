"""What departures contribute to the home page and the staff desk."""

from datetime import datetime

from sqlmodel import Session

from portal.departures import queries
from portal.departures.rules import REMEMBERED_FOR, SHOWN_FOR
from portal.desk.parts import Clock, DeskLine, Next, Part
from portal.refusal import mark
from portal.web.viewer import Viewer


def _running(session: Session, viewer: Viewer, now: datetime) -> list[tuple[datetime, str, str, int]]:
    """(until, person, path, lines) of the lists that are not closed, first the one that runs out first."""
    if viewer.organisation is None or not viewer.may("team"):
        return []
    return sorted(
        (departure.handover_due_at, name, f"/my/team/{departure.employment_id}/handover", lines)
        for departure, name, lines in queries.departures_of(session, viewer.organisation.id, now - SHOWN_FOR)
        if departure.handover_due_at and lines and departure.escalated_at is None
    )


def next_step(session: Session, viewer: Viewer, now: datetime) -> Next | None:
    """Somebody left something open."""
    for _until, name, path, lines in _running(session, viewer, now):
        return Next(
            mark("Hand over what %(person)s left open"),
            mark(
                "%(lines)s lines need a colleague. What nobody takes in time goes to the longest-standing owner."
            ),
            path,
            mark("Open the list"),
            {"person": name, "lines": lines},
        )
    return None


def clocks(session: Session, viewer: Viewer, now: datetime) -> list[Clock]:
    found = [
        Clock(
            until,
            mark("Hand over what %(person)s left open; after that it goes to the longest-standing owner."),
            path,
            {"person": name},
        )
        for until, name, path, _ in _running(session, viewer, now)
    ]
    if viewer.organisation and viewer.may("team"):
        found += [
            Clock(
                check.due_at,
                mark("Say whether %(email)s still works here; after that the link ends."),
                "/my/team",
                {"email": check.email},
            )
            for check in queries.checks_of(session, viewer.organisation.id).values()
        ]
    return found


def left_part(session: Session, viewer: Viewer, now: datetime) -> Part | None:
    """For who has just left: their certificates are theirs."""
    if viewer.organisation is not None:
        return None
    last = queries.last_departure(session, viewer.person_id, now - REMEMBERED_FOR)
    return Part("departures/left.html", {"departure": last[0], "organisation": last[1]}) if last else None


def desk_lines(session: Session, viewer: Viewer, now: datetime) -> list[DeskLine]:
    if not viewer.is_staff:
        return []
    since = now - SHOWN_FOR
    return [
        DeskLine(
            mark("Departures that the client denied"),
            queries.denied(session, since),
            "/staff/departures",
            mark("in the last 90 days: the organisation said that the client had hired the person"),
        ),
        DeskLine(
            mark("Handovers that went to an owner by themselves"),
            queries.escalated(session, since),
            "/staff/departures",
            mark("in the last 90 days: nobody took them in time"),
        ),
    ]


def responsible(
    session: Session,
    viewer: Viewer,
    kind: str,
    subject_id: int,
    person_id: int | None,
    now: datetime,
    *,
    right: str | None,
) -> dict[str, object]:
    """Who answers for something, and to whom it may be given: for `departures/responsible.html`.

    `right`: what whoever takes it over must hold; None once it is over.
    """
    organisation_id = viewer.organisation.id if viewer.organisation else 0
    colleagues = queries.colleagues_of(session, organisation_id, now)
    able = queries.holding(viewer.programme, right, colleagues) if right and viewer.may("team") else []
    return {
        "kind": kind,
        "subject_id": subject_id,
        "name": next((c.name for c in colleagues if c.person_id == person_id), None),
        "able": {str(c.person_id): c.name for c in able if c.person_id != person_id},
    }
