"""What a text is searched by, and how well it fits a question."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from portal.folding import fold

K1, B = 1.2, 0.75  # of BM25 (Robertson and Zaragoza, 2009), the usual values
CANDIDATES = 100  # texts fetched and ranked for one question
MOST_TERMS = 12  # rarest terms that fetch candidates when nothing holds them all
LONGEST_TERM, LONGEST_TEXT = 64, 100_000

_CJK = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\U00020000-\U0003ffff"
_RUN = re.compile(rf"[{_CJK}]+|[^\W_{_CJK}]+(?:[+#._\-]+[^\W_{_CJK}]+)*[+#]*")
_IS_CJK = re.compile(rf"[{_CJK}]")
# A word with signs in it stays one word for every tokenizer: c++, node.js.
_SIGNS = str.maketrans({"+": "ᐩ", "#": "ᗗ", ".": "ᐧ", "-": "ᐨ", "_": "ᙆ"})


def runs(text: str) -> list[list[str]]:
    """The terms of each unbroken stretch: Chinese as overlapping pairs, other words whole."""
    plain = fold(unicodedata.normalize("NFKC", text[:LONGEST_TEXT]).lower())
    found = []
    for run in _RUN.findall(plain):
        if _IS_CJK.match(run):
            found.append([run[i : i + 2] for i in range(len(run) - 1)] or [run])
        else:
            found.append([run.translate(_SIGNS)[:LONGEST_TERM]])
    return found


def terms(text: str) -> list[str]:
    return [term for run in runs(text) for term in run]


def stored_terms(text: str) -> list[str]:
    """As `terms`, and the last character of each Chinese stretch, so that it too is found by itself."""
    stored = []
    for run in runs(text):
        stored += run
        if len(run[-1]) == 2 and _IS_CJK.match(run[-1]):
            stored.append(run[-1][1])
    return stored


def is_prefix(run: Sequence[str]) -> bool:
    """One Chinese character asks for every term that begins with it."""
    return len(run) == 1 and len(run[0]) == 1 and bool(_IS_CJK.match(run[0]))


def rarest(frequencies: Mapping[str, int]) -> list[str]:
    """The terms that fetch candidates: from the rarest on, while they fetch no more than can be ranked."""
    chosen: list[str] = []
    fetched = 0
    for term, documents in sorted(frequencies.items(), key=lambda item: (item[1], item[0])):
        if chosen and (fetched + documents > CANDIDATES or len(chosen) == MOST_TERMS):
            break
        chosen.append(term)
        fetched += documents
    return chosen


def bm25(
    asked: Sequence[str],
    text: Counter[str],
    *,
    length: int,
    frequencies: Mapping[str, int],
    documents: int,
    mean_length: float,
) -> float:
    """How well a text of `length` terms fits; never negative. Terms come in order: equal sums everywhere."""
    score = 0.0
    for term in asked:
        count = text.get(term, 0)
        if count:
            held_by = min(frequencies.get(term, 1), documents)
            rarity = math.log(1 + (documents - held_by + 0.5) / (held_by + 0.5))
            score += rarity * count * (K1 + 1) / (count + K1 * (1 - B + B * length / (mean_length or 1.0)))
    return score
