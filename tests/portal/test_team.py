"""Invited, joined, left: both sides agree, one employer a person, and never without an owner."""

from datetime import timedelta

import pytest
from sqlmodel import func, select

from portal import clock
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.mail.models import Mail
from portal.organisations.actions import invite
from portal.organisations.models import Employment
from portal.organisations.queries import open_employment, roles_of
from portal.organisations.rules import EmploymentStatus, Ending, Role
from tests.factories import employ, make_organisation, make_person


@pytest.fixture
def team(session):
    owner = make_person(session, "Owner", email="owner@tangli.example")
    return make_organisation(session, "Tangli", owner=owner), owner


def link(session, address: str) -> str:
    mail = session.exec(select(Mail).where(Mail.to_address == address).order_by(Mail.id.desc())).first()
    return next(word for word in mail.text.split() if "/join/" in word).removeprefix("http://127.0.0.1:8000")


def employments(session, organisation) -> list[Employment]:
    rows = session.exec(select(Employment).where(Employment.organisation_id == organisation.id))
    return sorted(rows, key=lambda e: e.id)


def test_invited_and_joined(browse, session, team):
    organisation, owner = team
    page = browse(owner).post("/my/team", {"email": "New@Person.example", "roles": "learner"})
    assert page.said == "Invited. The link in the mail holds for 14 days."
    assert "invited, not yet accepted" in page.text
    new = make_person(session, "New", email="new@person.example", confirmed=False)
    address = link(session, "new@person.example")
    assert "Tangli Co., Ltd" in browse().get(address).text
    assert browse().post("/my" + address).url == "/sign-in"
    page = browse(new).post("/my" + address)
    assert page.said == "Welcome. What you learn and the certificates you earn stay yours."
    employment = open_employment(session, new.id)
    [held] = roles_of(session, employment.id, clock.now())
    assert (employment.organisation_id, held.role, held.until, held.given_by, employment.token_hash) == (
        organisation.id,
        Role.LEARNER,
        None,
        owner.id,
        None,
    )
    session.refresh(new)
    assert new.confirmed_at is not None  # the link reached the mailbox
    [fact] = session.exec(select(Fact).where(Fact.kind == FactKind.EMPLOYMENT, Fact.person_id == new.id))
    assert (fact.organisation_id, fact.true_until) == (organisation.id, None)


def test_a_link_works_once(browse, session, team):
    _, owner = team
    browse(owner).post("/my/team", {"email": "new@person.example", "roles": "learner"})
    address = link(session, "new@person.example")
    new = browse(make_person(session, "New", email="new@person.example"))
    new.post("/my" + address)
    assert new.post("/my" + address).status == 410
    assert browse().get(address).status == 410


def test_another_address_cannot_use_it(browse, session, team):
    _, owner = team
    browse(owner).post("/my/team", {"email": "new@person.example", "roles": "owner"})
    address = link(session, "new@person.example")
    other = make_person(session, "Other", email="other@person.example")
    page = browse(other).post("/my" + address)
    assert (page.status, "This invitation went to another address." in page.text) == (409, True)
    assert open_employment(session, other.id) is None
    assert browse().get(address).status == 200  # it still waits for the right person


def test_a_link_ends_after_its_days(browse, session, team):
    organisation, owner = team
    employment = invite(
        session, organisation, "new@person.example", {Role.LEARNER: None}, language="en", by=owner,
        now=clock.now() - timedelta(days=14, seconds=1),
    )  # fmt: skip
    session.flush()
    new = browse(make_person(session, "New", email="new@person.example"))
    assert new.post("/my" + link(session, "new@person.example")).status == 410
    session.refresh(employment)
    assert employment.status is EmploymentStatus.INVITED


def test_nobody_counts_for_two(browse, session, team):
    _, owner = team
    elsewhere = make_person(session, "Elsewhere", email="new@person.example")
    other = make_organisation(session, "Other", owner=elsewhere)
    browse(owner).post("/my/team", {"email": "new@person.example", "roles": "learner"})
    page = browse(elsewhere).post("/my" + link(session, "new@person.example"))
    assert (page.status, "nobody counts for two" in page.text) == (409, True)
    assert open_employment(session, elsewhere.id).organisation_id == other.id


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"email": "", "roles": "learner"}, "Please fill this in."),
        ({"email": "nobody", "roles": "learner"}, None),
        ({"email": "new@person.example", "roles": "king"}, "Please choose one of the options."),
        (
            {"email": "OWNER@tangli.example", "roles": "learner"},
            "This address is invited already, or works here.",
        ),
    ],
)
def test_an_invitation_that_is_refused(browse, session, team, fields, sentence):
    organisation, owner = team
    page = browse(owner).post("/my/team", fields)
    assert (page.status, len(page.errors)) == (422, 1)
    assert sentence is None or page.errors == [sentence]
    assert page.value("email") == fields["email"]
    assert len(employments(session, organisation)) == 1


def test_sent_twice_invites_once(browse, session, team):
    organisation, owner = team
    client = browse(owner)
    client.post("/my/team", {"email": "new@person.example", "roles": "learner"})
    page = client.post("/my/team", {"email": "new@person.example", "roles": "learner"})
    assert page.errors == ["This address is invited already, or works here."]
    assert len(employments(session, organisation)) == 2
    assert session.exec(select(func.count()).select_from(Mail)).one() == 1


