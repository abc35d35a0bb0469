"""Who may write, ask, read the clock and the environment; what rules may know."""

import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal.settings import ROOT

PACKAGES = ("portal", "training", "certification", "casebook", "demo")
FILES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))
RULES = [p for p in FILES if p.name == "rules.py"]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """(dotted name, call) of every call in a file: `session.commit`, `select`, `datetime.now`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def places(wrong: Callable[[str, ast.Call], bool], allowed: dict[str, str]) -> list[str]:
    """Where it is done, outside the files that may; each of those says why, and must still do it."""
    found = [(name_of(p), name, call) for p in FILES for name, call in calls(p) if wrong(name, call)]
    idle = set(allowed) - {path for path, _, _ in found}
    assert not idle, f"no exception is needed any more for {idle}"
    return [f"{path}:{call.lineno} {name}" for path, name, call in found if path not in allowed]


def test_only_the_transaction_commits():
    allowed = {"portal/db.py": "the one place"}
    assert (
        places(lambda name, _: name.rpartition(".")[2] in ("commit", "begin") and "session" in name, allowed)
        == []
    )


def test_only_queries_ask():
    def asks(name: str, call: ast.Call) -> bool:
        last = name.rpartition(".")[2]
        if last in ("exec", "execute", "scalar", "scalars", "query"):
            written = ast.unparse(call.args[0]) if call.args else ""
            return not written.startswith(("delete(", "update(", "insert("))
        return name in ("select", "sqlmodel.select", "sqlalchemy.select", "text") and last != "text"

    def in_queries(name: str, call: ast.Call) -> bool:
        return asks(name, call)

    found = [
        f"{name_of(p)}:{call.lineno} {name}"
        for p in FILES
        if p.name != "queries.py" and name_of(p) not in ASKS_ELSEWHERE
        for name, call in calls(p)
        if in_queries(name, call)
    ]
    assert found == []


ASKS_ELSEWHERE = {"portal/db.py": "sets the database up"}


def test_only_actions_write():
    """Rows are added, removed and flushed by actions; a story that is told is one long action."""

    def writes(name: str, _: ast.Call) -> bool:
        owner, _, last = name.rpartition(".")
        return owner.endswith("session") and last in ("add", "add_all", "delete", "merge", "flush")

    found = [
        f"{name_of(p)}:{call.lineno} {name}"
        for p in FILES
        if p.name != "actions.py" and name_of(p) not in WRITES_ELSEWHERE
        for name, call in calls(p)
        if writes(name, call)
    ]
    assert found == []


WRITES_ELSEWHERE = {"demo/story.py": "tells what happened before there was a portal"}


def test_only_the_clock_reads_the_clock():
    def reads(name: str, _: ast.Call) -> bool:
        return (
            name.rpartition(".")[2] in ("utcnow", "today")
            and name != "clock.today"
            or name
            in (
                "datetime.now",
                "datetime.datetime.now",
                "time.time",
                "time.time_ns",
                "time.localtime",
                "time.gmtime",
            )
        )

    assert places(reads, {"portal/clock.py": "the one place"}) == []


def test_only_settings_read_the_environment():
    found = [
        f"{name_of(p)}:{node.lineno}"
        for p in FILES
        for node in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv", "os.putenv")
    ]
    assert found == []


def test_annotations_are_not_strings():
    """They would break handlers, tables and forms."""
    found = [
        name_of(p)
        for p in FILES
        for node in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    assert found == []


def test_rules_import_nothing_heavy():
    """Each in a fresh interpreter: what one rule drags in, another must not hide."""
    heavy = ["litestar", "sqlmodel", "sqlalchemy", "dramatiq", "pydantic", "jinja2", "numpy"]
    script = (
        "import importlib, sys\n"
        "start = set(sys.modules)\n"
        "for name in sys.argv[1].split(','):\n"
        "    for loaded in set(sys.modules) - start: del sys.modules[loaded]\n"
        "    importlib.import_module(name)\n"
        "    print(name, *[h for h in sys.argv[2].split(',') if h in sys.modules])\n"
    )
    modules = [".".join(p.relative_to(ROOT).with_suffix("").parts) for p in RULES]
    assert len(modules) > 8
    done = subprocess.run(
        [sys.executable, "-c", script, ",".join(modules), ",".join(heavy)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if " " in line] == []
    assert len(done.stdout.splitlines()) == len(modules)


def test_the_import_contracts_hold():
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 kept, 0 broken" in done.stdout


@pytest.mark.parametrize("path", RULES, ids=name_of)
def test_rules_are_told_the_time(path):
    """Pure functions: no clock, no files read while they decide, no randomness that nobody seeded."""
    wrong = [
        f"{path}:{call.lineno} {name}"
        for name, call in calls(path)
        if name in ("clock.now", "open", "random.random", "random.choice", "random.shuffle", "print")
    ]
    assert wrong == []
