"""The reason tree for owners; organisations and assessments for staff."""

from litestar import Request, Response, Router
from sqlmodel import Session

from certification.credentials.actions import award_certificate
from certification.credentials.queries import credentials_of_organisation, holds
from certification.standing import actions, queries
from certification.standing.forms import Apply, Maturity, Practical
from certification.standing.home import family_of, picture
from certification.standing.rules import Family
from portal import clock
from portal.group.queries import family_of as family_of_links
from portal.history.actions import record
from portal.history.queries import recent
from portal.i18n import gettext
from portal.mergers.queries import went_into
from portal.organisations.models import Organisation, Storefront
from portal.organisations.queries import members_of, storefront_of, worked_for
from portal.organisations.rules import missing_of_offer
from portal.programme.queries import programme_at
from portal.refusal import NotFound, Refused, mark
from portal.review.actions import REVISION
from portal.rights.rules import role_names
from portal.web.forms import Form, check, plain, whole
from portal.web.html import found, get, go, html, post
from portal.web.viewer import provider_member, staff, viewer_of


def _ready(storefront: Storefront | None) -> bool:
    return storefront is not None and not missing_of_offer(
        storefront.headline,
        storefront.fee_model,
        storefront.price_low,
        storefront.price_high,
        storefront.exclusions,
    )


def _level_page(
    request: Request,
    session: Session,
    *,
    stars: int | None = None,
    family: str = "",
    error: str | None = None,
    status: int = 200,
) -> Response[str]:
    organisation = session.get_one(Organisation, found(viewer_of(request).organisation).id)
    chosen = Family(family) if family in set(Family) else family_of(organisation)
    storefront = storefront_of(session, organisation.id or 0)
    return html(
        request,
        "standing/tree.html",
        status=status,
        organisation=organisation,
        error=error,
        families=list(Family),
        storefront_ready=_ready(storefront),
        **picture(session, organisation, chosen, clock.now(), stars),
    )


@get("/my/level", right="self_assess")
def level(request: Request, session: Session) -> Response[str]:
    stars = request.query_params.get("stars", "")
    return _level_page(
        request,
        session,
        stars=int(stars) if stars in ("3", "4", "5") else None,
        family=request.query_params.get("family", ""),
    )


@post("/my/level", right="apply")
def apply(request: Request, session: Session, form: Form) -> Response:
    viewer = viewer_of(request)
    acting = found(viewer.organisation if viewer.is_owner else None)
    entry, _errors = check(Apply, form)
    if entry is None:
        return _level_page(request, session, error=gettext(mark("Please choose a level.")), status=422)
    organisation = session.get_one(Organisation, acting.id, with_for_update=True)
    storefront = storefront_of(session, organisation.id or 0)
    if not _ready(storefront):
        return _level_page(
            request,
            session,
            stars=entry.stars,
            family=entry.family,
            status=422,
            error=gettext(mark("Fill in the storefront first: no listing without price and exclusions.")),
        )
    waiting = picture(session, organisation, entry.family, clock.now(), entry.stars)["waiting"]
    if waiting:
        raise Refused(mark("Your application lies with the reviewers already."))
    try:
        actions.apply(
            session,
            organisation,
            entry.family,
            entry.stars,
            entry.statement,
            by=viewer.person_id,
            now=clock.now(),
        )
    except Refused as refused:
        if refused.status != 422:
            raise
        return _level_page(
            request,
            session,
            stars=entry.stars,
            family=entry.family,
            error=gettext(refused.message, **refused.values),
            status=422,
        )
    return go("/my/level", mark("Applied. Staff decide within ten working days; you will see each verdict."))


@post("/my/level/credit", right="continuity")
def use_credit(request: Request, session: Session, form: Form) -> Response:
    viewer = viewer_of(request)
    organisation = session.get_one(Organisation, found(viewer.organisation).id, with_for_update=True)
    actions.use_credit(session, organisation, form["metric"], by=viewer.person_id, now=clock.now())
    return go("/my/level", mark("Used. The tree below shows it as a line of its own."))


@get("/staff/organisations")
def organisations(request: Request, session: Session) -> Response[str]:
    q = plain(request.query_params.get("q", "")).strip()[:80]
    after = whole(request.query_params.get("after", ""))
    return html(
        request,
        "standing/organisations.html",
        rows=queries.organisations(session, q, after=after),
        q=q,
    )


