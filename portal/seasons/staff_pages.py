"""Move a phase with a reason; open a form for one organisation after its phase."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.history.queries import timeline
from portal.i18n import gettext
from portal.refusal import Refused, mark
from portal.seasons import actions, queries
from portal.seasons.forms import LetIn, Move
from portal.seasons.models import Season
from portal.seasons.rules import LATE, NAMES, SUBJECT
from portal.web.forms import Form, check, whole
from portal.web.html import found, get, go, html, post
from portal.web.viewer import staff, viewer_of


def _page(
    request: Request,
    session: Session,
    row: Season | None,
    form: Form,
    errors: dict[str, str],
    wrong: str = "",
    status: int = 200,
) -> Response[str]:
    return html(
        request,
        "seasons/staff.html",
        status=status,
        season=row,
        phases=row.dated if row else [],
        today=clock.today(clock.now()),
        exceptions=queries.exceptions_of(session, row.id or 0) if row else [],
        entries=timeline(session, SUBJECT, row.id or 0)[:30] if row else [],
        forms={key: NAMES[key] for key in LATE},
        says={key: gettext(NAMES[key]) for key in LATE},
        form=form,
        errors=errors,
        wrong=wrong,
    )


@get("/staff/season", right="staff_season")
def season(request: Request, session: Session) -> Response[str]:
    return _page(request, session, queries.season_at(session, clock.now()), Form(), {})


def _refused(refused: Refused) -> dict[str, str]:
    """The sentence at its field; what is no matter of a field goes on as a page."""
    if refused.status != 422:
        raise refused
    return {str(refused.values["field"]): gettext(refused.message)}


@post("/staff/season/phases", right="staff_season")
def move(request: Request, session: Session, form: Form) -> Response:
    now = clock.now()
    row = found(queries.season_at(session, now))
    phase = found(next((p for p in row.dated if p.key == form["phase"]), None))
    entry, errors = check(Move, form)
    if entry:
        try:
            actions.move_phase(
                session,
                row.id or 0,
                phase.key,
                entry.first,
                entry.last,
                reason=entry.reason,
                revision=whole(form["revision"], -1),
                by=viewer_of(request).person_id,
                now=now,
            )
        except Refused as refused:
            errors = _refused(refused)
    if errors:
        return _page(request, session, row, form, errors, phase.key, 422)
    return go("/staff/season", mark("Moved. Everybody reads the new days."))


@post("/staff/season/exceptions", right="staff_season")
def let_in(request: Request, session: Session, form: Form) -> Response:
    now = clock.now()
    row = found(queries.season_at(session, now))
    entry, errors = check(LetIn, form)
    organisation = queries.organisation_by_code(session, entry.organisation) if entry else None
    if entry and organisation is None:
        errors = {"organisation": gettext(mark("No organisation has this code."))}
    if entry and organisation:
        try:
            actions.let_in(
                session,
                row.id or 0,
                organisation.id or 0,
                entry.form,
                entry.last,
                reason=entry.reason,
                by=viewer_of(request).person_id,
                now=now,
            )
        except Refused as refused:
            errors = _refused(refused)
    if errors:
        return _page(request, session, row, form, errors, "exception", 422)
    return go("/staff/season", mark("Open for them. It is recorded, and counted in public."))


router = Router("/", route_handlers=[season, move, let_in], guards=[staff])
