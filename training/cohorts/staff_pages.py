"""Make cohorts, read every part of every score, choose, and see what the cohort was worth."""

from datetime import datetime, timedelta
from typing import Any

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.clock import CHINA
from portal.history.queries import timeline
from portal.i18n import gettext
from portal.programme.rules import Programme, Text
from portal.refusal import NotFound, Refused, mark
from portal.web.forms import Form, check, whole
from portal.web.html import found, get, go, html, post
from portal.web.viewer import staff, viewer_of
from training.cohorts import actions, queries
from training.cohorts.forms import Choose, Make, Why
from training.cohorts.models import Cohort
from training.cohorts.rules import INSIDE, STATES, SUBJECT, Applied, Status, digest_of, first
from training.maturity.questions import Instrument, dimensions
from training.maturity.rules import Gain, gain
from training.tasks.rules import last_day


def _tracks(programme: Programme) -> dict[str, Text]:
    return {
        t["code"]: {"zh": f"{t['code']} {t['zh']}", "en": f"{t['code']} {t['en']}"}
        for t in programme["tracks"]
    }


@get("/staff/cohorts", right="staff_cohort")
def cohorts(request: Request, session: Session) -> Response[str]:
    return html(request, "cohorts/staff.html", rows=queries.every_cohort(session), at=clock.now())


def _form_page(
    request: Request, form: Form, errors: dict[str, str], cohort: Cohort | None = None, status: int = 200
) -> Response[str]:
    tracks = _tracks(viewer_of(request).programme)
    return html(
        request, "cohorts/form.html", status=status, form=form, errors=errors, cohort=cohort, tracks=tracks
    )


def _read(request: Request, form: Form) -> tuple[Make | None, dict[str, str]]:
    entry, errors = check(Make, form, {"tracks": _tracks(viewer_of(request).programme)})
    if entry:
        errors = {name: gettext(sentence) for name, sentence in entry.wrong(clock.now()).items()}
    return (None if errors else entry), errors


@get("/staff/cohorts/new", right="staff_cohort")
def new(request: Request) -> Response[str]:
    return _form_page(request, Form(), {})


@post("/staff/cohorts/new", right="staff_cohort")
def make(request: Request, session: Session, form: Form) -> Response:
    entry, errors = _read(request, form)
    if entry is None:
        return _form_page(request, form, errors, status=422)
    row = actions.make(session, entry.columns(), by=viewer_of(request).person_id, now=clock.now())
    return go(f"/staff/cohorts/{row.id}", mark("Made. Owners apply from the day that you said."))


@get("/staff/cohorts/{cohort_id:int}/edit", right="staff_cohort")
def edit(request: Request, session: Session, cohort_id: int) -> Response[str]:
    row = found(session.get(Cohort, cohort_id))
    names = ("name_zh", "name_en", "offer_zh", "offer_en", "tracks", "cap", "revision")
    values: dict[str, Any] = {name: getattr(row, name) for name in names}
    for name in ("apply_from", "apply_until"):
        values[name] = getattr(row, name).astimezone(CHINA).strftime("%Y-%m-%dT%H:%M")
    values |= {"starts_on": clock.today(row.starts_at), "ends_on": last_day(row.ends_at)}
    return _form_page(request, Form.of(values), {}, row)


@post("/staff/cohorts/{cohort_id:int}/edit", right="staff_cohort")
def change(request: Request, session: Session, form: Form, cohort_id: int) -> Response:
    row = found(session.get(Cohort, cohort_id))
    entry, errors = _read(request, form)
    if entry is None:
        return _form_page(request, form, errors, row, status=422)
    actions.change(
        session,
        cohort_id,
        entry.columns(),
        revision=whole(form["revision"], -1),
        by=viewer_of(request).person_id,
        now=clock.now(),
    )
    return go(f"/staff/cohorts/{cohort_id}", mark("Saved."))


def gains(
    session: Session, cohort: Cohort, rows: list[queries.Applicant], programme: Programme, now: datetime
) -> list[tuple[str, Gain]]:
    """Verified means on the day before the start and now (or at the end): those inside against those who waited."""
    before = queries.verified_at(session, programme, cohort.starts_at - timedelta(microseconds=1))
    after = queries.verified_at(session, programme, min(now, cohort.ends_at))
    inside = {a.organisation.id or 0 for a in rows if a.application.status in INSIDE}
    waited = {
        a.organisation.id or 0
        for a in rows
        if a.application.place is not None and a.application.status not in (*INSIDE, Applied.DROPPED)
    }
    return [
        (mark("In the cohort"), gain(inside, before, after)),
        (mark("On the waiting list"), gain(waited, before, after)),
    ]


