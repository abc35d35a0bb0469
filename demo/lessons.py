"""The demo's lessons: two with a second version, one in review, one sent back; a learner in the middle of an old one."""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from portal.accounts.models import Person
from training.lessons.actions import begin_version, change_draft, move_version, publish_shipped
from training.lessons.models import LessonVersion
from training.lessons.queries import pair_of
from training.tracks.actions import answer_practice
from training.tracks.rules import lesson

LINES = {
    "TRK-01/1": {"zh": "- 占比与同类上一期并列，写明差几个百分点", "en": "- The share stands beside the last period's, with the gap in percentage points"},
    "TRK-02/2": {"zh": "- 未派出的线索每天有人查看，名单上写明是谁", "en": "- Somebody looks at the unassigned leads every day, and the list says who"},
    "TRK-02/5": {"zh": "- 价格变动在当天同步到货架", "en": "- A change of price reaches the shelf on the same day"},
    "TRK-11/1": {"zh": "- 每年复查一次", "en": "- It is looked at again every year"},
}  # fmt: skip
CHANGED = {
    "TRK-01/1": {"zh": "检查清单新增一条：占比要与上一期并列。", "en": "The checklist has a new line: the share stands beside the last period's."},
    "TRK-02/2": {"zh": "检查清单新增一条：每天查看未派出的线索。", "en": "The checklist has a new line: unassigned leads are looked at every day."},
    "TRK-02/5": {"zh": "新增价格同步的要求。", "en": "A line on keeping prices the same everywhere."},
    "TRK-11/1": {"zh": "新增年度复查。", "en": "A yearly look is added."},
}  # fmt: skip


def _write(session: Session, module: str, author: int, at: datetime) -> LessonVersion:
    """A draft with one line more in its checklist, handed in."""
    draft = begin_version(session, module, by=author, now=at)
    pair = {
        language: replace(
            one,
            sections=(
                *one.sections[:-1],
                replace(one.sections[-1], text=f"{one.sections[-1].text}\n{LINES[module][language]}"),
            ),
        )
        for language, one in pair_of(draft).items()
    }
    change_draft(session, draft, pair, CHANGED[module], revision=draft.revision, by=author, now=at)
    move_version(session, draft, "submit", revision=draft.revision, by=author, now=at + timedelta(hours=1))
    return draft


def tell_lessons(session: Session, learner: Person, staff: dict[str, Person], now: datetime) -> None:
    """The lessons that came with the portal first, where `setup` has not published them."""
    publish_shipped(session, now=now, since=now - timedelta(days=3 * 365))
    author = staff["reviewer@yuqiao.example"].id or 0
    second = staff["programme@yuqiao.example"].id or 0
    read = lesson("TRK-01/1", "zh")
    begun = now - timedelta(days=9)
    answer_practice(session, read, [p.answer for p in read.practice], by=learner.id or 0, now=begun)
    for module, days in (("TRK-02/2", 8), ("TRK-01/1", 6)):
        at = now - timedelta(days=days)
        draft = _write(session, module, author, at)
        at += timedelta(days=1)
        move_version(session, draft, "publish", revision=draft.revision, by=second, now=at)
    _write(session, "TRK-02/5", second, now - timedelta(days=2))
    back = _write(session, "TRK-11/1", author, now - timedelta(days=4))
    move_version(
        session,
        back,
        "return",
        revision=back.revision,
        by=second,
        now=now - timedelta(days=3),
        reason="请写明由谁复查，并补上英文里的时间。",
    )
