"""A level moves as its facts ask, with its credentials, and every move is a row that says why."""

from datetime import timedelta

import pytest
from sqlmodel import select

from certification.credentials.keyring import ensure_keys
from certification.credentials.models import Credential
from certification.credentials.queries import set_bits
from certification.credentials.rules import CredentialStatus
from certification.standing import actions, jobs
from certification.standing.models import Level
from certification.standing.rules import Family, LevelStatus
from portal import clock
from portal.app import put_together
from portal.history.models import History
from portal.ledger.actions import end_facts
from portal.ledger.queries import changes_waiting
from portal.ledger.rules import FactKind
from portal.organisations.actions import end_employment
from portal.organisations.queries import open_employment
from portal.organisations.rules import Ending, Trust
from portal.refusal import Refused
from tests.certification.ledger import CLIENTS, K, fact, three_stars, write
from tests.factories import employ, make_organisation, make_person

START = clock.now()


def later(days: float):
    return START + timedelta(days=days)


@pytest.fixture
def held(session):
    """An organisation with three stars and exactly the people that it needs for them, two of them."""
    put_together()
    ensure_keys(START)
    at = later(-60)
    owner = make_person(session, "Owner")
    organisation = make_organisation(session, owner=owner, at=at)
    colleague = make_person(session, "Colleague")
    employ(session, organisation, colleague, at=at)
    people = [owner.id, colleague.id]
    facts = [f for f in three_stars(at=START, people=2) if f.kind not in (K.RESPONSE, K.RENEWAL)]
    write(session, organisation, facts, people)
    actions.grant_level(session, organisation.id, Family.OPERATOR, 3, "after review", by=None, now=later(-10))
    session.flush()
    return organisation, owner, colleague


def level(session, organisation) -> Level:
    return session.exec(select(Level).where(Level.organisation_id == organisation.id)).one()


def credentials(session, organisation) -> list[tuple[str, str]]:
    rows = session.exec(
        select(Credential).where(Credential.organisation_id == organisation.id).order_by(Credential.id)
    )
    return [(row.code, row.status.value) for row in rows]


def verbs(session, organisation) -> list[str]:
    rows = session.exec(
        select(History)
        .where(History.organisation_id == organisation.id, History.subject_kind == "level")
        .order_by(History.id)
    )
    return [row.verb for row in rows]


def recompute(session, organisation, days: float) -> str:
    actions.recompute(session, organisation.id, "operator", now=later(days))
    session.flush()
    return level(session, organisation).status.value


def leave(session, person, days: float) -> None:
    end_employment(session, open_employment(session, person.id), Ending.LEFT, by=person.id, now=later(days))
    session.flush()


def test_nothing_moves_while_everything_is_met(session, held):
    organisation, *_ = held
    revision = level(session, organisation).revision
    for days in (0, 1, 10):
        assert recompute(session, organisation, days) == "active"
    assert level(session, organisation).revision == revision
    assert verbs(session, organisation) == ["level granted"]


def test_at_risk_probation_and_the_fall(session, held):
    organisation, _, colleague = held
    leave(session, colleague, 0)
    assert recompute(session, organisation, 0) == "at_risk"
    row = level(session, organisation)
    assert (row.status_since, row.status_until) == (later(0), later(60))  # the grace of people
    assert row.reason == "持证运营人员 / Certified operators"
    assert credentials(session, organisation) == [("operator-3", "active")]
    for days in (0, 1, 29.9):
        assert recompute(session, organisation, days) == "at_risk"
    assert recompute(session, organisation, 30) == "probation"
    assert level(session, organisation).status_until == later(60)
    assert recompute(session, organisation, 59.9) == "probation"
    assert credentials(session, organisation) == [("operator-3", "active")]
    assert recompute(session, organisation, 60) == "downgraded"
    assert credentials(session, organisation) == [("operator-3", "revoked")]
    assert recompute(session, organisation, 61) == "downgraded"
    assert verbs(session, organisation) == [
        "level granted",
        "level: risk",
        "level: probation",
        "level: downgrade",
    ]
    [credential] = session.exec(select(Credential).where(Credential.organisation_id == organisation.id))
    assert credential.status_index in set_bits(session, credential.status_list)


