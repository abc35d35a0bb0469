"""Awards as everybody and as owners see them: formulas, short lists, winners; the own nomination by part."""

from typing import Any

from litestar import Request, Response, Router
from sqlmodel import Session

from casebook.awards import actions, queries
from casebook.awards.forms import Nominate, Object
from casebook.awards.models import Nomination
from casebook.awards.rules import MOVES, STATES, Round, Status
from casebook.cases.models import Case
from portal import clock
from portal.i18n import gettext
from portal.organisations.models import Organisation
from portal.programme.queries import programme_at
from portal.refusal import mark
from portal.seasons.queries import exceptions_given, gate, season_at, season_by_code
from portal.seasons.rules import Gate
from portal.web.forms import Form, check
from portal.web.html import found, get, go, html, post
from portal.web.viewer import provider_member, public, signed_in, viewer_of


def said(found: Gate) -> str:
    """Why a form is closed, in the reader's language; empty while it is open."""
    return "" if found.open else gettext(found.closed.message, **found.closed.values)


@get("/season/{code:str}")
def awards(request: Request, session: Session, code: str) -> Response[str]:
    """Before the short list: how each award is scored. After it: who stands on it, with every part."""
    season, now = found(season_by_code(session, code)), clock.now()
    programme = programme_at(session, now)
    row = queries.round_of(session, season.id or 0)
    status = row.status if row else Round.COLLECTING
    entries = [] if status is Round.COLLECTING else queries.public_entries(session, season.id or 0)
    return html(
        request,
        "awards/season.html",
        season=season,
        stage=status,
        awards=programme.season["awards"],
        config=programme.season,
        formula=programme["conduct"]["award_formula"],
        entries={
            a["key"]: [e for e in entries if e.nomination.award == a["key"]]
            for a in programme.season["awards"]
        },
        exceptions=exceptions_given(session, season.id or 0),
        objecting=gate(session, "objection", now),
        present=season_at(session, now) == season,
    )


def _public_page(
    request: Request,
    session: Session,
    nomination_id: int,
    form: Form,
    errors: dict[str, str],
    status: int = 200,
) -> Response[str]:
    now = clock.now()
    entry = found(queries.entry(session, nomination_id))
    shown = entry.nomination.place is not None and entry.nomination.status in (
        Status.SHORTLISTED,
        Status.WON,
        Status.LOST,
    )
    found(entry if shown and entry.stands else None)
    programme = programme_at(session, now)
    season = season_at(session, now)
    objecting = gate(session, "objection", now)
    return html(
        request,
        "awards/nomination.html",
        status=status,
        entry=entry,
        award=actions.award_of(programme, entry.nomination.award),
        names=programme.season["award_parts"],
        states=STATES,
        objections=queries.objections_of(session, nomination_id),
        objecting=objecting,
        closed=said(objecting),
        may_object=objecting.open
        and entry.nomination.status is Status.SHORTLISTED
        and season is not None
        and season.id == entry.nomination.season_id,
        form=form,
        errors=errors,
    )


@get("/season/nominations/{nomination_id:int}")
def nomination(request: Request, session: Session, nomination_id: int) -> Response[str]:
    return _public_page(request, session, nomination_id, Form(), {})


@post("/season/nominations/{nomination_id:int}/objections")
def object_to(request: Request, session: Session, form: Form, nomination_id: int) -> Response:
    entry, errors = check(Object, form)
    if entry is None:
        return _public_page(request, session, nomination_id, form, errors, 422)
    actions.object_to(session, nomination_id, entry.text, by=viewer_of(request).person_id, now=clock.now())
    return go(
        f"/season/nominations/{nomination_id}",
        mark("Your objection is with the staff. The answer is published here."),
    )


# Owners


@get("/my/awards", right="award")
def mine(request: Request, session: Session) -> Response[str]:
    viewer, now = viewer_of(request), clock.now()
    acting, season = found(viewer.organisation), season_at(session, now)
    rows = queries.own_nominations(session, acting.id)
    awards = viewer.programme.season["awards"]
    found_gate = gate(session, "nomination", now, organisation_id=acting.id)
    return html(
        request,
        "awards/mine.html",
        awards=awards,
        names={a["key"]: a for a in awards},
        own={r.award: r for r, s in rows if season and s.id == season.id},
        past=[(r, s) for r, s in rows if not season or s.id != season.id],
        states=STATES,
        gate=found_gate,
        closed=said(found_gate),
        season=season,
    )


