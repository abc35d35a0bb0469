"""Sanctions: proposed by one, confirmed by another; what works at once lapses by itself. Rows are locked."""

from collections.abc import Callable, Collection
from datetime import datetime

from sqlmodel import Session

from certification.conduct import queries
from certification.conduct.models import Sanction
from certification.conduct.rules import (
    APPEALABLE,
    BACK,
    LAPSE_WD,
    OF_LEVEL,
    SANCTION_MOVES,
    Measure,
    SanctionStatus,
    appeal_until,
    at_once,
    require_fresh,
    require_second,
)
from certification.standing.actions import grant_level, move_level, move_trust
from certification.standing.models import Level
from certification.standing.queries import level_of
from certification.standing.rules import MOVES as LEVEL_MOVES
from certification.standing.rules import Family
from portal import clock
from portal.history.actions import record
from portal.mail.actions import send_mail
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.organisations.rules import TRUST_MOVES
from portal.programme.queries import programme_at
from portal.refusal import Refused, checked_move, mark

SUBJECT = "sanction"
LAPSED = mark("nobody confirmed it within three working days")
REJECTED = mark("a second person did not confirm it")


def propose(
    session: Session,
    organisation: Organisation,
    measure: Measure,
    family: Family | None,
    reason_class: str,
    reason: str,
    *,
    by: int,
    now: datetime,
) -> Sanction:
    """It waits for a second person; a suspension of a class that the programme names works meanwhile.

    The organisation is locked. Refused when the measure is not open now, or waits already.
    """
    family = family if measure in OF_LEVEL else None
    organisation_id = organisation.id or 0
    level = level_of(session, organisation_id, family) if family else None
    _check(organisation, level, measure)
    working = next((m for m, back in BACK.items() if back is measure), None)
    if queries.open_sanction(session, organisation_id, measure, family) or (
        working and queries.open_sanction(session, organisation_id, working, family)
    ):
        raise Refused(mark("A colleague has proposed that already; it waits for a second person."))
    immediate = at_once(measure, reason_class, immediate_classes(session, now))
    sanction = Sanction(
        organisation_id=organisation_id,
        measure=measure,
        family=family,
        stars=level.stars if level else None,
        reason_class=reason_class,
        reason=reason,
        status=SanctionStatus.WORKING if immediate else SanctionStatus.PROPOSED,
        proposed_at=now,
        proposed_by=by,
        lapses_at=clock.add_working_days(now, LAPSE_WD) if immediate else None,
    )
    session.add(sanction)
    session.flush()
    record(
        session,
        "sanction proposed",
        SUBJECT,
        sanction.id,
        by=by,
        now=now,
        after={"measure": measure.value, "class": reason_class, "at_once": immediate},
        reason=reason,
    )
    if immediate:
        _carry_out(session, organisation, sanction, measure, reason, by=by, now=now)
        _tell(session, sanction, "working", now)
    return sanction


def immediate_classes(session: Session, now: datetime) -> list[str]:
    return list(programme_at(session, now)["lifecycle"]["suspension_immediate_for"])


def _check(organisation: Organisation, level: Level | None, measure: Measure) -> None:
    """Refused as the action itself would refuse it."""
    if measure not in OF_LEVEL:
        checked_move(TRUST_MOVES, organisation.trust, measure.value)  # type: ignore[arg-type]
    elif level is None:
        raise Refused(mark("The organisation holds no level of this family."))
    else:
        checked_move(LEVEL_MOVES, level.status, OF_LEVEL[measure])  # type: ignore[arg-type]


def _carry_out(
    session: Session,
    organisation: Organisation,
    sanction: Sanction,
    measure: Measure,
    reason: str,
    *,
    by: int | None,
    now: datetime,
) -> None:
    if measure not in OF_LEVEL:
        move_trust(session, organisation, measure.value, reason, by=by, now=now)
        return
    level = level_of(session, sanction.organisation_id, sanction.family or "", lock=True)
    if level is None:
        raise Refused(mark("The organisation holds no level of this family."))
    move_level(session, level, OF_LEVEL[measure], reason, by=by, now=now)


def _move(
    session: Session,
    sanction: Sanction,
    move: str,
    verb: str,
    *,
    by: int | None,
    now: datetime,
    reason: str = "",
) -> SanctionStatus:
    """What it stood at before."""
    before = sanction.status
    sanction.status = SanctionStatus(checked_move(SANCTION_MOVES, before, move))  # type: ignore[arg-type]
    sanction.revision += 1
    session.add(sanction)
    session.flush()
    record(
        session,
        verb,
        SUBJECT,
        sanction.id,
        by=by,
        now=now,
        before={"status": before.value},
        after={"status": sanction.status.value},
        reason=reason,
    )
    return before


def _tell(session: Session, sanction: Sanction, news: str, now: datetime, reason: str = "") -> None:
    for owner in owners_of(session, sanction.organisation_id):
        send_mail(
            session,
            "conduct/sanction",
            to=owner,
            now=now,
            name=owner.name,
            news=news,
            measure=sanction.measure.value,
            reason=reason or sanction.reason,
            appealable=sanction.measure in APPEALABLE,
            until=sanction.lapses_at,
            path="/my/conduct",
        )


