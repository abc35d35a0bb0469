"""Before a certificate or a level ends one is told on the programme's days, once each, and not when it would renew itself."""

from datetime import timedelta

import pytest
from sqlmodel import select

from certification.credentials import jobs as certificate_jobs
from certification.credentials.actions import award_certificate
from certification.credentials.keyring import ensure_keys
from certification.standing import jobs as level_jobs
from certification.standing.models import Level
from certification.standing.rules import LevelStatus
from portal import clock
from portal.app import put_together
from portal.mail.models import Mail
from tests.factories import hold_level, make_organisation, make_person

DAY = timedelta(days=1)


@pytest.fixture
def ahead(monkeypatch):
    """`ahead(days)`: the portal's clock, and a sweep that has not run in this hour."""
    put_together()
    start = clock.now()
    ensure_keys(start)

    def go(days: float):
        now = start + days * DAY
        monkeypatch.setattr(clock, "now", lambda: now)
        monkeypatch.setattr(certificate_jobs, "_last", [])
        monkeypatch.setattr(level_jobs, "_last", [])
        return now

    return go


def subjects(session, to: str) -> list[str]:
    session.expire_all()
    return [m.subject for m in session.exec(select(Mail).where(Mail.to_address == to).order_by(Mail.id))]


def test_a_certificate_says_five_times_that_it_ends(session, ahead):
    person = make_person(session, "Holder", language="en")
    credential = award_certificate(session, person.id, "P1", source=("test", 1), by=None, now=clock.now())
    session.commit()
    length = (credential.valid_until - clock.now()).days + 1
    for left, count in ((100, 0), (89, 1), (80, 1), (59, 2), (29, 3), (6, 4), (0.9, 5), (0.5, 5), (-1, 5)):
        ahead(length - left)
        for _ in range(2):
            certificate_jobs.sweep_certificates()
        told = [s for s in subjects(session, person.email) if s.startswith("Ends on")]
        assert len(told) == count, left
    assert told[0].endswith("Private-domain operator") or ": " in told[0]


def test_a_certificate_that_was_replaced_says_nothing(session, ahead):
    person = make_person(session, "Holder", language="en")
    old = award_certificate(session, person.id, "P1", source=("test", 1), by=None, now=clock.now())
    award_certificate(session, person.id, "P1", source=("test", 2), by=None, now=clock.now() + 300 * DAY)
    session.commit()
    ahead((old.valid_until - clock.now()).days - 20)
    certificate_jobs.sweep_certificates()
    assert [s for s in subjects(session, person.email) if s.startswith("Ends on")] == []


@pytest.mark.parametrize(("status", "mails"), [(LevelStatus.ACTIVE, 0), (LevelStatus.AT_RISK, 1)])
def test_a_level_says_so_only_while_something_is_missing(session, ahead, monkeypatch, status, mails):
    owner = make_person(session, "Owner", language="en")
    organisation = make_organisation(session, owner=owner)
    level = hold_level(session, organisation, 3, status=status)
    level.valid_until = clock.now() + 80 * DAY
    session.commit()
    monkeypatch.setattr(level_jobs, "compute_due", lambda _now: None)  # the level stays as it is
    for days in (0, 0.1, 1):
        ahead(days)
        level_jobs.sweep_levels()
    told = [s for s in subjects(session, owner.email) if s.startswith("Ends on")]
    assert len(told) == mails
    assert session.exec(select(Level.reminded_d)).one() == (90 if mails else None)
