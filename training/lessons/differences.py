"""What differs between two versions of a lesson, part by part and word by word. Pure."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from portal.refusal import mark
from training.tracks.rules import Lesson, Practice

_WORD = re.compile(r"[a-zA-Z0-9]+|\s+|.", re.DOTALL)
MOST_WORDS = 1500  # of a passage that is compared word by word
Run = tuple[str, str]  # ("same" | "gone" | "new", text)


@dataclass(frozen=True)
class Part:
    """A part of the lesson: a catalogue key (with n) or a section's own title, and its runs of text."""

    name: str
    n: int
    runs: list[Run]

    @property
    def differs(self) -> bool:
        return any(kind != "same" for kind, _ in self.runs)


def differences(old: Lesson, new: Lesson) -> list[Part]:
    """Every part of the lesson in its order, those that are the same with one run."""
    pairs = [
        (mark("Minutes"), 0, str(old.minutes), str(new.minutes)),
        (mark("Summary"), 0, old.summary, new.summary),
    ]
    before = {s.title: s.text for s in old.sections}
    after = {s.title: s.text for s in new.sections}
    pairs += [(t, 0, before.get(t, ""), after.get(t, "")) for t in dict.fromkeys((*before, *after))]
    for n in range(max(len(old.practice), len(new.practice))):
        pairs.append((mark("Practice question %(n)s"), n + 1, _said(old.practice, n), _said(new.practice, n)))
    return [Part(name, n, runs(a, b)) for name, n, a, b in pairs]


def _said(practice: tuple[Practice, ...], n: int) -> str:
    if n >= len(practice):
        return ""
    one = practice[n]
    options = [f"{'✓' if i == one.answer else '–'} {text}" for i, text in enumerate(one.options, 1)]
    return "\n".join((one.ask, *options, one.why))


def runs(old: str, new: str) -> list[Run]:
    """First line by line; where lines differ, word by word (a Chinese character is a word)."""
    found: list[Run] = []
    for kind, text in _compared(old.splitlines(keepends=True), new.splitlines(keepends=True)):
        if found and found[-1][0] == kind:
            found[-1] = (kind, found[-1][1] + text)
        else:
            found.append((kind, text))
    return found


def _compared(old: list[str], new: list[str]) -> Iterator[Run]:
    for move, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if move == "equal":
            yield "same", "".join(old[a:b])
        else:
            yield from _words(_WORD.findall("".join(old[a:b])), _WORD.findall("".join(new[c:d])))


def _words(old: list[str], new: list[str]) -> Iterator[Run]:
    if max(len(old), len(new)) > MOST_WORDS:  # word by word would take seconds
        steps = [("replace", 0, len(old), 0, len(new))]
    else:
        steps = list(difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes())
    for move, a, b, c, d in steps:
        if move == "equal":
            yield "same", "".join(old[a:b])
            continue
        if b > a:
            yield "gone", "".join(old[a:b])
        if d > c:
            yield "new", "".join(new[c:d])
