"""What if, and how it was: the same tree with other facts, by other rules, on another day."""

from datetime import UTC, date, datetime, time, timedelta

from litestar import Request, Response, Router
from sqlmodel import Session

from certification.standing import queries
from certification.standing.actions import rules_for
from certification.standing.home import family_of, grouped
from certification.standing.rules import PUBLIC, Family, evaluate
from certification.standing.whatif import compare, supposed, what_if
from portal import clock
from portal.desk.parts import CONTRIBUTIONS
from portal.history.queries import timeline
from portal.i18n import gettext
from portal.ledger.queries import facts_of
from portal.ledger.rules import FactKind
from portal.organisations.models import Organisation
from portal.organisations.queries import members_of
from portal.programme.queries import programme_at, programme_by_id, versions
from portal.refusal import mark
from portal.web.forms import whole
from portal.web.html import found, get, html
from portal.web.viewer import provider_member, staff, viewer_of


def _chosen(request: Request, organisation: Organisation) -> tuple[Family, int]:
    """Family and stars as asked for; what an address says wrongly is left out."""
    family, stars = request.query_params.get("family", ""), request.query_params.get("stars", "")
    chosen = Family(family) if family in set(Family) else family_of(organisation)
    return chosen, int(stars) if stars in ("3", "4", "5") else 0


@get("/my/level/what-if", right="self_assess")
def what_if_page(request: Request, session: Session) -> Response[str]:
    organisation = session.get_one(Organisation, found(viewer_of(request).organisation).id)
    now = clock.now()
    family, stars = _chosen(request, organisation)
    level = queries.level_of(session, organisation.id or 0, family)
    held = level.stars if level and level.status in PUBLIC else 0
    stars = stars or held or 3
    rules = rules_for(session, level, now) if level and stars <= held else programme_at(session, now).content
    asked = request.query_params
    team = members_of(session, organisation.id or 0, now)
    people = [m.person_id for m in team if m.person_id is not None]
    leave = [p for p in people if str(p) in asked.getall("leave", [])]
    possible = [p for ask in CONTRIBUTIONS.possible for p in ask(session, organisation.id or 0)]
    come = [
        supposed(p.kind, now, organisation_id=organisation.id, **p.value)
        for p in possible
        if p.key in asked.getall("come", [])
    ]
    programme = programme_at(session, now)
    codes = {c["code"]: c for c in programme["personal_certificates"]}
    learner, code = whole(asked.get("person", "")), asked.get("code", "")
    if learner in people and code in codes:
        come.append(supposed(FactKind.CERTIFICATE, now, person_id=learner, code=code, number=""))
    other = next((v for v in versions(session) if str(v.id) == asked.get("rules", "")), None)
    by = programme_by_id(session, other.id or 0).content if other else None
    supposing = bool(leave or come or by)
    compared = what_if(
        facts_of(session, organisation.id or 0), family, stars, now, rules, leave=leave, come=come, by=by
    )
    return html(
        request,
        "standing/what_if.html",
        organisation=organisation,
        family=family,
        families=list(Family),
        stars=stars,
        held=held,
        programme=programme,
        team=team,
        possible=possible,
        codes=codes,
        versions=versions(session),
        chosen={
            "leave": leave,
            "come": asked.getall("come", []),
            "person": learner,
            "code": code,
            "rules": other.id if other else 0,
        },
        compared=compared if supposing else None,
        tree=compared.before,
    )


def _past(
    request: Request, session: Session, organisation: Organisation, back: str, here: str
) -> Response[str]:
    """A day that is over, as was known then and as is known now; the rules are those that were in force then."""
    now = clock.now()
    family, stars = _chosen(request, organisation)
    day, error = _day(request.query_params.get("day", ""), clock.today(now))
    at = min(datetime.combine(day + timedelta(days=1), time(), clock.CHINA).astimezone(UTC), now)
    level = queries.level_of(session, organisation.id or 0, family)
    stars = stars or (level.stars if level else 3)
    facts, programme = facts_of(session, organisation.id or 0), programme_at(session, at)
    then = evaluate(facts, family, stars, at, programme.content)
    today = evaluate(facts, family, stars, at, programme.content, known_at=now)
    return html(
        request,
        "standing/past.html",
        status=422 if error else 200,
        organisation=organisation,
        family=family,
        families=list(Family),
        stars=stars,
        day=day,
        today=clock.today(now),
        error=error,
        back=back,
        here=here,
        programme=programme,
        groups=grouped(then, programme),
        tree=then,
        compared=compare(then, today, programme.content),
        moves=[e for e in timeline(session, "level", level.id or 0) if e.at <= at] if level else [],
    )


def _day(typed: str, today: date) -> tuple[date, str]:
    try:
        day = date.fromisoformat(typed) if typed else today
    except ValueError:
        return today, gettext(mark("Please write the day as year, month and day."))
    if day > today:
        return today, gettext(mark("This day has not come yet; “What if” looks ahead."))
    return max(day, today - timedelta(days=3 * 365)), ""


@get("/my/level/past", right="self_assess")
def past(request: Request, session: Session) -> Response[str]:
    organisation = session.get_one(Organisation, found(viewer_of(request).organisation).id)
    return _past(request, session, organisation, "/my/level", "/my/level/past")


@get("/staff/organisations/{organisation_id:int}/past")
def past_for_staff(request: Request, session: Session, organisation_id: int) -> Response[str]:
    organisation = found(session.get(Organisation, organisation_id))
    back = f"/staff/organisations/{organisation_id}"
    return _past(request, session, organisation, back, f"{back}/past")


routers = [
    Router("/", route_handlers=[what_if_page, past], guards=[provider_member]),
    Router("/", route_handlers=[past_for_staff], guards=[staff]),
]
