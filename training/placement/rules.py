"""A placement test: what a background may shorten, which questions are drawn, what the answers shorten. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from random import Random

import yaml

from portal.programme.rules import Programme, Text
from training.renewal.rules import mandatory
from training.tracks.rules import CONTENT, DONE, Practice, State, modules_written

AGAIN_AFTER = timedelta(days=30)
A_MODULE = 2  # questions; both must be right
Asked = tuple[str, int]  # (module, which of its practice questions, from 1)


@dataclass(frozen=True)
class Background:
    key: str
    name: Text
    says: Text
    modules: frozenset[str]


@lru_cache(maxsize=1)
def backgrounds() -> tuple[Background, ...]:
    entries = yaml.safe_load((CONTENT / "placement.yaml").read_text(encoding="utf-8"))
    return tuple(
        Background(e["key"], {"zh": e["zh"], "en": e["en"]}, e["says"], frozenset(e["modules"]))
        for e in entries
    )


def shortenable(
    background: Background, code: str, programme: Programme, states: Mapping[str, State]
) -> list[str]:
    """Modules of a track that this background may shorten and that are not done, in their order."""
    if code in mandatory(programme):
        return []
    track = next((t for t in programme["tracks"] if t["code"] == code), None)
    keys = [f"{code}/{n}" for n in range(1, len(track["modules"]) + 1)] if track else []
    written = modules_written()
    return [k for k in keys if k in background.modules and k in written and states.get(k) not in DONE]


def offers(code: str, programme: Programme, states: Mapping[str, State]) -> dict[str, list[str]]:
    """Background → what its test of this track asks about; backgrounds without anything are left out."""
    found = {b.key: shortenable(b, code, programme, states) for b in backgrounds()}
    return {key: modules for key, modules in found.items() if modules}


def draw(seed: int, modules: Sequence[str], questions: Mapping[str, int]) -> list[Asked]:
    """Two questions a module, as many as it has if fewer; the same for the same seed.

    `questions`: how many practice questions each module has.
    """
    chance = Random(seed)  # noqa: S311  a draw to be repeated, not a secret
    return [
        (module, n)
        for module in modules
        for n in sorted(chance.sample(range(1, questions[module] + 1), min(A_MODULE, questions[module])))
    ]


def right(questions: Sequence[Practice], answers: Sequence[int]) -> list[bool]:
    return [q.answer == a for q, a in zip(questions, answers, strict=True)]


def shortened(drawn: Sequence[Asked], verdicts: Sequence[bool], allowed: Collection[str]) -> list[str]:
    """Modules all of whose questions were answered rightly and that may be shortened, in the order asked."""
    wrong = {module for (module, _), fine in zip(drawn, verdicts, strict=True) if not fine}
    return [m for m in dict.fromkeys(m for m, _ in drawn) if m not in wrong and m in allowed]


def opens_at(started_at: datetime | None) -> datetime | None:
    """When the next test of the track may begin; None: now."""
    return started_at + AGAIN_AFTER if started_at else None
