"""Roles in an organisation and on the platform: several at once, for a time, given by who may, seen by all concerned."""

from datetime import timedelta

import pytest
from sqlmodel import select

from portal import clock
from portal.accounts.models import StaffAppointment
from portal.accounts.rules import StaffRole
from portal.history.models import History
from portal.organisations.models import EmploymentRole
from portal.organisations.queries import members_of, owners_of, roles_of
from portal.organisations.rules import Role, why_not_roles
from portal.staffing.command import appoint as appoint_command
from tests.factories import employ, make_organisation, make_person, viewer_for

NOW = clock.now()
LATER = NOW + timedelta(days=30)


@pytest.fixture
def team(session):
    owner, colleague = make_person(session, "Owner"), make_person(session, "Colleague")
    organisation = make_organisation(session, owner=owner)
    return organisation, owner, colleague, employ(session, organisation, colleague)


@pytest.mark.parametrize(
    ("wanted", "had", "giver", "others", "why"),
    [
        ({}, [Role.LEARNER], [Role.OWNER], 1, "Please choose at least one role."),
        ({Role.SALES: LATER}, [Role.LEARNER], [Role.MANAGER], 1, None),
        ({Role.OWNER: None}, [Role.LEARNER], [Role.MANAGER], 1, "Only an owner makes or unmakes owners and managers."),
        ({Role.LEARNER: None}, [Role.MANAGER], [Role.MANAGER], 1, "Only an owner makes or unmakes owners and managers."),
        ({Role.MANAGER: None, Role.SALES: None}, [Role.MANAGER], [Role.MANAGER], 1, None),
        ({Role.SALES: NOW}, [], [Role.OWNER], 1, "A last day has passed already. Choose a later one, or leave the role out."),
        ({Role.SALES: None}, [Role.OWNER], [Role.OWNER], 0, "An organisation needs an owner. Make somebody else an owner first."),
        ({Role.SALES: None}, [Role.OWNER], [Role.OWNER], 1, None),
    ],
)  # fmt: skip
def test_who_may_give_what(wanted, had, giver, others, why):
    assert why_not_roles(wanted, had, giver, other_owners=others, now=NOW) == why


def test_several_roles_each_with_its_last_day(browse, session, team):
    _, owner, colleague, employment = team
    last = clock.today(clock.now()) + timedelta(days=10)
    client, path = browse(owner), f"/my/team/{employment.id}"
    assert client.get(path).tree.xpath("//input[@name='roles'][@checked]/@value") == ["learner"]
    fields = {"roles": ["sales", "delivery"], "until_sales": last.isoformat()}
    assert client.post(path, fields).said == "Saved. The new roles hold from the next click."
    held = {row.role: row.until for row in roles_of(session, employment.id, clock.now())}
    assert set(held) == {Role.SALES, Role.DELIVERY}
    assert held[Role.DELIVERY] is None
    assert clock.today(held[Role.SALES] - timedelta(seconds=1)) == last
    assert client.get(path).value("until_sales") == last.isoformat()
    # The colleague may draft and answer now; when the last day is over only the drafts stay.
    assert viewer_for(session, colleague).may("invitation")
    [sales] = [row for row in roles_of(session, employment.id, clock.now()) if row.role is Role.SALES]
    sales.until = clock.now()
    assert [viewer_for(session, colleague).may(right) for right in ("invitation", "draft")] == [False, True]
    # What was held stays as rows.
    rows = session.exec(select(EmploymentRole).where(EmploymentRole.employment_id == employment.id)).all()
    assert sorted(row.role for row in rows) == ["delivery", "learner", "sales"]
    [change] = session.exec(
        select(History).where(
            History.verb == "roles given", History.subject_id == employment.id, History.actor_id == owner.id
        )
    )
    assert (change.before, change.after) == ({"roles": ["learner"]}, {"roles": ["delivery", "sales"]})


def test_everybody_in_the_organisation_sees_who_holds_what(browse, session, team):
    _, _, colleague, _ = team
    page = browse(colleague).get("/my/team")
    tags = [tag.text_content().strip() for tag in page.tree.find_class("tag")]
    assert tags == ["Owner", "Learner"]
    assert page.tree.xpath("//form[@action='/my/team']") == []
    assert browse(colleague).get(f"/my/team/{team[3].id}").status == 403


def test_a_manager_gives_what_a_manager_may(browse, session, team):
    organisation, owner, _, employment = team
    manager = make_person(session, "Manager")
    own = employ(session, organisation, manager, role=Role.MANAGER)
    client = browse(manager)
    assert client.post(f"/my/team/{employment.id}", {"roles": "sales"}).url == "/my/team"
    page = client.post(f"/my/team/{employment.id}", {"roles": ["sales", "manager"]})
    assert (page.status, page.errors) == (422, ["Only an owner makes or unmakes owners and managers."])
    page = client.post(f"/my/team/{own.id}", {"roles": "owner"})
    assert page.status == 422
    [boss] = [m for m in members_of(session, organisation.id, clock.now()) if m.holds(Role.OWNER)]
    assert client.post(f"/my/team/{boss.employment_id}/end").status == 409
    page = client.post("/my/team", {"email": "new@x.example", "roles": "manager"})
    assert page.errors == ["Only an owner makes or unmakes owners and managers."]
    assert client.post("/my/team", {"email": "new@x.example", "roles": "traffic"}).url == "/my/team"
    assert [o.id for o in owners_of(session, organisation.id)] == [owner.id]


