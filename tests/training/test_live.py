"""Live sessions: seats in the order of asking, the line, the calendar file, the door, hours as facts."""

from datetime import timedelta

import icalendar
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import func, select

from portal import clock
from portal.accounts.rules import StaffRole
from portal.app import put_together
from portal.clock import CHINA
from portal.departures.actions import depart
from portal.history.queries import timeline
from portal.ledger.models import Fact
from portal.ledger.queries import facts_of_people
from portal.ledger.rules import FactKind
from portal.mail.models import Mail
from portal.organisations.queries import open_employment
from portal.organisations.rules import Ending, Trust
from portal.refusal import Refused
from portal.settings import settings
from tests.factories import employ, make_organisation, make_person, viewer_for
from tests.hostile import Alone, race
from training.live import actions, queries
from training.live.home import clocks
from training.live.jobs import sweep_live
from training.live.models import LiveSeat
from training.live.rules import (
    MOVES,
    SEAT_MOVES,
    STATES,
    How,
    SeatStatus,
    Status,
    code_holds,
    door_code,
    door_open,
    to_seat,
)

LINK = "https://rooms.example/secret-room"


def fields(days=5.0, capacity=2, **more):
    starts = clock.now().replace(second=0, microsecond=0) + timedelta(days=days)
    return {
        "title_zh": "答疑",
        "title_en": "Questions",
        "about_zh": "",
        "about_en": "Bring yours",
        "subject": "TRK-01/2",
        "hours": 1.5,
        "starts_at": starts,
        "ends_at": starts + timedelta(hours=2),
        "closes_at": starts - timedelta(hours=1),
        "place": "Room 3",
        "link": LINK,
        "capacity": capacity,
    } | more


@pytest.fixture
def staff(session):
    return make_person(session, "Staff", staff=StaffRole.PROGRAMME_MANAGER)


@pytest.fixture
def firm(session):
    """(organisation, four people)"""
    people = [make_person(session, f"P{n}") for n in range(4)]
    organisation = make_organisation(session, owner=people[0])
    for person in people[1:]:
        employ(session, organisation, person)
    return organisation, people


def open_one(session, staff, **more):
    now = clock.now()
    live = actions.plan(session, fields(**more), by=staff.id, now=now)
    actions.open_up(session, live.id, by=staff.id, now=now)
    session.flush()
    return live


def ask(session, live, firm, *people):
    now = clock.now()
    for n, person in enumerate(people):
        actions.sign_up(session, live.id, firm[0].id, by=person.id, now=now + timedelta(seconds=n))


def state(session, live, *people):
    session.flush()
    return [queries.seat_of(session, live.id, p.id).status.value for p in people]


def mails(session, to, words):
    session.flush()
    found = session.exec(select(Mail.subject).where(Mail.to_address == to.email))
    return sum(words in subject for subject in found)


def hours(session, person):
    session.flush()
    facts = facts_of_people(session, [person.id])
    return [f.value["hours"] for f in facts if f.kind == FactKind.TRAINING and f.retracted_at is None]


# ——— Rules ———


def test_the_table_of_moves():
    assert {state for state, _ in MOVES} == {Status.PLANNED, Status.OPEN}
    assert set(MOVES.values()) == {Status.OPEN, Status.HELD, Status.CANCELLED}
    assert set(STATES) == set(Status)
    assert {to for (_, move), to in SEAT_MOVES.items() if move == "seat"} == {SeatStatus.SEATED}
    assert [at for (at, move) in SEAT_MOVES if move == "seat"] == [SeatStatus.WAITING]


@examples(max_examples=40)
@given(st.lists(st.integers(1, 99), unique=True, max_size=9), st.integers(0, 9), st.integers(0, 9))
def test_never_more_seats_than_there_are_and_nobody_overtakes(line, seated, capacity):
    chosen = to_seat(line, seated, capacity)
    assert chosen == line[: len(chosen)]
    assert seated + len(chosen) == max(seated, min(capacity, seated + len(line)))


