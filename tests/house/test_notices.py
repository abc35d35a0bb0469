"""One catalogue of everything people are told: each mail template has its entry, in both languages."""

import ast
import re

from portal import i18n
from portal.notices.rules import CATALOGUE
from portal.settings import ROOT


def templates() -> set[str]:
    folder = ROOT / "templates" / "mail"
    return {p.relative_to(folder).with_suffix("").as_posix() for p in folder.rglob("*.txt")}


def test_every_template_is_in_the_catalogue_and_the_other_way_round():
    assert templates() == set(CATALOGUE)


def test_every_kind_exists_in_both_languages():
    chinese = i18n.catalogue()
    for key, kind in CATALOGUE.items():
        for words in (kind.name, kind.why):
            assert words, key
            assert re.search(r"[\u4e00-\u9fff]", chinese.get(words, "")), f"{key}: {words}"


def test_nobody_mails_what_is_not_in_the_catalogue():
    sent = {
        node.args[1].value
        for package in ("portal", "training", "certification", "casebook")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "send_mail"
        and isinstance(node.args[1], ast.Constant)
    }
    assert sent == set(CATALOGUE)
