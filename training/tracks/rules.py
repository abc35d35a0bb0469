"""What a lesson is, as text and read; what it takes to finish one, and how a certificate becomes a path of lessons."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import yaml

from portal.programme.rules import Programme, Text

CONTENT = Path(__file__).resolve().parent.parent / "content"
LANGUAGES = ("zh", "en")


class State(StrEnum):
    OPEN = "open"
    PRACTISED = "practised"  # every practice question answered, right or wrong
    SHORTENED = "shortened"  # by a placement test: done, without hours
    FINISHED = "finished"


DONE = (State.FINISHED, State.SHORTENED)

MOVES = {
    (State.OPEN, "practise"): State.PRACTISED,
    (State.PRACTISED, "practise"): State.PRACTISED,
    (State.SHORTENED, "practise"): State.SHORTENED,
    (State.FINISHED, "practise"): State.FINISHED,
    (State.PRACTISED, "finish"): State.FINISHED,
    (State.SHORTENED, "finish"): State.FINISHED,
    (State.FINISHED, "finish"): State.FINISHED,  # a second click goes on to the next lesson as well
}


@dataclass(frozen=True)
class Practice:
    ask: str
    options: tuple[str, ...]
    answer: int  # from 1
    why: str


@dataclass(frozen=True)
class Section:
    title: str
    text: str  # Markdown


@dataclass(frozen=True)
class Lesson:
    module: str  # "TRK-01/1"
    version: int
    title: str
    minutes: int
    summary: str
    practice: tuple[Practice, ...]
    sections: tuple[Section, ...]


def read_lesson(text: str) -> Lesson:
    """A lesson file: YAML between two lines of three dashes, then Markdown in H2 sections."""
    front, _, body = text.removeprefix("---\n").partition("\n---\n")
    head = yaml.safe_load(front)
    parts = [part.partition("\n") for part in f"\n{body}".split("\n## ")[1:]]
    return Lesson(
        str(head["module"]),
        int(head["version"]),
        str(head["title"]),
        int(head["minutes"]),
        str(head["summary"]),
        tuple(
            Practice(str(p["ask"]), tuple(map(str, p["options"])), int(p["answer"]), str(p["why"]))
            for p in head["practice"]
        ),
        tuple(Section(title.strip(), rest.strip()) for title, _, rest in parts),
    )


@lru_cache(maxsize=256)
def lesson(module: str, language: str) -> Lesson:
    """The shipped lesson of a module that `modules_written` names; what people see is in `training.lessons`."""
    return read_lesson((CONTENT / f"{module}.{language}.md").read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def modules_written() -> frozenset[str]:
    """The modules that have a lesson in every language."""
    found = [
        {
            str(path.relative_to(CONTENT)).removesuffix(f".{language}.md").replace("\\", "/")
            for path in CONTENT.glob(f"*/*.{language}.md")
        }
        for language in LANGUAGES
    ]
    return frozenset(set.intersection(*found))


def unanswered(practice: Sequence[Practice], answers: Sequence[int]) -> list[int]:
    """The practice questions, from 1, without an answer that is one of their options."""
    given = [*answers, *[0] * len(practice)]
    return [
        n
        for n, (question, answer) in enumerate(zip(practice, given, strict=False), 1)
        if not 1 <= answer <= len(question.options)
    ]


@dataclass(frozen=True)
class Module:
    """A module as a person sees it on the path."""

    key: str
    number: int
    title: Text
    hours: float
    state: State
    written: bool

    @property
    def path(self) -> str:
        return f"/my/learning/{self.key}"


@dataclass(frozen=True)
class Track:
    code: str
    title: Text
    hours: float
    modules: tuple[Module, ...]

    @property
    def path(self) -> str:
        return f"/my/learning/{self.code}"

    @property
    def written(self) -> bool:
        return all(m.written for m in self.modules)

    @property
    def finished(self) -> int:
        """Lessons that are done, those shortened too."""
        return sum(m.state in DONE for m in self.modules)

    @property
    def shortened(self) -> int:
        return sum(m.state is State.SHORTENED for m in self.modules)

    @property
    def hours_finished(self) -> float:
        return sum(m.hours for m in self.modules if m.state is State.FINISHED)

    @property
    def share(self) -> float:
        return self.finished / len(self.modules)


@dataclass(frozen=True)
class LearningPath:
    """A certificate and the tracks that lead to it."""

    code: str
    title: Text
    tracks: tuple[Track, ...]
    needs: tuple[str, ...] = ()  # certificates that come first

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        return tuple(m for track in self.tracks for m in track.modules)

    @property
    def written(self) -> bool:
        return all(track.written for track in self.tracks)

    @property
    def finished(self) -> int:
        return sum(track.finished for track in self.tracks)

    @property
    def hours(self) -> float:
        return sum(track.hours for track in self.tracks)

    @property
    def hours_finished(self) -> float:
        return sum(track.hours_finished for track in self.tracks)

    @property
    def share(self) -> float:
        return self.finished / len(self.modules)

    @property
    def next(self) -> Module | None:
        """The first lesson that is not done; None when all are."""
        return next((m for m in self.modules if m.state not in DONE), None)


def module_hours(track: Mapping[str, Any]) -> float:
    """The track's hours, shared equally by its modules."""
    return float(track["hours"]) / len(track["modules"])


