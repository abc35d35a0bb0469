"""The numbers that change most, as fields of a form that end in the draft's text. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from certification.standing.rules import LEVELS
from portal.programme.lines import Node, Path, Problem, replaced
from portal.refusal import mark

NUMBER = re.compile(r"-?\d{1,7}(\.\d{1,6})?")
SCORING = ("hold_days_before_upgrade", "same_client_max_share_of_evidence")
LIFECYCLE = (
    "validity_d",
    "hard_gate_grace_d",
    "score_grace_d",
    "rule_change_grandfather_d",
    "probation_starts_at_fraction_of_grace",
)


@dataclass(frozen=True)
class Cell:
    """One input: its name in the form, its place in the file, what stands there now."""

    name: str
    path: Path
    raw: str


@dataclass(frozen=True)
class Row:
    key: str
    cells: dict[str, Cell]  # weight, gate3, target3 … grace_d


@dataclass(frozen=True)
class Numbers:
    metrics: dict[str, list[Row]]  # by family
    single: dict[str, list[Cell]]  # scores, lifecycle, conduct

    def cells(self) -> list[Cell]:
        tables = [cell for rows in self.metrics.values() for row in rows for cell in row.cells.values()]
        return tables + [cell for cells in self.single.values() for cell in cells]


def raw_of(text: str, node: Node) -> str:
    """A scalar as it was typed."""
    (row, start), (_, end) = node.start, node.end
    return text.split("\n")[row][start:end]


def numbers_of(text: str, top: Node) -> Numbers:
    """All those fields that the file has a number for."""

    def cell(name: str, path: Path) -> Cell | None:
        node = top.at(path)
        if node is None or isinstance(node.value, dict | list | str | bool):
            return None
        return Cell(name, path, raw_of(text, node))

    metrics: dict[str, list[Row]] = {}
    families = top.at(("families",))
    for family in families.value if families and isinstance(families.value, dict) else ():
        rows = []
        listed = top.at(("families", family, "metrics"))
        for metric in listed.value if listed and isinstance(listed.value, list) else ():
            key = metric.at(("key",))
            if key is None:
                continue
            at = ("families", family, "metrics", str(key.value))
            places: dict[str, Path] = {"weight": (*at, "weight")}
            for star in LEVELS:
                for place, kind in (("0", "gate"), ("1", "target")):
                    places[f"{kind}{star}"] = (*at, "levels", str(star), place)
            places["grace_d"] = (*at, "grace_d")
            cells = {w: c for w, p in places.items() if (c := cell(f"{family}.{key.value}.{w}", p))}
            rows.append(Row(str(key.value), cells))
        metrics[family] = rows
    paths: dict[str, list[Path]] = {
        "scoring": [
            *(("scoring", "pass_score", str(s)) for s in LEVELS),
            *(("scoring", key) for key in SCORING),
        ],
        "lifecycle": [("lifecycle", key) for key in LIFECYCLE],
        "conduct": [
            ("conduct", "start"),
            ("conduct", "recovery_per_clean_month"),
            *_under(top, ("conduct", "deductions")),
        ],
    }
    single = {
        part: [c for path in found if (c := cell(".".join(path), path))] for part, found in paths.items()
    }
    return Numbers(metrics, single)


def _under(top: Node, path: Path) -> list[Path]:
    node = top.at(path)
    return [(*path, key) for key in node.value] if node and isinstance(node.value, dict) else []


def typed_numbers(
    text: str, top: Node, form: Mapping[str, Any] | Any, names: list[Cell]
) -> tuple[str, dict[str, str]]:
    """The text with what was typed in its places, and a catalogue key for each field that is no number."""
    wrong: dict[str, str] = {}
    changed: dict[Path, str] = {}
    for cell in names:
        typed = str(form[cell.name]).strip().replace("，", ",").replace("。", ".")
        if typed in ("", cell.raw):  # a field that was not sent changes nothing
            continue
        if not NUMBER.fullmatch(typed):
            wrong[cell.name] = mark("Please write a number, in digits.")
        else:
            changed[cell.path] = typed
    return replaced(text, top, changed), wrong


def field_of(problem: Problem, cells: list[Cell]) -> str | None:
    """The name of the field that a sentence is about, when the form has one."""
    for cell in cells:
        if cell.path[: len(problem.path)] == problem.path and len(cell.path) - len(problem.path) <= 1:
            return cell.name
    return None