@pytest.mark.parametrize("until", ["at_risk", "probation"])
def test_it_recovers_at_any_time(session, held, until):
    organisation, _, colleague = held
    leave(session, colleague, 0)
    recompute(session, organisation, 0)
    if until == "probation":
        recompute(session, organisation, 30)
    assert level(session, organisation).status.value == until
    new = make_person(session, "New")
    employ(session, organisation, new, at=later(31))
    write(
        session,
        organisation,
        [
            fact(K.CERTIFICATE, 0, person=1, until=-500, code="P1", at=later(31)),
            fact(K.TRAINING, 0, person=1, hours=16, module="x", at=later(31)),
        ],
        [new.id],
    )
    assert recompute(session, organisation, 32) == "active"
    row = level(session, organisation)
    assert (row.status_until, row.stars) == (None, 3)
    assert credentials(session, organisation) == [("operator-3", "active")]
    assert verbs(session, organisation)[-1] == "level: recover"


def test_it_falls_to_the_level_that_is_met(session, held):
    organisation, *_ = held
    actions.grant_level(session, organisation.id, Family.OPERATOR, 4, "after review", by=None, now=later(-5))
    assert credentials(session, organisation) == [("operator-3", "superseded"), ("operator-4", "active")]
    assert recompute(session, organisation, 0) == "at_risk"
    end = level(session, organisation).status_until
    half = (end - START) / 2 / timedelta(days=1)
    assert recompute(session, organisation, half) == "probation"
    assert recompute(session, organisation, 2 * half) == "active"
    row = level(session, organisation)
    assert (row.stars, row.awarded_at) == (3, end)
    assert credentials(session, organisation) == [
        ("operator-3", "superseded"),
        ("operator-4", "superseded"),
        ("operator-3", "active"),
    ]


def test_a_silent_portal_still_gives_the_whole_way_down(session, held):
    """A sweep that ran late makes every move on the way, each a row of its own."""
    organisation, _, colleague = held
    leave(session, colleague, 0)
    assert recompute(session, organisation, 0) == "at_risk"
    assert recompute(session, organisation, 90) == "downgraded"
    assert verbs(session, organisation)[1:] == ["level: risk", "level: probation", "level: downgrade"]


def test_it_renews_itself_when_all_is_met(session, held):
    organisation, *_ = held
    row = level(session, organisation)
    awarded = row.awarded_at
    row.valid_until = later(1)
    session.flush()
    assert recompute(session, organisation, 0.5) == "active"
    assert credentials(session, organisation) == [("operator-3", "active")]
    assert recompute(session, organisation, 2) == "active"
    row = level(session, organisation)
    assert (row.valid_until, row.awarded_at, row.reason) == (
        later(2 + 365),
        awarded,
        "renewed: everything is met",
    )
    assert credentials(session, organisation) == [("operator-3", "superseded"), ("operator-3", "active")]


def test_suspended_and_back(session, held):
    organisation, *_ = held
    by = make_person(session, "Staff").id
    actions.move_trust(session, organisation, "suspend", "a proven duplicate", by=by, now=later(1))
    assert (organisation.trust, level(session, organisation).status) == (
        Trust.SUSPENDED,
        LevelStatus.SUSPENDED,
    )
    assert credentials(session, organisation) == [("operator-3", "suspended")]
    [credential] = session.exec(select(Credential).where(Credential.organisation_id == organisation.id))
    assert credential.status_index in set_bits(session, credential.status_list)
    assert recompute(session, organisation, 2) == "suspended"
    with pytest.raises(Refused):
        actions.move_trust(session, organisation, "suspend", "again", by=by, now=later(3))
    actions.move_trust(session, organisation, "reinstate", "mended", by=by, now=later(4))
    assert (organisation.trust, level(session, organisation).status) == (Trust.VERIFIED, LevelStatus.ACTIVE)
    assert credentials(session, organisation) == [("operator-3", "superseded"), ("operator-3", "active")]
    with pytest.raises(Refused):
        actions.move_trust(session, organisation, "reinstate", "again", by=by, now=later(5))


