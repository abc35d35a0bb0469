"""The programme file: what is wrong is said with its line; every value that differs is listed."""

import copy
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from certification.sandbox.actions import known
from portal.programme.actions import DEFAULT
from portal.programme.checking import check
from portal.programme.difference import ORDER, difference, entries, labels
from portal.programme.lines import read, replaced
from portal.programme.rules import stringed

TEXT = DEFAULT.read_text(encoding="utf-8")
CONTENT = stringed(yaml.safe_load(TEXT))
KNOWN = known()
OPERATOR = ("families", "operator", "metrics")


def line_of(start: str, text: str = TEXT) -> int:
    return next(n for n, row in enumerate(text.split("\n"), 1) if row.strip().startswith(start))


def said(text: str) -> list[str]:
    return [str(p) for p in check(text, KNOWN)]


def test_the_file_of_this_release_is_sound_and_read_as_it_is_kept():
    top, unread = read(TEXT)
    assert (check(TEXT, KNOWN), unread) == ([], ())
    assert top.plain() == CONTENT


STAFF = line_of("- {key: staff_certified")
WRONG = [
    ("weight: 12, levels: {3: [2, 3]", "weight: 13, levels: {3: [2, 3]", line_of("metrics:      #"), "The weights of operator add up to 101, not to 100."),
    ("levels: {3: [2, 3],       4: [6, 8]", "levels: {3: [4, 3],       4: [6, 8]", STAFF, "staff_certified at 3★: the gate 4 is above the target 3."),
    ("levels: {3: [2, 3],       4: [6, 8]", "levels: {3: [7, 7],       4: [6, 8]", STAFF, "staff_certified: the gate falls from 3★ to 4★."),
    ("levels: {3: [2, 3],       4: [6, 8]", "levels: {3: [2, 9],       4: [6, 8]", STAFF, "staff_certified: the target falls from 3★ to 4★."),
    ("key: staff_certified, ", "key: staff_certifed, ", STAFF, "Nothing computes the metric “staff_certifed”."),
    ("weight: 12, levels", "weight: twelve, levels", STAFF, "families.operator.metrics.staff_certified.weight must be a number."),
    ("weight: 12, levels", "weihgt: 12, levels", STAFF, "Nothing reads “weihgt” here; did you mean “weight”?"),
    ("pass_score: {3: 70, 4: 80, 5: 85}", "pass_score: {3: 90, 4: 80, 5: 85}", line_of("pass_score:"), "The pass score falls from 3★ to 4★."),
    ("conduct_min: 90", "conduct_min: 70", line_of("5: {org_verified"), "“conduct_min” is looser at 5★ than at 4★."),
    ("{org_verified: true, conduct_min: 70,", "{org_verified: true, conduct_least: 70,", line_of("3: {org_verified"), "Nothing computes the hard gate “conduct_least”."),
    ("tracks: [TRK-01, TRK-02, TRK-11]", "tracks: [TRK-01, TRK-99, TRK-11]", line_of("- {code: P1"), "There is no track TRK-99."),
    ("needs: [P1], paper", "needs: [P3], paper", line_of("- {code: P2"), "The certificate P2 needs itself in the end."),
    ("capability: 25,", "capability: 24,", line_of("weights: {capability"), "The weights of a match add up to 99, not to 100."),
    ('from: "08-01"', 'from: "02-31"', line_of("- {key: recruit"), "“02-31” is no day of the year."),
    ("guarantee_alpha: 0.20", "guarantee_alpha: 0.30", line_of("guarantee_alpha"), "More is guaranteed than the fair places of a shortlist can give."),
    ("stars: {1: 1, 2: 1, 3: 2, 4: 5, 5: 10}", "stars: {1: 1, 2: 1, 3: 2, 4: 5, 6: 10}", line_of("- {key: sandbox"), "Nothing reads “6” here."),
    ("    staff_void: ", "    staff_viod: ", line_of("staff:"), "The right “staff_void” is missing from the table."),
    ("  validity_d: 365", "  validity_d: 365\n  validity_d: 366", line_of("validity_d") + 1, "“validity_d” stands here a second time; the first is in line " + str(line_of("validity_d")) + "."),
    ("en: Live streaming}", "en: Live, streaming}", line_of("live-stream:"), "This has no value; a text with a comma in it needs quotes."),
    ("hold_days_before_upgrade: 14", "hold_days_before_upgrade: .nan", line_of("hold_days"), "scoring.hold_days_before_upgrade must be a number."),
    ("nomination: submit,", "nomination: sumbit,", line_of("{nomination: submit"), "The season has no phase “sumbit”."),
    ("attainment: 30, review: 20,", "attainment: 30, review: 21,", line_of("- {key: case_of_the_year"), "The weights of the award “case_of_the_year” add up to 101, not to 100."),
    ("scoring:\n", "scoring: &s\n", 0, ""),
    ("conduct:\n", "conduct: *s\n", TEXT.split("\n").index("conduct:") + 1, "Write it out: a reference such as *name is not read here."),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "sentence"), WRONG)
def test_each_fault_is_said_with_its_line(old, new, line, sentence):
    assert old in TEXT
    text = TEXT.replace(old, new, 1)
    assert (said(text) == []) if not sentence else (f"line {line}: {sentence}" in said(text))


