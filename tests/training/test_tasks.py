"""Tasks: set, seen, done by themselves or confirmed, reminded, escalated, withdrawn; the board."""

import csv
import io
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlmodel import select

from portal import clock
from portal.accounts.rules import StaffRole
from portal.departures.actions import depart
from portal.history.queries import timeline
from portal.ledger.actions import write_fact
from portal.ledger.rules import FactKind
from portal.notices.models import Notice
from portal.organisations.actions import set_roles
from portal.organisations.rules import Ending, Role
from tests.factories import employ, make_organisation, make_person, viewer_for
from tests.training.test_learning import learn
from training.tasks import actions, queries
from training.tasks.home import clocks, next_step
from training.tasks.jobs import sweep_tasks
from training.tasks.models import Assignment, Task
from training.tasks.rules import Audience, How, Status, Step, TaskKind, deadline


@pytest.fixture
def firm(session):
    """(organisation, owner, colleague)"""
    owner, colleague = make_person(session, "Owner"), make_person(session, "Colleague")
    organisation = make_organisation(session, owner=owner)
    employ(session, organisation, colleague, role=Role.SALES)
    return organisation, owner, colleague


def day(days):
    return clock.today(clock.now()) + timedelta(days=days)


def set_one(session, firm, kind=TaskKind.LESSON, subject="TRK-11/1", people=None, due=10, now=None, **fields):
    organisation, owner, colleague = firm
    task = actions.issue(
        session,
        organisation.id,
        kind=kind,
        subject=subject,
        audience=fields.pop("audience", Audience.PEOPLE),
        people=[p.id for p in people or [colleague]],
        due=deadline(day(due)),
        by=fields.pop("by", owner.id),
        now=now or clock.now(),
        **fields,
    )
    session.flush()
    return task


def rows_of(session, task):
    return session.exec(select(Assignment).where(Assignment.task_id == task.id).order_by(Assignment.id)).all()


def told(session, person):
    return [
        n.kind for n in session.exec(select(Notice).where(Notice.person_id == person.id).order_by(Notice.id))
    ]


FORM = {"what": "lesson:TRK-11/1", "audience": "everybody", "note": "Before Friday's round"}


def test_from_the_board_to_done(session, browse, firm):
    organisation, owner, colleague = firm
    page = browse(owner)
    assert "/my/team/tasks/new" in page.get("/my/team/learning").links()
    seen = page.post("/my/team/tasks/new", FORM | {"due": str(day(10))})
    task = session.exec(select(Task)).one()
    assert seen.url == f"/my/team/tasks/{task.id}"
    assert seen.said == "Set. Everybody it is for has been told."
    assert (task.organisation_id, task.subject, task.issued_by, task.due) == (
        organisation.id,
        "TRK-11/1",
        owner.id,
        deadline(day(10)),
    )
    assert told(session, colleague) == ["tasks/assigned"]
    mine = browse(colleague)
    assert "/my/learning/TRK-11/1" in mine.get("/my/tasks").links()
    learn(session, colleague, "TRK-11/1")
    session.commit()
    sweep_tasks()
    row = next(r for r in rows_of(session, task) if r.person_id == colleague.id)
    assert (row.status, row.how, row.tell_at) == (Status.DONE, How.BY_ITSELF, None)
    done = mine.get("/my/tasks")
    assert done.tree.xpath("//h2/text()") == ["Nothing is asked of you now", "Done in the last 90 days"]
    assert [e.verb for e in timeline(session, "task", task.id)] == ["task done", "task set"]


def test_finishing_the_lesson_finishes_the_task(session, browse, firm):
    _, _, colleague = firm
    task = set_one(session, firm)
    learn(session, colleague, "TRK-11/1", finish=False)
    browse(colleague).post("/my/learning/TRK-11/1/finish")
    assert [r.status for r in rows_of(session, task)] == [Status.DONE]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"what": ""}, "what"),
        ({"what": "lesson:TRK-99/1"}, "what"),
        ({"due": "2020-01-01"}, "due"),
        ({"due": "soon"}, "due"),
        ({"due": "2999-01-01"}, "due"),
        ({"audience": ""}, "audience"),
        ({"audience": "role"}, "role"),
        ({"audience": "people"}, "people"),
        ({"audience": "people", "people": "999999"}, "people"),
        ({"what": "free:", "done_when": "seen"}, "title"),
        ({"what": "free:", "title": "Write it down"}, "done_when"),
    ],
)
def test_what_is_wrong_is_said_beside_it(session, browse, firm, change, field):
    page = browse(firm[1]).post("/my/team/tasks/new", FORM | {"due": str(day(5))} | change)
    assert page.status == 422
    assert page.tree.xpath("//section[@class='errors']//a/@href") == [f"#f-{field}"]
    assert page.value("note") is not None
    assert session.exec(select(Task)).all() == []