def test_a_member_invites_nobody_and_sends_nobody_away(browse, session, team):
    organisation, owner = team
    member = make_person(session, "Member")
    employ(session, organisation, member)
    client = browse(member)
    page = client.get("/my/team")
    assert page.tree.xpath("//form[@action='/my/team']") == []
    assert client.post("/my/team", {"email": "new@person.example", "roles": "owner"}).status == 403
    first = open_employment(session, owner.id)
    client.post(f"/my/team/{first.id}/end")
    session.refresh(first)
    assert first.status is EmploymentStatus.CONFIRMED


def test_an_invitation_taken_back_opens_nothing(browse, session, team):
    organisation, owner = team
    client = browse(owner)
    client.post("/my/team", {"email": "new@person.example", "roles": "learner"})
    address = link(session, "new@person.example")
    invited = employments(session, organisation)[1]
    client.post(f"/my/team/{invited.id}/end")
    assert browse().get(address).status == 410
    new = browse(make_person(session, "New", email="new@person.example"))
    assert new.post("/my" + address).status == 410
    assert session.exec(select(Fact).where(Fact.kind == FactKind.EMPLOYMENT)).all() != []
    client.post("/my/team", {"email": "new@person.example", "roles": "learner"})
    assert new.post("/my" + link(session, "new@person.example")).status == 200


def test_a_member_leaves_and_is_at_home_nowhere(browse, session, team):
    organisation, _ = team
    member = make_person(session, "Member")
    employment = employ(session, organisation, member)
    client = browse(member)
    page = client.post(f"/my/team/{employment.id}/end")
    assert (page.url, page.said) == ("/my", "Done. Certificates stay with the person.")
    assert client.get("/my/team").status == 404
    session.refresh(employment)
    assert (employment.status, employment.ending) == (EmploymentStatus.ENDED, Ending.LEFT)
    [fact] = session.exec(select(Fact).where(Fact.person_id == member.id, Fact.kind == FactKind.EMPLOYMENT))
    assert fact.true_until == employment.ended_at


def test_an_owner_lets_somebody_go_once(browse, session, team):
    organisation, owner = team
    employment = employ(session, organisation, make_person(session, "Member"))
    client = browse(owner)
    assert client.post(f"/my/team/{employment.id}/end").url == f"/my/team/{employment.id}/handover"
    session.refresh(employment)
    assert (employment.status, employment.ending) == (EmploymentStatus.ENDED, Ending.REMOVED)
    assert client.post(f"/my/team/{employment.id}/end").status == 404


def test_the_only_owner_stays(browse, session, team):
    organisation, owner = team
    mine = open_employment(session, owner.id)
    client = browse(owner)
    page = client.post(f"/my/team/{mine.id}/end")
    assert (page.status, "You are the only owner." in page.text) == (409, True)
    employ(session, organisation, make_person(session, "Second"), role=Role.OWNER)
    session.commit()
    assert client.post(f"/my/team/{mine.id}/end").url == "/my"
    session.refresh(mine)
    assert mine.status is EmploymentStatus.ENDED


def test_a_stranger_touches_no_team(browse, session, team):
    organisation, _ = team
    employment = employ(session, organisation, make_person(session, "Member"))
    neighbour = make_person(session, "Neighbour")
    make_organisation(session, "Neighbour", owner=neighbour)
    client = browse(neighbour)
    assert client.post(f"/my/team/{employment.id}/end").status == 404
    assert "owner@tangli.example" not in client.get("/my/team").response.text
    alone = browse(make_person(session, "Alone"))
    assert alone.get("/my/team").status == 404
    assert alone.post(f"/my/team/{employment.id}/end").status == 404
    session.refresh(employment)
    assert employment.status is EmploymentStatus.CONFIRMED


def test_the_team_costs_the_same_with_one_and_with_ten(browse, session, team, engine):
    from sqlalchemy import event

    organisation, owner = team
    client, sent = browse(owner), []

    def note(*args):
        sent.append(args[2])

    event.listen(engine, "before_cursor_execute", note)
    try:
        client.get("/my/team")
        first = len(sent)
        for n in range(9):
            employ(session, organisation, make_person(session, f"Member {n}"))
        session.commit()
        sent.clear()
        client.get("/my/team")
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert len(sent) == first


def test_invitations_are_limited_by_sender_and_by_address(browse, session, team):
    """Across processes: the counts are rows."""
    _, owner = team
    client = browse(owner)
    for n in range(60):
        assert client.post("/my/team", {"email": f"p{n}@x.example", "roles": "learner"}).url == "/my/team"
    page = client.post("/my/team", {"email": "p60@x.example", "roles": "learner"})
    assert page.errors == ["That was a lot of tries. Please wait an hour; nothing is lost."]
    for n in range(6):
        other = make_person(session)
        make_organisation(session, f"Other{n}", owner=other)
        page = browse(other).post("/my/team", {"email": "victim@x.example", "roles": "learner"})
        assert (page.status == 422) == (n == 5)


def test_joining_goes_on_under_a_new_token(browse, session, team):
    _, owner = team
    browse(owner).post("/my/team", {"email": "new@person.example", "roles": "learner"})
    client = browse(make_person(session, "New", email="new@person.example"))
    before = client.client.cookies["session"]
    assert client.post("/my" + link(session, "new@person.example")).url == "/my"
    after = client.client.cookies["session"]
    assert after != before
    assert client.get("/my/team").status == 200
    client.client.cookies.set("session", before)
    assert client.get("/my/team").url == "/sign-in"
