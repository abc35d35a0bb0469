"""Registration in two minutes, the team, the storefront."""

from datetime import timedelta
from typing import Any

from litestar import Request, Response, Router
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from portal import clock
from portal.accounts.actions import Login, digest, renew_session
from portal.accounts.cookies import with_session
from portal.accounts.models import Person
from portal.departures.queries import checks_of, departures_of
from portal.departures.rules import ENDING_NAMES, SHOWN_FOR
from portal.i18n import gettext, language
from portal.leaving.queries import left_long_ago
from portal.limits.actions import TOO_MANY, count_attempt
from portal.mergers.queries import went_into
from portal.organisations import actions, queries
from portal.organisations.forms import EditStorefront, GiveRoles, Invite, Register
from portal.organisations.models import Organisation, Storefront
from portal.organisations.rules import Kind, Role, missing_of_offer, why_not_roles
from portal.people.actions import attribute
from portal.people.rules import CAME_FROM
from portal.programme.queries import programme_at
from portal.programme.rules import Programme
from portal.refusal import Refused, mark
from portal.rights.rules import role_names
from portal.web.forms import STALE, Form, check
from portal.web.html import found, get, go, html, post
from portal.web.viewer import Viewer, in_organisation, provider_member, public, signed_in, viewer_of


def taxonomy_of(programme: Programme) -> dict[str, Any]:
    """What may be chosen, and how much of it."""
    taxonomy = programme["taxonomy"]
    return {
        "directions": list(taxonomy["directions"]),
        "industries": list(taxonomy["industries"]),
        "capabilities": list(programme.leaves("capabilities")),
        "modes": list(taxonomy["modes"]),
        "languages": list(taxonomy["languages"]),
        "any_industry": [*taxonomy["industries"], *programme.leaves("industries")],
        "provinces": list(taxonomy["provinces"]),
        **{
            f"{name}_max": programme.profile[f"{name}_max"]
            for name in ("directions", "industries", "capabilities")
        },
    }


