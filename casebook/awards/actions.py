"""Nominate, check, object, score, publish. Whoever moves the round locks it first, then its nominations."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from casebook.awards import queries
from casebook.awards.models import AwardRound, JurorScore, Nomination, Objection
from casebook.awards.queries import Entry
from casebook.awards.rules import (
    MOVES,
    ROUND,
    ROUND_MOVES,
    RUNNING,
    SUBJECT,
    Candidate,
    Condition,
    Inputs,
    Part,
    Round,
    Status,
    award_scores,
    conditions,
    digest_of,
    final,
    in_order,
    juror_points,
    jury_points,
    merit,
    performance,
)
from casebook.cases.models import Case
from casebook.cases.queries import case_of
from casebook.merits.evidence import inputs_of
from portal.history.actions import record
from portal.i18n import local, speaking
from portal.mail.actions import send_mail
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.programme.queries import programme_at
from portal.programme.rules import Programme
from portal.refusal import NotFound, Refused, checked_move, mark
from portal.seasons.actions import ensure_season, require_open
from portal.seasons.models import Season

NOT_MET = mark("Not every condition is met now: the page says which.")
CASE_FELL = mark("What the nomination stood on does not stand any more.")
STAKE = mark("You work or worked for one of them or its group. Somebody else takes this step.")


def award_of(programme: Programme, key: str) -> dict[str, Any]:
    found = next((a for a in programme.season["awards"] if a["key"] == key), None)
    if found is None:
        raise NotFound
    return dict(found)


@dataclass(frozen=True)
class Scored:
    """What a nomination would be worth at that moment."""

    inputs: Inputs
    parts: list[Part]
    performance: float
    merit: float
    conditions: list[Condition]

    @property
    def eligible(self) -> bool:
        return all(c.met for c in self.conditions)


def scored(
    session: Session,
    programme: Programme,
    wanted: Sequence[tuple[str, Organisation, Case | None]],
    now: datetime,
) -> list[Scored]:
    """`wanted`: (award, organisation, case) each; in that order. As many queries for one as for a hundred."""
    season, formula = programme.season, programme["conduct"]["award_formula"]
    found = []
    for (key, _, _), inputs in zip(
        wanted, inputs_of(session, programme, [(o, c) for _, o, c in wanted], now), strict=True
    ):
        award = award_of(programme, key)
        parts = award_scores(inputs, award, season["award_targets"])
        done = performance(parts)
        found.append(
            Scored(
                inputs,
                parts,
                done,
                merit(done, inputs.conduct, award, formula),
                conditions(inputs, award, season["award_gates"]),
            )
        )
    return found


def _move(row: Nomination, move: str) -> None:
    row.status = Status(checked_move(MOVES, row.status, move))  # type: ignore[arg-type]


def _locked(session: Session, nomination_id: int) -> Nomination:
    row = queries.nomination_locked(session, nomination_id)
    if row is None:
        raise NotFound
    return row


def _round(session: Session, season_id: int) -> AwardRound:
    """Locked; made by the first nomination."""
    row = queries.round_of(session, season_id, lock=True)
    if row is None:
        row = AwardRound(season_id=season_id)
        session.add(row)
        session.flush()
    return row


# Owners


def nominate(
    session: Session,
    organisation: Organisation,
    key: str,
    *,
    case_id: int | None = None,
    statement: str = "",
    by: int,
    now: datetime,
) -> Nomination:
    """Once an award and season; after a refusal or withdrawing again."""
    programme = programme_at(session, now)
    award, organisation_id = award_of(programme, key), organisation.id or 0
    require_open(session, "nomination", now=now, organisation_id=organisation_id)
    season = ensure_season(session, now=now)
    if _round(session, season.id or 0).status is not Round.COLLECTING:
        raise Refused(mark("The short list of this season is made; nobody is added to it."))
    case = None
    if award["subject"] == "case":
        case = case_of(session, case_id or 0, organisation_id)
        if case is None:
            raise NotFound
    [worth] = scored(session, programme, [(key, organisation, case)], now)
    if not worth.eligible:
        raise Refused(NOT_MET)
    row = queries.own_nomination(session, season.id or 0, key, organisation_id)
    if row is None:
        row = Nomination(
            season_id=season.id or 0,
            award=key,
            organisation_id=organisation_id,
            nominated_at=now,
            nominated_by=by,
        )
    elif row.status is Status.NOMINATED:
        return row  # a double click
    else:
        _move(row, "nominate")
        row.checked_at, row.checked_by, row.reason = None, None, ""
    row.case_id, row.statement = (case.id if case else None), statement
    row.nominated_at, row.nominated_by = now, by
    session.add(row)
    session.flush()
    _record(session, "nominated for an award", row, by=by, now=now)
    return row


def withdraw(session: Session, row: Nomination, *, reason: str = "", by: int, now: datetime) -> None:
    row = _locked(session, row.id or 0)
    _move(row, "withdraw")
    row.reason, row.place = reason, None
    _record(session, "nomination withdrawn", row, by=by, now=now, reason=reason)


# Staff


def check(session: Session, nomination_id: int, *, accept: bool, reason: str, by: int, now: datetime) -> None:
    """Eligible or not admitted, with a reason; what the programme asks for is looked at again."""
    row = _locked(session, nomination_id)
    organisation = session.get_one(Organisation, row.organisation_id)
    _no_stake(session, by, [row.organisation_id])
    if accept:
        case = session.get(Case, row.case_id) if row.case_id else None
        [worth] = scored(session, programme_at(session, now), [(row.award, organisation, case)], now)
        if not worth.eligible:
            raise Refused(NOT_MET)
    _move(row, "accept" if accept else "refuse")
    row.reason, row.checked_at, row.checked_by = reason, now, by
    verb = "nomination admitted" if accept else "nomination not admitted"
    _record(session, verb, row, by=by, now=now, reason=reason)
    _tell(session, row, now=now)


def _no_stake(session: Session, by: int, organisations: Sequence[int]) -> None:
    if queries.has_stake(session, by, organisations):
        raise Refused(STAKE, status=403)


def drop(session: Session, nomination_id: int, *, reason: str, by: int | None, now: datetime) -> None:
    """Out of the running, or an award revoked, for a reason that everybody concerned reads."""
    row = _locked(session, nomination_id)
    if by is not None:
        _no_stake(session, by, [row.organisation_id])
    won = row.status is Status.WON
    _move(row, "revoke" if won else "drop")
    row.reason, row.decided_at = reason, now
    verb = "award revoked" if won else "nomination out of the running"
    _record(session, verb, row, by=by, now=now, reason=reason)
    _tell(session, row, now=now)


def shortlist(session: Session, season_id: int, *, by: int, now: datetime) -> None:
    """Scores as of now are kept, the best of each award listed; whoever fell below a condition is out."""
    require_open(session, "shortlist", now=now)
    programme, row = programme_at(session, now), _round(session, season_id)
    status = Round(checked_move(ROUND_MOVES, row.status, "shortlist"))  # type: ignore[arg-type]
    entries = [e for e in queries.entries_of(session, season_id) if e.nomination.status in RUNNING]
    if any(e.nomination.status is Status.NOMINATED for e in entries):
        raise Refused(mark("Some nominations are not checked yet."))
    _no_stake(session, by, [e.organisation.id or 0 for e in entries])
    worth = scored(session, programme, [(e.nomination.award, e.organisation, e.case) for e in entries], now)
    by_award: dict[str, list[Candidate]] = {}
    rows = {e.nomination.id or 0: _locked(session, e.nomination.id or 0) for e in entries}
    for e, found in zip(entries, worth, strict=True):
        one = rows[e.nomination.id or 0]
        if not (found.eligible and e.stands):
            drop(session, one.id or 0, reason=NOT_MET if e.stands else CASE_FELL, by=by, now=now)
            continue
        one.parts = [asdict(p) for p in found.parts]
        one.performance, one.conduct = found.performance, round(found.inputs.conduct, 1)
        one.merit, one.total = found.merit, None
        by_award.setdefault(one.award, []).append(
            Candidate(one.id or 0, found.merit, found.merit, one.nominated_at)
        )
    for candidates in by_award.values():
        for place, candidate in enumerate(in_order(candidates), 1):
            one = rows[candidate.nomination_id]
            one.place = place
            _move(one, "shortlist" if place <= programme.season["shortlist_size"] else "lose")
            if one.status is Status.LOST:
                one.place, one.decided_at = None, now
            _tell(session, one, now=now)
    row.status, row.shortlisted_at, row.shortlisted_by = status, now, by
    _round_record(session, "short list published", row, by=by, now=now)


def standing_of(
    programme: Programme, entries: Sequence[Entry], points: dict[int, list[float]]
) -> dict[str, list[tuple[Candidate | None, Entry, float | None]]]:
    """Award → (candidate, or None while the jury is to come; entry; the jury's median), the best first."""
    found: dict[str, list[tuple[Candidate | None, Entry, float | None]]] = {}
    for e in entries:
        one = e.nomination
        if one.status is not Status.SHORTLISTED or one.merit is None or not e.stands:
            continue
        award = award_of(programme, one.award)
        jury = jury_points(points.get(one.id or 0, []), programme.season["jurors"]) if award["jury"] else None
        total = final(one.merit, jury, award)
        candidate = None if total is None else Candidate(one.id or 0, total, one.merit, one.nominated_at)
        found.setdefault(one.award, []).append((candidate, e, jury))
    for rows in found.values():
        place = {c.nomination_id: n for n, c in enumerate(in_order([c for c, _, _ in rows if c]))}
        rows.sort(key=lambda row: place[row[0].nomination_id] if row[0] else len(place))
    return found


def result_of(standing: dict[str, list[tuple[Candidate | None, Entry, float | None]]]) -> str:
    """What a second person confirms."""
    return digest_of([c for key in sorted(standing) for c, _, _ in standing[key] if c])


def propose(session: Session, season_id: int, *, by: int, now: datetime) -> None:
    """When every juror has scored and every objection is answered."""
    require_open(session, "winners", now=now)
    programme, row = programme_at(session, now), _round(session, season_id)
    status = Round(checked_move(ROUND_MOVES, row.status, "propose"))  # type: ignore[arg-type]
    if queries.unanswered(session, season_id):
        raise Refused(mark("Some objections are not answered yet."))
    entries = queries.entries_of(session, season_id)
    standing = standing_of(programme, entries, queries.points_of(session, season_id))
    if any(c is None for rows in standing.values() for c, _, _ in rows):
        raise Refused(mark("The jury has not scored every nomination yet."))
    _no_stake(session, by, [e.organisation.id or 0 for rows in standing.values() for _, e, _ in rows])
    row.status, row.proposed_at, row.proposed_by = status, now, by
    _round_record(session, "winners proposed", row, by=by, now=now)


def give_back(session: Session, season_id: int, *, reason: str, by: int, now: datetime) -> None:
    row = _round(session, season_id)
    row.status = Round(checked_move(ROUND_MOVES, row.status, "return"))  # type: ignore[arg-type]
    row.proposed_at = row.proposed_by = None
    _round_record(session, "proposal of winners sent back", row, by=by, now=now, reason=reason)


def confirm(session: Session, season_id: int, *, seen: str, by: int, now: datetime) -> None:
    """By somebody else than who proposed; exactly what was read (`seen`) is published."""
    require_open(session, "winners", now=now)
    programme, row = programme_at(session, now), _round(session, season_id)
    status = Round(checked_move(ROUND_MOVES, row.status, "confirm"))  # type: ignore[arg-type]
    if row.proposed_by == by:
        raise Refused(mark("Somebody else confirms what you proposed."), status=403)
    entries = queries.entries_of(session, season_id)
    standing = standing_of(programme, entries, queries.points_of(session, season_id))
    if result_of(standing) != seen or any(c is None for rows in standing.values() for c, _, _ in rows):
        raise Refused(mark("The result has changed since you read it. Read it again before you confirm."))
    _no_stake(session, by, [e.organisation.id or 0 for rows in standing.values() for _, e, _ in rows])
    row.status, row.published_at, row.published_by = status, now, by
    for rows in standing.values():
        for place, (candidate, e, jury) in enumerate(rows, 1):
            one = _locked(session, e.nomination.id or 0)
            _move(one, "win" if place == 1 else "lose")
            one.jury, one.total, one.place = jury, candidate.total if candidate else None, place
            one.decided_at = now
            _record(session, "award won" if place == 1 else "award not won", one, by=by, now=now)
            _tell(session, one, now=now)
    _round_record(session, "winners published", row, by=by, now=now)


# The jury


def score(
    session: Session, nomination_id: int, marks: dict[str, int], *, note: str = "", by: int, now: datetime
) -> JurorScore:
    """One juror's marks, 0–10 an item; anew until the winners are proposed. A conflict meets a 404."""
    require_open(session, "jury", now=now)
    programme = programme_at(session, now)
    row = _locked(session, nomination_id)
    jury = [a["key"] for a in programme.season["awards"] if a["jury"]]
    found = queries.for_juror(session, by, jury, nomination_id)
    if not found:
        raise NotFound
    if _round(session, row.season_id).status is not Round.SHORTLISTED:
        raise Refused(mark("The winners are proposed; scores stay as they are."))
    [(_, own)] = found
    if own is None:
        if len(queries.scores_of(session, nomination_id)) >= programme.season["jurors"]:
            raise Refused(mark("Enough jurors have scored this nomination."))
        own = JurorScore(
            nomination_id=nomination_id, juror_id=by, marks=marks, points=0.0, note=note, scored_at=now
        )
    before = own.points if own.id else None
    own.marks, own.points, own.note, own.scored_at = marks, juror_points(marks), note, now
    session.add(own)
    session.flush()
    record(
        session,
        "nomination scored by a juror",
        SUBJECT,
        nomination_id,
        by=by,
        now=now,
        before=None if before is None else {"points": before},
        after={"points": own.points},
    )
    return own


# Objections


def object_to(session: Session, nomination_id: int, text: str, *, by: int, now: datetime) -> Objection:
    """By somebody who is signed in, while the short list hangs out; the same words again are one objection."""
    row = _locked(session, nomination_id)
    if row.status is not Status.SHORTLISTED:
        raise NotFound
    require_open(session, "objection", now=now)
    for earlier in queries.objections_by(session, nomination_id, by):
        if earlier.text == text:
            return earlier
        if earlier.answered_at is None:
            raise Refused(mark("Your objection waits for its answer."))
    objection = Objection(nomination_id=nomination_id, person_id=by, text=text, made_at=now)
    session.add(objection)
    session.flush()
    record(
        session,
        "objection to a nomination",
        SUBJECT,
        nomination_id,
        by=by,
        now=now,
        after={"objection": objection.id},
    )
    return objection


def answer(
    session: Session, objection_id: int, *, upheld: bool, text: str, by: int, now: datetime
) -> Objection:
    """Read by everybody beside the objection; an objection that is right takes the nomination out."""
    objection = queries.objection_locked(session, objection_id)
    if objection is None:
        raise NotFound
    if objection.answered_at is not None:
        raise Refused(mark("It has been answered."))
    row = _locked(session, objection.nomination_id)
    _no_stake(session, by, [row.organisation_id])
    if objection.person_id == by:
        raise Refused(mark("Somebody else answers your own objection."), status=403)
    objection.upheld, objection.answer = upheld, text
    objection.answered_at, objection.answered_by = now, by
    _record(session, "objection answered", row, by=by, now=now, reason=text)
    if upheld and row.status in RUNNING:
        drop(session, row.id or 0, reason=text[:500], by=by, now=now)
    return objection


# What is told


def _record(
    session: Session, verb: str, row: Nomination, *, by: int | None, now: datetime, reason: str = ""
) -> None:
    record(
        session,
        verb,
        SUBJECT,
        row.id,
        by=by,
        now=now,
        organisation_id=row.organisation_id,
        reason=reason,
        after={"award": row.award, "season": row.season_id, "case": row.case_id, "total": row.total},
    )


def _round_record(
    session: Session, verb: str, row: AwardRound, *, by: int, now: datetime, reason: str = ""
) -> None:
    record(session, verb, ROUND, row.id, by=by, now=now, reason=reason, after={"season": row.season_id})


def _tell(session: Session, row: Nomination, *, now: datetime) -> None:
    """The owners, with the points by part once there are any."""
    programme = programme_at(session, now)
    award, names = award_of(programme, row.award), programme.season["award_parts"]
    season = session.get_one(Season, row.season_id)
    for person in owners_of(session, row.organisation_id):
        with speaking(person.language):
            title = local(award)
            parts = [(local(names.get(p["key"], p["key"])), p["points"], p["weight"]) for p in row.parts]
        send_mail(
            session,
            "awards/news",
            to=person,
            now=now,
            name=person.name,
            award=title,
            season=season.code,
            news=row.status.value,
            reason=row.reason,
            parts=parts,
            conduct=row.conduct if award["subject"] == "provider" else None,
            jury=row.jury,
            total=row.total,
            path=f"/my/awards/{row.award}",
        )
