"""Leaving in each way, the client's word, the handover, the question to a mailbox, and two clicks at once."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlmodel import func, select

from casebook.cases.models import Case
from certification.credentials.actions import award_certificate
from certification.credentials.keyring import ensure_keys
from certification.credentials.queries import credentials_of_person
from certification.standing.actions import clocks_of, tree_of, use_credit
from certification.standing.models import Level
from certification.standing.rules import LevelStatus
from portal import clock
from portal.accounts.rules import StaffRole
from portal.app import put_together
from portal.db import make_engine, make_sessions, transaction
from portal.departures import actions
from portal.departures.jobs import sweep_departures
from portal.departures.models import Departure, Handover, MailboxCheck
from portal.departures.queries import departures_of, people_to_ask
from portal.departures.rules import Answer, CheckStatus, Why
from portal.domains.models import OrganisationDomain
from portal.domains.rules import Method
from portal.history.models import History
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.mail.models import Mail
from portal.organisations.actions import accept_invitation, invite
from portal.organisations.models import Employment, Organisation
from portal.organisations.queries import open_employment
from portal.organisations.rules import EmploymentStatus, Ending, Role
from portal.programme.actions import load_default
from portal.refusal import Refused
from tests.factories import employ, hold_level, make_organisation, make_person, viewer_for


@pytest.fixture(autouse=True)
def together():
    put_together()
    ensure_keys(clock.now())


@pytest.fixture
def team(session):
    """A provider at 3★ that is at risk, its owner, and somebody who leaves with one case open."""
    owner = make_person(session, "Owner", email="owner@tangli.example")
    organisation = make_organisation(session, "Tangli", owner=owner, website="https://tangli.example")
    member = make_person(session, "Member", email="member@tangli.example")
    employment = employ(session, organisation, member, role=Role.SALES, at=clock.now() - timedelta(days=300))
    return organisation, owner, member, employment


def a_case(session, organisation, person, n=1) -> Case:
    case = Case(
        number=f"C-{n}",
        organisation_id=organisation.id,
        once=f"{n:032}",
        title=f"Case {n}",
        client_name="Client",
        created_by=person.id,
        responsible_id=person.id,
        created_at=clock.now(),
    )
    session.add(case)
    session.flush()
    return case


def mails(session, address: str) -> list[Mail]:
    return list(session.exec(select(Mail).where(Mail.to_address == address).order_by(Mail.id)))


def link(session, address: str, part: str) -> str:
    found = [re.search(rf"http\S+({part}\S+)", mail.text) for mail in mails(session, address)]
    return next(m.group(1) for m in reversed(found) if m)


# ——— Leaving ———


def test_the_standing_follows_at_once_and_a_rehire_restores_it(session, team):
    organisation, owner, member, employment = team
    now = clock.now()
    award_certificate(session, member.id, "P2", source=("import", 1), by=None, now=now)
    session.flush()
    before = [(c.uuid, c.status) for c in credentials_of_person(session, member.id)]
    level = hold_level(session, organisation, 3)

    def seniors(at) -> float:
        return tree_of(session, organisation.id, "operator", 3, now=at).metric("staff_senior").value

    assert seniors(now) == 1
    actions.depart(session, employment, Ending.LEFT, by=member.id, now=now)
    session.flush()
    assert (seniors(now), level.status) == (0, LevelStatus.AT_RISK)
    assert level.status_until is not None
    assert [(c.uuid, c.status) for c in credentials_of_person(session, member.id)] == before
    later = now + timedelta(days=3)
    again = invite(
        session, organisation, member.email, {Role.SALES: None}, language="en", by=owner, now=later
    )
    accept_invitation(session, again, member, now=later)
    session.flush()
    assert seniors(later) == 1
    facts = session.exec(select(Fact).where(Fact.kind == FactKind.DEPARTURE)).all()
    assert [f.value for f in facts] == [{"ending": "left", "confirmed": False}]


def test_who_joins_another_on_the_same_day_counts_there_tomorrow(session, team):
    _, _, member, employment = team
    other = make_organisation(session, "Other")
    now = clock.now()
    actions.depart(session, employment, Ending.LEFT, by=member.id, now=now)
    employ(session, other, member, at=now)
    fact = session.exec(
        select(Fact).where(Fact.kind == FactKind.EMPLOYMENT, Fact.organisation_id == other.id, Fact.person_id == member.id)
    ).one()  # fmt: skip
    assert clock.today(fact.true_from) == clock.today(now) + timedelta(days=1)


def test_the_leavers_home_says_that_certificates_stay(browse, session, team):
    _, _, member, employment = team
    client = browse(member)
    page = client.post(f"/my/team/{employment.id}/end")
    assert "Your certificates stay yours" in page.text
    told = [m.subject for m in mails(session, "owner@tangli.example")]
    assert told == ["Member has left Tangli"]
    assert mails(session, member.email) == []  # they did it themselves


def test_a_closed_organisation_hands_nothing_over(session, team):
    organisation, _, member, employment = team
    case = a_case(session, organisation, member)
    organisation.trust = "closed"
    departure = actions.depart(session, employment, Ending.LEFT, by=member.id, now=clock.now())
    assert (departure.handover_due_at, case.responsible_id) == (None, member.id)


# ——— Hired by a client ———


def hire(browse, team, **fields):
    _, owner, _, employment = team
    return browse(owner).post(
        f"/my/team/{employment.id}/end",
        {"how": "hired", "client": "Aurora", "contact": "hr@aurora.example", "language": "en"} | fields,
    )


def ends_by_kind(level: Level):
    """When the clocks end: those that run for people, and the others."""
    clocks = clocks_of(level)
    people, others = (
        {c.until for c in clocks if c.key.startswith("staff_") is staff} for staff in (True, False)
    )
    return people, others


def test_the_client_says_yes_once_and_the_grace_grows(browse, session, team):
    organisation, *_ = team
    until = clock.now() + timedelta(days=40)
    level = hold_level(session, organisation, 3, status=LevelStatus.AT_RISK, status_until=until)
    page = hire(browse, team)
    assert (page.status, "hired by a client" in page.text, "Aurora" in page.text) == (200, True, True)
    address = link(session, "hr@aurora.example", "/hired/")
    reader = browse()
    assert "Has Aurora hired Member?" in reader.get(address).text
    session.refresh(level)
    assert level.status_until == until  # opening the link changes nothing
    assert reader.post(address, {"answer": "perhaps"}).status == 422
    assert "Your answer is noted." in reader.post(address, {"answer": "yes"}).text
    session.refresh(level)
    assert ends_by_kind(level) == ({until + timedelta(days=30)}, {until})  # a client took people, not cases
    assert (reader.post(address, {"answer": "yes"}).status, reader.get(address).status) == (410, 410)
    session.refresh(level)
    assert ends_by_kind(level) == ({until + timedelta(days=30)}, {until})
    facts = session.exec(select(Fact).where(Fact.kind == FactKind.DEPARTURE).order_by(Fact.id)).all()
    assert [f.value["confirmed"] for f in facts] == [False, True]
    assert (
        session.exec(select(func.count()).select_from(History).where(History.verb == "grace extended")).one()
        == 1
    )


def test_a_no_extends_nothing_and_staff_see_it(browse, session, team):
    organisation, *_ = team
    until = clock.now() + timedelta(days=40)
    level = hold_level(session, organisation, 3, status=LevelStatus.AT_RISK, status_until=until)
    hire(browse, team)
    browse().post(link(session, "hr@aurora.example", "/hired/"), {"answer": "no"})
    session.refresh(level)
    assert level.status_until == until
    staff = browse(make_person(session, "Staff", staff=StaffRole.REVIEWER))
    assert "Departures that the client denied" in staff.get("/staff").text
    assert "denied by the client" in staff.get("/staff/departures").text


def test_a_link_that_ran_out_says_nothing(browse, session, team):
    hire(browse, team)
    departure = session.exec(select(Departure)).one()
    departure.expires_at = clock.now() - timedelta(seconds=1)
    session.commit()
    address = link(session, "hr@aurora.example", "/hired/")
    assert (browse().get(address).status, browse().post(address, {"answer": "yes"}).status) == (410, 410)


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"client": "", "contact": ""}, ["Please fill this in.", "Please fill this in."]),
        ({"contact": "nobody"}, ["Please write an e-mail address, such as name@example.com."]),
        (
            {"contact": "boss@tangli.example"},
            ["This mailbox is yours or your people's. Write that of somebody at the client."],
        ),
        ({"how": "fired"}, ["Please choose one of the options."]),
    ],
)
def test_what_is_not_taken(browse, session, team, fields, errors):
    *_, employment = team
    page = hire(browse, team, **fields)
    assert (page.status, page.errors) == (422, errors)
    session.refresh(employment)
    assert employment.status is EmploymentStatus.CONFIRMED
    assert mails(session, "hr@aurora.example") == []


# ——— Handing over ———


def test_lines_are_given_one_by_one_and_all_at_once(browse, session, team):
    organisation, owner, member, employment = team
    cases = [a_case(session, organisation, member, n) for n in range(3)]
    seller = make_person(session, "Seller")
    employ(session, organisation, seller, role=Role.SALES)
    learner = make_person(session, "Learner")
    employ(session, organisation, learner)
    client = browse(owner)
    page = client.post(f"/my/team/{employment.id}/end", {"how": "ended"})
    assert (page.url, "3 lines need somebody" in page.text) == (f"/my/team/{employment.id}/handover", True)
    lines = session.exec(select(Handover).order_by(Handover.id)).all()
    options = page.tree.xpath(f"//select[@id='f-line_{lines[0].id}']/option/text()")
    assert options == ["not yet", "Owner", "Seller"]  # a learner writes no cases
    assert client.post(page.url, {}).status == 422
    assert client.post(page.url, {f"line_{lines[0].id}": str(learner.id)}).status == 422
    page = client.post(page.url, {f"line_{lines[0].id}": str(seller.id)})
    assert "2 lines need somebody" in page.text
    page = client.post(page.url, {"everybody": str(owner.id)})
    assert "needs somebody" not in page.text
    for case in cases:
        session.refresh(case)
    assert [c.responsible_id for c in cases] == [seller.id, owner.id, owner.id]
    departure = session.exec(select(Departure)).one()
    assert departure.handed_over_at is not None
    page = client.post(page.url, {"everybody": str(seller.id)})  # once more: nothing is left
    assert page.status == 422


def test_a_stranger_and_a_member_hand_nothing_over(browse, session, team):
    organisation, owner, member, employment = team
    case = a_case(session, organisation, member)
    colleague = make_person(session, "Colleague")
    employ(session, organisation, colleague, role=Role.SALES)
    browse(owner).post(f"/my/team/{employment.id}/end")
    neighbour = make_person(session, "Neighbour")
    make_organisation(session, "Neighbour", owner=neighbour)
    path = f"/my/team/{employment.id}/handover"
    assert browse(neighbour).get(path).status == 404
    assert browse(neighbour).post(path, {"everybody": str(neighbour.id)}).status == 404
    assert (
        browse(neighbour).post(f"/my/hand-over/case/{case.id}", {"person": str(neighbour.id)}).status == 404
    )
    assert browse(colleague).get(path).status == 403
    session.refresh(case)
    assert case.responsible_id == member.id


def test_what_nobody_takes_goes_to_the_longest_standing_owner(browse, session, team, monkeypatch):
    organisation, owner, member, employment = team
    case, over = a_case(session, organisation, member, 1), a_case(session, organisation, member, 2)
    second = make_person(session, "Second")
    employ(session, organisation, second, role=Role.OWNER)
    departure = actions.depart(session, employment, Ending.LEFT, by=member.id, now=clock.now())
    over.status = "retracted"
    session.commit()
    due = departure.handover_due_at
    assert due == clock.add_working_days(departure.at, 5)
    for at, taken in ((due - timedelta(minutes=1), member.id), (due, owner.id)):
        monkeypatch.setattr(clock, "now", lambda at=at: at)
        sweep_departures()
        session.refresh(case)
        assert case.responsible_id == taken
    sweep_departures()
    session.refresh(departure)
    assert (departure.escalated_at, departure.handed_over_at) == (due, due)
    subjects = [m.subject for m in mails(session, "owner@tangli.example")]
    assert subjects == ["Member has left Tangli", "A handover at Tangli ran out of time"]
    assert [line.assigned_to for line in session.exec(select(Handover).order_by(Handover.id))] == [
        owner.id,
        None,
    ]
    staff = browse(make_person(session, "Staff", staff=StaffRole.REVIEWER))
    assert "Handovers that went to an owner by themselves" in staff.get("/staff").text


def test_one_thing_is_handed_to_a_colleague_from_its_page(browse, session, team):
    organisation, owner, member, _ = team
    case = a_case(session, organisation, member)
    client = browse(owner)
    page = client.get(f"/my/cases/{case.id}")
    assert page.tree.xpath("//select[@id='f-person']/option/text()") == ["Owner"]
    page = client.post(f"/my/hand-over/case/{case.id}", {"person": str(owner.id)})
    assert (page.url, page.said) == (f"/my/cases/{case.id}", "Handed over. They see it on its page.")
    assert client.post(f"/my/hand-over/case/{case.id}", {"person": "999999"}).status == 422
    assert client.post("/my/hand-over/king/1", {"person": str(owner.id)}).status == 404
    assert browse(member).post(f"/my/hand-over/case/{case.id}", {"person": str(member.id)}).status == 403
    session.refresh(case)
    assert case.responsible_id == owner.id


def test_owners_see_the_clock_and_the_next_step(browse, session, team):
    organisation, owner, member, employment = team
    a_case(session, organisation, member)
    client = browse(owner)
    client.post(f"/my/team/{employment.id}/end")
    page = client.get("/my")
    assert "Hand over what Member left open" in page.text
    assert page.text.count("after that it goes to the longest-standing owner") == 1


# ——— Still there? ———


@pytest.fixture
def proved(session, team):
    organisation, *_ = team
    now = clock.now()
    domain = OrganisationDomain(
        organisation_id=organisation.id,
        domain="tangli.example",
        method=Method.DNS,
        token="x",
        claimed_at=now,
        proved_at=now - timedelta(days=300),
    )
    session.add(domain)
    session.commit()
    return domain


def test_a_mailbox_is_asked_every_half_year(session, team, proved, monkeypatch):
    *_, employment = team
    sweep_departures()
    sweep_departures()
    check = session.exec(select(MailboxCheck)).one()  # the owner joined just now
    assert (check.employment_id, check.why, check.status) == (employment.id, Why.PERIOD, CheckStatus.ASKED)
    assert check.due_at == clock.add_working_days(check.asked_at, 10)
    every = timedelta(days=180)
    actions.answer_check(session, check.id, Answer.YES, by=None, now=check.asked_at)
    session.flush()
    asked = check.asked_at
    assert [e for e, _ in people_to_ask(session, asked + every - timedelta(minutes=1), every)] == []
    assert employment.id in [e for e, _ in people_to_ask(session, asked + every, every)]


def test_somebody_says_by_one_click(browse, session, team, proved):
    _, _, member, employment = team
    actions.ask_mailbox(session, employment.id, Why.PERIOD, now=clock.now())
    session.commit()
    address = link(session, member.email, "/still-there/")
    reader = browse()
    assert "Do you still work at Tangli?" in reader.get(address).text
    assert reader.post(address, {}).status == 422
    assert "Thank you" in reader.post(address, {"answer": "no"}).text
    session.refresh(employment)
    assert (employment.status, employment.ending) == (EmploymentStatus.ENDED, Ending.DOMAIN_FAILED)
    assert (reader.get(address).status, reader.post(address, {"answer": "yes"}).status) == (410, 410)


def test_silence_asks_the_owners_and_then_ends_the_link(browse, session, team, proved, monkeypatch):
    _, owner, _, employment = team
    actions.ask_mailbox(session, employment.id, Why.PERIOD, now=clock.now())
    session.commit()
    check = session.exec(select(MailboxCheck)).one()
    monkeypatch.setattr(clock, "now", lambda at=check.due_at: at)
    sweep_departures()
    session.refresh(check)
    assert check.status is CheckStatus.OWNERS_ASKED
    assert [m.subject for m in mails(session, "owner@tangli.example")] == ["Does Member still work with you?"]
    assert "Do they still work here?" in browse(owner).get("/my/team").text
    monkeypatch.setattr(clock, "now", lambda at=check.due_at: at)
    sweep_departures()
    session.refresh(employment)
    assert (employment.status, employment.ending) == (EmploymentStatus.ENDED, Ending.DOMAIN_FAILED)


def test_the_owners_say_yes(browse, session, team, proved, monkeypatch):
    _, owner, member, employment = team
    actions.ask_mailbox(session, employment.id, Why.PERIOD, now=clock.now())
    session.commit()
    check = session.exec(select(MailboxCheck)).one()
    actions.silence(session, check.id, now=check.due_at)
    session.commit()
    path = f"/my/team/{employment.id}/still-there"
    assert browse(member).post(path, {"answer": "yes"}).status == 403
    assert browse(owner).post(path, {"answer": "yes"}).said == "Thank you. Nothing changes."
    assert browse(owner).post(path, {"answer": "yes"}).status == 404
    session.refresh(employment)
    assert employment.status is EmploymentStatus.CONFIRMED


def test_a_domain_that_fails_asks_at_once_and_once(session, team, proved):
    *_, employment = team
    every, now = timedelta(days=180), clock.now()
    proved.failed_at = now + timedelta(minutes=1)
    session.flush()
    later = now + timedelta(minutes=2)
    asked = people_to_ask(session, later, every)
    assert {why for _, why in asked} == {Why.DOMAIN}
    assert employment.id in [e for e, _ in asked]
    actions.ask_mailbox(session, employment.id, Why.DOMAIN, now=later)
    check = session.exec(select(MailboxCheck)).one()
    actions.answer_check(session, check.id, Answer.YES, by=None, now=later)
    session.flush()
    assert employment.id not in [e for e, _ in people_to_ask(session, later, every)]


def test_an_only_owner_is_never_put_out(session, team, proved):
    _, owner, *_ = team
    employment = open_employment(session, owner.id)
    actions.ask_mailbox(session, employment.id, Why.PERIOD, now=clock.now())
    check = session.exec(select(MailboxCheck)).one()
    for _ in range(3):
        actions.silence(session, check.id, now=check.due_at)
    with pytest.raises(Refused):
        actions.answer_check(session, check.id, Answer.NO, by=None, now=check.due_at)
    assert employment.status is EmploymentStatus.CONFIRMED


def test_who_leaves_otherwise_is_not_asked_any_more(session, team, proved):
    _, _, member, employment = team
    actions.ask_mailbox(session, employment.id, Why.PERIOD, now=clock.now())
    actions.depart(session, employment, Ending.LEFT, by=member.id, now=clock.now())
    assert session.exec(select(MailboxCheck)).one().status is CheckStatus.DROPPED


# ——— The credit ———


def test_the_owner_uses_the_credit_once(browse, session, team):
    organisation, owner, member, employment = team
    award_certificate(session, member.id, "P2", source=("import", 1), by=None, now=clock.now())
    hold_level(session, organisation, 3)
    client = browse(owner)
    page = client.post(f"/my/team/{employment.id}/end")
    forms = page.tree.xpath("//form[@action='/my/level/credit']//input[@name='metric']/@value")
    assert forms == ["staff_certified", "staff_senior"]
    page = client.post("/my/level/credit", {"metric": "staff_senior"})
    assert (page.url, "Continuity credit: one head" in page.text) == ("/my/level", True)
    fact = session.exec(select(Fact).where(Fact.kind == FactKind.CONTINUITY_CREDIT)).one()
    assert fact.value == {"metric": "staff_senior", "heads": 1, "stars": 3}
    assert fact.true_until == fact.true_from + timedelta(days=60)
    assert client.post("/my/level/credit", {"metric": "staff_certified"}).status == 409
    assert "It can be used again from" in client.get(f"/my/team/{employment.id}/handover").text


def test_a_credit_needs_a_level_at_risk_and_an_owner(browse, session, team):
    organisation, owner, member, _ = team
    hold_level(session, organisation, 3)
    assert browse(member).post("/my/level/credit", {"metric": "staff_senior"}).status == 403
    assert browse(owner).post("/my/level/credit", {"metric": "staff_senior"}).status == 409
    assert session.exec(select(Fact).where(Fact.kind == FactKind.CONTINUITY_CREDIT)).all() == []


# ——— Two at once ———


@pytest.fixture
def own_database(engine, tmp_path):
    """A database of its own, in which transactions really end."""
    from portal.columns import metadata
    from portal.history.chain import ROOT
    from portal.history.models import HistoryEnd

    url, now = engine.url, clock.now()
    if url.get_backend_name() == "sqlite":
        own = make_engine(f"sqlite:///{tmp_path / 'race.db'}")
    else:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("CREATE DATABASE departures_race")
        own = make_engine(url.set(database="departures_race").render_as_string(hide_password=False))
    metadata.create_all(own)
    sessions = make_sessions(own)
    with transaction(sessions) as session:
        session.add(HistoryEnd(seq=0, hash=ROOT))
        load_default(session, now=now, effective_from=now - timedelta(days=1))
    yield sessions
    own.dispose()
    if url.get_backend_name() != "sqlite":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("DROP DATABASE departures_race")


def at_once(sessions, act) -> list[bool]:
    """Four clicks at the same time: which of them went through."""

    def click(_n: int) -> bool:
        try:
            with transaction(sessions) as session:
                act(session)
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        return sorted(pool.map(click, range(4)))


def test_two_clicks_use_one_credit(own_database):
    with transaction(own_database) as session:
        organisation = make_organisation(session, "P")
        hold_level(
            session,
            organisation,
            3,
            status=LevelStatus.AT_RISK,
            status_until=clock.now() + timedelta(days=60),
        )
        owner = session.exec(select(Employment.person_id)).one()
        organisation_id = organisation.id

    def act(session) -> None:
        row = session.get_one(Organisation, organisation_id, with_for_update=True)
        use_credit(session, row, "staff_senior", by=owner, now=clock.now())

    assert at_once(own_database, act) == [False, False, False, True]
    with transaction(own_database, read_only=True) as session:
        assert session.exec(select(func.count()).where(Fact.kind == FactKind.CONTINUITY_CREDIT)).one() == 1


def test_two_answers_extend_once_and_two_ends_end_once(own_database):
    with transaction(own_database) as session:
        organisation = make_organisation(session, "P")
        until = clock.now() + timedelta(days=60)
        hold_level(session, organisation, 3, status=LevelStatus.AT_RISK, status_until=until)
        employment = employ(session, organisation, make_person(session, "Leaver"))
        employment_id = employment.id

    def end(session) -> None:
        session.exec(select(Organisation).with_for_update()).all()
        row = session.get_one(Employment, employment_id, with_for_update=True)
        client = actions.Client("Aurora", "hr@aurora.example", "en")
        actions.depart(session, row, Ending.HIRED_BY_CLIENT, client=client, by=None, now=clock.now())

    assert at_once(own_database, end) == [False, False, False, True]

    def answer(session) -> None:
        session.exec(select(Organisation).with_for_update()).all()
        row = session.exec(select(Departure).with_for_update()).one()
        actions.answer_as_client(session, row, Answer.YES, now=clock.now())

    assert at_once(own_database, answer) == [False, False, False, True]
    with transaction(own_database, read_only=True) as session:
        assert ends_by_kind(session.exec(select(Level)).one())[0] == {until + timedelta(days=30)}


def test_the_list_of_departures_is_one_query(session, team):
    organisation, _, member, employment = team
    actions.depart(session, employment, Ending.LEFT, by=member.id, now=clock.now())
    rows = departures_of(session, organisation.id, clock.now() - timedelta(days=1))
    assert [(d.person_id, name, lines) for d, name, lines in rows] == [(member.id, "Member", 0)]
    assert viewer_for(session, member).organisation is None
