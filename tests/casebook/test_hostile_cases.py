"""Hostile and hasty people in the casebook and in matching: a sentence each time, nothing twice, nothing of others."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, func, select

from casebook.briefs.models import Brief, Introduction
from casebook.briefs.queries import introductions_to_expire
from casebook.briefs.rules import BriefStatus, IntroductionStatus
from casebook.cases import pages as cases_pages
from casebook.cases.models import Case, Confirmation, Evidence, Outcome
from casebook.cases.rules import Status
from certification.credentials.keyring import ensure_keys
from certification.exams.actions import load_own_banks
from portal import clock, i18n
from portal.accounts.actions import digest
from portal.accounts.rules import StaffRole
from portal.app import ROUTERS
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.mail.models import Mail
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.organisations.rules import Kind, Trust
from portal.programme.queries import programme_at
from portal.review.models import Submission
from portal.rights.rules import closed, may
from tests.casebook.test_briefs import fields as brief_fields
from tests.casebook.test_briefs import five, introduction_of, make_brand, make_provider, published
from tests.casebook.test_cases import ANSWER, PDF, make_case, typed
from tests.factories import hold_level, make_organisation, make_person
from tests.hostile import NASTY, Alone, once, race, strange, try_all

ITEMS = ("baseline", "client", "evidence", "masking", "repeatable")


@pytest.fixture
def provider(session):
    owner = make_person(session, "Owner")
    return make_organisation(session, owner=owner), owner


@pytest.fixture(scope="module")
def alone() -> Alone:
    return Alone()


@pytest.fixture
def many_mails(monkeypatch):
    monkeypatch.setattr(cases_pages, "MAILS_AN_HOUR", 10_000)


def link(session) -> str:
    """The client's address in the newest mail."""
    mail = session.exec(
        select(Mail).where(col(Mail.text).contains("/client/")).order_by(col(Mail.id).desc())
    ).first()
    return "/client/" + next(w for w in mail.text.split() if "/client/" in w).rpartition("/")[2]


# ——— Every field of every form ———


def test_writing_a_case_with_anything(browse, connection, session, provider):
    client = browse(provider[1])
    good = typed(then="add")
    assert strange("/my/cases/new", good, try_all(client, connection, "/my/cases/new", good)) == []


def test_changing_and_sending_a_case_with_anything(browse, connection, session, provider, many_mails):
    row = make_case(session, provider[0])
    client, path = browse(provider[1]), f"/my/cases/{row.id}"
    good = {"email": "zhou@muguang.example", "language": "zh"}
    wrong = strange(path, good, try_all(client, connection, f"{path}/send", good))
    good = {"note": "x"}
    files = {"file": ("a.pdf", PDF)}
    wrong += strange(path, good, try_all(client, connection, f"{path}/evidence", good, files=files))
    wrong += strange(path, {"why": "x"}, try_all(client, connection, f"{path}/retract", {"why": "x"}))
    for revision in ("", "-1", "²", "1" + "0" * 30, "9" * 5000, "2", "１"):
        page = once(client, connection, f"{path}/edit", typed(revision=revision, title="Another"), None)
        assert page.status == 422, revision
    assert wrong == []


def test_a_client_who_answers_anything(browse, connection, session, provider):
    make_case(session, provider[0], status=Status.AWAITING_CLIENT)
    path, visitor = link(session), browse()
    good = ANSWER | {"o1_attested_value": "3", "o1_client_note": "x", "comment": "x"}
    assert strange(path, good, try_all(visitor, connection, path, good)) == []
    for more in ({"o2_verdict": "confirmed"}, {"o0_verdict": "zz"}, {"o99_attested_value": "1"}):
        assert once(visitor, connection, path, good | more, None).status == 303


