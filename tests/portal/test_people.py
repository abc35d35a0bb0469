"""A person's page shows what they agreed to and nothing else; codes count without knowing who."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from casebook.briefs.models import Brief
from certification.credentials.actions import award_certificate
from certification.credentials.keyring import ensure_keys
from portal import clock
from portal.files.pictures import bare
from portal.history.models import History
from portal.mail.models import Mail
from portal.notices.models import Notice
from portal.organisations.actions import end_employment
from portal.organisations.models import Organisation
from portal.organisations.queries import open_employment
from portal.organisations.rules import Ending, Kind, Role, Trust
from portal.people import actions
from portal.people.forms import EditPage
from portal.people.models import Attribution, CodeScan, Consent, PersonCode, PersonPage
from portal.people.queries import uses_of
from portal.people.rules import (
    CERTIFICATE,
    NAMES,
    Use,
    masked,
    name_as,
    new_uses,
    read_scan_cookie,
    scan_cookie,
    surname,
    visitor_of,
)
from portal.settings import settings
from tests.casebook.test_briefs import fields as brief_fields
from tests.factories import credit_code, employ, make_organisation, make_person
from tests.hostile_files import jpeg, pdf, png, segment

SECRETS = {
    "headline": "only-the-headline",
    "does": "only-what-i-do",
    "about": "only-about-me",
}


@pytest.fixture(autouse=True)
def keys():
    ensure_keys(clock.now())


@pytest.fixture
def staff(session):
    """(organisation, person) with a page that is filled in and not open."""
    organisation = make_organisation(session, "Tangli")
    person = make_person(session, "欧阳知夏", email="zhixia@tangli.example")
    employ(session, organisation, person, role=Role.DELIVERY)
    page = actions.page_for(session, person.id)
    entry = EditPage.model_validate(
        SECRETS | {"nickname": "Xia", "salutation": "ms", "languages": ["zh"]}, context={"languages": ["zh"]}
    )
    actions.save_page(session, page, entry, by=person.id, now=clock.now())
    return organisation, person


def agree(session, person, *uses):
    actions.agree(session, person.id, set(uses), by=person.id, now=clock.now())
    session.flush()
    return "/people/" + session.get(PersonPage, person.id).slug


def shown_of(page) -> dict[str, bool]:
    """What of the person stands on the page, whatever the language."""
    text = page.response.text
    return {
        "full": "欧阳知夏" in text,
        "masked": "Ms 欧阳" in text,
        "nickname": "Xia" in text,
        "employer": "Tangli Co., Ltd" in text,
        "languages": "Chinese" in page.text,
        "about": any(secret in text for secret in SECRETS.values()),
        "form": "/contact" in text,
        "photo": "/photo" in text,
    }


NOTHING = dict.fromkeys(
    ("full", "masked", "nickname", "employer", "languages", "about", "form", "photo"), False
)


# ——— Rules ———


@pytest.mark.parametrize(
    ("name", "family", "hidden"),
    [
        ("林知夏", "林", "林○○"),
        ("欧阳锋", "欧阳", "欧阳○"),
        ("欧阳", "欧", "欧○"),
        ("Lin Zhixia", "", "L. Z."),
        ("", "", ""),
    ],
)
def test_a_masked_name_shows_the_surname_or_initials(name, family, hidden):
    assert (surname(name), masked(name)) == (family, hidden)


@given(st.sets(st.sampled_from(list(Use))), st.sets(st.sampled_from(list(Use))))
def test_consents_become_what_is_wanted(had, wanted):
    given_now, withdrawn = new_uses(had, wanted)
    assert (had | given_now) - withdrawn == wanted
    assert not given_now & withdrawn


def test_the_least_that_was_agreed_to_is_shown():
    assert name_as(set(NAMES)) is Use.MASKED_NAME
    assert name_as({Use.FULL_NAME, Use.NICKNAME}) is Use.NICKNAME
    assert name_as(()) is Use.MASKED_NAME


@given(st.text(max_size=60))
def test_a_scan_cookie_of_somebody_else_is_not_believed(text):
    assert read_scan_cookie("s" * 32, text) is None


def test_a_scan_cookie_is_read_back():
    cookie = scan_cookie("s" * 32, 7, "abc-_")
    assert read_scan_cookie("s" * 32, cookie) == (7, "abc-_")
    assert read_scan_cookie("t" * 32, cookie) is None
    assert read_scan_cookie("s" * 32, "8" + cookie[1:]) is None


def test_a_visitor_is_another_one_each_day():
    today = clock.today(clock.now())
    assert visitor_of("s", "t", today) == visitor_of("s", "t", today)
    assert visitor_of("s", "t", today) != visitor_of("s", "t", today + timedelta(days=1))


def test_pictures_lose_what_is_written_beside_them():
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0GPS-31.2"
    photo = jpeg()
    with_place = photo[:2] + segment(0xE1, exif) + segment(0xFE, b"of Lin") + photo[2:]
    plain = bare(with_place)
    assert (b"GPS" in plain, b"of Lin" in plain) == (False, False)
    assert plain.endswith(photo[-20:])
    assert b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06" in plain  # how it is turned stays
    assert bare(plain) == plain
    from tests.hostile_files import chunk

    drawn = png(more=chunk(b"tEXt", b"Author\0Lin"))
    assert bare(drawn) == png()


# ——— The page ———


def test_a_page_is_closed_until_its_person_opens_it(browse, session, staff):
    _, person = staff
    slug = session.get(PersonPage, person.id).slug
    closed, nowhere = browse().get(f"/people/{slug}"), browse().get("/people/nowhere22222")
    assert (closed.status, closed.text) == (404, nowhere.text)
    assert browse().get(f"/people/{slug}/photo").status == 404
    assert browse().post(f"/people/{slug}/contact", {"name": "A"}).status == 404


@pytest.mark.parametrize(
    ("use", "part"),
    [
        (Use.FULL_NAME, "full"),
        (Use.NICKNAME, "nickname"),
        (Use.EMPLOYER, "employer"),
        (Use.LANGUAGES, "languages"),
        (Use.ABOUT, "about"),
        (Use.CONTACT, "form"),
    ],
)
def test_each_thing_is_shown_with_its_consent_alone(browse, session, staff, use, part):
    _, person = staff
    path = agree(session, person, Use.PAGE, use)
    expected = NOTHING | {part: True}
    if use not in NAMES:
        expected |= {"masked": True}
    assert shown_of(browse().get(path)) == expected
    agree(session, person, Use.PAGE)
    assert shown_of(browse().get(path)) == NOTHING | {"masked": True}, "withdrawn"
    agree(session, person)
    assert browse().get(path).status == 404


def test_the_employer_is_named_while_one_works_there_and_it_is_verified(browse, session, staff):
    organisation, person = staff
    path = agree(session, person, Use.PAGE, Use.EMPLOYER)
    assert shown_of(browse().get(path))["employer"]
    organisation.trust = Trust.SUSPENDED
    session.flush()
    assert not shown_of(browse().get(path))["employer"]
    organisation.trust = Trust.VERIFIED
    end_employment(session, open_employment(session, person.id), Ending.LEFT, by=person.id, now=clock.now())
    assert not shown_of(browse().get(path))["employer"]


def test_consent_is_a_row_with_its_dates_and_words(browse, session, staff):
    _, person = staff
    me = browse(person)
    page = me.post("/my/me/shown", {"page": "yes", "name": "masked_name", "shows": ["about", "contact"]})
    assert page.said == "Saved. Your page shows this from now on."
    me.post("/my/me/shown", {"page": "yes", "name": "masked_name", "shows": ["about", "contact"]})  # twice
    rows = session.exec(select(Consent).where(Consent.person_id == person.id)).all()
    assert sorted((c.use, c.wording, c.withdrawn_at) for c in rows) == [
        (use, "2026-11/en", None) for use in ("about", "contact", "masked_name", "page")
    ]
    me.post("/my/me/shown", {"page": "yes", "name": "full_name", "shows": ["about"]})
    assert uses_of(session, person.id) == {"page", "full_name", "about"}
    page = me.post("/my/me/shown", {})
    assert page.said == "Your page is closed. Whoever opens its address is told that there is none."
    assert uses_of(session, person.id) == frozenset()
    rows = session.exec(select(Consent).where(Consent.person_id == person.id)).all()
    assert (len(rows), {c.withdrawn_at is None for c in rows}) == (5, {False})
    assert len(page.tree.xpath("//h2[@id='given']/ancestor::section//tbody/tr")) == 5


def test_a_name_must_be_chosen_and_be_there(browse, session):
    person = make_person(session, "Lin Zhixia")
    me = browse(person)
    page = me.post("/my/me/shown", {"page": "yes", "shows": ["about"]})
    assert (page.status, page.errors) == (422, ["Please choose how your name is shown."])
    page = me.post("/my/me/shown", {"page": "yes", "name": "nickname"})
    assert (page.status, page.errors) == (
        422,
        ["Please write the name you go by first, above, and save it."],
    )
    assert uses_of(session, person.id) == frozenset()


def test_a_certificate_is_shown_if_it_is_ones_own_and_agreed_to(browse, session, staff):
    _, person = staff
    other = make_person(session, "Other")
    own, foreign = (
        award_certificate(session, one.id, "P1", source=("test", 1), by=None, now=clock.now())
        for one in (person, other)
    )
    me = browse(person)
    fields = {"page": "yes", "name": "masked_name"}
    me.post("/my/me/shown", fields | {"shows": [f"{CERTIFICATE}{own.uuid}", f"{CERTIFICATE}{foreign.uuid}"]})
    assert uses_of(session, person.id) == {"page", "masked_name", f"{CERTIFICATE}{own.uuid}"}
    path = "/people/" + session.get(PersonPage, person.id).slug
    page = browse().get(path)
    assert [link for link in page.links() if "/credentials/" in link] == [f"/credentials/{own.uuid}"]
    assert "in force" in page.text
    me.post("/my/me/shown", fields)
    assert [link for link in browse().get(path).links() if "/credentials/" in link] == []


def test_own_page_is_saved_with_a_photo_and_stale_saves_are_told(browse, session):
    person = make_person(session, "Lin Zhixia")
    me = browse(person)
    fields = {"headline": "Communities", "languages": ["zh", "en"], "salutation": "ms", "revision": "0"}
    page = me.post("/my/me", fields, files={"photo": ("me.png", png(), "image/png")})
    assert page.said == "Saved. Only what you agree to below is shown to others."
    stored = session.get(PersonPage, person.id)
    assert (stored.headline, stored.languages, stored.revision) == ("Communities", ["en", "zh"], 2)
    assert me.client.get("/my/me/photo").content == png()
    path = agree(session, person, Use.PAGE)
    session.commit()
    assert browse().get(f"{path}/photo").status == 404
    agree(session, person, Use.PAGE, Use.PHOTO)
    session.commit()
    answer = browse().client.get(f"{path}/photo")
    assert (answer.status_code, answer.content, answer.headers["cache-control"]) == (
        200,
        png(),
        "private, no-store",
    )
    page = me.post("/my/me", fields | {"revision": "1", "headline": "Older"})
    assert (page.status, page.value("headline")) == (422, "Older")
    page = me.post("/my/me", {"revision": "2", "remove_photo": "yes"})
    assert (page.status, session.get(PersonPage, person.id).photo_id) == (200, None)
    assert browse().get(f"{path}/photo").status == 404


@pytest.mark.parametrize(
    ("fields", "upload", "errors"),
    [
        ({"headline": "x" * 121}, None, ["Please keep this within 120 characters."]),
        ({"languages": ["klingon"]}, None, ["Please choose from the list."]),
        (
            {},
            ("me.pdf", pdf(), "application/pdf"),
            ["A photo is a JPEG or a PNG. Please choose another file."],
        ),
    ],
)
def test_what_does_not_fit_is_told(browse, session, fields, upload, errors):
    me = browse(make_person(session, "Lin"))
    page = me.post("/my/me", {"revision": "0", **fields}, files={"photo": upload} if upload else None)
    assert (page.status, page.errors) == (422, errors)


# ——— Letters ———

LETTER = {"name": "Wu", "email": "wu@brand.example", "message": "We look for help.", "once": "a" * 32}


def test_a_letter_reaches_the_person_without_showing_the_address(browse, session, staff):
    _, person = staff
    path = agree(session, person, Use.PAGE, Use.CONTACT)
    visitor = browse()
    assert person.email not in visitor.get(path).response.text
    page = visitor.post(f"{path}/contact", LETTER)
    assert page.said == "Sent by e-mail. Whether and when there is an answer is up to them."
    visitor.post(f"{path}/contact", LETTER)  # the same form again
    [mail] = session.exec(select(Mail).where(Mail.to_address == person.email))
    assert ("wu@brand.example" in mail.text, "We look for help." in mail.text) == (True, True)
    assert len(session.exec(select(Notice).where(Notice.person_id == person.id)).all()) == 1
    page = visitor.post(f"{path}/contact", LETTER | {"message": "short", "once": "b" * 32})
    assert (page.status, page.value("message")) == (422, "short")


def test_letters_are_limited_and_need_consent(browse, session, staff):
    _, person = staff
    path = agree(session, person, Use.PAGE, Use.CONTACT)
    visitor = browse()
    answers = [visitor.post(f"{path}/contact", LETTER | {"once": f"{n}" * 32}).status for n in range(4)]
    assert answers == [200, 200, 200, 422]
    refused = visitor.post(f"{path}/contact", LETTER | {"once": "z" * 32})
    assert refused.value("once") != "z" * 32, "or the next try would read that it was sent"
    agree(session, person, Use.PAGE)
    assert browse().post(f"{path}/contact", LETTER | {"once": "x" * 32, "email": "b@b.example"}).status == 404


# ——— Codes and scans ———


@pytest.fixture
def code(session, staff):
    _, person = staff
    agree(session, person, Use.PAGE)
    return actions.make_code(session, person.id, "booth", by=person.id, now=clock.now())


def scans(session):
    return session.exec(select(CodeScan).order_by(CodeScan.id)).all()


def test_a_scan_leads_to_the_page_and_counts(browse, session, staff, code):
    organisation, person = staff
    first, second = browse(), browse()
    for visitor in (first, first, second):
        page = visitor.get(f"/q/{code.code}")
        assert page.url == "/people/" + session.get(PersonPage, person.id).slug
    assert [(s.organisation_id, s.repeated) for s in scans(session)] == [
        (organisation.id, False),
        (organisation.id, True),
        (organisation.id, False),
    ]
    columns = set(CodeScan.__table__.columns.keys())
    assert columns == {"id", "code_id", "organisation_id", "at", "day", "visitor", "repeated"}, "no address"


def test_a_code_of_a_closed_page_leads_nowhere_and_counts_nothing(browse, session, staff, code):
    agree(session, staff[1])
    assert (browse().get(f"/q/{code.code}").status, scans(session)) == (404, [])
    assert browse().get("/q/nowhere").status == 404


def test_a_renewed_code_says_so(browse, session, staff, code):
    me = browse(staff[1])
    page = me.post(f"/my/codes/{code.id}/renew")
    assert page.said == "Renewed. Whoever scans the old one reads that it was replaced."
    assert browse().get(f"/q/{code.code}").status == 410
    assert me.post(f"/my/codes/{code.id}/renew").status == 409  # a second click
    codes = session.exec(select(PersonCode).order_by(PersonCode.id)).all()
    assert [(c.label, c.retired_at is None) for c in codes] == [("booth", False), ("booth", True)]
    assert browse().get(f"/q/{codes[1].code}").status == 200
    assert me.post(f"/my/codes/{codes[1].id}/end").said == "Ended. Its numbers stay."
    assert browse().get(f"/q/{codes[1].code}").status == 410


def test_codes_are_ones_own(browse, session, staff, code):
    stranger = browse(make_person(session, "Stranger"))
    for path in (f"/my/codes/{code.id}", f"/my/codes/{code.id}/svg"):
        assert stranger.get(path).status == 404
    for path in (f"/my/codes/{code.id}/renew", f"/my/codes/{code.id}/end"):
        assert stranger.post(path).status == 404
    assert session.get(PersonCode, code.id).retired_at is None
    me = browse(staff[1])
    assert me.get(f"/my/codes/{code.id}").status == 200
    assert me.client.get(f"/my/codes/{code.id}/png").content.startswith(b"\x89PNG")
    assert b"<svg" in me.client.get(f"/my/codes/{code.id}/svg").content
    assert me.get(f"/my/codes/{code.id}/exe").status == 404


def test_a_code_is_made_once(browse, session):
    person = make_person(session, "Lin")
    me = browse(person)
    assert me.post("/my/codes", {"label": "", "once": "a" * 32}).errors == ["Please fill this in."]
    for _ in range(2):
        me.post("/my/codes", {"label": "card", "once": "a" * 32})
    assert [c.label for c in session.exec(select(PersonCode))] == ["card"]


REGISTER = {
    "kind": "brand",
    "legal_name": "麦田宠物食品（上海）有限公司",
    "short_name": "Maitian",
    "province": "shanghai",
    "city": "上海",
    "industries": ["pets"],
}


def test_a_brand_that_registers_after_a_scan_is_attributed(browse, session, staff, code):
    organisation, person = staff
    visitor = browse(make_person(session, "Brand"))
    visitor.get(f"/q/{code.code}")
    page = visitor.post("/my/organisation/new", REGISTER | {"credit_code": credit_code()})
    assert page.status == 200, page.errors
    made = session.exec(select(Organisation).where(Organisation.short_name == "Maitian")).one()
    [row] = session.exec(select(Attribution))
    assert (row.kind, row.subject_id, row.code_id, row.organisation_id) == (
        "registration",
        made.id,
        code.id,
        organisation.id,
    )
    text = browse(person).get("/my/codes").text
    assert "booth" in text
    assert numbers(browse(person).get("/my/codes"), "codes") == [["1", "1", "1", "0"]]


def numbers(page, section) -> list[list[str]]:
    rows = page.tree.xpath(f"//section[.//h2[@id='{section}']]//tbody/tr")
    return [[td.text_content() for td in row.xpath("./td[contains(@class, 'number')]")] for row in rows]


def test_a_brief_counts_for_the_organisation_of_the_moment_of_the_scan(browse, session, staff, code):
    organisation, person = staff
    owner = make_person(session, "Buyer")
    make_organisation(session, "Maitian", kind=Kind.BRAND, owner=owner)
    visitor = browse(owner)
    visitor.get(f"/q/{code.code}")
    end_employment(session, open_employment(session, person.id), Ending.LEFT, by=person.id, now=clock.now())
    employ(session, make_organisation(session, "Next"), person)
    session.commit()
    for _ in range(2):
        assert visitor.post("/my/briefs/new", brief_fields(once="c" * 32)).status == 200
    brief = session.exec(select(Brief)).one()
    [row] = session.exec(select(Attribution))
    assert (row.kind, row.subject_id, row.organisation_id) == ("brief", brief.id, organisation.id)
    browse().get(f"/q/{code.code}")
    assert len({s.organisation_id for s in scans(session)}) == 2


@pytest.mark.parametrize("case", ["own", "late", "forged", "none"])
def test_nothing_else_is_attributed(session, staff, code, case):
    _organisation, person = staff
    brand = make_organisation(session, "Maitian", kind=Kind.BRAND)
    now = clock.now()
    scan = actions.note_scan(session, code, "v", now=now)
    cookie = scan_cookie(settings().secret, scan.id, "v")
    if case == "late":
        now += timedelta(days=31)
    elif case == "forged":
        cookie = cookie[:-1] + ("0" if cookie[-1] != "0" else "1")
    elif case == "none":
        cookie = None
    by = person.id if case == "own" else 0
    subject = {"organisation_id": brand.id, "by": by, "now": now}
    assert actions.attribute(session, cookie, "registration", brand.id, **subject) is None


def test_owners_see_their_peoples_numbers_and_nobody_elses(browse, session, staff, code):
    organisation, person = staff
    owner, neighbour = make_person(session, "Owner"), make_person(session, "Neighbour")
    employ(session, organisation, owner, role=Role.OWNER)
    make_organisation(session, "Neighbours", owner=neighbour)
    browse().get(f"/q/{code.code}")
    assert numbers(browse(owner).get("/my/codes"), "team") == [["1", "1", "0", "0"]]
    assert numbers(browse(neighbour).get("/my/codes"), "team") == []
    assert browse(person).get("/my/codes").tree.xpath("//h2[@id='team']") == []


def test_what_changes_is_recorded(browse, session, staff):
    _, person = staff
    me = browse(person)
    me.post("/my/me/shown", {"page": "yes", "name": "masked_name"})
    me.post("/my/me/shown", {})
    me.post("/my/codes", {"label": "card", "once": "a" * 32})
    verbs = [
        h.verb
        for h in session.exec(select(History).where(History.actor_id == person.id).order_by(History.id))
    ]
    assert verbs[-3:] == ["consent given", "consent withdrawn", "code made"]
