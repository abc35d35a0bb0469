"""A brand writes, invites, decides; a provider answers and learns why; staff watch the clocks and the ledger."""

from datetime import timedelta
from typing import Any

from litestar import Request, Response, Router
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from casebook.briefs import actions, queries, rules
from casebook.briefs.forms import MOST_NEEDS, SYSTEM_ROWS, Accept, Close, Decide, Decline, EditBrief
from casebook.briefs.models import Brief, Introduction
from casebook.briefs.rules import BriefStatus, IntroductionStatus
from casebook.matching import queries as matching_queries
from portal import clock, i18n
from portal.departures.home import responsible
from portal.i18n import gettext
from portal.people.actions import attribute
from portal.people.rules import CAME_FROM
from portal.programme.queries import programme_at
from portal.programme.rules import Programme
from portal.refusal import Refused, mark
from portal.web.forms import STALE, Form, check, whole
from portal.web.html import found, get, go, html, post
from portal.web.viewer import brand_member, provider_member, staff, viewer_of

NAMES: dict[str, Any] = {
    "part_names": rules.PART_NAMES,
    "part_names_short": rules.PART_NAMES_SHORT,
    "brief_states": rules.BRIEF_STATUS_NAMES,
    "introduction_states": rules.INTRODUCTION_STATUS_NAMES,
    "not_shown_reasons": rules.NOT_SHOWN_REASONS,
    "field_names": rules.FIELD_NAMES,
    "coach": rules.COACH,
    "chosen_for": rules.CHOSEN_FOR,
}
LOOK_BACK = timedelta(days=180)


def sentences(part: dict[str, Any], programme: Programme) -> str:
    """The facts behind a part of the score, in the reader's language."""
    joiner = "、" if i18n.language() == "zh" else ", "
    said = []
    for message, values in part["words"]:
        shown = {
            name: joiner.join(i18n.local(programme.label("capabilities", key)) for key in value)
            if isinstance(value, list)
            else i18n.show_number(value)
            if isinstance(value, int | float)
            else value
            for name, value in values.items()
        }
        said.append(gettext(message, **shown))
    return ("" if i18n.language() == "zh" else " ").join(said)


def _taxonomy(programme: Programme) -> dict[str, list[str]]:
    flat = {
        name: list(programme.options(name)) for name in ("stages", "brand_scales", "provinces", "languages")
    }
    return flat | {
        "industries": list(programme.leaves("industries")),
        "capabilities": list(programme.leaves("capabilities")),
        "decline_reasons": list(programme.matching["decline_reasons"]),
    }


# The brand


@get("/my/briefs")
def briefs(request: Request, session: Session) -> Response[str]:
    acting = found(viewer_of(request).organisation)
    return html(
        request,
        "briefs/list.html",
        briefs=queries.briefs_of(session, acting.id),
        may_publish=viewer_of(request).may("brief"),
        programme=programme_at(session, clock.now()),
        **NAMES,
    )


def _edit_page(
    request: Request,
    session: Session,
    form: Form,
    errors: dict[str, str],
    *,
    brief: Brief | None,
    status: int = 200,
) -> Response[str]:
    programme = programme_at(session, clock.now())
    facets = rules.completeness(brief.model_dump()) if brief else rules.completeness({})
    systems = {
        key: text
        for area in ("tools", "systems")
        for key, text in programme["taxonomy"]["capabilities"][area]["leaves"].items()
    }
    return html(
        request,
        "briefs/edit.html",
        status=status,
        form=form,
        errors=errors,
        brief=brief,
        facets=facets,
        points=rules.total(facets),
        least=programme.matching["brief_completeness_to_publish"],
        programme=programme,
        system_areas=systems,
        rows=range(1, SYSTEM_ROWS + 1),
        needs=range(1, MOST_NEEDS + 1),
        overlapping=rules.overlapping(brief.systems) if brief else [],
        **NAMES,
    )


