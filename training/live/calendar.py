"""A live session as a calendar file (RFC 5545)."""

from icalendar import Calendar, Event, vText

from portal.i18n import local
from training.live.models import LiveSession
from training.live.rules import Status


def calendar_file(live: LiveSession, *, address: str, host: str, with_link: bool) -> bytes:
    """METHOD PUBLISH, times in UTC. `address`: the session's page; the link only for who has a seat.

    RFC 5545, 3.8.7.4: SEQUENCE rises with each change, UID stays, so a newer file takes the place of an older one.
    """
    calendar = Calendar()
    calendar.add("prodid", "-//Yuqiao//Live sessions//ZH")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    event = Event()
    event.add("uid", f"{live.uid}@{host}")
    event.add("sequence", live.sequence)
    event.add("dtstamp", live.changed_at)
    event.add("last-modified", live.changed_at)
    event.add("dtstart", live.starts_at)
    event.add("dtend", live.ends_at)
    event.add("summary", local(live.title))
    about = local(live.about)
    link = live.link if with_link else ""
    event.add("description", "\n\n".join(part for part in (about, link, address) if part))
    if live.place or link:
        event["location"] = vText(live.place or link)
    event.add("url", address)
    event.add("status", "CANCELLED" if live.status is Status.CANCELLED else "CONFIRMED")
    calendar.add_component(event)
    return bytes(calendar.to_ical())
