"""How a preview says what becomes of things when organisations merge or leave."""

from dataclasses import dataclass
from enum import StrEnum


class Fate(StrEnum):
    """What becomes of something when an organisation merges or leaves."""

    MOVES = "moves"
    ENDS = "ends"
    STAYS = "stays"
    BLOCKS = "blocks"  # nothing happens until this is out of the way


@dataclass(frozen=True)
class Line:
    """A line of a preview: what (a catalogue key that holds %(n)s), its fate, and why it does not move."""

    what: str
    fate: Fate
    n: int
    why: str = ""
