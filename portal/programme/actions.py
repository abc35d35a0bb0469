"""Load the programme file."""

from datetime import datetime
from pathlib import Path

import yaml
from sqlmodel import Session

from portal.history.actions import record
from portal.programme.models import ProgrammeVersion
from portal.programme.queries import programme_loaded
from portal.programme.rules import stringed

DEFAULT = Path(__file__).parent / "default.yaml"


def load_default(session: Session, *, now: datetime, effective_from: datetime) -> bool:
    """Put the default programme in force when there is none yet; False when there was one."""
    if programme_loaded(session):
        return False
    content = stringed(yaml.safe_load(DEFAULT.read_text(encoding="utf-8")))
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
    return True