@pytest.mark.parametrize("section", ["notice", "rights", "families", "season"])
def test_no_section_can_be_left_out(section):
    rows = TEXT.split("\n")
    start = next(i for i, row in enumerate(rows) if row.startswith(f"{section}:"))
    end = next(
        (i for i in range(start + 1, len(rows)) if rows[i][:1].strip() and rows[i][0] != "#"), len(rows)
    )
    assert (
        f"line 3: The file lacks “{section}”." in said("\n".join(rows[:start] + rows[end:]))
        or section == "version"
    )


@pytest.mark.parametrize(
    "text", ["", "{", "- 1", "a: b: c", "[" * 300, "x: \x00", "? {a: 1}\n: 2", "3: !!python/none x"]
)
def test_hostile_texts_get_sentences(text):
    assert said(text) != []


@settings(max_examples=10, deadline=None)
@given(st.data())
def test_a_broken_leaf_never_crashes_and_is_never_sound(data):
    """Any value of the file replaced by another kind of thing."""
    content = copy.deepcopy(CONTENT)
    place, way = content, []
    while isinstance(place, dict | list) and place:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        way.append(key)
        parent, place = place, place[key]
    parent[way[-1]] = data.draw(st.sampled_from([[], {}, {"x": [1]}, None]))
    text = yaml.dump(content, Dumper=yaml.CSafeDumper, allow_unicode=True)
    if content != CONTENT and parent[way[-1]] is not None:
        assert check(text, KNOWN) != []


def test_numbers_are_written_into_their_places_and_comments_stay():
    top, _ = read(TEXT)
    text = replaced(
        TEXT,
        top,
        {
            (*OPERATOR, "staff_certified", "levels", "4", "1"): "9",
            (*OPERATOR, "staff_certified", "weight"): "10",
            ("scoring", "hold_days_before_upgrade"): "21",
        },
    )
    changed = [(a, b) for a, b in zip(TEXT.split("\n"), text.split("\n"), strict=True) if a != b]
    assert [b for _, b in changed] == [
        "  hold_days_before_upgrade: 21   # criteria must hold 14 consecutive days",
        "      - {key: staff_certified,            weight: 10, levels: {3: [2, 3],       4: [6, 9],       5: [15, 20]},      grace_d: 60}",
    ]
    found = difference(CONTENT, read(text)[0].plain())
    assert [(c.place, c.old, c.new) for c in found] == [
        ("scoring.hold_days_before_upgrade", 14, 21),
        ("families.operator.metrics.staff_certified.weight", 12, 10),
        ("families.operator.metrics.staff_certified.levels.4.target", 8, 9),
    ]
    assert [w if isinstance(w, str) else w["zh"] for w in labels(found[2].path, CONTENT)] == [
        "私域运营服务商认证",
        "持证运营人员",
        "4★",
        "target",
    ]


def leaves(value):
    return st.one_of(st.integers(0, 5), st.booleans(), st.text("ab", max_size=2))


TREES = st.recursive(
    leaves(None),
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from("abcd"), inner, min_size=1, max_size=3),
        st.lists(st.integers(0, 3), max_size=3),
        st.lists(
            st.fixed_dictionaries({"key": st.sampled_from("xyz"), "w": inner}),
            min_size=1,
            max_size=3,
            unique_by=lambda d: d["key"],
        ),
    ),
    max_leaves=8,
)


def applied(old, changes):
    """The old version with these changes."""
    top = boxed(old)
    for change in changes:
        *way, last = change.path
        places = [top]
        for step in way:
            places.append(places[-1].setdefault(step, {}))
        if last == ORDER:
            for name in change.new.split(", "):
                places[-1][name] = places[-1].pop(name)
        elif change.new is None:
            del places[-1][last]
            for depth in range(len(way), 0, -1):
                if places[depth] == {}:
                    del places[depth - 1][way[depth - 1]]
        else:
            places[-1][last] = boxed(change.new, change.path)
    return top


def boxed(value, path=()):
    """Everything that is compared by name, as a dict by name."""
    inside = entries(value, path)
    return value if inside is None else {key: boxed(v, (*path, key)) for key, v in inside.items()}


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcd"), TREES, min_size=1),
    st.dictionaries(st.sampled_from("abcd"), TREES, min_size=1),
)
def test_the_list_of_differences_is_complete(old, new):
    """Whoever makes each change that is listed has the new version."""
    found = difference(old, new)
    assert applied(old, found) == boxed(new)
    assert difference(new, new) == []
    assert len({c.path for c in found}) == len(found)


def test_a_text_differs_in_its_own_language(tmp_path: Path):
    new = copy.deepcopy(CONTENT)
    new["stars"]["3"]["zh"] = "合格级"
    new["benefits"] = [b for b in new["benefits"] if b["key"] != "badge"]
    found = {c.place: (c.old, c.new) for c in difference(CONTENT, new)}
    assert found["stars.3.zh"] == ("认证级", "合格级")
    assert found["benefits.badge.stars.3"] == (1, None)
    assert len(found) == 1 + sum(
        1 for c in difference({}, {"b": [b for b in CONTENT["benefits"] if b["key"] == "badge"]})
    )
