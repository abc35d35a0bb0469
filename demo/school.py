"""The demo's school: tasks in every state, told in the order in which they happened."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlmodel import Session

from demo.queries import who_left
from portal import clock
from portal.accounts.models import Person
from portal.programme.queries import programme_at
from training.placement import actions as placements
from training.renewal import actions as renewals
from training.tasks import actions, queries
from training.tasks.models import Task
from training.tasks.rules import Audience, TaskKind, deadline, modules_of
from training.tracks.actions import answer_practice, finish_module
from training.tracks.rules import lesson

if TYPE_CHECKING:
    from demo.story import Story


class School:
    def __init__(self, story: "Story", key: str) -> None:
        self.story, self.session, self.now = story, story.session, story.now
        self.organisation_id = story.organisations[key].id or 0
        self.owner, self.team = story.owners[key], story.teams[key]

    def ago(self, days: float) -> datetime:
        return self.story.ago(days)

    def task(
        self,
        kind: TaskKind,
        subject: str,
        people: list[Person],
        *,
        set_ago: float,
        due_in: int,
        by: Person | None = None,
        **fields: Any,
    ) -> Task:
        at = self.ago(set_ago)
        catch_up(self.session, at)
        return actions.issue(
            self.session,
            self.organisation_id,
            kind=kind,
            subject=subject,
            audience=fields.pop("audience", Audience.PEOPLE),
            people=[p.id or 0 for p in people],
            due=deadline(clock.today(self.now) + timedelta(days=due_in)),
            by=(by or self.owner).id,
            now=at,
            **fields,
        )

    def learn(self, person: Person, *modules: str, days_ago: float) -> None:
        """Right answers, and finished."""
        at = self.ago(days_ago)
        catch_up(self.session, at)
        for key in modules:
            read = lesson(key, "zh")
            right = [p.answer for p in read.practice]
            answer_practice(self.session, read, right, by=person.id or 0, now=at)
            finish_module(self.session, read, programme_at(self.session, at), by=person.id or 0, now=at)
        actions.complete_of(self.session, person.id or 0, now=at)

    def place(self, person: Person, code: str, background: str, *, days_ago: float) -> None:
        """All right but the last question."""
        at = self.ago(days_ago)
        row = placements.begin(self.session, code, background, by=person.id or 0, now=at, seed=7)
        questions = [lesson(module, "zh").practice[n - 1] for module, n in row.drawn]
        answers = [q.answer for q in questions]
        answers[-1] = answers[-1] % len(questions[-1].options) + 1
        placements.finish(self.session, row, answers, by=person.id or 0, now=at + timedelta(minutes=9))

    def renew(self, person: Person, code: str, *, days_ago: float) -> None:
        at = self.ago(days_ago)
        catch_up(self.session, at)
        keys = modules_of(programme_at(self.session, at), code)
        questions = [question for key in keys for question in lesson(key, "zh").practice]
        renewals.renew(
            self.session, code, questions, [q.answer for q in questions], by=person.id or 0, now=at
        )


def catch_up(session: Session, until: datetime) -> None:
    """The reminders of the time before, each at its own time."""
    session.flush()
    while due := queries.next_step_due(session, until):
        assignment_id, at = due
        actions.remind(session, assignment_id, now=at)
        session.flush()


def tell_school(story: "Story") -> None:
    session = story.session
    school = School(story, "tangli")
    member, second, third, *others = school.team[1:]
    compliance = [f"TRK-11/{n}" for n in range(1, 5)]
    school.learn(others[0], *compliance, days_ago=420)
    school.learn(third, *compliance, days_ago=375)
    school.learn(second, *compliance, days_ago=300)
    for days in (140, 99):  # what ended 55 and 10 days ago
        catch_up(session, school.ago(days))
        renewals.ask_all(session, now=school.ago(days))
    school.renew(others[0], "TRK-11", days_ago=70)
    school.place(others[1], "TRK-01", "retail", days_ago=12)
    left = who_left(session)
    if left is not None:
        gone, organisation_id, at = left
        actions.issue(
            session,
            organisation_id,
            kind=TaskKind.LESSON,
            subject="TRK-11/3",
            audience=Audience.PEOPLE,
            people=[gone],
            due=deadline(clock.today(at) + timedelta(days=20)),
            by=None,
            now=at - timedelta(days=3),
        )
        actions.people_changed(session, organisation_id, at)
    school.task(
        TaskKind.LESSON,
        "TRK-02/2",
        [member, second],
        set_ago=45,
        due_in=-25,
        note="下周例会每人讲一个自己的例子。",
    )
    free = school.task(
        TaskKind.FREE,
        "",
        [member, third],
        set_ago=36,
        due_in=-21,
        title="整理一份门店社群的欢迎语",
        done_when="三家门店各试用一周，附上截图",
        mandatory=True,
    )
    school.learn(member, "TRK-02/2", days_ago=30)
    for row, person in ((r, r.person_id) for r in queries.assignments_of(session, free.id or 0)):
        if person == member.id:
            actions.say_done(
                session, row, free, "三家都试用了，截图在群文件里。", by=person, now=school.ago(26)
            )
            actions.confirm(session, row, free, by=school.owner.id or 0, now=school.ago(25))
    everybody = school.task(TaskKind.EXAM, "P2", [], set_ago=24, due_in=-2, audience=Audience.EVERYBODY)
    renewals.ask_all(session, now=school.ago(24))  # what ends in 65 days
    school.learn(second, "TRK-02/2", days_ago=22)  # three days late
    actions.withdraw(session, everybody, by=school.owner.id, now=school.ago(20))
    words = school.task(
        TaskKind.FREE,
        "",
        [second],
        set_ago=9,
        due_in=4,
        title="把售后话术改成一页纸",
        done_when="客服组长看过并在用",
    )
    school.task(
        TaskKind.SELF_TEST,
        "",
        [school.owner],
        set_ago=6,
        due_in=9,
        from_staff=True,
        by=story.reviewer,
        note="季度例会前请重做一次自测。",
    )
    school.task(TaskKind.TRACK, "TRK-11", [member, *others[1:3]], set_ago=8, due_in=2, mandatory=True)
    catch_up(session, school.ago(1))
    (row,) = queries.assignments_of(session, words.id or 0)
    actions.say_done(session, row, words, "已改好，发给客服组长了。", by=second.id or 0, now=school.ago(1))
    catch_up(session, story.now)
