"""`yuqiao programme check | diff | publish`: the rules as a file."""

import sys
from datetime import date
from pathlib import Path
from typing import Any

from sqlmodel import Session

from certification.sandbox import actions, queries
from certification.sandbox.jobs import tell_holders, work_off
from portal import clock, context
from portal.accounts.models import Person
from portal.accounts.queries import person_by_email
from portal.accounts.rules import StaffRole
from portal.db import transaction
from portal.i18n import speaking
from portal.programme.checking import check as problems_in
from portal.programme.difference import difference, labels
from portal.programme.lines import read
from portal.programme.queries import latest_version, programme_at, programme_by_id, version_called
from portal.refusal import Refused
from portal.rights.rules import staff_rights
from portal.staffing.queries import appointment_in_force

MOST = 200_000


def _text(file: str) -> str | None:
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        print(f"{file}: {error}", file=sys.stderr)
        return None


def _wrong(file: str, text: str) -> bool:
    found = problems_in(text, actions.known())
    for problem in found:
        print(f"{file}: {problem}", file=sys.stderr)
    return bool(found)


def check(file: str) -> int:
    """0 when the file can govern; 1 with a sentence and a line for each thing that is wrong."""
    text = _text(file)
    if text is None or _wrong(file, text):
        return 1
    print(f"{file}: nothing is wrong.")
    return 0


def _shown(value: Any) -> str:
    return "–" if value is None else str(value)


def diff(file: str, against: str = "") -> int:
    """Every value that differs from the version in force, or from the one named; 1 when it can't be read."""
    text = _text(file)
    top = read(text)[0] if text is not None else None
    if text is None or top is None or not isinstance(top.value, dict):
        if text is not None:
            _wrong(file, text)
        return 1
    with transaction(context.sessions(), read_only=True) as session:
        named = version_called(session, against) if against else None
        if against and named is None:
            print(f"No version is called {against}.", file=sys.stderr)
            return 1
        old = programme_by_id(session, named.id or 0) if named else programme_at(session, clock.now())
    new = top.plain()
    with speaking("en"):
        for change in difference(old.content, new):
            words = ", ".join(
                w["en"] if isinstance(w, dict) else w for w in labels(change.path, new, old.content)
            )
            print(
                f"{change.place}: {_shown(change.old)} → {_shown(change.new)}"
                + (f"   ({words})" if words else "")
            )
    return 0


def _staff(session: Session, email: str) -> Person | None:
    """Somebody who may work on the rules; None with a sentence when not."""
    person, now = person_by_email(session, email), clock.now()
    roles = {
        role for role in StaffRole if person and appointment_in_force(session, person.id or 0, role, now)
    }
    if person is None or "staff_programme" not in staff_rights(programme_at(session, now), roles):
        print(f"{email} may not work on the rules.", file=sys.stderr)
        return None
    return person


def publish(file: str, reason: str, effective: str, by: str, second: str) -> int:
    """Checked, tried on everybody, handed in by one and published by another: as in the portal, in one go."""
    text = _text(file)
    if text is None or _wrong(file, text):
        return 1
    try:
        day = date.fromisoformat(effective)
    except ValueError:
        print(f"{effective} is no day such as 2026-12-31.", file=sys.stderr)
        return 1
    if not 10 <= len(reason.strip()) <= 500:
        print("Say why in 10 to 500 characters.", file=sys.stderr)
        return 1
    try:
        return _publish(text, reason.strip(), day, by, second)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 1


def _publish(text: str, reason: str, day: date, by: str, second: str) -> int:
    sessions, now = context.sessions(), clock.now()
    with transaction(sessions) as session:
        author, other = _staff(session, by), _staff(session, second)
        base = latest_version(session)
        if author is None or other is None or base is None:
            return 1
        author_id, second_id = author.id or 0, other.id or 0
        draft = actions.open_draft(session, base, by=author_id, now=now, text=text)
        draft_id = draft.id or 0
        backtest_id = actions.ask_backtest(session, draft, by=author_id, now=now).id or 0
    while work_off(backtest_id, 5):
        with transaction(sessions, read_only=True) as session:
            row = queries.backtest_with(session, backtest_id)
            print(f"{row.done if row else 0} of {row.total if row else 0} organisations tried", flush=True)
    with transaction(sessions) as session:
        draft = session.get_one(type(draft), draft_id)
        actions.hand_in(session, draft, reason, day, by=author_id, now=clock.now())
        version = actions.publish_draft(session, draft, by=second_id, now=clock.now())
        print(f"Version {version.version} is published, in force from {day.isoformat()}.")
    tell_holders.fn(backtest_id)
    return 0