def _register_page(
    request: Request, session: Session, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    return html(
        request,
        "organisations/register.html",
        status=status,
        form=form,
        errors=errors,
        programme=programme_at(session, clock.now()),
    )


def with_new_rights(session: Session, viewer: Viewer, answer: Response) -> Response:
    """Who gains rights goes on under a new session token; what was known of the old one opens nothing."""
    token = renew_session(session, viewer.session_id, now=clock.now())
    return with_session(answer, Login(token))


@get("/my/organisation/new")
def register_form(request: Request, session: Session) -> Response:
    if viewer_of(request).organisation:
        return go("/my")
    kind = request.query_params.get("kind", Kind.PROVIDER.value)
    return _register_page(request, session, Form.of({"kind": kind}), {})


def _why_taken(session: Session, programme: Programme, credit_code: str) -> str | None:
    """Why a code can't be registered; one of an organisation that left long ago can."""
    taken = queries.organisation_by_code(session, credit_code)
    if taken is None:
        return None
    into = went_into(session, taken.id or 0)
    if into:
        return gettext(
            mark("This registration was merged into %(name)s. Ask its owner for an invitation."),
            name=into.legal_name,
        )
    if left_long_ago(session, credit_code, clock.now() - timedelta(days=programme.return_d)):
        return None
    return gettext(actions.CODE_TAKEN)


@post("/my/organisation/new")
def register(request: Request, session: Session, form: Form) -> Response:
    viewer = viewer_of(request)
    if viewer.organisation:
        return go("/my", mark("Your organisation is registered already; here it is."))
    programme = programme_at(session, clock.now())
    entry, errors = check(Register, form, taxonomy_of(programme))
    if entry:
        errors = {field: gettext(sentence) for field, sentence in entry.missing_of_provider().items()}
        if why := _why_taken(session, programme, entry.credit_code):
            errors["credit_code"] = why
        if entry.province not in programme.options("provinces"):
            errors["province"] = gettext(mark("Please choose from the list."))
    if entry is None or errors:
        return _register_page(request, session, form, errors, 422)
    if not viewer.confirmed:
        raise Refused(mark("Please confirm your e-mail address first: the link is in your mailbox."))
    try:
        with session.begin_nested():  # two people may register the same code in the same second
            made = actions.register(session, entry, by=viewer.person_id, now=clock.now())
            if made.kind is Kind.BRAND:  # after the scan of somebody's code?
                attribute(
                    session,
                    request.cookies.get(CAME_FROM),
                    "registration",
                    made.id or 0,
                    organisation_id=made.id or 0,
                    by=viewer.person_id,
                    now=clock.now(),
                )
    except (IntegrityError, Refused) as problem:
        if isinstance(problem, Refused) and problem.message != actions.CODE_TAKEN:
            raise
        return _register_page(request, session, form, {"credit_code": gettext(actions.CODE_TAKEN)}, 422)
    answer = go("/my", mark("Registered. You can learn and draft at once; verification opens the rest."))
    return with_new_rights(session, viewer, answer)


@get("/my/team")
def team(request: Request, session: Session) -> Response[str]:
    return _team_page(request, session, Form.of({"roles": [Role.LEARNER.value]}), {})


def _team_page(
    request: Request, session: Session, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    viewer = viewer_of(request)
    return html(
        request,
        "organisations/team.html",
        status=status,
        members=queries.members_of(session, found(viewer.organisation).id, clock.now()),
        checks=checks_of(session, found(viewer.organisation).id),
        departures=departures_of(session, found(viewer.organisation).id, clock.now() - SHOWN_FOR),
        endings=ENDING_NAMES,
        roles=role_names(viewer.programme),
        table=viewer.programme["rights"]["table"],
        form=form,
        errors=errors,
    )


def _may_invite(session: Session, organisation_id: int, email: str) -> bool:
    """An organisation writes to so many people an hour, and to one address so often, whoever asks."""
    limits = ((f"invite:{organisation_id}", 60), (f"invite-to:{email.lower()}", 5))
    return all(count_attempt(session, key, most=n, seconds=3600, now=clock.now()) for key, n in limits)


@post("/my/team", right="team")
def invite(request: Request, session: Session, form: Form) -> Response:
    viewer, now = viewer_of(request), clock.now()
    acting = found(viewer.organisation)
    entry, errors = check(Invite, form)
    # Two clicks wait for each other.
    organisation = session.get_one(Organisation, acting.id, with_for_update=True)
    if entry:
        members = queries.members_of(session, acting.id, now)
        if entry.email.lower() in {m.email for m in members}:
            errors["email"] = gettext(mark("This address is invited already, or works here."))
        if why := why_not_roles(dict.fromkeys(entry.roles), (), acting.roles, other_owners=1, now=now):
            errors["roles"] = gettext(why)
    if entry and not errors and not _may_invite(session, acting.id, entry.email):
        errors["email"] = gettext(TOO_MANY)
    if entry is None or errors:
        return _team_page(request, session, form, errors, 422)
    actions.invite(
        session,
        organisation,
        entry.email,
        dict.fromkeys(entry.roles),
        language=language(),
        by=session.get_one(Person, viewer.person_id),
        now=now,
    )
    return go("/my/team", mark("Invited. The link in the mail holds for 14 days."))


def member_of(request: Request, session: Session, employment_id: int) -> queries.Member:
    """Somebody who works here or is invited, with everybody of the organisation in the same query."""
    acting = found(viewer_of(request).organisation)
    members = queries.members_of(session, acting.id, clock.now())
    return found(next((m for m in members if m.employment_id == employment_id), None))


def _roles_page(
    request: Request, member: queries.Member, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    programme = viewer_of(request).programme
    return html(
        request,
        "organisations/roles.html",
        status=status,
        member=member,
        roles=role_names(programme),
        table=programme["rights"]["table"],
        form=form,
        errors=errors,
    )


@get("/my/team/{employment_id:int}", right="team")
def roles_form(request: Request, session: Session, employment_id: int) -> Response[str]:
    member = member_of(request, session, employment_id)
    last_days = {
        f"until_{held.role}": clock.today(held.until - timedelta(seconds=1))
        for held in member.roles
        if held.until
    }
    form = Form.of({"roles": [held.role.value for held in member.roles], **last_days})
    return _roles_page(request, member, form, {})


@post("/my/team/{employment_id:int}", right="team")
def give_roles(request: Request, session: Session, form: Form, employment_id: int) -> Response:
    viewer, now = viewer_of(request), clock.now()
    acting = found(viewer.organisation)
    session.get_one(Organisation, acting.id, with_for_update=True)  # two owners who change each other wait
    member = member_of(request, session, employment_id)
    employment = found(queries.employment_in(session, employment_id, acting.id))
    entry, errors = check(GiveRoles, form)
    if entry:
        others = [o for o in queries.owners_of(session, acting.id) if o.id != member.person_id]
        had = [held.role for held in member.roles]
        if why := why_not_roles(entry.wanted(), had, acting.roles, other_owners=len(others), now=now):
            errors["roles"] = gettext(why)
    if entry is None or errors:
        return _roles_page(request, member, form, errors, 422)
    actions.set_roles(session, employment, entry.wanted(), by=viewer.person_id, now=now)
    return go("/my/team", mark("Saved. The new roles hold from the next click."))


@get("/join/{token:str}")
def invitation(request: Request, session: Session, token: str) -> Response[str]:
    """Where the mailed link leads; nothing happens until the person says yes."""
    row = queries.employment_invited(session, digest(token), clock.now())
    return html(
        request,
        "organisations/join.html",
        status=200 if row else 410,
        organisation=row and row[1],
        employment=row and row[0],
        token=token,
    )


@post("/my/join/{token:str}")
def accept(request: Request, session: Session, token: str) -> Response:
    row = queries.employment_invited(session, digest(token), clock.now(), lock=True)
    if row is None:
        raise Refused(
            mark("This link has been used or has run out. Ask for a new one; nothing is lost."), status=410
        )
    person = session.get_one(Person, viewer_of(request).person_id)
    actions.accept_invitation(session, row[0], person, now=clock.now())
    answer = go("/my", mark("Welcome. What you learn and the certificates you earn stay yours."))
    return with_new_rights(session, viewer_of(request), answer)


def _missing(storefront: Storefront | None) -> list[str]:
    """What keeps the offer out of the directory and out of matching."""
    row = storefront or Storefront(organisation_id=0)
    return missing_of_offer(row.headline, row.fee_model, row.price_low, row.price_high, row.exclusions)


def _storefront_page(
    request: Request, session: Session, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    return html(
        request,
        "organisations/storefront.html",
        status=status,
        missing=_missing(queries.storefront_of(session, found(viewer_of(request).organisation).id)),
        stored=queries.storefront_of(session, found(viewer_of(request).organisation).id),
        form=form,
        errors=errors,
        programme=programme_at(session, clock.now()),
    )


@get("/my/storefront", right="storefront")
def storefront_form(request: Request, session: Session) -> Response[str]:
    acting = found(viewer_of(request).organisation)
    organisation = session.get_one(Organisation, acting.id)
    storefront = found(queries.storefront_of(session, acting.id))
    values = storefront.model_dump() | {"about": organisation.about}
    values |= {name: "true" if values[name] else "" for name in ("remote", "accepting")}
    return _storefront_page(request, session, Form.of(values), {})


@post("/my/storefront", right="storefront")
def save_storefront(request: Request, session: Session, form: Form) -> Response:
    viewer = viewer_of(request)
    programme = programme_at(session, clock.now())
    entry, errors = check(EditStorefront, form, taxonomy_of(programme))
    if entry and entry.fee_model not in programme.options("fee_models"):
        errors = {"fee_model": gettext(mark("Please choose from the list."))}
    if "form" in errors:
        errors["price_high"] = errors.pop("form")
    organisation = session.get_one(Organisation, found(viewer.organisation).id, with_for_update=True)
    stored = queries.storefront_of(session, organisation.id or 0)
    if not errors and stored and form["revision"] not in ("", str(stored.revision)):
        errors = {"form": gettext(STALE)}
    if entry is None or errors:
        return _storefront_page(request, session, form, errors, 422)
    actions.save_storefront(
        session,
        organisation,
        entry,
        by=viewer.person_id,
        now=clock.now(),
    )
    return go("/my/storefront", mark("Saved."))


routers = [
    Router("/", route_handlers=[register_form, register, accept], guards=[signed_in]),
    Router("/", route_handlers=[team, invite, roles_form, give_roles], guards=[in_organisation]),
    Router("/", route_handlers=[storefront_form, save_storefront], guards=[provider_member]),
    Router("/", route_handlers=[invitation], guards=[public]),
]
