"""My tasks; setting one and looking after it, for owners and for staff."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.i18n import gettext
from portal.organisations.models import Organisation
from portal.organisations.queries import members_of
from portal.organisations.rules import EmploymentStatus, Role
from portal.refusal import NotFound, Refused, mark
from portal.rights.rules import role_names
from portal.web.forms import Form, check, whole
from portal.web.html import found, get, go, html, post
from portal.web.viewer import provider_member, staff, viewer_of
from training.tasks import actions, queries
from training.tasks.forms import Extend, SayDone, SendBack, SetTask
from training.tasks.models import Assignment, Task
from training.tasks.rules import (
    REMEMBERED_FOR,
    WAITS,
    Audience,
    TaskKind,
    deadline,
    name_of,
    path_of,
    subjects,
)
from training.tracks.rules import modules_written

SET = mark("Set. Everybody it is for has been told.")

# Mine


def _mine(
    request: Request, session: Session, form: Form, errors: dict[str, str], at: int = 0, status: int = 200
) -> Response[str]:
    """`at`: the assignment whose form has `errors`."""
    viewer, now = viewer_of(request), clock.now()
    acting = found(viewer.organisation)
    seen = queries.tasks_of_person(session, acting.id, viewer.person_id, now - REMEMBERED_FOR)
    return html(
        request,
        "tasks/mine.html",
        status=status,
        waiting=[g for g in seen if g.assignment.status in WAITS],
        done=sorted(
            (g for g in seen if g.assignment.done_at),
            key=lambda g: g.assignment.done_at or now,
            reverse=True,
        ),
        named=lambda task: name_of(task.kind, task.subject, task.title, viewer.programme),
        path_of=path_of,
        form=form,
        errors=errors,
        wrong=at,
        at=now,
    )


@get("/my/tasks", right="learn")
def mine(request: Request, session: Session) -> Response[str]:
    return _mine(request, session, Form(), {})


@post("/my/tasks/{assignment_id:int}/done", right="learn")
def say_done(request: Request, session: Session, form: Form, assignment_id: int) -> Response:
    viewer = viewer_of(request)
    acting = found(viewer.organisation)
    row, task = found(queries.assignment_of(session, assignment_id, acting.id, viewer.person_id))
    entry, errors = check(SayDone, form)
    if entry is None:
        return _mine(request, session, form, errors, assignment_id, 422)
    actions.say_done(session, row, task, entry.said, by=viewer.person_id, now=clock.now())
    return go("/my/tasks", mark("Said. Whoever set the task looks and confirms it."))


# Setting one


def _people(session: Session, organisation_id: int) -> dict[str, str]:
    """Who works there now: id → name."""
    return {
        str(m.person_id): m.name
        for m in members_of(session, organisation_id, clock.now())
        if m.status == EmploymentStatus.CONFIRMED and m.person_id is not None
    }


def _set_page(
    request: Request,
    session: Session,
    organisation: Organisation,
    form: Form,
    errors: dict[str, str],
    *,
    for_staff: bool = False,
    status: int = 200,
) -> Response[str]:
    programme = viewer_of(request).programme
    base = f"/staff/organisations/{organisation.id}" if for_staff else "/my/team"
    return html(
        request,
        "tasks/new.html",
        status=status,
        organisation=organisation,
        for_staff=for_staff,
        action=f"{base}/tasks/new",
        back=f"{base}/learning",
        groups=subjects(programme, modules_written()),
        people=_people(session, organisation.id or 0),
        roles=role_names(programme),
        form=form,
        errors=errors,
        today=clock.today(clock.now()),
    )


def _asked(request: Request, *, for_staff: bool = False) -> Form:
    """The form as a link from the board fills it in."""
    query = request.query_params
    person, everybody = str(query.get("person", "")), query.get("audience") == "everybody"
    audience = Audience.PEOPLE if person else Audience.EVERYBODY if everybody else ""
    return Form.of(
        {
            "what": str(query.get("what", "")),
            "audience": Audience.ROLE if for_staff else audience,
            "role": Role.OWNER if for_staff else "",
            "people": [person],
        }
    )


def _set(
    request: Request, session: Session, form: Form, organisation: Organisation, *, for_staff: bool
) -> Task | Response[str]:
    viewer, now = viewer_of(request), clock.now()
    options = {key for _, group in subjects(viewer.programme, modules_written()) for key in group}
    people = _people(session, organisation.id or 0)
    context = {"today": clock.today(now), "subjects": options, "people": [int(i) for i in people]}
    entry, errors = check(SetTask, form, context)
    if entry:
        errors = {name: gettext(sentence) for name, sentence in entry.wrong().items()}
    if entry is None or errors:
        return _set_page(request, session, organisation, form, errors, for_staff=for_staff, status=422)
    free = entry.kind is TaskKind.FREE
    return actions.issue(
        session,
        organisation.id or 0,
        kind=entry.kind,
        subject=entry.subject,
        title=entry.title if free else "",
        done_when=entry.done_when if free else "",
        note=entry.note,
        mandatory=entry.mandatory,
        audience=entry.audience,
        role=entry.role if entry.audience is Audience.ROLE else None,
        people=entry.people if entry.audience is Audience.PEOPLE else (),
        due=deadline(entry.due),
        from_staff=for_staff,
        by=viewer.person_id,
        now=now,
    )


@get("/my/team/tasks/new", right="task")
def new(request: Request, session: Session) -> Response[str]:
    organisation = session.get_one(Organisation, found(viewer_of(request).organisation).id)
    return _set_page(request, session, organisation, _asked(request), {})


@post("/my/team/tasks/new", right="task")
def set_task(request: Request, session: Session, form: Form) -> Response:
    organisation = session.get_one(Organisation, found(viewer_of(request).organisation).id)
    task = _set(request, session, form, organisation, for_staff=False)
    return go(f"/my/team/tasks/{task.id}", SET) if isinstance(task, Task) else task


@get("/staff/organisations/{organisation_id:int}/tasks/new", right="staff_task")
def new_by_staff(request: Request, session: Session, organisation_id: int) -> Response[str]:
    organisation = found(session.get(Organisation, organisation_id))
    found(organisation if organisation.kind == "provider" else None)
    return _set_page(request, session, organisation, _asked(request, for_staff=True), {}, for_staff=True)


@post("/staff/organisations/{organisation_id:int}/tasks/new", right="staff_task")
def set_by_staff(request: Request, session: Session, form: Form, organisation_id: int) -> Response:
    organisation = found(session.get(Organisation, organisation_id))
    found(organisation if organisation.kind == "provider" else None)
    task = _set(request, session, form, organisation, for_staff=True)
    return go(f"/staff/tasks/{task.id}", SET) if isinstance(task, Task) else task


# Looking after one


def _task_page(
    request: Request,
    session: Session,
    task: Task,
    organisation: Organisation,
    form: Form,
    errors: dict[str, str],
    *,
    base: str,
    status: int = 200,
) -> Response[str]:
    viewer, for_staff = viewer_of(request), base.startswith("/staff")
    return html(
        request,
        "tasks/task.html",
        status=status,
        task=task,
        name=name_of(task.kind, task.subject, task.title, viewer.programme),
        organisation=organisation,
        given=queries.given_of(session, task.id or 0),
        issuer=queries.issuer_of(session, task),
        base=base,
        back=f"/staff/organisations/{organisation.id}/learning" if for_staff else "/my/team/learning",
        mine=task.from_staff == for_staff and viewer.may("staff_task" if for_staff else "task"),
        for_staff=for_staff,
        roles=role_names(viewer.programme),
        form=form,
        errors=errors,
        at=clock.now(),
    )


def _own(
    request: Request, session: Session, task_id: int, *, lock: bool = False
) -> tuple[Task, Organisation]:
    acting = found(viewer_of(request).organisation)
    task = found(queries.task_in(session, task_id, acting.id, lock=lock))
    if lock and task.from_staff:
        raise Refused(mark("Staff set this task; they look after it."), status=403)
    return task, session.get_one(Organisation, acting.id)


def _change(
    request: Request,
    session: Session,
    form: Form,
    task: Task,
    organisation: Organisation,
    move: str,
    base: str,
) -> Response:
    viewer, now = viewer_of(request), clock.now()
    if move == "withdraw":
        actions.withdraw(session, task, by=viewer.person_id, now=now)
        return go(base, mark("Withdrawn. What was done stays done."))
    if move == "extend":
        later, errors = check(Extend, form, {"today": clock.today(now)})
        if later and deadline(later.due) <= task.due:
            errors = {"due": gettext(mark("A new deadline lies after the present one."))}
        if later is None or errors:
            return _task_page(request, session, task, organisation, form, errors, base=base, status=422)
        actions.extend(session, task, deadline(later.due), reason=later.reason, by=viewer.person_id, now=now)
        return go(base, mark("Saved. The reminders begin anew."))
    row = _row(session, task, whole(form["assignment"]))
    if move == "confirm":
        actions.confirm(session, row, task, by=viewer.person_id, now=now)
        return go(base, mark("Confirmed."))
    why, errors = check(SendBack, form)
    if why is None:
        return _task_page(request, session, task, organisation, form, errors, base=base, status=422)
    actions.send_back(session, row, task, why.answer, by=viewer.person_id, now=now)
    return go(base, mark("Sent back with your words."))


def _row(session: Session, task: Task, assignment_id: int) -> Assignment:
    rows = queries.assignments_of(session, task.id or 0)
    return found(next((row for row in rows if row.id == assignment_id), None))


CHANGES = ("withdraw", "extend", "confirm", "send-back")


@get("/my/team/tasks/{task_id:int}", right="task")
def task(request: Request, session: Session, task_id: int) -> Response[str]:
    row, organisation = _own(request, session, task_id)
    return _task_page(request, session, row, organisation, Form(), {}, base=f"/my/team/tasks/{task_id}")


@post("/my/team/tasks/{task_id:int}/{move:str}", right="task")
def change(request: Request, session: Session, form: Form, task_id: int, move: str) -> Response:
    row, organisation = _own(request, session, task_id, lock=True)
    if move not in CHANGES:
        raise NotFound
    return _change(request, session, form, row, organisation, move, f"/my/team/tasks/{task_id}")


@get("/staff/tasks")
def overdue(request: Request, session: Session) -> Response[str]:
    """What owners let lie."""
    programme = viewer_of(request).programme
    return html(
        request,
        "tasks/staff.html",
        rows=[
            (given, organisation, name_of(given.task.kind, given.task.subject, given.task.title, programme))
            for given, organisation in queries.escalated(session)
        ],
    )


@get("/staff/tasks/{task_id:int}")
def task_of_staff(request: Request, session: Session, task_id: int) -> Response[str]:
    row, organisation = found(queries.task_of_staff(session, task_id))
    return _task_page(request, session, row, organisation, Form(), {}, base=f"/staff/tasks/{task_id}")


@post("/staff/tasks/{task_id:int}/{move:str}", right="staff_task")
def change_by_staff(request: Request, session: Session, form: Form, task_id: int, move: str) -> Response:
    row, organisation = found(queries.task_of_staff(session, task_id, lock=True))
    if move not in CHANGES:
        raise NotFound
    return _change(request, session, form, row, organisation, move, f"/staff/tasks/{task_id}")


routers = [
    Router("/", route_handlers=[mine, say_done, new, set_task, task, change], guards=[provider_member]),
    Router(
        "/",
        route_handlers=[new_by_staff, set_by_staff, overdue, task_of_staff, change_by_staff],
        guards=[staff],
    ),
]
