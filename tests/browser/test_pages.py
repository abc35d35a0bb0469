"""What every page must be, whoever reads it: nothing wider than the screen, nothing that axe finds, little to load."""

import os
import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, Response

from tests.browser.conftest import Served
from tests.browser.signing_in import sign_in

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
MOST = 60_000  # bytes of HTML of a page
MAY_WEIGH = {"/privacy": 80_000}  # all that is held of people, in one table

# "/list → /list/": the first link of the list that begins so, whatever number the demo gave it.
PAGES = {
    "": (
        "/",
        "/providers",
        "/providers?q=zzzz",
        "/providers?q=内蒙古草原优选 → /providers/",  # the longest name
        "/cases",
        "/cases → /cases/C-",
        "/rules",
        "/season",
        "/season/S2026",
        "/season → /season/nominations/",
        "/verify",
        "/privacy",
        "/sign-up",
        "/sign-in",
    ),
    "owner@yuqiao.example": (
        "/my",
        "/my/level",
        "/my/benefits",
        "/my/conduct",
        "/my/conduct → /my/conduct/complaints/",
        "/my/team",
        "/my/team → /my/team/",
        "/my/learning",
        "/my/learning/TRK-01/1",
        "/my/exams",
        "/my/exams/P1",
        "/my/exams/P1/practice?seed=1",
        "/my/live",
        "/my/live → /my/live/",
        "/my/cohorts",
        "/my/cohorts → /my/cohorts/",
        "/my/awards",
        "/my/awards/four_forces",
        "/my/cases",
        "/my/cases/new",
        "/my/cases → /my/cases/",
        "/my/invitations",
        "/my/invitations → /my/invitations/",
        "/my/matching",
        "/my/storefront",
        "/my/domains",
        "/my/certificates",
        "/my/history",
        "/my/account",
        "/my/account/password",
    ),
    "member@yuqiao.example": (
        "/my",
        "/my/team",
        "/my/me",
        "/my/me → /people/",
        "/my/codes",
        "/my/codes → /my/codes/",
        "/my/privacy",
    ),
    "new@yuqiao.example": ("/my", "/my/verification", "/my/level", "/my/certificates"),
    "brand@yuqiao.example": ("/my", "/my/briefs", "/my/briefs → /my/briefs/B-", "/my/briefs/new"),
    "reviewer@yuqiao.example": ("/staff/marking", "/staff/marking → /staff/marking/"),
    "admin@yuqiao.example": (
        "/staff/programme",
        "/staff/programme/drafts/1",
        "/staff/programme/drafts/1/changes",
        "/staff/programme/drafts/1/backtest",
        "/my/account",
        "/staff",
        "/staff/review",
        "/staff/review → /staff/review/",
        "/staff/organisations?q=内蒙古草原优选 → /staff/organisations/",
        "/staff/benefits",
        "/staff/conduct",
        "/staff/conduct → /staff/conduct/complaints/",
        "/staff/conduct → /staff/conduct/sanctions/",
        "/staff/organisations/1/conduct",
        "/staff/briefs",
        "/staff/sittings",
        "/staff/exams/PRACTICE/statistics → /staff/exams/PRACTICE/items/",
        "/staff/exams/PRACTICE/drift",
        "/staff/exams/P1/standards → /staff/standards/",
        "/staff/banks",
        "/staff/banks/P1?status=draft",
        "/staff/banks/P1?status=draft → /staff/questions/",
        "/staff/banks/P1/new?kind=match",
        "/staff/banks/P1/import",
        "/staff/lessons",
        "/staff/lessons/TRK-01/1",
        "/staff/lessons?track=TRK-02 → /staff/lesson-versions/",
        "/staff/lessons?track=TRK-11 → /staff/lesson-versions/",
        "/staff/more-time",
        "/staff/live",
        "/staff/live → /staff/live/",
        "/staff/live/new",
        "/staff/cohorts",
        "/staff/cohorts → /staff/cohorts/",
        "/staff/season",
        "/staff/awards",
        "/staff/awards → /staff/awards/",
        "/staff/jury",
        "/staff/people",
        "/staff/erasures",
        "/staff/funnel",
        "/staff/history",
    ),
}


@pytest.fixture
def reader(chromium: Browser, shown: Served) -> Iterator[Callable[..., Page]]:
    """`reader(address, language, width)`: a page of somebody who has signed in, or of anybody."""
    contexts: list[BrowserContext] = []

    def open_page(address: str = "", language: str = "zh", width: int = 1280) -> Page:
        context = chromium.new_context(
            base_url=shown.base,
            viewport={"width": width, "height": 800},
            locale={"zh": "zh-CN", "en": "en-GB"}[language],
            reduced_motion="reduce",  # a page in transition has colours that no rule of contrast fits
        )
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        if address:
            sign_in(page, address)
            page.goto(f"/language/{language}?next=/my")
        return page

    yield open_page
    for context in contexts:
        context.close()


