"""The owner's reason tree and application; what staff write down, and about whom they may not."""

from datetime import timedelta

import pytest
from sqlmodel import func, select

from certification.credentials.actions import award_certificate
from certification.credentials.keyring import ensure_keys
from certification.credentials.models import Credential
from certification.standing import actions
from certification.standing.models import Application, Level
from certification.standing.rules import Family
from portal import clock
from portal.accounts.rules import StaffRole
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.organisations.actions import end_employment
from portal.organisations.models import Storefront
from portal.organisations.queries import open_employment
from portal.organisations.rules import Ending, Kind, Trust
from portal.review.models import Submission
from tests.certification.ledger import K, three_stars, write
from tests.factories import employ, make_organisation, make_person

ASK = {"family": "operator", "stars": "3", "statement": "Three clients renewed."}


@pytest.fixture
def ready(session):
    """`ready(since=40)`: an owner whose organisation has met everything for three stars for so many days."""
    ensure_keys(clock.now())

    def make(since: float = 40, *, drop: tuple = ()):
        now = clock.now()
        owner = make_person(session, "Owner")
        organisation = make_organisation(session, owner=owner, at=now - timedelta(days=60))
        people = [owner]
        for n in range(2):
            people.append(make_person(session, f"Colleague {n}"))
            employ(session, organisation, people[-1], at=now - timedelta(days=60))
        facts = [f for f in three_stars(since=since, at=now) if f.kind not in drop]
        write(session, organisation, facts, [p.id for p in people])
        session.flush()
        return organisation, people

    return make


def count(session, table) -> int:
    return session.exec(select(func.count()).select_from(table)).one()


# ——— /my/level ———


def test_applying_when_nothing_is_missing(browse, session, ready):
    organisation, (owner, *_) = ready()
    page = browse(owner).get("/my/level?stars=3")
    assert "Nothing is missing." in page.text
    assert not page.tree.xpath("//button[@disabled]")
    page = browse(owner).post("/my/level", ASK)
    assert (page.url, page.said) == (
        "/my/level",
        "Applied. Staff decide within ten working days; you will see each verdict.",
    )
    [application] = session.exec(select(Application))
    assert (
        application.organisation_id,
        application.stars,
        application.statement,
        application.tree["met"],
    ) == (
        organisation.id,
        3,
        "Three clients renewed.",
        True,
    )
    assert "Your application is with the reviewers" in page.text


def test_the_form_sent_twice_is_one_application(browse, session, ready):
    _, (owner, *_) = ready()
    client = browse(owner)
    client.post("/my/level", ASK)
    page = client.post("/my/level", ASK)
    assert (page.status, "Your application lies with the reviewers already." in page.text) == (409, True)
    assert (count(session, Application), count(session, Submission)) == (1, 1)


@pytest.mark.parametrize(
    ("since", "drop", "sentence"),
    [
        (40, (K.MATURITY_VERIFIED,), "Not everything is met yet; the reason tree marks what is missing."),
        (40, (K.CASE_PUBLISHED,), "Not everything is met yet; the reason tree marks what is missing."),
        (5, (), "All is met, but not yet for 14 days in a row. The page says from when you can apply."),
    ],
)
def test_applying_while_something_is_missing(browse, session, ready, since, drop, sentence):
    _, (owner, *_) = ready(since, drop=drop)
    page = browse(owner).get("/my/level?stars=3")
    assert page.tree.xpath("//main//form//button[@disabled]")
    page = browse(owner).post("/my/level", ASK)
    assert (page.status, sentence in page.text) == (422, True)
    assert (count(session, Application), count(session, Submission)) == (0, 0)


def test_applying_without_a_storefront(browse, session, ready):
    organisation, (owner, *_) = ready()
    session.get_one(Storefront, organisation.id).headline = ""
    page = browse(owner).post("/my/level", ASK)
    assert (page.status, "Fill in the storefront first" in page.text) == (422, True)
    assert count(session, Application) == 0


@pytest.mark.parametrize(
    "changed", [{"stars": "2"}, {"stars": "6"}, {"stars": "x"}, {"family": "brand"}, {"family": ""}]
)
def test_a_level_that_does_not_exist(browse, session, ready, changed):
    _, (owner, *_) = ready()
    page = browse(owner).post("/my/level", ASK | changed)
    assert (page.status, "Please choose a level." in page.text) == (422, True)
    assert count(session, Application) == 0


def test_the_level_that_is_held_is_not_asked_for_again(browse, session, ready):
    organisation, (owner, *_) = ready()
    actions.grant_level(session, organisation.id, Family.OPERATOR, 3, "", by=None, now=clock.now())
    page = browse(owner).get("/my/level?stars=3")
    assert "You hold this level." in page.text
    page = browse(owner).post("/my/level", ASK)
    assert (page.status, "You hold this level." in page.text) == (409, True)
    assert count(session, Application) == 0