def test_a_double_click_sets_one_task(session, browse, firm):
    page = browse(firm[1])
    form = {**FORM, "due": str(day(5)), "audience": "people", "people": str(firm[2].id)}
    page.post("/my/team/tasks/new", form)
    page.post("/my/team/tasks/new", form)
    page.post("/my/team/tasks/new", form | {"people": str(firm[1].id)})
    assert len(session.exec(select(Task)).all()) == 2


def test_done_before_is_done_at_once(session, firm):
    learn(session, firm[2], "TRK-11/1")
    write_fact(
        session, FactKind.CERTIFICATE, person_id=firm[2].id, source=("x", 1), now=clock.now(), code="P1"
    )
    for task in (set_one(session, firm), set_one(session, firm, TaskKind.EXAM, "P1")):
        assert [r.status for r in rows_of(session, task)] == [Status.DONE]
    assert told(session, firm[2]) == []


def test_a_free_task_is_said_done_sent_back_and_confirmed(session, browse, firm):
    _, owner, colleague = firm
    task = set_one(
        session, firm, TaskKind.FREE, "", title="Write the welcome", done_when="Three shops use it"
    )
    (row,) = rows_of(session, task)
    mine, boss = browse(colleague), browse(owner)
    assert mine.post(f"/my/tasks/{row.id}/done", {"said": ""}).status == 422
    mine.post(f"/my/tasks/{row.id}/done", {"said": "Two shops use it"})
    assert mine.post(f"/my/tasks/{row.id}/done", {"said": "again"}).status == 409
    assert told(session, owner) == ["tasks/said"]
    path = f"/my/team/tasks/{task.id}"
    assert boss.post(f"{path}/send-back", {"assignment": row.id, "answer": ""}).status == 422
    boss.post(f"{path}/send-back", {"assignment": row.id, "answer": "One is missing"})
    assert "Sent back: One is missing" in mine.get("/my/tasks").text
    mine.post(f"/my/tasks/{row.id}/done", {"said": "Now three"})
    assert boss.post(f"{path}/confirm", {"assignment": row.id}).said == "Confirmed."
    assert boss.post(f"{path}/confirm", {"assignment": row.id}).status == 409
    session.refresh(row)
    assert (row.status, row.how, row.confirmed_by, row.done_at) == (
        Status.DONE,
        How.CONFIRMED,
        owner.id,
        row.said_at,
    )


def test_nobody_confirms_their_own(session, browse, firm):
    organisation, owner, _ = firm
    manager = make_person(session, "Manager")
    employ(session, organisation, manager, role=Role.MANAGER)
    task = set_one(session, firm, TaskKind.FREE, "", people=[manager], title="A", done_when="B")
    (row,) = rows_of(session, task)
    path = f"/my/team/tasks/{task.id}/confirm"
    assert browse(manager).post(path, {"assignment": row.id}).status == 409
    assert browse(owner).post(path, {"assignment": row.id}).status == 200


def test_strangers_find_nothing(session, browse, firm):
    task = set_one(session, firm, TaskKind.FREE, "", title="A secret", done_when="B")
    (row,) = rows_of(session, task)
    neighbour = make_person(session, "Neighbour")
    make_organisation(session, owner=neighbour)
    page = browse(neighbour)
    assert page.get(f"/my/team/tasks/{task.id}").status == 404
    for move in ("withdraw", "extend", "confirm", "send-back"):
        assert page.post(f"/my/team/tasks/{task.id}/{move}", {"assignment": row.id}).status == 404
    assert page.post(f"/my/tasks/{row.id}/done", {"said": "x"}).status == 404
    # The owner's own organisation, but a task of somebody else.
    assert browse(firm[1]).post(f"/my/tasks/{row.id}/done", {"said": "x"}).status == 404
    # Without the role.
    assert browse(firm[2]).get(f"/my/team/tasks/{task.id}").status == 403
    assert [r.status for r in rows_of(session, task)] == [Status.OPEN]