def _form_of(brief: Brief, session: Session) -> Form:
    values = brief.model_dump(exclude={"systems", "blocked", "must_have", "wished", "start_by"})
    values |= {name: "true" if values[name] else "" for name in ("on_site", "no_systems")}
    values["start_by"] = brief.start_by.isoformat() if brief.start_by else ""
    values["blocked"] = "\n".join(queries.names_of(session, brief.blocked).values())
    for name in ("must_have", "wished"):
        values |= {f"{name}_{n}": key for n, key in enumerate(getattr(brief, name), 1)}
    for n, system in enumerate(brief.systems, 1):
        values |= {f"system_area_{n}": system["area"], f"system_name_{n}": system["name"]}
    return Form.of(values)


def _read(
    form: Form, session: Session, programme: Programme
) -> tuple[EditBrief | None, list[dict[str, str]], list[int], dict[str, str]]:
    """The checked entry, the systems, the providers not wanted, and what is wrong."""
    needs = [
        (name, form[f"{name}_{n}"]) for name in ("must_have", "wished") for n in range(1, MOST_NEEDS + 1)
    ]
    entry, errors = check(EditBrief, Form([*form.fields, *needs]), _taxonomy(programme))
    errors = {
        {"form": "budget_high", "must_have": "must_have_1", "wished": "wished_1"}.get(k, k): v
        for k, v in errors.items()
    }
    systems = []
    areas = programme.leaves("capabilities")
    for n in range(1, SYSTEM_ROWS + 1):
        area, name = form[f"system_area_{n}"].strip(), form[f"system_name_{n}"].strip()[:60]
        if area in areas and name:
            systems.append({"area": area, "name": name})
        elif area or name:
            missing = "area" if name else "name"
            errors[f"system_{missing}_{n}"] = gettext(mark("A system needs both: what it does and its name."))
    names = [line.strip() for line in form["blocked"].replace("、", "\n").splitlines() if line.strip()]
    known = queries.providers_named(session, names) if names and "blocked" not in errors else {}
    unknown = [] if "blocked" in errors else [name for name in names if name not in known]
    if unknown:
        errors["blocked"] = gettext(
            mark("We know no provider of this name or number: %(names)s."), names="、".join(unknown)
        )
    return (None if errors else entry), systems, list(known.values()), errors


@get("/my/briefs/new", right="draft_brief")
def new_form(request: Request, session: Session) -> Response[str]:
    return _edit_page(request, session, Form.of({"languages": ["zh"]}), {}, brief=None)


@post("/my/briefs/new", right="draft_brief")
def create(request: Request, session: Session, form: Form) -> Response:
    viewer, now = viewer_of(request), clock.now()
    acting = found(viewer.organisation)
    once = form["once"][:32]
    if once and (known := queries.brief_by_once(session, once)):
        return go(
            f"/my/briefs/{found(queries.brief_of(session, known.number, acting.id)).number}",
            mark("This brief was saved already; here it is."),
        )
    entry, systems, blocked, errors = _read(form, session, programme_at(session, now))
    if entry is None or len(once) < 16:
        return _edit_page(request, session, form, errors, brief=None, status=422)
    try:
        with session.begin_nested():  # the same form may arrive twice in the same moment
            brief = actions.new_brief(session, acting.id, once=once, by=viewer.person_id, now=now)
    except IntegrityError:
        return go("/my/briefs", mark("This brief was saved already; here it is."))
    actions.save_brief(
        session,
        brief,
        entry,
        systems=systems,
        blocked=blocked,
        revision=brief.revision,
        by=viewer.person_id,
        now=now,
    )
    attribute(
        session,
        request.cookies.get(CAME_FROM),
        "brief",
        brief.id or 0,
        organisation_id=acting.id,
        by=viewer.person_id,
        now=now,
    )
    return go(f"/my/briefs/{brief.number}", mark("Saved. The coach says what would make it more concrete."))


@get("/my/briefs/{number:str}/edit", right="draft_brief")
def edit_form(request: Request, session: Session, number: str) -> Response:
    brief = _own(request, session, number)
    if brief.status is not BriefStatus.DRAFT:
        return go(f"/my/briefs/{number}")
    return _edit_page(request, session, _form_of(brief, session), {}, brief=brief)


