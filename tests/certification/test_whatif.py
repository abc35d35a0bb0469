"""What if: exactly the expected nodes change, nothing is written, and the pages say it."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import func, select

from certification.credentials.keyring import ensure_keys
from certification.standing.actions import grant_level
from certification.standing.evidence import READERS
from certification.standing.rules import Family
from certification.standing.whatif import supposed, what_if, without_person
from portal import clock
from portal.accounts.rules import StaffRole
from portal.app import put_together
from portal.desk.parts import CONTRIBUTIONS
from portal.history.models import History
from portal.ledger.actions import end_facts, write_fact
from portal.ledger.models import Fact, LedgerChange
from portal.ledger.rules import FactKind
from portal.organisations.rules import Kind
from portal.programme.models import ProgrammeVersion
from tests.certification.ledger import NOW, RULES, K, fact, three_stars, write
from tests.factories import employ, make_organisation, make_person

DAY = timedelta(days=1)


def changed(compared) -> set[str]:
    return {c.after.key for c in compared.changes}


def test_the_one_senior_leaves():
    facts = three_stars()
    compared = what_if(facts, "operator", 3, NOW, RULES, leave=[1])
    assert changed(compared) == {"staff_certified", "staff_senior"}  # hours a head stay as they are
    assert compared.lost == (("staff_senior", NOW + 60 * DAY),)
    assert compared.won == ()
    [senior] = [c for c in compared.changes if c.after.key == "staff_senior"]
    assert (senior.before.value, senior.after.value) == (1, 0)


@settings(max_examples=40)
@given(st.sets(st.integers(1, 4)), st.integers(0, 20))
def test_leaving_touches_only_what_is_read_from_people(leave, extra):
    facts = [*three_stars(people=4), fact(K.TRAINING, 9, person=2, hours=extra, module="x")]
    of_people = {
        key for key, reader in READERS.items() if {K.EMPLOYMENT, K.CERTIFICATE} & set(reader.kinds)
    } | {"training_hours_per_head_12m"}
    compared = what_if(facts, "operator", 3, NOW, RULES, leave=sorted(leave))
    assert changed(compared) <= of_people
    assert compared.before.gates == compared.after.gates
    assert without_person(facts, 99, NOW) == facts


def test_a_case_is_published_and_a_certificate_earned():
    facts = [f for f in three_stars() if f.kind != K.CASE_PUBLISHED and f.value.get("code") != "P2"]
    case = supposed(K.CASE_PUBLISHED, NOW, organisation_id=1, client="new", named=True, case_id=9)
    senior = supposed(K.CERTIFICATE, NOW, person_id=1, code="P2", number="")
    compared = what_if(facts, "operator", 3, NOW, RULES, come=[case, senior])
    nodes = {"cases_published_24m", "cases_named_public_24m", "staff_senior"}
    assert set(compared.won) == nodes
    assert changed(compared) == {*nodes, "distinct_clients_24m_min"}


def test_other_rules_judge_the_same_facts():
    stricter = RULES | {
        "version": "next",
        "scoring": RULES["scoring"] | {"pass_score": {"3": 101, "4": 101, "5": 101}},
    }
    compared = what_if(three_stars(), "operator", 3, NOW, RULES, by=stricter)
    assert (compared.before.met, compared.after.met) == (True, False)
    assert (compared.after.version, changed(compared)) == ("next", set())
    assert compared.lost == (("score", NOW + 90 * DAY),)


# ——— Pages ———


@pytest.fixture
def team(session):
    put_together()
    ensure_keys(clock.now())
    now = clock.now()
    owner = make_person(session, "Owner")
    organisation = make_organisation(session, owner=owner, at=now - 60 * DAY)
    people = [owner, make_person(session, "Senior"), make_person(session, "Third")]
    for person in people[1:]:
        employ(session, organisation, person, at=now - 60 * DAY)
    write(session, organisation, three_stars(at=now), [p.id for p in (people[1], people[0], people[2])])
    grant_level(session, organisation.id, Family.OPERATOR, 3, "after review", by=None, now=now - 30 * DAY)
    session.commit()
    return organisation, people


def rows(session) -> tuple[int, ...]:
    return tuple(
        session.exec(select(func.count()).select_from(table)).one() for table in (Fact, History, LedgerChange)
    )


def test_the_page_supposes_and_writes_nothing(browse, session, team):
    _, (owner, senior, _) = team
    before, page = rows(session), browse(owner)
    assert "Choose what to suppose" in page.get("/my/level/what-if").text
    text = page.get(f"/my/level/what-if?leave={senior.id}").text
    assert "3★ would not be met any more." in text
    assert f"a grace would run until {clock.today(clock.now() + 60 * DAY):%-d %b %Y}" in text
    assert "No figure would change." not in text
    assert rows(session) == before


def test_what_an_address_says_wrongly_is_left_out(browse, session, team):
    stranger = make_person(session, "Stranger")
    employ(session, make_organisation(session, "Other"), stranger, at=clock.now())
    session.commit()
    page = browse(team[1][0])
    for query in (
        f"leave={stranger.id}",
        "leave=x&stars=9&family=zz",
        "come=case-999",
        f"person={stranger.id}&code=P2",
        "rules=999999",
    ):
        assert "Choose what to suppose" in page.get(f"/my/level/what-if?{query}").text, query


def test_a_version_that_comes_can_be_asked_about(browse, session, team):
    content = RULES | {
        "version": "next",
        "scoring": RULES["scoring"] | {"pass_score": {"3": 101, "4": 101, "5": 101}},
    }
    now = clock.now()
    session.add(
        ProgrammeVersion(
            version="next",
            effective_from=now + 30 * DAY,
            published_at=now,
            reason="stricter",
            content=content,
        )
    )
    session.commit()
    page = browse(team[1][0])
    [version] = session.exec(select(ProgrammeVersion.id).where(ProgrammeVersion.version == "next"))
    assert "3★ would not be met any more." in page.get(f"/my/level/what-if?rules={version}").text


def test_only_providers_and_staff_look(browse, session, team):
    organisation, _ = team
    brand_owner = make_person(session, "Brand")
    make_organisation(session, "Brand", kind=Kind.BRAND, owner=brand_owner)
    session.commit()
    for path in ("/my/level/what-if", "/my/level/past"):
        assert browse(brand_owner).get(path).status == 404
    path = f"/staff/organisations/{organisation.id}/past"
    assert browse(brand_owner).get(path).status == 404
    reviewer = make_person(session, "Reviewer", staff=StaffRole.REVIEWER)
    session.commit()
    assert browse(reviewer).get(path).status == 200
    assert browse(reviewer).get("/staff/organisations/999999/past").status == 404


def test_a_past_day_says_what_became_known_later(browse, session, team):
    organisation, (owner, *_) = team
    day = clock.today(clock.now() - 10 * DAY)
    page = browse(owner)
    assert "Nothing about that day has become known since" in page.get(f"/my/level/past?day={day}").text
    now = clock.now()
    write_fact(
        session,
        FactKind.MATURITY_VERIFIED,
        organisation_id=organisation.id,
        source=("test", 1),
        now=now,
        true_from=now - 20 * DAY,
        score=99,
    )
    [case, *_] = session.exec(select(Fact).where(Fact.kind == K.CASE_PUBLISHED)).all()
    end_facts(
        session, K.CASE_PUBLISHED, source=(case.source_kind, case.source_id), at=now - 15 * DAY, now=now
    )
    session.commit()
    text = page.get(f"/my/level/past?day={day}").text
    assert "What became known later" in text
    assert "level granted" in text.lower()
    before_it = clock.today(now - 25 * DAY)
    assert "Nothing about that day has become known since" in page.get(f"/my/level/past?day={before_it}").text


@pytest.mark.parametrize("day", ["2026-13-40", "yesterday", "9999-01-01"])
def test_a_day_that_is_none_is_refused_with_a_sentence(browse, team, day):
    page = browse(team[1][0]).get(f"/my/level/past?day={day}")
    assert page.status == 422
    assert "Not shown" in page.text


def test_every_case_that_may_come_is_offered(session, team):
    organisation, _ = team
    assert [p for ask in CONTRIBUTIONS.possible for p in ask(session, organisation.id)] == []
