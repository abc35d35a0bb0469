"""Questions of every kind, drawn at random: what a bank may hold."""

from hypothesis import strategies as st

from certification.banks.form import TRUE_FALSE, QuestionForm
from certification.banks.markup import Laundry, clean
from tests.hostile_files import jpeg, png

PICTURES = {"a.png": png(), "b-2.png": png(3, 3), "foto.jpg": jpeg()}
# Signs that formats use, both scripts, white space, and letters outside the first plane.
ODD = [
    *"ab Z9.,;:|=~#{}[]<>&\"'\\/*%$@-+_()!?\t的问题。，“𠮷é",
    "\n",
    "{mlang zh}",
    "&amp;",
    "A. ",
    "@@PLUGINFILE@@/x",
]
line = st.lists(st.sampled_from([o for o in ODD if o not in "\n\t"]), min_size=1, max_size=8).map(
    lambda parts: " ".join("".join(parts).split()) or "x"
)
plain = st.lists(st.sampled_from(ODD), min_size=1, max_size=12).map(
    lambda parts: "".join(parts).strip() or "x"
)
inner = st.recursive(
    plain.map(lambda t: t.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")),
    lambda more: st.tuples(
        st.sampled_from(["p", "b", "em", "sub", "code", "pre", "ul", "li", "table", "tr", "td", "span"]),
        st.lists(more, min_size=1, max_size=3),
    ).map(lambda e: f"<{e[0]}>{''.join(e[1])}</{e[0]}>"),
    max_leaves=4,
)
picture = st.sampled_from(
    ["", "", '<img src="picture:a.png" alt="a &quot;b&quot; &gt;">', '<br><img src="picture:foto.jpg">']
)
numbers = st.one_of(
    st.integers(-1000, 1000).map(float),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0),  # no number is minus nought
    st.sampled_from([0.1, 3.14]),
)


def _clean(raw: str) -> str:
    return clean(raw, Laundry(pictures=dict(PICTURES))) or "x"


html = st.tuples(inner, picture, inner).map(lambda parts: _clean("".join(parts)))


@st.composite
def forms(draw: st.DrawFn, code: str = "Q") -> QuestionForm:
    kind = draw(
        st.sampled_from(["one", "several", "true_false", "order", "match", "numeric", "short", "long"])
    )
    markup = draw(st.sampled_from(["plain", "plain", "html"]))
    texts = plain if markup == "plain" else html

    def both() -> dict:
        zh = draw(texts)
        return {"zh": zh, "en": draw(st.one_of(st.just(zh), texts))}

    def listed(least: int, most: int) -> list[dict]:
        """Different in both languages."""
        found = []
        for _ in range(draw(st.integers(least, most))):
            text = both()
            while any(text["zh"] == f["zh"] or text["en"] == f["en"] for f in found):
                text = {language: f"{said}{len(found)}" for language, said in text.items()}
            found.append({n: _clean(t) if markup == "html" else t for n, t in text.items()})
        return found

    more: dict = {"markup": markup}
    options: list[dict] = []
    key: list[int] = []
    if kind in ("one", "several"):
        options = [o | ({"fixed": True} if draw(st.booleans()) else {}) for o in listed(2, 5)]
        least = 1 if kind == "one" else 2
        key = sorted(
            draw(st.sets(st.integers(1, len(options)), min_size=least, max_size=1 if kind == "one" else 4))
        )
    elif kind == "true_false":
        options, key = [dict(o) for o in TRUE_FALSE], [draw(st.sampled_from([1, 2]))]
    elif kind == "order":
        options = listed(2, 5)
        key = list(range(1, len(options) + 1))
    elif kind == "match":
        options = listed(2, 4)
        more["prompts"] = listed(1, 4)
        key = [draw(st.integers(1, len(options))) for _ in more["prompts"]]
    elif kind == "numeric":
        pairs = draw(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=3))
        more["accept"] = [{"low": min(p), "high": max(p)} for p in pairs]
    elif kind == "short":
        more["accept"] = [{"text": t} for t in draw(st.lists(line, min_size=1, max_size=3, unique=True))]
        more["case"] = draw(st.booleans())
    else:
        more["rubric"] = [
            {**both(), "points": draw(st.integers(1, 9))} for _ in range(draw(st.integers(1, 3)))
        ]
    shown = {name for name in PICTURES if name in str((options, more))}
    stem = both()
    why = draw(st.sampled_from([{"zh": "", "en": ""}, both()]))
    shown |= {name for name in PICTURES if name in str((stem, why))}
    used = {name for name in shown if f"picture:{name}" in str((options, more, stem, why))}
    return QuestionForm(
        code,
        draw(st.sampled_from(["T", "TRK-01", "主题/一"])),
        draw(st.sampled_from(["T", "TRK-01/M1", "组 1"])),
        draw(st.integers(1, 9)),
        kind,
        stem,
        options,
        key,
        why,
        points=sum(r["points"] for r in more["rubric"]) if kind == "long" else draw(st.integers(1, 100)),
        pictures={name: PICTURES[name] for name in PICTURES if name in used} if markup == "html" else {},
        enemies=draw(st.lists(line, max_size=2, unique=True)),
        tags=draw(st.lists(line, max_size=2, unique=True)),
        **more,
    )


banks = st.integers(1, 3).flatmap(lambda n: st.tuples(*(forms(f"Q-{i}/甲") for i in range(n)))).map(list)