def test_writing_a_brief_with_anything(browse, connection, session):
    _, person = make_brand(session)
    good = brief_fields(blocked="", system_area_1="", system_name_1="", on_site="true")
    client = browse(person)
    assert strange("/my/briefs/new", good, try_all(client, connection, "/my/briefs/new", good)) == []
    many = "\n".join(f"P{n}" for n in range(100_000))
    page = client.post("/my/briefs/new", good | {"blocked": many, "once": "f" * 32})
    assert (page.status, page.errors) == (422, ["Please keep this within 1000 characters."])


def test_answering_and_deciding_with_anything(browse, connection, session):
    (organisation, person), *_ = five(session)
    brand, brief = published(browse, session)
    path = f"/my/briefs/{brief.number}"
    wrong = strange(
        path, {"organisation": "1"}, try_all(brand, connection, f"{path}/invite", {"organisation": "1"})
    )
    brand.post(f"{path}/invite", {"organisation": str(organisation.id)})
    introduction, client = introduction_of(session, brief, organisation), browse(person)
    here = f"/my/invitations/{introduction.id}"
    yes = {
        "revision": "1",
        "contact_name": "L",
        "contact_phone": "13900139000",
        "contact_email": "",
        "note": "x",
    }
    wrong += strange(here, yes, try_all(client, connection, f"{here}/accept", yes))
    no = {"revision": "1", "reason_code": "capacity", "note": "x"}
    wrong += strange(here, no, try_all(client, connection, f"{here}/decline", no))
    client.post(f"{here}/accept", yes)
    session.refresh(introduction)
    step = {"revision": str(introduction.revision)}
    wrong += strange(
        path, step, try_all(brand, connection, f"{path}/introductions/{introduction.id}/open", step)
    )
    brand.post(f"{path}/introductions/{introduction.id}/open", step)
    session.refresh(brief)
    decision = {"chosen": str(introduction.id), "reason_code": "price", "reason": "Because it is right."}
    decision |= {"revision": str(brief.revision)}
    wrong += strange(path, decision, try_all(brand, connection, f"{path}/decide", decision))
    for verb in ("publish", "withdraw", "start", "close"):
        wrong += strange(path, step, try_all(brand, connection, f"{path}/{verb}", step))
    assert wrong == []


# ——— Words that look like code ———


def nothing_ran(who, paths: list[str]) -> None:
    """Every page in both languages: no element of theirs, no number that a template computed."""
    for path in paths:
        for language in ("en", "zh"):
            who.client.cookies.set("language", language)
            page = who.get(path)
            assert page.status == 200, path
            assert page.tree.xpath("//xx") == [], path
            assert "50% %(n)s %s49" not in page.response.text, path
            who.client.cookies.delete("language")


