"""Two registrations become one: everything moves once, nothing is lost, nobody counts twice."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import SQLModel, func, select

from casebook.briefs.models import Brief, Introduction
from casebook.briefs.rules import IntroductionStatus
from casebook.cases.models import Case
from casebook.matching.models import MatchEpoch, MatchLedger
from certification.credentials import keyring
from certification.credentials.actions import award_certificate
from certification.credentials.models import Credential
from certification.standing.actions import grant_level
from certification.standing.models import Level
from certification.standing.rules import Family
from portal import clock
from portal.accounts.models import Person
from portal.accounts.rules import StaffRole
from portal.app import put_together
from portal.desk.rules import Fate
from portal.domains.models import OrganisationDomain
from portal.history.models import History
from portal.ledger.actions import write_fact
from portal.ledger.models import Fact
from portal.ledger.queries import facts_of
from portal.ledger.rules import FactKind
from portal.mergers import queries
from portal.mergers.actions import carry_out, merge_by_staff, propose
from portal.mergers.models import Merger
from portal.mergers.rules import MERGER_MOVES, MergerStatus, digest_of, why_not_merge
from portal.organisations.actions import invite
from portal.organisations.models import Employment, Organisation
from portal.organisations.rules import EmploymentStatus, Kind, Role, Trust
from portal.refusal import Refused
from portal.review.actions import submit, take
from portal.review.models import Submission
from tests.factories import employ, make_organisation, make_person

REASON = "Registered twice by two colleagues"
REPEATED = "merger-test"


@pytest.fixture(autouse=True, scope="module")
def keys():
    keyring.ensure_keys(clock.now())


@pytest.fixture
def pair(session):
    put_together()
    gone = make_organisation(session, "Old", owner=make_person(session, "Gone Owner"))
    into = make_organisation(session, "New", owner=make_person(session, "Into Owner"))
    return gone, into


def owner_of(session, organisation) -> Person:
    return session.exec(
        select(Person)
        .join(Employment)
        .where(Employment.organisation_id == organisation.id)
        .order_by(Person.id)
    ).first()


def make_case(session, organisation, n: int = 1) -> Case:
    case = Case(
        number=f"C-T-{organisation.id}-{n}",
        organisation_id=organisation.id,
        once=f"{organisation.id}-{n}",
        title="A case",
        client_name="Client",
        created_by=owner_of(session, organisation).id,
        created_at=clock.now(),
    )
    session.add(case)
    session.flush()
    return case


def introduce(session, brief: Brief, organisation, status=IntroductionStatus.OFFERED) -> Introduction:
    row = Introduction(
        brief_id=brief.id,
        organisation_id=organisation.id,
        status=status,
        offered_at=clock.now(),
        expires_at=clock.now() + timedelta(days=1),
    )
    session.add(row)
    session.flush()
    return row


def make_brief(session, brand, n: int = 1) -> Brief:
    brief = Brief(
        number=f"B-T-{brand.id}-{n}",
        organisation_id=brand.id,
        once=f"b-{brand.id}-{n}",
        title="A brief",
        created_at=clock.now(),
        created_by=owner_of(session, brand).id,
        status="in_talks",
    )
    session.add(brief)
    session.flush()
    return brief


def staff_merge(session, gone, into) -> Merger:
    staff = make_person(session, "Staff", staff=StaffRole.PROGRAMME_MANAGER)
    seen = digest_of(queries.preview(session, gone.id, into.id))
    return merge_by_staff(session, gone.id, into.id, REASON, seen=seen, by=staff.id, now=clock.now())


def test_the_whole_way_with_the_preview(browse, session, pair):
    gone, into = pair
    case = make_case(session, gone)
    colleague = make_person(session, "Colleague")
    employ(session, gone, colleague, role=Role.DELIVERY)
    grant_level(session, gone.id, Family.OPERATOR, 3, "good", by=None, now=clock.now())
    certificate = award_certificate(
        session, colleague.id, "P1", source=("sitting", 1), by=None, now=clock.now()
    )
    goes, remains = browse(owner_of(session, gone)), browse(owner_of(session, into))
    page = remains.post("/my/merge", {"other_code": gone.credit_code, "reason": REASON})
    assert page.said == "Proposed. An owner of the other side reads what would move, and decides."
    merger = session.exec(select(Merger)).one()
    path = f"/my/merge/{merger.id}"
    assert (
        "What would happen" not in remains.get(path).text
    )  # how much the other side has is not theirs to read
    page = goes.get(path)
    assert "People with their roles, who keep their certificates: 2" in page.text
    assert "Cases with their outcomes, evidence and clients' answers: 1" in page.text
    assert "Levels, whose credentials are revoked: 1" in page.text
    page = goes.post(path, {"move": "confirm", "seen": page.value("seen")})
    assert page.said.startswith("Merged.")
    assert (gone.trust, session.get_one(Case, case.id).organisation_id) == (Trust.CLOSED, into.id)
    people = session.exec(
        select(Employment.person_id).where(
            Employment.organisation_id == into.id, Employment.status == EmploymentStatus.CONFIRMED
        )
    ).all()
    assert len(people) == 3
    assert session.get_one(Credential, certificate.id).status == "active"
    level = session.exec(select(Level).where(Level.organisation_id == gone.id)).one()
    own = session.exec(select(Credential).where(Credential.organisation_id == gone.id)).all()
    assert (level.status, [c.status for c in own]) == ("revoked", ["revoked"])
    verbs = session.exec(
        select(History.organisation_id)
        .where(History.verb == "organisations merged")
        .order_by(History.organisation_id)
    ).all()
    assert sorted(verbs) == sorted([gone.id, into.id])
    assert merger.moved["case_study"] == [case.id]
    again = browse().get(f"/providers/{gone.slug}", follow=False)
    assert (again.status, again.response.headers["location"]) == (301, f"/providers/{into.slug}")
    # A second click, and the code again.
    assert (
        goes.post(path, {"move": "confirm", "seen": "x"}).status == 404
    )  # that owner is of the other side now
    new = browse(make_person(session, "New", email="new@somewhere.example"))
    form = {
        "kind": "provider",
        "legal_name": "Old again",
        "short_name": "Old",
        "credit_code": gone.credit_code,
        "directions": "operation",
        "industries": "pets",
        "capabilities": "community",
        "province": "shanghai",
        "city": "上海",
    }
    page = new.post("/my/organisation/new", form)
    assert page.errors == [
        f"This registration was merged into {into.legal_name}. Ask its owner for an invitation."
    ]


def test_what_changed_since_it_was_read_is_not_merged(browse, session, pair):
    gone, into = pair
    propose(session, into, gone.credit_code, REASON, by=owner_of(session, into).id, now=clock.now())
    merger, goes = session.exec(select(Merger)).one(), browse(owner_of(session, gone))
    seen = goes.get(f"/my/merge/{merger.id}").value("seen")
    make_case(session, gone)
    session.commit()
    page = goes.post(f"/my/merge/{merger.id}", {"move": "confirm", "seen": seen})
    assert (page.status, session.get_one(Organisation, gone.id).trust) == (409, Trust.VERIFIED)


def test_who_may_answer(browse, session, pair):
    gone, into = pair
    propose(session, into, gone.credit_code, REASON, by=owner_of(session, into).id, now=clock.now())
    merger = session.exec(select(Merger)).one()
    path = f"/my/merge/{merger.id}"
    stranger = browse(owner_of(session, make_organisation(session, "Stranger")))
    assert (stranger.get(path).status, stranger.post(path, {"move": "confirm"}).status) == (404, 404)
    remains, goes = browse(owner_of(session, into)), browse(owner_of(session, gone))
    assert remains.post(path, {"move": "confirm"}).status == 404
    assert goes.post(path, {"move": "withdraw"}).status == 404
    learner = make_person(session, "Learner")
    employ(session, gone, learner)
    assert browse(learner).post(path, {"move": "decline"}).status == 403
    assert goes.post(path, {"move": "decline"}).said == "Done; the other side can read it too."
    assert goes.post(path, {"move": "decline"}).status == 409
    assert merger.status is MergerStatus.DECLINED


def test_bad_proposals(browse, session, pair):
    gone, into = pair
    brand = make_organisation(session, "Brand", kind=Kind.BRAND)
    remains = browse(owner_of(session, into))

    def errors(code: str) -> list[str]:
        return remains.post("/my/merge", {"other_code": code, "reason": REASON}).errors

    assert errors(into.credit_code) == ["That is your own organisation."]
    assert errors("12") != []
    assert errors(brand.credit_code) == [
        "A brand and a provider can't become one: they stand on two sides of a brief."
    ]
    assert errors(gone.credit_code) == []
    assert errors(gone.credit_code) == ["A merger of this organisation waits for an answer already."]


def test_an_answer_that_comes_too_late(session, pair):
    gone, into = pair
    merger = propose(session, into, gone.credit_code, REASON, by=owner_of(session, into).id, now=clock.now())
    with pytest.raises(Refused, match="The time to answer has run out"):
        carry_out(session, merger, seen=None, by=None, now=clock.now() + timedelta(days=15))


def test_not_while_somebody_reviews_or_both_talk(session, pair):
    gone, into = pair
    brand = make_organisation(session, "Brand", kind=Kind.BRAND)
    brief = make_brief(session, brand)
    introduce(session, brief, gone)
    introduce(session, brief, into)
    with pytest.raises(Refused, match="Both are in talks"):
        staff_merge(session, gone, into)
    session.exec(
        select(Introduction).where(Introduction.organisation_id == gone.id)
    ).one().status = IntroductionStatus.DECLINED
    case = make_case(session, gone)
    submission = submit(
        session, "case", case.id, organisation_id=gone.id, by=owner_of(session, gone).id, now=clock.now()
    )
    take(session, submission, by=make_person(session).id, now=clock.now())
    session.flush()
    with pytest.raises(Refused, match="A reviewer has taken it"):
        staff_merge(session, gone, into)


def test_one_registration_goes_into_one_only(session, pair):
    gone, into = pair
    third = make_organisation(session, "Third")
    staff_merge(session, gone, into)
    with pytest.raises(Refused, match="left the programme"):
        staff_merge(session, gone, third)
    staff_merge(session, into, third)
    assert queries.merged_slug(session, gone.slug) == third.slug  # the line is followed to its end


def test_staff_need_the_right_a_reason_and_the_preview(browse, session, pair):
    gone, into = pair
    reviewer = browse(make_person(session, staff=StaffRole.REVIEWER))
    path = f"/staff/organisations/{gone.id}/merge"
    assert reviewer.get(path).status == 403
    manager = browse(make_person(session, staff=StaffRole.PROGRAMME_MANAGER))
    page = manager.get(f"{path}?into={into.credit_code}")
    assert "People with their roles, who keep their certificates: 1" in page.text
    seen = page.value("seen")
    page = manager.post(path, {"into": into.credit_code, "seen": seen, "reason": ""})
    assert page.errors == ["Please fill this in."] or page.status == 422
    page = manager.post(path, {"into": into.credit_code, "seen": seen, "reason": REASON})
    assert page.said == "Merged. The record of both says what moved."
    assert manager.post(path, {"into": into.credit_code, "seen": seen, "reason": REASON}).status in (409, 422)


def test_a_domain_that_both_claim_keeps_its_proof(session, pair):
    gone, into = pair
    now = clock.now()
    for organisation, proved in ((gone, now), (into, None)):
        session.add(
            OrganisationDomain(
                organisation_id=organisation.id,
                domain="tangli.example",
                method="dns",
                token=f"t{organisation.id}",
                claimed_at=now,
                proved_at=proved,
            )
        )
    session.flush()
    staff_merge(session, gone, into)
    rows = {row.organisation_id: row for row in session.exec(select(OrganisationDomain))}
    assert (rows[into.id].proved_at is not None, rows[into.id].token) == (True, f"t{gone.id}")
    assert rows[gone.id].lost_at is not None


# ——— Nothing is lost, whatever there is ———

KINDS = [
    FactKind.CASE_PUBLISHED,
    FactKind.OUTCOME_ATTESTED,
    FactKind.REVIEW,
    FactKind.RESPONSE,
    FactKind.CONDUCT,
]
VALUES = {
    FactKind.CASE_PUBLISHED: {
        "client": "x",
        "named": True,
        "industry": "pets",
        "case_id": 1,
        "capabilities": [],
    },
    FactKind.OUTCOME_ATTESTED: {"client": "x", "case_id": 1, "attainment": 1.0},
    FactKind.REVIEW: {"client": "x", "rating": 5},
    FactKind.RESPONSE: {"brief_id": 1, "in_time": True},
    FactKind.CONDUCT: {"delta": 0, "reason": "x"},
}
side = st.fixed_dictionaries(
    {
        "people": st.integers(0, 3),
        "invited": st.lists(st.sampled_from(["a@x.example", "b@x.example"]), unique=True),
        "facts": st.lists(st.sampled_from(KINDS), max_size=4),
        "cases": st.integers(0, 3),
        "talks": st.lists(st.integers(0, 2), unique=True),
        "domains": st.lists(st.sampled_from(["one.example", "two.example"]), unique=True),
        "ledger": st.booleans(),
    }
)


def fill(session, organisation, content, briefs, status) -> None:
    now = clock.now()
    for _ in range(content["people"]):
        person = make_person(session)
        employ(session, organisation, person)
        award_certificate(session, person.id, "P1", source=("sitting", person.id), by=None, now=now)
    owner = owner_of(session, organisation)
    for email in content["invited"]:
        invite(session, organisation, email, {Role.LEARNER: None}, language="en", by=owner, now=now)
    for kind in content["facts"]:
        write_fact(
            session, kind, organisation_id=organisation.id, source=(REPEATED, 1), now=now, **VALUES[kind]
        )
    for n in range(content["cases"]):
        case = make_case(session, organisation, n)
        submit(session, "case", case.id, organisation_id=organisation.id, by=owner.id, now=now)
    for n in content["talks"]:
        introduce(session, briefs[n], organisation, status)
    for domain in content["domains"]:
        session.add(
            OrganisationDomain(
                organisation_id=organisation.id, domain=domain, method="dns", token="t", claimed_at=now
            )
        )
    if content["ledger"]:
        session.add(MatchLedger(organisation_id=organisation.id, share=2.0, intro=1.0))
    session.flush()


def count(session, model) -> int:
    return session.exec(select(func.count()).select_from(model)).one()


COUNTED = (Fact, Case, Person, Credential, Introduction, Submission, Employment, OrganisationDomain, Brief)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(theirs=side, ours=side)
def test_nothing_is_lost_and_nobody_counts_twice(session, theirs, ours):
    put_together()
    nested = session.begin_nested()
    try:
        gone, into = make_organisation(session, "Gone"), make_organisation(session, "Into")
        brand = make_organisation(session, "Brand", kind=Kind.BRAND)
        briefs = [make_brief(session, brand, n) for n in range(3)]
        if not count(session, MatchEpoch):
            session.add(MatchEpoch(began_at=clock.now()))
        fill(session, gone, theirs, briefs, IntroductionStatus.LOST)
        fill(session, into, ours, briefs, IntroductionStatus.OFFERED)
        before = {model: count(session, model) for model in COUNTED}
        facts = {f.id for o in (gone, into) for f in facts_of(session, o.id)}
        certified = set(session.exec(select(Credential.person_id).where(Credential.status == "active")))
        owed = sum(row.share + row.intro for row in session.exec(select(MatchLedger)))
        staff_merge(session, gone, into)
        session.expire_all()
        after = {model: count(session, model) for model in COUNTED}
        assert after == before | {Person: before[Person] + 1}  # the member of staff
        assert {f.id for f in facts_of(session, into.id)} == facts
        assert facts_of(session, gone.id) == []
        assert (
            set(session.exec(select(Credential.person_id).where(Credential.status == "active"))) == certified
        )
        employed = session.exec(
            select(Employment.person_id).where(Employment.status == EmploymentStatus.CONFIRMED)
        ).all()
        assert len(employed) == len(set(employed))
        open_facts = [f.person_id for f in facts_of(session, into.id) if f.kind == FactKind.EMPLOYMENT]
        assert len(open_facts) == len(set(open_facts))
        for model in (Fact, Case):
            assert session.exec(select(model.id).where(model.organisation_id == gone.id)).all() == []
        left = set(session.exec(select(Introduction.brief_id).where(Introduction.organisation_id == gone.id)))
        assert left == {briefs[n].id for n in set(theirs["talks"]) & set(ours["talks"])}
        assert sum(row.share + row.intro for row in session.exec(select(MatchLedger))) == owed
    finally:
        nested.rollback()
        session.expunge_all()


# What a merger does with every column that names an organisation. A new one is decided here and in its feature's
# `lifecycle.py`; where nothing is said, the rows would stay with a closed organisation.
DECIDED = {
    "moves": {
        "employment.organisation_id",
        "departure.organisation_id",
        "mailbox_check.organisation_id",
        "code_scan.organisation_id",
        "code_attribution.organisation_id",
        "fact.organisation_id",
        "stored_file.organisation_id",
        "submission.organisation_id",
        "organisation_domain.organisation_id",
        "assessment.organisation_id",
        "task.organisation_id",
        "maturity_proof.organisation_id",
        "live_seat.organisation_id",
        "cohort_application.organisation_id",
        "award_nomination.organisation_id",
        "season_exception.organisation_id",
        "sitting.organisation_id",
        "complaint.organisation_id",
        "case_study.organisation_id",
        "brief.organisation_id",
        "brief.winner_id",
        "introduction.organisation_id",
        "shortlist_item.organisation_id",
        "brief_not_shown.organisation_id",
        "match_ledger.organisation_id",
    },
    "stays": {
        "backtest_line.organisation_id",  # what was computed at a time
        "ledger_change.organisation_id",  # both are computed anew
        "history.organisation_id",
        "organisation.parent_id",
        "organisation_link.child_id",
        "organisation_link.parent_id",
        "organisation_link.asked_by_id",
        "storefront.organisation_id",
        "verification.organisation_id",
        "verification_reminder.organisation_id",
        "profile_change.organisation_id",
        "level.organisation_id",
        "benefit_grant.organisation_id",
        "sanction.organisation_id",
        "level_application.organisation_id",
        "credential.organisation_id",
        "merger.from_id",
        "merger.into_id",
        "leaving.organisation_id",
        "leaving.successor_id",
        "organisation_export.organisation_id",
    },
}


def test_every_column_that_names_an_organisation_is_decided():
    named = {
        f"{table.name}.{column.name}"
        for table in SQLModel.metadata.tables.values()
        for column in table.columns
        for key in column.foreign_keys
        if key.target_fullname == "organisation.id"
    }
    assert named == DECIDED["moves"] | DECIDED["stays"]


@given(
    st.sampled_from(Trust),
    st.sampled_from(Trust),
    st.sampled_from(Kind),
    st.sampled_from(Kind),
    st.booleans(),
)
def test_only_equals_that_take_part_merge(gone, into, gone_kind, into_kind, same):
    why = why_not_merge(gone_kind, into_kind, gone, into, same=same)
    fine = {Trust.PROVISIONAL, Trust.VERIFIED, Trust.FROZEN}
    may = not same and gone_kind == into_kind and {gone, into} <= fine
    may = may and (gone is not Trust.VERIFIED or into is Trust.VERIFIED)
    assert (why is None) == may


def test_a_merger_is_answered_once():
    assert {status for status, _ in MERGER_MOVES} == {MergerStatus.PROPOSED}
    assert set(Fate) == {"moves", "ends", "stays", "blocks"}
