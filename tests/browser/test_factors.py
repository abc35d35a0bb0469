"""Authenticator apps and passkeys as a person uses them, with Chromium's own virtual authenticator."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyotp
import pytest
from playwright.sync_api import CDPSession, Page

from demo.cast import PASSWORD
from tests.browser.conftest import Served, fresh_database
from tests.browser.signing_in import sign_in

OWNER, MEMBER = "owner@yuqiao.example", "member@yuqiao.example"


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Under a host's name: browsers bind no passkey to a bare address."""
    folder: Path = tmp_path_factory.mktemp("factors")
    served = Served(folder, fresh_database(folder), "", host="localhost")
    served.start()
    yield served
    served.stop()


class Authenticator:
    """What a phone or a laptop does when it is asked for a passkey."""

    def __init__(self, page: Page) -> None:
        self.cdp: CDPSession = page.context.new_cdp_session(page)
        self.cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        self.id = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def __call__(self, command: str, **more: Any) -> Any:
        return self.cdp.send(f"WebAuthn.{command}", {"authenticatorId": self.id, **more})


def press(page: Page, action: str) -> None:
    with page.expect_navigation():
        page.locator(f"form[action='{action}'] button").click()


def sign_out(page: Page) -> None:
    press(page, "/sign-out")


def add_passkey(page: Page, portal: Served, name: str) -> None:
    page.goto(f"{portal.base}/my/account")
    page.fill("[name=name]", name)
    press(page, "/my/account/passkeys")


def test_passkeys(portal: Served, person: Callable[..., Page]) -> None:
    page = person()
    Authenticator(page)
    sign_in(page, OWNER, base=portal.base)
    before = page.context.cookies()
    add_passkey(page, portal, "公司电脑")
    assert len(page.locator("ul.recovery li").all()) == 10, "recovery codes come with the first factor"
    assert cookie(page.context.cookies()) != cookie(before), "a new session id"
    page.goto(f"{portal.base}/my/account")
    assert page.get_by_text("公司电脑", exact=True).is_visible()

    # Without a password.
    sign_out(page)
    page.goto(f"{portal.base}/sign-in?next=/my/learning")
    press(page, "/sign-in/passkey")
    assert page.url == f"{portal.base}/my/learning"

    # As the second step.
    sign_out(page)
    page.goto(f"{portal.base}/sign-in")
    page.fill("[name=email]", OWNER)
    page.fill("[name=password]", PASSWORD)
    press(page, "/sign-in")
    assert "/sign-in/second" in page.url
    press(page, "/sign-in/second/passkey")
    assert page.url == f"{portal.base}/my"

    # A second one, on another device; the first is removed; then the second, and the password is enough.
    other = person()
    Authenticator(other)
    other.context.add_cookies(page.context.cookies())
    add_passkey(other, portal, "手机")
    assert other.url == f"{portal.base}/my/account"
    assert other.get_by_text("手机", exact=True).is_visible()
    for _ in range(2):
        other.locator("section[aria-labelledby=passkeys] summary").first.click()
        with other.expect_navigation():
            other.locator("section[aria-labelledby=passkeys] button.danger").first.click()
    sign_out(other)
    sign_in(other, OWNER, base=portal.base)
    assert other.url == f"{portal.base}/my"


def cookie(cookies: list[Any]) -> str:
    return next(c["value"] for c in cookies if c["name"] == "session")


def test_a_passkey_that_is_not_good(portal: Served, person: Callable[..., Page]) -> None:
    page = person()
    authenticator = Authenticator(page)
    sign_in(page, "new@yuqiao.example", base=portal.base)
    add_passkey(page, portal, "手机")
    [key] = authenticator("getCredentials")["credentials"]
    sign_out(page)

    # An answer is taken once.
    sent: list[str] = []
    page.on(
        "request",
        lambda r: sent.append(r.post_data or "") if r.url.endswith("/sign-in/passkey") else None,
    )
    page.goto(f"{portal.base}/sign-in")
    press(page, "/sign-in/passkey")
    assert page.url == f"{portal.base}/my"
    sign_out(page)
    again = page.request.post(
        f"{portal.base}/sign-in/passkey",
        data=sent[0],
        headers={"content-type": "application/x-www-form-urlencoded"},
    )
    assert again.url == f"{portal.base}/sign-in"

    # Nobody who cannot unlock the device.
    authenticator("setUserVerified", isUserVerified=False)
    page.goto(f"{portal.base}/sign-in")
    page.locator("form[action='/sign-in/passkey'] button").click()
    page.locator("form[action='/sign-in/passkey'] [role=alert]").wait_for()
    assert page.url == f"{portal.base}/sign-in"

    # A copy, whose counter has stayed behind.
    thief = person()
    Authenticator(thief)("addCredential", credential=key)
    thief.goto(f"{portal.base}/sign-in")
    press(thief, "/sign-in/passkey")
    assert thief.url == f"{portal.base}/sign-in"
    assert thief.locator(".said").inner_text().strip() == "没有成功。请重试，或换一种方式登录。"


def test_an_app_without_scripts(portal: Served, person: Callable[..., Page]) -> None:
    page = person(width=360, scripts=False)
    sign_in(page, MEMBER, base=portal.base)
    page.goto(f"{portal.base}/my/account")
    assert page.get_by_text("通行密钥需要启用JavaScript").is_visible()
    assert not page.locator("form[data-passkey]").is_visible()
    press(page, "/my/account/totp/begin")
    key = page.locator("dd .code").inner_text().replace(" ", "")
    page.fill("[name=code]", "000000")
    press(page, "/my/account/totp")
    assert page.locator("#e-code").is_visible()
    page.fill("[name=code]", pyotp.TOTP(key).now())
    press(page, "/my/account/totp")
    codes = page.locator("ul.recovery li").all_inner_texts()
    assert len(codes) == 10
    sign_out(page)
    for n, code in enumerate((codes[0], codes[0], codes[1])):
        page.goto(f"{portal.base}/sign-in")
        page.fill("[name=email]", MEMBER)
        page.fill("[name=password]", PASSWORD)
        press(page, "/sign-in")
        assert page.locator("#demo-code").is_visible(), "the demo shows the code of its people"
        page.fill("[name=code]", code)
        press(page, "/sign-in/second")
        assert (page.url == f"{portal.base}/my") == (n != 1)
        if n != 1:
            sign_out(page)


def test_on_a_bare_address_the_page_says_so(served: Served, person: Callable[..., Page]) -> None:
    page = person(language="en-GB")
    sign_in(page, MEMBER, base=served.base)
    page.goto(f"{served.base}/my/account")
    assert page.get_by_text("Passkeys need an address with a host's name").is_visible()
    assert page.locator("form[data-passkey]").count() == 0
