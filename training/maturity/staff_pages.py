"""The ecosystem's maturity for staff: means, gains of cohorts between two quarters, over-claims."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.programme.rules import Programme
from portal.refusal import mark
from portal.web.html import get, html
from portal.web.viewer import staff, viewer_of
from training.maturity import queries
from training.maturity.actions import prerequisites_of
from training.maturity.quarters import Quarter, last_of_each, quarter_of, read_quarter
from training.maturity.questions import NAMES, Instrument, dimensions
from training.maturity.rules import Gain, counted, gain, means, over_claims, verified

MOST_SHOWN = 500
COHORTS = {
    "all": mark("All"),
    "provider": mark("Providers"),
    "brand": mark("Brands"),
    "stars": mark("Providers with 3★ and more"),
    "growing": mark("Providers below 3★"),
}


@dataclass(frozen=True)
class OverClaim:
    organisation_id: int
    name: str
    dimension: str
    claimed: float
    verified: float
    decided: bool  # a reviewer has accepted something; else nothing was handed in or accepted yet


@dataclass(frozen=True)
class Ecosystem:
    measured: int
    claimed: dict[str, float]
    verified: dict[str, float]
    gains: list[tuple[str, Gain]]  # cohort's name → gain
    over: list[OverClaim]


def _cohorts(rows: Mapping[int, queries.Measured]) -> dict[str, set[int]]:
    return {
        "all": set(rows),
        "provider": {k for k, r in rows.items() if r.kind == "provider"},
        "brand": {k for k, r in rows.items() if r.kind == "brand"},
        "stars": {k for k, r in rows.items() if r.kind == "provider" and r.stars >= 3},
        "growing": {k for k, r in rows.items() if r.kind == "provider" and r.stars < 3},
    }


def ecosystem(
    session: Session,
    instrument: Instrument,
    before: Quarter,
    after: Quarter,
    programme: Programme,
    now: datetime,
) -> Ecosystem:
    """Of those measured in `after`; verified as it stood at the end of a quarter, or stands now within it."""
    accepted = queries.accepted_by_organisation(session, instrument)
    rests_on = prerequisites_of(programme, instrument)
    by_quarter: dict[Quarter, dict[int, queries.Measured]] = {before: {}, after: {}}
    rows: dict[int, list[queries.Measured]] = {}
    for row in queries.measured_in(session, instrument, [before, after]):
        rows.setdefault(row.organisation_id, []).append(row)
    for organisation_id, own in rows.items():
        for quarter, row in last_of_each((r.taken_at, r) for r in own).items():
            by_quarter[quarter][organisation_id] = row
    proved = {
        quarter: {
            one: counted(
                verified(instrument, accepted.get(one, []), min(now, quarter.end - now.resolution)), rests_on
            )
            for one in measured
        }
        for quarter, measured in by_quarter.items()
    }
    there, most = by_quarter[after], programme.maturity["over_claim"]
    over = [
        OverClaim(
            one,
            row.name,
            key,
            row.counted[key],
            proved[after][one][key],
            any(a.dimension == key for a in accepted.get(one, [])),
        )
        for one, row in there.items()
        for key in over_claims(row.counted, proved[after][one], most)
    ]
    everybody = by_quarter[before] | there
    return Ecosystem(
        len(there),
        means([row.counted for row in there.values()]),
        means(list(proved[after].values())),
        [(COHORTS[k], gain(v, proved[before], proved[after])) for k, v in _cohorts(everybody).items()],
        sorted(over, key=lambda o: (not o.decided, o.verified - o.claimed, o.name))[:MOST_SHOWN],
    )


@get("/staff/maturity")
def maturity(request: Request, session: Session) -> Response[str]:
    now = clock.now()
    this = quarter_of(now)
    first = queries.first_measurement(session)
    oldest = quarter_of(first) if first else this
    quarters = [this.plus(-n) for n in range(12) if n < 2 or this.plus(-n) >= oldest]
    asked = request.query_params
    after = next((q for q in quarters if q == read_quarter(asked.get("to", ""))), this)
    before = next((q for q in quarters if q == read_quarter(asked.get("from", ""))), after.plus(-1))
    instrument = next((i for i in Instrument if i == asked.get("test")), Instrument.SEVEN)
    programme = viewer_of(request).programme
    return html(
        request,
        "maturity/staff.html",
        instrument=instrument,
        instruments=NAMES,
        dimensions={d.key: d.name for d in dimensions(instrument)},
        quarters=quarters,
        before=before,
        after=after,
        seen=ecosystem(session, instrument, before, after, programme, now),
        over_claim=programme.maturity["over_claim"],
    )


router = Router("/", route_handlers=[maturity], guards=[staff])
