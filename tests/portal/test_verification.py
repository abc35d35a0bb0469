"""From hand-in to rights: checked by the portal, asked by people, answered item by item, reminded and frozen."""

import csv
from datetime import UTC, datetime, timedelta

import pytest
from dramatiq.errors import Retry
from sqlmodel import select

from portal import clock
from portal.accounts.rules import StaffRole
from portal.history.models import History
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.mail.models import Mail
from portal.organisations.models import Organisation
from portal.organisations.rules import VERIFY_WITHIN, Trust
from portal.review import actions as review
from portal.review.models import Submission
from portal.review.queries import findings_of
from portal.review.rules import Status
from portal.settings import settings
from portal.verification import jobs, queries
from portal.verification.actions import freeze, remind
from portal.verification.models import VerificationCheck, VerificationReminder
from portal.verification.registries import COLUMNS
from portal.verification.rules import Entry, Unavailable
from tests.factories import credit_code, make_organisation, make_person

PDF = b"%PDF-1.4\nlicence\n%%EOF\n"
PDF2 = b"%PDF-1.4\nletter\n%%EOF\n"
NAME = "上海晴川数字科技有限公司"
ITEMS = ("name", "code", "status", "scope", "authority")
PASSED = {f"verdict_{key}": "pass" for key in ITEMS}


@pytest.fixture
def owner(session):
    return make_person(session, "顾晴川", email="owner@qingchuan.example")


@pytest.fixture
def organisation(session, owner) -> Organisation:
    return make_organisation(
        session,
        owner=owner,
        trust=Trust.PROVISIONAL,
        legal_name=NAME,
        website="https://qingchuan.example",
    )


@pytest.fixture
def listed(monkeypatch, tmp_path, organisation):
    """`listed(…changes)`: the registry holds the organisation, except for these changes."""

    def write(**changes: str) -> None:
        path = tmp_path / f"registry{len(list(tmp_path.iterdir()))}.csv"
        values = {
            "credit_code": organisation.credit_code,
            "legal_name": NAME,
            "status": "存续",
            "representative": "顾晴川",
            "scope": "软件开发",
            "registered_on": "",
            "region": "",
        }
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.DictWriter(file, COLUMNS)
            rows.writeheader()
            rows.writerow(values | changes)
        monkeypatch.setattr(settings(), "registry", f"file:{path}")

    return write


def hand_in(browse, owner):
    client = browse(owner)
    page = client.post(
        "/my/verification",
        {"representative": "顾晴川"},
        files={"licence": ("licence.pdf", PDF, "application/pdf")},
    )
    assert page.said == "Handed in. You will see each verdict here; the clock says by when."
    return client


def submission_of(session, organisation) -> Submission:
    session.expire_all()
    return queries.verification_of(session, organisation.id).submission


def checked(session, organisation) -> dict[str, str]:
    session.expire_all()
    return {c.key: c.verdict.value for c in queries.verification_of(session, organisation.id).checks}


def mails(session, address: str) -> list[str]:
    return list(session.exec(select(Mail.subject).where(Mail.to_address == address).order_by(Mail.id)))


# ——— A clean case ———


def test_a_clean_case_is_approved_by_the_portal(browse, session, owner, organisation, listed):
    listed()
    client = hand_in(browse, owner)
    row = queries.verification_of(session, organisation.id).verification
    jobs.check_verification(row.id)
    page = client.get("/my/verification")
    assert "is verified since" in page.text
    submission = submission_of(session, organisation)
    assert (submission.status, submission.reviewer_id) == (Status.APPROVED, None)
    assert {f.item: (f.verdict.value, f.by) for f in findings_of(session, submission.id)} == dict.fromkeys(
        ITEMS, ("pass", None)
    )
    assert set(checked(session, organisation).values()) == {"pass"}
    [fact] = session.exec(
        select(Fact).where(
            Fact.kind == FactKind.ORGANISATION_VERIFIED, Fact.organisation_id == organisation.id
        )
    )
    assert fact.recorded_by is None
    [entry] = session.exec(
        select(History).where(
            History.verb == "organisation verified", History.organisation_id == organisation.id
        )
    )
    assert (entry.actor_id, entry.reason.startswith("The registry confirms")) == (None, True)
    assert mails(session, owner.email)[-1].endswith("is verified")
    assert (row.checks_due_at, fact.recorded_at - submission.submitted_at < timedelta(minutes=3)) == (
        None,
        True,
    )
    jobs.check_verification(row.id)  # safe to run twice
    assert len(session.exec(select(VerificationCheck)).all()) == 8