def track_of(programme: Programme, code: str, states: Mapping[str, State]) -> Track | None:
    """None when the programme has no such track."""
    entry = next((t for t in programme["tracks"] if t["code"] == code), None)
    if entry is None:
        return None
    keys = [f"{code}/{n}" for n in range(1, len(entry["modules"]) + 1)]
    modules = tuple(
        Module(
            key,
            n,
            {"zh": m["zh"], "en": m["en"]},
            module_hours(entry),
            states.get(key, State.OPEN),
            key in modules_written(),
        )
        for n, (key, m) in enumerate(zip(keys, entry["modules"], strict=True), 1)
    )
    return Track(code, {"zh": entry["zh"], "en": entry["en"]}, float(entry["hours"]), modules)


def paths_of(programme: Programme, states: Mapping[str, State]) -> list[LearningPath]:
    """Every certificate of the programme with its tracks, in the programme's order."""
    return [
        LearningPath(
            c["code"],
            {"zh": c["zh"], "en": c["en"]},
            tuple(t for code in c["tracks"] if (t := track_of(programme, code, states))),
            tuple(c.get("needs", ())),
        )
        for c in programme["personal_certificates"]
    ]


def open_paths(programme: Programme, states: Mapping[str, State]) -> list[LearningPath]:
    """The certificates whose lessons are all written."""
    return [path for path in paths_of(programme, states) if path.written]


def current_path(paths: Sequence[LearningPath], held: Collection[str]) -> LearningPath | None:
    """The path a person is on: of those whose certificate they do not hold and may go for, the one that is
    furthest begun, else the first; None when they hold everything that is open to them."""
    left = [p for p in paths if p.written and p.code not in held and set(p.needs) <= set(held)]
    return max(left, key=lambda p: (p.finished, -left.index(p)), default=None)


def module_after(programme: Programme, key: str, states: Mapping[str, State]) -> Module | None:
    """Where finishing `key` leads: the next lesson left after it on its path, else the first one left."""
    ways = [path.modules for path in open_paths(programme, states)]
    ways += [track.modules for track in electives(programme, states)]
    for modules in ways:
        keys = [m.key for m in modules]
        if key in keys:
            at = keys.index(key)
            left = [m for m in (*modules[at + 1 :], *modules[:at]) if m.state not in DONE]
            return left[0] if left else None
    return None


def electives(programme: Programme, states: Mapping[str, State]) -> list[Track]:
    """The written tracks that no certificate asks for."""
    asked = {code for c in programme["personal_certificates"] for code in c["tracks"]}
    found = [track_of(programme, t["code"], states) for t in programme["tracks"] if t["code"] not in asked]
    return [track for track in found if track and track.written]