def test_a_nasty_case_is_only_a_case(browse, session, provider, many_mails):
    """From the draft to the casebook with words that look like code, in pages, mails, history and search."""
    organisation, owner = provider
    organisation.short_name = organisation.legal_name = owner.name = NASTY
    hold_level(session, organisation, 3, reason=NASTY)
    client = browse(owner)
    words = ("title", "client_name", "before", "failed_first", "done", "sop_version", "systems")
    nasty = typed(client_named="true", **dict.fromkeys(words, NASTY))
    for name in ("o1_name", "o1_definition", "o1_source"):
        nasty[name] = NASTY
    nasty["o1_unit"] = "%(n)s%s<xx>"
    page = client.post("/my/cases/new", nasty)
    assert page.tree.findtext(".//h1") == NASTY
    path = page.url
    client.post(f"{path}/evidence", {"note": NASTY}, files={"file": (NASTY + ".pdf", PDF)})
    client.post(f"{path}/send", {"email": "zhou@muguang.example", "language": "en"})
    visitor, here = browse(), link(session)
    nothing_ran(visitor, [here])
    answers = ANSWER | {"comment": NASTY, "name": NASTY, "role": NASTY, "o1_client_note": NASTY}
    assert visitor.post(here, answers).status == 200
    client.post(f"{path}/submit")
    reviewer = browse(make_person(session, NASTY, staff=StaffRole.REVIEWER))
    submission = session.exec(select(Submission)).one()
    desk = f"/staff/review/{submission.id}"
    asked = {f"verdict_{i}": "fix" for i in ITEMS} | {f"reason_{i}": NASTY for i in ITEMS}
    reviewer.post(desk, asked | {"decision": "ask", "reason": NASTY, "revision": "1"})
    nothing_ran(reviewer, [desk, "/staff", "/staff/history"])
    nothing_ran(
        client, [path, f"{path}/edit", "/my", "/my/cases", "/my/history", "/my/matching", "/my/level"]
    )
    client.post(f"{path}/submit")
    session.refresh(submission)
    passed = {f"verdict_{i}": "pass" for i in ITEMS}
    reviewer.post(
        desk, passed | {"decision": "approve", "reason": NASTY, "revision": str(submission.revision)}
    )
    row = session.exec(select(Case)).one()
    assert row.status is Status.PUBLISHED
    nothing_ran(
        visitor, ["/", "/cases", f"/cases/{row.number}", "/providers", f"/providers/{organisation.slug}"]
    )
    assert visitor.get(f"/cases/{row.number}").tree.findtext(".//h1") == NASTY
    assert visitor.get("/cases?q=50%25").status == 200
    client.post(f"{path}/retract", {"why": NASTY})
    nothing_ran(client, [path, "/my/history"])
    mails = [mail for mail in session.exec(select(Mail)) if NASTY in mail.subject]
    assert len(mails) == 4
    assert [
        m.subject for m in session.exec(select(Mail)) if "&lt;" in m.subject + m.text or "&#" in m.text
    ] == []


def test_a_nasty_brief_is_only_a_brief(browse, session):
    (organisation, person), *_ = five(session)
    organisation.short_name = person.name = NASTY
    nasty = {"title": NASTY, "need": NASTY * 4, "contact_name": NASTY}
    nasty |= {"system_area_1": "pos", "system_name_1": NASTY, "no_systems": ""}
    areas = programme_at(session, clock.now())["taxonomy"]["capabilities"]["tools"]["leaves"]
    nasty["system_area_1"] = next(iter(areas))
    brand, brief = published(browse, session, **nasty)
    path = f"/my/briefs/{brief.number}"
    assert brand.get(path).tree.findtext(".//h1") == NASTY
    brand.post(f"{path}/invite", {})
    introduction, client = introduction_of(session, brief, organisation), browse(person)
    here = f"/my/invitations/{introduction.id}"
    nothing_ran(brand, [path, "/my/briefs", "/my", "/my/history"])
    nothing_ran(client, [here, "/my/invitations", "/my", "/my/matching"])
    yes = {"revision": "1", "contact_name": NASTY, "contact_phone": "13900139000", "note": NASTY}
    assert client.post(f"{here}/accept", yes).said == "Accepted. Contacts open once the brand says yes too."
    session.refresh(introduction)
    brand.post(f"{path}/introductions/{introduction.id}/open", {"revision": str(introduction.revision)})
    session.refresh(brief)
    decision = {"chosen": str(introduction.id), "reason_code": "price", "reason": NASTY * 2}
    page = brand.post(f"{path}/decide", decision | {"revision": str(brief.revision)})
    assert page.said == "Decided. Everybody who was in it has been told why."
    session.refresh(brief)
    page = brand.post(f"{path}/close", {"outcome": NASTY * 2, "revision": str(brief.revision)})
    assert page.said == "Closed, with its outcome."
    staff = browse(make_person(session, staff=StaffRole.ADMINISTRATOR))
    nothing_ran(staff, ["/staff/briefs", "/staff/history", "/staff"])
    nothing_ran(brand, [path, "/my/history"])
    nothing_ran(client, [here, "/my/history"])
    subjects = [mail.subject for mail in session.exec(select(Mail))]
    assert {NASTY in subject for subject in subjects} == {True}


# ——— What is somebody else's ———


