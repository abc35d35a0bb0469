"""Practice for an exam: the questions of its lessons, no clock, nothing kept; the bank itself is never shown."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from portal.programme.rules import Programme
from training.tracks.rules import Lesson, Practice

AT_ONCE = 10


@dataclass(frozen=True)
class Exercise:
    """A practice question and the lesson it comes from."""

    module: str
    title: str
    practice: Practice


def modules_for(programme: Programme, certificate: str) -> list[str]:
    """The modules of the tracks that lead to a certificate."""
    return [
        f"{code}/{n}"
        for code in programme.certificate(certificate)["tracks"]
        for n in range(1, len(programme.track(code)["modules"]) + 1)
    ]


def exercises(modules: Sequence[str], lessons: Mapping[str, Lesson], seed: int) -> list[Exercise]:
    """Ten questions (or all there are) from the lessons; the same seed gives the same ten."""
    places = [(key, n) for key in modules if key in lessons for n in range(len(lessons[key].practice))]
    chosen = random.Random(seed).sample(places, min(AT_ONCE, len(places)))  # noqa: S311
    return [Exercise(key, lessons[key].title, lessons[key].practice[n]) for key, n in chosen]