def test_withdrawn_and_extended(session, browse, firm):
    task = set_one(session, firm, due=3)
    page, path = browse(firm[1]), f"/my/team/tasks/{task.id}"
    assert page.post(f"{path}/extend", {"due": str(day(3)), "reason": "Fair"}).status == 422
    assert page.post(f"{path}/extend", {"due": str(day(12)), "reason": ""}).status == 422
    page.post(f"{path}/extend", {"due": str(day(12)), "reason": "The fair"})
    (row,) = rows_of(session, task)
    session.refresh(row)
    assert (row.due, row.told) == (deadline(day(12)), Step.NONE)
    page.post(f"{path}/withdraw")
    assert page.post(f"{path}/withdraw").status == 409
    session.refresh(row)
    assert (row.status, row.tell_at) == (Status.WITHDRAWN, None)
    assert [(e.verb, e.reason) for e in timeline(session, "task", task.id)] == [
        ("task withdrawn", ""),
        ("deadline of a task extended", "The fair"),
        ("task set", ""),
    ]


def test_each_step_is_told_once_to_whom_it_concerns(session, firm):
    """Day by day, and twice a day: the person four times, the owner once, then the desk."""
    _, owner, colleague = firm
    start = clock.now()
    task = set_one(session, firm, due=10, now=start)
    heard = []
    for half in range(2 * 25):
        now = start + timedelta(hours=12 * half)
        for i in queries.steps_due(session, now):
            actions.remind(session, i, now=now)
        session.flush()
        (row,) = rows_of(session, task)
        if not heard or heard[-1] != row.told:
            heard.append(row.told)
    assert heard == [step for step in Step if step not in (Step.EARLY, Step.MONTH)]
    assert told(session, colleague) == ["tasks/assigned", *["tasks/due"] * 4]
    assert told(session, owner) == ["tasks/escalated"]
    assert queries.how_many_escalated(session) == 1
    assert row.tell_at is None


def test_newcomers_and_new_roles_get_it_and_leavers_lose_it(session, firm):
    organisation, owner, _colleague = firm
    by_role = set_one(session, firm, audience=Audience.ROLE, role=Role.DELIVERY, people=[], due=2)
    everybody = set_one(session, firm, subject="TRK-11/2", audience=Audience.EVERYBODY, people=[], due=2)
    assert [len(rows_of(session, t)) for t in (by_role, everybody)] == [0, 2]
    newcomer = make_person(session, "Newcomer")
    employment = employ(session, organisation, newcomer, role=Role.DELIVERY)
    session.commit()
    sweep_tasks()
    (row,) = rows_of(session, by_role)
    assert (row.person_id, row.due) == (newcomer.id, deadline(day(7)))
    set_roles(session, employment, {Role.LEARNER: None}, by=owner.id, now=clock.now())
    depart(session, employment, Ending.LEFT, by=newcomer.id, now=clock.now())
    session.flush()
    assert {r.status for r in rows_of(session, by_role)} == {Status.LEFT}
    assert [r.status for r in rows_of(session, everybody)] == [Status.OPEN, Status.OPEN, Status.LEFT]
    # And back again.
    employ(session, organisation, newcomer, role=Role.DELIVERY)
    actions.people_changed(session, organisation.id, clock.now())
    session.flush()
    assert [r.status for r in rows_of(session, by_role)] == [Status.OPEN]
    assert queries.organisations_with_newcomers(session, clock.now()) == []


def test_what_a_leaver_set_is_handed_over(session, firm):
    organisation, owner, _colleague = firm
    manager = make_person(session, "Manager")
    employ(session, organisation, manager, role=Role.MANAGER)
    task = set_one(session, firm, by=manager.id)
    (thing,) = queries.tasks_to_hand(session, organisation.id, manager.id)
    assert (thing.subject_id, thing.right, thing.responsible_id) == (task.id, "task", manager.id)
    actions.give_task(session, task.id, owner.id, by=owner.id, now=clock.now())
    session.flush()
    assert queries.tasks_to_hand(session, organisation.id, manager.id) == []
    assert task.issued_by == manager.id


def test_the_home_page_says_what_is_urgent(session, firm):
    _, _, colleague = firm
    viewer, now = viewer_for(session, colleague), clock.now()
    far = set_one(session, firm, due=10)
    assert next_step(session, viewer, now) is None
    assert [c.until for c in clocks(session, viewer, now)] == [far.due]
    near = set_one(session, firm, subject="TRK-11/2", due=1)
    (row,) = rows_of(session, near)
    assert next_step(session, viewer, now).path == f"/my/tasks#task-{row.id}"
    assert next_step(session, viewer, now + timedelta(days=3)).text == "It was due on %(day)s."


