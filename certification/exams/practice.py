"""Practice for an exam: the questions of its lessons, no clock, nothing kept; the bank itself is never shown."""

import random
from dataclasses import dataclass

from portal.programme.rules import Programme
from training.tracks.rules import Practice, lesson, modules_written

AT_ONCE = 10


@dataclass(frozen=True)
class Exercise:
    """A practice question and the lesson it comes from."""

    module: str
    title: str
    practice: Practice


def exercises(programme: Programme, certificate: str, language: str, seed: int) -> list[Exercise]:
    """Ten questions (or all there are) from the tracks of a certificate; the same seed gives the same ten."""
    keys = [
        f"{code}/{n}"
        for code in programme.certificate(certificate)["tracks"]
        for n in range(1, len(programme.track(code)["modules"]) + 1)
    ]
    places = [
        (key, n)
        for key in keys
        if key in modules_written()
        for n in range(len(lesson(key, language).practice))
    ]
    chosen = random.Random(seed).sample(places, min(AT_ONCE, len(places)))  # noqa: S311
    return [Exercise(key, (read := lesson(key, language)).title, read.practice[n]) for key, n in chosen]
