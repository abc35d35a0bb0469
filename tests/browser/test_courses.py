"""Outside courses in a browser: they run on their own host, come back with a state, and see nothing of the portal."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from portal.settings import ROOT
from tests.browser.conftest import Served
from tests.browser.signing_in import sign_in
from tests.training.course_files import scorm_12

PACKAGES = ROOT.parent / "shared" / "course-packages"
STAFF, LEARNER = "programme@yuqiao.example", "member@yuqiao.example"


def upload(page: Page, base: str, path: Path, *, publish: bool = True) -> str:
    """The address of the course for people."""
    page.goto(f"{base}/staff/courses")
    if not page.locator("#f-file").is_visible():
        page.locator("details summary").click()
    page.set_input_files("#f-file", path)
    with page.expect_navigation():
        page.locator("form[action='/staff/courses'] button").click()
    number = re.search(r"/staff/courses/(\d+)$", page.url)
    assert number, page.locator("main").inner_text()
    with page.expect_navigation():
        page.locator("form:has(input[value=publish]) button").click()
    return f"{base}/my/courses/{number[1]}"


def start(page: Page, course: str) -> FrameLocator:
    page.goto(course)
    with page.expect_navigation():
        page.locator("main form button").first.click()
    return page.frame_locator("iframe.course")


def facts(page: Page) -> dict[str, str]:
    names, values = page.locator("main dl dt").all_inner_texts(), page.locator("main dl dd").all_inner_texts()
    return dict(zip(names, values, strict=True))


def close(page: Page) -> dict[str, str]:
    with page.expect_navigation():
        page.locator("main a.button.second").click()
    return facts(page)


@pytest.fixture
def packages() -> Path:
    if not PACKAGES.is_dir():
        pytest.skip("the shared course packages are not on this machine")
    return PACKAGES


def test_three_kinds_come_back(served: Served, person: Callable[..., Page], packages: Path):
    office, learner = person(language="en"), person(language="en", width=360)
    sign_in(office, STAFF, base=served.base)
    sign_in(learner, LEARNER, base=served.base)
    learner.on("dialog", lambda dialog: dialog.accept())

    course = upload(office, served.base, packages / "scorm-cc-by" / "singlescobasic.zip")
    inside = start(learner, course).frame_locator("iframe")
    for _ in range(2):
        inside.locator("#butNext").click()
    heading = inside.frame_locator("#contentFrame").locator("h1")
    expect(heading).to_contain_text("Scor")
    assert close(learner)["State"] == "under way"
    start(learner, course)  # the bookmark brings them to the same page
    expect(heading).to_contain_text("Scor")

    course = upload(
        office, served.base, packages / "scorm-cc-by" / "RuntimeBasicCalls_SCORM20043rdEdition.zip"
    )
    start(learner, course)
    while inside.locator("#butNext").is_enabled():
        inside.locator("#butNext").click()
    inside.frame_locator("#contentFrame").locator("input[type=button]").last.click()
    state = close(learner)
    assert (state["State"], state["Verdict"]) == ("completed", "not passed")
    assert 0 < int(state["Score"].rstrip("%")) < 70

    course = upload(office, served.base, packages / "cmi5-apache" / "single_au_basic_framed-novideo.zip")
    unit = start(learner, course)
    while not unit.get_by_text("Submit Answers").count():
        unit.locator("#next").click()
    unit.get_by_text("Select correct answers").click()
    unit.get_by_text("Submit Answers").click()
    expect(unit.locator("#score-passed")).to_be_visible()
    learner.wait_for_timeout(300)
    state = close(learner)
    assert (state["State"], state["Verdict"], state["Score"]) == ("completed", "passed", "100%")


SPY = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Spy</title><h1>Spy</h1><pre></pre><script>
const found = {cookie: document.cookie};
try { found.dom = top.document.title; } catch (e) { found.dom = e.name; }
try { top.location.href = "/sign-out"; found.top = "left"; } catch (e) { found.top = e.name; }
found.worker = "serviceWorker" in navigator ? "tried" : "none";
const out = () => document.querySelector("pre").textContent = JSON.stringify(found);
const portal = new URL(document.referrer || "http://x").origin;
fetch("PORTAL/my/account", {credentials: "include"}).then(() => found.fetched = "yes").catch(() => found.fetched = "no")
  .then(() => navigator.serviceWorker.register("worker.js")).then(() => found.worker = "registered")
  .catch(() => found.worker = "refused").finally(() => { found.done = true; out(); });
</script></html>"""


def test_a_course_sees_nothing_of_the_portal(served: Served, person: Callable[..., Page], tmp_path: Path):
    office, learner = person(language="en"), person(language="en")
    sign_in(office, STAFF, base=served.base)
    package = tmp_path / "spy.zip"
    package.write_bytes(scorm_12(SPY.replace("PORTAL", served.base)))
    course = upload(office, served.base, package)
    sign_in(learner, LEARNER, base=served.base)
    said = start(learner, course).frame_locator("iframe").locator("pre")
    expect(said).to_contain_text("done")
    assert json.loads(said.inner_text()) == {
        "cookie": "",
        "dom": "SecurityError",
        "top": "SecurityError",
        "fetched": "no",
        "worker": "refused",
        "done": True,
    }
    assert "/play/" in learner.url
    # The host of the courses has nothing of the portal, and the portal nothing of theirs.
    frame = learner.locator("iframe.course").get_attribute("src") or ""
    content = re.sub(r"/content/.*", "", frame)
    assert learner.context.request.get(f"{content}/sign-in").status == 404
    assert learner.context.request.get(f"{content}/static/js/page.js").status == 404
    assert learner.context.request.get(frame).status == 200
    assert learner.context.request.get(frame.replace(content, served.base)).status == 404
