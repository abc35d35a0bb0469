"""The funnel counts events and nothing else."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import func, select

from certification.credentials.keyring import ensure_keys
from certification.funnel import queries
from certification.funnel.rules import STEPS, Path, by_month, events, funnel, two_stars_since
from certification.standing.actions import grant_level
from certification.standing.rules import Family, automatic_stars
from portal import clock
from portal.accounts.rules import StaffRole
from portal.history.models import History
from portal.ledger.actions import write_fact
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind, FactRow
from portal.organisations.actions import register
from portal.organisations.forms import Register
from portal.organisations.rules import Kind
from tests.factories import credit_code, make_person

START = datetime(2026, 1, 1, tzinfo=UTC)
TIMES = st.none() | st.integers(0, 300).map(lambda d: START + timedelta(days=d))
PATHS = st.lists(
    st.builds(
        Path,
        st.integers(1, 99),
        st.integers(0, 300).map(lambda d: START + timedelta(days=d)),
        TIMES,
        TIMES,
        TIMES,
    ),
    max_size=30,
)


@given(PATHS)
def test_counts_equal_events(paths):
    counted = {step.name: step.count for step in funnel(paths)}
    assert Counter(counted) == Counter(dict.fromkeys(STEPS, 0)) + events(paths) or counted == {
        name: events(paths)[name] for name in STEPS
    }
    months = by_month((p.registered.strftime("%Y-%m"), p) for p in paths)
    assert {
        name: sum(step.count for _, row in months for step in row if step.name == name) for name in STEPS
    } == counted
    for step in funnel(paths):
        assert step.share is None or 0 <= step.share <= 1
        assert step.median_days is None or step.median_days >= 0


def test_shares_and_medians():
    def path(n: int, *days: int | None) -> Path:
        return Path(n, START, *[None if d is None else START + timedelta(days=d) for d in days])

    steps = funnel(
        [path(1, 1, 11, 21), path(2, 3, 5, None), path(3, 5, None, None), path(4, None, None, None)]
    )
    assert [(s.count, s.share, s.median_days) for s in steps] == [
        (4, 1.0, None),
        (3, 0.75, 3.0),
        (2, 0.5, 6.0),
        (1, 0.25, 10.0),
    ]
    assert [(s.count, s.share, s.median_days) for s in funnel([])] == [(0, None, None)] * 4


def fact(kind: FactKind, start: int, end: int | None = None, *, organisation: int | None = 1) -> FactRow:
    return FactRow(
        start * 10 + (end or 0),
        kind,
        organisation,
        None if kind == FactKind.ORGANISATION_VERIFIED else 5,
        START + timedelta(days=start),
        None if end is None else START + timedelta(days=end),
        START,
        None,
        {},
    )


SPANS = st.lists(st.tuples(st.integers(0, 30), st.none() | st.integers(1, 40)), max_size=4)


@given(SPANS, SPANS, st.integers(0, 30))
def test_the_second_star_began_when_standing_says_so(links, certificates, verified_day):
    """The first day on which the rule of standing gives two stars."""
    verified = START + timedelta(days=verified_day)
    facts = [
        fact(kind, start, end if end is None else start + end, organisation=owner)
        for kind, spans, owner in (
            (FactKind.EMPLOYMENT, links, 1),
            (FactKind.CERTIFICATE, certificates, None),
        )
        for start, end in spans
    ]
    known = [*facts, fact(FactKind.ORGANISATION_VERIFIED, verified_day)]
    days = [d for d in range(80) if automatic_stars(known, START + timedelta(days=d)) == 2]
    expected = START + timedelta(days=days[0]) if days else None
    assert two_stars_since(facts, verified) == expected
    assert two_stars_since(facts, None) is None


def registered(session, kind: Kind, at: datetime):
    entry = Register(
        kind=kind,
        legal_name="Someone Co., Ltd",
        short_name="Someone",
        credit_code=credit_code(),
        directions=["operation"] if kind is Kind.PROVIDER else [],
        industries=["pets"],
        capabilities=["community"],
        province="shanghai",
        city="上海",
    )
    person = make_person(session)
    return register(session, entry, by=person.id, now=at), person


def test_the_page_counts_what_happened(browse, session):
    now = clock.now()
    made = [registered(session, Kind.PROVIDER, now - timedelta(days=40 - n)) for n in range(3)]
    registered(session, Kind.BRAND, now - timedelta(days=1))
    for n, (organisation, _) in enumerate(made[:2]):
        write_fact(
            session,
            FactKind.ORGANISATION_VERIFIED,
            organisation_id=organisation.id,
            source=("organisation", organisation.id),
            now=organisation.created_at + timedelta(days=2 * n + 1),
        )
    organisation, person = made[0]
    write_fact(
        session,
        FactKind.CERTIFICATE,
        person_id=person.id,
        source=("person", person.id),
        now=organisation.created_at + timedelta(days=5),
        code="P1",
    )
    ensure_keys(now)
    grant_level(session, organisation.id, Family.OPERATOR, 3, "x", by=None, now=now - timedelta(days=10))
    grant_level(session, organisation.id, Family.OPERATOR, 4, "x", by=None, now=now - timedelta(days=5))
    session.commit()
    paths = queries.paths(session)
    assert [step.count for step in funnel(paths)] == [4, 2, 1, 1]
    recorded = session.exec(
        select(func.count()).select_from(History).where(History.verb == "organisation registered")
    ).one()
    verified = session.exec(
        select(func.count(func.distinct(Fact.organisation_id))).where(
            Fact.kind == FactKind.ORGANISATION_VERIFIED
        )
    ).one()
    assert events(paths) == {"registered": recorded, "verified": verified, "two_stars": 1, "three_stars": 1}
    assert [step.median_days for step in funnel(paths)] == [None, 2.0, 4.0, 25.0]
    staff = browse(make_person(session, staff=StaffRole.PARTNER_MANAGER))
    page = staff.get("/staff/funnel?kind=provider")
    cells = [cell.text_content().strip() for cell in page.tree.xpath("(//table)[1]//tbody/tr/td")]
    assert cells == ["3", "100%", "—", "2", "67%", "2 days", "1", "33%", "4 days", "1", "33%", "25 days"]
    assert "/staff/funnel" in staff.get("/staff").links()
    assert staff.get("/staff/funnel?kind=nothing").status == 200
    assert browse(person).get("/staff/funnel").status == 404
