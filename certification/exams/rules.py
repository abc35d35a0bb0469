"""What an exam asks, when it may be sat, how its clock runs and how it is marked. The same for every bank."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from math import ceil, floor
from typing import Any

from certification.papers.rules import Blueprint, scaled, size
from portal.programme.rules import Programme
from portal.refusal import Refused, mark
from portal.rights.rules import Holder, require

GRACE = timedelta(seconds=30)  # for an answer that was on its way when the clock ran out
ATTEMPTS_IN = timedelta(days=30)


class Part(StrEnum):
    """A certificate may ask for two exams."""

    WRITTEN = "written"
    PRACTICAL = "practical"  # a task of days, its work uploaded and marked by two people


class SittingStatus(StrEnum):
    OPEN = "open"
    HANDED_IN = "handed_in"
    TIMED_OUT = "timed_out"
    MARKED = "marked"
    VOIDED = "voided"


MOVES = {
    (SittingStatus.OPEN, "hand_in"): SittingStatus.HANDED_IN,
    (SittingStatus.OPEN, "time_out"): SittingStatus.TIMED_OUT,
    (SittingStatus.HANDED_IN, "mark"): SittingStatus.MARKED,
    (SittingStatus.TIMED_OUT, "mark"): SittingStatus.MARKED,
    (SittingStatus.OPEN, "void"): SittingStatus.VOIDED,
    (SittingStatus.HANDED_IN, "void"): SittingStatus.VOIDED,
    (SittingStatus.TIMED_OUT, "void"): SittingStatus.VOIDED,
    (SittingStatus.MARKED, "void"): SittingStatus.VOIDED,
}


# ——— The clock ———


def end_of(start: datetime, minutes: int, accommodation: float = 1.0) -> datetime:
    return start + timedelta(minutes=minutes * accommodation)


def is_late(ends_at: datetime, now: datetime) -> bool:
    """Past the end and the grace: nothing more is taken."""
    return now > ends_at + GRACE


def seconds_left(ends_at: datetime, now: datetime) -> int:
    return max(0, int((ends_at - now).total_seconds()))


def is_stale(stored: int, sent: int, *, same: bool) -> bool:
    """A newer one is stored than the page had seen. The same answer sent again is not stale."""
    return sent < stored or (sent == stored and not same)


# ——— May it be sat? ———


class CutFrom(StrEnum):
    """Where a pass mark comes from."""

    PROGRAMME = "programme"
    EXAM = "exam"
    JUDGES = "judges"


@dataclass(frozen=True)
class Terms:
    """What holds for a sitting that starts now."""

    questions: int
    minutes: int
    pass_share: Fraction
    attempts: int  # in 30 days
    cooldown: timedelta  # after a failed sitting
    bank_min: int
    blueprint: Blueprint = field(hash=False)
    cut_from: CutFrom = CutFrom.PROGRAMME

    def needed(self, points: int) -> int:
        """The points that pass a paper on which `points` can be had; never less than the share."""
        return ceil(points * self.pass_share)

    @property
    def pass_marks(self) -> int:
        """Of a paper whose questions give a point each."""
        return self.needed(self.questions)


def judged(cut_share: float) -> Fraction:
    """A cut as judges set it, kept as a float: without the dust that would ask for one point more."""
    return Fraction(cut_share).limit_denominator(1_000_000)


SCALE_FROM, SCALE_PASS, SCALE_TO = 100, 300, 500


def on_scale(score: float, cut: float, most: float) -> int:
    """A raw score on 100–500 with the pass mark at 300: two straight pieces, through 0, the cut and the maximum.

    Rounded down, so that nobody below the cut reads 300. A paper whose cut is 0 is passed by everybody.
    """
    if most <= 0 or score >= cut >= most:
        return SCALE_PASS
    score = min(max(score, 0.0), most)
    if score >= cut:
        return SCALE_PASS + floor((SCALE_TO - SCALE_PASS) * (score - cut) / (most - cut) + 1e-9)
    return SCALE_FROM + floor((SCALE_PASS - SCALE_FROM) * score / cut + 1e-9)


def terms_of(
    programme: Programme,
    certificate: str | None,
    blueprint: Blueprint,
    minutes: int,
    pass_marks: int,
    part: Part = Part.WRITTEN,
    cut_share: float | None = None,
) -> Terms:
    """A certificate's paper follows the programme in force; another exam has terms of its own.

    A cut that judges have set (a share, 0–1) takes the place of either pass mark.
    """
    cut = judged(cut_share) if cut_share is not None else None
    origin = CutFrom.PROGRAMME if cut is None else CutFrom.JUDGES
    if certificate and part is Part.PRACTICAL:
        rule, asked = programme["exams"]["practical"], size(blueprint)
        paper = programme.certificate(certificate)["paper"]
        return Terms(
            asked,
            rule["days"] * 24 * 60,
            cut if cut is not None else Fraction(rule["pass"], 100),
            paper["attempts_per_30d"],
            timedelta(days=paper["cooldown_d"]),
            asked,
            blueprint,
            origin,
        )
    if certificate is None:
        paper, asked = programme["exams"], size(blueprint)
        return Terms(
            asked,
            minutes,
            cut if cut is not None else Fraction(pass_marks, asked),
            paper["attempts_per_30d"],
            timedelta(days=paper["cooldown_d"]),
            asked,
            blueprint,
            CutFrom.EXAM if cut is None else origin,
        )
    paper = programme.certificate(certificate)["paper"]
    asked = paper["questions"]
    return Terms(
        asked,
        paper["minutes"],
        cut if cut is not None else Fraction(paper["pass"], 100),
        paper["attempts_per_30d"],
        timedelta(days=paper["cooldown_d"]),
        paper["bank_min_per_exam"],
        scaled(blueprint, asked),
        origin,
    )


NO_FORM = mark(
    "You have sat every form of this exam that is given out, or none is. It opens again when a new form is put into use."
)


@dataclass(frozen=True)
class Attempt:
    started_at: datetime
    ended_at: datetime | None  # None while it is open
    passed: bool
    voided: bool = False


@dataclass(frozen=True)
class Why:
    """Why an exam can't be started now: a sentence (catalogue key), until when, and where to mend it."""

    text: str
    values: dict[str, Any] = field(default_factory=dict, hash=False)
    until: datetime | None = None  # fills %(when)s
    path: str = ""

    @property
    def first(self) -> bool:
        """Another exam comes before this one."""
        return self.path == "/my/exams"


