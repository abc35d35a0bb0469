"""Times of day are shown as the reader lives by them; days stay days in China."""

from datetime import UTC, datetime

import pytest
from sqlmodel import select

from portal import i18n
from portal.history.models import History
from portal.mail.actions import send_mail
from portal.mail.models import Mail
from tests.factories import make_person

AT = datetime(2026, 11, 30, 17, 30, tzinfo=UTC)

SHOWN = [
    ("zh", "Asia/Shanghai", "2026-12-01 01:30"),
    ("zh", None, "2026-12-01 01:30"),
    ("zh", "nowhere", "2026-12-01 01:30"),
    ("zh", "Asia/Tokyo", "2026-12-01 02:30 (UTC+9)"),
    ("en", "America/New_York", "30 Nov 2026, 12:30 (UTC-5)"),
    ("en", "Asia/Kolkata", "30 Nov 2026, 23:00 (UTC+5:30)"),
    ("en", "Europe/London", "30 Nov 2026, 17:30 (UTC)"),
]


@pytest.mark.parametrize(("language", "zone", "text"), SHOWN)
def test_a_moment_in_the_readers_time(language, zone, text):
    with i18n.speaking(language, zone):
        assert i18n.show_time(AT) == text
        assert i18n.show_date(AT) == ("2026-12-01" if language == "zh" else "1 Dec 2026")
    assert i18n.in_china()


def test_summer_time_is_that_of_the_moment():
    with i18n.speaking("en", "Europe/London"):
        assert i18n.show_clock(datetime(2026, 7, 1, 12, tzinfo=UTC)) == "13:00 (UTC+1)"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_zone_has_a_name_in_both_languages(language):
    with i18n.speaking(language):
        names = i18n.zone_names(AT)
    assert set(names) == set(i18n.ZONES)
    assert len(set(names.values())) == len(names)


def test_a_person_chooses_and_reads_by_it(browse, session):
    person = make_person(session, "Traveller")
    page = browse(person)
    assert page.post("/my/account/time-zone", {"time_zone": "Mars/Base"}).status == 409
    for _ in range(2):
        assert page.post("/my/account/time-zone", {"time_zone": "Asia/Tokyo"}).status == 200
    session.refresh(person)
    assert person.time_zone == "Asia/Tokyo"
    verbs = session.exec(
        select(History.verb).where(History.subject_kind == "person", History.actor_id == person.id)
    )
    assert list(verbs).count("time zone changed") == 1
    assert "(UTC+9)" in page.get("/my/account").text


def test_mails_tell_the_time_where_their_reader_lives(session):
    person = make_person(session, "Traveller", language="en")
    person.time_zone = "America/New_York"
    send_mail(
        session,
        "verification/reminder",
        to=person,
        now=AT,
        name="Traveller",
        organisation="Tangli",
        freezes_at=AT,
        path="/",
    )
    assert "On 30 Nov 2026, 12:30 (UTC-5) it will be frozen" in session.exec(select(Mail.text)).one()
