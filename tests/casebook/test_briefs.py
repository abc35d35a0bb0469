"""From a brief to a decision: both sides, the clocks, who sees what."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event
from sqlmodel import Session, func, select

from casebook.briefs import actions, jobs, queries
from casebook.briefs.models import Brief, Introduction
from casebook.briefs.rules import BriefStatus, IntroductionStatus
from casebook.cases.models import Case
from casebook.cases.rules import Status as CaseStatus
from casebook.matching import actions as matching
from casebook.matching import queries as matching_queries
from casebook.matching.models import MatchEpoch, MatchLedger, NotShown, ShortlistItem
from portal import clock
from portal.accounts.models import Person
from portal.accounts.rules import StaffRole
from portal.columns import metadata
from portal.db import make_engine, make_sessions, transaction
from portal.history.chain import ROOT
from portal.history.models import HistoryEnd
from portal.ledger.actions import write_fact
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.mail.models import Mail
from portal.organisations.models import Organisation, Storefront
from portal.organisations.rules import Kind, Trust
from portal.programme.actions import load_default
from portal.programme.queries import programme_at
from tests.factories import hold_level, make_organisation, make_person

BRAND_PHONE, BRAND_MAIL = "13800138000", "chengyi@maitian.example"
PROVIDER_PHONE, PROVIDER_MAIL = "13900139000", "talk@provider.example"
NEED = (
    "线下三十二家门店，会员八万，老客一年复购一点八次。自己做过社群，三个月后没人说话。希望半年内把复购做到二点五次，"
    * 2
)


@pytest.fixture
def statements(engine):
    """`with statements() as sent:` collects what is asked of the database."""

    @contextmanager
    def collect():
        sent: list[str] = []

        def note(_connection, _cursor, statement, *_rest):
            sent.append(statement)

        event.listen(engine, "before_cursor_execute", note)
        yield sent
        event.remove(engine, "before_cursor_execute", note)

    return collect


def fields(**changes: object) -> dict:
    return {
        "once": "0123456789abcdef",
        "title": "把老客的复购做起来",
        "need": NEED,
        "industry": "pet-food",
        "must_have_1": "community",
        "wished_1": "membership",
        "stage": "growth",
        "scale": "s3",
        "budget_low": "60000",
        "budget_high": "80000",
        "province": "shanghai",
        "languages": ["zh"],
        "start_by": "2030-01-01",
        "no_systems": "true",
        "contact_name": "程颐",
        "contact_phone": BRAND_PHONE,
        "contact_email": BRAND_MAIL,
    } | changes


def make_brand(session: Session, **more: object) -> tuple[Organisation, Person]:
    person = make_person(session, "Cheng Yi")
    return make_organisation(session, "Maitian", kind=Kind.BRAND, owner=person, **more), person


def make_provider(
    session: Session,
    name: str,
    *,
    stars: int = 3,
    at: object = None,
    shop: dict | None = None,
    **more: object,
) -> tuple[Organisation, Person]:
    """A certified provider that passes the brief above."""
    person = make_person(session, f"{name} owner")
    organisation = make_organisation(session, name, owner=person, **more)
    hold_level(session, organisation, stars)
    for key, value in (shop or {}).items():
        setattr(session.get_one(Storefront, organisation.id), key, value)
    session.flush()
    return organisation, person


def five(session: Session) -> list[tuple[Organisation, Person]]:
    return [make_provider(session, f"P{n}", stars=3 + n % 3) for n in range(5)]


def published(browse, session: Session, **changes: object) -> tuple[object, Brief]:
    _, person = make_brand(session)
    client = browse(person)
    page = client.post("/my/briefs/new", fields(**changes))
    assert page.said == "Saved. The coach says what would make it more concrete.", page.errors
    page = client.post(f"{page.url}/publish", {"revision": page.value("revision")})
    return client, session.exec(select(Brief).order_by(Brief.id.desc())).first()


def introduction_of(session: Session, brief: Brief, organisation: Organisation) -> Introduction:
    return session.exec(
        select(Introduction).where(
            Introduction.brief_id == brief.id, Introduction.organisation_id == organisation.id
        )
    ).one()


def test_the_whole_way_from_a_draft_to_a_decision(browse, session):
    providers = five(session)
    brand, brief = published(browse, session)
    assert (brief.status, brief.number, brief.segment) == (
        BriefStatus.SHORTLISTED,
        f"B-{clock.today(clock.now()).year}-{brief.id:04d}",
        "growth",
    )
    path = f"/my/briefs/{brief.number}"
    page = brand.get(path)
    assert "5 providers" in page.text
    assert page.tree.xpath("count(//section[@aria-labelledby='five']//ol/li)") == 5
    assert (
        len(
            page.tree.xpath(
                "//section[@aria-labelledby='five']//ol//*[local-name()='svg' and @class='strip']"
            )
        )
        == 5
    )
    page = brand.post(f"{path}/invite", {"organisation": str(providers[0][0].id)})
    assert page.said == "Invited. Each has its clock to answer; you will get a mail."
    assert (
        brand.post(f"{path}/invite", {"organisation": str(providers[0][0].id)}).said
        == "They were invited already."
    )
    assert (
        brand.post(f"{path}/invite", {}).said == "Invited. Each has its clock to answer; you will get a mail."
    )
    assert session.exec(select(func.count()).select_from(Introduction)).one() == 5

    winner, loser, refuser = (browse(person) for _, person in providers[:3])
    pages = [
        f"/my/invitations/{introduction_of(session, brief, organisation).id}"
        for organisation, _ in providers[:3]
    ]
    for client, here in ((winner, pages[0]), (loser, pages[1])):
        page = client.get(here)
        page = client.post(
            f"{here}/accept",
            {
                "revision": page.value("revision"),
                "contact_name": "Lin",
                "contact_phone": PROVIDER_PHONE,
                "note": "先看四周数据",
            },
        )
        assert page.said == "Accepted. Contacts open once the brand says yes too."
    page = refuser.post(f"{pages[2]}/decline", {"revision": "1", "reason_code": "capacity", "note": ""})
    assert (page.url, page.said) == (
        "/my/invitations",
        "Declined, with the reason. It counts as an answer in time.",
    )

    for organisation, _ in providers[:2]:
        introduction = introduction_of(session, brief, organisation)
        step, revision = f"{path}/introductions/{introduction.id}", introduction.revision
        page = brand.post(f"{step}/open", {"revision": str(revision)})
        assert page.said == "Contacts are open to both of you now."
        assert PROVIDER_PHONE in page.text
        assert brand.post(f"{step}/open", {"revision": str(revision)}).status == 409  # a stale page
        assert brand.post(f"{step}/meet", {"revision": str(revision + 1)}).said == "Written down."
    assert BRAND_PHONE in winner.get(pages[0]).text
    page = winner.post(
        f"{pages[0]}/propose", {"revision": str(introduction_of(session, brief, providers[0][0]).revision)}
    )
    assert page.said == "Written down: the proposal is with the brand."

    chosen = str(introduction_of(session, brief, providers[0][0]).id)
    revision = str(session.get_one(Brief, brief.id).revision)
    page = brand.post(
        f"{path}/decide",
        {
            "chosen": chosen,
            "reason_code": "no-budget",
            "reason": "给了四周可验证的计划",
            "revision": revision,
        },
    )
    assert (page.status, page.errors) == (422, ["Please choose a reason that fits the decision."])
    page = brand.post(
        f"{path}/decide",
        {
            "chosen": chosen,
            "reason_code": "similar_case",
            "reason": "给了四周可验证的计划",
            "revision": revision,
        },
    )
    assert page.said == "Decided. Everybody who was in it has been told why."
    states = dict(session.exec(select(Introduction.organisation_id, Introduction.status)).all())
    assert [states[organisation.id].value for organisation, _ in providers] == [
        "won",
        "lost",
        "declined",
        "lost",
        "lost",
    ]
    page = loser.get(pages[1])
    assert "The brand chose another for: Similar case. 给了四周可验证的计划" in page.text
    assert "The chosen" in page.text
    assert [name for name in ("P0", "P2", "P3", "P4") if name in page.text] == []
    assert BRAND_PHONE not in page.response.text
    page = brand.get(path)
    page = brand.post(f"{path}/start", {"revision": page.value("revision")})
    page = brand.post(f"{path}/close", {"revision": page.value("revision"), "outcome": ""})
    assert page.status == 422
    page = brand.post(
        f"{path}/close", {"revision": page.value("revision"), "outcome": "半年后复购二点六次，客户已确认"}
    )
    assert (page.said, session.get_one(Brief, brief.id).status) == (
        "Closed, with its outcome.",
        BriefStatus.CLOSED,
    )


def test_answers_in_time_are_facts_and_mails_go_out(browse, session):
    organisation, person = make_provider(session, "P")
    brand, brief = published(browse, session)
    assert "Only one provider qualified" in brand.get(f"/my/briefs/{brief.number}").text
    brand.post(f"/my/briefs/{brief.number}/invite", {})
    introduction = introduction_of(session, brief, organisation)
    browse(person).post(
        f"/my/invitations/{introduction.id}/decline", {"revision": "1", "reason_code": "unclear"}
    )
    fact = session.exec(select(Fact).where(Fact.kind == FactKind.RESPONSE)).one()
    assert (fact.organisation_id, fact.source_kind, fact.source_id) == (
        organisation.id,
        "introduction",
        introduction.id,
    )
    assert fact.value == {"brief_id": brief.id, "in_time": True}
    mails = {mail.to_address: mail for mail in session.exec(select(Mail))}
    assert mails[person.email].subject == "A brand invites you: 把老客的复购做起来"
    assert f"/my/invitations/{introduction.id}" in mails[person.email].text
    assert BRAND_PHONE not in "".join(mail.text for mail in mails.values())


# Contacts


def crawl(client, start: list[str]) -> dict[str, str]:
    """Every page that can be reached by links, with its raw text."""
    texts: dict[str, str] = {}
    waiting, asked = list(start), set()
    while waiting:
        path = waiting.pop().split("#")[0].split("?")[0]  # a filter shows no more than its page
        if not path.startswith("/") or path in asked or path.startswith(("/static", "/language", "/sign")):
            continue
        asked.add(path)
        page = client.get(path)
        texts[page.url] = page.response.text
        if page.tree is not None:
            waiting += page.links()
    return texts


def test_no_page_shows_a_contact_before_both_have_accepted(browse, session):
    organisation, person = make_provider(session, "P")
    brand, brief = published(browse, session)
    provider, manager = browse(person), browse(make_person(session, staff=StaffRole.PARTNER_MANAGER))
    brand_path = f"/my/briefs/{brief.number}"
    brand.post(f"{brand_path}/invite", {})
    here = f"/my/invitations/{introduction_of(session, brief, organisation).id}"

    def leaks() -> set[str]:
        found = set()
        for client, starts, hidden in (
            (
                provider,
                ["/my", "/my/invitations", "/my/matching", "/my/history", here, brand_path],
                (BRAND_PHONE, BRAND_MAIL),
            ),
            (
                brand,
                ["/my", "/my/briefs", "/my/history", brand_path, here, f"{brand_path}/edit"],
                (PROVIDER_PHONE, PROVIDER_MAIL),
            ),
            (
                manager,
                ["/staff", "/staff/briefs", "/staff/history", here, brand_path],
                (BRAND_PHONE, BRAND_MAIL, PROVIDER_PHONE, PROVIDER_MAIL),
            ),
        ):
            found |= {
                path for path, text in crawl(client, starts).items() if any(word in text for word in hidden)
            }
        mails = "".join(mail.text + mail.subject for mail in session.exec(select(Mail)))
        return found | (
            {"mail"}
            if any(word in mails for word in (BRAND_PHONE, BRAND_MAIL, PROVIDER_PHONE, PROVIDER_MAIL))
            else set()
        )

    assert leaks() == set()
    provider.post(
        f"{here}/accept",
        {
            "revision": "1",
            "contact_name": "Lin",
            "contact_phone": PROVIDER_PHONE,
            "contact_email": PROVIDER_MAIL,
        },
    )
    assert leaks() == set()
    introduction = introduction_of(session, brief, organisation)
    brand.post(f"{brand_path}/introductions/{introduction.id}/open", {"revision": str(introduction.revision)})
    assert leaks() == {here, brand_path}


def test_a_contact_in_the_text_is_refused_with_a_sentence(browse, session):
    _, person = make_brand(session)
    page = browse(person).post("/my/briefs/new", fields(need=NEED + " 电话 13800138000"))
    sentence = (
        "Please take telephone numbers, mail addresses and WeChat ids out of the text: contacts open to both sides "
        "once both have accepted."
    )
    assert (page.status, page.errors, page.value("title")) == (422, [sentence], "把老客的复购做起来")


# Writing


def test_wrong_fields_have_sentences_and_keep_what_was_typed(browse, session):
    _, person = make_brand(session)
    page = browse(person).post(
        "/my/briefs/new",
        fields(
            title="",
            industry="no",
            budget_low="90000",
            budget_high="80000",
            must_have_1="no",
            system_name_2="企微助手",
            blocked="不存在的公司",
        ),
    )
    assert page.status == 422
    assert page.errors == [
        "Please fill this in.",
        "Please choose from the list.",
        "Please choose from the list.",
        "A system needs both: what it does and its name.",
        "We know no provider of this name or number: 不存在的公司.",
    ]
    assert (page.value("system_name_2"), page.value("blocked")) == ("企微助手", "不存在的公司")


def test_a_draft_keeps_everything_and_is_changed(browse, session):
    make_provider(session, "P")
    _, person = make_brand(session)
    client = browse(person)
    page = client.post(
        "/my/briefs/new",
        fields(
            need="",
            no_systems="",
            blocked="P",
            system_area_1="scrm",
            system_name_1="甲",
            system_area_2="scrm",
            system_name_2="乙",
            system_area_3="scrm",
            system_name_3="丙",
        ),
    )
    assert "A draft: nobody else sees it." in page.text
    assert "Three systems or more do the same work in WeCom SCRM" in page.text
    edit = client.get(f"{page.url}/edit")
    assert [
        edit.value(name)
        for name in (
            "industry",
            "must_have_1",
            "wished_1",
            "budget_high",
            "start_by",
            "system_name_3",
            "blocked",
        )
    ] == ["pet-food", "community", "membership", "80000", "2030-01-01", "丙", "P"]
    page = client.post(edit.url, fields(title="新题目", revision=edit.value("revision")))
    assert page.tree.findtext(".//h1") == "新题目"
    stale = client.post(edit.url, fields(title="旧页面", revision=edit.value("revision")))
    assert stale.status == 422


def test_the_same_form_sent_twice_makes_one_brief(browse, session):
    _, person = make_brand(session)
    client = browse(person)
    first = client.post("/my/briefs/new", fields())
    second = client.post("/my/briefs/new", fields())
    assert (second.url, second.said) == (first.url, "This brief was saved already; here it is.")
    assert session.exec(select(func.count()).select_from(Brief)).one() == 1


def test_an_incomplete_brief_and_an_unverified_brand_cannot_publish(browse, session):
    make_provider(session, "P")
    _, person = make_brand(session)
    client = browse(person)
    page = client.post("/my/briefs/new", fields(budget_low="", budget_high=""))
    assert "are needed before publishing" in page.text
    assert client.post(f"{page.url}/publish", {"revision": "2"}).status == 409
    unverified = make_person(session)
    make_organisation(session, "New", kind=Kind.BRAND, owner=unverified, trust=Trust.PROVISIONAL)
    client = browse(unverified)
    page = client.post("/my/briefs/new", fields(once="fedcba9876543210"))
    assert "Have your organisation verified" in page.text
    assert client.post(f"{page.url}/publish", {"revision": "2"}).status == 409
    assert session.exec(select(func.count()).select_from(ShortlistItem)).one() == 0


def test_published_twice_by_a_double_click_makes_one_shortlist(browse, session):
    five(session)
    client, brief = published(browse, session)
    page = client.post(f"/my/briefs/{brief.number}/publish", {"revision": "2"})
    assert (page.status, page.url) == (200, f"/my/briefs/{brief.number}")
    assert session.exec(select(func.count()).select_from(ShortlistItem)).one() == 5
    assert client.get(f"/my/briefs/{brief.number}/edit").url == f"/my/briefs/{brief.number}"
    assert client.post(f"/my/briefs/{brief.number}/edit", fields(revision="4")).status == 409


# Strangers


def test_strangers_find_nothing_and_change_nothing(browse, session):
    organisation, _ = make_provider(session, "P")
    brand, brief = published(browse, session)
    brand.post(f"/my/briefs/{brief.number}/invite", {})
    introduction = introduction_of(session, brief, organisation)
    _, other_provider = make_provider(session, "Q")
    _, other_brand = make_brand(session, credit_code="91310000MA1111111X")
    here, there = f"/my/briefs/{brief.number}", f"/my/invitations/{introduction.id}"
    for person, paths in (
        (other_brand, [here, f"{here}/edit", there, "/staff/briefs", "/my/matching"]),
        (other_provider, [there, here, "/my/briefs", "/staff/briefs"]),
    ):
        client = browse(person)
        assert [client.get(path).status for path in paths] == [404] * len(paths)
    client = browse(other_brand)
    for action in (
        "publish",
        "invite",
        "decide",
        "withdraw",
        "start",
        "close",
        "edit",
        f"introductions/{introduction.id}/open",
    ):
        assert client.post(f"{here}/{action}", {"revision": "3"}).status == 404, action
    client = browse(other_provider)
    for action in ("accept", "decline", "propose"):
        assert (
            client.post(
                f"{there}/{action}", {"revision": "1", "reason_code": "other", "contact_name": "x"}
            ).status
            == 404
        ), action
    assert client.post(f"/staff/briefs/{brief.number}/match").status == 404
    assert browse().get(here).url == "/sign-in"
    assert introduction_of(session, brief, organisation).status is IntroductionStatus.OFFERED


def test_only_who_was_shown_is_invited(browse, session):
    five(session)
    outsider, _ = make_provider(session, "Out", capabilities=["live-stream"])
    brand, brief = published(browse, session)
    assert (
        brand.post(f"/my/briefs/{brief.number}/invite", {"organisation": str(outsider.id)}).said
        == "They were invited already."
    )
    assert session.exec(select(func.count()).select_from(Introduction)).one() == 0


# Clocks


def invited_six(browse, session) -> tuple[Brief, list[Organisation]]:
    """Six qualify, five are shown, all five are invited."""
    providers = [make_provider(session, f"P{n}", stars=5 - n // 3)[0] for n in range(6)]
    brand, brief = published(browse, session)
    brand.post(f"/my/briefs/{brief.number}/invite", {})
    return brief, providers


def test_silence_costs_the_place_and_the_next_by_score_is_offered_it(browse, session):
    brief, providers = invited_six(browse, session)
    shown = matching_queries.shortlisted_ids(session, brief.id)
    left_out = next(organisation for organisation in providers if organisation.id not in shown)
    reason = session.exec(select(NotShown).where(NotShown.organisation_id == left_out.id)).one()
    assert reason.reason == "outscored"
    late = introduction_of(session, brief, session.get_one(Organisation, shown[0]))
    late.expires_at = clock.now() - timedelta(minutes=1)
    session.commit()
    jobs.sweep_introductions()
    jobs.sweep_introductions()
    session.expire_all()
    assert session.get_one(Introduction, late.id).status is IntroductionStatus.EXPIRED
    facts = session.exec(select(Fact).where(Fact.kind == FactKind.RESPONSE)).all()
    assert [(fact.organisation_id, fact.value["in_time"]) for fact in facts] == [(shown[0], False)]
    assert matching_queries.shortlisted_ids(session, brief.id) == [*shown, left_out.id]
    assert introduction_of(session, brief, left_out).status is IntroductionStatus.OFFERED
    assert session.get_one(MatchLedger, left_out.id).intro == pytest.approx(1, abs=0.01)
    assert (
        session.exec(select(func.count()).select_from(NotShown).where(NotShown.brief_id == brief.id)).one()
        == 0
    )


def test_an_answer_after_the_clock_is_refused(browse, session):
    organisation, person = make_provider(session, "P")
    brand, brief = published(browse, session)
    brand.post(f"/my/briefs/{brief.number}/invite", {})
    introduction = introduction_of(session, brief, organisation)
    introduction.expires_at = clock.now() - timedelta(minutes=1)
    session.commit()
    client = browse(person)
    here = f"/my/invitations/{introduction.id}"
    assert "Accept the invitation" not in client.get(here).text
    fields_ = {
        "revision": "1",
        "contact_name": "Lin",
        "contact_phone": PROVIDER_PHONE,
        "reason_code": "other",
    }
    assert [client.post(f"{here}/{answer}", fields_).status for answer in ("accept", "decline")] == [409, 409]


def test_a_key_account_is_answered_in_eight_working_hours_others_in_twenty_four(browse, session):
    make_provider(session, "P", shop={"capacity": 9})
    for scale, hours in (("s5", 8), ("s1", 24)):
        _, person = make_brand(session)
        brand = browse(person)
        page = brand.post("/my/briefs/new", fields(scale=scale, once=f"0123456789abcde{hours}"))
        page = brand.post(f"{page.url}/publish", {"revision": page.value("revision")})
        brand.post(f"{page.url}/invite", {})
        introduction = session.exec(select(Introduction).order_by(Introduction.id.desc())).first()
        assert introduction.expires_at == clock.add_working_hours(introduction.offered_at, hours)


def test_a_silent_brand_loses_the_list_and_five_of_those_its_trust(browse, session):
    _, person = make_provider(session, "P", shop={"capacity": 9})
    _, brand_person = make_brand(session)
    brand = browse(brand_person)
    for n in range(5):
        page = brand.post("/my/briefs/new", fields(once=f"0123456789abcde{n}"))
        page = brand.post(f"{page.url}/publish", {"revision": page.value("revision")})
        if n == 0:
            brand.post(f"{page.url}/invite", {})
        brief = session.exec(select(Brief).order_by(Brief.id.desc())).first()
        brief.due_at = clock.now() - timedelta(minutes=1)
        session.commit()
        jobs.sweep_briefs()
        session.expire_all()
        assert session.get_one(Brief, brief.id).status is BriefStatus.STALE
    introduction = session.exec(select(Introduction)).one()
    assert (introduction.status, introduction.reason_code) == (IntroductionStatus.LOST, "no-answer")
    assert "No answer" in browse(person).get(f"/my/invitations/{introduction.id}").text
    page = brand.post("/my/briefs/new", fields(once="0123456789abcdex"))
    page = brand.post(f"{page.url}/publish", {"revision": page.value("revision")})
    assert "Staff read this brief first" in page.text
    manager = browse(make_person(session, staff=StaffRole.PARTNER_MANAGER))
    number = page.url.rsplit("/", 1)[1]
    assert (
        manager.post(f"/staff/briefs/{number}/match").said
        == "Providers were found; the brand has its shortlist."
    )
    assert manager.post(f"/staff/briefs/{number}/match").status == 404


def test_nobody_qualifies_and_later_somebody_does(browse, session):
    brand, brief = published(browse, session)
    assert brief.status is BriefStatus.OPEN
    assert "No provider passes every filter yet." in brand.get(f"/my/briefs/{brief.number}").text
    make_provider(session, "P")
    session.commit()
    jobs.sweep_briefs()
    session.expire_all()
    assert session.get_one(Brief, brief.id).status is BriefStatus.OPEN  # looked at within the day
    session.get_one(Brief, brief.id).matched_at = clock.now() - timedelta(days=2)
    session.commit()
    jobs.sweep_briefs()
    session.expire_all()
    assert session.get_one(Brief, brief.id).status is BriefStatus.SHORTLISTED


# Matching from the database


def found_for(session: Session, brief: Brief) -> tuple[dict, object]:
    programme, now = programme_at(session, clock.now()), clock.now()
    field = matching_queries.field_for(session, brief, programme, now=now)
    return {c.id: c for c in field.candidates}, matching.asked_of(session, brief, field, programme)


def make_case(session: Session, organisation: Organisation, person: Person, **values: object) -> Case:
    now = clock.now()
    case = Case(
        number=f"C-{organisation.id}",
        organisation_id=organisation.id,
        once=f"case-{organisation.id}",
        title="宠粮会员复购",
        client_name="某宠粮",
        industry="pet-food",
        capabilities=["community"],
        before=NEED,
        failed_first="社群没人说话",
        done="重做会员",
        status=CaseStatus.PUBLISHED,
        created_by=person.id,
        created_at=now,
        published_at=now,
        **values,
    )
    session.add(case)
    session.flush()
    write_fact(
        session,
        FactKind.CASE_PUBLISHED,
        organisation_id=organisation.id,
        source=("case", case.id),
        now=now,
        client="某宠粮",
        named=True,
        industry="pet-food",
        case_id=case.id,
        capabilities=["community"],
    )
    return case


def test_what_is_known_of_a_candidate_comes_from_the_tables_and_the_ledger(browse, session):
    organisation, person = make_provider(session, "P", stars=4)
    now = clock.now()
    case = make_case(session, organisation, person)
    write_fact(
        session,
        FactKind.OUTCOME_ATTESTED,
        organisation_id=organisation.id,
        source=("outcome", 1),
        now=now,
        client="某宠粮",
        case_id=case.id,
        attainment=0.8,
    )
    for n, rating in enumerate((5, 4)):
        write_fact(
            session,
            FactKind.REVIEW,
            organisation_id=organisation.id,
            source=("review", n),
            now=now,
            client="某宠粮",
            rating=rating,
        )
    write_fact(
        session,
        FactKind.REVIEW,
        organisation_id=organisation.id,
        source=("review", 9),
        now=now,
        true_from=now - timedelta(days=600),
        client="旧",
        rating=1,
    )
    for n, in_time in enumerate((True, False)):
        write_fact(
            session,
            FactKind.RESPONSE,
            organisation_id=organisation.id,
            source=("introduction", 900 + n),
            now=now,
            brief_id=1,
            in_time=in_time,
        )
    _, brief = published(browse, session)
    candidates, asked = found_for(session, brief)
    one = candidates[organisation.id]
    assert (one.stars, one.ratings, one.outcomes_verified, one.outcomes_unverified) == (4, (5, 4), 1, 0)
    assert (one.offered, one.in_time) == (2, 1)
    assert dict(one.capabilities) == {"community": 1.0, "membership": 0.8}
    assert dict(one.industries) == {"pets": 0.7, "pet-food": 1.0}
    assert one.likeness_title == "宠粮会员复购"
    assert one.likeness > 0.5
    assert one.capacity == 2  # of three, one is held by the shortlist
    assert (asked.industry_group, asked.siblings, asked.size) == ("pets", {"pet-goods", "pet-care"}, 0.5)
    assert asked.mean_rating == 4.5


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("not accepting", {"shop": {"accepting": False}}),
        ("no capacity", {"shop": {"capacity": 0}}),
        ("stale capacity", {"shop": {"capacity_confirmed_at": clock.now() - timedelta(days=31)}}),
        ("too dear", {"shop": {"price_low": 130_000}}),
        ("refuses pets", {"shop": {"refused_industries": ["pets"]}}),
        ("too small a budget", {"shop": {"min_budget": 90_000}}),
        ("another language", {"shop": {"languages": ["en"]}}),
        ("lacks the must-have", {"capabilities": ["live-stream"]}),
        ("suspended", {"trust": Trust.SUSPENDED}),
    ],
)
def test_whoever_fails_a_filter_is_not_shown(browse, session, name, change):
    good, _ = make_provider(session, "Good")
    make_provider(session, "Bad", **change)
    _, brief = published(browse, session)
    assert matching_queries.shortlisted_ids(session, brief.id) == [good.id], name


def test_capacity_is_held_by_shortlists_and_running_introductions(browse, session):
    organisation, person = make_provider(session, "P", shop={"capacity": 1})
    brand, brief = published(browse, session)
    assert found_for(session, brief)[0][organisation.id].capacity == 0
    brand.post(f"/my/briefs/{brief.number}/invite", {})
    assert found_for(session, brief)[0][organisation.id].capacity == 0
    introduction = introduction_of(session, brief, organisation)
    browse(person).post(
        f"/my/invitations/{introduction.id}/decline", {"revision": "1", "reason_code": "capacity"}
    )
    assert found_for(session, brief)[0][organisation.id].capacity == 1


def test_candidates_take_the_same_queries_however_many_there_are(browse, session, statements):
    make_provider(session, "P0")
    _, brief = published(browse, session)
    programme, now = programme_at(session, clock.now()), clock.now()
    counts = []
    for more in (1, 3):
        for n in range(more):
            make_provider(session, f"P{more}{n}")
        session.commit()
        session.expire_all()
        with statements() as sent:
            matching_queries.field_for(session, session.get_one(Brief, brief.id), programme, now=now)
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_the_fair_place_is_marked_and_the_ledger_is_kept(browse, session):
    providers = [
        make_provider(session, f"P{n}", stars=5 if n < 5 else 3, shop={"capacity": 30})[0] for n in range(7)
    ]
    for n in range(6):
        _, person = make_brand(session)
        client = browse(person)
        page = client.post("/my/briefs/new", fields(once=f"0123456789abcde{n}"))
        page = client.post(f"{page.url}/publish", {"revision": page.value("revision")})
    kinds = [item.kind for item in session.exec(select(ShortlistItem))]
    assert kinds.count("fair") >= 1
    assert "fair place" in page.text or kinds[-5:].count("fair") == 0
    lines = matching_queries.exposure(session, programme_at(session, clock.now()).matching, clock.now())
    assert len(lines) == len(providers)
    assert sum(line.share for line in lines) == pytest.approx(30, abs=0.1)
    assert sum(line.intro for line in lines) == pytest.approx(30, abs=0.1)
    assert max(line.debt for line in lines) < 2


# Why not shown


def test_a_provider_learns_why_it_was_not_shown(browse, session):
    providers = [make_provider(session, f"P{n}", stars=5) for n in range(5)]
    _, weaker = make_provider(session, "Weaker", stars=3, shop={"price_low": 100_000, "price_high": 110_000})
    _, unable = make_provider(session, "Unable", capabilities=["live-stream"])
    _, elsewhere = make_provider(session, "Cars", industries=["cars"], capabilities=["live-stream"])
    published(browse, session)
    page = browse(weaker).get("/my/matching")
    assert "You passed every filter with" in page.text
    assert "One of these alone would have been enough: " in page.text
    assert (
        "A capability that the brand must have is not among those offered."
        in browse(unable).get("/my/matching").text
    )
    assert "Nothing to explain" in browse(elsewhere).get("/my/matching").text
    page = browse(providers[0][1]).get("/my/matching")
    assert "You were shown1" in page.text
    assert "Maitian" not in page.text


# Home, desk, staff


def test_home_says_what_to_do_now(browse, session):
    organisation, person = make_provider(session, "P")
    _, brand_person = make_brand(session)
    brand, provider = browse(brand_person), browse(person)
    assert "Write your first brief" in brand.get("/my").text
    page = brand.post("/my/briefs/new", fields())
    assert "Your brief is concrete enough" in brand.get("/my").text
    page = brand.post(f"{page.url}/publish", {"revision": page.value("revision")})
    home = brand.get("/my").text
    assert "Your shortlist is ready" in home
    assert "after that the list lapses" in home
    brand.post(f"{page.url}/invite", {})
    home = provider.get("/my").text
    assert "A brand invites you: 把老客的复购做起来" in home
    assert "after that the place goes to the next" in home
    brief = session.exec(select(Brief)).one()
    introduction = introduction_of(session, brief, organisation)
    provider.post(
        f"/my/invitations/{introduction.id}/accept",
        {"revision": "1", "contact_name": "Lin", "contact_phone": PROVIDER_PHONE},
    )
    assert "A provider said yes" in brand.get("/my").text
    brand.post(f"/my/briefs/{brief.number}/introductions/{introduction.id}/open", {"revision": "2"})
    assert "Decide on 把老客的复购做起来" in brand.get("/my").text


def test_staff_see_briefs_clocks_and_the_ledger(browse, session):
    make_provider(session, "P")
    _, brief = published(browse, session)
    manager = browse(make_person(session, staff=StaffRole.PARTNER_MANAGER))
    assert "Briefs with too few providers" in manager.get("/staff").text
    page = manager.get("/staff/briefs?show=few")
    assert brief.number in page.text
    assert "Largest debt" in page.text
    assert brief.number not in manager.get("/staff/briefs?show=stale").text


def test_withdrawing_tells_whoever_was_invited(browse, session):
    organisation, person = make_provider(session, "P")
    brand, brief = published(browse, session)
    brand.post(f"/my/briefs/{brief.number}/invite", {})
    page = brand.get(f"/my/briefs/{brief.number}")
    assert (
        brand.post(f"/my/briefs/{brief.number}/withdraw", {"revision": page.value("revision")}).said
        == "Withdrawn. Whoever was invited has been told."
    )
    assert introduction_of(session, brief, organisation).status is IntroductionStatus.LOST
    assert (
        "The project was postponed"
        in browse(person).get(f"/my/invitations/{introduction_of(session, brief, organisation).id}").text
    )
    assert queries.briefs_to_lapse(session, clock.now() + timedelta(days=99)) == []


def test_nobody_is_chosen_with_a_reason(browse, session):
    organisation, person = make_provider(session, "P")
    brand, brief = published(browse, session)
    path = f"/my/briefs/{brief.number}"
    brand.post(f"{path}/invite", {})
    revision = brand.get(path).value("revision")
    page = brand.post(
        f"{path}/decide", {"chosen": "none", "reason_code": "", "reason": "短", "revision": revision}
    )
    assert page.errors == ["Please fill this in.", "Please write at least 10 characters."]
    introduction = introduction_of(session, brief, organisation)
    page = brand.post(
        f"{path}/decide",
        {
            "chosen": str(introduction.id),
            "reason_code": "price",
            "reason": "还没有开放联系方式就选",
            "revision": revision,
        },
    )
    assert page.errors == ["Only a provider whose contacts are open to you can be chosen."]
    page = brand.post(
        f"{path}/decide",
        {
            "chosen": "none",
            "reason_code": "no-budget",
            "reason": "董事会把预算推到明年",
            "revision": revision,
        },
    )
    assert "You chose nobody. The budget was withdrawn: 董事会把预算推到明年" in page.text
    assert "董事会把预算推到明年" in browse(person).get(f"/my/invitations/{introduction.id}").text


def test_the_same_viewer_sees_the_same_order(browse, session):
    five(session)
    brand, brief = published(browse, session)
    order = [brand.get(f"/my/briefs/{brief.number}").tree.xpath("//ol/li/@id") for _ in range(2)]
    assert order[0] == order[1]
    assert len(order[0]) == 5


def test_pages_speak_chinese_too(browse, session):
    make_provider(session, "P")
    _, brief = published(browse, session)
    brand = session.exec(select(Person).where(Person.id == brief.created_by)).one()
    page = browse(brand, language="zh").get(f"/my/briefs/{brief.number}")
    assert page.tree.findtext(".//h1") == "把老客的复购做起来"
    assert "全部按分数选出。先后随机排列，不表示名次，也没有付费位。" in page.text
    assert "只有 1 家服务商合格。宁可少给，不降标准。" in page.text
    assert "仅为自述" not in page.text
    assert "认证覆盖：社群运营、会员体系。" in page.text


# Two at once, and time going by


@pytest.fixture
def own_database(engine, tmp_path):
    """A database of its own, in which transactions really end."""
    url = engine.url
    if url.get_backend_name() == "sqlite":
        own = make_engine(f"sqlite:///{tmp_path / 'race.db'}")
    else:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("CREATE DATABASE race")
        own = make_engine(url.set(database="race").render_as_string(hide_password=False))
    metadata.create_all(own)
    sessions, now = make_sessions(own), clock.now()
    with transaction(sessions) as session:
        session.add(HistoryEnd(seq=0, hash=ROOT))  # as the migrations do
        load_default(session, now=now, effective_from=now - timedelta(days=1))
    yield sessions
    own.dispose()
    if url.get_backend_name() != "sqlite":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("DROP DATABASE race")


def draft(session: Session, n: int) -> Brief:
    brand, person = make_brand(session)
    brief = actions.new_brief(session, brand.id, once=f"0123456789abcde{n}", by=person.id, now=clock.now())
    for name, value in {
        "title": "t",
        "need": NEED,
        "industry": "pet-food",
        "must_have": ["community"],
        "budget_high": 80_000,
        "scale": "s3",
        "province": "shanghai",
        "no_systems": True,
        "languages": ["zh"],
        "contact_name": "c",
        "contact_phone": BRAND_PHONE,
    }.items():
        setattr(brief, name, value)
    session.flush()
    return brief


def test_the_last_place_of_a_provider_is_given_once(own_database):
    with transaction(own_database) as session:
        make_provider(session, "P", shop={"capacity": 1})
        ids = [draft(session, n).id for n in range(4)]

    def publish(brief_id: int) -> str:
        with transaction(own_database) as session:
            now = clock.now()
            brief = session.get_one(Brief, brief_id, with_for_update=True)
            actions.publish(
                session,
                brief,
                programme_at(session, now),
                revision=brief.revision,
                by=brief.created_by,
                now=now,
            )
            return brief.status.value

    with ThreadPoolExecutor(4) as pool:
        states = sorted(pool.map(publish, ids))
    assert states == ["open", "open", "open", "shortlisted"]
    with transaction(own_database, read_only=True) as session:
        assert session.exec(select(func.count()).select_from(ShortlistItem)).one() == 1
        assert session.exec(select(func.count()).select_from(MatchEpoch)).one() == 1


def test_what_was_shown_long_ago_fades(session):
    organisation, _ = make_provider(session, "P")
    programme, now = programme_at(session, clock.now()), clock.now()
    matching.make_shortlist(session, draft(session, 1), programme, now=now)
    later = now + timedelta(days=90)
    session.get_one(Storefront, organisation.id).capacity_confirmed_at = later
    assert [
        round(line.intro, 3) for line in matching_queries.exposure(session, programme.matching, later)
    ] == [0.5]
    matching.make_shortlist(session, draft(session, 2), programme, now=later)
    assert [
        round(line.intro, 3) for line in matching_queries.exposure(session, programme.matching, later)
    ] == [1.5]
    assert session.get_one(MatchLedger, organisation.id).intro == pytest.approx(3)