def test_own_and_foreign_numbers_do_not_mix(browse, session, provider):
    """One's own case with another's evidence, one's own brief with another's introduction."""
    organisation, owner = provider
    own = make_case(session, organisation)
    client = browse(owner)
    other_owner = make_person(session, "Other")
    other = make_case(session, make_organisation(session, "Other", owner=other_owner), once="c" * 32)
    stranger = browse(other_owner)
    stranger.post(f"/my/cases/{other.id}/evidence", {"note": ""}, files={"file": ("a.pdf", PDF)})
    evidence = session.exec(select(Evidence)).one()
    assert client.get(f"/my/cases/{own.id}/evidence/{evidence.id}").status == 404
    assert client.post(f"/my/cases/{own.id}/evidence/{evidence.id}/remove").status == 404
    for verb in ("edit", "evidence", "send", "recall", "submit", "retract"):
        assert client.post(f"/my/cases/{other.id}/{verb}", typed(why="x", revision="1")).status == 404
    page = client.post("/my/cases/new", typed(once=other.once))
    assert page.status == 404  # another's once-token tells nothing and makes nothing
    assert session.exec(select(func.count()).select_from(Case)).one() == 2

    five(session)
    brand, brief = published(browse, session)
    brand.post(f"/my/briefs/{brief.number}/invite", {})
    introduction = session.exec(select(Introduction)).first()
    _, somebody = make_brand(session)
    stranger = browse(somebody)
    page = stranger.post("/my/briefs/new", brief_fields(once="9" * 16))
    for verb in ("open", "meet"):
        path = f"/introductions/{introduction.id}/{verb}"
        assert stranger.post(page.url + path, {"revision": "1"}).status == 404
        assert stranger.post(f"/my/briefs/{brief.number}{path}", {"revision": "1"}).status == 404
    assert stranger.post("/my/briefs/new", brief_fields(once=brief.once)).status == 404
    chosen = {"chosen": str(introduction.id), "reason_code": "price", "reason": "Because it is right."}
    assert stranger.post(f"{page.url}/decide", chosen | {"revision": "1"}).status in (409, 422)
    session.refresh(introduction)
    assert introduction.status is IntroductionStatus.OFFERED


def test_an_invited_stranger_gets_no_place(browse, session):
    """Only who is on the shortlist can be invited, whatever the form names."""
    five(session)
    brand, brief = published(browse, session)
    outside, _ = make_provider(session, "Outside", industries=["catering"], capabilities=["pos"])
    page = brand.post(
        f"/my/briefs/{brief.number}/invite", {"organisation": [str(outside.id), "zz", "-1", "²"]}
    )
    assert page.said == "They were invited already."
    assert session.exec(select(Introduction)).all() == []


def test_evidence_of_another_case_is_not_the_reviewers(browse, session, provider):
    organisation, owner = provider
    first = make_case(session, organisation, status=Status.CLIENT_CONFIRMED)
    second = make_case(session, organisation, once="c" * 32)
    client = browse(owner)
    client.post(f"/my/cases/{second.id}/evidence", {"note": ""}, files={"file": ("a.pdf", PDF)})
    client.post(f"/my/cases/{first.id}/submit")
    evidence, submission = session.exec(select(Evidence)).one(), session.exec(select(Submission)).one()
    reviewer = browse(make_person(session, staff=StaffRole.REVIEWER))
    assert reviewer.get(f"/staff/review/{submission.id}").status == 200
    assert reviewer.get(f"/staff/review/{submission.id}/case/{evidence.id}").status == 404
    assert reviewer.get(f"/staff/review/{submission.id}/licence").status == 404


# ——— Right × trust step ———


STEPS = ["provisional", "verified", "2", "3", "4", "5", "frozen", "suspended", "closed"]


