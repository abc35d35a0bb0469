"""Every template compiles, and somebody shows it."""

import re

from portal.settings import ROOT
from portal.web.html import environment

PACKAGES = ("portal", "training", "certification", "casebook")


def test_every_template_compiles():
    names = environment().list_templates()
    assert len(names) > 60
    for name in names:
        environment().get_template(name)


def test_every_template_is_shown_by_somebody():
    code = "\n".join(p.read_text(encoding="utf-8") for d in PACKAGES for p in (ROOT / d).rglob("*.py"))
    sources = {
        p.relative_to(ROOT / "templates").as_posix(): p.read_text(encoding="utf-8")
        for p in (ROOT / "templates").rglob("*.*")
    }
    named = set(re.findall(r'"([\w/]+\.(?:html|svg))"', code))
    named |= {f"mail/{name}.txt" for name in re.findall(r'send_mail\(\s*session,\s*"([\w/]+)"', code)}
    # A template that shows only itself, or one that nobody shows, is not shown.
    shown: set[str] = set()
    waiting = named & set(sources)
    while waiting:
        shown |= waiting
        waiting = {
            name for of in waiting for name in re.findall(r'"([\w/]+\.html)"', sources[of]) if name in sources
        } - shown
    assert sorted(set(sources) - shown) == []
    assert sorted(named - set(sources)) == []
