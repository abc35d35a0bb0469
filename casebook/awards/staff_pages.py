"""Check nominations, publish short list and winners with four eyes, answer objections; score as a juror."""

from litestar import Request, Response, Router
from sqlmodel import Session

from casebook.awards import actions, queries
from casebook.awards.forms import Answer, Score, Why
from casebook.awards.pages import said
from casebook.awards.rules import MOVES, ROUND_MOVES, STATES, SUBJECT, Round, Status
from casebook.cases.queries import outcomes_of
from portal import clock
from portal.history.queries import timeline
from portal.refusal import NotFound, mark
from portal.seasons.models import Season
from portal.seasons.queries import gate, season_at
from portal.web.forms import Form, check
from portal.web.html import found, get, go, html, post
from portal.web.viewer import staff, viewer_of


@get("/staff/awards", right="staff_award")
def awards(request: Request, session: Session) -> Response[str]:
    viewer, now = viewer_of(request), clock.now()
    programme, season = viewer.programme, season_at(session, now)
    season_id = season.id or 0 if season else 0
    entries = queries.entries_of(session, season_id)
    row = queries.round_of(session, season_id)
    status = row.status if row else Round.COLLECTING
    standing = actions.standing_of(programme, entries, queries.points_of(session, season_id))
    gates = {key: gate(session, key, now) for key in ("shortlist", "winners")}
    return html(
        request,
        "awards/staff.html",
        season=season,
        stage=status,
        round=row,
        moves={move for at, move in ROUND_MOVES if at is status},
        entries=entries,
        awards=programme.season["awards"],
        states=STATES,
        standing=standing,
        jurors=programme.season["jurors"],
        seen=actions.result_of(standing),
        own_proposal=row is not None and row.proposed_by == viewer.person_id,
        gates={key: (found_gate, said(found_gate)) for key, found_gate in gates.items()},
    )


def _season(session: Session) -> Season:
    return found(season_at(session, clock.now()))


@post("/staff/awards/round/{step:str}", right="staff_award")
def step(request: Request, session: Session, form: Form, step: str) -> Response:
    by, now = viewer_of(request).person_id, clock.now()
    if step not in {move for _, move in ROUND_MOVES}:
        raise NotFound
    season_id = _season(session).id or 0
    if step == "shortlist":
        actions.shortlist(session, season_id, by=by, now=now)
        return go("/staff/awards", mark("The short list hangs out. Nominees have their mails."))
    if step == "propose":
        actions.propose(session, season_id, by=by, now=now)
        return go("/staff/awards", mark("Proposed. Somebody else confirms."))
    if step == "return":
        actions.give_back(session, season_id, reason=form["reason"].strip()[:300], by=by, now=now)
        return go("/staff/awards", mark("Sent back."))
    actions.confirm(session, season_id, seen=form["seen"], by=by, now=now)
    return go("/staff/awards", mark("Published. Winners and the others have their mails."))


def _page(
    request: Request,
    session: Session,
    nomination_id: int,
    form: Form,
    errors: dict[str, str],
    wrong: str = "",
    status: int = 200,
) -> Response[str]:
    programme, now = viewer_of(request).programme, clock.now()
    entry = found(queries.entry(session, nomination_id))
    one = entry.nomination
    [worth] = actions.scored(session, programme, [(one.award, entry.organisation, entry.case)], now)
    return html(
        request,
        "awards/check.html",
        status=status,
        entry=entry,
        award=actions.award_of(programme, one.award),
        names=programme.season["award_parts"],
        states=STATES,
        moves=[move for at, move in MOVES if at is one.status and move in SAID],
        parts=one.parts or [vars(p) for p in worth.parts],
        merit=one.merit if one.merit is not None else worth.merit,
        conduct=one.conduct if one.conduct is not None else worth.inputs.conduct,
        conditions=worth.conditions,
        objections=queries.objections_of(session, nomination_id),
        scores=queries.scores_of(session, nomination_id) if one.status in (Status.WON, Status.LOST) else [],
        entries=timeline(session, SUBJECT, nomination_id)[:30],
        form=form,
        errors=errors,
        wrong=wrong,
    )


@get("/staff/awards/{nomination_id:int}", right="staff_award")
def nomination(request: Request, session: Session, nomination_id: int) -> Response[str]:
    return _page(request, session, nomination_id, Form(), {})