def test_the_code_at_the_door_lasts_for_its_step_and_the_next():
    now = clock.now()
    now -= timedelta(seconds=now.timestamp() % 300)  # a step begins
    code = door_code("secret", 7, now)
    steps = [code_holds("secret", 7, code, now + timedelta(seconds=s)) for s in (-1, 0, 299, 599, 600)]
    assert steps == [False, True, True, True, False]
    wrong = [("other", 7, code), ("secret", 8, code), ("secret", 7, code[:-1]), ("secret", 7, "签到")]
    assert [code_holds(*one, now) for one in wrong] == [False] * 4
    minutes = [
        door_open(now, now + timedelta(hours=1), now + timedelta(minutes=m)) for m in (-31, -30, 60, 61)
    ]
    assert minutes == [False, True, True, False]


# ——— Seats ———


def test_the_line_moves_up_in_the_order_of_asking(session, staff, firm):
    live = open_one(session, staff)
    a, b, c, d = firm[1]
    ask(session, live, firm, a, b, c, d)
    ask(session, live, firm, c)  # twice is once
    assert state(session, live, a, b, c, d) == ["seated", "seated", "waiting", "waiting"]
    assert queries.ahead_of(session, queries.seat_of(session, live.id, d.id)) == 1
    actions.withdraw(session, live.id, by=a.id, now=clock.now())
    assert state(session, live, a, b, c, d) == ["withdrawn", "seated", "seated", "waiting"]
    assert (mails(session, c, "A seat is yours"), mails(session, b, "A seat is yours")) == (1, 0)
    later = clock.now() + timedelta(minutes=1)
    actions.sign_up(session, live.id, firm[0].id, by=a.id, now=later)  # to the end of the line
    actions.change(session, live.id, fields(capacity=3), sequence=live.sequence, by=staff.id, now=later)
    assert state(session, live, a, b, c, d) == ["waiting", "seated", "seated", "seated"]
    with pytest.raises(Refused):
        actions.change(session, live.id, fields(capacity=2), sequence=live.sequence, by=staff.id, now=later)
    verbs = [entry.verb for entry in timeline(session, "live_session", live.id)]
    assert verbs.count("seat given") == 4


def test_too_late_and_not_open(session, staff, firm):
    live = open_one(session, staff)
    person = firm[1][0]
    ask(session, live, firm, person)
    for call in (actions.withdraw, actions.sign_up):
        extra = (firm[0].id,) if call is actions.sign_up else ()
        with pytest.raises(Refused):
            call(session, live.id, *extra, by=person.id, now=live.closes_at)
    planned = actions.plan(session, fields(), by=staff.id, now=clock.now())
    with pytest.raises(Refused):
        ask(session, planned, firm, person)
    with pytest.raises(Refused):
        actions.hold(session, live.id, by=staff.id, now=clock.now())


def test_who_leaves_frees_the_seat(session, staff, firm):
    put_together()
    live = open_one(session, staff, capacity=1)
    _, a, b, _ = firm[1]
    ask(session, live, firm, a, b)
    employment = open_employment(session, a.id)
    depart(session, employment, Ending.LEFT, by=a.id, now=clock.now())
    assert state(session, live, a, b) == ["withdrawn", "seated"]


@pytest.fixture(scope="module")
def alone():
    return Alone()


def test_the_last_seat_is_given_once_at_once(alone):
    with alone.transaction() as session:
        people = [make_person(session, email=f"live{n}@x.example") for n in range(4)]
        organisation = make_organisation(session, owner=people[0])
        for person in people[1:]:
            employ(session, organisation, person)
        live = open_one(session, make_person(session, email="plans@x.example"), capacity=2)
        live_id = live.id
    posts = [alone.client(person) for person in people]
    answers = race(*(lambda post=post: post(f"/my/live/{live_id}/sign-up") for post in posts))
    assert [a.status_code for a in answers] == [303] * 4
    with alone.transaction() as session:
        rows = session.exec(select(LiveSeat.status, func.count()).group_by(LiveSeat.status)).all()
        seated = queries.seats_of(session, live_id, SeatStatus.SEATED)
        assert dict(rows) == {SeatStatus.SEATED: 2, SeatStatus.WAITING: 2}
        ids = [s.person_id for s in seated]
    leaving = [alone.client(p) for p in people if p.id in ids]
    answers = race(*(lambda post=post: post(f"/my/live/{live_id}/withdraw") for post in leaving))
    assert [a.status_code for a in answers] == [303] * 2
    with alone.transaction() as session:
        seated = queries.seats_of(session, live_id, SeatStatus.SEATED)
        assert sorted(s.person_id for s in seated) == sorted({p.id for p in people} - set(ids))