@pytest.mark.parametrize("step", STEPS)
def test_each_right_opens_what_it_says_and_nothing_else(browse, connection, session, step, many_mails):
    """The table of rights against the routes that need them, with good forms, for a provider and a brand in each step."""
    now = clock.now()
    programme = programme_at(session, now)
    trust, stars = (Trust.VERIFIED, int(step)) if step.isdigit() else (Trust(step), 0)
    load_own_banks(session, programme_at(session, now), now=now)
    ensure_keys(now)
    (organisation, owner), *_ = five(session)
    draft = make_case(session, organisation)
    confirmed = make_case(session, organisation, once="c" * 32, status=Status.CLIENT_CONFIRMED)
    brand, brief = published(browse, session)
    path = f"/my/briefs/{brief.number}"
    company = session.get_one(Organisation, brief.organisation_id)
    page = brand.post("/my/briefs/new", brief_fields(once="9" * 16))
    second = page.url
    open_draft = session.exec(select(Brief).where(Brief.number == second.rpartition("/")[2])).one()
    brand.post(f"{path}/invite", {"organisation": str(organisation.id)})
    introduction = introduction_of(session, brief, organisation)
    accepted = Introduction(
        brief_id=brief.id,
        organisation_id=session.exec(
            select(Organisation.id).where(
                Organisation.kind == Kind.PROVIDER, Organisation.id != organisation.id
            )
        ).first(),
        status=IntroductionStatus.ACCEPTED,
        offered_at=now,
        expires_at=now,
    )
    session.add(accepted)
    client, visitor = browse(owner), browse()
    here = f"/my/cases/{draft.id}"
    organisation.trust = company.trust = trust
    organisation.stars = company.stars = stars
    session.commit()
    yes = {"revision": "1", "contact_name": "L", "contact_phone": "13900139000"}
    one = {"revision": "1"}
    routes = {
        ("learn", "GET", "/my/learning"): client,
        ("learn", "GET", "/my/learning/TRK-01/1"): client,
        ("learn", "POST", "/my/learning/TRK-01/1/practice"): client,
        ("learn", "POST", "/my/learning/TRK-01/1/finish"): client,
        ("draft", "GET", "/my/cases/new"): client,
        ("draft", "POST", "/my/cases/new"): (client, typed()),
        ("draft", "POST", f"{here}/edit"): (client, typed(revision=str(draft.revision))),
        ("draft", "POST", f"{here}/evidence"): (client, {"note": ""}, {"file": ("a.pdf", PDF)}),
        ("draft", "POST", f"{here}/send"): (client, {"email": "zhou@muguang.example"}),
        ("draft_brief", "GET", "/my/briefs/new"): brand,
        ("draft_brief", "POST", "/my/briefs/new"): (brand, brief_fields(once="8" * 16)),
        ("draft_brief", "POST", f"{second}/edit"): (brand, brief_fields(revision=str(open_draft.revision))),
        ("self_assess", "GET", "/my/level"): client,
        ("self_assess", "POST", "/my/self-test"): client,
        ("certificate", "POST", "/my/exams/P1/start"): client,
        ("submit", "POST", f"/my/cases/{confirmed.id}/submit"): client,
        ("apply", "POST", "/my/level"): (client, {"family": "operator", "stars": "3"}),
        ("invitation", "POST", f"/my/invitations/{introduction.id}/accept"): (client, yes),
        ("brief", "POST", f"{second}/publish"): (brand, {"revision": str(open_draft.revision)}),
        ("brief", "POST", f"{path}/invite"): (brand, {}),
        ("brief", "POST", f"{path}/introductions/{accepted.id}/open"): (brand, one),
        ("verify", "POST", "/my/verification"): (
            client,
            {"representative": "L"},
            {"licence": ("a.pdf", PDF)},
        ),
    }
    wrong = []
    for (right, method, address), how in routes.items():
        who, fields, files = (*(how if isinstance(how, tuple) else (how,)), None, None)[:3]
        page = who.get(address) if method == "GET" else once(who, connection, address, fields or {}, files)
        refused = page.status == 409 and str(closed(programme, step, right)) in page.text
        if refused == may(programme, organisation, right):
            wrong.append(f"{right}: {method} {address} {page.status}")
    assert wrong == []
    listed = visitor.get(f"/providers/{organisation.slug}").status == 200
    assert listed == may(programme, organisation, "listing")


