"""Packages are read by what their manifest says; hostile ones are refused with a sentence."""

import io
import json
import stat
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.files.reading import UnreadableFileError
from portal.settings import ROOT
from tests.training.course_files import archive, cmi5, cmi5_xml, manifest_12, scorm_12
from training.packages.elements import elements, first_values, kept, may_be
from training.packages.manifests import read_course
from training.packages.rules import (
    MOVES,
    Completion,
    Result,
    Standard,
    Status,
    as_duration,
    as_span_12,
    media_type,
    result_12,
    result_2004,
    result_cmi5,
    seconds_of,
    together,
)

SHARED = ROOT.parent / "shared" / "course-packages"


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared course packages are not on this machine")
def test_the_shared_packages_by_their_facts():
    expected = json.loads((SHARED / "EXPECTED.json").read_text())
    assert len(expected) == 4
    for name, facts in expected.items():
        course = read_course((SHARED / name).read_bytes())
        manifest = course.manifest
        assert len(course.files) == facts["files"], name
        assert manifest.title["en"] == facts["title"]
        assert manifest.edition == facts["kind"]
        for fact in ("organizations", "items", "resources", "scos", "assets", "sequencing", "aus", "blocks"):
            assert manifest.counts.get(fact) == facts.get(fact), (name, fact)
        if "launch" in facts:
            tracked = [[p.title["en"], p.path] for p in manifest.parts if p.tracked]
            assert tracked[: len(facts["launch"])] == facts["launch"]
            assert [p.mastery for p in manifest.parts if p.mastery is not None] == facts["mastery"]
        else:
            assert manifest.identifier == facts["course"]
            assert [p.path for p in manifest.parts] == facts["url"]
            assert [p.move_on for p in manifest.parts] == facts["moveOn"]
            assert [p.mastery for p in manifest.parts] == facts["masteryScore"]
            assert [p.method for p in manifest.parts] == facts["launchMethod"]


def test_a_tree_with_parameters_mastery_and_a_base():
    items = (
        '<item identifier="top"><title>Top</title><item identifier="a" identifierref="r" parameters="?q=1">'
        "<title>A</title><adlcp:masteryscore>80</adlcp:masteryscore>"
        "<adlcp:datafromlms>given</adlcp:datafromlms></item></item>"
    )
    resources = (
        '<resource identifier="r" adlcp:scormtype="sco" href="one.html?p=0" xml:base="in/">'
        '<file href="one.html"/><file href="gone.png"/></resource>'
    )
    made = archive({"imsmanifest.xml": manifest_12(items=items, resources=resources), "in/one.html": "x"})
    manifest = read_course(made).manifest
    assert [(line.depth, line.title["en"], line.part) for line in manifest.lines] == [
        (0, "Top", ""),
        (1, "A", "a"),
    ]
    part = manifest.parts[0]
    assert (part.path, part.query, part.mastery, part.data) == ("in/one.html", "p=0&q=1", 80, "given")
    assert [r.values["name"] for r in manifest.remarks] == ["in/gone.png"]


def test_sequencing_is_read_over_and_said():
    items = (
        '<item identifier="i" identifierref="r1"><title>One</title><imsss:sequencing><imsss:objectives>'
        '<imsss:primaryObjective satisfiedByMeasure="true"><imsss:minNormalizedMeasure>0.6'
        "</imsss:minNormalizedMeasure></imsss:primaryObjective></imsss:objectives></imsss:sequencing></item>"
    )
    manifest = read_course(scorm_12(items=items, version="2004 4th Edition")).manifest
    assert (manifest.standard, manifest.parts[0].mastery) == (Standard.SCORM_2004, 0.6)
    assert [str(r) for r in manifest.remarks] == [
        "Its sequencing rules are not followed: people open the parts freely."
    ]


def test_cmi5_in_two_languages():
    manifest = read_course(cmi5()).manifest
    assert manifest.title == {"zh": "课程", "en": "Course"}
    assert (manifest.parts[0].path, manifest.parts[0].query) == ("unit.html", "x=1")


