"""Every value in which two versions of the programme differ, by its path; and paths in words. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.programme.lines import Path
from portal.refusal import mark

ORDER = "(order)"


@dataclass(frozen=True)
class Change:
    """One value. None: it is not there."""

    path: Path
    old: Any
    new: Any

    @property
    def place(self) -> str:
        return ".".join(self.path)


def difference(old: Any, new: Any, path: Path = ()) -> list[Change]:
    """All of them, in the order of the new version, what was removed last."""
    return list(_walk(old, new, path))


def _walk(old: Any, new: Any, path: Path) -> Iterator[Change]:
    before, after = entries(old, path), entries(new, path)
    if before is None or after is None or isinstance(old, list) != isinstance(new, list):
        if type(old) is not type(new) or old != new:
            yield from _whole(old, new, path)
        return
    for key, value in after.items():
        here = (*path, key)
        yield from _walk(before[key], value, here) if key in before else _whole(None, value, here)
    for key, value in before.items():
        if key not in after:
            yield from _whole(value, None, (*path, key))
    if isinstance(new, list):
        yield from _order(list(before), list(after), path)


def _order(before: Sequence[str], after: Sequence[str], path: Path) -> Iterator[Change]:
    """When adding at the end and removing does not already lead from the one to the other."""
    led = [k for k in before if k in after] + [k for k in after if k not in before]
    if led != list(after):
        yield Change((*path, ORDER), ", ".join(led), ", ".join(after))


def _whole(old: Any, new: Any, path: Path) -> Iterator[Change]:
    """Something that only one side has, leaf by leaf; or two values that differ."""
    inside = entries(new if old is None else old, path) if old is None or new is None else None
    if not inside:
        yield Change(path, old, new)
        return
    for key, value in inside.items():
        yield from _whole(None if old is None else value, None if new is None else value, (*path, key))


def entries(value: Any, path: Path) -> dict[str, Any] | None:
    """What is compared inside of a value, by name; None for what is compared as a whole."""
    if isinstance(value, Mapping):
        return dict(value)
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(v, dict) for v in value):
        names = [str(v.get("key") or v.get("code") or i) for i, v in enumerate(value, 1)]
        return dict(zip(names, value, strict=True)) if len(set(names)) == len(names) else None
    if len(value) == 2 and path[-2:-1] == ("levels",):
        return {"gate": value[0], "target": value[1]}
    return None


# Where numbers stand that people know by a name: path with * for any step → what to call it.
_NAMES: Mapping[str, str] = {
    "weight": mark("weight"),
    "gate": mark("gate"),
    "target": mark("target"),
    "grace_d": mark("days of grace"),
    "neutral_when_sample_below": mark("left out below a sample of"),
    "min_sample": mark("smallest sample"),
    "pass_score": mark("pass score"),
    "hold_days_before_upgrade": mark("days in a row before a rise"),
    "same_client_max_share_of_evidence": mark("most evidence from one client"),
    "validity_d": mark("days that a level lasts"),
    "rule_change_grandfather_d": mark("days that holders keep old rules"),
    "hard_gate_grace_d": mark("days of grace of the hard gates"),
    "score_grace_d": mark("days of grace of the score"),
    "probation_starts_at_fraction_of_grace": mark("share of the grace after which it is public"),
    "start": mark("conduct at the start"),
    "recovery_per_clean_month": mark("conduct regained in a clean month"),
    "deductions": mark("deduction"),
    "hard_gates": mark("hard gate"),
    "version": mark("version"),
    "weights": mark("weight in a match"),
    "zh": mark("in Chinese"),
    "en": mark("in English"),
}


def labels(path: Path, *contents: Mapping[str, Any]) -> list[Any]:
    """A path in words, as far as its steps have names: {"zh", "en"} of the programme, or catalogue keys."""
    found: list[Any] = []
    for end, step in enumerate(path, 1):
        if path[0] == "families" and end == 2:
            found.append(_first(contents, "families", step))
        elif path[0] == "families" and end in (4, 5) and (name := _name_of(contents, step)):
            found.append(name)
        elif step in _NAMES and (path[0] != "conduct" or end > 1):
            found.append(_NAMES[step])
        elif step in ("1", "2", "3", "4", "5") and path[end - 2] not in ("modules", "awards"):
            found.append(f"{step}★")
    return [f for f in found if f]


def _name_of(contents: Sequence[Mapping[str, Any]], step: str) -> Any:
    return _first(contents, "metrics", "names", step) or _first(contents, "metrics", "gates", step)


def _first(contents: Sequence[Mapping[str, Any]], *way: str) -> Any:
    for content in contents:
        value: Any = content
        for step in way:
            value = value.get(step) if isinstance(value, Mapping) else None
        if isinstance(value, Mapping) and "zh" in value:
            return {"zh": value["zh"], "en": value["en"]}
    return None
