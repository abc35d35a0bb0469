"""Write a draft, have it tried on everybody, publish it; tell the holders what changes for them."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

import yaml
from sqlmodel import Session, col, delete

from certification.sandbox import queries
from certification.sandbox.computing import Computed
from certification.sandbox.models import Backtest, BacktestLine, ProgrammeDraft
from certification.sandbox.rules import (
    MOVES,
    BacktestStatus,
    DraftStatus,
    Outcome,
    counted,
    digest_of,
    effective_from,
    gini,
    known_of,
)
from certification.standing.actions import look_at_all
from certification.standing.movement import grace_of
from certification.standing.rules import SCORE, evaluate
from portal import clock
from portal.history.actions import record
from portal.ledger.queries import facts_of_many
from portal.ledger.rules import FactRow
from portal.mail.actions import send_mail
from portal.organisations.queries import owners_of
from portal.programme.actions import DEFAULT, publish
from portal.programme.checking import Known, check
from portal.programme.lines import Problem, read, replaced
from portal.programme.models import ProgrammeVersion
from portal.programme.queries import programme_at, version_called
from portal.refusal import Refused, checked_move, mark

NOT_SOUND = mark("The draft still has something to change; the sentences with their lines stand on its page.")
NOT_TRIED = mark("First run the back-test of exactly this text, to its end.")
STALE = mark("Somebody else has changed this draft since you opened it. Nothing was saved.")


def known() -> Known:
    """What this release reads: its own programme file names every right that is asked for."""
    return known_of(read(DEFAULT.read_text(encoding="utf-8"))[0].plain()["rights"])  # type: ignore[union-attr]


def problems_of(session: Session, draft: ProgrammeDraft) -> list[Problem]:
    """What keeps the draft from being published, the name of a version that is taken among it."""
    found = check(draft.text, known())
    top, _ = read(draft.text)
    name = top.at(("version",)) if top else None
    taken = version_called(session, str(name.value)) if name else None
    if name and taken and taken.id != draft.version_id:
        message = mark("The version “%(name)s” has been published; choose another name.")
        found.insert(0, Problem(name.line, ("version",), message, {"name": str(name.value)}))
    return found


def text_of(version: ProgrammeVersion) -> str:
    """The file of a version; written out from its content when it was published without one."""
    return version.text or yaml.safe_dump(version.content, allow_unicode=True, sort_keys=False, width=200)


def open_draft(
    session: Session, base: ProgrammeVersion, *, by: int, now: datetime, text: str = ""
) -> ProgrammeDraft:
    """Begun from a version, under the next free name."""
    draft = ProgrammeDraft(
        base_id=base.id or 0,
        text=text or _renamed(session, base),
        opened_by=by,
        opened_at=now,
        saved_at=now,
    )
    session.add(draft)
    session.flush()
    record(
        session,
        "draft of rules opened",
        "programme_draft",
        draft.id,
        by=by,
        now=now,
        after={"from": base.version},
    )
    return draft


def _renamed(session: Session, base: ProgrammeVersion) -> str:
    text = text_of(base)
    top, _ = read(text)
    head, _, last = base.version.rpartition(".")
    number = int(last) if last.isdigit() else 1
    stem = head if last.isdigit() else base.version
    while version_called(session, name := f"{stem}.{number}" if stem else str(number)):
        number += 1
    return replaced(text, top, {("version",): f'"{name}"'}) if top else text


def save_text(
    session: Session, draft: ProgrammeDraft, text: str, *, revision: int, by: int, now: datetime
) -> None:
    """As typed, right or wrong: what is wrong is said, and kept from being published. The draft is locked."""
    if draft.status is not DraftStatus.DRAFT:
        checked_move(MOVES, draft.status, "submit")
    if draft.revision != revision:
        raise Refused(STALE)
    if text == draft.text:
        return
    before, draft.text = digest_of(draft.text), text
    draft.revision += 1
    draft.saved_at = now
    record(
        session,
        "draft of rules saved",
        "programme_draft",
        draft.id,
        by=by,
        now=now,
        before={"digest": before},
        after={"digest": digest_of(text), "revision": draft.revision},
    )


def _move(draft: ProgrammeDraft, move: str) -> str:
    before = draft.status.value
    draft.status = DraftStatus(checked_move(MOVES, draft.status, move))
    draft.revision += 1
    return before


def _sound(session: Session, draft: ProgrammeDraft) -> Backtest:
    """The finished back-test of exactly this text. Refused while there is none, or something is wrong."""
    if problems_of(session, draft):
        raise Refused(NOT_SOUND)
    backtest = queries.latest_backtest(session, draft.id or 0)
    if (
        backtest is None
        or backtest.status is not BacktestStatus.DONE
        or backtest.digest != digest_of(draft.text)
    ):
        raise Refused(NOT_TRIED)
    return backtest


def hand_in(
    session: Session, draft: ProgrammeDraft, reason: str, effective_on: date, *, by: int, now: datetime
) -> None:
    """For a second person to read. The draft is locked."""
    checked_move(MOVES, draft.status, "submit")
    _sound(session, draft)
    _day_allowed(effective_on, now)
    before = _move(draft, "submit")
    draft.reason, draft.effective_on, draft.submitted_by = reason, effective_on, by
    record(
        session,
        "draft of rules handed in",
        "programme_draft",
        draft.id,
        by=by,
        now=now,
        before={"status": before},
        after={"status": draft.status.value, "effective_on": effective_on.isoformat()},
        reason=reason,
    )


def _day_allowed(day: date, now: datetime) -> None:
    if day < clock.today(now):
        raise Refused(mark("Rules never reach back: the day must be today or later."))


def take_back(session: Session, draft: ProgrammeDraft, *, by: int, now: datetime) -> None:
    """Nobody published it yet: it can be written in again."""
    before = _move(draft, "take_back")
    record(
        session,
        "draft of rules taken back",
        "programme_draft",
        draft.id,
        by=by,
        now=now,
        before={"status": before},
        after={"status": draft.status.value},
    )


def withdraw(session: Session, draft: ProgrammeDraft, reason: str, *, by: int, now: datetime) -> None:
    """It ends; its text stays readable."""
    before = _move(draft, "withdraw")
    draft.decided_by, draft.decided_at = by, now
    record(
        session,
        "draft of rules withdrawn",
        "programme_draft",
        draft.id,
        by=by,
        now=now,
        before={"status": before},
        after={"status": draft.status.value},
        reason=reason,
    )


def publish_draft(session: Session, draft: ProgrammeDraft, *, by: int, now: datetime) -> ProgrammeVersion:
    """The second person agrees: the version, its history, every level to be computed anew. The draft is locked."""
    checked_move(MOVES, draft.status, "publish")
    if by in queries.authors_of(session, draft.id or 0):
        raise Refused(mark("A second person publishes: nobody who wrote in this draft or handed it in."))
    backtest = _sound(session, draft)
    day = draft.effective_on or clock.today(now)
    _day_allowed(day, now)
    version = publish(
        session,
        draft.text,
        effective_from(day, now),
        draft.reason,
        by=draft.submitted_by or draft.opened_by,
        second=by,
        now=now,
    )
    before = _move(draft, "publish")
    draft.version_id, draft.decided_by, draft.decided_at = version.id, by, now
    record(
        session,
        "draft of rules published",
        "programme_draft",
        draft.id,
        by=by,
        now=now,
        before={"status": before},
        after={"status": draft.status.value, "version": version.version, "backtest": backtest.id},
        reason=draft.reason,
    )
    look_at_all(session, now)
    return version


# ——— The back-test ———


def ask_backtest(session: Session, draft: ProgrammeDraft, *, by: int, now: datetime) -> Backtest:
    """Of the text as it stands now; earlier ones of this draft end. The draft is locked."""
    if draft.status is not DraftStatus.DRAFT:
        checked_move(MOVES, draft.status, "submit")
    top, _ = read(draft.text)
    if top is None or problems_of(session, draft):
        raise Refused(NOT_SOUND)
    latest = queries.latest_backtest(session, draft.id or 0)
    if latest and latest.status is BacktestStatus.RUNNING and latest.digest == digest_of(draft.text):
        return latest
    for earlier in queries.backtests_of(session, draft.id or 0):
        earlier.status = BacktestStatus.STOPPED
        session.exec(delete(BacktestLine).where(col(BacktestLine.backtest_id) == earlier.id))
    backtest = Backtest(
        draft_id=draft.id or 0,
        digest=digest_of(draft.text),
        content=top.plain(),
        version_id=programme_at(session, now).id,
        at=now,
        asked_by=by,
        touched_at=now,
        total=queries.how_many_providers(session),
    )
    session.add(backtest)
    session.flush()
    record(
        session,
        "back-test asked for",
        "programme_draft",
        draft.id,
        by=by,
        now=now,
        after={"backtest": backtest.id, "organisations": backtest.total},
    )
    return backtest


def keep_chunk(session: Session, backtest_id: int, chunk: Computed, *, now: datetime) -> bool:
    """Write what was computed, once: False when somebody else did, or it was stopped. The last chunk sums up."""
    backtest = queries.backtest_with(session, backtest_id, lock=True)
    if backtest is None or backtest.status is not BacktestStatus.RUNNING or backtest.last_id != chunk.after:
        return False
    session.add_all(chunk.lines)
    result = counted(_copied(backtest.result), chunk.counted)
    result["levels"] = result.get("levels", 0) + chunk.levels
    result["differ"] = [*result.get("differ", []), *chunk.differ][:100]
    result["waiting"] = result.get("waiting", 0) + chunk.waiting
    backtest.done += chunk.organisations
    backtest.last_id = chunk.last or backtest.last_id
    backtest.touched_at = now
    if chunk.organisations == 0:
        session.flush()
        result["gini"] = gini(queries.differences(session, backtest_id))
        backtest.status, backtest.finished_at, backtest.total = BacktestStatus.DONE, now, backtest.done
        record(
            session,
            "back-test finished",
            "programme_draft",
            backtest.draft_id,
            by=None,
            now=now,
            after={"backtest": backtest_id, "organisations": backtest.done},
        )
    backtest.result = result
    return True


def _copied(value: Any) -> Any:
    """A column of JSON is assigned anew, never changed in place."""
    return {key: _copied(v) for key, v in value.items()} if isinstance(value, dict) else value


# ——— Letters ———


def tell_some(session: Session, backtest_id: int, *, now: datetime) -> bool:
    """The next holders read what changes for them; True while there are more."""
    backtest = queries.backtest_with(session, backtest_id, lock=True)
    draft = queries.draft_with(session, backtest.draft_id) if backtest else None
    if backtest is None or draft is None or draft.version_id is None or backtest.told_at:
        return False
    version = session.get_one(ProgrammeVersion, draft.version_id)
    lines = queries.holders_after(session, backtest_id, backtest.told_id)
    facts = facts_of_many(session, sorted({line.organisation_id for line in lines})) if lines else {}
    for line in lines:
        _tell(session, version, line, facts[line.organisation_id], now)
        backtest.told_id = line.id or 0
    if not lines:
        backtest.told_at = now
    return bool(lines)


def _tell(
    session: Session, version: ProgrammeVersion, line: BacktestLine, facts: Sequence[FactRow], now: datetime
) -> None:
    rules = version.content
    kept = timedelta(days=int(programme_at(session, now)["lifecycle"]["rule_change_grandfather_d"]))
    judged_from = version.effective_from + kept
    tree = evaluate(facts, line.family, line.held, now, rules)
    names = rules["metrics"]["names"] | rules["metrics"]["gates"] | {SCORE: rules["metrics"]["score"]}
    failing = sorted(tree.failing())
    graces = [grace_of(tree, key, rules) for key in failing]
    today = line.moments[-1]["after"]
    rises = today[1] if line.after is Outcome.RISE else 0
    for owner in owners_of(session, line.organisation_id):
        send_mail(
            session,
            "programme/changed",
            to=owner,
            now=now,
            name=owner.name,
            version=version.version,
            reason=version.reason,
            effective=version.effective_from,
            judged_from=judged_from,
            family=rules["families"][line.family.value],
            stars=line.held,
            rises=rises if not failing else 0,
            missing=[names[key] for key in failing],
            falls=judged_from + min(graces) if graces else None,
            path=f"/rules/versions/{version.id}/changes",
        )
