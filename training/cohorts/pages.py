"""Cohorts as owners see them: what is offered, the own score by part, the place in line."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.i18n import gettext
from portal.organisations.models import Organisation
from portal.organisations.queries import members_of
from portal.organisations.rules import EmploymentStatus
from portal.refusal import mark
from portal.rights.rules import role_names
from portal.seasons.queries import gate
from portal.web.forms import Form, check
from portal.web.html import found, get, go, html, post
from portal.web.viewer import provider_member, viewer_of
from training.cohorts import actions, queries
from training.cohorts.forms import Apply
from training.cohorts.models import Cohort
from training.cohorts.rules import STATES, Applied, takes
from training.tasks.rules import Audience


@get("/my/cohorts", right="foster")
def cohorts(request: Request, session: Session) -> Response[str]:
    acting, now = found(viewer_of(request).organisation), clock.now()
    rows = queries.every_cohort(session, acting.id)
    season = gate(session, "cohort", now, organisation_id=acting.id)
    return html(
        request,
        "cohorts/list.html",
        rows=rows,
        states=STATES,
        takes=lambda c: season.open and takes(c.status, c.apply_from, c.apply_until, now),
        at=now,
    )


def _people(session: Session, organisation_id: int) -> dict[str, str]:
    """Who works there now: id → name."""
    return {
        str(m.person_id): m.name
        for m in members_of(session, organisation_id, clock.now())
        if m.status == EmploymentStatus.CONFIRMED and m.person_id is not None
    }


def _page(
    request: Request, session: Session, cohort: Cohort, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    viewer, now = viewer_of(request), clock.now()
    acting = found(viewer.organisation)
    own = queries.application_of(session, cohort.id or 0, acting.id)
    within = takes(cohort.status, cohort.apply_from, cohort.apply_until, now)
    season = gate(session, "cohort", now, organisation_id=acting.id)
    parts = own.parts if own else []
    if not parts:
        organisation = session.get_one(Organisation, acting.id)
        parts = [vars(p) for p in actions.own_parts(session, cohort, organisation, now)]
    line = [
        a.application.id
        for a in queries.applicants(session, cohort.id or 0)
        if a.application.status is Applied.WAITING
    ]
    return html(
        request,
        "cohorts/cohort.html",
        status=status,
        cohort=cohort,
        own=own,
        parts=parts,
        total=round(sum(p["points"] for p in parts), 1),
        frozen=bool(own and own.parts),
        in_line=line.index(own.id) + 1 if own and own.id in line else None,
        lowest=queries.lowest_chosen(session, cohort.id or 0),
        names=viewer.programme.fostering["names"],
        tracks={t["code"]: t for t in viewer.programme["tracks"]},
        takes=within and season.open,
        closed=gettext(season.closed.message, **season.closed.values) if within and not season.open else "",
        states=STATES,
        people=_people(session, acting.id),
        roles=role_names(viewer.programme),
        form=form,
        errors=errors,
        at=now,
    )


@get("/my/cohorts/{cohort_id:int}", right="foster")
def cohort(request: Request, session: Session, cohort_id: int) -> Response[str]:
    row = found(session.get(Cohort, cohort_id))
    return _page(request, session, row, Form.of({"audience": Audience.EVERYBODY}), {})


@post("/my/cohorts/{cohort_id:int}/apply", right="foster")
def apply(request: Request, session: Session, form: Form, cohort_id: int) -> Response:
    viewer = viewer_of(request)
    acting, row = found(viewer.organisation), found(session.get(Cohort, cohort_id))
    people = [int(i) for i in _people(session, acting.id)]
    entry, errors = check(Apply, form, {"people": people})
    if entry:
        errors = {name: gettext(sentence) for name, sentence in entry.wrong().items()}
    if entry is None or errors:
        return _page(request, session, row, form, errors, 422)
    actions.apply(
        session,
        cohort_id,
        acting.id,
        motivation=entry.motivation,
        audience=entry.audience,
        role=entry.role if entry.audience is Audience.ROLE else None,
        people=entry.people if entry.audience is Audience.PEOPLE else (),
        by=viewer.person_id,
        now=clock.now(),
    )
    return go(f"/my/cohorts/{cohort_id}", mark("Applied. The answer comes after the last day to apply."))


@post("/my/cohorts/{cohort_id:int}/leave", right="foster")
def leave(request: Request, session: Session, cohort_id: int) -> Response:
    viewer = viewer_of(request)
    acting = found(viewer.organisation)
    state = actions.leave(session, cohort_id, acting.id, by=viewer.person_id, now=clock.now())
    said = (
        mark("You have dropped out. The next in line gets the place.")
        if state is Applied.DROPPED
        else mark("Withdrawn.")
    )
    return go(f"/my/cohorts/{cohort_id}", said)


routers = [Router("/", route_handlers=[cohorts, cohort, apply, leave], guards=[provider_member])]