def confirm(
    session: Session, sanction: Sanction, organisation: Organisation, word: str, *, by: int, now: datetime
) -> None:
    """The second person. Both rows are locked."""
    require_second(by, sanction.proposed_by)
    before = _move(session, sanction, "confirm", mark("sanction confirmed"), by=by, now=now, reason=word)
    sanction.decided_at, sanction.decided_by, sanction.word = now, by, word
    if before is SanctionStatus.PROPOSED:
        _carry_out(session, organisation, sanction, sanction.measure, sanction.reason, by=by, now=now)
    _tell(session, sanction, "confirmed", now)


def reject(
    session: Session, sanction: Sanction, organisation: Organisation, word: str, *, by: int, now: datetime
) -> None:
    """What worked at once ends; the proposal is kept."""
    require_second(by, sanction.proposed_by)
    before = _move(session, sanction, "reject", mark("sanction rejected"), by=by, now=now, reason=word)
    sanction.decided_at, sanction.decided_by, sanction.word = now, by, word
    if before is SanctionStatus.WORKING:
        _take_back(session, sanction, organisation, REJECTED, by=by, now=now)
        _tell(session, sanction, "ended", now, REJECTED)


def withdraw(
    session: Session, sanction: Sanction, organisation: Organisation, word: str, *, by: int, now: datetime
) -> None:
    """By whoever proposed it."""
    if by != sanction.proposed_by:
        raise Refused(mark("Only whoever proposed it withdraws it."))
    before = _move(session, sanction, "withdraw", mark("sanction withdrawn"), by=by, now=now, reason=word)
    sanction.decided_at, sanction.decided_by, sanction.word = now, by, word
    if before is SanctionStatus.WORKING:
        _take_back(session, sanction, organisation, word, by=by, now=now)
        _tell(session, sanction, "ended", now, word)


def lapse(session: Session, sanction: Sanction, organisation: Organisation, *, now: datetime) -> None:
    """Nobody confirmed it in time: it ends by itself. Safe to run twice."""
    if sanction.status is not SanctionStatus.WORKING or (sanction.lapses_at and sanction.lapses_at > now):
        return
    _move(session, sanction, "lapse", mark("sanction lapsed"), by=None, now=now, reason=LAPSED)
    sanction.decided_at = now
    _take_back(session, sanction, organisation, LAPSED, by=None, now=now)
    _tell(session, sanction, "ended", now, LAPSED)


def _take_back(
    session: Session,
    sanction: Sanction,
    organisation: Organisation,
    reason: str,
    *,
    by: int | None,
    now: datetime,
) -> None:
    """As far as it still works: what has left or ended meanwhile stays so."""
    back = BACK[sanction.measure]
    level = (
        level_of(session, sanction.organisation_id, sanction.family) if sanction.family is not None else None
    )
    open_now = (
        (level.status, OF_LEVEL[back]) in LEVEL_MOVES
        if level is not None
        else (organisation.trust, back.value) in TRUST_MOVES
    )
    if open_now:
        _carry_out(session, organisation, sanction, back, reason, by=by, now=now)


# ——— Appeals ———


def appeal(session: Session, sanction: Sanction, text: str, *, by: int, now: datetime) -> None:
    terms = programme_at(session, now)["reviews_of_submissions"]["appeal"]
    until = appeal_until(sanction.decided_at, sanction.appealed_at, terms["window_d"])
    if sanction.measure not in APPEALABLE or until is None or now >= until:
        raise Refused(mark("The time to appeal is over, or the appeal has been decided."))
    _move(session, sanction, "appeal", mark("sanction appealed against"), by=by, now=now)
    sanction.appealed_at, sanction.appealed_by, sanction.appeal = now, by, text
    sanction.appeal_until = clock.add_working_days(now, terms["decide_wd"])


def took_part(sanction: Sanction) -> Collection[int | None]:
    return sanction.proposed_by, sanction.decided_by


def keep(
    session: Session, sanction: Sanction, _organisation: Organisation, word: str, *, by: int, now: datetime
) -> None:
    require_fresh(by, took_part(sanction))
    _move(session, sanction, "keep", mark("appeal refused"), by=by, now=now, reason=word)
    _appeal_decided(sanction, word, by, now)
    _tell(session, sanction, "kept", now, word)


def overturn(
    session: Session, sanction: Sanction, organisation: Organisation, word: str, *, by: int, now: datetime
) -> None:
    """A suspension ends; a revoked level is granted again."""
    require_fresh(by, took_part(sanction))
    _move(session, sanction, "overturn", mark("appeal granted"), by=by, now=now, reason=word)
    _appeal_decided(sanction, word, by, now)
    if sanction.measure in BACK:
        _take_back(session, sanction, organisation, word, by=by, now=now)
    elif sanction.family is not None and sanction.stars is not None:
        grant_level(session, sanction.organisation_id, sanction.family, sanction.stars, word, by=by, now=now)
    _tell(session, sanction, "overturned", now, word)


def _appeal_decided(sanction: Sanction, word: str, by: int, now: datetime) -> None:
    sanction.appeal_decided_at, sanction.appeal_decided_by, sanction.appeal_reason = now, by, word


BY_STAFF: dict[str, Callable[..., None]] = {
    "confirm": confirm,
    "reject": reject,
    "withdraw": withdraw,
    "keep": keep,
    "overturn": overturn,
}
