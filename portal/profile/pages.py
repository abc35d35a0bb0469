"""What an organisation says of itself, and what staff must see before it changes."""

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock
from portal.group.queries import links_of
from portal.i18n import gettext
from portal.organisations import queries as organisations
from portal.organisations.models import Organisation
from portal.organisations.pages import taxonomy_of
from portal.organisations.rules import DAYS
from portal.profile import actions, queries
from portal.profile.forms import AskNames, Conflict, EditFocus
from portal.profile.rules import FIELDS, unchecked
from portal.programme.queries import programme_at
from portal.programme.rules import Programme
from portal.refusal import Refused, mark
from portal.web.forms import STALE, Form, check
from portal.web.html import found, get, go, html, post
from portal.web.viewer import in_organisation, provider_member, viewer_of


def _page(
    request: Request, session: Session, form: Form | None, errors: dict[str, str], status: int = 200
) -> Response[str]:
    acting, now = found(viewer_of(request).organisation), clock.now()
    organisation = session.get_one(Organisation, acting.id)
    storefront = organisations.storefront_of(session, acting.id)
    programme = programme_at(session, now)
    stored = {name: getattr(organisation, name) for name in (*actions.OF_ORGANISATION, *FIELDS)}
    if storefront:
        stored |= storefront.model_dump(
            include={"coverage", "service_days", "service_from", "service_until", "can_start", "revision"}
        )
        stored["nationwide"] = "true" if storefront.nationwide else ""
        for n, one in enumerate(storefront.conflicts):
            stored |= {f"client_{n}": one["client"], f"industry_{n}": one["industry"]}
    return html(
        request,
        "profile/page.html",
        status=status,
        organisation=organisation,
        storefront=storefront,
        programme=programme,
        form=form or Form.of(stored),
        errors=errors,
        days={key: {"zh": gettext(name), "en": gettext(name)} for key, name in DAYS.items()},
        asked=queries.latest_change(session, acting.id),
        field_names=FIELDS,
        links=links_of(session, acting.id),
        missing=unchecked(queries.known_of(session, acting.id, now)) if storefront else [],
    )


@get("/my/profile")
def profile(request: Request, session: Session) -> Response[str]:
    return _page(request, session, None, {})


@post("/my/profile/focus", right="storefront")
def save_focus(request: Request, session: Session, form: Form) -> Response:
    viewer, now = viewer_of(request), clock.now()
    programme = programme_at(session, now)
    entry, errors = check(EditFocus, form, taxonomy_of(programme))
    if "form" in errors:
        errors["service_from"] = errors.pop("form")
    if entry and entry.province not in programme.options("provinces"):
        errors["province"] = gettext(mark("Please choose from the list."))
    conflicts = _conflicts(form, programme, errors)
    organisation = session.get_one(Organisation, found(viewer.organisation).id, with_for_update=True)
    storefront = found(organisations.storefront_of(session, organisation.id or 0))
    if not errors and form["revision"] not in ("", str(storefront.revision)):
        errors = {"form": gettext(STALE)}
    if entry is None or errors:
        return _page(request, session, form, errors, 422)
    actions.save_focus(session, organisation, storefront, entry, conflicts, by=viewer.person_id, now=now)
    return go("/my/profile", mark("Saved."))


def _conflicts(form: Form, programme: Programme, errors: dict[str, str]) -> list[Conflict]:
    """The rows that are filled in; half a row is an error."""
    known = {**programme["taxonomy"]["industries"], **programme.leaves("industries")}
    conflicts = []
    for n in range(programme.profile["conflicts_max"]):
        client, industry = form[f"client_{n}"].strip(), form[f"industry_{n}"]
        if not client and not industry:
            continue
        if not client:
            errors[f"client_{n}"] = gettext(mark("Please fill this in."))
        elif len(client) > 80:
            errors[f"client_{n}"] = gettext(
                mark("Please keep this within %(max_length)s characters."), max_length=80
            )
        if industry not in known:
            errors[f"industry_{n}"] = gettext(mark("Please choose from the list."))
        if client and industry in known and len(client) <= 80:
            conflicts.append(Conflict(client=client, industry=industry))
    return conflicts


@post("/my/profile/names", right="names")
def ask_names(request: Request, session: Session, form: Form) -> Response:
    viewer = viewer_of(request)
    organisation = session.get_one(Organisation, found(viewer.organisation).id, with_for_update=True)
    entry, errors = check(AskNames, form)
    if entry:
        try:
            with session.begin_nested():
                actions.ask_names(session, organisation, entry, by=viewer.person_id, now=clock.now())
        except Refused as refused:
            if refused.status != 422:
                raise
            where = "legal_name" if refused.message == actions.NOTHING_NEW else "credit_code"
            errors = {where: gettext(refused.message)}
    if errors:
        return _page(request, session, form, errors, 422)
    return go(
        "/my/profile", mark("Handed in. Staff decide within one working day; until then the old names stand.")
    )


@post("/my/profile/names/take-back", right="names")
def take_back(request: Request, session: Session) -> Response:
    viewer = viewer_of(request)
    actions.take_back(session, found(viewer.organisation).id, by=viewer.person_id, now=clock.now())
    return go("/my/profile", mark("Taken back. The names stay as they are."))


@post("/my/storefront/capacity", right="storefront")
def still_true(request: Request, session: Session) -> Response:
    viewer = viewer_of(request)
    acting = found(viewer.organisation)
    storefront = found(queries.storefront_locked(session, acting.id))
    actions.confirm_capacity(
        session,
        session.get_one(Organisation, acting.id),
        storefront,
        by=viewer.person_id,
        now=clock.now(),
    )
    return go("/my/storefront", mark("Noted: it is still true."))


routers = [
    Router("/", route_handlers=[profile, ask_names, take_back], guards=[in_organisation]),
    Router("/", route_handlers=[save_focus, still_true], guards=[provider_member]),
]