def _staff_page(
    request: Request,
    session: Session,
    organisation_id: int,
    form: Form,
    errors: dict[str, str],
    status: int = 200,
) -> Response[str]:
    organisation = found(session.get(Organisation, organisation_id))
    now = clock.now()
    provider, kin = organisation.kind == "provider", family_of_links(session, organisation)
    return html(
        request,
        "standing/organisation.html",
        status=status,
        organisation=organisation,
        form=form,
        errors=errors,
        family=kin,
        into=went_into(session, organisation_id),
        members=members_of(session, organisation_id, clock.now()),
        role_names=role_names(viewer_of(request).programme),
        levels=queries.levels_of(session, organisation_id),
        credentials=credentials_of_organisation(session, organisation_id),
        entries=recent(session, organisation_id=organisation_id, limit=30),
        programme=programme_at(session, now),
        seen=picture(session, organisation, family_of(organisation), now) if provider else None,
    )


@get("/staff/organisations/{organisation_id:int}")
def organisation_page(request: Request, session: Session, organisation_id: int) -> Response[str]:
    return _staff_page(request, session, organisation_id, Form(), {})


def _not_own(request: Request, organisation: Organisation, session: Session) -> int:
    """Nobody decides about an organisation they work or worked for."""
    viewer = viewer_of(request)
    if worked_for(session, viewer.person_id, organisation.id or 0):
        raise NotFound
    return viewer.person_id


def _not_stale(form: Form, organisation: Organisation) -> None:
    """A second click must not write twice, nor reinstate what the first one suspended."""
    if form["revision"] not in ("", str(organisation.revision)):
        raise Refused(REVISION)


@post("/staff/organisations/{organisation_id:int}/maturity", right="staff_assess")
def maturity(request: Request, session: Session, form: Form, organisation_id: int) -> Response:
    organisation = found(session.get(Organisation, organisation_id, with_for_update=True))
    by = _not_own(request, organisation, session)
    _not_stale(form, organisation)
    entry, errors = check(Maturity, form)
    if entry is None:
        return _staff_page(request, session, organisation_id, form, errors, 422)
    actions.record_maturity(session, organisation, entry.score, entry.reason, by=by, now=clock.now())
    return go(f"/staff/organisations/{organisation_id}", mark("Written into the ledger."))


@post("/staff/organisations/{organisation_id:int}/practical", right="staff_assess")
def practical(request: Request, session: Session, form: Form, organisation_id: int) -> Response:
    """A certificate with a practical part is granted by a person who saw the practical."""
    organisation = found(session.get(Organisation, organisation_id, with_for_update=True))
    by = _not_own(request, organisation, session)
    entry, errors = check(Practical, form)
    programme, now = programme_at(session, clock.now()), clock.now()
    if entry:
        codes = {c["code"]: c for c in programme["personal_certificates"]}
        if entry.person not in {m.person_id for m in members_of(session, organisation_id, now)}:
            errors["person"] = gettext(mark("Please choose somebody who works there."))
        elif entry.code not in programme["exams"]["practical_from"]:
            errors["code"] = gettext(mark("This certificate is earned by its exam."))
        elif not all(holds(session, entry.person, need, now) for need in codes[entry.code].get("needs", [])):
            errors["code"] = gettext(mark("This person does not hold the certificate that it needs first."))
        elif holds(session, entry.person, entry.code, now):
            errors["code"] = gettext(mark("This person holds it already."))
    if entry is None or errors:
        return _staff_page(request, session, organisation_id, form, errors, 422)
    credential = award_certificate(
        session, entry.person, entry.code, source=("practical", organisation_id), by=by, now=now
    )
    record(
        session,
        "practical passed",
        "credential",
        credential.id,
        by=by,
        now=now,
        organisation_id=organisation_id,
        after={"person": entry.person, "code": entry.code},
        reason=entry.reason,
    )
    return go(f"/staff/organisations/{organisation_id}", mark("Issued."))


routers = [
    Router("/", route_handlers=[level, apply, use_credit], guards=[provider_member]),
    Router(
        "/",
        route_handlers=[organisations, organisation_page, maturity, practical],
        guards=[staff],
    ),
]
