"""Damaged and invented files: a sentence or questions, never a crash or a wait; nothing is lost without a line."""

import os
import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from certification.banks.form import QuestionFile, check
from certification.banks.readers import Format, read_questions
from certification.banks.writers import write_questions
from portal.files.reading import UnreadableFileError
from tests.certification import bank_files as files
from tests.certification.forms import forms

POOL = Path(__file__).resolve().parents[2].parent / "shared" / "question-banks"
SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
CALM = settings(
    deadline=None, suppress_health_check=list(HealthCheck), max_examples=3000 if SOAK else 60, database=None
)
LONGEST = 2.0  # seconds of computing for any file


def read(name: str, content: bytes, named: str | None = None) -> QuestionFile | None:
    """What is read; None when it was refused. Whatever is read is whole."""
    start = time.process_time()
    try:
        found = read_questions(name, content, named)
    except UnreadableFileError:
        found = None
    assert time.process_time() - start < LONGEST
    for question in found.questions if found else []:
        check(question)
        assert len(question.content_hash) == 64
    if found:
        assert len({q.code for q in found.questions}) == len(found.questions)
        assert all(str(s.place) and str(s.reason) for s in [*found.skipped, *found.remarks])
    return found


def samples() -> dict[str, bytes]:
    own = {
        "bank.xml": files.MOODLE.encode(),
        "bank.gift": files.GIFT.encode(),
        "bank.txt": files.AIKEN.encode(),
        "bank.csv": files.COLUMNS.encode(),
        "three.xml": files.QTI3.encode(),
        "package.zip": files.qti_package(),
        "canvas.zip": files.canvas_package(),
        "canvas.xml": files.CANVAS.encode(),
        "blackboard.xml": files.BLACKBOARD.encode(),
        **{f"{name}.xml": content.encode() for name, (content, _, _) in files.QTI_ITEMS.items()},
    }
    theirs = (
        [p for p in sorted(POOL.rglob("*")) if p.suffix in (".gift", ".xml", ".zip")] if POOL.exists() else []
    )
    return own | {path.name: path.read_bytes() for path in theirs}


SAMPLES = samples()


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Bytes turned, cut out, doubled, or put in from among what formats are made of."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice((1, 2, 10, 200)))
        how = rng.randrange(5)
        if how == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif how == 1:
            del data[at:end]
        elif how == 2:
            data[at:at] = data[at:end] * rng.choice((1, 3))
        elif how == 3:
            data[at:at] = rng.choice(PIECES)
        else:
            del data[at:]
    return bytes(data)


PIECES = [
    *(
        b"<",
        b">",
        b"&amp;",
        b"&x;",
        b"]]>",
        b"<!--",
        b"<![CDATA[",
        b"<!DOCTYPE a [",
        b"\0",
        b"\xff",
        b"{",
        b"}",
        b"::",
    ),
    *(
        b"=",
        b"~",
        b"#",
        b"%999999%",
        b"->",
        b"####",
        b"\\",
        b"\n\n",
        b"ANSWER: A\n",
        b'"',
        b"'",
        b";",
        b"1e999",
        b"nan",
    ),
    *(
        b"inf",
        b"-1",
        b"9" * 400,
        b"{mlang en}",
        b'<span class="multilang" lang="en">',
        b"@@PLUGINFILE@@/",
        b"data:,",
    ),
]


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_damaged_files(name):
    rng = random.Random(name)
    for _ in range(400 if SOAK else 6):
        content = damaged(SAMPLES[name], rng)
        read(name, content)
        read(name, content, rng.choice(list(Format)))


@CALM
@given(
    st.lists(st.sampled_from([p.decode("latin-1") for p in PIECES] + list("abT \n:.()")), max_size=60).map(
        "".join
    )
)
def test_invented_texts(text):
    for named in Format:
        read("file", text.encode(), named)
    read("file.gift", text.encode())


