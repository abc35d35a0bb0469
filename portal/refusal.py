"""How a rule says no: a sentence for the person, never a stack trace."""

from collections.abc import Mapping
from typing import Any


def mark(message: str) -> str:
    """Mark a sentence for the message catalogues without translating it yet."""
    return message


class Refused(Exception):
    """The rules do not allow it now. `message` is a catalogue key; `values` fill its %(name)s places.

    Shown as a page with status 409 (or `status`); the transaction is rolled back.
    """

    def __init__(self, message: str, *, status: int = 409, **values: Any) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.values: Mapping[str, Any] = values

    def __str__(self) -> str:
        return self.message % self.values if self.values else self.message


class NotFound(Exception):
    """There is no such thing, or it is not yours: the two look the same from outside."""


def checked_move(moves: Mapping[tuple[str, str], str], state: str, move: str) -> str:
    """The state that `move` leads to from `state` by a table of moves {(state, move): state}.

    Raises Refused when the table has no such row: a stale page, a second click.
    """
    try:
        return moves[state, move]
    except KeyError:
        raise Refused(
            mark(
                "This page was out of date: that step has already been taken or is not open now. "
                "Nothing was changed; here is how it stands."
            )
        ) from None