def test_the_board_takes_the_same_queries_for_one_and_for_many(session, browse, firm, connection):
    organisation, owner, colleague = firm
    learn(session, colleague, "TRK-11/1", "TRK-11/2")
    set_one(session, firm, subject="TRK-11/3", due=-1, now=clock.now() - timedelta(days=9))
    page = browse(owner)

    def queries_for(path):
        seen = []

        def count(*arguments):
            seen.append(arguments[2])

        event.listen(connection, "before_cursor_execute", count)
        found = page.get(path)
        event.remove(connection, "before_cursor_execute", count)
        return found, len(seen)

    page.get("/my/team/learning")
    first, before = queries_for("/my/team/learning")
    cells = [" ".join(td.text_content().split()) for td in first.tree.xpath("//table[1]/tbody/tr[2]/td")]
    assert cells[:2] == ["2", "2"]
    assert cells[3:5] == ["not finished yet", "1 overdue"]
    late = page.get("/my/team/learning?overdue=yes")
    names = [a.text_content() for a in late.tree.xpath("//section[@aria-labelledby='people']//tbody//th/a")]
    assert names == ["Colleague"]
    for n in range(3):
        person = make_person(session, f"More {n}")
        employ(session, organisation, person)
        learn(session, person, "TRK-11/1")
        set_one(session, firm, subject="TRK-11/4", people=[person])
    session.commit()
    page = browse(owner)
    page.get("/my/team/learning")
    again, after = queries_for("/my/team/learning")
    assert again.status == 200
    assert after == before


def test_the_same_numbers_for_staff_and_as_csv(session, browse, firm):
    organisation, owner, colleague = firm
    learn(session, colleague, "TRK-11/1", "TRK-11/2")
    colleague.name = "=cmd|' /C calc'!A0"
    session.flush()
    table = browse(owner).get("/my/team/learning.csv")
    assert table.response.headers["content-type"].startswith("text/csv")
    rows = list(csv.reader(io.StringIO(table.response.text.lstrip("\ufeff"))))
    assert rows[0][0] == "Name"
    assert rows[2][:5] == ["'=cmd|' /C calc'!A0", "Sales", "2", "2.0", "2.0"]
    staff = make_person(session, "Staff", staff=StaffRole.REVIEWER)
    own = browse(owner).get("/my/team/learning").tree.xpath("//table[1]//td")
    theirs = (
        browse(staff).get(f"/staff/organisations/{organisation.id}/learning").tree.xpath("//table[1]//td")
    )
    assert [td.text_content() for td in own] == [td.text_content() for td in theirs]


def test_a_person_of_the_board(session, browse, firm):
    _organisation, owner, _colleague = firm
    set_one(session, firm)
    page = browse(owner)
    link = page.get("/my/team/learning").tree.xpath("//a[text()='Colleague']/@href")[0]
    assert page.get(link).tree.findtext(".//h1") == "Colleague"
    neighbour = make_person(session, "Neighbour")
    make_organisation(session, owner=neighbour)
    assert browse(neighbour).get(link).status == 404


def test_staff_set_a_task_and_the_owner_gets_it(session, browse, firm):
    organisation, owner, _colleague = firm
    manager = make_person(session, "Partner manager", staff=StaffRole.PARTNER_MANAGER)
    page = browse(manager)
    path = f"/staff/organisations/{organisation.id}/tasks/new"
    form = page.get(path)
    assert form.tree.xpath("//input[@name='audience'][@checked]/@value") == ["role"]
    assert form.value("role") == "owner"
    seen = page.post(path, {"what": "self_test:", "audience": "role", "role": "owner", "due": str(day(9))})
    task = session.exec(select(Task)).one()
    assert seen.url == f"/staff/tasks/{task.id}"
    assert [r.person_id for r in rows_of(session, task)] == [owner.id]
    # The organisation reads it and leaves it alone.
    assert browse(owner).get(f"/my/team/tasks/{task.id}").status == 200
    assert browse(owner).post(f"/my/team/tasks/{task.id}/withdraw").status == 403
    reviewer = browse(make_person(session, "Reviewer", staff=StaffRole.REVIEWER))
    assert reviewer.get(f"/staff/tasks/{task.id}").status == 200
    assert reviewer.post(f"/staff/tasks/{task.id}/withdraw").status == 403
    assert page.post(f"/staff/tasks/{task.id}/withdraw").said == "Withdrawn. What was done stays done."
    # Tasks that the organisation set are not the staff's.
    own = set_one(session, firm)
    session.commit()
    assert page.get(f"/staff/tasks/{own.id}").status == 404