def test_the_programme_may_leave_it_to_people(browse, session, owner, organisation, listed, monkeypatch):
    listed()
    hand_in(browse, owner)
    from portal.programme.queries import programme_at

    content = programme_at(session, clock.now()).content
    monkeypatch.setitem(content, "verification", {"automatic_needs": []})
    jobs.check_verification(queries.verification_of(session, organisation.id).verification.id)
    assert submission_of(session, organisation).status is Status.SUBMITTED


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"legal_name": "上海晴川数码科技有限公司"}, "name"),
        ({"status": "注销"}, "status"),
        ({"representative": "别人"}, "representative"),
    ],
)
def test_what_is_not_clean_waits_for_a_person(browse, session, owner, organisation, listed, changes, key):
    listed(**changes)
    client = hand_in(browse, owner)
    jobs.check_verification(queries.verification_of(session, organisation.id).verification.id)
    submission = submission_of(session, organisation)
    assert submission.status is Status.SUBMITTED
    assert submission.due_at == clock.add_working_days(submission.submitted_at, 1)
    assert checked(session, organisation)[key] != "pass"
    secret = next(iter(changes.values()))
    page = client.get("/my/verification")
    assert secret not in page.response.text
    reviewer = browse(make_person(session, staff=StaffRole.REVIEWER))
    page = reviewer.get(f"/staff/review/{submission.id}")
    assert f"Registry: {secret}" in page.text
    chosen = {i: page.tree.xpath(f"//input[@name='verdict_{i}' and @checked]/@value") for i in ITEMS}
    asked = {"representative": "authority"}.get(key, key)
    assert chosen == {i: [] if i == asked else ["pass"] for i in ITEMS}


def test_without_a_registry_everything_waits(browse, session, owner, organisation):
    hand_in(browse, owner)
    jobs.check_verification(queries.verification_of(session, organisation.id).verification.id)
    assert submission_of(session, organisation).status is Status.SUBMITTED
    assert checked(session, organisation) == {
        "region": "pass",
        "name": "unknown",
        "status": "unknown",
        "representative": "unknown",
        "scope": "unknown",
        "duplicate": "pass",
        "risk": "pass",
        "mailbox": "pass",
    }


def test_a_verified_double_blocks_and_its_name_stays_with_staff(browse, session, owner, organisation, listed):
    make_organisation(session, legal_name="上海晴川数码科技有限公司", short_name="另一家")
    listed()
    client = hand_in(browse, owner)
    jobs.check_verification(queries.verification_of(session, organisation.id).verification.id)
    submission = submission_of(session, organisation)
    assert submission.status is Status.SUBMITTED
    page = client.get("/my/verification")
    assert "ask its owner for an invitation instead" in page.text
    assert "数码" not in page.response.text
    reviewer = browse(make_person(session, staff=StaffRole.REVIEWER))
    assert "上海晴川数码科技有限公司" in reviewer.get(f"/staff/review/{submission.id}").text


def test_a_double_by_domain_in_another_province(browse, session, owner, organisation, listed):
    colleague = make_person(session, email="other@qingchuan.example")
    make_organisation(session, legal_name="别名有限公司", province="sichuan", owner=colleague)
    listed()
    hand_in(browse, owner)
    jobs.check_verification(queries.verification_of(session, organisation.id).verification.id)
    assert checked(session, organisation)["duplicate"] == "fail"