# ——— Attendance ———


def test_hours_are_a_fact_once_and_a_correction_takes_them_back(session, staff, firm):
    live = open_one(session, staff)
    a, b, c, _ = firm[1]
    ask(session, live, firm, a, b)
    begun = live.starts_at - timedelta(minutes=10)
    with pytest.raises(Refused):
        actions.check_in(session, live.id, firm[0].id, by=a.id, now=live.starts_at - timedelta(minutes=31))
    assert actions.check_in(session, live.id, firm[0].id, by=a.id, now=begun)
    assert not actions.check_in(session, live.id, firm[0].id, by=a.id, now=begun)
    with pytest.raises(Refused):  # the room is full
        actions.check_in(session, live.id, firm[0].id, by=c.id, now=begun)
    seat = queries.seat_of(session, live.id, b.id)
    after = live.ends_at + timedelta(days=1)
    actions.hold(session, live.id, by=None, now=after)
    actions.mark_present(session, live.id, seat.id, reason="No phone", by=staff.id, now=after)
    assert (hours(session, a), hours(session, b), seat.how) == ([1.5], [1.5], How.BY_HAND)
    fact = session.exec(select(Fact).where(Fact.source_kind == "live_seat", Fact.source_id == seat.id)).one()
    assert (fact.true_from, fact.value) == (live.starts_at, {"hours": 1.5, "live_session": live.id})
    actions.mark_absent(session, live.id, seat.id, reason="Somebody else", by=staff.id, now=after)
    assert hours(session, b) == []
    actions.mark_present(session, live.id, seat.id, reason="It was them", by=staff.id, now=after)
    assert hours(session, b) == [1.5]
    assert queries.counted_of(session, live).came == 2


def test_a_walk_in_gets_a_free_seat(session, staff, firm):
    live = open_one(session, staff)
    a, b, _, _ = firm[1]
    ask(session, live, firm, a)
    now = live.starts_at + timedelta(minutes=5)  # long after the time to sign up
    assert actions.check_in(session, live.id, firm[0].id, by=b.id, now=now)
    assert (state(session, live, b), hours(session, b)) == (["seated"], [1.5])


def test_cancelled_is_told_and_credits_nothing(session, staff, firm):
    live = open_one(session, staff, capacity=1)
    a, b, _, _ = firm[1]
    ask(session, live, firm, a, b)
    actions.check_in(session, live.id, firm[0].id, by=a.id, now=live.starts_at)
    actions.cancel(session, live.id, reason="The speaker is ill", by=staff.id, now=live.starts_at)
    assert (mails(session, a, "Cancelled"), mails(session, b, "Cancelled"), hours(session, a)) == (1, 1, [])
    with pytest.raises(Refused):
        actions.cancel(session, live.id, reason="Again", by=staff.id, now=live.starts_at)


def test_the_sweep_reminds_once_and_holds_what_is_over(session, staff, firm):
    a, b, _, _ = firm[1]
    long_ago = clock.now() - timedelta(days=3)
    soon = actions.plan(session, fields(days=0.5, capacity=1), by=staff.id, now=long_ago)
    over = actions.plan(session, fields(days=-1), by=staff.id, now=long_ago)
    for live in (soon, over):
        actions.open_up(session, live.id, by=staff.id, now=long_ago)
    actions.sign_up(session, soon.id, firm[0].id, by=a.id, now=long_ago)
    actions.sign_up(session, soon.id, firm[0].id, by=b.id, now=long_ago)
    session.commit()
    for _ in range(2):
        sweep_live()
    session.expire_all()
    assert (mails(session, a, "Within a day"), mails(session, b, "Within a day")) == (1, 0)
    assert (over.status, soon.status) == (Status.HELD, Status.OPEN)


