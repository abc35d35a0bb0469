"""What stars bring: owners see, book, cancel and defer; staff confirm or decline."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from litestar import Request, Response, Router
from sqlmodel import Session

from certification.benefits import actions, queries
from certification.benefits.forms import Because, Book, Defer
from certification.benefits.models import BenefitGrant
from certification.benefits.rules import UNITS, WORDS, Entry, Measure, brought, measure_of
from portal import clock
from portal.desk.parts import Clock, DeskLine
from portal.history.queries import timeline
from portal.i18n import gettext
from portal.organisations.models import Organisation
from portal.programme.queries import programme_at
from portal.programme.rules import Programme
from portal.refusal import Refused, mark
from portal.review.actions import REVISION
from portal.web.forms import Form, check, whole
from portal.web.html import found, get, go, html, post
from portal.web.viewer import Viewer, provider_member, staff, viewer_of

CLASSES = {
    "技术": mark("Technical"),
    "业务": mark("Business"),
    "资源": mark("Resources"),
    "流量": mark("Visibility"),
}
STATES = {
    Entry.BOOKED: mark("booked"),
    Entry.USED: mark("used"),
    Entry.CANCELLED: mark("cancelled"),
    Entry.DECLINED: mark("declined"),
    Entry.RETURNED: mark("given back"),
}
SOON = timedelta(days=30)


@dataclass(frozen=True)
class Line:
    """One benefit as its owner sees it. Figures are of the period that runs."""

    benefit: Mapping[str, Any]
    measure: Measure
    grant: BenefitGrant | None
    booked: int = 0
    used: int = 0
    gone: int = 0  # deferred or expired
    next: str = ""  # what the next star brings, when that is more
    next_amount: int = 0


def lines_of(
    session: Session, organisation: Organisation, programme: Programme
) -> tuple[list[tuple[str, list[Line]]], list[Line]]:
    """([(class, its benefits)], what was deferred)."""
    grants = queries.open_grants(session, organisation.id or 0)
    sums = queries.sums(session, [g.id or 0 for g in grants])
    by_key = {g.key: g for g in grants if g.deferred_from_id is None and (g.amount or g.value)}
    stars = organisation.stars

    def line(benefit: Mapping[str, Any], grant: BenefitGrant | None) -> Line:
        now_amount, now_value = brought(benefit, stars)
        amount, value = brought(benefit, stars + 1)
        more = (amount, value) != (now_amount, now_value) and bool(amount or value)
        of = sums.get(grant.id or 0, {}) if grant else {}
        used = of.get(Entry.USED, 0) - of.get(Entry.RETURNED, 0)
        booked = (
            of.get(Entry.BOOKED, 0)
            - of.get(Entry.USED, 0)
            - of.get(Entry.CANCELLED, 0)
            - of.get(Entry.DECLINED, 0)
        )
        gone = of.get(Entry.DEFERRED, 0) + of.get(Entry.EXPIRED, 0)
        return Line(
            benefit,
            measure_of(benefit["unit"]),
            grant,
            booked,
            used,
            gone,
            (value if more else ""),
            (amount if more else 0),
        )

    benefits = actions.benefits_by_key(programme)
    groups: dict[str, list[Line]] = {}
    for key, benefit in benefits.items():
        groups.setdefault(benefit["class"], []).append(line(benefit, by_key.get(key)))
    later = [line(benefits[g.key], g) for g in grants if g.deferred_from_id is not None and g.key in benefits]
    return list(groups.items()), [one for one in later if one.grant and one.grant.amount]


def _page(
    request: Request,
    session: Session,
    *,
    form: Form | None = None,
    errors: dict[str, str] | None = None,
    failed: str = "",
    status: int = 200,
) -> Response[str]:
    organisation = session.get_one(Organisation, found(viewer_of(request).organisation).id)
    programme = programme_at(session, clock.now())
    groups, later = lines_of(session, organisation, programme)
    grants = [one.grant for _, lines in groups for one in lines if one.grant] + [
        one.grant for one in later if one.grant
    ]
    return html(
        request,
        "benefits/mine.html",
        status=status,
        organisation=organisation,
        programme=programme,
        groups=groups,
        later=later,
        frozen=any(g.frozen_at for g in grants),
        days=actions.deferral_days(programme, organisation.stars),
        bookings=queries.bookings_of(session, organisation.id or 0),
        entries=timeline(session, "benefits", organisation.id or 0),
        classes=CLASSES,
        states=STATES,
        units=UNITS,
        words=WORDS,
        form=form or Form(),
        errors=errors or {},
        failed=failed,
    )


@get("/my/benefits", right="see")
def mine(request: Request, session: Session) -> Response[str]:
    return _page(request, session)


def _grant_and_owner(
    request: Request, session: Session, form: Form, grant_id: int
) -> tuple[Organisation, BenefitGrant]:
    """Both locked. A second click on the same button finds that something is taken meanwhile."""
    organisation = session.get_one(
        Organisation, found(viewer_of(request).organisation).id, with_for_update=True
    )
    grant = found(queries.grant_of(session, organisation.id or 0, grant_id))
    if form["taken"] and whole(form["taken"], -1) != grant.taken:
        raise Refused(REVISION)
    return organisation, grant


@post("/my/benefits/{grant_id:int}/book", right="benefits")
def book(request: Request, session: Session, form: Form, grant_id: int) -> Response:
    organisation, grant = _grant_and_owner(request, session, form, grant_id)
    now = clock.now()
    entry, errors = check(Book, form)
    if entry is not None and entry.wanted_on is not None and entry.wanted_on < clock.today(now):
        errors["wanted_on"] = gettext(mark("Please choose a day from today on."))
    if entry is not None and not errors:
        try:
            actions.book(
                session,
                organisation,
                grant,
                entry.quantity,
                entry.what,
                entry.wanted_on,
                by=viewer_of(request).person_id,
                now=now,
            )
            return go("/my/benefits", mark("Booked. Staff confirm it; until then it can be cancelled."))
        except Refused as refused:
            if refused.status != 422:
                raise
            errors["quantity"] = gettext(refused.message, **refused.values)
    return _page(request, session, form=form, errors=errors, failed=f"book-{grant_id}", status=422)


@post("/my/benefits/{grant_id:int}/defer", right="benefits")
def defer(request: Request, session: Session, form: Form, grant_id: int) -> Response:
    organisation, grant = _grant_and_owner(request, session, form, grant_id)
    entry, errors = check(Defer, form)
    if entry is not None:
        try:
            later = actions.defer(
                session, organisation, grant, entry.quantity, by=viewer_of(request).person_id, now=clock.now()
            )
            until = clock.today((later.ends_at or clock.now()) - timedelta(seconds=1)).isoformat()
            return go("/my/benefits", mark("Kept for later: it can be booked until %(day)s."), day=until)
        except Refused as refused:
            if refused.status != 422:
                raise
            errors["quantity"] = gettext(refused.message, **refused.values)
    return _page(request, session, form=form, errors=errors, failed=f"defer-{grant_id}", status=422)


def _settle_own(request: Request, session: Session, booking_id: int, move: str, said: str) -> Response:
    viewer = viewer_of(request)
    booking = found(queries.booking_of(session, booking_id, organisation_id=found(viewer.organisation).id))
    actions.settle(session, booking, move, "", by=viewer.person_id, now=clock.now())
    return go("/my/benefits", said)


@post("/my/benefits/bookings/{booking_id:int}/cancel", right="benefits")
def cancel(request: Request, session: Session, booking_id: int) -> Response:
    return _settle_own(request, session, booking_id, "cancel", mark("Cancelled; it can be booked again."))


@post("/my/benefits/bookings/{booking_id:int}/return", right="benefits")
def give_back(request: Request, session: Session, booking_id: int) -> Response:
    return _settle_own(request, session, booking_id, "return", mark("Given back; it can be booked again."))


# ——— Staff ———


def _queue(
    request: Request,
    session: Session,
    form: Form,
    errors: dict[str, str],
    *,
    failed: int = 0,
    status: int = 200,
) -> Response[str]:
    viewer = viewer_of(request)
    return html(
        request,
        "benefits/queue.html",
        status=status,
        rows=queries.waiting(session, viewer.person_id),
        benefits=actions.benefits_by_key(viewer.programme),
        units=UNITS,
        form=form,
        errors=errors,
        failed=failed,
    )


@get("/staff/benefits", right="staff_benefits")
def queue(request: Request, session: Session) -> Response[str]:
    return _queue(request, session, Form(), {})


@post("/staff/benefits/{booking_id:int}/use", right="staff_benefits")
def confirm(request: Request, session: Session, booking_id: int) -> Response:
    by = viewer_of(request).person_id
    booking = found(queries.booking_of(session, booking_id, not_of=by))
    actions.settle(session, booking, "use", "", by=by, now=clock.now())
    return go("/staff/benefits", mark("Confirmed as used; whoever booked it is told."))


@post("/staff/benefits/{booking_id:int}/decline", right="staff_benefits")
def decline(request: Request, session: Session, form: Form, booking_id: int) -> Response:
    by = viewer_of(request).person_id
    booking = found(queries.booking_of(session, booking_id, not_of=by))
    entry, errors = check(Because, form)
    if entry is None:
        return _queue(request, session, form, errors, failed=booking_id, status=422)
    actions.settle(session, booking, "decline", entry.reason, by=by, now=clock.now())
    return go("/staff/benefits", mark("Declined; the quota is back with them, and they read your reason."))


# ——— Home and desk ———


def clocks(session: Session, viewer: Viewer, now: datetime) -> list[Clock]:
    """The first of what expires unused within thirty days."""
    if viewer.organisation is None or not viewer.may("benefits"):
        return []
    ending = queries.ending(session, viewer.organisation.id, now + SOON, now)
    if not ending or ending[0].ends_at is None:
        return []
    return [
        Clock(
            ending[0].ends_at,
            mark("Benefits that nobody has booked expire: %(n)s."),
            "/my/benefits",
            {"n": len(ending)},
        )
    ]


def desk_lines(session: Session, viewer: Viewer, _now: datetime) -> list[DeskLine]:
    if not viewer.may("staff_benefits"):
        return []
    return [
        DeskLine(
            mark("Bookings of benefits"), len(queries.waiting(session, viewer.person_id)), "/staff/benefits"
        )
    ]


routers = [
    Router("/", route_handlers=[mine, book, defer, cancel, give_back], guards=[provider_member]),
    Router("/", route_handlers=[queue, confirm, decline], guards=[staff]),
]
