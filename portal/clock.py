"""The only place that reads the clock; everything else is told the time."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays

from portal.settings import settings

CHINA = ZoneInfo("Asia/Shanghai")
DAY_STARTS, DAY_ENDS = time(9), time(18)  # a working day has nine working hours


def now() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC) + timedelta(days=settings().clock_ahead_days)


def today(at: datetime) -> date:
    """The calendar day in China at that moment."""
    return at.astimezone(CHINA).date()


_calendar = holidays.country_holidays("CN", language="zh_CN")


def is_working_day(day: date) -> bool:
    """Mainland China's calendar, shifted working weekends too, as far as `official_through` tells."""
    return bool(_calendar.is_working_day(day))


def is_working_time(at: datetime) -> bool:
    here = at.astimezone(CHINA)
    return is_working_day(here.date()) and DAY_STARTS <= here.time() < DAY_ENDS


def official_through() -> int:
    """The last year whose shifted days the package knows from the State Council's notice; later years are estimated."""
    return int(max(_calendar.special_public_holidays))


def add_working_hours(start: datetime, hours: float) -> datetime:
    """The moment at which `hours` of working time (09–18 in China, working days) have passed since `start`."""
    left, at = timedelta(hours=hours), start.astimezone(CHINA)
    while True:
        opens = datetime.combine(at.date(), DAY_STARTS, CHINA)
        closes = datetime.combine(at.date(), DAY_ENDS, CHINA)
        if is_working_day(at.date()) and at < closes:
            at = max(at, opens)
            if at + left <= closes:
                return (at + left).astimezone(UTC)
            left -= closes - at
        at = datetime.combine(at.date() + timedelta(days=1), DAY_STARTS, CHINA)


def add_working_days(start: datetime, days: float) -> datetime:
    """As `add_working_hours`, in working days of nine hours."""
    return add_working_hours(start, days * 9)
