"""Write a brief, publish and match it, invite, answer, open contacts, decide, let lapse."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from casebook.briefs import queries
from casebook.briefs.forms import Accept, Decide, Decline, EditBrief
from casebook.briefs.models import Brief, Introduction
from casebook.briefs.rules import (
    ANOTHER_CHOSEN,
    BRIEF_MOVES,
    INTRODUCTION_MOVES,
    LIVE,
    MAY_WIN,
    RUNNING,
    BriefStatus,
    IntroductionStatus,
    answer_hours,
    check_decision,
    completeness,
    reliability,
    segment_of,
    why_not_publish,
)
from casebook.matching.actions import fill_place, make_shortlist
from casebook.matching.queries import shortlisted_ids
from portal import clock
from portal.accounts.models import Person
from portal.history.actions import record
from portal.ledger.actions import write_fact
from portal.ledger.rules import FactKind
from portal.mail.actions import send_mail
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.programme.queries import programme_at
from portal.programme.rules import Programme
from portal.refusal import Refused, checked_move, mark
from portal.review.actions import REVISION
from portal.rights.rules import require

# Writing


def new_brief(session: Session, organisation_id: int, *, once: str, by: int, now: datetime) -> Brief:
    """An empty draft with its number. `once` is unique: the same form sent twice makes one."""
    _require(session, organisation_id, "draft_brief", now)
    brief = Brief(
        number=f"new-{secrets.token_hex(6)}",
        organisation_id=organisation_id,
        once=once,
        created_at=now,
        created_by=by,
        responsible_id=by,
    )
    session.add(brief)
    session.flush()
    brief.number = f"B-{clock.today(now).year}-{brief.id:04d}"
    return brief


def save_brief(
    session: Session,
    brief: Brief,
    entry: EditBrief,
    *,
    systems: list[dict[str, str]],
    blocked: list[int],
    revision: int,
    by: int,
    now: datetime,
) -> None:
    """Only drafts change: what was shown to others stays what it was."""
    _require(session, brief.organisation_id, "draft_brief", now)
    if brief.status is not BriefStatus.DRAFT:
        raise Refused(mark("A published brief stays as it is: providers have read it."))
    _unchanged(brief.revision, revision)
    for name, value in entry.model_dump(exclude={"blocked"}).items():
        setattr(brief, name, value if value is not None or name != "contact_email" else "")
    brief.systems, brief.blocked, brief.segment = systems, blocked, segment_of(entry.scale)
    brief.languages = brief.languages or ["zh"]
    brief.revision += 1
    _record(
        session,
        "brief saved",
        brief,
        by=by,
        now=now,
        after=entry.model_dump(
            mode="json", include={"title", "industry", "must_have", "budget_low", "budget_high"}
        ),
    )


def publish(
    session: Session, brief: Brief, programme: Programme, *, revision: int, by: int, now: datetime
) -> None:
    """Open the brief and make its shortlist at once, in this transaction."""
    _require(session, brief.organisation_id, "brief", now)
    _unchanged(brief.revision, revision)
    matching = programme.matching
    missing = why_not_publish(completeness(brief.model_dump()), matching["brief_completeness_to_publish"])
    if missing:
        raise Refused(missing)
    _move(session, brief, "publish", by=by, now=now)
    brief.opened_at = now
    trusted = reliability(queries.lapsed_briefs(session, brief.organisation_id), matching)
    if trusted >= matching["brand_reliability"]["needs_manual_triage_below"]:  # else staff start the match
        match(session, brief, programme, by=by, now=now)


def match(session: Session, brief: Brief, programme: Programme, *, by: int | None, now: datetime) -> None:
    """Make the shortlist. When nobody qualifies the brief stays open and is tried again another day."""
    shown = make_shortlist(session, brief, programme, now=now)
    if shown:
        brief.due_at = clock.add_working_days(now, programme.matching["clocks"]["brand_decision_wd"])
        _move(session, brief, "shortlist", by=by, now=now, after={"shown": shown, "passed": brief.passed})


# Inviting and answering


def invite(
    session: Session, brief: Brief, organisations: list[int], programme: Programme, *, by: int, now: datetime
) -> int:
    """Offer the brief to providers on its shortlist; how many were. Inviting again changes nothing."""
    _require(session, brief.organisation_id, "brief", now)
    shown = shortlisted_ids(session, brief.id or 0)
    asked = {i.organisation_id for i in queries.introductions_of(session, brief.id or 0)}
    wanted = [i for i in shown if i in set(organisations) and i not in asked]
    if not wanted:
        return 0
    _move(session, brief, "invite", by=by, now=now, after={"invited": len(wanted)})
    for organisation_id in wanted:
        _offer(session, brief, organisation_id, programme, by=by, now=now)
    _wait(brief, programme, now)
    return len(wanted)


def _offer(
    session: Session,
    brief: Brief,
    organisation_id: int,
    programme: Programme,
    *,
    by: int | None,
    now: datetime,
) -> None:
    expires = clock.add_working_hours(now, answer_hours(brief.segment, programme.matching))
    introduction = Introduction(
        brief_id=brief.id or 0, organisation_id=organisation_id, offered_at=now, expires_at=expires
    )
    session.add(introduction)
    session.flush()
    record(
        session,
        "provider invited",
        "introduction",
        introduction.id,
        by=by,
        now=now,
        organisation_id=organisation_id,
        after={"brief": brief.number},
    )
    _tell_provider(session, brief, introduction, "invited", now=now)


def accept(
    session: Session,
    introduction: Introduction,
    brief: Brief,
    entry: Accept,
    programme: Programme,
    *,
    revision: int,
    by: int,
    now: datetime,
) -> None:
    """The provider says yes. Contacts stay closed until the brand says yes too."""
    _require(session, introduction.organisation_id, "invitation", now)
    _unchanged(introduction.revision, revision)
    _refuse_late(introduction, now)
    _step(session, introduction, "accept", by=by, now=now)
    introduction.answered_at, introduction.note, introduction.responsible_id = now, entry.note, by
    introduction.contact_name, introduction.contact_phone = entry.contact_name, entry.contact_phone
    introduction.contact_email = entry.contact_email or ""
    _answered(session, introduction, in_time=True, by=by, now=now)
    _wait(brief, programme, now)
    _tell_brand(session, brief, introduction, "accepted", now=now)


def decline(
    session: Session,
    introduction: Introduction,
    brief: Brief,
    entry: Decline,
    *,
    revision: int,
    by: int,
    now: datetime,
) -> None:
    _unchanged(introduction.revision, revision)
    _refuse_late(introduction, now)
    _step(session, introduction, "decline", by=by, now=now, reason=entry.reason_code)
    introduction.answered_at = introduction.ended_at = now
    introduction.reason_code, introduction.note = entry.reason_code, entry.note
    _answered(session, introduction, in_time=True, by=by, now=now)
    _tell_brand(session, brief, introduction, "declined", now=now)


def expire(session: Session, introduction_id: int, programme: Programme, *, now: datetime) -> None:
    """No answer in time: it counts against the provider, and the next by score is offered the place."""
    brief_id = session.get_one(Introduction, introduction_id).brief_id
    brief = session.get_one(Brief, brief_id, with_for_update=True)  # the brief first, then its introductions
    introduction = session.get_one(Introduction, introduction_id, with_for_update=True)
    if introduction.status is not IntroductionStatus.OFFERED or introduction.expires_at > now:
        return
    _step(session, introduction, "expire", by=None, now=now)
    introduction.ended_at = now
    _answered(session, introduction, in_time=False, by=None, now=now)
    talking = brief.status is BriefStatus.IN_TALKS
    following = fill_place(session, brief, programme, now=now) if talking else None
    if following:
        _offer(session, brief, following, programme, by=None, now=now)
    _tell_brand(session, brief, introduction, "replaced" if following else "expired", now=now)


def _refuse_late(introduction: Introduction, now: datetime) -> None:
    if introduction.status is IntroductionStatus.OFFERED and introduction.expires_at <= now:
        raise Refused(mark("The time to answer has run out. The place goes to the next provider."))


def _answered(
    session: Session, introduction: Introduction, *, in_time: bool, by: int | None, now: datetime
) -> None:
    write_fact(
        session,
        FactKind.RESPONSE,
        organisation_id=introduction.organisation_id,
        by=by,
        now=now,
        source=("introduction", introduction.id),
        brief_id=introduction.brief_id,
        in_time=in_time,
    )


# Talking and deciding


def open_contacts(
    session: Session,
    brief: Brief,
    introduction: Introduction,
    programme: Programme,
    *,
    revision: int,
    by: int,
    now: datetime,
) -> None:
    """The brand says yes too: from now on each side reads the other's contacts."""
    _require(session, brief.organisation_id, "brief", now)
    _unchanged(introduction.revision, revision)
    _step(session, introduction, "open_contacts", by=by, now=now)
    introduction.opened_at = now
    _wait(brief, programme, now)
    _tell_provider(session, brief, introduction, "opened", now=now)