def linked() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        packed.writestr("imsmanifest.xml", manifest_12())
        link = zipfile.ZipInfo("one.html")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        packed.writestr(link, "/etc/passwd")
    return written.getvalue()


def launching(href: str) -> bytes:
    return scorm_12(resources=f'<resource identifier="r1" adlcp:scormtype="sco" href="{href}"/>')


ENTITY = '<!DOCTYPE manifest [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
HOSTILE = {
    "not a zip": (b"hello", "damaged or not a plain ZIP"),
    "a path upwards": (archive({"imsmanifest.xml": manifest_12(), "../one.html": "x"}), "outside its folder"),
    "an absolute path": (archive({"imsmanifest.xml": manifest_12(), "/one.html": "x"}), "outside its folder"),
    "a link": (linked(), "holds a link"),
    "a bomb": (archive({"imsmanifest.xml": manifest_12(), "one.html": b"\0" * 10**7}), "packed more tightly"),
    "too many": (archive({f"{n}.txt": "" for n in range(2001)}), "more than 2,000 files"),
    "no manifest": (archive({"one.html": "x"}), "neither imsmanifest.xml nor cmi5.xml"),
    "entities": (scorm_12(head=ENTITY), "entities of its own"),
    "broken XML": (archive({"imsmanifest.xml": "<manifest>"}), "not well-formed XML"),
    "another root": (archive({"imsmanifest.xml": "<other/>"}), "no kind that is read"),
    "another version": (scorm_12(version="0.9"), "kind that is not played"),
    "elsewhere": (launching("https://outside.example/x.html"), "opened outside the package"),
    "elsewhere without scheme": (launching("//outside.example/x.html"), "opened outside the package"),
    "a script": (launching("javascript:alert(1)"), "opened outside the package"),
    "upwards": (launching("../one.html"), "opened outside the package"),
    "upwards, coded": (launching("%2e%2e/one.html"), "opened outside the package"),
    "a launch file that is not there": (launching("two.html"), "does not hold the page"),
    "no parts": (scorm_12(items=""), "nothing that could be opened"),
    "cmi5 elsewhere": (
        cmi5(body='<au id="urn:a"><url>https://outside.example</url></au>'),
        "opened outside the package",
    ),
    "cmi5 without course": (archive({"cmi5.xml": "<courseStructure/>"}), "nothing that could be opened"),
    "cmi5 twice": (
        archive({"cmi5.xml": cmi5_xml('<au id="urn:a"><url>u.html</url></au>' * 2), "u.html": ""}),
        "the same id",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_packages_are_refused_with_a_sentence(name):
    content, sentence = HOSTILE[name]
    with pytest.raises(UnreadableFileError, match=sentence):
        read_course(content)


# ——— Reports ———


def test_every_element_has_a_type_and_every_first_value_an_element():
    for standard in (Standard.SCORM_12, Standard.SCORM_2004):
        known = elements(standard)
        assert set(first_values(standard)) <= set(known)
        assert {kind == "-" for access, kind in known.values() if access == "r"} == {True}
        assert {kind == "-" for access, kind in known.values() if access != "r"} == {False}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("status_12", ["passed", "browsed"], ["not attempted", "", "Passed"]),
        ("score_12", ["", "0", "100", "70.5"], ["-1", "101", "x", "1e2", "١"]),
        ("span_12", ["00:00:00", "9999:59:59.99"], ["1:00:00", "00:00", "00:00:00.123"]),
        ("text4096", ["x" * 4096], ["x" * 4097]),
        ("text64000", ["x" * 64000], ["x" * 64001]),
        ("scaled", ["-1", "0.5", "1"], ["1.01", "-2", ""]),
        ("span", ["PT1H30M", "P1DT2S", "PT1.25S"], ["P", "PT", "1H", "PT1.234S"]),
        ("completion", ["completed", "unknown"], ["passed", ""]),
        ("time", ["2026-11-22", "2026-11-22T08:00:00.5Z"], ["22.11.2026", "1969"]),
    ],
)
def test_values_are_of_their_types(kind, good, bad):
    assert [v for v in good if not may_be(kind, v)] == []
    assert [v for v in bad if may_be(kind, v)] == []


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=40), st.one_of(st.text(max_size=20), st.integers(), st.none())))
def test_nothing_is_kept_that_the_data_model_does_not_have(sent):
    assert kept(Standard.SCORM_12, sent) == {}


