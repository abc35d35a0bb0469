"""What readers of strangers' files have in common: sentences that say what is there and why one can't be read."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Sentence:
    """A sentence for people: a catalogue key and what fills its %(name)s places. As text it is English."""

    text: str
    values: dict[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return self.text % self.values if self.values else self.text


class UnreadableFileError(ValueError):
    """Nothing in it could be read; the message says why."""

    def __init__(self, text: str, /, **values: Any) -> None:
        self.sentence = Sentence(text, values)
        super().__init__(str(self.sentence))
