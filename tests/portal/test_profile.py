"""What changes at once, what staff see first, capacity that is asked for again."""

from datetime import timedelta

import pytest
from sqlmodel import select

from casebook.directory.queries import listed_organisation
from casebook.matching.queries import field_for
from portal import clock
from portal.accounts.rules import StaffRole
from portal.app import put_together
from portal.mail.models import Mail
from portal.organisations.models import Storefront
from portal.organisations.rules import missing_of_offer
from portal.profile.actions import remind_capacity
from portal.profile.models import ProfileChange
from portal.profile.queries import capacity_runs_out, known_of
from portal.profile.rules import reminder_due, unchecked
from portal.programme.queries import programme_at
from portal.review.models import Submission
from tests.factories import employ, hold_level, make_organisation, make_person
from tests.portal.test_mergers import make_brief

FOCUS = {
    "directions": ["operation"],
    "industries": ["pets"],
    "capabilities": ["community", "membership"],
    "province": "zhejiang",
    "city": "杭州",
    "coverage": ["shanghai", "jiangsu"],
    "service_days": ["mon", "fri"],
    "service_from": "09:00",
    "service_until": "18:30",
    "can_start": "2026-12-01",
    "client_0": "Beloved Brand",
    "industry_0": "beauty",
}


@pytest.fixture
def owner(session):
    put_together()
    return make_person(session, "Owner")


@pytest.fixture
def organisation(session, owner):
    return make_organisation(session, "Profile", owner=owner)


def test_low_risk_fields_change_at_once(browse, session, organisation, owner):
    client = browse(owner)
    industry = next(iter(programme_at(session, clock.now())["taxonomy"]["industries"]))
    page = client.post("/my/profile/focus", FOCUS | {"industry_0": industry})
    assert page.said == "Saved."
    storefront = session.get_one(Storefront, organisation.id)
    assert (organisation.province, storefront.service_days, storefront.service_until) == (
        "zhejiang",
        ["mon", "fri"],
        "18:30",
    )
    assert storefront.conflicts == [{"client": "Beloved Brand", "industry": industry}]
    hold_level(session, organisation)
    session.commit()
    text = browse().get(f"/providers/{organisation.slug}").text
    assert "Beloved Brand" not in text  # whom one serves is not for everybody
    assert "Service hoursMonday, Friday09:00 to 18:30" in text


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"directions": []}, "directions", "Please choose at least 1."),
        ({"capabilities": ["nonsense"]}, "capabilities", "Please choose from the list."),
        ({"service_from": "25:00"}, "service_from", "Please write a time, such as 09:30."),
        ({"service_until": ""}, "service_from", "Please give both times, or neither."),
        ({"service_until": "08:00"}, "service_from", "The day must end after it begins."),
        ({"province": "atlantis"}, "province", "Please choose from the list."),
        ({"client_0": "Half", "industry_0": ""}, "industry_0", "Please choose from the list."),
        ({"can_start": "soon"}, "can_start", "Please write a date, such as 2026-11-30."),
    ],
)
def test_bad_input_is_answered_at_its_field(browse, session, organisation, owner, changed, field, sentence):
    industry = next(iter(programme_at(session, clock.now())["taxonomy"]["industries"]))
    page = browse(owner).post("/my/profile/focus", FOCUS | {"industry_0": industry} | changed)
    assert (page.status, page.errors) == (422, [sentence])
    assert organisation.city == "上海"


def test_the_programmes_limits_hold(browse, session, organisation, owner):
    taxonomy = programme_at(session, clock.now())
    seven = list(taxonomy.leaves("capabilities"))[:7]
    page = browse(owner).post(
        "/my/profile/focus", FOCUS | {"client_0": "", "industry_0": "", "capabilities": seven}
    )
    assert page.errors == ["Please choose at most 6; you chose 7."]


def test_a_stale_page_changes_nothing(browse, session, organisation, owner):
    fields = FOCUS | {"client_0": "", "industry_0": "", "revision": "99"}
    assert browse(owner).post("/my/profile/focus", fields).status == 422


def test_who_may(browse, session, organisation):
    learner = make_person(session)
    employ(session, organisation, learner)
    client = browse(learner)
    assert client.get("/my/profile").status == 200
    assert client.post("/my/profile/focus", FOCUS).status == 403
    assert client.post("/my/profile/names", {}).status == 403
    assert client.post("/my/storefront/capacity").status == 403
    assert browse(make_person(session)).get("/my/profile").status == 404


