"""Where an organisation stands on a questionnaire, claimed and verified; on its home page, when to measure again."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from portal.desk.parts import Part
from portal.ledger.models import Fact
from portal.programme.rules import Programme
from portal.web.viewer import Viewer
from training.maturity import queries
from training.maturity.actions import prerequisites_of
from training.maturity.models import Assessment, MaturityProof
from training.maturity.quarters import Quarter, last_of_each, quarter_of
from training.maturity.questions import Instrument
from training.maturity.rules import Suggestion, counted, over_claims, overall, suggestions, verified

WIDTH, HEIGHT, EDGE = 320, 120, 8  # of the drawing, in its own units


@dataclass(frozen=True)
class Point:
    quarter: Quarter
    claimed: float
    verified: float


@dataclass(frozen=True)
class Picture:
    """The last measurement against what is verified now. Scores are 0–100 and count after the prerequisites."""

    taken: list[Assessment]  # newest first
    verified: dict[str, float]
    proved: float  # overall
    over: list[str]  # dimensions that claim too much
    judged: frozenset[str]  # dimensions of which something was ever accepted
    actions: list[Suggestion]
    history: list[Point]  # the last measurement of each quarter, oldest first
    proofs: dict[str, MaturityProof]  # the newest of each dimension
    due: bool  # a quarter has begun since
    on_the_spot: Fact | None  # what staff saw of the Seven Onlines; a level counts the higher of the two

    @property
    def last(self) -> Assessment | None:
        return self.taken[0] if self.taken else None


def picture(
    session: Session, organisation_id: int, instrument: Instrument, programme: Programme, now: datetime
) -> Picture:
    taken = queries.assessments_of(session, organisation_id, instrument)
    proofs = queries.proofs_of(session, organisation_id, instrument)
    accepted = queries.accepted_of(proofs)
    rests_on = prerequisites_of(programme, instrument)
    proved = counted(verified(instrument, accepted, now), rests_on)
    last = taken[0] if taken else None
    history = [
        Point(quarter, row.overall, overall(counted(verified(instrument, accepted, at), rests_on)))
        for quarter, row in last_of_each((r.taken_at, r) for r in reversed(taken)).items()
        for at in (min(now, quarter.plus(1).start - now.resolution),)
    ]
    return Picture(
        taken,
        proved,
        overall(proved),
        over_claims(last.counted, proved, programme.maturity["over_claim"]) if last else [],
        frozenset(a.dimension for a in accepted),
        suggestions(instrument, last.answers, rests_on) if last else [],
        history,
        {p.dimension: p for p in reversed(proofs)},
        last is not None and last.taken_at < quarter_of(now).start,
        queries.seen_on_the_spot(session, organisation_id, now) if instrument is Instrument.SEVEN else None,
    )


def line(values: list[float]) -> str:
    """0–100 as the points of a polyline, even steps from left to right."""
    step = (WIDTH - 2 * EDGE) / max(1, len(values) - 1)
    high = HEIGHT - 2 * EDGE
    return " ".join(f"{EDGE + n * step:.1f},{EDGE + high * (1 - v / 100):.1f}" for n, v in enumerate(values))


def part(session: Session, viewer: Viewer, now: datetime) -> Part | None:
    """Once an organisation has measured itself."""
    acting = viewer.organisation
    if acting is None or not viewer.may("self_assess"):
        return None
    seen = picture(session, acting.id, Instrument.SEVEN, viewer.programme, now)
    if seen.last is None:
        return None
    return Part("maturity/home.html", {"seen": seen, "quarter": quarter_of(now)}, side=True)
