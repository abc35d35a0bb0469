"""Two languages out of one text; HTML of strangers becomes harmless, and plain wherever nothing is lost."""

import base64
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certification.banks.markup import Laundry, Text, clean, escaped, plain_of, settle, text_of
from certification.banks.pictures import is_picture
from certification.banks.rendering import TAGS
from tests.certification.forms import plain
from tests.hostile_files import every, jpeg, png

SPAN = '<span lang="%s" class="multilang">%s</span>'


@pytest.mark.parametrize(
    ("raw", "html", "zh", "en"),
    [
        ("alone", False, "alone", "alone"),
        ("{mlang zh_cn}甲{mlang}{mlang en}a{mlang}", False, "甲", "a"),
        ("x {mlang en}a{mlang} y {mlang zh}甲{mlang} z", False, "x a y 甲 z", "x a y 甲 z"),
        (
            "{mlang en}a{mlang}{mlang zh}甲{mlang} and {mlang en}b{mlang}{mlang zh}乙{mlang}",
            False,
            "甲 and 乙",
            "a and b",
        ),
        ("{mlang de}ä{mlang}{mlang fr}é{mlang}", False, "ä", "ä"),
        ("{mlang de}ä{mlang}{mlang other}o{mlang}", False, "o", "o"),
        ("{mlang en,de}a{mlang}{mlang zh}甲{mlang}", False, "甲", "a"),
        (SPAN % ("en", "a <span>b</span>") + " " + SPAN % ("zh_cn", "甲"), True, "甲", "a <span>b</span>"),
        ("<p>" + SPAN % ("zh", "甲") + SPAN % ("en", "a") + "</p>", True, "<p>甲</p>", "<p>a</p>"),
        (SPAN % ("en", "a"), True, "a", "a"),
        (SPAN % ("en", "a"), False, SPAN % ("en", "a"), SPAN % ("en", "a")),
        ("{mlang en}never closed", False, "never closed", "never closed"),
    ],
)
def test_two_languages_in_one_text(raw, html, zh, en):
    text = text_of(raw, html=html)
    assert (text.zh, text.en) == (zh, en)


@pytest.mark.parametrize(
    ("raw", "kept", "said"),
    [
        ("<p>a</p><script>x()</script>", "<p>a</p>", ["Left out: a script."]),
        ('<a href="https://x.example">a</a>', "a", ["Left out: the address of a link."]),
        ('<p style="color:red" onclick="x()" class="c">a</p>', "<p>a</p>", []),
        ("<div>a</div><h2>b</h2>", "<p>a</p><p>b</p>", []),
        ("<svg onload=x()><text>t</text></svg>a", "a", ["Left out: a drawing."]),
        ('<video src="v.mp4">no film</video>a', "a", ["Left out: sound or film."]),
        ('<table><tr><td colspan="2" width="9">a</td></tr></table>', '<table><tbody><tr><td colspan="2">a</td></tr></tbody></table>', []),
        ("<p> </p><p>a<br></p><p>&nbsp;</p>", "<p>a<br></p>", []),
        ('<img src="https://x.example/a.png">a', "a", ["Left out: a picture that is not in the file, too large, or neither PNG, JPEG, GIF nor WebP."]),
        ('<img src="javascript:x()">a', "a", []),
        ('<img src="picture:elsewhere.png">a', "a", ["Left out: a picture that is not in the file, too large, or neither PNG, JPEG, GIF nor WebP."]),
    ],
)  # fmt: skip
def test_what_is_kept_of_html(raw, kept, said):
    laundry = Laundry()
    assert (clean(raw, laundry), [str(s) for s in laundry.left_out]) == (kept, said)


def test_pictures_that_came_along_or_stand_in_the_text():
    laundry = Laundry({"a/dot.png": png(), "b/dot.png": png(3, 3), "no.svg": b"<svg/>"}.get)
    data = "data:image/jpeg;base64," + base64.b64encode(jpeg()).decode()
    raw = f'<img src="a/dot.png"><img alt="x" src="b/dot.png"><img src="a/dot.png"><img src="{data}"><img src="no.svg">'
    assert clean(raw, laundry) == (
        '<img src="picture:dot.png" alt=""><img src="picture:dot-2.png" alt="x">'
        '<img src="picture:dot.png" alt=""><img src="picture:picture" alt="">'
    )
    assert laundry.pictures == {"dot.png": png(), "dot-2.png": png(3, 3), "picture": jpeg()}
    assert len(laundry.left_out) == 1


def test_pictures_are_known_by_what_they_are():
    gif = b"GIF89a\1\0\1\0\0\0\0;"
    webp = b"RIFF" + (16).to_bytes(4, "little") + b"WEBPVP8 " + b"\0" * 8
    assert [is_picture(p) for p in (png(), jpeg(), gif + b";", webp)] == [True] * 4
    broken = [
        png()[:-4],
        jpeg()[:-2],
        b"GIF89a/*\1\0*/=1;alert(1)//",
        webp[:-1],
        b"",
        b"x" * 100,
        png() + b"\0" * 2**21,
    ]
    assert [is_picture(p) for p in broken] == [False] * 7
    kept = [u for u in every() if not u.harmless and is_picture(u.content)]
    assert {u.family for u in kept} <= {"ending that lies", "another kind", "another kind that says PDF"}


tags = st.sampled_from(
    ["p", "b", "a href='x'", "img src=x", "td", "table", "script", "svg", "li", "pre", "style", "p x"]
)
markup = st.lists(
    st.one_of(tags.map(lambda t: f"<{t}>"), tags.map(lambda t: f"</{t}>"), plain), max_size=15
).map("".join)


@settings(deadline=None, max_examples=150)
@given(markup)
def test_cleaned_html_is_harmless_and_stays_as_it_is(raw):
    once = clean(raw, Laundry())
    assert clean(once, Laundry()) == once
    assert {t.lower() for t in re.findall(r"</?([a-zA-Z]+)", once)} <= TAGS
    assert "picture:" not in once or "picture:" in raw


@settings(deadline=None, max_examples=100)
@given(plain)
def test_plain_text_comes_back_from_html(text):
    assert plain_of(escaped(text), exact=True) == text


def test_lines_alone_are_plain_text():
    def settled(*texts):
        return settle([Text(t, t, html=True) for t in texts], Laundry())

    assert settled("<p>a &lt; b</p>\n<p>c<br>d</p>") == (
        "plain",
        [{"zh": "a < b\nc\nd", "en": "a < b\nc\nd"}],
    )
    assert settled("<p>a</p>", "<b>b</b>") == (
        "html",
        [{"zh": "<p>a</p>", "en": "<p>a</p>"}, {"zh": "<b>b</b>", "en": "<b>b</b>"}],
    )