names = [
    "quiz",
    "question",
    "questiontext",
    "text",
    "answer",
    "subquestion",
    "category",
    "name",
    "single",
    "file",
    "tag",
]
names += [
    "questestinterop",
    "item",
    "presentation",
    "material",
    "mattext",
    "response_lid",
    "response_str",
    "render_choice",
]
names += [
    "response_label",
    "resprocessing",
    "respcondition",
    "conditionvar",
    "varequal",
    "vargte",
    "setvar",
    "section",
]
names += [
    "assessmentItem",
    "itemBody",
    "responseDeclaration",
    "correctResponse",
    "value",
    "choiceInteraction",
    "mapping",
]
names += [
    "simpleChoice",
    "matchInteraction",
    "simpleMatchSet",
    "simpleAssociableChoice",
    "textEntryInteraction",
    "mapEntry",
]
names += [
    "responseProcessing",
    "responseIf",
    "match",
    "equal",
    "baseValue",
    "variable",
    "setOutcomeValue",
    "p",
    "img",
]
attributes = st.dictionaries(
    st.sampled_from(
        ["type", "fraction", "format", "identifier", "responseIdentifier", "ident", "respident", "baseType"]
    ),
    st.sampled_from(
        ["", "multichoice", "numerical", "matching", "100", "nan", "RESPONSE", "A", "identifier", "float"]
    ),
    max_size=3,
)
elements = st.recursive(
    st.sampled_from(["", "1", "A", "A B", "text", "<![CDATA[<b>x</b>]]>", "&lt;p&gt;"]),
    lambda inside: st.tuples(st.sampled_from(names), attributes, st.lists(inside, max_size=4)).map(
        lambda e: (
            "<" + " ".join([e[0], *(f'{k}="{v}"' for k, v in e[1].items())]) + f">{''.join(e[2])}</{e[0]}>"
        )
    ),
    max_leaves=20,
)


@CALM
@given(
    root=st.sampled_from(["quiz", "questestinterop", "assessmentItem"]), inside=st.lists(elements, max_size=4)
)
def test_invented_documents(root, inside):
    found = read("a.xml", f"<{root}>{''.join(inside)}</{root}>".encode())
    assert found is not None
    if root == "quiz":  # each <question> but a category is a question or a line
        from lxml import etree

        tree = etree.fromstring(f"<quiz>{''.join(inside)}</quiz>")
        asked = [q for q in tree.findall("question") if (q.get("type") or "") != "category"]
        assert len(found.questions) + len(found.skipped) == len(asked)


@CALM
@given(form=forms(), seed=st.integers(0, 2**32), named=st.sampled_from(["moodle", "qti", "csv"]))
def test_damaged_exports(form, seed, named):
    read("bank", damaged(write_questions([form], named), random.Random(seed)))


@pytest.mark.parametrize(
    "content",
    [
        b"{" * 200_000,
        b"::" * 200_000,
        b"a{=b}" * 100_000,
        b"~=#" * 200_000 + b"{",
        b"q{" + b"=a->b" * 20_000 + b"}",
        b"q{" + b"".join(b"=%d->%d" % (n, n) for n in range(20_000)) + b"}",
        b"<quiz><question type='matching'>" + b"".join(b"<subquestion><text>%d</text><answer><text>%d</text></answer></subquestion>" % (n, n) for n in range(10_000)) + b"</question></quiz>",
        b"{mlang en" * 100_000,
        b"[html]" + b"<span lang=en class=multilang>" * 3_000 + b"{T}",
        b"[html]" + b"<img src=" * 9_000 + b"{T}",
        b"[html]" + b"<b><p><i>" * 3_000 + b"{T}",
        b"[markdown]" + b"[" * 20_000 + b"{T}",
        b"[markdown]" + b"*a_" * 20_000 + b"{T}",
        b"[markdown]" + b"> " * 5_000 + b"{T}",
        b"q{#" + b"1" * 100_000 + b"}",
        b"\\" * 300_000 + b"{T}",
        b"//[id:" * 100_000,
        b"\n" * 500_000 + b"x{T}",
        b"A. x\n" * 100_000,
        b"x\nA. a\nB. b\nANSWER: " + b"A," * 100_000,
        b"'" * 300_000,
        b"stem,option_1\n" + b'"' * 100_000,
        b"- " * 3_000,
        b"[" * 100_000,
        b"{a: " * 3_000,
        b"<quiz>" + b"<question type='x'/>" * 10_000 + b"</quiz>",
        b"<quiz><question type='multichoice'><questiontext named='html'><text>" + b"&lt;b>" * 60_000 + b"</text></questiontext></question></quiz>",
        b"<?xml " + b"<" * 500_000,
        b"<!--" * 200_000,
        b"<questestinterop>" + b"<section>" * 200 + b"<item/>" * 2_000 + b"</section>" * 200 + b"</questestinterop>",
        b"<assessmentItem><itemBody>" + b"<textEntryInteraction/>" * 20_000 + b"</itemBody></assessmentItem>",
    ],
)  # fmt: skip
def test_files_that_would_take_long(content):
    read("a.gift" if b"{T}" in content else "a", content)
    for named in ("gift", "aiken", "csv", "own", "pool") if not content.startswith(b"<") else (None,):
        read("a", content, named)