@pytest.mark.parametrize("trust", [Trust.SUSPENDED, Trust.CLOSED])
def test_ways_out_stay_open(browse, session, trust):
    """Whoever lost the rights can still say no, take back and end what runs."""
    (organisation, owner), *_ = five(session)
    draft = make_case(session, organisation)
    brand, brief = published(browse, session)
    brand.post(f"/my/briefs/{brief.number}/invite", {"organisation": str(organisation.id)})
    introduction = introduction_of(session, brief, organisation)
    organisation.trust = session.get_one(Organisation, brief.organisation_id).trust = trust
    session.commit()
    client = browse(owner)
    page = client.post(
        f"/my/invitations/{introduction.id}/decline", {"revision": "1", "reason_code": "capacity"}
    )
    assert page.said == "Declined, with the reason. It counts as an answer in time."
    assert client.post(f"/my/cases/{draft.id}/retract", {"why": "x"}).status == 200
    session.refresh(brief)
    page = brand.post(f"/my/briefs/{brief.number}/withdraw", {"revision": str(brief.revision)})
    assert page.said == "Withdrawn. Whoever was invited has been told."


# ——— Twice, and too late ———


def test_forms_of_the_casebook_sent_twice(browse, session, provider, many_mails):
    client = browse(provider[1])
    first = client.post("/my/cases/new", typed())
    assert client.post("/my/cases/new", typed(title="Other")).url == first.url
    send = {"email": "zhou@muguang.example", "language": "zh"}
    client.post(f"{first.url}/send", send)
    old = link(session)
    client.post(f"{first.url}/send", send)
    visitor, new = browse(), link(session)
    assert [visitor.get(path).status for path in (old, new)] == [410, 200]
    assert visitor.post(old, ANSWER).status == 410
    assert visitor.post(new, ANSWER).status == 200
    assert visitor.post(new, ANSWER | {"rating": "1"}).status == 409
    client.post(f"{first.url}/submit")
    assert client.post(f"{first.url}/submit").status == 409
    assert [
        r.rating for r in session.exec(select(Confirmation).where(col(Confirmation.used_at).is_not(None)))
    ] == [5]
    counts = [session.exec(select(func.count()).select_from(m)).one() for m in (Case, Outcome, Submission)]
    assert counts == [1, 1, 1]


def test_a_stale_draft_of_a_brief_keeps_the_words(browse, session):
    _, person = make_brand(session)
    client = browse(person)
    page = client.post("/my/briefs/new", brief_fields())
    edit = f"{page.url}/edit"
    revision = client.get(edit).value("revision")
    client.post(edit, brief_fields(title="Newer", revision=revision))
    page = client.post(edit, brief_fields(title="Older", revision=revision))
    assert (page.status, page.value("title")) == (422, "Older")
    assert page.errors == [
        "Somebody else has changed this since you opened it. Nothing was saved; what you typed is still here."
    ]
    assert session.exec(select(Brief.title)).one() == "Newer"


def test_stale_steps_change_nothing(browse, session):
    (organisation, person), *_ = five(session)
    brand, brief = published(browse, session)
    path = f"/my/briefs/{brief.number}"
    brand.post(f"{path}/invite", {"organisation": str(organisation.id)})
    introduction, client = introduction_of(session, brief, organisation), browse(person)
    here = f"/my/invitations/{introduction.id}"
    for revision in ("0", "99", "", "²", "9" * 5000):
        yes = {"revision": revision, "contact_name": "L", "contact_phone": "13900139000"}
        assert client.post(f"{here}/accept", yes).status == 409
        no = {"revision": revision, "reason_code": "capacity"}
        assert client.post(f"{here}/decline", no).status == 409
        step = {"revision": revision}
        for verb in (
            "withdraw",
            "start",
            f"introductions/{introduction.id}/open",
            f"introductions/{introduction.id}/meet",
        ):
            assert brand.post(f"{path}/{verb}", step).status == 409
        decision = {
            "chosen": "none",
            "reason_code": "postponed",
            "reason": "We wait a little.",
            "revision": revision,
        }
        assert brand.post(f"{path}/decide", decision).status == 409
    session.refresh(brief)
    session.refresh(introduction)
    assert (brief.status, introduction.status) == (BriefStatus.IN_TALKS, IntroductionStatus.OFFERED)


