"""Seasons: the phases of every day, forms that close with a sentence, exceptions, moved phases, the calendar file."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from icalendar import Calendar
from sqlmodel import select

from portal import clock
from portal.accounts.rules import StaffRole
from portal.history.models import History
from portal.programme.queries import programme_at
from portal.refusal import NotFound, Refused
from portal.seasons import actions, queries
from portal.seasons.models import Season, SeasonException
from portal.seasons.rules import (
    CLOSED,
    LATE,
    NAMES,
    Phase,
    dated,
    next_of,
    open_on,
    opens_next,
    read,
    start_of,
    stored,
    why_not_move,
    year_of,
)
from tests.factories import make_organisation, make_person, open_phase

TEXT = {"zh": "x", "en": "x"}
CONFIG = [
    {"key": key, "from": first, "to": last, **TEXT}
    for key, first, last in (
        ("recruit", "08-01", "08-31"),
        ("foster", "09-01", "11-30"),
        ("submit", "11-01", "12-31"),
        ("review", "12-01", "01-31"),
        ("leap", "02-29", "02-29"),
        ("appeal", "02-01", "03-10"),
        ("retro", "04-01", "05-31"),
    )
]


# ——— Rules ———


@examples(max_examples=150)
@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
@example(date(2028, 2, 29))
@example(date(2026, 12, 31))
@example(date(2027, 1, 1))
@example(date(2027, 7, 31))
def test_exactly_the_phases_whose_days_contain_the_day_are_open(day):
    year = year_of(CONFIG, day)
    found = {p.key for p in open_on(dated(CONFIG, year), day)}
    wanted = set()
    for p in CONFIG:
        first, last = (
            ("02-28", "02-28") if p["key"] == "leap" and not _leap(day.year) else (p["from"], p["to"])
        )
        at = f"{day.month:02}-{day.day:02}"
        inside = first <= at <= last if first <= last else at >= first or at <= last
        wanted |= {p["key"]} if inside else set()
    assert found == wanted
    assert all(p.first > day for p in next_of(dated(CONFIG, year), day))


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


@examples(max_examples=40)
@given(st.dates(date(2001, 1, 1), date(2090, 12, 31)), st.sampled_from([p["key"] for p in CONFIG]))
def test_a_closed_form_opens_on_the_first_day_that_comes(day, key):
    year = year_of(CONFIG, day)
    phases = dated(CONFIG, year)
    again = opens_next(phases, CONFIG, year, key, day)
    assert again > day
    every = [p.first for y in (year - 1, year, year + 1) for p in dated(CONFIG, y) if p.key == key]
    assert again == min(first for first in every if first > day)
    assert read(stored(phases)) == phases


def test_the_last_day_is_inside_to_its_last_moment_in_china():
    [phase] = [p for p in dated(CONFIG, 2026) if p.key == "submit"]
    assert phase.starts_at == datetime(2026, 10, 31, 16, tzinfo=UTC)
    assert phase.ends_at == datetime(2026, 12, 31, 16, tzinfo=UTC)
    assert phase.holds(clock.today(phase.ends_at - timedelta(microseconds=1)))
    assert not phase.holds(clock.today(phase.ends_at))


def test_what_is_over_or_has_begun_stays():
    day = date(2026, 11, 22)
    over, running, coming = (
        Phase("x", TEXT, day + timedelta(a), day + timedelta(b)) for a, b in ((-9, -1), (-9, 9), (5, 9))
    )
    assert set(why_not_move(over, over.first, day, day)) == {"last"}
    assert set(why_not_move(running, day, running.last, day)) == {"first"}
    assert why_not_move(running, running.first, day, day) == {}
    assert set(why_not_move(running, running.first, day - timedelta(1), day)) == {"last"}
    assert set(why_not_move(coming, day - timedelta(1), coming.last, day)) == {"first"}
    assert why_not_move(coming, day, coming.last, day) == {}
    assert set(why_not_move(coming, coming.last, coming.first, day)) == {"last"}


def test_every_form_has_a_phase_a_name_and_a_sentence(session):
    section = programme_at(session, clock.now()).season
    assert set(section["opens"]) == set(CLOSED) == set(NAMES)
    assert set(section["opens"].values()) <= {p["key"] for p in section["phases"]}
    assert set(LATE) <= set(CLOSED)


# ——— Actions ———


def test_a_season_is_announced_once_and_the_next_follows(session):
    now = start_of(date(2026, 11, 22))
    row = actions.ensure_season(session, now=now)
    assert (row.code, row.year) == ("S2026", 2026)
    assert actions.ensure_season(session, now=now + timedelta(days=200)).id == row.id  # after its last phase
    following = actions.ensure_season(session, now=start_of(date(2027, 8, 1)))
    assert (following.code, following.dated[0].first) == ("S2027", date(2027, 8, 1))
    assert queries.season_at(session, now).id == row.id
    assert len(session.exec(select(Season)).all()) == 2


def test_a_closed_form_refuses_with_the_day_on_which_it_opens(session):
    now = start_of(date(2026, 11, 22))
    actions.ensure_season(session, now=now)
    assert actions.require_open(session, "nomination", now=now).until == start_of(date(2027, 1, 1))
    with pytest.raises(Refused) as refused:
        actions.require_open(session, "nomination", now=start_of(date(2027, 1, 1)))
    assert str(refused.value) == "Nominations for the awards are closed now. They open again on 2027-11-01."
    with pytest.raises(Refused) as refused:
        actions.require_open(session, "jury", now=now)
    assert refused.value.values == {"day": "2027-02-10"}
    assert actions.require_open(session, "level application", now=now).open  # no phase is named for it


def test_without_a_row_the_programme_says_what_is_open(session):
    assert actions.require_open(session, "cohort", now=start_of(date(2031, 9, 1))).open
    assert queries.gate(session, "cohort", start_of(date(2031, 12, 1))).again == date(2032, 9, 1)


def test_one_organisation_is_let_in_late_until_a_day(session):
    now, staff = clock.now(), make_person(session, staff=StaffRole.PROGRAMME_MANAGER)
    one, other = make_organisation(session), make_organisation(session)
    season = open_phase(session, "jury")
    last = clock.today(now) + timedelta(days=3)

    def let_in(form="nomination", day=last):
        return actions.let_in(session, season.id, one.id, form, day, reason="Typhoon", by=staff.id, now=now)

    with pytest.raises(Refused):
        actions.require_open(session, "nomination", now=now, organisation_id=one.id)
    row = let_in()
    assert row.until == start_of(last + timedelta(days=1))
    found = actions.require_open(session, "nomination", now=now, organisation_id=one.id)
    assert (found.late, found.until) == (True, row.until)
    for form, whom, at in (("nomination", other, now), ("cohort", one, now), ("nomination", one, row.until)):
        with pytest.raises(Refused):
            actions.require_open(session, form, now=at, organisation_id=whom.id)
    with pytest.raises(Refused):
        let_in()  # the same again
    with pytest.raises(Refused):
        let_in(day=last - timedelta(days=30))
    with pytest.raises(NotFound):
        let_in(form="jury")
    assert queries.exceptions_given(session, season.id) == 1
    [logged] = session.exec(select(History).where(History.verb == "form opened after its phase"))
    assert (logged.organisation_id, logged.reason) == (one.id, "Typhoon")
    open_phase(session, "submit")
    with pytest.raises(Refused):
        let_in()  # open for everybody


# ——— Pages ———


def test_everybody_reads_the_season(session, browse):
    season = open_phase(session, "submit")
    page = browse().get("/season")
    assert page.status == 200
    page.check()
    assert "Open now: Certification and case submission" in page.text
    assert len(page.tree.xpath("//ol/li/svg")) == len(season.phases)
    file = browse(language="zh").get("/season/calendar.ics")
    events = Calendar.from_ical(file.response.content).walk("VEVENT")
    assert [(e["dtstart"].dt, e["dtend"].dt - timedelta(days=1)) for e in events] == [
        (p.first, p.last) for p in season.dated
    ]
    assert str(events[4]["summary"]) == "认证与案例提交窗口"
    assert events[0]["sequence"] == season.revision - 1


def test_staff_move_a_phase_with_a_reason(session, browse):
    season = open_phase(session, "submit")
    desk = browse(make_person(session, staff=StaffRole.PROGRAMME_MANAGER))
    page = desk.get("/staff/season")
    page.check()
    today = clock.today(clock.now())
    old = next(p for p in season.dated if p.key == "submit")
    form = {
        "phase": "submit",
        "revision": str(season.revision),
        "first": old.first.isoformat(),
        "last": (today + timedelta(days=5)).isoformat(),
        "reason": "",
    }
    bad = desk.post("/staff/season/phases", form)
    assert (bad.status, bad.errors) == (422, ["Please fill this in."])
    bad = desk.post("/staff/season/phases", form | {"reason": "x", "last": "2001-01-01"})
    assert (bad.status, bad.errors) == (422, ["The last day lies before the first, or in the past."])
    assert desk.post("/staff/season/phases", form | {"phase": "zz"}).status == 404
    assert "Moved" in desk.post("/staff/season/phases", form | {"reason": "Holiday"}).said
    assert desk.post("/staff/season/phases", form | {"reason": "Holiday"}).status == 409  # a second click
    session.expire_all()
    moved = next(p for p in session.get(Season, season.id).dated if p.key == "submit")
    assert moved.last == today + timedelta(days=5)
    [logged] = session.exec(select(History).where(History.verb == "phase of the season moved"))
    assert (logged.reason, logged.before["to"]) == ("Holiday", old.last.isoformat())
    over = {**form, "phase": "recruit", "revision": str(season.revision), "reason": "x"}
    assert desk.post("/staff/season/phases", over).errors == [
        "This phase is over; its days stay as they are."
    ]


def test_staff_let_an_organisation_in_and_strangers_do_not(session, browse):
    open_phase(session, "jury")
    firm = make_organisation(session)
    desk = browse(make_person(session, staff=StaffRole.PROGRAMME_MANAGER))
    last = clock.today(clock.now()) + timedelta(days=3)
    form = {"organisation": firm.slug, "form": "nomination", "last": last.isoformat(), "reason": "Flood"}
    assert desk.post("/staff/season/exceptions", form | {"organisation": "zz"}).errors == [
        "No organisation has this code."
    ]
    assert desk.post("/staff/season/exceptions", form | {"form": "jury"}).status == 422
    assert "Open for them" in desk.post("/staff/season/exceptions", form).said
    assert desk.post("/staff/season/exceptions", form).status == 422
    assert [e.organisation_id for e in session.exec(select(SeasonException))] == [firm.id]
    desk.get("/staff/season").check()
    assert "One form was opened for an organisation after its phase" in browse().get("/season").text
    assert browse(make_person(session)).post("/staff/season/exceptions", form).status == 404
    assert browse(make_person(session, staff=StaffRole.REVIEWER)).get("/staff/season").status == 403
