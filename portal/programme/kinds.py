"""The kinds of values a programme file holds, each of which says what is wrong with a node. Pure."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import isfinite
from typing import Any, Protocol

from portal.programme.lines import Node, Path, Problem, name_of
from portal.refusal import mark

Say = Callable[..., None]


class Kind(Protocol):
    def check(self, node: Node, path: Path, found: list[Problem]) -> None: ...


def _say(found: list[Problem], node: Node, path: Path, message: str, **values: Any) -> None:
    found.append(Problem(node.line, path, message, {"path": ".".join(path), **values}))


def shown(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)[:40]


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


@dataclass(frozen=True)
class Number:
    least: float = 0
    most: float = 1_000_000
    whole: bool = False

    def check(self, node: Node, path: Path, found: list[Problem]) -> None:
        value = node.value
        if not is_number(value):
            _say(found, node, path, mark("%(path)s must be a number."))
        elif self.whole and not isinstance(value, int):
            _say(found, node, path, mark("%(path)s must be a whole number, not %(value)s."), value=value)
        elif not self.least <= value <= self.most:
            _say(
                found,
                node,
                path,
                mark("%(path)s must lie between %(least)s and %(most)s; it is %(value)s."),
                least=f"{self.least:g}",
                most=f"{self.most:g}",
                value=value,
            )


@dataclass(frozen=True)
class Words:
    """A text; `like`: a regular expression that the whole of it matches."""

    most: int = 500
    like: str = ""
    empty: bool = False

    def check(self, node: Node, path: Path, found: list[Problem]) -> None:
        value = node.value
        if not isinstance(value, str):
            _say(found, node, path, mark("%(path)s must be a text; put quotes around it."))
        elif not value.strip() and not self.empty:
            _say(found, node, path, mark("%(path)s must not be empty."))
        elif len(value) > self.most:
            _say(found, node, path, mark("%(path)s is longer than %(most)s characters."), most=self.most)
        elif self.like and not re.fullmatch(self.like, value):
            _say(found, node, path, mark("%(path)s cannot be “%(value)s”."), value=value[:40])


@dataclass(frozen=True)
class Flag:
    def check(self, node: Node, path: Path, found: list[Problem]) -> None:
        if not isinstance(node.value, bool):
            _say(found, node, path, mark("%(path)s must be true or false."))


@dataclass(frozen=True)
class OneOf:
    options: Collection[Any]

    def check(self, node: Node, path: Path, found: list[Problem]) -> None:
        if isinstance(node.value, dict | list) or node.value not in self.options:
            text = mark("%(path)s must be one of: %(options)s.")
            _say(found, node, path, text, options=", ".join(shown(o) for o in self.options))


@dataclass(frozen=True)
class Either:
    """A number, a text or a flag, whichever was written."""

    def check(self, node: Node, path: Path, found: list[Problem]) -> None:
        if isinstance(node.value, dict | list):
            _say(found, node, path, mark("%(path)s must be a single value."))


@dataclass(frozen=True)
class ListOf:
    kind: Kind
    least: int = 0
    exactly: int | None = None
    once: bool = True  # no value, and no name of an entry, twice

    def check(self, node: Node, path: Path, found: list[Problem]) -> None:
        if not isinstance(node.value, list):
            _say(found, node, path, mark("%(path)s must be a list."))
            return
        n = len(node.value)
        if self.exactly is not None and n != self.exactly:
            text = mark("%(path)s must have %(wanted)s entries; it has %(n)s.")
            _say(found, node, path, text, wanted=self.exactly, n=n)
        elif n < self.least:
            _say(found, node, path, mark("%(path)s needs at least %(least)s entries."), least=self.least)
        seen: set[Any] = set()
        for i, one in enumerate(node.value):
            name = name_of(one)
            self.kind.check(one, (*path, name or str(i)), found)
            key = name if name is not None else None if isinstance(one.value, dict | list) else one.value
            if self.once and key is not None and key in seen:
                _say(found, one, path, mark("%(path)s names “%(name)s” twice."), name=shown(key))
            seen.add(key)


@dataclass(frozen=True)
class MapOf:
    """Entries of one kind. `keys`: exactly these; else names that match `like`."""

    kind: Kind
    keys: Collection[str] | None = None
    some: Collection[str] | None = None  # any of these, not all
    like: str = r"[A-Za-z0-9_一-鿿-]{1,60}"
    least: int = 1

    def check(self, node: Node, path: Path, found: list[Problem]) -> None:
        if not isinstance(node.value, dict):
            _say(found, node, path, mark("%(path)s must be a table of names and values."))
            return
        for key in self.keys or ():
            if key not in node.value:
                _say(found, node, path, mark("%(path)s lacks “%(name)s”."), name=key)
        if len(node.value) < self.least:
            _say(found, node, path, mark("%(path)s must not be empty."))
        known = self.keys if self.keys is not None else self.some
        for key, one in node.value.items():
            if known is not None and key not in known:
                _unknown(found, one, path, key, known)
            elif known is None and not re.fullmatch(self.like, key):
                _say(found, one, path, mark("“%(name)s” cannot be a name in %(path)s."), name=key[:40])
            else:
                self.kind.check(one, (*path, key), found)


@dataclass(frozen=True)
class Entry:
    """Named values, each of its own kind: those that must be there, and those that may."""

    needs: Mapping[str, Kind]
    may: Mapping[str, Kind] = field(default_factory=dict)

    def check(self, node: Node, path: Path, found: list[Problem]) -> None:
        if not isinstance(node.value, dict):
            _say(found, node, path, mark("%(path)s must be a table of names and values."))
            return
        for key in self.needs:
            if key not in node.value:
                here = mark("%(path)s lacks “%(name)s”.") if path else mark("The file lacks “%(name)s”.")
                _say(found, node, path, here, name=key)
        known = {**self.needs, **self.may}
        for key, one in node.value.items():
            if key in known:
                known[key].check(one, (*path, key), found)
            else:
                _unknown(found, one, path, key, known)


def _unknown(found: list[Problem], node: Node, path: Path, key: str, known: Collection[str]) -> None:
    near = get_close_matches(key, list(known), 1)
    if near:
        text = mark("Nothing reads “%(name)s” here; did you mean “%(near)s”?")
        _say(found, node, (*path, key), text, name=key[:60], near=near[0])
    else:
        _say(found, node, (*path, key), mark("Nothing reads “%(name)s” here."), name=key[:60])
