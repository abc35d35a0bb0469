"""A programme manager changes a number, is told what is wrong with another, tries it; a second person publishes."""

from datetime import timedelta

from portal import clock
from tests.browser.signing_in import sign_in


def test_rules_from_a_number_to_their_publication(served, person):
    base, writer = served.base, person(language="en-GB")
    sign_in(writer, "programme@yuqiao.example", base=base)
    writer.goto(f"{base}/language/en?next=/staff/programme")
    writer.get_by_role("button", name="Begin a draft from the latest version").click()
    writer.wait_for_url("**/staff/programme/drafts/*")
    draft = writer.url
    weight = "[name='operator.staff_certified.weight']"
    writer.fill(weight, "heavy")
    writer.get_by_role("button", name="Save the numbers").click()
    writer.get_by_text("Please write a number, in digits.").first.wait_for()
    assert writer.input_value(weight) == "heavy"
    writer.fill(weight, "13")
    writer.get_by_role("button", name="Save the numbers").click()
    writer.get_by_text("The weights of operator add up to 101, not to 100.").wait_for()
    writer.fill(weight, "11")
    writer.fill("[name='operator.staff_senior.weight']", "11")
    writer.get_by_role("button", name="Save the numbers").click()
    writer.get_by_role("button", name="Run the back-test").click()
    writer.get_by_text("reproduces today exactly").wait_for(timeout=40_000)  # the page looks again by itself
    writer.goto(draft)
    writer.fill("[name=reason]", "Senior people say more about an operator than many do")
    writer.fill("[name=effective_on]", clock.today(clock.now() + timedelta(days=40)).isoformat())
    writer.get_by_role("button", name="Hand it in for a second person").click()
    writer.get_by_text("You wrote in it, so somebody else publishes it.").wait_for()

    second = person(language="en-GB", width=360)
    sign_in(second, "admin@yuqiao.example", base=base)
    second.goto(draft)
    second.locator("form[action$='/publish'] button").click()
    second.wait_for_url("**/staff/programme")
    second.goto(f"{base}/rules")
    second.locator("a[href$='/changes']").first.click()
    assert "families.operator.metrics.staff_senior.weight" in second.locator("main").inner_text()
    assert second.evaluate("document.documentElement.scrollWidth") == 360