def note_meeting(
    session: Session,
    brief: Brief,
    introduction: Introduction,
    programme: Programme,
    *,
    revision: int,
    by: int,
    now: datetime,
) -> None:
    _unchanged(introduction.revision, revision)
    _step(session, introduction, "meet", by=by, now=now)
    introduction.met_at = now
    _wait(brief, programme, now)


def note_proposal(
    session: Session,
    brief: Brief,
    introduction: Introduction,
    programme: Programme,
    *,
    revision: int,
    by: int,
    now: datetime,
) -> None:
    _unchanged(introduction.revision, revision)
    _step(session, introduction, "propose", by=by, now=now)
    introduction.proposed_at = now
    _wait(brief, programme, now)
    _tell_brand(session, brief, introduction, "proposed", now=now)


def decide(
    session: Session,
    brief: Brief,
    entry: Decide,
    programme: Programme,
    *,
    revision: int,
    by: int,
    now: datetime,
) -> None:
    """One is chosen or nobody, with a coded reason and words. Whoever was in it learns why."""
    _unchanged(brief.revision, revision)
    check_decision(entry.chosen, entry.reason_code, programme.matching)
    introductions = queries.introductions_of(session, brief.id or 0)
    winner = next((i for i in introductions if str(i.id) == entry.chosen and i.status in MAY_WIN), None)
    if entry.chosen != "none" and winner is None:
        raise Refused(mark("Only a provider whose contacts are open to you can be chosen."), status=422)
    _move(
        session,
        brief,
        "choose" if winner else "choose_none",
        by=by,
        now=now,
        reason=entry.reason,
        after={"reason": entry.reason_code},
    )
    brief.decided_at, brief.due_at = now, None
    brief.reason_code, brief.reason = entry.reason_code, entry.reason
    if winner:
        brief.winner_id = winner.organisation_id
        _step(session, winner, "win", by=by, now=now)
        winner.ended_at = now
        _tell_provider(session, brief, winner, "won", now=now)
    _end_talks(session, brief, introductions, ANOTHER_CHOSEN if winner else entry.reason_code, by=by, now=now)