def test_the_last_owner_stays_one(browse, session, team):
    organisation, owner, colleague, employment = team
    client = browse(owner)
    [mine] = [m for m in members_of(session, organisation.id, clock.now()) if m.holds(Role.OWNER)]
    page = client.post(f"/my/team/{mine.employment_id}", {"roles": "manager"})
    assert page.errors == ["An organisation needs an owner. Make somebody else an owner first."]
    client.post(f"/my/team/{employment.id}", {"roles": "owner"})
    assert client.post(f"/my/team/{mine.employment_id}", {"roles": "manager"}).url == "/my/team"
    assert [o.id for o in owners_of(session, organisation.id)] == [colleague.id]


def test_roles_of_another_organisation_are_not_there(browse, session, team):
    stranger = make_person(session)
    make_organisation(session, "Other", owner=stranger)
    client = browse(stranger)
    assert client.get(f"/my/team/{team[3].id}").status == 404
    assert client.post(f"/my/team/{team[3].id}", {"roles": "owner"}).status == 404


# ——— On the platform ———


def test_an_administrator_appoints_for_a_time_and_takes_back(browse, session):
    admin = make_person(session, "Admin", staff=StaffRole.ADMINISTRATOR)
    person = make_person(session, "Reviewer to be", email="wei@yuqiao.example")
    client = browse(admin)
    last = (clock.today(clock.now()) + timedelta(days=5)).isoformat()
    fields = {"email": "Wei@yuqiao.example", "role": "reviewer", "until": last}
    assert client.post("/staff/people", fields).said == "Appointed. It holds from their next click."
    client.post("/staff/people", fields)  # sent twice
    [row] = session.exec(select(StaffAppointment).where(StaffAppointment.person_id == person.id))
    assert (row.role, row.given_by) == (StaffRole.REVIEWER, admin.id)
    seen = browse(person).get("/staff/people")
    assert (seen.status, "Reviewer to be" in seen.text) == (200, True)
    assert seen.tree.xpath("//form[@action='/staff/people']") == []
    assert client.post(f"/staff/people/{row.id}/end", {"reason": "moved on"}).url == "/staff/people"
    assert client.post(f"/staff/people/{row.id}/end").status == 404
    assert browse(person).get("/staff/people").status == 404
    verbs = [h.verb for h in session.exec(select(History).where(History.subject_id == person.id, History.subject_kind == "person"))]  # fmt: skip
    assert verbs == ["staff role given", "staff role taken back"]


def test_somebody_must_be_able_to_appoint(browse, session):
    admin = make_person(session, "Admin", staff=StaffRole.ADMINISTRATOR)
    client = browse(admin)
    [row] = session.exec(select(StaffAppointment).where(StaffAppointment.person_id == admin.id))
    page = client.post(f"/staff/people/{row.id}/end")
    assert (page.status, "This is the only administrator" in page.text) == (409, True)
    last = (clock.today(clock.now()) + timedelta(days=5)).isoformat()
    page = client.post("/staff/people", {"email": admin.email, "role": "administrator", "until": last})
    assert page.status == 409
    other = make_person(session, "Other")
    client.post("/staff/people", {"email": other.email, "role": "administrator"})
    assert client.post(f"/staff/people/{row.id}/end").url == "/sign-in"  # done, and gone with it


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"email": "nobody@x.example", "role": "reviewer"}, "Nobody has confirmed an account with this address. Let them sign up first."),
        ({"email": "unconfirmed@x.example", "role": "reviewer"}, "Nobody has confirmed an account with this address. Let them sign up first."),
        ({"email": "person@x.example", "role": "king"}, "Please choose one of the options."),
        ({"email": "person@x.example", "role": "reviewer", "until": "2020-01-01"}, "This day is over already. Choose a later one, or leave it empty."),
    ],
)  # fmt: skip
def test_whom_nobody_can_appoint(browse, session, fields, error):
    make_person(session, email="unconfirmed@x.example", confirmed=False)
    make_person(session, email="person@x.example")
    page = browse(make_person(session, staff=StaffRole.ADMINISTRATOR)).post("/staff/people", fields)
    assert (page.status, page.errors) == (422, [error])


def test_the_first_administrator_comes_from_the_command_line(session, capsys):
    person = make_person(session, email="first@x.example")
    session.commit()
    assert appoint_command("first@x.example", "administrator") == 0
    assert viewer_for(session, person).staff_roles == {"administrator"}
    assert appoint_command("nobody@x.example", "administrator") == 1
    assert appoint_command("first@x.example", "king") == 1
    said = capsys.readouterr()
    assert said.out == "first@x.example is administrator now.\n"
    assert "Choose one of: reviewer" in said.err
