"""From when somebody counts, and how a question about a mailbox moves."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.departures.rules import CHECK_MOVES, WAITS, CheckStatus, why_not_contact
from portal.organisations.rules import CHINA, counts_from
from portal.refusal import Refused, checked_move

DAY = datetime(2026, 6, 15, tzinfo=CHINA).astimezone(UTC)
AT = DAY + timedelta(hours=15)


def test_from_another_organisation_from_the_next_day():
    ended = (1, DAY - timedelta(days=30), DAY + timedelta(hours=9))
    assert counts_from(2, [ended], AT) == DAY + timedelta(days=1)
    assert counts_from(2, [ended], DAY + timedelta(days=1)) == DAY + timedelta(days=1)
    assert counts_from(2, [(1, DAY - timedelta(days=30), DAY - timedelta(seconds=1))], AT) == AT


def test_back_on_the_same_day_is_no_gap():
    ended = DAY + timedelta(hours=9)
    assert counts_from(1, [(1, DAY - timedelta(days=30), ended)], AT) == ended


def test_a_link_that_never_counted_is_none():
    tomorrow = DAY + timedelta(days=1)
    assert counts_from(1, [(2, tomorrow, DAY + timedelta(hours=11))], AT) == AT


@given(st.lists(st.tuples(st.sampled_from([1, 2, 3]), st.integers(1, 40), st.booleans()), max_size=12))
def test_nobody_counts_for_two_on_a_day(steps):
    """Join, work so many hours, leave; at once or after a day somewhere else."""
    now, worked = AT, []
    for organisation, hours, wait in steps:
        since = counts_from(organisation, worked, now)
        now += timedelta(hours=hours)
        worked.append((organisation, since, now))
        now += timedelta(days=1) if wait else timedelta(minutes=1)
    days: dict = {}
    for organisation, since, until in worked:
        at = since
        while at < until:
            days.setdefault(at.astimezone(CHINA).date(), set()).add(organisation)
            at += timedelta(hours=1)
        if since < until:
            days.setdefault((until - timedelta(seconds=1)).astimezone(CHINA).date(), set()).add(organisation)
    assert {day: who for day, who in days.items() if len(who) > 1} == {}


def test_the_whole_table_of_moves():
    for status in CheckStatus:
        for move in ("yes", "no", "silence", "leave"):
            if status in WAITS:
                assert checked_move(CHECK_MOVES, status, move) in CheckStatus
            else:
                with pytest.raises(Refused):
                    checked_move(CHECK_MOVES, status, move)


@pytest.mark.parametrize(
    ("email", "fine"),
    [
        ("hr@client.example", True),
        ("HR@tangli.example", False),
        ("x@mail.tangli.example", False),
        ("x@proved.example", False),
        ("lin@qq.com", False),
        ("other@qq.com", True),
    ],
)
def test_the_contact_is_not_their_own(email, fine):
    wrong = why_not_contact(
        email, website="https://www.tangli.example", domains=["proved.example"], members=["lin@qq.com"]
    )
    assert (wrong is None) == fine