def withdraw(session: Session, brief: Brief, *, revision: int, by: int, now: datetime) -> None:
    """Taken back; whoever was invited is told."""
    _unchanged(brief.revision, revision)
    _move(session, brief, "withdraw", by=by, now=now)
    brief.due_at, brief.closed_at = None, now
    _end_talks(session, brief, queries.introductions_of(session, brief.id or 0), "postponed", by=by, now=now)


def start_delivery(session: Session, brief: Brief, *, revision: int, by: int, now: datetime) -> None:
    _unchanged(brief.revision, revision)
    if brief.winner_id is None:
        raise Refused(mark("Nobody was chosen: there is nothing to deliver."))
    _move(session, brief, "start", by=by, now=now)


def close(session: Session, brief: Brief, outcome: str, *, revision: int, by: int, now: datetime) -> None:
    """No brief ends without an outcome in words."""
    _unchanged(brief.revision, revision)
    _move(session, brief, "close", by=by, now=now, reason=outcome)
    brief.outcome, brief.closed_at = outcome, now


def lapse(session: Session, brief_id: int, *, now: datetime) -> None:
    """The brand let its time run out: its list no longer holds, places are free, its reliability falls."""
    brief = session.get_one(Brief, brief_id, with_for_update=True)
    if brief.status not in LIVE or brief.due_at is None or brief.due_at > now:
        return
    _move(session, brief, "lapse", by=None, now=now)
    brief.due_at, brief.closed_at = None, now
    _end_talks(session, brief, queries.introductions_of(session, brief_id), "no-answer", by=None, now=now)
    _tell_brand(session, brief, None, "lapsed", now=now)


def match_again(
    session: Session, brief_id: int, programme: Programme, *, before: datetime, now: datetime
) -> None:
    """Look again for a brief that nobody qualified for the last time."""
    brief = session.get_one(Brief, brief_id, with_for_update=True)
    if brief.status is BriefStatus.OPEN and brief.matched_at is not None and brief.matched_at < before:
        match(session, brief, programme, by=None, now=now)


def _end_talks(
    session: Session,
    brief: Brief,
    introductions: list[Introduction],
    reason: str,
    *,
    by: int | None,
    now: datetime,
) -> None:
    for introduction in introductions:
        if introduction.status not in RUNNING:
            continue
        _step(session, introduction, "lose", by=by, now=now, reason=reason)
        introduction.reason_code, introduction.ended_at = reason, now
        _tell_provider(session, brief, introduction, "lost", now=now)


# Handing over


