"""Load the programme file."""

from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from sqlmodel import Session

from portal.history.actions import record
from portal.programme.models import ProgrammeVersion
from portal.programme.queries import latest_version
from portal.programme.rules import stringed

DEFAULT = Path(__file__).parent / "default.yaml"


def load_default(session: Session, *, now: datetime, effective_from: datetime) -> bool:
    """Put the default programme in force; True when it is the first.

    A newer default follows an older one from `now` on; a programme that people published is left alone.
    """
    content = stringed(yaml.safe_load(DEFAULT.read_text(encoding="utf-8")))
    latest = latest_version(session)
    if latest is None:
        _publish(session, content, effective_from, now=now)
        return True
    if latest.published_by is None and latest.version != content["version"]:
        _publish(session, content, now, now=now)
    return False


def _publish(session: Session, content: dict[str, Any], effective_from: datetime, *, now: datetime) -> None:
    version = ProgrammeVersion(
        version=content["version"],
        effective_from=effective_from,
        published_at=now,
        reason="default programme",
        content=content,
    )
    session.add(version)
    session.flush()
    record(
        session,
        "programme published",
        "programme",
        version.id,
        by=None,
        now=now,
        after={"version": version.version},
    )
