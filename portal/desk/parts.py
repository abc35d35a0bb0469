"""What features contribute to the home page and the staff desk: plain functions, listed at the front door."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from portal.desk.rules import Fate, Line
from portal.files.models import StoredFile
from portal.ledger.rules import FactKind
from portal.privacy.rules import Area
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
class OpenThing:
    """Something unfinished that one person answers for: whoever takes it over must hold `right` by their roles."""

    subject_id: int
    title: str
    path: str
    right: str
    responsible_id: int | None


@dataclass(frozen=True)
class Handing:
    """How the open things of a kind are found and change hands. `name` is a catalogue key."""

    kind: str
    name: str
    of_person: Callable[[Session, int, int], list[OpenThing]]  # organisation, person
    one: Callable[
        [Session, int, int], OpenThing | None
    ]  # organisation, subject; locked; None: not theirs, or over
    give: Callable[..., None]  # session, subject, person, by=, now=


@dataclass(frozen=True)
class Certificate:
    """One that a person holds, for a public page and for the list of consents."""

    uuid: str
    title: dict[str, str]
    state: str  # a word of `certification.credentials.rules.reads_as`
    valid_until: datetime
    name_shown: bool  # strangers read the whole name on the certificate itself


@dataclass(frozen=True)
class Copies:
    """What a feature adds to an organisation's export: data for JSON by path, and uploaded files by path."""

    data: dict[str, Any]
    files: dict[str, StoredFile] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Possible:
    """A fact that may come to be recorded of an organisation: so one can ask what it would change."""

    key: str
    text: str  # catalogue key, with %(name)s places filled by `values`
    values: dict[str, Any]
    kind: FactKind
    value: dict[str, Any]


@dataclass
class Contributions:
    """Filled once at start. Order is priority: the first `next` that answers is shown."""

    next: list[Callable[[Session, Viewer, datetime], Next | None]] = field(default_factory=list)
    clocks: list[Callable[[Session, Viewer, datetime], list[Clock]]] = field(default_factory=list)
    home: list[Callable[[Session, Viewer, datetime], Part | None]] = field(default_factory=list)
    desk: list[Callable[[Session, Viewer, datetime], list[DeskLine]]] = field(default_factory=list)
    front: list[Callable[[Session, datetime], Part | None]] = field(default_factory=list)
    season: list[Callable[[Session, datetime], Part | None]] = field(default_factory=list)
    sweeps: list[Callable[[], None]] = field(default_factory=list)
    level_changed: list[Callable[[Session, int, datetime], None]] = field(
        default_factory=list
    )  # in the same transaction, as are the next four
    stars_changed: list[Callable[[Session, int, datetime], None]] = field(
        default_factory=list
    )  # the stars of an organisation, or whether it takes part
    person_joined: list[Callable[[Session, int, datetime], None]] = field(default_factory=list)
    person_left: list[Callable[[Session, int, datetime], None]] = field(default_factory=list)
    client_confirmed: list[Callable[[Session, int, int, datetime], None]] = field(
        default_factory=list
    )  # organisation, departure: a client hired somebody
    handings: dict[str, Handing] = field(default_factory=dict)
    departure: list[Callable[[Session, Viewer, int, datetime], Part | None]] = field(
        default_factory=list
    )  # parts of the page about a person who left

    possible: list[Callable[[Session, int], list[Possible]]] = field(default_factory=list)
    certificates: list[Callable[[Session, int, datetime], list[Certificate]]] = field(default_factory=list)
    personal: list[Area] = field(default_factory=list)  # what is held of people, later packages first
    why_not_erase: list[Callable[[Session, int], str | None]] = field(default_factory=list)  # catalogue keys
    before_erasure: list[Callable[[Session, int, bool, datetime], None]] = field(
        default_factory=list
    )  # (person, revoke their certificates)
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


__all__ = [
    "CONTRIBUTIONS",
    "Area",
    "Certificate",
    "Clock",
    "Contributions",
    "Copies",
    "DeskLine",
    "Fate",
    "Handing",
    "Line",
    "Next",
    "OpenThing",
    "Part",
]

CONTRIBUTIONS = Contributions()
