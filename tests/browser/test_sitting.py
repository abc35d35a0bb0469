"""A sitting in real browsers: the clock, a lost connection, two devices, the back button, a double click."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect
from sqlmodel import Session, col, select

from certification.exams.models import Answer, Sitting
from certification.exams.rules import SittingStatus
from portal.accounts.models import Person
from tests.browser.conftest import Served
from tests.browser.signing_in import sign_in
from tests.browser.test_verification import fits, in_database

WHO = "member@yuqiao.example"


def running(session: Session) -> Sitting:
    return session.exec(
        select(Sitting)
        .join(Person, col(Sitting.person_id) == col(Person.id))
        .where(Person.email == WHO, Sitting.status == SittingStatus.OPEN)
    ).one()


def stored(served: Served, place: int) -> tuple[list[int], int]:
    """What is chosen at a place of the paper, as the page shows it, and its revision."""

    def ask(session: Session) -> tuple[list[int], int]:
        sitting = session.exec(select(Sitting).order_by(col(Sitting.id).desc())).first()
        assert sitting is not None
        one = sitting.paper[place - 1]
        answer = session.exec(
            select(Answer).where(Answer.sitting_id == sitting.id, Answer.question_id == one["question"])
        ).first()
        return ([one["options"].index(c) + 1 for c in answer.chosen], answer.revision) if answer else ([], 0)

    found = in_database(served, ask)
    assert isinstance(found, tuple)
    return found


@pytest.fixture
def begun(served: Served, person) -> tuple[Served, Page]:
    """A candidate before the first question."""
    page = person(width=360)
    sign_in(page, WHO, base=served.base)
    page.goto(f"{served.base}/my/exams/PRACTICE")
    with page.expect_navigation():
        page.locator("form[action='/my/exams/PRACTICE/start'] button").click()
    return served, page


def choose(page: Page, n: int) -> None:
    page.locator("input[name=shown]").nth(n - 1).check()


def saved(page: Page) -> None:
    expect(page.locator("output")).to_contain_text("已保存")


def test_a_candidate_and_everything_that_goes_wrong(begun, person):
    """One sitting, from the first answer to the end of its time; telling the demo takes longer than the rest."""
    served, page = begun
    address = page.url
    fits(page, "sitting")
    choose(page, 2)
    saved(page)
    assert stored(served, 1) == ([2], 1)

    # The connection drops: the answer is kept on the device and sent when it is back.
    page.context.set_offline(True)
    choose(page, 1)
    expect(page.locator("output")).to_contain_text("网络已断开")
    assert stored(served, 1) == ([2], 1)
    page.context.set_offline(False)
    saved(page)
    assert stored(served, 1) == ([1], 2)

    # The tab dies while offline: the answer comes back with the page.
    page.context.set_offline(True)
    choose(page, 2)
    expect(page.locator("output")).to_contain_text("网络已断开")
    context = page.context
    page.close()
    context.set_offline(False)
    page = context.new_page()
    page.goto(address)
    expect(page.locator("input[name=shown]").nth(1)).to_be_checked()
    page.wait_for_function(
        "!localStorage.getItem(`answers:${document.querySelector('[data-sitting]').dataset.sitting}`)"
    )
    assert stored(served, 1)[0] == [2]

    # Another device: the older page does not overwrite the newer answer, and shows it.
    other = person(width=1280)
    sign_in(other, WHO, base=served.base)
    other.goto(f"{served.base}/my/exams/PRACTICE")
    other.locator("a[href^='/my/sittings/']").first.click()
    choose(other, 3)
    saved(other)
    before = stored(served, 1)
    page.locator("input[name=shown]").first.click()  # it jumps back as soon as the server has answered
    expect(page.locator("output")).to_contain_text("另一窗口")
    expect(page.locator("input[name=shown]").nth(2)).to_be_checked()
    assert stored(served, 1) == before

    # Forward, then the back button: the answer stands there, and nothing is counted twice.
    with page.expect_navigation():
        page.locator("button.button[name=go][value=next]").click()
    choose(page, 1)
    saved(page)
    page.go_back()
    expect(page.locator("input[name=shown]").nth(2)).to_be_checked()
    page.go_forward()
    expect(page.locator("input[name=shown]").first).to_be_checked()
    assert stored(served, 2)[0] == [1]

    # The clock is the server's: five seconds are left, and the page hands in by itself.
    def shorten(session: Session) -> None:
        running(session).ends_at = datetime.now(UTC) + timedelta(seconds=5)

    in_database(served, shorten)
    other.reload()
    expect(other.locator("h1")).to_contain_text("通过", timeout=15_000)
    page.goto(address)
    expect(page.locator("h1")).to_contain_text("通过")

    def ended(session: Session) -> tuple[str, int]:
        sitting = session.exec(select(Sitting).order_by(col(Sitting.id).desc())).first()
        assert sitting is not None
        return str(sitting.status), len(
            session.exec(select(Answer).where(Answer.sitting_id == sitting.id)).all()
        )

    assert in_database(served, ended) == ("marked", 2)


def test_a_double_click_hands_in_once(begun):
    served, page = begun
    page.goto(f"{page.url.partition('?')[0]}/review")
    fits(page, "hand-in")
    button = page.locator("form[action$='/hand-in'] button").last
    with page.expect_navigation():
        button.dblclick()
    expect(page.locator("h1")).to_contain_text("通过")
    assert in_database(
        served, lambda s: s.exec(select(Sitting.status).order_by(col(Sitting.id).desc())).first()
    ) == ("marked")
