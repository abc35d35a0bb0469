"""The clock of an open nomination, the lines of the staff desk, the winners on the season's page."""

from datetime import datetime

from sqlmodel import Session

from casebook.awards import queries
from casebook.awards.rules import Status
from portal.desk.parts import Clock, DeskLine, Part
from portal.programme.queries import programme_at
from portal.refusal import mark
from portal.seasons.queries import every_season, gate
from portal.web.viewer import Viewer


def clocks(session: Session, viewer: Viewer, now: datetime) -> list[Clock]:
    acting = viewer.organisation
    if acting is None or acting.kind != "provider" or not viewer.may("award"):
        return []
    found = gate(session, "nomination", now, organisation_id=acting.id)
    if not found.open or found.until is None:
        return []
    return [Clock(found.until, mark("Nominations for the awards close"), "/my/awards")]


def desk_lines(session: Session, viewer: Viewer, now: datetime) -> list[DeskLine]:
    lines = []
    if viewer.may("staff_award"):
        fallen = sum(status is Status.WON for _, status in queries.fallen(session))
        lines = [
            DeskLine(mark("Nominations to check"), queries.to_check(session), "/staff/awards"),
            DeskLine(mark("Objections to answer"), queries.unanswered(session), "/staff/awards"),
            DeskLine(
                mark("Winners to confirm"),
                queries.proposed_by_others(session, viewer.person_id),
                "/staff/awards",
                mark("proposed by somebody else"),
            ),
            DeskLine(
                mark("Awards whose case fell"),
                fallen,
                "/staff/awards",
                mark("hidden in public until they are revoked"),
            ),
        ]
    if viewer.may("staff_jury") and gate(session, "jury", now).open:
        awards = [a["key"] for a in viewer.programme.season["awards"] if a["jury"]]
        waiting = sum(own is None for _, own in queries.for_juror(session, viewer.person_id, awards))
        lines.append(DeskLine(mark("Nominations to score as a juror"), waiting, "/staff/jury"))
    return lines


def season_part(session: Session, now: datetime) -> Part | None:
    """Awards of past seasons, and where to read how they are scored."""
    programme = programme_at(session, now)
    return Part(
        "awards/past.html",
        {
            "winners": queries.winners(session),
            "awards": {a["key"]: a for a in programme.season["awards"]},
            "seasons": [s for s in every_season(session) if s.starts_at <= now],
        },
    )
