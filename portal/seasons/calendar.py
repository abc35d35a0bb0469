"""A season's phases as a calendar file (RFC 5545)."""

from datetime import datetime, timedelta

from icalendar import Calendar, Event

from portal.i18n import local
from portal.seasons.queries import Calendar as Known


def calendar_file(known: Known, *, address: str, host: str, now: datetime) -> bytes:
    """METHOD PUBLISH; an event of whole days a phase, DTEND the day after the last. SEQUENCE is the season's revision."""
    calendar = Calendar()
    calendar.add("prodid", "-//Yuqiao//Season//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    for phase in known.phases:
        event = Event()
        event.add("uid", f"S{known.year}-{phase.key}@{host}")
        event.add("sequence", known.row.revision - 1 if known.row else 0)
        event.add("dtstamp", now)
        event.add("dtstart", phase.first)
        event.add("dtend", phase.last + timedelta(days=1))
        event.add("summary", local(phase.name))
        event.add("url", address)
        event.add("transp", "TRANSPARENT")
        calendar.add_component(event)
    return bytes(calendar.to_ical())
