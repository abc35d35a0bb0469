"""Verification as people see it: handed in, asked about one item, answered with a new file, approved; and a clean case."""

import os
from collections.abc import Callable

from playwright.sync_api import Page
from sqlmodel import Session, col, select

from demo.cast import PASSWORD
from portal.accounts.models import Person
from portal.db import make_engine, make_sessions, transaction
from portal.organisations.models import Organisation
from portal.verification.queries import verification_of
from tests.browser.conftest import PICTURES, Mailbox, Served
from tests.browser.signing_in import sign_in


def file(name: str, more: bytes = b"") -> dict:
    content = b"%PDF-1.4\n1 0 obj<</Type/Catalog" + more + b">>endobj\ntrailer<<>>\n%%EOF\n"
    return {"name": name, "mimeType": "application/pdf", "buffer": content}


def fits(page: Page, name: str) -> None:
    """Nothing is wider than the screen; a picture when asked for."""
    assert page.viewport_size is not None
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= page.viewport_size["width"], f"{page.url} is {wide} px wide"
    if os.environ.get("SCREENSHOTS"):
        PICTURES.mkdir(parents=True, exist_ok=True)
        width = page.viewport_size["width"]
        page.screenshot(path=PICTURES / f"{name}-{width}.jpg", type="jpeg", quality=55, full_page=True)


def send(page: Page, action: str) -> None:
    with page.expect_navigation():
        page.locator(f"form[action='{action}'] button.button").last.click()


def in_database(served: Served, ask: Callable[[Session], object]) -> object:
    engine = make_engine(served.environment["DATABASE_URL"])
    try:
        with transaction(make_sessions(engine)) as session:
            return ask(session)
    finally:
        engine.dispose()


def signed_in(served: Served, page: Page, address: str) -> Page:
    sign_in(page, address, base=served.base)
    return page


def submission_id(served: Served, name: str) -> int:
    def ask(session: Session) -> int:
        organisation = session.exec(select(Organisation).where(col(Organisation.short_name) == name)).one()
        submission = verification_of(session, organisation.id or 0).submission
        assert submission is not None
        return submission.id or 0

    return int(str(in_database(served, ask)))


def test_a_clean_case_is_verified_while_the_owner_waits(served, person):
    page = signed_in(served, person(width=360), "new@yuqiao.example")
    page.goto(served.base + "/my/verification")
    page.set_input_files("[name=licence]", files=[file("营业执照.pdf")])
    representative = in_database(
        served, lambda s: s.exec(select(Person.name).where(Person.email == "new@yuqiao.example")).one()
    )
    page.fill("[name=representative]", str(representative))
    send(page, "/my/verification")
    for _ in range(60):
        page.reload()
        if (
            page.locator("form[action='/my/verification']").count() == 0
            and "通过实名核验" in page.locator("h1 + .lead").inner_text()
        ):
            break
        page.wait_for_timeout(500)
    else:
        raise AssertionError(page.locator("main").inner_text() + served.log.read_text()[-2000:])
    fits(page, "verified-by-itself")
    assert page.locator("section[aria-labelledby=checks] .tag.good").count() >= 7


def test_asked_about_one_item_and_answered(served: Served, mailbox: tuple[Mailbox, str], person):
    """星野互动 waits at the desk: its name in the registry is near, but not the same."""
    name, owner_address = "星野互动", "owner@xingye.example"
    number = submission_id(served, name)
    reviewer = signed_in(served, person(width=1280), "reviewer@yuqiao.example")
    for _ in range(60):  # the sweep finds the checks that the story left behind
        reviewer.goto(f"{served.base}/staff/review/{number}")
        if reviewer.locator("section[aria-labelledby=checks] dl").count():
            break
        reviewer.wait_for_timeout(1000)
    fits(reviewer, "review-verification-checks")
    assert "西安星野互动网络科技有限公司" in reviewer.locator("section[aria-labelledby=checks]").inner_text()
    assert reviewer.locator("input[name=verdict_status]:checked").get_attribute("value") == "pass"
    assert reviewer.locator("input[name=verdict_name]:checked").count() == 0
    for item in ("code", "status", "scope", "authority"):
        reviewer.locator(f"label:has(input[name=verdict_{item}][value=pass])").click()
    reviewer.locator("label:has(input[name=verdict_name][value=fix])").click()
    fold = reviewer.locator("section.finding:has(#q-name) details")
    if fold.get_attribute("open") is None:
        fold.locator("summary").click()
    reviewer.fill("[name=reason_name]", "登记名称多“科技”二字，请上传现行执照。")
    with reviewer.expect_navigation():
        reviewer.locator("button[name=decision][value=ask]").click()

    page = person(width=360)
    page.goto(served.base + "/sign-in")
    page.fill("[name=email]", owner_address)
    page.fill("[name=password]", PASSWORD)
    send(page, "/sign-in")
    page.goto(served.base + "/my/verification")
    assert page.locator("form[action='/my/verification/answers'] fieldset").count() == 1
    assert "请上传现行执照" in page.locator("form[action='/my/verification/answers']").inner_text()
    fits(page, "verification-asked")
    send(page, "/my/verification/answers")
    assert page.locator("#e-answer_name").is_visible(), "an empty answer is refused with a sentence"
    page.fill("[name=answer_name]", "今年更名，新执照见附件。")
    page.set_input_files("[name=file_name]", files=[file("新执照.pdf", b"new")])
    send(page, "/my/verification/answers")
    assert page.locator("a[href^='/my/verification/files/']").count() == 2, "files of both rounds stay listed"
    fits(page, "verification-answered")

    reviewer.goto(f"{served.base}/staff/review/{number}")
    assert "今年更名" in reviewer.locator("section[aria-labelledby=answers]").inner_text()
    for label in reviewer.locator(".verdicts label.good").all():
        label.click()
    with reviewer.expect_navigation():
        reviewer.locator("button[name=decision][value=approve]").click()
    page.goto(served.base + "/my/verification")
    assert "通过实名核验" in page.locator("h1 + .lead").inner_text()
    page.goto(served.base + "/my/storefront")  # rights are open
    assert page.locator("[name=headline]").is_visible()
    page.goto(served.base + "/my/domains")
    page.fill("[name=domain]", "xingye.example")
    send(page, "/my/domains")
    fits(page, "domains")
    assert "_yuqiao.xingye.example" in page.locator("main").inner_text()
    reviewer.goto(f"{served.base}/staff/funnel")
    fits(reviewer, "funnel")