def test_a_hit_on_the_risk_list_is_shown_to_staff_alone(
    browse, session, owner, organisation, listed, monkeypatch, tmp_path
):
    path = tmp_path / "risk.csv"
    path.write_text(f"name,code,reason\n,{organisation.credit_code},court-order-7\n", encoding="utf-8")
    monkeypatch.setattr(settings(), "risk_list", str(path))
    listed()
    client = hand_in(browse, owner)
    jobs.check_verification(queries.verification_of(session, organisation.id).verification.id)
    submission = submission_of(session, organisation)
    assert submission.status is Status.SUBMITTED
    assert "court-order-7" not in client.get("/my/verification").response.text
    reviewer = browse(make_person(session, staff=StaffRole.REVIEWER))
    assert "court-order-7" in reviewer.get(f"/staff/review/{submission.id}").text


def test_the_owner_reads_nothing_while_checks_run_but_that_they_do(
    browse, session, owner, organisation, listed
):
    listed()
    client = hand_in(browse, owner)
    assert "The automatic checks are still running." in client.get("/my/verification").text


# ——— Silence, crashes, races ———


class Answers:
    """A registry that gives one answer after the other."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)

    def look_up(self, _code: str):
        answer = self.answers.pop(0)
        if callable(answer):
            answer = answer()
        return answer


def test_a_silent_registry_is_asked_again_and_then_left(browse, session, owner, organisation, monkeypatch):
    hand_in(browse, owner)
    row = queries.verification_of(session, organisation.id).verification
    silent = Answers(*[Unavailable("HTTP 503")] * 4)
    monkeypatch.setattr(jobs, "registry", lambda: silent)
    now, delays = clock.now(), []
    for _ in range(4):
        monkeypatch.setattr(clock, "now", lambda now=now: now)
        try:
            jobs.check_verification(row.id)
        except Retry as again:
            delays.append(again.delay / 1000)
            now += timedelta(milliseconds=again.delay)
    assert delays == [5, 15, 40]
    assert checked(session, organisation)["name"] == "unknown"
    assert submission_of(session, organisation).status is Status.SUBMITTED


def test_a_lost_check_is_found_by_the_sweep(browse, session, owner, organisation, listed, monkeypatch):
    listed()
    hand_in(browse, owner)
    row = queries.verification_of(session, organisation.id).verification
    sent = []
    monkeypatch.setattr(jobs.check_verification, "send", sent.append)
    jobs.sweep_checks()
    assert sent == [row.id]
    jobs.check_verification(row.id)
    jobs.sweep_checks()
    assert sent == [row.id]


def test_who_decides_first_decides(browse, session, owner, organisation, monkeypatch):
    """A person approves while the registry is being asked: the portal adds nothing."""
    hand_in(browse, owner)
    row = queries.verification_of(session, organisation.id).verification
    reviewer = make_person(session, staff=StaffRole.REVIEWER)
    session.commit()

    def meanwhile():
        client = browse(reviewer)
        submission = submission_of(session, organisation)
        page = client.post(
            f"/staff/review/{submission.id}",
            PASSED | {"decision": "approve", "revision": str(submission.revision)},
        )
        assert page.said == "Decided. The queue is empty."
        return Entry(organisation.credit_code, NAME, "存续", "顾晴川", "软件")

    monkeypatch.setattr(jobs, "registry", lambda: Answers(meanwhile))
    jobs.check_verification(row.id)
    assert submission_of(session, organisation).reviewer_id == reviewer.id
    assert checked(session, organisation) == {}


def test_what_a_reviewer_has_taken_is_theirs(browse, session, owner, organisation, listed):
    listed()
    hand_in(browse, owner)
    reviewer = make_person(session, staff=StaffRole.REVIEWER)
    review.take(session, submission_of(session, organisation), by=reviewer.id, now=clock.now())
    session.commit()
    jobs.check_verification(queries.verification_of(session, organisation.id).verification.id)
    assert submission_of(session, organisation).status is Status.IN_REVIEW
    assert len(checked(session, organisation)) == 8


# ——— Asked and answered ———


@pytest.fixture
def desk(browse, session, organisation):
    """`desk(ask=…)` marks items as needing more; `desk()` approves."""
    client = browse(make_person(session, "Reviewer", staff=StaffRole.REVIEWER))

    def decide(*items: str, decision: str = ""):
        submission = submission_of(session, organisation)
        fields = (
            PASSED | {f"verdict_{i}": "fix" for i in items} | {f"reason_{i}": f"About {i}." for i in items}
        )
        return client.post(
            f"/staff/review/{submission.id}",
            fields
            | {"decision": decision or ("ask" if items else "approve"), "revision": str(submission.revision)},
        )

    decide.client = client
    return decide


def test_answers_item_by_item_with_the_files_of_every_round(
    browse, session, owner, organisation, desk, listed
):
    client = hand_in(browse, owner)
    desk("authority", "name")
    page = client.get("/my/verification")
    assert page.value("answer_authority") is not None
    assert page.value("answer_name") is not None
    assert page.value("answer_scope") is None
    page = client.post("/my/verification/answers", {"representative": "顾晴川", "answer_name": "It changed."})
    assert (page.status, page.errors) == (
        422,
        ["Please answer what was asked here: in words, with a file, or both."],
    )
    assert page.value("answer_name") == "It changed."
    page = client.post(
        "/my/verification/answers",
        {"representative": "顾晴川", "answer_name": "It changed."},
        files={"file_authority": ("letter.pdf", b"MZ" * 50, "application/pdf")},
    )
    assert page.errors[0].startswith("The file is not what its name says")
    listed()  # clean now, but a person has asked: a person decides
    page = client.post(
        "/my/verification/answers",
        {"representative": "顾晴川", "answer_name": "It changed."},
        files={"file_authority": ("letter.pdf", PDF2, "application/pdf")},
    )
    assert page.said == "Handed in. You will see each verdict here; the clock says by when."
    jobs.check_verification(queries.verification_of(session, organisation.id).verification.id)
    submission = submission_of(session, organisation)
    assert (submission.status, submission.round) == (Status.SUBMITTED, 2)
    answers = queries.verification_of(session, organisation.id).answers
    assert [(a.round, a.item, a.text, a.file) for a in answers] == [
        (2, "name", "It changed.", None),
        (2, "authority", "", "letter.pdf"),
        (1, "licence", "", "licence.pdf"),
    ]
    links = [link for link in client.get("/my/verification").links() if "/files/" in link]
    assert [client.get(link).response.content for link in links] == [PDF2, PDF]
    page = desk.client.get(f"/staff/review/{submission.id}")
    staff_links = [link for link in page.links() if "/files/" in link]
    assert [desk.client.get(link).response.content for link in staff_links] == [PDF2, PDF]
    stranger_person = make_person(session)
    make_organisation(session, owner=stranger_person)
    stranger = browse(stranger_person)
    assert [stranger.get(link).status for link in (*links, *staff_links)] == [404] * 4
    desk()
    session.refresh(organisation)
    assert organisation.trust is Trust.VERIFIED


def test_answering_twice_or_handing_in_instead(browse, session, owner, organisation, desk):
    client = hand_in(browse, owner)
    page = client.post("/my/verification/answers", {"representative": "x", "answer_name": "too early"})
    assert page.status == 409
    desk("name")
    page = client.post(
        "/my/verification", {"representative": "x"}, files={"licence": ("l.pdf", PDF, "application/pdf")}
    )
    assert (page.status, "Staff asked about single items." in page.text) == (409, True)
    fields = {"representative": "x", "answer_name": "once"}
    assert client.post("/my/verification/answers", fields).status == 200
    assert client.post("/my/verification/answers", fields).status == 409
    assert submission_of(session, organisation).round == 2


def test_after_two_rounds_it_is_decided(browse, session, owner, organisation, desk):
    client = hand_in(browse, owner)
    for _ in range(2):
        desk("name")
        client.post("/my/verification/answers", {"representative": "x", "answer_name": "so"})
    submission = submission_of(session, organisation)
    page = desk.client.get(f"/staff/review/{submission.id}")
    assert page.tree.xpath("//button[@value='ask']") == []
    page = desk("name")
    assert (page.status, "It must be decided now" in page.text) == (422, True)
    assert submission_of(session, organisation).status is Status.SUBMITTED
    assert desk().status == 200
    assert submission_of(session, organisation).status is Status.APPROVED


def test_the_clock_stands_still_while_the_applicant_is_asked(
    browse, session, owner, organisation, desk, monkeypatch
):
    client = hand_in(browse, owner)
    desk("name")
    assert submission_of(session, organisation).due_at is None
    later = clock.now() + timedelta(days=9)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert submission_of(session, organisation).due_at is None
    client.post("/my/verification/answers", {"representative": "x", "answer_name": "so"})
    assert submission_of(session, organisation).due_at == clock.add_working_days(later, 1)


# ——— Thirty days ———


def test_reminded_twice_then_frozen_then_thawed(browse, session, owner, organisation, monkeypatch, request):
    registered = organisation.created_at
    for days, expected in ((22, 0), (23.1, 1), (25, 1), (28.1, 2), (29.9, 2), (30.1, 3), (31, 3)):
        at = registered + timedelta(days=days)
        monkeypatch.setattr(clock, "now", lambda at=at: at)
        jobs.sweep_unverified()
        jobs.sweep_unverified()
        assert len(mails(session, owner.email)) == expected, days
    session.refresh(organisation)
    assert organisation.trust is Trust.FROZEN
    assert sorted(r.days for r in session.exec(select(VerificationReminder))) == [2, 7]
    hand_in(browse, owner)
    request.getfixturevalue("desk")()  # signed in now, a month later
    session.refresh(organisation)
    assert organisation.trust is Trust.VERIFIED


def test_a_portal_that_slept_reminds_once(session, owner, organisation):
    remind(session, organisation.id, now=organisation.created_at + timedelta(days=29))
    remind(session, organisation.id, now=organisation.created_at + timedelta(days=29))
    assert len(mails(session, owner.email)) == 1


def test_who_has_handed_in_is_neither_reminded_nor_frozen(browse, session, owner, organisation, monkeypatch):
    hand_in(browse, owner)
    for days in (25, 29, 31):
        at = organisation.created_at + timedelta(days=days)
        monkeypatch.setattr(clock, "now", lambda at=at: at)
        jobs.sweep_unverified()
    freeze(session, organisation.id, now=organisation.created_at + VERIFY_WITHIN)  # since the sweep looked
    session.refresh(organisation)
    assert organisation.trust is Trust.PROVISIONAL
    assert mails(session, owner.email) == []


# ——— The calendar on the desk ———


def test_the_desk_says_when_clocks_end_after_the_published_calendar(browse, session, owner, organisation):
    hand_in(browse, owner)
    reviewer = browse(make_person(session, staff=StaffRole.REVIEWER))
    assert "not known yet" not in reviewer.get("/staff").text
    submission = submission_of(session, organisation)
    submission.due_at = datetime(clock.official_through() + 1, 1, 4, 9, tzinfo=UTC)
    session.commit()
    page = reviewer.get("/staff")
    assert "Clocks that end after the published calendar" in page.text
    assert "these deadlines may move" in page.text


def test_a_second_registration_of_a_code_has_a_way_out(browse, session):
    taken = credit_code()
    make_organisation(session, credit_code=taken)
    fields = {
        "kind": "brand",
        "legal_name": "X",
        "short_name": "X",
        "credit_code": taken,
        "industries": ["pets"],
        "province": "shanghai",
        "city": "上海",
    }
    page = browse(make_person(session)).post("/my/organisation/new", fields | {"legal_name": "XY"})
    assert page.errors == [
        "An organisation with this credit code is registered already. Ask its owner for an invitation, or write to us if it is not yours."
    ]