def found_by_axe(page: Page, run_only: object) -> list[str]:
    """The page has axe loaded."""
    violations = page.evaluate(
        "async options => (await axe.run(document, options)).violations",
        {"runOnly": run_only, "resultTypes": ["violations"], "elementRef": False},
    )
    return [
        f"{violation['id']}: {'; '.join(node['html'][:100] for node in violation['nodes'][:3])}"
        for violation in violations
    ]


def wider_than_the_screen(page: Page) -> list[str]:
    """As it is, and with letters of twice the size."""
    found, screen = [], page.evaluate("innerWidth")
    for size in ("200%", ""):
        page.evaluate("size => { document.documentElement.style.fontSize = size }", size)
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > screen:
            found.append(f"{width} px wide on {screen} with letters of {size or '100%'}")
    return found


def visit(page: Page, path: str) -> Response:
    path, _, link = path.partition(" → ")
    answer = page.goto(path)
    if link:
        hrefs = page.locator("main a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
        one = next(href for href in hrefs if href.startswith(link) and href.rpartition("/")[2] != "new")
        answer = page.goto(one)
    assert answer is not None
    return answer


@pytest.mark.parametrize(("language", "width"), [("zh", 360), ("en", 1280)])
def test_every_page_fits_and_can_be_read_by_everybody(
    reader: Callable[..., Page], language: str, width: int
) -> None:
    axe, wrong = Axe().axe_script, dict[str, list[str]]()
    for address, paths in PAGES.items():
        page = reader(address, language, width)
        found: list[str] = []
        page.on(
            "console", lambda m, found=found: found.append(f"said {m.text}") if m.type == "error" else None
        )
        page.on("pageerror", lambda error, found=found: found.append(f"failed: {error}"))
        for place, path in enumerate(paths):
            mine = (place % 2 == 0) is (
                width == 360
            )  # every page in one of the two walks, in the long run in both
            if not mine and not LONG:
                continue
            found.clear()
            answer = visit(page, path)
            if answer.status != 200:
                found.append(f"answered {answer.status}")
            if (weight := len(answer.body())) > MAY_WEIGH.get(path, MOST):
                found.append(f"weighs {weight} bytes")
            found += wider_than_the_screen(page)
            page.evaluate(axe)
            found += found_by_axe(page, RULES)
            page.emulate_media(color_scheme="dark")
            found += found_by_axe(page, {"type": "rule", "values": ["color-contrast"]})
            page.emulate_media(color_scheme="light")
            if width != 360:
                page.set_viewport_size({"width": 360, "height": 800})
                found += wider_than_the_screen(page)  # English words are the longer ones
                page.set_viewport_size({"width": width, "height": 800})
            if found:
                wrong[f"{address or 'everybody'} {path}"] = list(found)
    assert wrong == {}


def test_the_keyboard_alone_signs_in(reader: Callable[..., Page]) -> None:
    page = reader()
    page.goto("/sign-in")
    stops = []
    for _ in range(20):
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => { const at = document.activeElement, style = getComputedStyle(at);
            return [at.id || at.textContent.trim(), at.matches(':focus-visible'), style.outlineStyle, at.matches('main button.button')] }"""
        )
        stops.append(stop)
        if stop[3]:
            break
    assert stops[-1][3], stops
    assert [stop for stop in stops if stop[1:3] != [True, "solid"]] == [], "a stop that is not seen"
    assert stops[0][0] == "跳到正文", "the way past the menu comes first"
    assert [stop[0] for stop in stops[-3:]] == ["f-email", "f-password", "登录"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_certificate_prints_on_one_sheet(reader: Callable[..., Page], language: str) -> None:
    page = reader("owner@mobei.example", language)  # the longest name in the demo
    page.goto("/my/certificates")
    paths = page.locator("a[href^='/credentials/']").evaluate_all("links => links.map(a => a.pathname)")
    pages = [path for path in paths if "." not in path]  # the files beside them are printed as they are
    assert pages
    for path in pages:
        page.goto(path)
        page.emulate_media(media="print")
        sheet = page.pdf(prefer_css_page_size=True)
        assert len(re.findall(rb"/Type\s*/Page\b(?!s)", sheet)) == 1, path
        assert re.search(rb"/MediaBox\s*\[0 0 59[45]\S* 84[12]", sheet), "A4"
        page.emulate_media(media="screen")
