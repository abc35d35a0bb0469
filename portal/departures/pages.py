"""End a link, hand over what was open, answer as the client or from one's mailbox; what staff see of it."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.accounts.actions import digest
from portal.departures import actions, queries
from portal.departures.actions import ONLY_OWNER, Client
from portal.departures.forms import EndLink, HandTo, Say
from portal.departures.models import Departure
from portal.departures.rules import ENDING_NAMES, SHOWN_FOR, Answer
from portal.desk.parts import CONTRIBUTIONS
from portal.i18n import gettext, language
from portal.organisations.models import Organisation
from portal.organisations.pages import member_of
from portal.organisations.queries import Member, employment_in, owners_of
from portal.organisations.rules import EmploymentStatus, Ending, Role, Trust, why_not_roles
from portal.programme.queries import programme_at
from portal.refusal import NotFound, Refused, mark
from portal.web.forms import Form, check, whole
from portal.web.html import found, get, go, html, post
from portal.web.viewer import in_organisation, public, staff, viewer_of

USED = mark("This link has been used or has run out. Ask for a new one; nothing is lost.")


# Ending a link


def _end_page(
    request: Request, member: Member, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    return html(request, "departures/end.html", status=status, member=member, form=form, errors=errors)


@get("/my/team/{employment_id:int}/end", right="team")
def end_form(request: Request, session: Session, employment_id: int) -> Response[str]:
    """How somebody else's link is to end; a person's own and an invitation end from the team page."""
    member = member_of(request, session, employment_id)
    if member.status != EmploymentStatus.CONFIRMED or member.person_id == viewer_of(request).person_id:
        raise NotFound
    return _end_page(request, member, Form.of({"how": "ended", "language": language()}), {})


@post("/my/team/{employment_id:int}/end")
def end(request: Request, session: Session, form: Form, employment_id: int) -> Response:
    """Who keeps the team lets somebody go or takes an invitation back; anybody may leave, whatever the step."""
    viewer, now = viewer_of(request), clock.now()
    acting = found(viewer.organisation)
    session.get_one(Organisation, acting.id, with_for_update=True)  # two owners who leave wait for each other
    member = member_of(request, session, employment_id)
    employment = found(employment_in(session, employment_id, acting.id))
    own = employment.person_id == viewer.person_id
    if own:
        if (
            acting.trust != Trust.CLOSED
            and member.holds(Role.OWNER)
            and len(owners_of(session, acting.id)) == 1
        ):
            raise Refused(ONLY_OWNER)
        actions.depart(session, employment, Ending.LEFT, by=viewer.person_id, now=now)
        return go("/my", mark("Done. Certificates stay with the person."))
    viewer.require("team")
    had = [held.role for held in member.roles]
    if why := why_not_roles({Role.LEARNER: None}, had, acting.roles, other_owners=1, now=now):
        raise Refused(why)
    entry, errors = check(EndLink, form)
    if entry:
        errors = {field: gettext(sentence) for field, sentence in entry.missing().items()}
    if entry is None or errors:
        return _end_page(request, member, form, errors, 422)
    client = None
    if entry.how == "hired" and member.status == EmploymentStatus.CONFIRMED:
        client = Client(entry.client, str(entry.contact), entry.language)
    try:
        with session.begin_nested():
            departure = actions.depart(
                session,
                employment,
                Ending.HIRED_BY_CLIENT if client else Ending.REMOVED,
                client=client,
                by=viewer.person_id,
                now=now,
            )
    except Refused as refused:
        if refused.status != 422:
            raise
        return _end_page(request, member, form, {"contact": gettext(refused.message)}, 422)
    if departure is None:
        return go("/my/team", mark("Done. Certificates stay with the person."))
    return go(f"/my/team/{employment_id}/handover", mark("Done. Certificates stay with the person."))


# Handing over


def _departure(request: Request, session: Session, employment_id: int) -> tuple[Departure, str]:
    acting = found(viewer_of(request).organisation)
    return found(queries.departure_in(session, employment_id, acting.id))


def _handover_page(
    request: Request,
    session: Session,
    departure: Departure,
    name: str,
    form: Form,
    errors: dict[str, str],
    status: int = 200,
) -> Response[str]:
    viewer, now = viewer_of(request), clock.now()
    lines = queries.lines_of(session, departure.id or 0)
    colleagues = queries.colleagues_of(session, departure.organisation_id, now)
    able = {
        line.id: {str(c.person_id): c.name for c in queries.holding(viewer.programme, line.right, colleagues)}
        for line, _ in lines
        if line.done_at is None
    }
    of_all = [set(options) for options in able.values()]
    everybody = set.intersection(*of_all) if of_all else set()
    parts = [
        part for make in CONTRIBUTIONS.departure if (part := make(session, viewer, departure.person_id, now))
    ]
    return html(
        request,
        "departures/handover.html",
        status=status,
        departure=departure,
        name=name,
        lines=lines,
        able=able,
        for_all={str(c.person_id): c.name for c in colleagues if str(c.person_id) in everybody},
        kinds={kind: handing.name for kind, handing in CONTRIBUTIONS.handings.items()},
        endings=ENDING_NAMES,
        parts=parts,
        form=form,
        errors=errors,
    )


@get("/my/team/{employment_id:int}/handover", right="team")
def handover(request: Request, session: Session, employment_id: int) -> Response[str]:
    departure, name = _departure(request, session, employment_id)
    return _handover_page(request, session, departure, name, Form(), {})


@post("/my/team/{employment_id:int}/handover", right="team")
def assign(request: Request, session: Session, form: Form, employment_id: int) -> Response:
    """One by one, or what is left to one colleague."""
    departure, name = _departure(request, session, employment_id)
    wanted = {}
    for line, _ in queries.lines_of(session, departure.id or 0):
        chosen = whole(form[f"line_{line.id}"]) or whole(form["everybody"])
        if chosen and line.done_at is None:
            wanted[line.id or 0] = chosen
    if not wanted:
        errors = {"everybody": gettext(mark("Please choose a colleague for one line at least."))}
        return _handover_page(request, session, departure, name, form, errors, 422)
    try:
        with session.begin_nested():
            actions.hand_over(session, departure, wanted, by=viewer_of(request).person_id, now=clock.now())
    except Refused as refused:
        if refused.status != 422:
            raise
        return _handover_page(
            request, session, departure, name, form, {"everybody": gettext(refused.message)}, 422
        )
    return go(f"/my/team/{employment_id}/handover", mark("Handed over. They see it on its page."))


@post("/my/hand-over/{kind:str}/{subject_id:int}", right="team")
def hand_to(request: Request, session: Session, form: Form, kind: str, subject_id: int) -> Response:
    viewer = viewer_of(request)
    organisation = session.get_one(Organisation, found(viewer.organisation).id, with_for_update=True)
    entry, _errors = check(HandTo, form)
    if entry is None:
        raise Refused(actions.NOBODY, status=422)
    thing = actions.hand_to(
        session, organisation, kind, subject_id, entry.person, by=viewer.person_id, now=clock.now()
    )
    return go(thing.path, mark("Handed over. They see it on its page."))


# Still there?


@post("/my/team/{employment_id:int}/still-there", right="team")
def owners_say(request: Request, session: Session, form: Form, employment_id: int) -> Response:
    acting = found(viewer_of(request).organisation)
    waiting = found(queries.checks_of(session, acting.id).get(employment_id))
    entry, _errors = check(Say, form)
    if entry is None:
        raise Refused(mark("Please choose one of the options."), status=422)
    actions.answer_check(
        session, waiting.id or 0, entry.answer, by=viewer_of(request).person_id, now=clock.now()
    )
    if entry.answer is Answer.NO:
        return go(f"/my/team/{employment_id}/handover", mark("Done. Certificates stay with the person."))
    return go("/my/team", mark("Thank you. Nothing changes."))


@get("/still-there/{token:str}")
def still_there(request: Request, session: Session, token: str) -> Response[str]:
    """Where the mailed link leads; nothing happens until a button is pressed."""
    row = queries.check_by_link(session, digest(token))
    return html(
        request,
        "departures/still_there.html",
        status=200 if row else 410,
        organisation=row and row[1],
        token=token if row else None,
        answer=None,
    )


@post("/still-there/{token:str}")
def say_still_there(request: Request, session: Session, form: Form, token: str) -> Response:
    row = queries.check_by_link(session, digest(token))
    if row is None:
        raise Refused(USED, status=410)
    entry, _errors = check(Say, form)
    if entry is None:
        raise Refused(mark("Please choose one of the options."), status=422)
    actions.answer_check(session, row[0].id or 0, entry.answer, by=None, now=clock.now())
    return html(
        request, "departures/still_there.html", organisation=row[1], token=None, answer=entry.answer.value
    )


# The client


@get("/hired/{token:str}")
def hired(request: Request, session: Session, token: str) -> Response[str]:
    row = queries.departure_by_link(session, digest(token), clock.now())
    return html(
        request,
        "departures/client.html",
        status=200 if row else 410,
        days=programme_at(session, clock.now())["lifecycle"]["staff_departure"]["hired_by_client"][
            "extra_grace_d"
        ],
        departure=row and row[0],
        name=row and row[1],
        organisation=row and row[2],
        token=token if row else None,
    )


@post("/hired/{token:str}")
def say_hired(request: Request, session: Session, form: Form, token: str) -> Response:
    seen = queries.departure_by_link(session, digest(token), clock.now())
    entry, _errors = check(Say, form)
    if seen is not None and entry is None:
        raise Refused(mark("Please choose one of the options."), status=422)
    if seen is not None:  # the organisation first: everything about a departure takes them in this order
        session.get_one(Organisation, seen[0].organisation_id, with_for_update=True)
        seen = queries.departure_by_link(session, digest(token), clock.now(), lock=True)
    if seen is None or entry is None:
        raise Refused(USED, status=410)
    departure, name, organisation = seen
    actions.answer_as_client(session, departure, entry.answer, now=clock.now())
    return html(
        request,
        "departures/client.html",
        departure=departure,
        name=name,
        organisation=organisation,
        token=None,
    )


@get("/staff/departures")
def staff_departures(request: Request, session: Session) -> Response[str]:
    rows = queries.departures_for_staff(session, clock.now() - SHOWN_FOR)
    return html(request, "departures/staff.html", rows=rows)


routers = [
    Router(
        "/", route_handlers=[end_form, end, handover, assign, hand_to, owners_say], guards=[in_organisation]
    ),
    Router("/", route_handlers=[still_there, say_still_there, hired, say_hired], guards=[public]),
    Router("/", route_handlers=[staff_departures], guards=[staff]),
]
