"""The demo's live sessions and cohort: one session to come with a waiting list, one held, one cohort under way."""

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from portal.clock import CHINA
from portal.organisations.rules import Role
from training.cohorts import actions as cohorts
from training.cohorts.rules import digest_of, first
from training.live import actions
from training.live.models import LiveSession
from training.live.queries import seats_of
from training.live.rules import SeatStatus
from training.tasks.rules import Audience, deadline, last_day

if TYPE_CHECKING:
    from demo.story import Story

COMING, HELD, LATER, OFF = range(4)
SESSIONS: dict[int, dict[str, Any]] = {
    COMING: {
        "title_zh": "门店社群答疑直播",
        "title_en": "Store groups: questions and answers, live",
        "about_zh": "带上你们最难的一个群来，现场拆解：谁在里面，说什么，什么时候不说。",
        "about_en": "Bring your hardest group: who is in it, what to say, and when to say nothing.",
        "subject": "TRK-05/2",
        "hours": 1.5,
        "link": "https://live.example/rooms/store-groups",
        "capacity": 3,
    },
    HELD: {
        "title_zh": "看数会怎么开：上海线下工作坊",
        "title_en": "How to hold a numbers meeting: workshop in Shanghai",
        "about_zh": "用自己的数据开一次看数会，带走一页纸的议程。",
        "about_en": "Hold one with your own numbers; leave with a one-page agenda.",
        "subject": "TRK-10",
        "hours": 3,
        "place": "上海市静安区示例路88号3楼",
        "capacity": 12,
    },
    LATER: {
        "title_zh": "新版合规课程解读",
        "title_en": "The new compliance track, explained",
        "hours": 1,
        "link": "https://live.example/rooms/compliance",
        "capacity": 100,
    },
    OFF: {
        "title_zh": "大促前压测分享",
        "title_en": "Load tests before a campaign",
        "hours": 1,
        "link": "https://live.example/rooms/load",
        "capacity": 50,
    },
}
WHY = {
    "xiaoman": "两家连锁宠物客户都要上社群，团队缺一套统一打法。",
    "beian": "整改之后想从基本功重新走一遍。",
    "tangli": "想把督导这一块补齐，冲五星。",
    "yuanfan": "集团里几家子公司一起学，口径一致。",
}


def tell_live(story: "Story", staff: int) -> None:
    _sessions(story, staff)
    _cohort(story, staff)


def _at(story: "Story", days: int, hour: int) -> datetime:
    day = (story.now + timedelta(days=days)).astimezone(CHINA).date()
    return datetime.combine(day, time(hour), CHINA)


def _plan(story: "Story", key: int, staff: int, *, days: int, planned: float, hour: int = 19) -> LiveSession:
    fields = {"about_zh": "", "about_en": "", "subject": "", "place": "", "link": ""} | SESSIONS[key]
    starts = _at(story, days, hour)
    times = {
        "starts_at": starts,
        "ends_at": starts + timedelta(hours=fields["hours"]),
        "closes_at": starts - timedelta(days=1),
    }
    return actions.plan(story.session, fields | times, by=staff, now=story.ago(planned))


def _ask(story: "Story", live: LiveSession, key: str, people: list[int], days_ago: float) -> None:
    organisation = story.organisations[key].id or 0
    for n, person in enumerate(people):
        at = story.ago(days_ago) + timedelta(hours=n)
        actions.sign_up(story.session, live.id or 0, organisation, by=person, now=at)


def _sessions(story: "Story", staff: int) -> None:
    session = story.session
    tangli = [p.id or 0 for p in story.teams["tangli"][:4]]
    xiaoman = [p.id or 0 for p in story.teams["xiaoman"][:3]]
    held = _plan(story, HELD, staff, days=-12, planned=30, hour=14)
    actions.open_up(session, held.id or 0, by=staff, now=story.ago(29))
    _ask(story, held, "tangli", tangli[:3], 25)
    _ask(story, held, "xiaoman", xiaoman, 24)
    for key, person in (("tangli", tangli[0]), ("tangli", tangli[1]), ("xiaoman", xiaoman[0])):
        at = held.starts_at - timedelta(minutes=9)
        organisation = story.organisations[key].id or 0
        actions.check_in(session, held.id or 0, organisation, by=person, now=at)
    actions.hold(session, held.id or 0, by=None, now=held.ends_at + timedelta(minutes=1))
    seat = next(s for s in seats_of(session, held.id or 0, SeatStatus.SEATED) if s.person_id == xiaoman[1])
    actions.mark_present(
        session,
        held.id or 0,
        seat.id or 0,
        reason="手机没电，现场签到",
        by=staff,
        now=held.ends_at + timedelta(hours=2),
    )
    coming = _plan(story, COMING, staff, days=5, planned=9)
    actions.open_up(session, coming.id or 0, by=staff, now=story.ago(8))
    _ask(story, coming, "tangli", tangli[:2], 7)
    _ask(story, coming, "xiaoman", xiaoman[:2], 6)
    _ask(story, coming, "tangli", tangli[2:], 4)
    _plan(story, LATER, staff, days=20, planned=2)
    off = _plan(story, OFF, staff, days=9, planned=11)
    actions.open_up(session, off.id or 0, by=staff, now=story.ago(10))
    _ask(story, off, "tangli", tangli[:1], 10)
    actions.cancel(session, off.id or 0, reason="讲师出差，另行通知时间。", by=staff, now=story.ago(3))


def _cohort(story: "Story", staff: int) -> None:
    session = story.session
    start = last_day(story.ago(25))
    cohort = cohorts.make(
        session,
        {
            "name_zh": "秋季中阶培育班",
            "name_en": "Autumn fostering cohort",
            "offer_zh": "八周，每周一次答疑，一位渠道经理陪跑，结课时一起看成熟度变化。",
            "offer_en": "Eight weeks, a weekly hour of questions, a partner manager alongside; at the end the change in maturity.",
            "tracks": ["TRK-03", "TRK-10"],
            "cap": 2,
            "apply_from": story.ago(60),
            "apply_until": story.ago(32),
            "starts_at": deadline(start - timedelta(days=1)),
            "ends_at": deadline(start + timedelta(days=56)),
        },
        by=staff,
        now=story.ago(61),
    )
    for n, (key, why) in enumerate(WHY.items()):
        cohorts.apply(
            session,
            cohort.id or 0,
            story.organisations[key].id or 0,
            motivation=why,
            audience=Audience.ROLE,
            role=Role.DELIVERY,
            by=story.owners[key].id or 0,
            now=story.ago(50 - n),
        )
    at = story.ago(31)
    order = [s.candidate for s in cohorts.scored(session, cohort, at)]
    cohorts.choose(
        session,
        cohort.id or 0,
        taken=first(order, cohort.cap),
        seen=digest_of(order),
        reason="",
        by=staff,
        now=at,
    )
    cohorts.make(
        session,
        {
            "name_zh": "冬季中阶培育班",
            "name_en": "Winter fostering cohort",
            "offer_zh": "六周，聚焦企业微信与社群。",
            "offer_en": "Six weeks on WeCom and groups.",
            "tracks": ["TRK-05"],
            "cap": 4,
            "apply_from": story.ago(3),
            "apply_until": story.now + timedelta(days=7),
            "starts_at": deadline(last_day(story.now + timedelta(days=24))),
            "ends_at": deadline(last_day(story.now + timedelta(days=66))),
        },
        by=staff,
        now=story.ago(4),
    )
