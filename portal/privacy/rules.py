"""What is held of people and why, who sees it, how long, and what an erasure does with it: one table of data.

The catalogue that everybody reads, the export and the erasure are all made from it; a test holds every column of
every table that names a person to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from portal.refusal import mark

WAIT = timedelta(days=7)  # before an erasure
KEPT_FOR = timedelta(days=7)  # an export
ADDRESS = "erased.invalid"


class Basis(StrEnum):
    """Personal Information Protection Law of the People's Republic of China, article 13, first paragraph."""

    CONSENT = "consent"
    CONTRACT = "contract"
    DUTY = "duty"


BASES = {
    Basis.CONSENT: mark("your consent (PIPL article 13, item 1)"),
    Basis.CONTRACT: mark("needed for the service you asked for (PIPL article 13, item 2)"),
    Basis.DUTY: mark("needed to meet legal duties, such as keeping a record (PIPL article 13, item 3)"),
}


class Seen(StrEnum):
    SELF = "self"
    TEAM = "team"
    STAFF = "staff"
    PUBLIC = "public"
    NOBODY = "nobody"


SEEN_BY = {
    Seen.SELF: mark("you alone"),
    Seen.TEAM: mark("you and those who keep your organisation's team"),
    Seen.STAFF: mark("you, those concerned in your organisation, and staff who need it for their work"),
    Seen.PUBLIC: mark("everybody, as far as you agreed"),
    Seen.NOBODY: mark("nobody: the portal compares it"),
}


class Lasts(StrEnum):
    ACCOUNT = "account"
    DAYS = "days"
    HALF_YEAR = "half_year"
    WITHDRAWN = "withdrawn"
    RECORD = "record"


KEPT = {
    Lasts.ACCOUNT: mark("as long as the account"),
    Lasts.DAYS: mark("days to weeks, until it has run out"),
    Lasts.HALF_YEAR: mark("half a year after it was read"),
    Lasts.WITHDRAWN: mark("until you change or remove it"),
    Lasts.RECORD: mark("with the record of the programme, without your name once the account is erased"),
}


class Fate(StrEnum):
    """What an erasure does with the rows that are the person's."""

    REMOVE = "remove"
    EMPTY = "empty"  # the row stays without what is personal in it
    KEEP = "keep"  # the row stays; it leads to a person without a name


FATES = {
    Fate.REMOVE: mark("removed"),
    Fate.EMPTY: mark("emptied of what is personal; the row stays"),
    Fate.KEEP: mark("kept, without your name"),
}


@dataclass(frozen=True)
class Area:
    """One table. Columns that are only numbers of rows (keys) need no words."""

    table: str
    name: str  # catalogue key, as `purpose`, `why` and the values of `holds`
    purpose: str
    basis: Basis
    seen: Seen
    lasts: Lasts
    holds: Mapping[str, str]  # columns with spaces between them → what they are
    fate: Fate
    why: str = ""  # why it is not removed
    owner: str | None = None  # the column whose person the row is about
    through: tuple[str, str] | None = None  # or: (column, table above) whose rows have an owner
    address: str | None = None  # or: the column that holds the person's e-mail address
    actors: tuple[str, ...] = ()  # persons who did something to the row; they stay as numbers
    empty: Mapping[str, object] = field(default_factory=dict)  # what EMPTY writes
    secret: frozenset[str] = frozenset()  # columns that an export leaves out: they open doors

    @property
    def columns(self) -> set[str]:
        return {name for names in self.holds for name in names.split()}