# ——— In the same moment ———


def statuses(answers) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def test_one_form_makes_one_case_and_one_brief_at_once(alone):
    with alone.transaction() as session:
        owner, person = (make_person(session, email=f"{n}@once.example") for n in ("p", "b"))
        provider = make_organisation(session, owner=owner)
        brand = make_organisation(session, kind=Kind.BRAND, owner=person)
    posts = [alone.client(owner) for _ in range(3)]
    answers = race(*(lambda post=post: post("/my/cases/new", typed(once="1" * 32)) for post in posts))
    assert statuses(answers) == [303, 303, 303]
    posts = [alone.client(person) for _ in range(3)]
    answers = race(*(lambda post=post: post("/my/briefs/new", brief_fields(once="1" * 32)) for post in posts))
    assert statuses(answers) == [303, 303, 303]
    with alone.transaction() as session:
        assert len(session.exec(select(Case).where(Case.organisation_id == provider.id)).all()) == 1
        assert len(session.exec(select(Brief).where(Brief.organisation_id == brand.id)).all()) == 1


def test_a_client_answers_twice_at_once_and_differs(alone):
    with alone.transaction() as session:
        owner = make_person(session, email="answers@x.example")
        row = make_case(
            session, make_organisation(session, owner=owner), once="2" * 32, status=Status.AWAITING_CLIENT
        )
        case_id = row.id
        path = link(session)
    yes, no = alone.client(), alone.client()
    answers = race(
        lambda: yes(path, ANSWER),
        lambda: no(path, ANSWER | {"o1_verdict": "disputed", "o1_client_note": "no"}),
    )
    assert statuses(answers) == [303, 409]
    with alone.transaction() as session:
        row = session.get_one(Case, case_id)
        attested = select(Fact).where(
            Fact.organisation_id == row.organisation_id, Fact.kind == FactKind.OUTCOME_ATTESTED
        )
        reviews = select(Fact).where(
            Fact.organisation_id == row.organisation_id, Fact.kind == FactKind.REVIEW
        )
        confirmed = row.status is Status.CLIENT_CONFIRMED
        assert confirmed or row.status is Status.DISPUTED
        assert (len(session.exec(attested).all()), len(session.exec(reviews).all())) == (confirmed, 1)


def test_a_case_is_handed_in_and_taken_back_at_once(alone):
    with alone.transaction() as session:
        owner = make_person(session, email="submits@x.example")
        organisation = make_organisation(session, owner=owner)
        row = make_case(session, organisation, once="3" * 32, status=Status.CLIENT_CONFIRMED)
        case_id = row.id
    one, two, three = (alone.client(owner) for _ in range(3))
    answers = race(
        lambda: one(f"/my/cases/{case_id}/submit"),
        lambda: two(f"/my/cases/{case_id}/submit"),
        lambda: three(f"/my/cases/{case_id}/recall"),
    )
    assert statuses(answers) == [303, 409, 409]
    with alone.transaction() as session:
        row = session.get_one(Case, case_id)
        lying = session.exec(select(Submission).where(Submission.organisation_id == organisation.id)).all()
        assert (row.status, len(lying)) in ((Status.SUBMITTED, 1), (Status.DRAFT, 0))


