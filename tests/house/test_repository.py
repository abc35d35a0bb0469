"""What does not belong into the repository."""

import ast
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from portal.settings import ROOT

PACKAGES = ("portal", "training", "certification", "casebook", "demo", "migrations", "bench", "tests")
# In pieces, so that this file does not name what it looks for.
HOSTS = "|".join(("py" + "pi[.]org", "python" + "hosted[.]org", "npm" + "js[.]", "deb[.]" + "debian[.]"))
PLACES = "(^|[^A-Za-z0-9_.])/({})/[a-z.]".format(
    "|".join(("wo" + "rk", "fa" + "rm", "ro" + "ot", "home/[a-z]+"))
)
MOST_LINES = 600
MAY_BE_LONGER = {
    "casebook/briefs/pages.py": "the brand's pages and the provider's, on one set of forms",
    "demo/cast.py": "data: who is in the demo",
    "demo/story.py": "one story, told in order",
    "tests/casebook/test_briefs.py": "both sides of a long journey, each sharing its beginnings",
    "tests/casebook/test_cases.py": "as above",
    "tests/casebook/test_hostile_cases.py": "as test_hostile.py",
    "tests/portal/test_hostile.py": "every door, tried with the same bad things",
    "tests/certification/test_openbadges.py": "one suite beside one standard",
}


def files() -> list[Path]:
    """What is in the repository, and what is new and not ignored; in an unpacked archive, all but what tools made."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split("\0")
        return [ROOT / name for name in listed if name and (ROOT / name).is_file()]
    ignored = {line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
    return [
        p
        for p in ROOT.rglob("*")
        if p.is_file() and not any(part in ignored or part.endswith(".egg-info") for part in p.parts)
    ]


FILES = files()
TEXTS = [p for p in FILES if p.suffix not in (".jpg", ".png", ".svg", ".woff2", ".gz")]
PYTHON = [p for p in FILES if p.suffix == ".py" and p.relative_to(ROOT).parts[0] in PACKAGES]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("pattern", [HOSTS, PLACES], ids=["registry hosts", "machine paths"])
def test_no_file_names_what_is_not_the_projects(pattern):
    found = [
        f"{name_of(path)}:{n}"
        for path in TEXTS
        for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(pattern, line, re.IGNORECASE)
    ]
    assert found == [], "\n".join(found)


def test_no_lock_file_carries_addresses():
    names = {"uv.lock", "package-lock.json", "yarn.lock", "poetry.lock", "pnpm-lock.yaml", "Pipfile.lock"}
    assert [name_of(p) for p in FILES if p.name in names] == []
    for lock in ("requirements.lock", "requirements-dev.lock"):
        lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if "://" in line or line.startswith("-")] == []


def test_every_requirement_is_pinned_with_its_hashes():
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = re.sub(r"\\\n\s*", " ", (ROOT / lock).read_text(encoding="utf-8"))
        entries = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
        assert len(entries) > 30
        assert [
            e for e in entries if not re.match(r"[\w.\[\],-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", e)
        ] == []


def test_nothing_somebody_else_wrote_or_a_tool_made():
    folders = {"node_modules", "vendor", "third_party", "dist", "build", "__pycache__"}
    found = [
        name_of(p)
        for p in FILES
        if re.search(r"\.min\.(js|css)$|\.(pyc|map|orig|rej|db)$", p.name)
        or folders & set(p.relative_to(ROOT).parts)
    ]
    assert found == [], "\n".join(found)


def test_no_file_is_packed_into_long_lines():
    """What people write has lines; what a tool packed has not."""
    found = [
        f"{name_of(p)}:{n}"
        for p in FILES
        if p.suffix in (".js", ".css", ".py")
        for n, line in enumerate(p.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > 1000
    ]
    assert found == [], "\n".join(found)


def test_every_module_says_what_it_is():
    found = [
        name_of(path)
        for path in PYTHON
        if (text := path.read_text(encoding="utf-8")).strip() and not ast.get_docstring(ast.parse(text))
    ]
    assert found == [], "\n".join(found)


def test_no_source_file_is_too_long():
    long = {
        name_of(p)
        for p in FILES
        if p.suffix in (".py", ".js", ".css", ".html")
        and "migrations/versions" not in name_of(p)
        and len(p.read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }
    assert sorted(long - set(MAY_BE_LONGER)) == []


def test_every_file_ends_with_a_line_and_holds_no_carriage_return():
    found = [
        name_of(p)
        for p in TEXTS
        if (content := p.read_bytes()) and (b"\r" in content or not content.endswith(b"\n"))
    ]
    assert found == [], "\n".join(found)


def test_nothing_waits_to_be_done():
    """What is not done is an issue, not a remark."""
    words = "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK"))
    found = [
        f"{name_of(p)}:{n}"
        for p in FILES
        if p.suffix in (".py", ".js", ".css", ".html", ".yaml", ".toml", ".md")
        for n, line in enumerate(p.read_text(encoding="utf-8").splitlines(), 1)
        if re.search(rf"\b({words})\b", line)
    ]
    assert found == [], "\n".join(found)
