"""A merger as its two owners see it: proposed, read with everything that moves, carried out."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from demo.cast import PASSWORD
from tests.browser.conftest import DATABASE, Served
from tests.factories import credit_code


def sign_in(page: Page, served: Served, address: str) -> None:
    page.goto(served.base + "/sign-in")
    page.fill("[name=email]", address)
    page.fill("[name=password]", PASSWORD)
    page.click("main form button")
    page.wait_for_url(served.base + "/my")


@pytest.mark.parametrize(("width", "scripts"), [(360, False)] if DATABASE == "sqlite" else [(1280, True)])
def test_two_registrations_become_one(
    served: Served, person: Callable[..., Page], width: int, scripts: bool
) -> None:
    remains = person(width=width, scripts=scripts, language="en-GB")
    sign_in(remains, served, "owner@yuqiao.example")
    goes = person(width=width, scripts=scripts, language="en-GB")
    sign_in(goes, served, "owner@qingzhou.example")
    names = (
        [page.inner_text(".who-am-i").rpartition(" · ")[2] for page in (remains, goes)] if width > 720 else []
    )
    goes.goto(served.base + "/my/profile")
    code = goes.locator("dl.facts dd").last.inner_text()
    assert re.fullmatch(r"[0-9A-Z]{18}", code)

    remains.goto(served.base + "/my/merge")
    remains.fill("#f-other_code", credit_code(9_999_999))
    remains.fill("#f-reason", "Registered twice by two colleagues")
    remains.click("text=Propose the merger")
    assert "No organisation with this credit code takes part" in remains.inner_text(".errors")
    remains.fill("#f-other_code", code)
    remains.click("text=Propose the merger")
    remains.wait_for_selector(".said", timeout=5_000)

    goes.goto(served.base + "/my/merge")
    goes.click("main ul a")
    text = goes.inner_text("main")
    assert "People with their roles, who keep their certificates" in text
    assert "Facts in the ledger" in text
    assert goes.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    goes.click("text=Yes, merge")
    goes.wait_for_url(served.base + "/my")
    assert "Merged." in goes.inner_text(".said")
    goes.goto(served.base + "/my/team")
    remains.goto(served.base + "/my/team")
    for page in (goes, remains):  # one team, which says "Leave" to each for oneself
        text = page.inner_text("main")
        assert text.count("End the link") >= 1
        assert [text.count(name) for name in names] == [1 for _ in names]
