"""What stars bring is granted with them, and its account never goes below nothing."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from certification.benefits import actions, jobs, queries
from certification.benefits.models import BenefitGrant, BenefitUse
from certification.benefits.rules import FREES, MOVES, Entry, Measure, brought, kept, measure_of, period_of
from certification.credentials.keyring import ensure_keys
from certification.standing.actions import move_trust, note_stars
from portal import clock
from portal.accounts.rules import StaffRole
from portal.app import put_together
from portal.history.models import History
from portal.mail.models import Mail
from portal.organisations.rules import Kind, Trust
from portal.programme.queries import programme_at
from portal.refusal import Refused
from tests.factories import employ, hold_level, make_organisation, make_person

YEAR = clock.now().year
NOON = datetime(YEAR, 11, 20, 4, tzinfo=UTC)


@pytest.fixture(autouse=True)
def together():
    put_together()
    ensure_keys(clock.now())


def provider(session, stars: int = 4, *, at: datetime = NOON):
    owner = make_person(session, "Owner")
    organisation = make_organisation(session, owner=owner, at=at - timedelta(days=90))
    organisation.stars = stars
    session.flush()
    actions.follow_stars(session, organisation.id, at)
    return organisation, owner


def grant(session, organisation, key: str, period: str | None = None) -> BenefitGrant:
    query = select(BenefitGrant).where(
        BenefitGrant.organisation_id == organisation.id, BenefitGrant.key == key
    )
    if period is not None:
        query = query.where(BenefitGrant.period == period)
    return session.exec(query.order_by(BenefitGrant.id.desc())).first()


def figures(row: BenefitGrant) -> tuple[int, int, int]:
    return row.entitled, row.amount, row.taken


def stars(session, organisation, n: int, at: datetime) -> None:
    organisation.stars = n
    session.flush()
    actions.follow_stars(session, organisation.id, at)


def booking(session, row: BenefitGrant, quantity: int, *, by: int, at: datetime, organisation) -> int:
    return actions.book(session, organisation, row, quantity, "For a client", None, by=by, now=at).id


def settle(session, use_id: int, move: str, *, by: int, at: datetime) -> None:
    actions.settle(session, queries.booking_of(session, use_id), move, "because of it", by=by, now=at)


# ——— Rules ———


@pytest.mark.parametrize(
    ("measure", "day", "period"),
    [
        (Measure.YEAR, date(2026, 12, 31), ("2026", date(2026, 1, 1), date(2027, 1, 1))),
        (Measure.SEASON, date(2026, 8, 1), ("S2026", date(2026, 8, 1), date(2027, 8, 1))),
        (Measure.SEASON, date(2026, 7, 31), ("S2025", date(2025, 8, 1), date(2026, 8, 1))),
        (Measure.STANDING, date(2026, 7, 31), ("", date(2026, 7, 31), None)),
    ],
)
def test_periods(measure, day, period):
    found = period_of(measure, day, "08-01")
    assert (found.name, found.starts, found.ends) == period


def test_every_benefit_of_the_programme_is_understood(session):
    from certification.benefits.pages import CLASSES
    from certification.benefits.rules import UNITS, WORDS

    for benefit in programme_at(session, clock.now())["benefits"]:
        assert benefit["class"] in CLASSES
        for n in range(1, 6):
            amount, value = brought(benefit, n)
            assert not (amount and value)
            if amount:
                assert measure_of(benefit["unit"]) is not Measure.VALUE
                assert benefit["unit"] in UNITS
            if value and not value.isdigit():
                assert value in WORDS
    assert brought({"unit": "per year", "stars": {"4": 1}}, 3) == (0, "")


@given(st.integers(0, 50), st.integers(0, 50))
def test_what_is_taken_stays_and_nothing_beyond(entitled, taken):
    assert kept(entitled, taken) == (max(entitled, taken))


def test_a_booking_ends_once():
    assert {entry for entry, _ in MOVES} == {Entry.BOOKED, Entry.USED}
    assert set(FREES) == {e for e in MOVES.values() if e is not Entry.USED}


# ——— Following the stars ———


def test_a_rise_counts_on_and_a_fall_keeps_what_is_taken(session):
    organisation, owner = provider(session, 4)
    clinic = grant(session, organisation, "tech_clinic")
    assert (figures(clinic), clinic.period, clinic.ends_at) == (
        (12, 12, 0),
        str(YEAR),
        datetime(YEAR, 12, 31, 16, tzinfo=UTC),
    )
    first = booking(session, clinic, 7, by=owner.id, at=NOON, organisation=organisation)
    stars(session, organisation, 5, NOON)
    assert figures(clinic) == (24, 24, 7)
    stars(session, organisation, 3, NOON)
    assert figures(clinic) == (4, 7, 7)
    with pytest.raises(Refused) as refused:
        booking(session, clinic, 1, by=owner.id, at=NOON, organisation=organisation)
    assert str(refused.value) == "Only 0 are left."
    settle(session, first, "cancel", by=owner.id, at=NOON)
    assert figures(clinic) == (4, 4, 0)  # what is freed comes back only as far as three stars bring it
    assert grant(session, organisation, "mdf").amount == 0
    account = queries.account(session, organisation.id, clinic.id)
    assert [(line.entry.value, line.change) for line in account] == [
        ("granted", 12),
        ("booked", -7),
        ("raised", 12),
        ("shrunk", -17),
        ("cancelled", 7),
        ("shrunk", -3),
    ]


def test_stars_and_benefits_change_in_one_transaction(session):
    organisation = make_organisation(session)
    note_stars(session, organisation.id, now=NOON + timedelta(days=30))
    assert organisation.stars == 1
    assert figures(grant(session, organisation, "exam_vouchers")) == (2, 2, 0)
    assert grant(session, organisation, "api_quota").value == "1000"
    assert grant(session, organisation, "tech_clinic") is None
    assert actions.follow_stars(session, make_organisation(session, kind=Kind.BRAND).id, NOON) is None


def test_a_suspension_freezes_and_a_reinstatement_thaws(session):
    organisation, owner = provider(session, 3, at=clock.now())
    hold_level(session, organisation, 3)
    now = clock.now()
    clinic = grant(session, organisation, "tech_clinic")
    booking(session, clinic, 2, by=owner.id, at=now, organisation=organisation)
    move_trust(session, organisation, "suspend", "because", by=None, now=now)
    assert (clinic.frozen_at, figures(clinic)) == (now, (4, 4, 2))
    organisation.trust = Trust.VERIFIED  # even if the door stood open
    with pytest.raises(Refused, match="frozen"):
        booking(session, clinic, 1, by=owner.id, at=now, organisation=organisation)
    organisation.trust = Trust.SUSPENDED
    session.flush()
    move_trust(session, organisation, "reinstate", "mended", by=None, now=now)
    assert (clinic.frozen_at, figures(clinic)) == (None, (4, 4, 2))
    move_trust(session, organisation, "close", "its wish", by=None, now=now)
    assert figures(clinic) == (0, 0, 0)
    verbs = session.exec(
        select(History.verb).where(History.subject_kind == "benefits").order_by(History.id)
    ).all()
    assert verbs == [
        "benefits follow the stars",
        "benefit booked",
        "benefits frozen",
        "benefits thawed",
        "booking cancelled",
        "benefits follow the stars",
    ]


def test_periods_roll_over_and_what_is_deferred_lives_on(session):
    organisation, owner = provider(session, 4)
    clinic = grant(session, organisation, "tech_clinic")
    waits = booking(session, clinic, 2, by=owner.id, at=NOON, organisation=organisation)
    later = actions.defer(session, organisation, clinic, 5, by=owner.id, now=NOON)
    assert (figures(clinic), figures(later)) == ((12, 12, 7), (5, 5, 0))
    assert later.ends_at == clinic.ends_at + timedelta(days=90)
    with pytest.raises(Refused):
        actions.defer(session, organisation, later, 1, by=owner.id, now=NOON)
    with pytest.raises(Refused):
        actions.defer(
            session, organisation, grant(session, organisation, "sandbox"), 1, by=owner.id, now=NOON
        )
    new_year = clinic.ends_at
    with pytest.raises(Refused, match="over"):
        booking(session, clinic, 1, by=owner.id, at=new_year, organisation=organisation)
    actions.follow_stars(session, organisation.id, new_year)
    assert (figures(clinic), clinic.closed_at) == ((12, 12, 12), new_year)
    assert figures(grant(session, organisation, "tech_clinic", str(YEAR + 1))) == (12, 12, 0)
    settle(session, waits, "cancel", by=owner.id, at=new_year)
    assert figures(clinic) == (12, 12, 12)  # what comes back to a period that is over has expired
    stars(session, organisation, 3, new_year)
    assert figures(later) == (5, 5, 0)  # a fall takes nothing of it
    booking(session, later, 4, by=owner.id, at=new_year, organisation=organisation)
    actions.follow_stars(session, organisation.id, later.ends_at)
    assert (figures(later), later.closed_at) == ((5, 5, 5), later.ends_at)


def test_without_the_stars_nothing_is_deferred(session):
    organisation, owner = provider(session, 2)
    with pytest.raises(Refused):
        actions.defer(
            session, organisation, grant(session, organisation, "exam_vouchers"), 1, by=owner.id, now=NOON
        )


def test_the_sweep_grants_to_whoever_has_nothing_yet_and_then_rests(session, monkeypatch):
    organisation = make_organisation(session)
    organisation.stars = 3
    session.commit()
    for left in (1, 0):
        version = str(programme_at(session, clock.now())["version"])
        assert queries.out_of_date(session, version, clock.now()) == [organisation.id] * left
        monkeypatch.setattr(jobs, "_last", [])
        jobs.sweep_benefits()
        session.expire_all()
    assert figures(grant(session, organisation, "tech_clinic")) == (4, 4, 0)


STEPS = st.one_of(
    st.tuples(st.just("book"), st.integers(1, 9)),
    st.tuples(st.sampled_from(["cancel", "use", "decline", "return"]), st.integers(0, 9)),
    st.tuples(st.just("stars"), st.integers(1, 5)),
    st.tuples(st.just("trust"), st.sampled_from(["suspend", "reinstate"])),
    st.tuples(st.just("defer"), st.integers(1, 5)),
    st.tuples(st.just("days"), st.integers(1, 150)),
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["tech_clinic", "sandbox", "live_training"]),
    st.integers(1, 5),
    st.lists(STEPS, min_size=4, max_size=14),
)
def test_whatever_happens_the_account_holds(session, key, first, steps):
    """Never negative; no more taken than there was when it was taken; the sum of the account is what is left."""
    organisation, owner = provider(session, first)
    now, bookings = NOON, []
    for step, value in steps:
        row = grant(session, organisation, key)
        was_left = row.left if row and not row.closed_at else 0
        try:
            with session.begin_nested():
                if step == "stars":
                    stars(session, organisation, value, now)
                elif step == "trust":
                    move_trust(session, organisation, value, "because", by=None, now=now)
                elif step == "days":
                    now += timedelta(days=value)
                    actions.follow_stars(session, organisation.id, now)
                elif step == "book" and row:
                    bookings.append(
                        booking(session, row, value, by=owner.id, at=now, organisation=organisation)
                    )
                    assert value <= was_left
                elif step == "defer" and row:
                    actions.defer(session, organisation, row, value, by=owner.id, now=now)
                    assert value <= was_left
                elif bookings and isinstance(value, int):
                    settle(session, bookings[value % len(bookings)], step, by=owner.id, at=now)
        except Refused:
            session.expire_all()
        for one in session.exec(select(BenefitGrant).where(BenefitGrant.organisation_id == organisation.id)):
            lines = queries.account(session, organisation.id, one.id)
            assert 0 <= one.taken <= one.amount
            assert one.amount == max(one.entitled, one.taken)
            assert sum(line.change for line in lines) == one.left
            assert all(line.quantity > 0 for line in lines)


# ——— Pages ———


@pytest.fixture
def desk(browse, session):
    organisation, owner = provider(session, 4, at=clock.now())
    manager = make_person(session, "Manager", staff=StaffRole.PARTNER_MANAGER)
    return browse(owner), browse(manager), organisation, owner


def test_book_confirm_decline_and_defer(desk, session):
    client, staff, organisation, owner = desk
    clinic, taken = grant(session, organisation, "tech_clinic"), {"taken": "0"}
    path = f"/my/benefits/{clinic.id}"
    assert client.get("/my/benefits").status == 200
    wrong = client.post(f"{path}/book", {"quantity": "13", "what": "x", "wanted_on": "2020-01-01"})
    assert (wrong.status, wrong.errors) == (422, ["Please write at least 2 characters."])
    wrong = client.post(f"{path}/book", {"quantity": "13", "what": "A clinic", "wanted_on": "2020-01-01"})
    assert (wrong.status, wrong.errors) == (422, ["Please choose a day from today on."])
    wrong = client.post(f"{path}/book", {"quantity": "13", "what": "A clinic"})
    typed = wrong.tree.xpath("//input[@id='f-what']/@value")
    assert (wrong.status, wrong.errors, typed) == (422, ["Only 12 are left."], ["A clinic"])
    fields = {"quantity": "3", "what": "A clinic", **taken}
    assert (
        client.post(f"{path}/book", fields).said
        == "Booked. Staff confirm it; until then it can be cancelled."
    )
    assert client.post(f"{path}/book", fields).status == 409  # a second click
    assert client.post(f"{path}/book", {"quantity": "1", "what": "Another"}).status == 200
    first, second = session.exec(
        select(BenefitUse.id).where(BenefitUse.entry == Entry.BOOKED).order_by(BenefitUse.id)
    ).all()
    assert [f"/staff/benefits/{n}/use" for n in (first, second)] == staff.get("/staff/benefits").tree.xpath(
        "//form[contains(@action, '/use')]/@action"
    )
    assert staff.post(f"/staff/benefits/{first}/use").said == "Confirmed as used; whoever booked it is told."
    assert staff.post(f"/staff/benefits/{first}/use").status == 409
    assert client.post(f"/my/benefits/bookings/{first}/cancel").status == 409
    assert client.post(f"/my/benefits/bookings/{first}/return").status == 409
    refused = staff.post(f"/staff/benefits/{second}/decline", {"reason": "no"})
    assert (refused.status, refused.errors) == (422, ["Please write at least 5 characters."])
    assert staff.post(f"/staff/benefits/{second}/decline", {"reason": "No clinic that week"}).status == 200
    session.refresh(clinic)
    assert figures(clinic) == (12, 12, 3)
    assert session.exec(select(Mail.to_address)).all() == [owner.email] * 2
    wrong = client.post(f"{path}/defer", {"quantity": "10"})
    assert (wrong.status, wrong.errors) == (422, ["Only 9 are left."])
    assert client.post(f"{path}/defer", {"quantity": "9", "taken": "3"}).status == 200
    assert client.post(f"{path}/defer", {"quantity": "9", "taken": "3"}).status == 409
    session.expire_all()
    assert (figures(clinic), grant(session, organisation, "tech_clinic").amount) == ((12, 12, 12), 9)


def test_strangers_and_their_own(desk, browse, session):
    client, _staff, organisation, _owner = desk
    sandbox = grant(session, organisation, "sandbox")
    other, stranger = provider(session, 4, at=clock.now())
    learner = make_person(session, "Learner")
    employ(session, organisation, learner)
    insider = make_person(session, "Insider", staff=StaffRole.ADMINISTRATOR)
    employ(session, organisation, insider)
    assert client.post(f"/my/benefits/{sandbox.id}/book", {"quantity": "2", "what": "Tests"}).status == 200
    use = session.exec(select(BenefitUse.id).where(BenefitUse.entry == Entry.BOOKED)).one()
    theirs = browse(stranger)
    assert [
        theirs.post(f"/my/benefits/{sandbox.id}/book", {"quantity": "1", "what": "Tests"}).status,
        theirs.post(f"/my/benefits/{sandbox.id}/defer", {"quantity": "1"}).status,
        theirs.post(f"/my/benefits/bookings/{use}/cancel").status,
        browse(learner).post(f"/my/benefits/bookings/{use}/cancel").status,
        browse(insider).post(f"/staff/benefits/{use}/use").status,
    ] == [404, 404, 404, 403, 404]
    assert browse(insider).get("/staff/benefits").tree.xpath("//form[contains(@action, '/use')]") == []
    assert client.post(f"/my/benefits/bookings/{use}/cancel").said == "Cancelled; it can be booked again."
    session.refresh(sandbox)
    assert figures(sandbox) == (5, 5, 0)
    assert other.stars == 4
