"""The season for everybody: what is open, what comes, and its calendar."""

from urllib.parse import urlsplit

from litestar import Request, Response, Router
from sqlmodel import Session

from portal import clock, i18n
from portal.desk.parts import CONTRIBUTIONS
from portal.programme.queries import programme_at
from portal.seasons import queries
from portal.seasons.calendar import calendar_file
from portal.seasons.rules import next_of, open_on
from portal.settings import settings
from portal.web.html import get, html, language_of
from portal.web.viewer import public


@get("/season")
def season(request: Request, session: Session) -> Response[str]:
    now = clock.now()
    programme, today = programme_at(session, now), clock.today(now)
    known = queries.calendar_at(session, programme, now)
    return html(
        request,
        "seasons/season.html",
        year=known.year,
        code=known.row.code if known.row else f"S{known.year}",
        phases=known.phases,
        begins=min(p.first for p in known.phases),
        ends=max(p.last for p in known.phases),
        today=today,
        open=open_on(known.phases, today),
        coming=next_of(known.phases, today),
        aims=programme.season.get("vision_counters", {}),
        exceptions=queries.exceptions_given(session, known.row.id or 0) if known.row else 0,
        parts=[found for part in CONTRIBUTIONS.season if (found := part(session, now))],
    )


@get("/season/calendar.ics")
def calendar(request: Request, session: Session) -> Response[bytes]:
    now, base = clock.now(), settings().base_url
    known = queries.calendar_at(session, programme_at(session, now), now)
    with i18n.speaking(language_of(request)):
        content = calendar_file(
            known, address=f"{base}/season", host=urlsplit(base).hostname or "yuqiao", now=now
        )
    return Response(
        content,
        media_type="text/calendar; charset=utf-8; method=PUBLISH",
        headers={"Content-Disposition": f'attachment; filename="season-{known.year}.ics"'},
    )


routers = [Router("/", route_handlers=[season, calendar], guards=[public])]
