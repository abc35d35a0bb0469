"""Who may write, ask, read the clock and the environment; what rules may know."""

import ast
import re
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
    """`session.get` finds by key; every other question stands in a `queries.py`."""
    found = [
        f"{name_of(p)}:{call.lineno} {name}"
        for p in FILES
        if p.name != "queries.py" and name_of(p) not in NOT_ASKING
        for name, call in calls(p)
        if name in ("select", "sqlmodel.select", "sqlalchemy.select", "aliased")
        or (name.rpartition(".")[2] in SENDS and not (p.name == "actions.py" and changes(call, p)))
    ]
    assert found == [], "\n".join(found)


SENDS = ("exec", "execute", "exec_driver_sql", "scalar", "scalars", "query")
NOT_ASKING = {"portal/db.py": "pragmas and BEGIN of SQLite"}


def changes(call: ast.Call, path: Path) -> bool:
    """The statement is a DELETE, an UPDATE or an INSERT, written there or named there."""
    written = ast.unparse(call.args[0]) if call.args else ""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == written:
            written = ast.unparse(node.value)
    return bool(re.match(r"""(text\(['"])?(delete|update|insert)\b""", written, re.IGNORECASE))


def test_only_actions_write():
    """A job that keeps its own row's state, and a story that is told, are the exceptions."""

    def writes(name: str, call: ast.Call) -> bool:
        owner, _, last = name.rpartition(".")
        return (owner == "session" or owner.endswith(".session")) and (
            last in ("add", "add_all", "delete", "merge", "bulk_save_objects")
        )

    found = [
        f"{name_of(p)}:{call.lineno} {name}"
        for p in FILES
        if p.name != "actions.py" and name_of(p) not in WRITES_TOO
        for name, call in calls(p)
        if writes(name, call)
    ]
    assert found == [], "\n".join(found)


WRITES_TOO = {"demo/story.py": "tells what happened before there was a portal"}


def test_only_the_clock_reads_the_clock():
    reading = ("now", "utcnow", "today", "fromtimestamp")
    names = {
        f"{kind}.{name}"
        for kind in ("datetime", "datetime.datetime", "date", "datetime.date")
        for name in reading
    }
    names |= {f"time.{name}" for name in ("time", "time_ns", "localtime", "gmtime", "ctime", "strftime")}

    def reads(name: str, _: ast.Call) -> bool:
        return name in names

    assert places(reads, {"portal/clock.py": "the one place"}) == []


def test_only_settings_read_the_environment():
    found = [
        f"{name_of(p)}:{node.lineno}"
        for p in FILES
        for node in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv", "os.putenv")
    ]
    assert found == [], "\n".join(found)


def test_annotations_are_not_strings():
    """They would break handlers, tables and forms."""
    found = [
        name_of(p)
        for p in FILES
        for node in ast.walk(ast.parse(p.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module == "__future__"
    ]
    assert found == [], "\n".join(found)


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
