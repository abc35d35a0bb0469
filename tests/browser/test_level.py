"""The reason tree, what if, a past day and the page that anybody checks a certificate on, as people use them."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import Served
from tests.browser.signing_in import sign_in


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))


@pytest.mark.parametrize(("width", "scripts"), [(360, False), (1280, True)])
def test_why_they_stand_where_they_stand(
    shown: Served, person: Callable[..., Page], width: int, scripts: bool
) -> None:
    page = person(width=width, scripts=scripts, language="en-GB")
    sign_in(page, "owner@yuqiao.example", base=shown.base)
    page.goto(shown.base + "/my/level")
    bars = page.locator("ol.reasons li:not(.group)")
    assert bars.count() == 11
    assert page.locator("ol.reasons .tag.bad").all_inner_texts() == ["below the gate"]
    assert "Senior staff: the level falls." in page.inner_text("main")
    page.click("text=As a table")
    figures = page.locator("details[open] table tbody tr")
    assert figures.count() == bars.count()
    assert fits(page)

    page.click("text=What if …")
    page.wait_for_url(re.compile("/my/level/what-if"))
    assert "Choose what to suppose" in page.inner_text("main")
    learner = page.locator("select[name=person] option").nth(2)
    page.select_option("select[name=person]", value=learner.get_attribute("value"))
    page.select_option("select[name=code]", "P2")
    page.click("text=Compute")
    text = page.inner_text("main")
    assert "4★ would be met." in text
    assert "Senior staff" in text[text.index("What would be met") :]
    assert page.locator("select[name=code]").input_value() == "P2"
    for box in page.locator("input[name=leave]").all():
        box.check()
    page.click("text=Compute")
    assert "4★ would still not be met." in page.inner_text("main")
    assert "What would not be met any more" in page.inner_text("main")
    assert fits(page)
    page.click("text=Start again")
    assert page.locator("input[name=leave]:checked").count() == 0

    page.goto(shown.base + "/my/level")
    page.click("text=How it was on another day")
    page.fill("#f-day", "2999-01-01")
    page.click("main button:has-text('Show')")
    if not scripts:  # a browser holds the day back by itself when it may
        assert fits(page)
    page.goto(shown.base + "/my/level/past?day=2999-01-01")
    assert "This day has not come yet" in page.inner_text(".errors")


def test_anybody_checks_a_certificate(shown: Served, person: Callable[..., Page]) -> None:
    page = person(width=360, scripts=False, language="en-GB")
    page.goto(shown.base + "/providers")
    page.goto(shown.base + "/verify")
    page.fill("#f-q", "YQ-OP-1999-0000")
    page.click("main form button")
    assert "We have issued no certificate with this number" in page.inner_text("main")
    owner = person(width=360, scripts=False, language="en-GB")
    sign_in(owner, "owner@yuqiao.example", base=shown.base)
    owner.goto(shown.base + "/my/certificates")
    number = re.search(r"YQ-OP-\d{4}-\d+", owner.inner_text("main"))
    assert number is not None
    page.fill("#f-q", f"  {number[0].lower()} ")
    page.click("main form button")
    page.wait_for_url(re.compile("/credentials/"))
    text = page.inner_text("main")
    assert number[0] in text
    assert "Validity and status were checked just now." in text
    assert fits(page)