def test_a_report_is_kept_as_far_as_it_is_one():
    sent = {
        "cmi.core.lesson_status": "passed",
        "cmi.core.score.raw": "900",
        "cmi.core.student_id": "somebody else",
        "cmi.interactions.12.objectives.0.id": "o1",
        "cmi.suspend_data": 5,
    }
    assert kept(Standard.SCORM_12, sent) == {
        "cmi.core.lesson_status": "passed",
        "cmi.interactions.12.objectives.0.id": "o1",
    }


def test_what_a_scorm_12_report_comes_to():
    score = {"cmi.core.score.raw": "79", "cmi.core.lesson_status": "passed"}
    assert result_12(score, 80, finished=True, seconds=5) == Result(Completion.COMPLETED, False, 0.79, 5)
    assert result_12(score, 80, finished=False, seconds=5).passed is True
    assert result_12({}, None, finished=True, seconds=0) == Result(Completion.COMPLETED)
    assert result_12({}, None, finished=False, seconds=0) == Result(Completion.BEGUN)
    half = {"cmi.core.score.raw": "5", "cmi.core.score.min": "0", "cmi.core.score.max": "10"}
    assert result_12(half, None, finished=False, seconds=0).score == 0.5


def test_what_a_scorm_2004_report_comes_to():
    said = {"cmi.completion_status": "incomplete", "cmi.progress_measure": "0.9", "cmi.score.scaled": "0.7"}
    assert result_2004(said, 0.7, 0.9, seconds=1) == Result(Completion.COMPLETED, True, 0.7, 1)
    assert result_2004(said, None, None, seconds=1) == Result(Completion.BEGUN, None, 0.7, 1)
    assert result_2004({"cmi.success_status": "passed"}, 0.5, None, seconds=0).passed is None


@pytest.mark.parametrize(
    ("move_on", "verbs", "done"),
    [
        ("Passed", ["completed"], False),
        ("Passed", ["passed"], True),
        ("Completed", ["passed"], False),
        ("CompletedAndPassed", ["completed"], False),
        ("CompletedAndPassed", ["completed", "passed"], True),
        ("CompletedOrPassed", ["failed"], False),
        ("CompletedOrPassed", ["completed"], True),
        ("NotApplicable", ["initialized"], False),
        ("NotApplicable", ["terminated"], True),
    ],
)
def test_cmi5_moves_on_as_the_course_says(move_on, verbs, done):
    result = result_cmi5([(v, {}) for v in verbs], move_on, seconds=0)
    assert (result.completion is Completion.COMPLETED) == done


def test_a_course_is_its_parts_together():
    done, open_ = Result(Completion.COMPLETED, True, 1.0, 60), Result(Completion.BEGUN, None, None, 30)
    assert together(["a", "b"], {"a": done}) == Result(Completion.BEGUN, True, 1.0, 60)
    assert together(["a", "b"], {"a": done, "b": open_}).completion is Completion.BEGUN
    failed = Result(Completion.COMPLETED, False, 0.5, 0)
    assert together(["a", "b"], {"a": done, "b": failed}) == Result(Completion.COMPLETED, False, 0.75, 60)
    assert together([], {}) == Result()


@given(st.integers(0, 9999 * 3600 - 1))
@settings(max_examples=50)
def test_times_come_back(seconds):
    assert seconds_of(as_span_12(seconds)) == seconds
    assert seconds_of(as_duration(seconds)) == seconds


def test_only_known_endings_are_opened_by_a_browser():
    assert media_type("a/B.HTML") == "text/html"
    assert {media_type(n) for n in ("x.exe", "x.swf", "x", "x.html.zip", ".html/x")} == {
        "application/octet-stream"
    }


def test_one_version_is_published_and_nothing_returns_to_draft():
    assert Status.DRAFT not in MOVES.values()
    assert {move for _, move in MOVES} == {"publish", "withdraw", "follow"}