def test_yes_no_and_taking_back_at_once(alone):
    """A provider accepts in one window and declines in another while the brand withdraws: one of them holds."""
    with alone.transaction() as session:
        (organisation, owner), *_ = five(session)
        _, buyer = make_brand(session)
    post = alone.client(buyer)
    answer = post("/my/briefs/new", brief_fields(once="4" * 32))
    path = answer.headers["location"]
    with alone.transaction() as session:
        brief = session.exec(select(Brief).where(Brief.number == path.rpartition("/")[2])).one()
    assert post(f"{path}/publish", {"revision": str(brief.revision)}).status_code == 303
    twice = [alone.client(buyer) for _ in range(3)]
    answers = race(*(lambda p=p: p(f"{path}/invite", {"organisation": str(organisation.id)}) for p in twice))
    assert statuses(answers) == [303, 303, 303]
    with alone.transaction() as session:
        introduction = session.exec(select(Introduction).where(Introduction.brief_id == brief.id)).one()
        revision = session.get_one(Brief, brief.id).revision
        assert [p.id for p in owners_of(session, organisation.id)] == [owner.id]
    here = f"/my/invitations/{introduction.id}"
    yes, no, back = alone.client(owner), alone.client(owner), alone.client(buyer)
    contact = {"revision": "1", "contact_name": "L", "contact_phone": "13900139000"}
    answers = race(
        lambda: yes(f"{here}/accept", contact),
        lambda: no(f"{here}/decline", {"revision": "1", "reason_code": "capacity"}),
        lambda: back(f"{path}/withdraw", {"revision": str(revision)}),
    )
    assert {answer.status_code for answer in answers} <= {303, 409}
    with alone.transaction() as session:
        after = session.get_one(Introduction, introduction.id)
        facts = session.exec(
            select(Fact).where(Fact.kind == FactKind.RESPONSE, Fact.source_id == introduction.id)
        ).all()
        answered = after.answered_at is not None
        assert len(facts) == answered
        assert after.status in (IntroductionStatus.LOST, IntroductionStatus.DECLINED)
        assert session.get_one(Brief, brief.id).status is BriefStatus.WITHDRAWN


# ——— Clocks ———


def test_an_answer_is_taken_until_the_minute_that_was_shown(browse, session):
    """Shown in China's time and enforced alike, wherever the server stands."""
    (organisation, person), *_ = five(session)
    brand, brief = published(browse, session)
    brand.post(f"/my/briefs/{brief.number}/invite", {"organisation": str(organisation.id)})
    introduction = introduction_of(session, brief, organisation)
    introduction.expires_at = datetime(2030, 1, 1, 16, 0, tzinfo=UTC)  # midnight in China
    session.commit()
    assert "2 Jan 2030, 00:00" in browse(person).get(f"/my/invitations/{introduction.id}").text
    with i18n.speaking("zh"):
        assert i18n.show_date(introduction.expires_at) == "2030-01-02"
    for second in (-1, 0):
        at = introduction.expires_at + timedelta(seconds=second)
        assert (introduction.id in introductions_to_expire(session, at)) == (second == 0)
    introduction.expires_at = clock.now() - timedelta(seconds=1)
    session.commit()
    yes = {"revision": "1", "contact_name": "L", "contact_phone": "13900139000"}
    page = browse(person).post(f"/my/invitations/{introduction.id}/accept", yes)
    assert page.status == 409
    assert "The time to answer has run out." in page.text


def test_a_clients_link_ends_when_it_says(browse, session, provider):
    make_case(session, provider[0], status=Status.AWAITING_CLIENT)
    path, visitor = link(session), browse()
    confirmation = session.exec(select(Confirmation)).one()
    assert confirmation.token_hash == digest(path.rpartition("/")[2])
    confirmation.expires_at = clock.now() - timedelta(seconds=1)
    session.commit()
    assert (visitor.get(path).status, visitor.post(path, ANSWER).status) == (410, 410)
    assert session.exec(select(Case.status)).one() is Status.AWAITING_CLIENT


def test_every_router_is_there():
    """The attacks above walk the whole front door; a router without routes would be one they miss."""
    assert [router.path for router in ROUTERS if not router.routes] == []
