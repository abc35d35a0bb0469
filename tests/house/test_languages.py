"""Every sentence has its Chinese, and every Chinese sentence is said somewhere."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from casebook.briefs.rules import BRIEF_MOVES, INTRODUCTION_MOVES
from certification.standing.rules import MOVES
from portal import app
from portal.settings import ROOT

PACKAGES = ("portal", "training", "certification", "casebook", "demo")
PLACE = re.compile(r"%\((\w+)\)[sd]")
CHINESE = "\u4e00-\u9fff\u3000-\u303f\uff00-\uffef"


@lru_cache(maxsize=1)
def catalogue() -> list[tuple[str, str, str]]:
    """(file, English, Chinese) of every entry."""
    entries = []
    for path in sorted((ROOT / "locale" / "zh_CN").glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file):
                if message.id:
                    english = message.id if isinstance(message.id, str) else message.id[0]
                    chinese = message.string if isinstance(message.string, str) else message.string[0]
                    entries.append((path.name, english, chinese))
    return entries


@lru_cache(maxsize=1)
def trees() -> list[tuple[Path, ast.Module]]:
    paths = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))
    return [(p, ast.parse(p.read_text(encoding="utf-8"))) for p in paths]


@lru_cache(maxsize=1)
def said() -> dict[str, str]:
    """Message → the place where it is written."""
    found: dict[str, str] = {}
    options = {"extensions": "jinja2.ext.do", "newstyle_gettext": "true", "trimmed": "false"}
    for file, line, message, _, _ in extract_from_dir(
        ROOT / "templates",
        method_map=[("**.html", "jinja2"), ("**.txt", "jinja2")],
        keywords={"_": None, "gettext": None, "ngettext": (1, 2)},
        options_map={"**.html": options, "**.txt": options},
    ):
        text = message if isinstance(message, str) else message[0]
        if text:
            found.setdefault(text, f"templates/{file}:{line}")
    for path, tree in trees():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func).rpartition(".")[2] in CALLS
                and node.args
            ):
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.setdefault(first.value, f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


CALLS = ("mark", "gettext", "ngettext", "Wrong")


def constants(node: ast.AST | None) -> set[str]:
    return {
        part.value
        for part in ast.walk(node or ast.Module([], []))
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }


@lru_cache(maxsize=1)
def verbs() -> set[str]:
    """What `record` writes into the history: named there, in `verb`, or made of a move."""
    found = {
        f"{thing}: {move.replace('_', ' ')}"
        for thing, moves in (("level", MOVES), ("brief", BRIEF_MOVES), ("introduction", INTRODUCTION_MOVES))
        for _, move in moves
    }
    for _, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                if ast.unparse(node.func).endswith("record") and len(node.args) > 1:
                    found |= _verb(node.args[1])
                for keyword in node.keywords:
                    if keyword.arg == "verb":
                        found |= _verb(keyword.value)
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "verb":
                found |= _verb(node.value)
    return found


def _verb(node: ast.expr) -> set[str]:
    """Of "a", {"x": "a", "y": "b"}[…] and "a" if … else "b"."""
    if isinstance(node, ast.Subscript):
        return {word for value in getattr(node.value, "values", []) for word in constants(value)}
    if isinstance(node, ast.IfExp):
        return constants(node.body) | constants(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) else set()


@lru_cache(maxsize=1)
def reasons() -> set[str]:
    """What the portal itself gives as a reason in the history."""
    return {
        word
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("record")
        for keyword in node.keywords
        if keyword.arg == "reason" and isinstance(keyword.value, ast.Constant)
        for word in constants(keyword.value)
    }


@lru_cache(maxsize=1)
def states() -> set[str]:
    """Values of enumerations that pages show as words."""
    assert app.ROUTERS  # everything is imported
    kinds = [kind for kind in StrEnum.__subclasses__() if kind.__module__.split(".")[0] in PACKAGES]
    return {member.value for kind in kinds for member in kind}


def test_every_verb_of_the_history_has_its_chinese():
    chinese = {english: text for _, english, text in catalogue() if text}
    assert len(verbs()) > 60
    assert sorted(v for v in verbs() if v not in chinese) == []


def test_every_sentence_has_its_chinese():
    chinese = {english: text for _, english, text in catalogue()}
    assert {m: where for m, where in said().items() if not chinese.get(m)} == {}


def test_no_entry_is_left_over():
    used = set(said()) | verbs() | reasons() | states()
    left = sorted(f"{file}: {english}" for file, english, _ in catalogue() if english not in used)
    assert left == [], "\n".join(left)


def test_no_message_stands_twice():
    twice = {english: n for english, n in Counter(e for _, e, _ in catalogue()).items() if n > 1}
    assert twice == {}


def test_the_places_in_a_sentence_are_the_same():
    wrong = [
        english
        for _, english, chinese in catalogue()
        if set(PLACE.findall(english)) - {"num"} != set(PLACE.findall(chinese)) - {"num"}
    ]
    assert wrong == []


def test_a_percent_sign_is_a_place_or_doubled():
    """`%s` or a lone `%` beside named places breaks the sentence when it is filled in."""
    wrong = [
        text
        for _, english, chinese in catalogue()
        for text in (english, chinese)
        if PLACE.search(text) and "%" in PLACE.sub("", text).replace("%%", "")
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("what", "pattern"),
    [
        ("a half-width comma or full stop", rf"[{CHINESE}][,.;!?][{CHINESE}]|[\u4e00-\u9fff][,;!?.](\s|$)"),
        ("a half-width colon", r"[\u4e00-\u9fff]:(\s|$|[\u4e00-\u9fff])"),
        ("half-width brackets", r"[\u4e00-\u9fff]\([^)]*[\u4e00-\u9fff]|\([\u4e00-\u9fff]+\)"),
        ("straight quotes", r"[\u4e00-\u9fff][\"'][\u4e00-\u9fff]"),
        ("a space between Chinese characters", r"[\u4e00-\u9fff] +[\u4e00-\u9fff]"),
    ],
)
def test_chinese_is_set_as_chinese(what, pattern):
    assert [f"{file}: {text}" for file, _, text in catalogue() if re.search(pattern, text)] == []


def test_an_entry_without_chinese_does_not_exist():
    assert [english for _, english, chinese in catalogue() if not chinese.strip()] == []


def test_the_programme_speaks_both_languages():
    """Every text of the programme that has one language has the other."""
    import yaml

    def walk(value: object, path: str) -> Iterator[str]:
        if isinstance(value, dict):
            if "en" in value and "zh" not in value:
                yield path
            if "zh" in value and "en" not in value and isinstance(value["zh"], str):
                yield path
            for key, inner in value.items():
                yield from walk(inner, f"{path}.{key}")
        elif isinstance(value, list):
            for n, inner in enumerate(value):
                yield from walk(inner, f"{path}[{n}]")

    content = yaml.safe_load((ROOT / "portal" / "programme" / "default.yaml").read_text(encoding="utf-8"))
    one_language = ["maturity.five_rises"]  # names of a Chinese method; nothing shows them yet
    assert [p for p in walk(content, "") if not p.strip(".").startswith(tuple(one_language))] == []
