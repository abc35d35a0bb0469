"""A practice test for the demo, made of the lessons' own questions, and how imagined candidates answer it."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

from certification.banks.form import QuestionForm
from training.tracks.rules import lesson, modules_written

CODE = "PRACTICE"
TITLE = {"zh": "课程综合练习（演示数据）", "en": "Practice test on the lessons (demo data)"}
BLUEPRINT = {"TRK-01": 7, "TRK-02": 9, "TRK-11": 4}
MINUTES, PASS_MARKS = 25, 14
MISREAD, LEAKED, GIVEN_AWAY = 3, 8, 12  # items with something to find in their figures


def questions() -> list[QuestionForm]:
    """Two questions of every lesson of three tracks, in both languages; the third stays with the lesson alone."""
    found = []
    for module in sorted(m for m in modules_written() if m.partition("/")[0] in BLUEPRINT):
        zh, en = lesson(module, "zh"), lesson(module, "en")
        for n, (one, other) in enumerate(zip(zh.practice[:2], en.practice[:2], strict=True), 1):
            found.append(
                QuestionForm(
                    code=f"{module.replace('/', '-')}-{n}",
                    topic=module.partition("/")[0],
                    group=module,
                    level=1,
                    kind="one",
                    stem={"zh": one.ask, "en": other.ask},
                    options=[{"zh": a, "en": b} for a, b in zip(one.options, other.options, strict=True)],
                    key=[one.answer],
                    why={"zh": one.why, "en": other.why},
                )
            )
    return found


@dataclass(frozen=True)
class Imagined:
    """How one item draws people: slope, difficulty, and how the wrong options share those who miss it."""

    a: float
    b: float
    pull: tuple[float, ...]


class Candidates:
    """The same answers in every demo: drawn from a fixed seed."""

    def __init__(self, codes: Sequence[str]) -> None:
        self.chance = random.Random("practice")  # noqa: S311  a story, not a secret
        draw = self.chance
        self.items = {
            code: Imagined(
                draw.uniform(0.7, 1.9), draw.gauss(-0.9, 0.9), tuple(draw.uniform(0.2, 1.0) for _ in range(8))
            )
            for code in codes
        }
        names = sorted(codes)
        self.misread, self.leaked, self.given = names[MISREAD], names[LEAKED], names[GIVEN_AWAY]

    def ability(self) -> float:
        return self.chance.gauss(0, 1)

    def answer(self, code: str, options: int, key: int, ability: float, *, late: bool) -> int:
        """The option taken, from 1; 0 for none. Good candidates misread one item; one becomes known later on."""
        item, draw = self.items[code], self.chance
        if draw.random() < 0.02:
            return 0
        a, b = (-0.8, 0.4) if code == self.misread else (item.a, item.b)
        b = -5.0 if code == self.given else 1.2 if code == self.leaked and not late else b
        b = -1.6 if code == self.leaked and late else b
        if draw.random() < 1 / (1 + exp(-a * (ability - b))):
            return key
        wrong = [n for n in range(1, options + 1) if n != key]
        return draw.choices(wrong, [item.pull[n % 8] for n in range(len(wrong))])[0]