def test_names_wait_for_staff(browse, session, organisation, owner):
    client = browse(owner)
    names = {
        "legal_name": "Renamed Co., Ltd",
        "short_name": organisation.short_name,
        "credit_code": organisation.credit_code,
        "reason": "Renamed on 1 November",
    }
    same = names | {"legal_name": organisation.legal_name}
    page = client.post("/my/profile/names", same)
    assert page.errors == ["Nothing is changed: these are the names that are registered."]
    taken = make_organisation(session, "Other").credit_code
    session.commit()
    assert client.post("/my/profile/names", names | {"credit_code": taken}).status == 422
    page = client.post("/my/profile/names", names)
    assert page.said == "Handed in. Staff decide within one working day; until then the old names stand."
    assert client.post("/my/profile/names", names).status == 409
    assert organisation.legal_name == "Profile Co., Ltd"
    change = session.exec(select(ProfileChange)).one()
    assert (change.before, change.after) == (
        {"legal_name": "Profile Co., Ltd"},
        {"legal_name": "Renamed Co., Ltd"},
    )
    submission = session.exec(select(Submission).where(Submission.subject_kind == "profile_change")).one()
    desk = browse(make_person(session, staff=StaffRole.PARTNER_MANAGER))
    text = desk.get(f"/staff/review/{submission.id}").text
    assert "Legal nameProfile Co., LtdRenamed Co., Ltd" in text.replace("> ", ">")
    desk.post(f"/staff/review/{submission.id}/take")
    session.refresh(submission)
    desk.post(
        f"/staff/review/{submission.id}",
        {
            "decision": "approve",
            "verdict_names": "pass",
            "verdict_code": "pass",
            "reason": "As registered",
            "revision": str(submission.revision),
        },
    )
    session.expire_all()
    assert organisation.legal_name == "Renamed Co., Ltd"


def test_a_change_is_taken_back(browse, session, organisation, owner):
    client = browse(owner)
    names = {
        "legal_name": "Renamed",
        "short_name": "R",
        "credit_code": organisation.credit_code,
        "reason": "x",
    }
    client.post("/my/profile/names", names)
    assert client.post("/my/profile/names/take-back").said == "Taken back. The names stay as they are."
    assert client.post("/my/profile/names/take-back").status == 409


def test_one_click_says_it_is_still_true(browse, session, organisation, owner):
    storefront = session.get_one(Storefront, organisation.id)
    hold_level(session, organisation)
    long_ago = clock.now() - timedelta(days=31)
    storefront.capacity_confirmed_at = long_ago
    client = browse(owner)
    assert "not said lately" in browse().get(f"/providers/{organisation.slug}").text
    assert "No brief reaches you until you say it again." in client.get("/my").text
    assert client.post("/my/storefront/capacity").said == "Noted: it is still true."
    assert client.post("/my/storefront/capacity").status == 200
    assert session.get_one(Storefront, organisation.id).capacity_confirmed_at > long_ago
    assert "No brief reaches you" not in client.get("/my").text


def test_reminded_once_for_each_time_it_was_said(session, organisation):
    now, storefront = clock.now(), session.get_one(Storefront, organisation.id)
    later = now + timedelta(days=26)
    window = (later - timedelta(days=25), later - timedelta(days=30))
    assert capacity_runs_out(session, *window) == [organisation.id]
    for _ in range(2):
        remind_capacity(session, organisation.id, now=later)
    assert len([m for m in session.exec(select(Mail)) if "takes new clients" in m.subject]) == 1
    assert capacity_runs_out(session, *window) == []
    assert not reminder_due(storefront.capacity_confirmed_at, later, later, days=30, before=5)
    assert not reminder_due(now, None, now + timedelta(days=24), days=30, before=5)
    assert not reminder_due(now, None, now + timedelta(days=30), days=30, before=5)
    assert reminder_due(later, later - timedelta(days=1), later + timedelta(days=26), days=30, before=5)


@pytest.mark.parametrize("field", ["headline", "fee_model", "exclusions", "price_low", "price_high"])
def test_an_incomplete_offer_is_neither_listed_nor_matched(browse, session, organisation, owner, field):
    hold_level(session, organisation)
    now = clock.now()
    programme = programme_at(session, now)
    brief = make_brief(session, make_organisation(session, "Brand", kind="brand"))
    assert listed_organisation(session, programme, organisation.slug) is not None
    assert [c.id for c in field_for(session, brief, programme, now=now).candidates] == [organisation.id]
    storefront = session.get_one(Storefront, organisation.id)
    setattr(storefront, field, None if field.startswith("price") else "")
    session.flush()
    assert listed_organisation(session, programme, organisation.slug) is None
    assert field_for(session, brief, programme, now=now).candidates == []
    assert "Not listed and not matched while this is missing" in browse(owner).get("/my/storefront").text


def test_declared_conflicts_reach_matching(session, organisation):
    hold_level(session, organisation)
    storefront, now = session.get_one(Storefront, organisation.id), clock.now()
    storefront.conflicts = [{"client": "X", "industry": "pets"}]
    storefront.nationwide, storefront.can_start = True, clock.today(now)
    session.flush()
    brief = make_brief(session, make_organisation(session, "Brand", kind="brand"))
    (candidate,) = field_for(session, brief, programme_at(session, now), now=now).candidates
    assert (candidate.refused_industries, candidate.nationwide) == (frozenset({"pets"}), True)
    assert candidate.can_start == clock.today(now)


def test_only_what_others_checked_is_known(session, organisation):
    known = known_of(session, organisation.id, clock.now())
    assert "organisation_verified" in known
    assert len(unchecked(known)) == 5
    assert missing_of_offer("x", "monthly", 1, 2, "y") == []
