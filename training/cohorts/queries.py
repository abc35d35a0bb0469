"""Cohorts, applications, and what the record says of those who applied."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from portal.ledger.queries import facts_of_all, facts_of_people
from portal.ledger.rules import FactKind, FactRow
from portal.organisations.models import Employment, Organisation
from portal.organisations.rules import EmploymentStatus, Kind, Trust
from portal.programme.rules import Programme
from training.cohorts.models import Cohort, CohortApplication
from training.cohorts.rules import Applied, Inputs, Status
from training.maturity.actions import prerequisites_of
from training.maturity.queries import accepted_by_organisation
from training.maturity.questions import Instrument
from training.maturity.rules import SUBJECT as MATURITY
from training.maturity.rules import counted, overall, verified
from training.tracks.models import ModuleProgress
from training.tracks.rules import State, current_path, paths_of

YEAR = timedelta(days=365)
FAMILIES = {"operator": "staff_certified", "isv": "staff_developer"}


def cohort_locked(session: Session, cohort_id: int) -> Cohort | None:
    return session.exec(
        select(Cohort)
        .where(Cohort.id == cohort_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


@dataclass(frozen=True)
class Counted:
    cohort: Cohort
    numbers: dict[str, int]
    own: CohortApplication | None = None

    def n(self, *states: str) -> int:
        return sum(self.numbers.get(state, 0) for state in states)


def every_cohort(session: Session, organisation_id: int | None = None, limit: int = 100) -> list[Counted]:
    """The latest first, with how many applied and, for an organisation, its own application."""
    cohorts = session.exec(
        select(Cohort).order_by(col(Cohort.apply_from).desc(), col(Cohort.id).desc()).limit(limit)
    ).all()
    numbers: dict[int, dict[str, int]] = defaultdict(dict)
    for cohort_id, status, n in session.exec(
        select(CohortApplication.cohort_id, CohortApplication.status, func.count()).group_by(
            col(CohortApplication.cohort_id), col(CohortApplication.status)
        )
    ):
        numbers[cohort_id][status] = n
    own: dict[int, CohortApplication] = {}
    if organisation_id is not None:
        rows = session.exec(
            select(CohortApplication).where(CohortApplication.organisation_id == organisation_id)
        )
        own = {row.cohort_id: row for row in rows}
    return [Counted(c, numbers[c.id or 0], own.get(c.id or 0)) for c in cohorts]


@dataclass(frozen=True)
class Applicant:
    application: CohortApplication
    organisation: Organisation


def applicants(session: Session, cohort_id: int) -> list[Applicant]:
    """By the place of the order, then as they applied."""
    rows = session.exec(
        select(CohortApplication, Organisation)
        .join(Organisation, col(CohortApplication.organisation_id) == col(Organisation.id))
        .where(CohortApplication.cohort_id == cohort_id)
        .order_by(
            col(CohortApplication.place).is_(None),
            col(CohortApplication.place),
            col(CohortApplication.applied_at),
            col(CohortApplication.id),
        )
    )
    return [Applicant(*row) for row in rows]


def application_of(session: Session, cohort_id: int, organisation_id: int) -> CohortApplication | None:
    return session.exec(
        select(CohortApplication).where(
            CohortApplication.cohort_id == cohort_id, CohortApplication.organisation_id == organisation_id
        )
    ).first()


def open_applications(session: Session, organisation_id: int) -> list[CohortApplication]:
    """Those that run: applied, waiting or taken in."""
    return list(
        session.exec(
            select(CohortApplication)
            .where(
                CohortApplication.organisation_id == organisation_id,
                col(CohortApplication.status).in_((Applied.APPLIED, Applied.WAITING, Applied.CHOSEN)),
            )
            .order_by(col(CohortApplication.id))
        )
    )


def lowest_chosen(session: Session, cohort_id: int) -> float | None:
    return session.exec(
        select(func.min(CohortApplication.score)).where(
            CohortApplication.cohort_id == cohort_id,
            col(CohortApplication.status).in_((Applied.CHOSEN, Applied.FINISHED)),
        )
    ).one()


def to_choose(session: Session, now: datetime) -> int:
    """Cohorts whose time to apply is over."""
    return session.exec(
        select(func.count())
        .select_from(Cohort)
        .where(Cohort.status == Status.PLANNED, Cohort.apply_until <= now)
    ).one()


def ended(session: Session, now: datetime) -> list[int]:
    rows = session.exec(select(Cohort.id).where(Cohort.status == Status.CHOSEN, Cohort.ends_at <= now))
    return [i for i in rows if i is not None]


# What is known of those who applied: eight queries however many they are


def inputs_of(
    session: Session,
    organisations: Sequence[Organisation],
    programme: Programme,
    now: datetime,
    *,
    leave_out: int | None = None,
) -> dict[int, Inputs]:
    """Organisation → what the score is made from. `leave_out`: the cohort that is being chosen."""
    ids = [o.id or 0 for o in organisations]
    if not ids:
        return {}
    heads: dict[int, list[int]] = defaultdict(list)
    for organisation_id, person_id in session.exec(
        select(Employment.organisation_id, Employment.person_id)
        .where(
            col(Employment.organisation_id).in_(ids),
            Employment.status == EmploymentStatus.CONFIRMED,
            col(Employment.person_id).is_not(None),
        )
        .order_by(col(Employment.id))
    ):
        heads[organisation_id].append(person_id or 0)
    people = sorted({p for team in heads.values() for p in team})
    hours: dict[int, float] = defaultdict(float)
    held: dict[int, set[str]] = defaultdict(set)
    for fact in facts_of_people(session, people) if people else []:
        _count(fact, hours, held, now)
    states: dict[int, dict[str, State]] = defaultdict(dict)
    for person_id, module, finished, shortened in session.exec(
        select(
            ModuleProgress.person_id,
            ModuleProgress.module,
            ModuleProgress.finished_at,
            ModuleProgress.shortened_at,
        ).where(col(ModuleProgress.person_id).in_(people))
    ):
        if finished or shortened:
            states[person_id][module] = State.FINISHED if finished else State.SHORTENED
    maturity = _verified(session, ids, programme, now)
    last = _last_cohorts(session, ids, leave_out)
    places = _certified(session)
    found = {}
    for o in organisations:
        team, gates = heads[o.id or 0], _gates(o, programme)
        since = last.get(o.id or 0)
        found[o.id or 0] = Inputs(
            maturity.get(o.id or 0, 0.0),
            gates["maturity_verified"],
            sum(hours[p] for p in team) / len(team) if team else 0.0,
            gates["training_hours_per_head_12m"],
            int(gates["heads"]),
            tuple(_progress(programme, _family(o), states[p], held[p]) for p in team),
            max(0, (now - (o.verified_at or now)).days),
            len(team),
            max(0, (now - since).days) if since else None,
            _fellows(o, places),
        )
    return found


def _count(fact: FactRow, hours: dict[int, float], held: dict[int, set[str]], now: datetime) -> None:
    if not fact.known(now) or fact.true_from > now or fact.person_id is None:
        return
    if fact.kind == FactKind.TRAINING and fact.true_from > now - YEAR:
        hours[fact.person_id] += float(fact.value["hours"])
    elif fact.kind == FactKind.CERTIFICATE and fact.holds(now):
        held[fact.person_id].add(str(fact.value["code"]))


def _family(organisation: Organisation) -> str:
    return "isv" if organisation.directions == ["tools"] else "operator"


def _gates(organisation: Organisation, programme: Programme) -> dict[str, float]:
    """What the next public level asks for. Hours and maturity are the operators' metrics; others are held to them."""
    star = str(min(5, max(3, organisation.stars + 1)))

    def gate(family: str, key: str) -> float:
        metrics = programme["families"][family]["metrics"]
        return float(next((m["levels"][star][0] for m in metrics if m["key"] == key), 0))

    family = _family(organisation)
    return {
        "maturity_verified": gate("operator", "maturity_verified"),
        "training_hours_per_head_12m": gate("operator", "training_hours_per_head_12m"),
        "heads": gate(family, FAMILIES[family]),
    }


