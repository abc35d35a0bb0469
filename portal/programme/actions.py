"""Load the programme file; put a version in force."""

from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from sqlmodel import Session

from portal.history.actions import record
from portal.programme.models import ProgrammeVersion
from portal.programme.queries import latest_version, version_called
from portal.programme.rules import stringed
from portal.refusal import Refused, mark

DEFAULT = Path(__file__).parent / "default.yaml"


def load_default(session: Session, *, now: datetime, effective_from: datetime) -> bool:
    """Put the default programme in force; True when it is the first.

    A newer default follows an older one from `now` on; a programme that people published is left alone.
    """
    text = DEFAULT.read_text(encoding="utf-8")
    latest = latest_version(session)
    if latest is None:
        _publish(session, text, effective_from, "default programme", now=now)
        return True
    if latest.published_by is None:
        content = stringed(yaml.safe_load(text))
        if latest.version != content["version"]:
            _publish(session, text, now, "default programme", now=now)
    return False


def publish(
    session: Session,
    text: str,
    effective_from: datetime,
    reason: str,
    *,
    by: int,
    second: int,
    now: datetime,
) -> ProgrammeVersion:
    """A version that people made: `by` handed it in, `second` agreed. The text was checked before.

    Refused when the two are one, when its name is taken, or when it would come into force before the latest version.
    """
    if by == second:
        raise Refused(mark("A second person publishes: nobody who wrote in this draft or handed it in."))
    if version_called(session, stringed(yaml.safe_load(text))["version"]):
        raise Refused(mark("A version of this name has been published; choose another in the first line."))
    latest = latest_version(session, lock=True)
    if latest and effective_from < latest.effective_from:
        raise Refused(mark("The latest version comes into force after that day; choose a later one."))
    return _publish(session, text, effective_from, reason, by=by, second=second, now=now)


def _publish(
    session: Session,
    text: str,
    effective_from: datetime,
    reason: str,
    *,
    by: int | None = None,
    second: int | None = None,
    now: datetime,
) -> ProgrammeVersion:
    content: dict[str, Any] = stringed(yaml.safe_load(text))
    version = ProgrammeVersion(
        version=content["version"],
        effective_from=effective_from,
        published_at=now,
        published_by=by,
        second_by=second,
        reason=reason,
        text=text,
        content=content,
    )
    session.add(version)
    session.flush()
    record(
        session,
        "programme published",
        "programme",
        version.id,
        by=second,
        now=now,
        after={
            "version": version.version,
            "effective_from": effective_from.isoformat(),
            **({"handed_in_by": by} if by else {}),
        },
        reason=reason if by else "",
    )
    return version
