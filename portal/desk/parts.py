"""What features contribute to the home page and the staff desk: plain functions, listed at the front door."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from portal.desk.rules import Fate, Line
from portal.files.models import StoredFile
from portal.web.viewer import Viewer


@dataclass(frozen=True)
class Next:
    """The one thing to do now. Texts are catalogue keys with %(name)s places filled by `values`."""

    title: str
    text: str
    path: str
    button: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Clock:
    """A deadline that runs: when, what happens then, where to act."""

    until: datetime
    text: str
    path: str
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """A section of the home page: a template and its values. `side`: beside the main column."""

    template: str
    values: dict[str, Any]
    side: bool = False


@dataclass(frozen=True)
class DeskLine:
    """A queue on the staff desk: a name (catalogue key), how many wait, where they are."""

    name: str
    count: int
    path: str
    note: str = ""


@dataclass(frozen=True)
class Copies:
    """What a feature adds to an organisation's export: data for JSON by path, and uploaded files by path."""

    data: dict[str, Any]
    files: dict[str, StoredFile] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


@dataclass
class Contributions:
    """Filled once at start. Order is priority: the first `next` that answers is shown."""

    next: list[Callable[[Session, Viewer, datetime], Next | None]] = field(default_factory=list)
    clocks: list[Callable[[Session, Viewer, datetime], list[Clock]]] = field(default_factory=list)
    home: list[Callable[[Session, Viewer, datetime], Part | None]] = field(default_factory=list)
    desk: list[Callable[[Session, Viewer, datetime], list[DeskLine]]] = field(default_factory=list)
    front: list[Callable[[Session, datetime], Part | None]] = field(default_factory=list)
    sweeps: list[Callable[[], None]] = field(default_factory=list)
    level_changed: list[Callable[[Session, int, datetime], None]] = field(
        default_factory=list
    )  # in the same transaction
    # Two organisations become one: what of the first (from, into) goes where, and the doing of it; each tells which
    # rows it moved, by table.
    merge_preview: list[Callable[[Session, int, int], list[Line]]] = field(default_factory=list)
    merge: list[Callable[..., dict[str, list[int]]]] = field(
        default_factory=list
    )  # (session, from, into, by=, now=)
    merged: list[Callable[[Session, int, int, datetime], None]] = field(default_factory=list)  # compute anew
    # An organisation leaves: what ends, and the ending of it (session, organisation, reason, by=, now=).
    leave_preview: list[Callable[[Session, int], list[Line]]] = field(default_factory=list)
    leave: list[Callable[..., None]] = field(default_factory=list)
    export: list[Callable[[Session, int], Copies]] = field(default_factory=list)
    verified: list[Callable[..., None]] = field(default_factory=list)  # (session, organisation_id, by=, now=)


__all__ = ["CONTRIBUTIONS", "Clock", "Contributions", "Copies", "DeskLine", "Fate", "Line", "Next", "Part"]

CONTRIBUTIONS = Contributions()