# ——— Pages ———


def typed(live_fields):
    moments = ("starts_at", "ends_at", "closes_at")
    shown = {k: live_fields[k].astimezone(CHINA).strftime("%Y-%m-%dT%H:%M") for k in moments}
    return {k: str(v) for k, v in live_fields.items()} | shown


def test_staff_plan_open_change_and_mark(browse, session, staff, firm):
    desk = browse(staff)
    wrong = desk.post(
        "/staff/live/new", typed(fields()) | {"ends_at": "tomorrow", "capacity": "0", "link": "x y"}
    )
    assert (wrong.status, len(wrong.errors), wrong.value("title_en")) == (422, 3, "Questions")
    early = fields(days=-2)
    assert len(desk.post("/staff/live/new", typed(early)).errors) == 1
    backwards = fields() | {"ends_at": fields()["starts_at"], "place": "", "link": ""}
    assert len(desk.post("/staff/live/new", typed(backwards)).errors) == 2
    page = desk.post("/staff/live/new", typed(fields(capacity=1)))
    live = queries.every_live(session)[0].live
    assert (page.status, page.url, live.starts_at) == (200, f"/staff/live/{live.id}", fields()["starts_at"])
    person = firm[1][1]
    assert browse(person).get(f"/my/live/{live.id}").status == 404  # only planned
    assert desk.post(f"{page.url}/open").status == 200
    assert desk.post(f"{page.url}/open").status == 409
    ask(session, live, firm, *firm[1][:2])
    session.commit()
    form = desk.get(f"{page.url}/edit")
    assert form.value("starts_at") == typed(fields())["starts_at"]
    moved = typed(fields(days=6, capacity=2)) | {"sequence": form.value("sequence")}
    assert desk.post(f"{page.url}/edit", moved).status == 200
    assert desk.post(f"{page.url}/edit", moved | {"hours": "2"}).status == 409  # opened before the change
    assert state(session, live, *firm[1][:2]) == ["seated", "seated"]
    assert mails(session, firm[1][0], "Another time or place") == 1
    fewer = moved | {"capacity": "1", "sequence": "1"}
    assert desk.post(f"{page.url}/edit", fewer).errors == [
        "2 people have a seat already; there can't be fewer."
    ]
    assert desk.post(f"{page.url}/cancel", {"reason": ""}).status == 422
    assert desk.post(f"{page.url}/burn").status == 404
    live = session.get_one(type(live), live.id)
    live.starts_at, live.closes_at = clock.now() - timedelta(minutes=5), clock.now() - timedelta(hours=1)
    seat = queries.seat_of(session, live.id, firm[1][1].id)
    session.commit()
    assert desk.post(f"{page.url}/present", {"seat": str(seat.id), "reason": ""}).status == 422
    marked = desk.post(f"{page.url}/present", {"seat": str(seat.id), "reason": "No phone"})
    assert ("1 of 2 came" in marked.text, hours(session, firm[1][1])) == (True, [1.5])
    assert desk.post(f"{page.url}/present", {"seat": "999999", "reason": "Who?"}).status == 404