def _page(
    request: Request,
    session: Session,
    row: Cohort,
    form: Form,
    errors: dict[str, str],
    wrong: str = "",
    status: int = 200,
) -> Response[str]:
    now, programme = clock.now(), viewer_of(request).programme
    rows = queries.applicants(session, row.id or 0)
    waiting = [a.application.id for a in rows if a.application.status is Applied.WAITING]
    return html(
        request,
        "cohorts/manage.html",
        status=status,
        cohort=row,
        rows=rows,
        line={application: n for n, application in enumerate(waiting, 1)},
        inside=sum(a.application.status in INSIDE for a in rows),
        states=STATES,
        tracks=_tracks(programme),
        names=programme.fostering["names"],
        gains=gains(session, row, rows, programme, now)
        if row.status is not Status.PLANNED and now > row.starts_at
        else [],
        dimensions={d.key: d.name for d in dimensions(Instrument.SEVEN)},
        may_choose=row.status is Status.PLANNED and now >= row.apply_until,
        may_finish=row.status is Status.CHOSEN and now >= row.ends_at,
        entries=timeline(session, SUBJECT, row.id or 0)[:20],
        form=form,
        errors=errors,
        wrong=wrong,
    )


@get("/staff/cohorts/{cohort_id:int}", right="staff_cohort")
def manage(request: Request, session: Session, cohort_id: int) -> Response[str]:
    row = found(session.get(Cohort, cohort_id))
    return _page(request, session, row, Form(), {})


def _choose_page(
    request: Request,
    session: Session,
    row: Cohort,
    form: Form | None,
    errors: dict[str, str],
    status: int = 200,
) -> Response[str]:
    rows = actions.scored(session, row, clock.now())
    order = [s.candidate for s in rows]
    by_score = first(order, row.cap)
    taken = {whole(i) for i in form.all("taken")} if form else by_score
    return html(
        request,
        "cohorts/choose.html",
        status=status,
        cohort=row,
        rows=rows,
        by_score=by_score,
        taken=taken,
        seen=digest_of(order),
        names=viewer_of(request).programme.fostering["names"],
        open=row.status is Status.PLANNED and clock.now() >= row.apply_until,
        form=form or Form(),
        errors=errors,
    )


@get("/staff/cohorts/{cohort_id:int}/choose", right="staff_cohort")
def choosing(request: Request, session: Session, cohort_id: int) -> Response[str]:
    row = found(session.get(Cohort, cohort_id))
    found(row if row.status is Status.PLANNED else None)
    return _choose_page(request, session, row, None, {})


@post("/staff/cohorts/{cohort_id:int}/choose", right="staff_cohort")
def choose(request: Request, session: Session, form: Form, cohort_id: int) -> Response:
    row = found(session.get(Cohort, cohort_id))
    entry, errors = check(Choose, form)
    if entry is None:
        return _choose_page(request, session, row, form, errors, 422)
    try:
        actions.choose(
            session,
            cohort_id,
            taken=entry.taken,
            seen=form["seen"],
            reason=entry.reason,
            by=viewer_of(request).person_id,
            now=clock.now(),
        )
    except Refused as refused:
        if refused.status != 422:
            raise
        field = "taken" if refused.values else "reason"
        errors = {field: gettext(refused.message, **refused.values)}
        return _choose_page(request, session, row, form, errors, 422)
    return go(f"/staff/cohorts/{cohort_id}", mark("Chosen. The owners are told, the tasks are set."))


SAID = {
    "drop": mark("Dropped. The next in line has the place."),
    "decline": mark("Declined. The owners are told why."),
    "finish": mark("Finished."),
}


@post("/staff/cohorts/{cohort_id:int}/{move:str}", right="staff_cohort")
def act(request: Request, session: Session, form: Form, cohort_id: int, move: str) -> Response:
    row = found(session.get(Cohort, cohort_id))
    if move not in SAID:
        raise NotFound
    by, now = viewer_of(request).person_id, clock.now()
    if move == "finish":
        actions.finish(session, cohort_id, by=by, now=now)
        return go(f"/staff/cohorts/{cohort_id}", SAID[move])
    why, errors = check(Why, form)
    if why is None:
        return _page(request, session, row, form, errors, move, 422)
    organisation_id = whole(form["organisation"])
    if move == "drop":
        own = queries.application_of(session, cohort_id, organisation_id)
        found(own if own and own.status is Applied.CHOSEN else None)
        actions.leave(session, cohort_id, organisation_id, reason=why.reason, by=by, now=now)
    else:
        actions.decline(session, cohort_id, organisation_id, reason=why.reason, by=by, now=now)
    return go(f"/staff/cohorts/{cohort_id}", SAID[move])


router = Router(
    "/",
    route_handlers=[cohorts, new, make, edit, change, manage, choosing, choose, act],
    guards=[staff],
)