@pytest.mark.parametrize("trust", [Trust.PROVISIONAL, Trust.FROZEN, Trust.CLOSED])
def test_only_who_is_verified_is_suspended(session, trust):
    organisation = make_organisation(session, trust=trust)
    with pytest.raises(Refused):
        actions.move_trust(session, organisation, "suspend", "why", by=None, now=START)
    assert organisation.trust is trust


def test_whoever_shows_levels_is_told_in_the_same_transaction(session, held, monkeypatch):
    from portal.desk.parts import CONTRIBUTIONS

    organisation, _, colleague = held
    told = []
    monkeypatch.setattr(
        CONTRIBUTIONS,
        "level_changed",
        [lambda _s, i, _now: told.append((i, level(session, organisation).status.value))],
    )
    leave(session, colleague, 0)
    recompute(session, organisation, 0)
    recompute(session, organisation, 1)
    assert told == [(organisation.id, "at_risk")]


def test_the_sweep_computes_what_was_written_about_and_nothing_twice(session, held, monkeypatch):
    organisation, _, colleague = held
    leave(session, colleague, -1)
    session.commit()
    monkeypatch.setattr(jobs, "_last", [])
    jobs.sweep_levels()
    session.expire_all()
    assert level(session, organisation).status is LevelStatus.AT_RISK
    jobs.sweep_levels()  # the level, a fact itself, has been written meanwhile
    session.expire_all()
    assert changes_waiting(session) == {}
    revision = level(session, organisation).revision
    done = []
    monkeypatch.setattr(jobs, "recompute", lambda *arguments, **_: done.append(arguments))
    jobs.sweep_levels()
    session.expire_all()
    assert (level(session, organisation).revision, done) == (revision, [])


def test_a_retracted_fact_counts_no_more(session, held):
    organisation, *_ = held
    from portal.ledger.actions import retract_facts
    from portal.ledger.queries import facts_of

    cases = [f for f in facts_of(session, organisation.id) if f.kind == K.CASE_PUBLISHED]
    for f in cases:
        retract_facts(session, source=(f.source_kind, f.source_id), reason="forged", by=None, now=later(1))
    session.flush()
    assert recompute(session, organisation, 2) == "at_risk"
    assert "已发布案例" in level(session, organisation).reason
    tree = actions.tree_of(session, organisation.id, "operator", 3, now=later(0.5))
    assert tree.metric("cases_published_24m").value == 3


def test_a_certificate_that_is_replaced_counts_once(session, held):
    organisation, owner, _ = held
    from certification.credentials.actions import award_certificate

    for days in (1, 2):
        award_certificate(session, owner.id, "P1", source=("test", 1), by=None, now=later(days))
        session.flush()
    tree = actions.tree_of(session, organisation.id, "operator", 3, now=later(3))
    assert tree.metric("staff_certified").value == 2
    rows = session.exec(select(Credential).where(Credential.person_id == owner.id).order_by(Credential.id))
    assert [row.status for row in rows] == [CredentialStatus.SUPERSEDED, CredentialStatus.ACTIVE]
    assert end_facts(session, FactKind.CERTIFICATE, source=("nothing", 1), at=START) == 0


def test_two_families_move_apart(session, held):
    organisation, _, colleague = held
    actions.grant_level(session, organisation.id, Family.ISV, 3, "after review", by=None, now=later(-5))
    leave(session, colleague, 0)
    assert recompute_isv(session, organisation, 0) == "at_risk"
    rows = {
        row.family.value: row.status.value
        for row in session.exec(select(Level).where(Level.organisation_id == organisation.id))
    }
    assert rows == {"operator": "active", "isv": "at_risk"}
    assert len(CLIENTS) == 12


def recompute_isv(session, organisation, days: float) -> str:
    actions.recompute(session, organisation.id, "isv", now=later(days))
    session.flush()
    return (
        session.exec(
            select(Level).where(Level.organisation_id == organisation.id, Level.family == Family.ISV)
        )
        .one()
        .status.value
    )