def test_people_sign_up_read_the_link_and_withdraw(browse, session, staff, firm):
    live = open_one(session, staff, capacity=1)
    a, b = browse(firm[1][1]), browse(firm[1][2])
    before = a.get(f"/my/live/{live.id}")
    assert (LINK in before.response.text, "Room 3" in before.text) == (False, True)
    assert a.post(f"/my/live/{live.id}/sign-up").said == "You have a seat."
    assert b.post(f"/my/live/{live.id}/sign-up").said.startswith("The session is full.")
    assert LINK in a.get(f"/my/live/{live.id}").links()
    assert LINK not in b.get(f"/my/live/{live.id}").response.text
    listed = a.get("/my/live")
    assert "1 of 1 seats taken, 1 waiting" in listed.text
    assert listed.tree.xpath("//main//time/@datetime")[0] == live.starts_at.isoformat()
    assert "(China time)" in listed.text
    assert [c.until for c in clocks(session, viewer_for(session, firm[1][1]), clock.now())] == [
        live.starts_at
    ]
    assert a.post(f"/my/live/{live.id}/withdraw").status == 200
    assert a.post(f"/my/live/{live.id}/withdraw").status == 409
    assert LINK in b.get(f"/my/live/{live.id}").links()
    outsider = make_person(session)
    make_organisation(session, trust=Trust.PROVISIONAL, owner=outsider)
    assert browse(outsider).get(f"/my/live/{live.id}").status == 409
    assert browse(make_person(session)).get(f"/my/live/{live.id}").status == 404


def test_the_list_asks_no_question_per_session(browse, session, staff, firm, connection):
    asked = []
    event.listen(connection, "before_cursor_execute", lambda *a: asked.append(a[2]))
    client = browse(firm[1][1])
    counts = []
    for _ in range(2):
        ask(session, open_one(session, staff), firm, *firm[1][:2])
        session.commit()
        asked.clear()
        client.get("/my/live")
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_calendar_file(browse, session, staff, firm):
    live = open_one(session, staff)
    client = browse(firm[1][1])
    path = f"/my/live/{live.id}/session.ics"

    def event_of(page):
        calendar = icalendar.Calendar.from_ical(page.response.content)
        (entry,) = calendar.events
        return calendar, entry

    calendar, entry = event_of(client.get(path))
    uid = str(entry["UID"])
    assert (str(calendar["METHOD"]), entry["SEQUENCE"], str(entry["STATUS"])) == ("PUBLISH", 0, "CONFIRMED")
    assert entry.start == live.starts_at
    assert entry["DTSTART"].to_ical() == live.starts_at.strftime("%Y%m%dT%H%M%SZ").encode()
    assert LINK not in client.get(path).response.text.replace("\r\n ", "")
    ask(session, live, firm, firm[1][1])
    actions.change(session, live.id, fields(days=7), sequence=0, by=staff.id, now=clock.now())
    session.commit()
    assert LINK in client.get(path).response.text.replace("\r\n ", "")
    actions.cancel(session, live.id, reason="Ill", by=staff.id, now=clock.now())
    session.commit()
    _, entry = event_of(client.get(path))
    assert (str(entry["UID"]), entry["SEQUENCE"], str(entry["STATUS"])) == (uid, 2, "CANCELLED")
    assert client.get(path).response.headers["content-type"].startswith("text/calendar")


def test_the_door(browse, session, staff, firm):
    live = open_one(session, staff, capacity=1)
    ask(session, live, firm, firm[1][1])
    live.starts_at, live.ends_at = clock.now(), clock.now() + timedelta(hours=1)
    session.commit()
    door = browse(staff).get(f"/staff/live/{live.id}/door")
    address = door.tree.find_class("code")[0].text_content()
    assert door.tree.xpath("//meta[@http-equiv='refresh']/@content") == ["60"]
    path = address.removeprefix(settings().base_url)
    person, other = browse(firm[1][1]), browse(firm[1][2])
    assert browse().get(path).url == "/sign-in"
    assert person.get(path).tree.xpath("//main//form/@action") == [path]
    assert hours(session, firm[1][1]) == []  # a page that is opened changes nothing
    assert person.post(path).said == "Checked in. Welcome!"
    assert person.post(path).said == "You were checked in already."
    assert hours(session, firm[1][1]) == [1.5]
    assert other.get(path).tree.xpath("//main//form") == []
    full = other.post(path)
    assert (full.status, "You have no seat" in full.text) == (409, True)
    old = door_code(settings().secret, live.id, clock.now() - timedelta(minutes=11))
    stale = f"/my/live/{live.id}/here/{old}"
    assert (other.get(stale).tree.xpath("//main//form"), other.post(stale).status) == ([], 409)
    assert person.post(f"/my/live/{live.id}/here/%E7%AD%BE").status == 409