@pytest.mark.parametrize("trust", [Trust.PROVISIONAL, Trust.SUSPENDED])
def test_only_the_verified_apply(browse, session, ready, trust):
    organisation, (owner, *_) = ready()
    organisation.trust = trust
    page = browse(owner).post("/my/level", ASK)
    assert page.status == 409
    assert count(session, Application) == 0


def test_a_member_reads_the_tree_and_does_not_apply(browse, session, ready):
    _, (_, member, *_) = ready()
    page = browse(member).get("/my/level?stars=3")
    assert (page.status, page.tree.xpath("//main//form")) == (200, [])
    assert browse(member).post("/my/level", ASK).status == 403
    assert count(session, Application) == 0


def test_a_brand_and_a_stranger_have_no_level(browse, session):
    brand = make_person(session)
    make_organisation(session, kind=Kind.BRAND, owner=brand)
    assert browse(brand).get("/my/level").status == 404
    assert browse(brand).post("/my/level", ASK).status == 404
    assert browse().get("/my/level").url == "/sign-in"


def test_somebody_elses_tree_is_nowhere(browse, session, ready):
    organisation, _ = ready()
    neighbour = make_person(session, "Neighbour")
    make_organisation(session, "Neighbour", owner=neighbour)
    page = browse(neighbour).get(f"/my/level?organisation={organisation.id}&stars=3")
    assert "Colleague" not in page.text
    assert browse(neighbour).get(f"/staff/organisations/{organisation.id}").status == 404


def test_decided_by_a_reviewer_who_does_not_work_there(browse, session, ready):
    organisation, (owner, colleague, *_) = ready()
    browse(owner).post("/my/level", ASK)
    [submission] = session.exec(select(Submission))
    from portal.accounts.models import StaffAppointment

    session.add(StaffAppointment(person_id=colleague.id, role=StaffRole.ADMINISTRATOR, since=clock.now()))
    session.flush()
    path = f"/staff/review/{submission.id}"
    assert browse(colleague).get(path).status == 404
    reviewer = browse(make_person(session, "Reviewer", staff=StaffRole.ADMINISTRATOR))
    item = reviewer.get(path)
    assert item.status == 200
    verdicts = {f"verdict_{key}": "pass" for key in ("evidence", "people", "conduct", "storefront")}
    decision = verdicts | {"decision": "approve", "revision": item.value("revision")}
    assert browse(colleague).post(path, decision).status == 404
    assert session.exec(select(Level)).all() == []
    page = reviewer.post(path, decision)
    assert page.said == "Decided. The queue is empty."
    [level] = session.exec(select(Level).where(Level.organisation_id == organisation.id))
    assert (level.stars, level.status.value) == (3, "active")
    page = browse(owner).get("/my/level")
    assert "in force" in page.text
    assert reviewer.post(path, decision).status == 409
    assert count(session, Credential) == 1


