"""A programme file read with the line of everything in it, so that what is wrong can be said with its line. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from itertools import pairwise
from typing import Any

import yaml

from portal.refusal import mark

Path = tuple[str, ...]
LONGEST = 200_000  # characters of a file
DEEPEST = 20
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where. `message` is a catalogue key; `values` fill its %(name)s places."""

    line: int
    path: Path
    message: str
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __str__(self) -> str:
        return f"line {self.line}: {self.message % dict(self.values)}"


@dataclass(frozen=True)
class Node:
    """A value with its line. `value`: a scalar, a list of nodes, or a mapping of nodes by key."""

    line: int
    value: Any
    start: tuple[int, int] = (0, 0)  # line and column in the text, both from 0
    end: tuple[int, int] = (0, 0)

    def at(self, path: Path) -> "Node | None":
        node: Node | None = self
        for step in path:
            if node is None:
                return None
            node = node.step(step)
        return node

    def step(self, step: str) -> "Node | None":
        if isinstance(self.value, dict):
            return self.value.get(step)
        if isinstance(self.value, list):
            if step.isdigit():
                return self.value[int(step)] if int(step) < len(self.value) else None
            return next((n for n in self.value if step == name_of(n)), None)
        return None

    def plain(self) -> Any:
        """The bare data, every key a string: as a published version keeps it."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value


def name_of(node: Node) -> str | None:
    """What an entry of a list is called by, when it has a name: its `key` or `code`."""
    if isinstance(node.value, dict):
        for name in ("key", "code"):
            if name in node.value and isinstance(node.value[name].value, str):
                return str(node.value[name].value)
    return None


@lru_cache(maxsize=8)
def read(text: str) -> tuple[Node | None, tuple[Problem, ...]]:
    """The file as nodes, and what kept it from being read. None when nothing could be."""
    if len(text) > LONGEST:
        return None, (
            Problem(1, (), mark("The file is longer than %(most)s characters."), {"most": LONGEST}),
        )
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.AliasEvent):
                message = mark("Write it out: a reference such as *name is not read here.")
                return None, (Problem(_row(event.start_mark), (), message),)
        top = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark or error.context_mark
        said = {"what": error.problem or ""}
        return None, (Problem(_row(at), (), mark("This is not YAML: %(what)s."), said),)
    except (yaml.YAMLError, RecursionError) as error:
        place = getattr(error, "position", 0)
        line = text.count("\n", 0, place) + 1
        return None, (Problem(line, (), mark("This is not YAML: %(what)s."), {"what": "unreadable"}),)
    if top is None:
        return None, (Problem(1, (), mark("The file is empty.")),)
    found: list[Problem] = []
    return _node(top, (), found), tuple(found)


def _row(at: Any) -> int:
    return int(at.line) + 1 if at else 1


def _node(raw: Any, path: Path, found: list[Problem]) -> Node:
    line = raw.start_mark.line + 1
    start, end = ((m.line, m.column) for m in (raw.start_mark, raw.end_mark))
    if len(path) > DEEPEST:
        found.append(Problem(line, path, mark("This is nested too deeply.")))
        return Node(line, "", start, end)
    if isinstance(raw, yaml.SequenceNode):
        return Node(line, [_node(n, (*path, str(i)), found) for i, n in enumerate(raw.value)], start, end)
    if isinstance(raw, yaml.MappingNode):
        entries: dict[str, Node] = {}
        for key_node, value_node in raw.value:
            key = str(_scalar(key_node, path, found))
            if key in entries:
                said = {"name": key, "line": entries[key].line}
                message = mark("“%(name)s” stands here a second time; the first is in line %(line)s.")
                found.append(Problem(key_node.start_mark.line + 1, (*path, key), message, said))
                continue
            node = _node(value_node, (*path, key), found)
            entries[key] = Node(key_node.start_mark.line + 1, node.value, node.start, node.end)
        return Node(line, entries, start, end)
    return Node(line, _scalar(raw, path, found), start, end)


def _scalar(raw: Any, path: Path, found: list[Problem]) -> Any:
    line = raw.start_mark.line + 1
    if not isinstance(raw, yaml.ScalarNode):
        found.append(Problem(line, path, mark("A name was expected here.")))
        return ""
    try:
        value = yaml.SafeLoader("").construct_object(raw)
    except (yaml.YAMLError, ValueError, OverflowError):
        value = None
    if value is None and raw.tag == "tag:yaml.org,2002:null":
        found.append(Problem(line, path, mark("This has no value; a text with a comma in it needs quotes.")))
        return ""
    if value is None or isinstance(value, date) or not isinstance(value, bool | int | float | str):
        message = mark("“%(text)s” is neither a number, a text, true nor false; put quotes around a text.")
        found.append(Problem(line, path, message, {"text": str(raw.value)[:40]}))
        return ""
    return value


def replaced(text: str, node: Node, numbers: Mapping[Path, str]) -> str:
    """The text with these scalars written anew in their places; comments and everything else stay as typed."""
    lines = text.split("\n")
    places = [(n, typed) for path, typed in numbers.items() if (n := node.at(path)) is not None]
    for one, typed in sorted(places, key=lambda p: p[0].start, reverse=True):
        (row, start), (_, end) = one.start, one.end
        lines[row] = lines[row][:start] + typed + lines[row][end:]
    return "\n".join(lines)


def rising(values: list[float]) -> bool:
    """None is less than the one before it."""
    return all(a <= b for a, b in pairwise(values))