def why_not_start(
    *,
    terms: Terms,
    certificate: str | None,
    programme: Programme,
    holder: Holder | None,
    unfinished: int,
    lessons: int,
    needs: Mapping[str, bool],
    held: Mapping[str, datetime | None],
    attempts: Sequence[Attempt],
    bank: int,
    renewal_opens: timedelta,
    written: bool,
    now: datetime,
    forms: int | None = None,
) -> list[Why]:
    """Every reason at once; empty when it may be started.

    `holder` is the organisation (None: the person acts for none); `unfinished` of `lessons` are left;
    `needs`: certificates that must be held first, and whether they are; `held`: certificates now held
    and their ends; `attempts`: earlier sittings of this exam; `bank`: questions there are; `written`: whether
    the written exam that comes before this one is passed, or none does; `forms`: fixed forms left to this person,
    None where papers are drawn.
    """
    whys = []
    if certificate is not None and holder is None:
        whys.append(
            Why(
                mark(
                    "Certificate exams are open to people of a verified organisation. "
                    "Register yours, or ask a colleague for an invitation."
                ),
                path="/my/organisation/new",
            )
        )
    if holder is not None:
        try:
            require(programme, holder, "learn" if certificate is None else "certificate")
        except Refused as refused:
            whys.append(Why(refused.message, path="/my/verification"))
    if bank < max(terms.bank_min, terms.questions):
        whys.append(Why(mark("The questions for this exam are still being written.")))
    if forms == 0:
        whys.append(Why(NO_FORM))
    if unfinished:
        whys.append(
            Why(
                mark("Finish the lessons first: %(left)s of %(all)s are left."),
                {"left": unfinished, "all": lessons},
                path="/my/learning",
            )
        )
    whys += [
        Why(mark("Certificate %(code)s comes first."), {"code": code}, path="/my/exams")
        for code, has in needs.items()
        if not has
    ]
    if not written:
        whys.append(Why(mark("Pass the written exam first."), path="/my/exams"))
    if certificate is not None and certificate in held:
        until = held[certificate]
        opens = until and until - renewal_opens
        if opens is None:
            whys.append(Why(mark("You hold this certificate, and it does not run out.")))
        elif now < opens:
            whys.append(
                Why(
                    mark(
                        "You hold this certificate. You can sit the exam again for its renewal from %(when)s."
                    ),
                    until=opens,
                )
            )
    return whys + _too_many(terms, [a for a in attempts if not a.voided], now)


def _too_many(terms: Terms, attempts: Sequence[Attempt], now: datetime) -> list[Why]:
    whys = []
    recent = sorted(a.started_at for a in attempts if a.started_at > now - ATTEMPTS_IN)
    if len(recent) >= terms.attempts:
        whys.append(
            Why(
                mark("You have used your %(n)s sittings of these 30 days. The next is open from %(when)s."),
                {"n": terms.attempts},
                until=recent[-terms.attempts] + ATTEMPTS_IN,
            )
        )
    failed = max((a.ended_at for a in attempts if a.ended_at and not a.passed), default=None)
    if failed and now < failed + terms.cooldown:
        whys.append(
            Why(
                mark(
                    "After a sitting that was not passed there is a pause of %(days)s days. "
                    "You can sit it again from %(when)s."
                ),
                {"days": terms.cooldown.days},
                until=failed + terms.cooldown,
            )
        )
    return whys


def opens_again(whys: Iterable[Why]) -> datetime | None:
    """When waiting alone opens it; None when something else is missing or nothing is."""
    found = list(whys)
    return max((w.until for w in found if w.until), default=None) if all(w.until for w in found) else None