def test_the_tree_costs_the_same_with_one_and_with_nine_people(browse, session, ready, engine):
    from sqlalchemy import event

    organisation, (owner, *_) = ready()
    client, sent = browse(owner), []

    def note(*args):
        sent.append(args[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        client.get("/my/level")
        first = len(sent)
        people = [make_person(session) for _ in range(6)]
        for person in people:
            employ(session, organisation, person)
        write(session, organisation, three_stars(people=6), [p.id for p in people])
        session.commit()
        sent.clear()
        client.get("/my/level")
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(sent) == first


# ——— Staff ———


@pytest.fixture
def reviewer(browse, session):
    return browse(make_person(session, "Reviewer", staff=StaffRole.ADMINISTRATOR))


def facts(session, kind: FactKind, organisation) -> list[Fact]:
    return list(session.exec(select(Fact).where(Fact.kind == kind, Fact.organisation_id == organisation.id)))


def test_maturity_is_written_down_for_a_year(reviewer, session):
    organisation = make_organisation(session)
    page = reviewer.post(
        f"/staff/organisations/{organisation.id}/maturity", {"score": "72.5", "reason": "Two days on site."}
    )
    assert page.said == "Written into the ledger."
    [fact] = facts(session, K.MATURITY_VERIFIED, organisation)
    assert (fact.value, fact.true_until - fact.true_from) == ({"score": 72.5}, timedelta(days=365))


@pytest.mark.parametrize(
    ("fields", "sentences"),
    [
        ({}, ["Please fill this in.", "Please fill this in."]),
        ({"score": "101", "reason": "Two days."}, ["This must be at most 100.0."]),
        ({"score": "-1", "reason": "Two days."}, ["This must be at least 0.0."]),
        ({"score": "many", "reason": "Two days."}, ["Please write a number, in digits."]),
        ({"score": "nan", "reason": "Two days."}, None),
        ({"score": "60", "reason": "ok"}, ["Please write at least 5 characters."]),
    ],
)
def test_maturity_that_is_refused(reviewer, session, fields, sentences):
    organisation = make_organisation(session)
    page = reviewer.post(f"/staff/organisations/{organisation.id}/maturity", fields)
    assert page.status == 422
    if sentences:
        assert page.errors == sentences
    assert facts(session, K.MATURITY_VERIFIED, organisation) == []


@pytest.fixture
def practical(reviewer, session):
    """`practical(person, code)` sends the form; the organisation has one member who holds P1."""
    ensure_keys(clock.now())
    organisation, person = make_organisation(session), make_person(session, "Member")
    employ(session, organisation, person)
    award_certificate(session, person.id, "P1", source=("test", 1), by=None, now=clock.now())

    def send(code="P2", *, who=person, reason="A project, marked by two."):
        return reviewer.post(
            f"/staff/organisations/{organisation.id}/practical",
            {"person": str(getattr(who, "id", who)), "code": code, "reason": reason},
        )

    return organisation, person, send


def test_a_practical_earns_the_certificate_once(practical, session):
    _, person, send = practical
    assert send().said == "Issued."
    page = send()
    assert (page.status, page.errors) == (422, ["This person holds it already."])
    codes = [c.code for c in session.exec(select(Credential).where(Credential.person_id == person.id))]
    assert codes == ["P1", "P2"]


def test_each_refusal_of_a_practical(practical, session):
    _, _, send = practical
    outsider = make_person(session, "Outsider")
    for page, sentence in (
        (send(who=outsider), "Please choose somebody who works there."),
        (send(who=999_999), "Please choose somebody who works there."),
        (send("P1"), "This certificate is earned by its exam."),
        (send("ZZ"), "This certificate is earned by its exam."),
        (send("T2"), "This person does not hold the certificate that it needs first."),
        (send("S1"), "This person does not hold the certificate that it needs first."),
        (send(reason=""), "Please fill this in."),
        (send(who="x"), "Please write a whole number, in digits."),
    ):
        assert (page.status, page.errors) == (422, [sentence])
    assert count(session, Credential) == 1


def test_a_certificate_that_ended_opens_nothing(practical, session):
    from certification.credentials.actions import revoke

    _, person, send = practical
    [p1] = session.exec(select(Credential).where(Credential.person_id == person.id))
    revoke(session, p1, "copied", by=None, now=clock.now())
    session.flush()
    assert send().errors == ["This person does not hold the certificate that it needs first."]


def test_an_expired_certificate_opens_nothing(practical, session):
    _, person, send = practical
    [p1] = session.exec(select(Credential).where(Credential.person_id == person.id))
    p1.valid_until = clock.now() - timedelta(days=1)
    session.flush()
    assert send().errors == ["This person does not hold the certificate that it needs first."]


@pytest.mark.parametrize("left", [False, True], ids=["works there", "worked there"])
def test_nobody_decides_about_their_own_organisation(browse, session, left):
    organisation = make_organisation(session)
    insider = make_person(session, "Insider", staff=StaffRole.ADMINISTRATOR)
    employ(session, organisation, insider)
    if left:
        end_employment(
            session, open_employment(session, insider.id), Ending.LEFT, by=insider.id, now=clock.now()
        )
    client = browse(insider)
    for what, fields in (
        ("maturity", {"score": "90", "reason": "I know it well."}),
        ("practical", {"person": str(insider.id), "code": "P2", "reason": "I saw it myself."}),
        ("sanctions", {"measure": "suspend", "reason_class": "data_leak", "reason": "They let me go."}),
        ("complaints", {"kind": "complaint_minor", "origin": "staff", "text": "They let me go."}),
    ):
        assert client.post(f"/staff/organisations/{organisation.id}/{what}", fields).status == 404
    session.refresh(organisation)
    assert organisation.trust is Trust.VERIFIED
    assert facts(session, K.MATURITY_VERIFIED, organisation) == []
    assert count(session, Credential) == 0


def test_staff_find_organisations(reviewer, session):
    first = make_organisation(session, "Yunzhan")
    make_organisation(session, "Tangli")
    session.commit()
    page = reviewer.get("/staff/organisations?q=Yunz")
    assert ("Yunzhan" in page.text, "Tangli" in page.text) == (True, False)
    assert "Yunzhan" in reviewer.get(f"/staff/organisations?q={first.credit_code.lower()}").text
    assert "Yunzhan" not in reviewer.get("/staff/organisations?q=%25").text
    assert reviewer.get("/staff/organisations/999999").status == 404


def test_a_brand_has_no_tree_on_the_staffs_page(reviewer, session):
    brand = make_organisation(session, "Maitian", kind=Kind.BRAND)
    session.commit()
    page = reviewer.get(f"/staff/organisations/{brand.id}")
    assert (page.status, "The reasons" in page.text) == (200, False)