def _progress(programme: Programme, family: str, states: dict[str, State], held: set[str]) -> float:
    """1 with a certificate that counts at the gate; else how far the next one has come."""
    wanted = {
        c["code"]
        for c in programme["personal_certificates"]
        if c["family"] in (family, "both") and c["counts_as"] == FAMILIES[family]
    }
    if wanted & held:
        return 1.0
    path = current_path([p for p in paths_of(programme, states) if p.code in wanted], held)
    return path.share if path else 0.0


def _verified(
    session: Session, ids: Collection[int], programme: Programme, now: datetime
) -> dict[int, float]:
    """The higher of what reviewers accepted and what staff saw on the spot, as a level counts it."""
    rests_on = prerequisites_of(programme, Instrument.SEVEN)
    accepted = accepted_by_organisation(session, Instrument.SEVEN)
    found = {
        one: overall(counted(verified(Instrument.SEVEN, accepted.get(one, []), now), rests_on)) for one in ids
    }
    for fact in facts_of_all(session, [FactKind.MATURITY_VERIFIED], now):
        one = fact.organisation_id
        if one in found and fact.source_kind != MATURITY and fact.holds(now) and fact.known(now):
            found[one] = max(found[one], float(fact.value["score"]))
    return found


def _last_cohorts(session: Session, ids: Collection[int], leave_out: int | None) -> dict[int, datetime]:
    """When each was last in a cohort: its end, or when it dropped out."""
    rows = session.exec(
        select(CohortApplication.organisation_id, CohortApplication.ended_at, Cohort.ends_at)
        .join(Cohort, col(CohortApplication.cohort_id) == col(Cohort.id))
        .where(
            col(CohortApplication.organisation_id).in_(ids),
            col(CohortApplication.status).in_((Applied.CHOSEN, Applied.FINISHED, Applied.DROPPED)),
            Cohort.id != leave_out,
        )
    )
    last: dict[int, datetime] = {}
    for one, ended_at, ends_at in rows:
        at = ended_at or ends_at
        last[one] = max(at, last.get(one, at))
    return last


def _certified(session: Session) -> list[tuple[int, str, list[str]]]:
    """(organisation, province, industries) of providers with 3★ and more."""
    return [
        (i or 0, province, list(industries))
        for i, province, industries in session.exec(
            select(Organisation.id, Organisation.province, Organisation.industries).where(
                Organisation.kind == Kind.PROVIDER,
                Organisation.trust == Trust.VERIFIED,
                Organisation.stars >= 3,
            )
        )
    ]


def _fellows(organisation: Organisation, places: list[tuple[int, str, list[str]]]) -> int:
    others = [(p, i) for one, p, i in places if one != organisation.id]
    counts = [sum(organisation.province == p for p, _ in others)] if organisation.province else []
    counts += [sum(leaf in i for _, i in others) for leaf in organisation.industries]
    return min(counts, default=len(others))


def verified_at(session: Session, programme: Programme, at: datetime) -> dict[int, dict[str, float]]:
    """Organisation → dimension → 0–100, of all who ever had evidence accepted."""
    rests_on = prerequisites_of(programme, Instrument.SEVEN)
    return {
        one: counted(verified(Instrument.SEVEN, accepted, at), rests_on)
        for one, accepted in accepted_by_organisation(session, Instrument.SEVEN).items()
    }