@post("/my/briefs/{number:str}/edit", right="draft_brief")
def edit(request: Request, session: Session, form: Form, number: str) -> Response:
    brief = _own(request, session, number, lock=True)
    entry, systems, blocked, errors = _read(form, session, programme_at(session, clock.now()))
    if entry and brief.status is BriefStatus.DRAFT and _revision(form) != brief.revision:
        entry, errors = None, {"form": gettext(STALE)}
    if entry is None:
        return _edit_page(request, session, form, errors, brief=brief, status=422)
    actions.save_brief(
        session,
        brief,
        entry,
        systems=systems,
        blocked=blocked,
        revision=_revision(form),
        by=viewer_of(request).person_id,
        now=clock.now(),
    )
    return go(f"/my/briefs/{number}", mark("Saved. The coach says what would make it more concrete."))


def _own(request: Request, session: Session, number: str, *, lock: bool = False) -> Brief:
    acting = found(viewer_of(request).organisation)
    return found(queries.brief_of(session, number, acting.id, lock=lock))


def _revision(form: Form) -> int:
    return whole(form["revision"])


def _brief_page(
    request: Request,
    session: Session,
    brief: Brief,
    *,
    form: Form | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response[str]:
    viewer = viewer_of(request)
    programme = programme_at(session, clock.now())
    facets = rules.completeness(brief.model_dump())
    shown = queries.shortlist_of(session, brief.id or 0)
    by_id = {one.organisation_id: one for one in shown}
    in_order = [by_id[i] for i in rules.display_order(by_id, brief.seed, viewer.person_id)]
    words = {
        one.organisation_id: {part["key"]: sentences(part, programme) for part in one.parts} for one in shown
    }
    chosen_names = {key: gettext(name) for key, name in rules.CHOSEN_FOR.items()}
    return html(
        request,
        "briefs/brief.html",
        status=status,
        brief=brief,
        shown=in_order,
        words=words,
        strips={one.organisation_id: rules.strip(one.parts) for one in shown},
        points=rules.total(facets),
        facets=facets,
        least=programme.matching["brief_completeness_to_publish"],
        programme=programme,
        why_not=rules.why_not_publish(facets, programme.matching["brief_completeness_to_publish"]),
        may_publish=viewer.may("brief"),
        overlapping=rules.overlapping(brief.systems),
        moves={move for state, move in rules.BRIEF_MOVES if state == brief.status},
        steps={
            i.organisation_id: {
                move
                for state, move in rules.INTRODUCTION_MOVES
                if i.introduction and state == i.introduction.status
            }
            for i in shown
        },
        candidates=[one for one in in_order if one.introduction and one.introduction.status in rules.MAY_WIN],
        contacts_are_open=rules.contacts_are_open,
        reasons_for_none=rules.reasons_for_none(programme.matching),
        chosen_names=chosen_names,
        lost_reasons=programme.matching["lost_reasons"],
        decline_reasons=programme.matching["decline_reasons"],
        size=programme.matching["shortlist_size"],
        responsible=responsible(
            session,
            viewer,
            "brief",
            brief.id or 0,
            brief.responsible_id,
            clock.now(),
            right=None
            if brief.status in rules.ENDED
            else "draft_brief"
            if brief.status is BriefStatus.DRAFT
            else "brief",
        ),
        form=form or Form(),
        errors=errors or {},
        **NAMES,
    )


@get("/my/briefs/{number:str}")
def brief_page(request: Request, session: Session, number: str) -> Response[str]:
    return _brief_page(request, session, _own(request, session, number))


@post("/my/briefs/{number:str}/publish", right="brief")
def publish(request: Request, session: Session, form: Form, number: str) -> Response:
    viewer, now = viewer_of(request), clock.now()
    brief = _own(request, session, number, lock=True)
    if brief.status in {BriefStatus.OPEN, BriefStatus.SHORTLISTED}:  # the button was pressed twice
        return go(f"/my/briefs/{number}")
    actions.publish(
        session,
        brief,
        programme_at(session, now),
        revision=_revision(form),
        by=viewer.person_id,
        now=now,
    )
    if brief.kth_score is None:
        return go(
            f"/my/briefs/{number}",
            mark("Published. Nobody qualifies yet; we look again every day and tell you."),
        )
    return go(f"/my/briefs/{number}", mark("Published. Here is your shortlist."))


@post("/my/briefs/{number:str}/invite", right="brief")
def invite(request: Request, session: Session, form: Form, number: str) -> Response:
    """`organisation`: one or more of those shown; none named means all."""
    viewer, now = viewer_of(request), clock.now()
    brief = _own(request, session, number, lock=True)
    wanted = [whole(i) for i in form.all("organisation")] or matching_queries.shortlisted_ids(
        session, brief.id or 0
    )
    n = actions.invite(session, brief, wanted, programme_at(session, now), by=viewer.person_id, now=now)
    return go(
        f"/my/briefs/{number}",
        mark("Invited. Each has its clock to answer; you will get a mail.")
        if n
        else mark("They were invited already."),
    )


@post("/my/briefs/{number:str}/introductions/{introduction_id:int}/open", right="brief")
def open_contacts(
    request: Request, session: Session, form: Form, number: str, introduction_id: int
) -> Response:
    """The brand says yes too."""
    viewer, now = viewer_of(request), clock.now()
    brief = _own(request, session, number, lock=True)
    introduction = found(queries.introduction_in(session, brief.id or 0, introduction_id))
    actions.open_contacts(
        session,
        brief,
        introduction,
        programme_at(session, now),
        revision=_revision(form),
        by=viewer.person_id,
        now=now,
    )
    return go(f"/my/briefs/{number}", mark("Contacts are open to both of you now."))


@post("/my/briefs/{number:str}/introductions/{introduction_id:int}/meet", right="brief")
def note_meeting(
    request: Request, session: Session, form: Form, number: str, introduction_id: int
) -> Response:
    viewer, now = viewer_of(request), clock.now()
    brief = _own(request, session, number, lock=True)
    introduction = found(queries.introduction_in(session, brief.id or 0, introduction_id))
    actions.note_meeting(
        session,
        brief,
        introduction,
        programme_at(session, now),
        revision=_revision(form),
        by=viewer.person_id,
        now=now,
    )
    return go(f"/my/briefs/{number}", mark("Written down."))


@post("/my/briefs/{number:str}/decide", right="brief")
def decide(request: Request, session: Session, form: Form, number: str) -> Response:
    viewer, now = viewer_of(request), clock.now()
    brief = _own(request, session, number, lock=True)
    entry, errors = check(Decide, form)
    if entry is None:
        return _brief_page(request, session, brief, form=form, errors=errors, status=422)
    try:
        with session.begin_nested():
            actions.decide(
                session,
                brief,
                entry,
                programme_at(session, now),
                revision=_revision(form),
                by=viewer.person_id,
                now=now,
            )
    except Refused as refused:
        if refused.status != 422:
            raise
        return _brief_page(
            request, session, brief, form=form, errors={"reason_code": gettext(refused.message)}, status=422
        )
    return go(f"/my/briefs/{number}", mark("Decided. Everybody who was in it has been told why."))


@post("/my/briefs/{number:str}/withdraw", right="way_out")
def withdraw(request: Request, session: Session, form: Form, number: str) -> Response:
    brief = _own(request, session, number, lock=True)
    actions.withdraw(
        session, brief, revision=_revision(form), by=viewer_of(request).person_id, now=clock.now()
    )
    return go("/my/briefs", mark("Withdrawn. Whoever was invited has been told."))


@post("/my/briefs/{number:str}/start", right="brief")
def start(request: Request, session: Session, form: Form, number: str) -> Response:
    brief = _own(request, session, number, lock=True)
    actions.start_delivery(
        session, brief, revision=_revision(form), by=viewer_of(request).person_id, now=clock.now()
    )
    return go(f"/my/briefs/{number}", mark("Written down: work has begun."))


@post("/my/briefs/{number:str}/close", right="brief")
def close(request: Request, session: Session, form: Form, number: str) -> Response:
    brief = _own(request, session, number, lock=True)
    entry, errors = check(Close, form)
    if entry is None:
        return _brief_page(request, session, brief, form=form, errors=errors, status=422)
    actions.close(
        session,
        brief,
        entry.outcome,
        revision=_revision(form),
        by=viewer_of(request).person_id,
        now=clock.now(),
    )
    return go(f"/my/briefs/{number}", mark("Closed, with its outcome."))


# The provider


@get("/my/invitations")
def invitations(request: Request, session: Session) -> Response[str]:
    acting = found(viewer_of(request).organisation)
    return html(
        request,
        "briefs/invitations.html",
        invitations=queries.invitations_of(session, acting.id),
        programme=programme_at(session, clock.now()),
        **NAMES,
    )


def _invitation_page(
    request: Request,
    session: Session,
    row: tuple[Introduction, Brief, str],
    *,
    form: Form | None = None,
    errors: dict[str, str] | None = None,
    declining: bool = False,
    status: int = 200,
) -> Response[str]:
    introduction, brief, brand = row
    viewer, programme = viewer_of(request), programme_at(session, clock.now())
    own = matching_queries.item_of(session, brief.id or 0, introduction.organisation_id)
    winner = None
    if introduction.status is IntroductionStatus.LOST and brief.winner_id:
        winner = matching_queries.item_of(session, brief.id or 0, brief.winner_id)
    words = {part["key"]: sentences(part, programme) for part in own.parts} if own else {}
    return html(
        request,
        "briefs/invitation.html",
        status=status,
        introduction=introduction,
        brief=brief,
        brand=brand,
        own=own,
        winner=winner,
        compared=rules.compare(own.parts, winner.parts) if own and winner else [],
        words=words,
        strip=rules.strip(own.parts) if own else [],
        programme=programme,
        declining=declining,
        open_now=introduction.status is IntroductionStatus.OFFERED and introduction.expires_at > clock.now(),
        contacts_open=rules.contacts_are_open(introduction.status),
        overlapping=rules.overlapping(brief.systems),
        moves={move for state, move in rules.INTRODUCTION_MOVES if state == introduction.status},
        decline_reasons=programme.matching["decline_reasons"],
        lost_reasons=programme.matching["lost_reasons"],
        responsible=responsible(
            session,
            viewer,
            "introduction",
            introduction.id or 0,
            introduction.responsible_id,
            clock.now(),
            right="invitation" if introduction.status in rules.RUNNING else None,
        ),
        form=form or Form.of({"contact_name": viewer.name, "contact_email": viewer.email}),
        errors=errors or {},
        **NAMES,
    )


def _invited(
    request: Request, session: Session, introduction_id: int, *, lock: bool = False
) -> tuple[Introduction, Brief, str]:
    acting = found(viewer_of(request).organisation)
    return found(queries.invitation_of(session, introduction_id, acting.id, lock=lock))


@get("/my/invitations/{introduction_id:int}")
def invitation(request: Request, session: Session, introduction_id: int) -> Response[str]:
    return _invitation_page(request, session, _invited(request, session, introduction_id))


@post("/my/invitations/{introduction_id:int}/accept", right="invitation")
def accept(request: Request, session: Session, form: Form, introduction_id: int) -> Response:
    row = _invited(request, session, introduction_id, lock=True)
    if row[0].status is IntroductionStatus.ACCEPTED:  # the button was pressed twice
        return go(f"/my/invitations/{introduction_id}")
    entry, errors = check(Accept, form)
    if entry is None:
        errors = {"contact_phone" if name == "form" else name: text for name, text in errors.items()}
        return _invitation_page(request, session, row, form=form, errors=errors, status=422)
    now = clock.now()
    actions.accept(
        session,
        row[0],
        row[1],
        entry,
        programme_at(session, now),
        revision=_revision(form),
        by=viewer_of(request).person_id,
        now=now,
    )
    return go(
        f"/my/invitations/{introduction_id}", mark("Accepted. Contacts open once the brand says yes too.")
    )


@post("/my/invitations/{introduction_id:int}/decline", right="way_out")
def decline(request: Request, session: Session, form: Form, introduction_id: int) -> Response:
    row = _invited(request, session, introduction_id, lock=True)
    if row[0].status is IntroductionStatus.DECLINED:
        return go("/my/invitations")
    now = clock.now()
    entry, errors = check(Decline, form, _taxonomy(programme_at(session, now)))
    if entry is None:
        return _invitation_page(request, session, row, form=form, errors=errors, declining=True, status=422)
    actions.decline(
        session, row[0], row[1], entry, revision=_revision(form), by=viewer_of(request).person_id, now=now
    )
    return go("/my/invitations", mark("Declined, with the reason. It counts as an answer in time."))


@post("/my/invitations/{introduction_id:int}/propose", right="invitation")
def propose(request: Request, session: Session, form: Form, introduction_id: int) -> Response:
    row, now = _invited(request, session, introduction_id, lock=True), clock.now()
    actions.note_proposal(
        session,
        row[1],
        row[0],
        programme_at(session, now),
        revision=_revision(form),
        by=viewer_of(request).person_id,
        now=now,
    )
    return go(f"/my/invitations/{introduction_id}", mark("Written down: the proposal is with the brand."))


@get("/my/matching")
def matching(request: Request, session: Session) -> Response[str]:
    """Why not shown, brief by brief, and what the ledger owes."""
    acting, now = found(viewer_of(request).organisation), clock.now()
    programme = programme_at(session, now)
    own = next(
        (
            line
            for line in matching_queries.exposure(session, programme.matching, now)
            if line.organisation_id == acting.id
        ),
        None,
    )
    return html(
        request,
        "briefs/matching.html",
        lines=matching_queries.not_shown_to(session, acting.id, now - LOOK_BACK),
        own=own,
        programme=programme,
        **NAMES,
    )


# Staff


@get("/staff/briefs")
def staff_briefs(request: Request, session: Session) -> Response[str]:
    now = clock.now()
    programme = programme_at(session, now)
    show = request.query_params.get("show", "")
    states = {"stale": [BriefStatus.STALE], "few": [BriefStatus.OPEN, *rules.LIVE]}.get(show)
    size = programme.matching["shortlist_size"]
    lines = [line for line in queries.staff_briefs(session, states) if show != "few" or line.shown < size]
    return html(
        request,
        "briefs/staff.html",
        lines=lines,
        show=show,
        programme=programme,
        size=size,
        ledger=matching_queries.exposure(session, programme.matching, now),
        **NAMES,
    )


@post("/staff/briefs/{number:str}/match", right="staff_match")
def match_now(request: Request, session: Session, number: str) -> Response:
    """Look for providers now: after the brief was looked at, or when more have been certified."""
    now = clock.now()
    brief = found(queries.open_brief(session, number))
    actions.match(session, brief, programme_at(session, now), by=viewer_of(request).person_id, now=now)
    return go(
        "/staff/briefs",
        mark("Providers were found; the brand has its shortlist.")
        if brief.kth_score is not None
        else mark("Still nobody qualifies."),
    )


routers = [
    Router(
        "/",
        route_handlers=[
            briefs,
            new_form,
            create,
            edit_form,
            edit,
            brief_page,
            publish,
            invite,
            open_contacts,
            note_meeting,
            decide,
            withdraw,
            start,
            close,
        ],
        guards=[brand_member],
    ),
    Router(
        "/",
        route_handlers=[invitations, invitation, accept, decline, propose, matching],
        guards=[provider_member],
    ),
    Router("/", route_handlers=[staff_briefs, match_now], guards=[staff]),
]