SAID = {
    "accept": mark("Admitted."),
    "refuse": mark("Not admitted. The owners read why."),
    "drop": mark("Out of the running. The owners read why."),
    "revoke": mark("Revoked. It is shown nowhere any more."),
}


@post("/staff/awards/{nomination_id:int}/{move:str}", right="staff_award")
def act(request: Request, session: Session, form: Form, nomination_id: int, move: str) -> Response:
    row = found(queries.entry(session, nomination_id)).nomination
    if move not in SAID:
        raise NotFound
    entry, errors = check(Why, form)
    if entry is None:
        return _page(request, session, nomination_id, form, errors, move, 422)
    by, now = viewer_of(request).person_id, clock.now()
    if move in ("accept", "refuse"):
        actions.check(session, nomination_id, accept=move == "accept", reason=entry.reason, by=by, now=now)
    else:
        found(row if (row.status is Status.WON) == (move == "revoke") else None)
        actions.drop(session, nomination_id, reason=entry.reason, by=by, now=now)
    return go(f"/staff/awards/{nomination_id}", SAID[move])


@post("/staff/awards/objections/{objection_id:int}", right="staff_award")
def answer(request: Request, session: Session, form: Form, objection_id: int) -> Response:
    objection = found(queries.objection_locked(session, objection_id))
    entry, errors = check(Answer, form)
    if entry is None:
        return _page(request, session, objection.nomination_id, form, errors, f"answer-{objection_id}", 422)
    actions.answer(
        session,
        objection_id,
        upheld=entry.upheld,
        text=entry.answer,
        by=viewer_of(request).person_id,
        now=clock.now(),
    )
    return go(f"/staff/awards/{objection.nomination_id}", mark("Answered, for everybody to read."))


# The jury: whose it is stays hidden


def _judged(request: Request) -> list[str]:
    return [a["key"] for a in viewer_of(request).programme.season["awards"] if a["jury"]]


@get("/staff/jury", right="staff_jury")
def jury(request: Request, session: Session) -> Response[str]:
    viewer = viewer_of(request)
    found_gate = gate(session, "jury", clock.now())
    return html(
        request,
        "awards/jury.html",
        rows=queries.for_juror(session, viewer.person_id, _judged(request)),
        awards={a["key"]: a for a in viewer.programme.season["awards"]},
        gate=found_gate,
        closed=said(found_gate),
    )


def _score_page(
    request: Request,
    session: Session,
    nomination_id: int,
    form: Form | None,
    errors: dict[str, str],
    status: int = 200,
) -> Response[str]:
    viewer = viewer_of(request)
    rows = queries.for_juror(session, viewer.person_id, _judged(request), nomination_id)
    entry, own = found(rows[0] if rows else None)
    programme, found_gate = viewer.programme, gate(session, "jury", clock.now())
    return html(
        request,
        "awards/score.html",
        status=status,
        entry=entry,
        own=own,
        outcomes=outcomes_of(session, entry.case.id or 0) if entry.case else [],
        award=actions.award_of(programme, entry.nomination.award),
        names=programme.season["award_parts"],
        rubric=programme.season["jury_rubric"],
        programme=programme,
        gate=found_gate,
        closed=said(found_gate),
        form=form or Form.of({**own.marks, "note": own.note} if own else {}),
        errors=errors,
    )


@get("/staff/jury/{nomination_id:int}", right="staff_jury")
def scoring(request: Request, session: Session, nomination_id: int) -> Response[str]:
    return _score_page(request, session, nomination_id, None, {})


@post("/staff/jury/{nomination_id:int}", right="staff_jury")
def score(request: Request, session: Session, form: Form, nomination_id: int) -> Response:
    entry, errors = check(Score, form)
    if entry is None:
        return _score_page(request, session, nomination_id, form, errors, 422)
    actions.score(
        session,
        nomination_id,
        entry.model_dump(exclude={"note"}),
        note=entry.note,
        by=viewer_of(request).person_id,
        now=clock.now(),
    )
    return go("/staff/jury", mark("Scored. You can change it until the winners are proposed."))


router = Router(
    "/",
    route_handlers=[awards, step, nomination, act, answer, jury, scoring, score],
    guards=[staff],
)
