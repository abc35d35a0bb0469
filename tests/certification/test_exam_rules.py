"""Exam rules: the draw, the marking, the clock, the moves, and when an exam may be sat."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from certification.exams import rules
from certification.exams.rules import MOVES, Attempt, SittingStatus
from portal.organisations.rules import Trust
from portal.programme.actions import DEFAULT
from portal.programme.rules import Programme, stringed
from portal.refusal import Refused, checked_move

PROGRAMME = Programme(1, "test", stringed(yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))))
P1_TOPICS = {"TRK-01": 6, "TRK-02": 8, "TRK-11": 4}
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

# ——— Clock, revisions, moves ———


def test_the_clock():
    end = rules.end_of(NOW, 60)
    assert end == NOW + timedelta(hours=1)
    assert rules.end_of(NOW, 60, 1.5) == NOW + timedelta(minutes=90)
    assert [rules.is_late(end, end + timedelta(seconds=s)) for s in (-1, 0, 30, 31)] == [
        False,
        False,
        False,
        True,
    ]
    assert [rules.seconds_left(end, end + timedelta(seconds=s)) for s in (-90, 0, 5)] == [90, 0, 0]


@pytest.mark.parametrize(
    ("stored", "sent", "same", "stale"),
    [
        (0, 1, False, False),
        (3, 4, False, False),
        (3, 9, False, False),
        (3, 3, True, False),
        (3, 3, False, True),
        (3, 2, False, True),
        (3, 2, True, True),
    ],
)
def test_an_older_revision_is_stale(stored, sent, same, stale):
    assert rules.is_stale(stored, sent, same=same) is stale


def test_every_move():
    s = SittingStatus
    allowed = {
        (s.OPEN, "hand_in"): s.HANDED_IN,
        (s.OPEN, "time_out"): s.TIMED_OUT,
        (s.HANDED_IN, "mark"): s.MARKED,
        (s.TIMED_OUT, "mark"): s.MARKED,
        (s.OPEN, "void"): s.VOIDED,
        (s.HANDED_IN, "void"): s.VOIDED,
        (s.TIMED_OUT, "void"): s.VOIDED,
        (s.MARKED, "void"): s.VOIDED,
    }
    for state in SittingStatus:
        for move in ("hand_in", "time_out", "mark", "void"):
            if (state, move) in allowed:
                assert checked_move(MOVES, state, move) == allowed[state, move]
            else:
                with pytest.raises(Refused):
                    checked_move(MOVES, state, move)


# ——— May it be sat? ———


@dataclass(frozen=True)
class At:
    """An organisation as far as rights ask."""

    trust: str
    stars: int = 0


def why_not(**changes):
    values = {
        "terms": rules.terms_of(PROGRAMME, "P1", P1_TOPICS, 1, 1),
        "certificate": "P1",
        "written": True,
        "programme": PROGRAMME,
        "holder": At(Trust.VERIFIED),
        "unfinished": 0,
        "lessons": 18,
        "needs": {},
        "held": {},
        "attempts": [],
        "bank": 126,
        "renewal_opens": timedelta(days=60),
        "now": NOW,
    }
    return rules.why_not_start(**values | changes)


def texts(**changes):
    return [w.text.partition(".")[0].partition(":")[0] for w in why_not(**changes)]


def test_terms_follow_the_programme():
    terms = rules.terms_of(PROGRAMME, "P1", P1_TOPICS, 1, 1)
    assert (
        terms.questions,
        terms.minutes,
        terms.pass_marks,
        terms.attempts,
        terms.cooldown,
        terms.bank_min,
        terms.blueprint,
    ) == (40, 60, 30, 3, timedelta(days=7), 120, {"TRK-01": 13, "TRK-02": 18, "TRK-11": 9})
    own = rules.terms_of(PROGRAMME, None, {"T1": 6, "T2": 3}, 20, 7)
    assert (own.questions, own.minutes, own.pass_marks, own.bank_min, own.blueprint) == (
        9,
        20,
        7,
        9,
        {"T1": 6, "T2": 3},
    )


def test_nothing_stands_in_the_way():
    assert why_not() == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"holder": None}, "Certificate exams are open to people of a verified organisation"),
        ({"holder": At(Trust.PROVISIONAL)}, "This opens once your organisation is verified"),
        ({"holder": At(Trust.FROZEN)}, "Your organisation was frozen after 30 days without verification"),
        ({"holder": At(Trust.SUSPENDED)}, "Your organisation is suspended"),
        ({"holder": At(Trust.CLOSED)}, "Your organisation has left the programme"),
        ({"bank": 119}, "The questions for this exam are still being written"),
        ({"unfinished": 1}, "Finish the lessons first"),
        ({"needs": {"P0": False}}, "Certificate %(code)s comes first"),
        ({"held": {"P1": NOW + timedelta(days=61)}}, "You hold this certificate"),
        ({"held": {"P1": None}}, "You hold this certificate, and it does not run out"),
        (
            {
                "attempts": [
                    Attempt(NOW - timedelta(days=7), NOW - timedelta(days=7) + timedelta(minutes=1), False)
                ]
            },
            "After a sitting that was not passed there is a pause of %(days)s days",
        ),
    ],
)
def test_each_reason_by_itself(changes, sentence):
    assert texts(**changes) == [sentence]


def test_what_does_not_stand_in_the_way():
    assert texts(needs={"P0": True}) == []
    assert texts(held={"P2": None}) == []
    assert texts(held={"P1": NOW + timedelta(days=60)}) == []  # the renewal window is open
    assert texts(attempts=[Attempt(NOW - timedelta(days=8), NOW - timedelta(days=7), False)]) == []
    assert texts(attempts=[Attempt(NOW - timedelta(days=1), NOW, False, voided=True)]) == []
    assert texts(certificate=None, holder=None) == []
    assert texts(certificate=None, holder=At(Trust.PROVISIONAL)) == []


def test_three_sittings_in_thirty_days():
    days = [29, 20, 8]
    attempts = [
        Attempt(NOW - timedelta(days=d), NOW - timedelta(days=d) + timedelta(hours=1), False) for d in days
    ]
    (why,) = why_not(attempts=attempts)
    assert (why.values, why.until) == ({"n": 3}, NOW + timedelta(days=1))
    assert why_not(attempts=attempts[1:]) == []
    assert rules.opens_again([why]) == NOW + timedelta(days=1)


def test_all_reasons_at_once_and_when_waiting_is_enough():
    failed = NOW - timedelta(days=1)
    whys = why_not(holder=At(Trust.PROVISIONAL), unfinished=3, attempts=[Attempt(failed, failed, False)])
    assert [w.path for w in whys] == ["/my/verification", "/my/learning", ""]
    assert rules.opens_again(whys) is None
    assert rules.opens_again([w for w in whys if w.until]) == failed + timedelta(days=7)
    assert rules.opens_again([]) is None
