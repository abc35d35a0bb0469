"""The demo's seasons: one over with its winners, one under way with two nominations and a late one let in."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from casebook.awards import actions, queries
from casebook.cases.queries import own_cases
from casebook.cases.rules import Status as CaseStatus
from portal import clock
from portal.accounts.models import Person
from portal.programme.queries import programme_at
from portal.seasons.actions import announce as announce_season
from portal.seasons.actions import ensure_season
from portal.seasons.rules import Phase, dated

if TYPE_CHECKING:
    from demo.story import Story

DAY = date(2026, 11, 22)  # the day of its season on which the demo is told
FIRST = {  # the season before, a short one: phase → days ago, from and until
    "recruit": (420, 390),
    "incubate": (400, 300),
    "rules": (400, 360),
    "foster": (390, 280),
    "submit": (250, 180),
    "review": (200, 166),
    "appeal": (165, 150),
    "jury": (155, 142),
    "award": (140, 120),
    "retro": (119, 114),
}


def announce(story: "Story") -> None:
    """Both seasons, with their days moved so that today is the same day of the season whenever the demo is told."""
    config = programme_at(story.session, story.now).season["phases"]
    today = clock.today(story.now)
    shift = today - DAY
    running = dated(config, DAY.year)
    if shift:
        running = [Phase(p.key, p.name, p.first + shift, p.last + shift) for p in running]
    year = running[0].first.year
    first = [
        Phase(p.key, p.name, today - timedelta(days=FIRST[p.key][0]), today - timedelta(days=FIRST[p.key][1]))
        for p in running
    ]
    announce_season(story.session, year - 1, first, now=story.ago(425))
    present = ensure_season(story.session, now=story.now)
    if shift or present.year != year:
        announce_season(story.session, year, running, now=story.ago(113))


def _nominate(story: "Story", award: str, key: str, days: float, *, case: bool = False, why: str = "") -> int:
    organisation = story.organisations[key]
    case_id = None
    if case:
        cases = own_cases(story.session, organisation.id or 0)
        case_id = next(c.id for c in cases if c.status is CaseStatus.PUBLISHED)
    row = actions.nominate(
        story.session,
        organisation,
        award,
        case_id=case_id,
        statement=why,
        by=story.owners[key].id or 0,
        now=story.ago(days),
    )
    return row.id or 0


def tell_season(story: "Story", staff: dict[str, Person]) -> None:
    session = story.session
    ids = {email.split("@")[0]: person.id or 0 for email, person in staff.items()}
    rows = [
        _nominate(
            story, "case_of_the_year", "tangli", 185, case=True, why="两年没有动静的老客，从空瓶开始回来。"
        ),
        _nominate(story, "four_forces", "yunzhan", 230, why="四力各有负责人，每季度一起看数。"),
        _nominate(story, "four_forces", "muye", 205),
        _nominate(story, "client_trust", "yunzhan", 228),
        _nominate(story, "client_trust", "muye", 204),
    ]
    session.flush()
    for row in rows:
        actions.check(
            session, row, accept=True, reason="条件齐备，证据可查。", by=ids["programme"], now=story.ago(170)
        )
    first = queries.entry(session, rows[0])
    assert first is not None  # noqa: S101
    season_id = first.nomination.season_id
    actions.shortlist(session, season_id, by=ids["programme"], now=story.ago(164))
    session.flush()
    objection = actions.object_to(
        session,
        rows[0],
        "空瓶换购同期有一场全网大促，复购里有多少是大促带来的？",
        by=story.owners["beian"].id or 0,
        now=story.ago(160),
    )
    actions.answer(
        session,
        objection.id or 0,
        upheld=False,
        text="核对了口径：大促当周已从前后两期中同时剔除，客户的后台数一致。",
        by=ids["admin"],
        now=story.ago(158),
    )
    for n, juror in enumerate(("reviewer", "manager", "admin")):
        for row in rows[:3]:
            marks = {"effect": 8 - n % 2, "craft": 8, "honesty": 9 - n, "transfer": 7 + (row == rows[0])}
            actions.score(session, row, marks, by=ids[juror], now=story.ago(150 - n))
    actions.propose(session, season_id, by=ids["programme"], now=story.ago(138))
    session.flush()
    standing = actions.standing_of(
        programme_at(session, story.now),
        queries.entries_of(session, season_id),
        queries.points_of(session, season_id),
    )
    actions.confirm(session, season_id, seen=actions.result_of(standing), by=ids["admin"], now=story.ago(135))
    session.flush()
    # This season: one admitted, one waits for the check.
    muye = _nominate(
        story, "case_of_the_year", "muye", 12, case=True, why="复购是唯一的指标，口径写在第一行。"
    )
    actions.check(
        session, muye, accept=True, reason="案例已发布，客户已确认。", by=ids["programme"], now=story.ago(8)
    )
    _nominate(story, "newcomer", "xiaoman", 3, why="成立一百天，三家新品牌从零做起。")