def give_brief(session: Session, brief_id: int, person_id: int, *, by: int | None, now: datetime) -> None:
    """To a colleague who answers for it from now on."""
    brief = session.get_one(Brief, brief_id)
    before, brief.responsible_id = brief.responsible_id, person_id
    _record(
        session,
        "brief handed over",
        brief,
        by=by,
        now=now,
        before={"person": before},
        after={"person": person_id},
    )


def give_introduction(
    session: Session, introduction_id: int, person_id: int, *, by: int | None, now: datetime
) -> None:
    introduction = session.get_one(Introduction, introduction_id)
    before, introduction.responsible_id = introduction.responsible_id, person_id
    record(
        session,
        "introduction handed over",
        "introduction",
        introduction_id,
        by=by,
        now=now,
        organisation_id=introduction.organisation_id,
        before={"person": before},
        after={"person": person_id},
    )


def end_all_of(session: Session, organisation_id: int, reason: str, *, by: int, now: datetime) -> None:
    """The organisation leaves the programme: its briefs and introductions end by their own tables of moves."""
    for brief in queries.briefs_that_run(session, organisation_id):
        if (brief.status, "withdraw") in BRIEF_MOVES:
            withdraw(session, brief, revision=brief.revision, by=by, now=now)
        else:
            close(session, brief, reason, revision=brief.revision, by=by, now=now)
    for introduction, brief in queries.introductions_that_run(session, organisation_id):
        offered = introduction.status is IntroductionStatus.OFFERED
        _step(session, introduction, "decline" if offered else "lose", by=by, now=now, reason="other")
        introduction.reason_code, introduction.ended_at = "other", now
        if offered:
            introduction.answered_at = now
            _answered(session, introduction, in_time=True, by=by, now=now)
        _tell_brand(session, brief, introduction, "declined", now=now)


# Small steps


def _require(session: Session, organisation_id: int, right: str, now: datetime) -> None:
    require(programme_at(session, now), session.get_one(Organisation, organisation_id), right)


def _unchanged(now_is: int, was: int) -> None:
    if now_is != was:
        raise Refused(REVISION)


def _wait(brief: Brief, programme: Programme, now: datetime) -> None:
    """Something happened: the brand has its time anew before the brief lapses."""
    brief.due_at = now + timedelta(days=programme.matching["clocks"]["stale_after_d"])


def _move(
    session: Session,
    brief: Brief,
    move: str,
    *,
    by: int | None,
    now: datetime,
    reason: str = "",
    after: Mapping[str, Any] | None = None,
) -> None:
    before = brief.status
    brief.status = BriefStatus(checked_move(BRIEF_MOVES, before, move))  # type: ignore[arg-type]
    brief.revision += 1
    _record(
        session,
        f"brief: {move.replace('_', ' ')}",
        brief,
        by=by,
        now=now,
        reason=reason,
        before={"status": before.value},
        after={"status": brief.status.value, **(after or {})},
    )


def _step(
    session: Session,
    introduction: Introduction,
    move: str,
    *,
    by: int | None,
    now: datetime,
    reason: str = "",
) -> None:
    before = introduction.status
    after = IntroductionStatus(checked_move(INTRODUCTION_MOVES, before, move))  # type: ignore[arg-type]
    introduction.status = after
    introduction.revision += 1
    record(
        session,
        f"introduction: {move.replace('_', ' ')}",
        "introduction",
        introduction.id,
        by=by,
        now=now,
        organisation_id=introduction.organisation_id,
        before={"status": before.value},
        after={"status": after.value} | ({"reason": reason} if reason else {}),
    )


def _record(session: Session, verb: str, brief: Brief, *, by: int | None, now: datetime, **more: Any) -> None:
    record(session, verb, "brief", brief.id, by=by, now=now, organisation_id=brief.organisation_id, **more)


def _tell_brand(
    session: Session, brief: Brief, introduction: Introduction | None, what: str, *, now: datetime
) -> None:
    author = session.get_one(Person, brief.responsible_id or brief.created_by)
    provider = session.get_one(Organisation, introduction.organisation_id).short_name if introduction else ""
    send_mail(
        session,
        "briefs/brand",
        to=author,
        now=now,
        name=author.name,
        number=brief.number,
        title=brief.title,
        provider=provider,
        what=what,
        path=f"/my/briefs/{brief.number}",
    )


def _tell_provider(
    session: Session, brief: Brief, introduction: Introduction, what: str, *, now: datetime
) -> None:
    for owner in owners_of(session, introduction.organisation_id):
        send_mail(
            session,
            "briefs/provider",
            to=owner,
            now=now,
            name=owner.name,
            number=brief.number,
            title=brief.title,
            what=what,
            until=introduction.expires_at,
            path=f"/my/invitations/{introduction.id}",
        )
