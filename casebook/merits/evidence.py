"""From the ledger, the cases and the briefs to what awards are scored from. A fixed number of queries for any number."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from sqlmodel import Session

from casebook.awards.rules import Inputs
from casebook.cases.models import Case
from casebook.cases.rules import LESSON_MIN
from casebook.cases.rules import Status as CaseStatus
from casebook.merits.queries import Field, certified_field, won_briefs
from certification.standing.evidence import Evidence, gate_values, read
from portal.ledger.queries import facts_of_many
from portal.ledger.rules import FactKind, FactRow
from portal.organisations.models import Organisation
from portal.organisations.rules import Trust
from portal.programme.rules import Programme

YEAR = timedelta(days=365)
ALIKE = 2  # capabilities that two cases share

Pair = tuple[Organisation, Case | None]


def inputs_of(session: Session, programme: Programme, pairs: Sequence[Pair], now: datetime) -> list[Inputs]:
    """In the order of `pairs`: an organisation with the case that is nominated, or None. Four queries."""
    ids = sorted({o.id or 0 for o, _ in pairs})
    if not ids:
        return []
    facts = facts_of_many(session, ids)
    won = won_briefs(session, ids, now - YEAR, now)
    field = certified_field(session, programme)
    evidence = {i: Evidence(facts[i], now, programme.content) for i in ids}
    return [
        _one(programme, o, case, evidence[o.id or 0], won.get(o.id or 0, []), field, now) for o, case in pairs
    ]


def _one(
    programme: Programme,
    organisation: Organisation,
    case: Case | None,
    e: Evidence,
    won: Sequence[Any],
    field: Field,
    now: datetime,
) -> Inputs:
    targets = programme.season["award_targets"]
    gates = gate_values(e, "operator")

    def value(key: str) -> float:
        return read(e, {"key": key}, 3)[0]

    few = targets["scarce_below"]
    values: dict[str, Any] = {
        "maturity": value("maturity_verified"),
        "dimensions": len(
            {f.value["dimension"] for f in e.holding(FactKind.MATURITY_VERIFIED) if "dimension" in f.value}
        ),
        "hours": value("training_hours_per_head_12m"),
        "cases": int(value("cases_published_24m")),
        "attested": int(value("outcomes_attested_12m")),
        "reviews": value("reviews_bayes_18m"),
        "reviewers": len({f.value.get("client") for f in e.within(FactKind.REVIEW, timedelta(days=548))[0]}),
        "answered": value("response_sla_rate_90d"),
        "renewal": value("renewal_rate_24m"),
        "small": sum(b.budget_high is not None and b.budget_high <= targets["small_budget"] for b in won),
        "province": sum(field.provinces[b.province] < few for b in won if b.province),
        "industry": sum(field.serving(programme, b.industry) < few for b in won if b.industry),
        "conduct": gates["conduct_min"],
        "major_open": int(gates["major_open_max"]),
        "stars": organisation.stars,
        "verified": organisation.trust is Trust.VERIFIED,
        "verified_d": (now - organisation.verified_at).days if organisation.verified_at else 0,
    }
    return Inputs(**values | (_of_case(case, organisation, e, now) if case else {}))


def _of_case(case: Case, organisation: Organisation, e: Evidence, now: datetime) -> dict[str, Any]:
    outcomes = [f for f in e.holding(FactKind.OUTCOME_ATTESTED) if f.value.get("case_id") == case.id]
    reached = [float(f.value["attainment"]) for f in outcomes if f.value.get("attainment") is not None]
    reviews = [
        f
        for f in e.holding(FactKind.REVIEW)
        if (f.source_kind, f.source_id) == ("case_confirmation", case.confirmation_id)
    ]
    published = e.holding(FactKind.CASE_PUBLISHED)
    own = [f for f in published if (f.source_kind, f.source_id) == ("case", case.id)]
    alike = _alike(case, own, published)
    return {
        "attainment": median(reached) if reached else 0.0,
        "rating": float(reviews[-1].value["rating"] or 0) if reviews else 0.0,
        "outcomes": len(outcomes),
        "sop": bool(case.sop_version),
        "lesson": len(case.failed_first.strip()) >= LESSON_MIN,
        "systems": bool(case.systems),
        "age_d": (now - case.published_at).days if case.published_at else 0,
        "clients_alike": len({f.value.get("client") for f in alike}),
        "industries_alike": len({f.value["industry"] for f in [*own, *alike] if f.value.get("industry")}),
        "case_stands": (
            case.organisation_id == organisation.id
            and case.status is CaseStatus.PUBLISHED
            and case.confirmation_id is not None
            and bool(own)
            and bool(outcomes)
        ),
    }


def _alike(case: Case, own: Sequence[FactRow], published: Sequence[FactRow]) -> list[FactRow]:
    """Published cases for other clients that share capabilities with this one."""
    clients = {f.value.get("client") for f in own}
    return [
        f
        for f in published
        if f.value.get("client") not in clients
        and len(set(f.value.get("capabilities", [])) & set(case.capabilities)) >= ALIKE
    ]
