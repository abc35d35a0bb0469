"""Small makers of things tests need. Plain functions; everything they make is valid."""

import itertools
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlmodel import Session
from stdnum.cn import uscc

from certification.standing.models import Level
from certification.standing.rules import PUBLIC, Family, LevelStatus
from portal import clock
from portal.accounts.actions import digest, open_session
from portal.accounts.models import Person, StaffAppointment
from portal.accounts.queries import viewer_of_session
from portal.accounts.rules import StaffRole
from portal.ledger.actions import write_fact
from portal.ledger.rules import FactKind
from portal.organisations.actions import join, set_roles
from portal.organisations.models import Employment, Organisation, Storefront
from portal.organisations.rules import Kind, Role, Trust
from portal.programme.queries import programme_at
from portal.seasons.actions import announce
from portal.seasons.models import Season
from portal.seasons.queries import season_at
from portal.seasons.rules import Phase, dated
from portal.web.viewer import Viewer

_numbers = itertools.count(1)


def credit_code(n: int | None = None) -> str:
    """A well-formed credit code that no other test has."""
    body = f"91310000MA{next(_numbers) if n is None else n:07d}"
    return body + uscc.calc_check_digit(body)


def make_person(
    session: Session,
    name: str = "Lin Zhixia",
    *,
    email: str | None = None,
    staff: StaffRole | None = None,
    confirmed: bool = True,
    language: str = "en",
) -> Person:
    now = clock.now()
    person = Person(
        uuid=str(uuid4()),
        email=email or f"person{next(_numbers)}@example.com",
        name=name,
        password_hash="-",
        language=language,
        created_at=now,
        confirmed_at=now if confirmed else None,
    )
    session.add(person)
    session.flush()
    if staff:
        session.add(StaffAppointment(person_id=person.id, role=staff, since=now))
        session.flush()
    return person


def make_organisation(
    session: Session,
    name: str = "Xiaoman",
    *,
    kind: Kind = Kind.PROVIDER,
    trust: Trust = Trust.VERIFIED,
    owner: Person | None = None,
    at: datetime | None = None,
    **fields: object,
) -> Organisation:
    """An organisation with its owner (made when not given), verified unless told otherwise, with a complete storefront for a provider."""
    now = at or clock.now()
    values: dict = {
        "slug": f"yq-test-{next(_numbers)}",
        "legal_name": f"{name} Co., Ltd",
        "short_name": name,
        "credit_code": credit_code(),
        "province": "shanghai",
        "city": "上海",
        "industries": ["pets"],
        "capabilities": ["community", "membership"],
        "directions": ["operation"] if kind is Kind.PROVIDER else [],
    }
    organisation = Organisation(
        kind=kind,
        trust=trust,
        created_at=now,
        verified_at=now if trust is Trust.VERIFIED else None,
        **(values | fields),
    )
    session.add(organisation)
    session.flush()
    employ(session, organisation, owner or make_person(session), role=Role.OWNER, at=now)
    if kind is Kind.PROVIDER:
        session.add(
            Storefront(
                organisation_id=organisation.id,
                headline="Private domain for pet brands",
                modes=["full"],
                fee_model="monthly",
                price_low=50_000,
                price_high=90_000,
                exclusions="Advertising spend",
                languages=["zh"],
                capacity=3,
                capacity_confirmed_at=now,
            )
        )
    if trust is Trust.VERIFIED:
        write_fact(
            session,
            FactKind.ORGANISATION_VERIFIED,
            organisation_id=organisation.id,
            source=("organisation", organisation.id),
            now=now,
        )
    session.flush()
    return organisation


def employ(
    session: Session,
    organisation: Organisation,
    person: Person,
    *,
    role: Role | Sequence[Role] = Role.LEARNER,
    at: datetime | None = None,
) -> Employment:
    now = at or clock.now()
    employment = Employment(
        organisation_id=organisation.id,
        email=person.email,
        invited_at=now,
        expires_at=now + timedelta(days=14),
    )
    session.add(employment)
    session.flush()
    roles = [role] if isinstance(role, Role) else role
    set_roles(session, employment, dict.fromkeys(roles), by=person.id or 0, now=now)
    join(session, employment, person, now=now)
    return employment


def viewer_for(session: Session, person: Person) -> Viewer:
    """Whom the pages would see."""
    token = open_session(session, person, browser="test", now=clock.now(), second_factor=True)
    session.flush()
    viewer = viewer_of_session(session, digest(token), clock.now())
    assert viewer is not None
    return viewer


def hold_level(
    session: Session,
    organisation: Organisation,
    stars: int = 3,
    *,
    family: Family = Family.OPERATOR,
    status: LevelStatus = LevelStatus.ACTIVE,
    **fields: Any,
) -> Level:
    """A level with the stars that it gives, without a credential or a decision."""
    now = clock.now()
    values = {"awarded_at": now, "valid_until": now + timedelta(days=365), "status_since": now} | fields
    level = Level(organisation_id=organisation.id, family=family, stars=stars, status=status, **values)
    session.add(level)
    if status in PUBLIC:
        organisation.stars = max(organisation.stars, stars)
    session.flush()
    return level


def open_phase(session: Session, *keys: str, days: int = 90) -> Season:
    """A season in which these phases are open from so many days ago for so many to come, and every other is over."""
    now = clock.now()
    today = clock.today(now)
    span = timedelta(days=days)
    phases = [
        Phase(p.key, p.name, today - span, today + span)
        if p.key in keys
        else Phase(p.key, p.name, today - span, today - timedelta(days=2))
        for p in dated(programme_at(session, now).season["phases"], today.year)
    ]
    present = season_at(session, now)
    return announce(session, present.year if present else today.year, phases, now=now)
