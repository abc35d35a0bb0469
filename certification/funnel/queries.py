"""The events behind the funnel: the record of changes, and the ledger's facts."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session, col, func, select

from certification.funnel.rules import Path, two_stars_since
from portal.history.models import History
from portal.ledger.models import Fact
from portal.ledger.queries import facts_of_all
from portal.ledger.rules import FactKind, FactRow
from portal.organisations.models import Organisation

_EVER = datetime(1970, 1, 1, tzinfo=UTC)


def paths(session: Session, kind: str | None = None) -> list[Path]:
    """Every organisation's way, or those of one kind; five queries however many there are."""
    asked = select(Organisation.id)
    if kind:
        asked = asked.where(Organisation.kind == kind)
    wanted = set(session.exec(asked))
    registered = _first(session, "organisation registered", History.subject_id)
    granted = _first(session, "level granted", History.organisation_id)
    verified = dict(
        session.exec(
            select(Fact.organisation_id, func.min(Fact.true_from))
            .where(Fact.kind == FactKind.ORGANISATION_VERIFIED, col(Fact.retracted_at).is_(None))
            .group_by(col(Fact.organisation_id))
        ).all()
    )
    facts: dict[int | None, list[FactRow]] = defaultdict(list)
    certificates: dict[int | None, list[FactRow]] = defaultdict(list)
    for fact in facts_of_all(session, [FactKind.CERTIFICATE], _EVER):
        certificates[fact.person_id].append(fact)
    for fact in facts_of_all(session, [FactKind.EMPLOYMENT], _EVER):
        facts[fact.organisation_id] += [fact, *certificates[fact.person_id]]
    return [
        Path(i, at, verified.get(i), two_stars_since(facts[i], verified.get(i)), granted.get(i))
        for i, at in sorted(registered.items())
        if i in wanted
    ]


def _first(session: Session, verb: str, whose: Any) -> dict[int, datetime]:
    """Organisation → when it first happened to it."""
    return dict(
        session.exec(select(whose, func.min(History.at)).where(History.verb == verb).group_by(whose)).all()
    )
