"""A merger as its two owners see it: proposed, read with everything that moves, carried out."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page

from demo.cast import PASSWORD, PROVIDERS
from tests.browser.conftest import DATABASE, Served
from tests.factories import credit_code


def sign_in(page: Page, served: Served, address: str) -> None:
    page.goto(served.base + "/sign-in")
    page.fill("[name=email]", address)
    page.fill("[name=password]", PASSWORD)
    page.click("main form button")
    page.wait_for_url(served.base + "/my")


@pytest.mark.parametrize(
    ("width", "scripts"), [(360, False), (1280, True)] if DATABASE == "sqlite" else [(360, True)]
)
def test_two_registrations_become_one(
    served: Served, person: Callable[..., Page], width: int, scripts: bool
) -> None:
    verified = [cast for cast in PROVIDERS if cast.trust == "verified"]
    into, gone = verified[0], verified[-1]
    remains = person(width=width, scripts=scripts, language="en-GB")
    sign_in(remains, served, "owner@yuqiao.example" if into.key == "tangli" else f"owner@{into.key}.example")
    goes = person(width=width, scripts=scripts, language="en-GB")
    sign_in(goes, served, f"owner@{gone.key}.example")
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
    remains.wait_for_selector(".said")

    goes.goto(served.base + "/my/notices")
    goes.goto(served.base + "/my/merge")
    goes.click("main ul a")
    text = goes.inner_text("main")
    assert "people with their roles; their certificates stay theirs" in text
    assert "facts in the ledger" in text
    assert goes.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    goes.click("text=Yes, merge")
    goes.wait_for_url(served.base + "/my")
    assert "Merged." in goes.inner_text(".said")
    goes.goto(served.base + "/my/team")
    people = goes.inner_text("main")
    remains.goto(served.base + "/my/team")
    assert remains.inner_text("main") == people