def _own_page(
    request: Request, session: Session, key: str, form: Form, errors: dict[str, str], status: int = 200
) -> Response[str]:
    viewer, now = viewer_of(request), clock.now()
    acting, programme = found(viewer.organisation), viewer.programme
    award = actions.award_of(programme, key)
    season = season_at(session, now)
    own = queries.own_nomination(session, season.id or 0, key, acting.id) if season else None
    organisation = session.get_one(Organisation, acting.id)
    cases = queries.cases_to_nominate(session, acting.id) if award["subject"] == "case" else []
    chosen = own.case_id if own else None
    choices: list[Case | None] = [*cases] or [None]
    wanted = [(key, organisation, c) for c in choices]
    worth = actions.scored(session, programme, wanted, now)
    if cases:  # the one nominated, or the one that is worth most
        best = next((n for n, c in enumerate(cases) if c.id == chosen), None)
        best = max(range(len(cases)), key=lambda n: worth[n].merit) if best is None else best
    else:
        best = 0
    now_worth, kept = worth[best], bool(own and own.parts)
    merit = own.merit if own and kept else now_worth.merit
    total = own.total if own and own.total is not None else None
    last = queries.last_totals(session, season.starts_at).get(key) if season else None
    open_now = gate(session, "nomination", now, organisation_id=acting.id)
    row = queries.round_of(session, season.id or 0) if season else None
    return html(
        request,
        "awards/own.html",
        status=status,
        award=award,
        config=programme.season,
        formula=programme["conduct"]["award_formula"],
        own=own,
        case=cases[best] if cases else None,
        cases={str(c.id): f"{c.title} · {worth[n].merit:g}" for n, c in enumerate(cases)},
        parts=own.parts if own and kept else [vars(p) for p in now_worth.parts],
        performance=own.performance if own and kept else now_worth.performance,
        conduct=own.conduct if own and kept else now_worth.inputs.conduct,
        merit=merit,
        total=total,
        kept=kept,
        conditions=now_worth.conditions,
        last=last,
        missing_to_last=round(last - (total if total is not None else merit or 0), 1)
        if last is not None
        else None,
        gate=open_now,
        closed=said(open_now),
        may_nominate=open_now.open
        and (row is None or row.status is Round.COLLECTING)
        and (own is None or (own.status, "nominate") in MOVES)
        and any(all(c.met for c in w.conditions) for w in worth),
        may_withdraw=own is not None and (own.status, "withdraw") in MOVES,
        objections=queries.objections_of(session, own.id or 0) if own else [],
        states=STATES,
        form=form,
        errors=errors,
    )


@get("/my/awards/{award:str}", right="award")
def own(request: Request, session: Session, award: str) -> Response[str]:
    return _own_page(request, session, award, Form(), {})


def _mine(request: Request, session: Session, award: str) -> Nomination | None:
    season = season_at(session, clock.now())
    acting = found(viewer_of(request).organisation)
    return queries.own_nomination(session, season.id or 0, award, acting.id) if season else None


@post("/my/awards/{award:str}/nominate", right="award")
def nominate(request: Request, session: Session, form: Form, award: str) -> Response:
    viewer = viewer_of(request)
    acting = found(viewer.organisation)
    about_case = actions.award_of(viewer.programme, award)["subject"] == "case"
    cases = [c.id for c in queries.cases_to_nominate(session, acting.id)] if about_case else []
    entry, errors = check(Nominate, form, {"cases": cases})
    if entry and about_case and entry.case is None:
        errors = {"case": gettext(mark("Choose the case that you nominate."))}
    if entry is None or errors:
        return _own_page(request, session, award, form, errors, 422)
    actions.nominate(
        session,
        session.get_one(Organisation, acting.id),
        award,
        case_id=entry.case,
        statement=entry.statement,
        by=viewer.person_id,
        now=clock.now(),
    )
    return go(f"/my/awards/{award}", mark("Nominated. Staff check it; the answer comes by mail."))


@post("/my/awards/{award:str}/withdraw", right="award")
def withdraw(request: Request, session: Session, award: str) -> Response:
    row = found(_mine(request, session, award))
    actions.withdraw(session, row, by=viewer_of(request).person_id, now=clock.now())
    return go(f"/my/awards/{award}", mark("Withdrawn."))


def badges(session: Session, programme: Any, **which: int) -> list[tuple[queries.Winner, dict[str, str]]]:
    """Awards of an organisation or a case with their names, for the pages that show them."""
    names = {a["key"]: a for a in programme.season["awards"]}
    return [
        (w, names.get(w.award, {"zh": w.award, "en": w.award})) for w in queries.winners(session, **which)
    ]


routers = [
    Router("/", route_handlers=[awards, nomination], guards=[public]),
    Router("/", route_handlers=[object_to], guards=[signed_in]),
    Router("/", route_handlers=[mine, own, nominate, withdraw], guards=[provider_member]),
]
