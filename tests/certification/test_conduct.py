"""Complaints that two people decide, appeals, late answers; sanctions by two, or for three days by one."""

from datetime import timedelta

import pytest
from sqlmodel import select

from certification.conduct import actions, jobs, queries
from certification.conduct.models import Complaint, Sanction
from certification.conduct.rules import Kind, Measure, Origin, SanctionStatus, Status
from certification.credentials.keyring import ensure_keys
from certification.sanctions import actions as sanctions
from certification.standing.actions import grant_level
from certification.standing.evidence import Evidence, gate_values
from certification.standing.models import Level
from certification.standing.rules import Family, LevelStatus
from portal import clock
from portal.accounts.rules import StaffRole
from portal.app import put_together
from portal.files.models import FileAccess
from portal.history.models import History
from portal.ledger.actions import retract_facts, write_fact
from portal.ledger.queries import facts_of
from portal.ledger.rules import FactKind
from portal.mail.models import Mail
from portal.organisations.rules import Trust
from portal.programme.queries import programme_at
from portal.refusal import Refused
from tests.factories import employ, make_organisation, make_person
from tests.hostile_files import png

NOW = clock.now()
WORDS = "Because of what was seen"


def later(days: float):
    return NOW + timedelta(days=days)


@pytest.fixture(autouse=True)
def together():
    put_together()
    ensure_keys(NOW)


@pytest.fixture
def three(session):
    """(organisation, owner, three members of staff)"""
    owner = make_person(session, "Owner")
    organisation = make_organisation(session, owner=owner, at=later(-60))
    staff = [make_person(session, f"Staff {n}", staff=StaffRole.ADMINISTRATOR) for n in range(3)]
    return organisation, owner, staff


def opened(session, three, kind: Kind = Kind.COMPLAINT_MAJOR, *, at=NOW) -> Complaint:
    organisation, _, staff = three
    return actions.open_complaint(
        session,
        organisation,
        kind,
        Origin.BRAND,
        "A brand",
        "It was late, twice.",
        None,
        by=staff[0].id,
        now=at,
    )


def upheld(session, three, kind: Kind = Kind.COMPLAINT_MAJOR) -> Complaint:
    _, owner, staff = three
    complaint = opened(session, three, kind)
    actions.answer(session, complaint, "It was not us.", by=owner.id, now=NOW)
    actions.uphold(session, complaint, WORDS, by=staff[0].id, now=NOW)
    actions.confirm(session, complaint, WORDS, by=staff[1].id, now=NOW)
    session.flush()
    return complaint


def gates(session, organisation, at=NOW) -> tuple[float, float, float]:
    rules = programme_at(session, NOW).content
    values = gate_values(Evidence(facts_of(session, organisation.id), at, rules), "operator")
    return values["conduct_min"], values["complaints_upheld_12m_max"], values["major_open_max"]


def mails(session) -> list[str]:
    return list(session.exec(select(Mail.subject).order_by(Mail.id)))


# ——— Complaints ———


@pytest.mark.parametrize(
    ("kind", "after"),
    [
        (Kind.COMPLAINT_MINOR, (95, 1, 0)),
        (Kind.COMPLAINT_MAJOR, (80, 1, 1)),
        (Kind.FAKE_REVIEW, (70, 0, 0)),
    ],
)
def test_it_counts_from_the_second_person_on(session, three, kind, after):
    organisation, owner, staff = three
    complaint = opened(session, three, kind)
    with pytest.raises(Refused):
        actions.uphold(session, complaint, WORDS, by=staff[0].id, now=NOW)  # unheard
    actions.answer(session, complaint, "It was not us.", by=owner.id, now=NOW)
    with pytest.raises(Refused):
        actions.answer(session, complaint, "And more.", by=owner.id, now=NOW)
    actions.uphold(session, complaint, WORDS, by=staff[0].id, now=NOW)
    assert gates(session, organisation) == (100, 0, 0)
    with pytest.raises(Refused):
        actions.confirm(session, complaint, WORDS, by=staff[0].id, now=NOW)
    actions.reject(session, complaint, WORDS, by=staff[1].id, now=NOW)
    assert (complaint.status, gates(session, organisation)) == (Status.HEARD, (100, 0, 0))
    actions.uphold(session, complaint, WORDS, by=staff[1].id, now=NOW)
    actions.confirm(session, complaint, WORDS, by=staff[0].id, now=NOW)
    assert (complaint.status, gates(session, organisation)) == (Status.UPHELD, after)
    actions.remedy(session, complaint, "It is mended", by=staff[0].id, now=later(1))
    assert gates(session, organisation, later(2)) == (after[0], after[1], 0)
    assert mails(session) == [
        "Your answer to a complaint is wanted",
        "A complaint is upheld",
        "A complaint is remedied",
    ]


def test_without_an_answer_it_is_decided_once_the_time_is_over(session, three):
    complaint = opened(session, three)
    assert complaint.answer_until == clock.add_working_days(NOW, 10)
    actions.uphold(session, complaint, WORDS, by=three[2][0].id, now=complaint.answer_until)
    assert complaint.status is Status.PROPOSED


def test_what_staff_propose_is_not_read_before_it_counts(session, three):
    organisation, owner, staff = three
    complaint = opened(session, three)
    actions.answer(session, complaint, "It was not us.", by=owner.id, now=NOW)
    actions.uphold(session, complaint, WORDS, by=staff[0].id, now=NOW)
    actions.reject(session, complaint, WORDS, by=staff[1].id, now=NOW)
    sanctions.propose(session, organisation, Measure.CLOSE, None, "breach", WORDS, by=staff[0].id, now=NOW)
    verbs = session.exec(
        select(History.verb).where(
            History.organisation_id == organisation.id, History.subject_kind.in_(["complaint", "sanction"])
        )
    ).all()
    assert verbs == ["complaint opened", "complaint answered"]
    assert queries.sanctions_of(session, organisation.id, own=True) == []


@pytest.mark.parametrize("good", [True, False])
def test_an_appeal_is_decided_by_somebody_fresh_and_never_worsens(session, three, good):
    organisation, owner, staff = three
    complaint = upheld(session, three)
    before = gates(session, organisation)
    with pytest.raises(Refused):
        actions.appeal(session, complaint, "Not fair.", by=owner.id, now=later(14))
    actions.appeal(session, complaint, "Not fair.", by=owner.id, now=later(13))
    assert gates(session, organisation) == before
    act = actions.overturn if good else actions.keep
    for one in staff[:2]:
        with pytest.raises(Refused):
            act(session, complaint, WORDS, by=one.id, now=later(13))
    act(session, complaint, WORDS, by=staff[2].id, now=later(13))
    session.flush()
    assert gates(session, organisation, later(13.5)) == ((100, 0, 0) if good else before)
    assert complaint.status is (Status.OVERTURNED if good else Status.UPHELD)
    with pytest.raises(Refused):
        actions.appeal(session, complaint, "Again.", by=owner.id, now=later(13))


def test_late_answers_cost_up_to_the_cap_and_come_back_when_retracted(session, three, monkeypatch):
    organisation = three[0]
    facts = [
        write_fact(
            session,
            FactKind.RESPONSE,
            organisation_id=organisation.id,
            source=("introduction", n + 1),
            now=NOW,
            true_from=later(n - 30),
            brief_id=None,
            in_time=n % 2 == 0,
        )
        for n in range(25)
    ]
    session.commit()
    for _ in range(2):
        monkeypatch.setattr(jobs, "_last", [])
        jobs.sweep_conduct()
        session.expire_all()
        assert gates(session, organisation, clock.now())[0] == 90
    retract_facts(
        session, source=("introduction", facts[1].source_id), reason=WORDS, by=None, now=clock.now()
    )
    session.commit()
    monkeypatch.setattr(jobs, "_last", [])
    jobs.sweep_conduct()
    session.expire_all()
    deducted = [
        f for f in facts_of(session, organisation.id) if f.kind == FactKind.CONDUCT and f.retracted_at is None
    ]
    assert facts[1].id not in {f.source_id for f in deducted}
    assert sum(f.value["delta"] for f in deducted) == -10  # the eleventh takes its place


# ——— Sanctions ———


@pytest.fixture
def levelled(session, three):
    organisation, *_ = three
    grant_level(session, organisation.id, Family.OPERATOR, 3, "after review", by=None, now=later(-10))
    session.flush()
    return three


def level(session, organisation) -> LevelStatus:
    return session.exec(select(Level).where(Level.organisation_id == organisation.id)).one().status


def propose(session, three, measure: Measure, reason: str, *, by: int = 0, now=NOW) -> Sanction:
    organisation, _, staff = three
    return sanctions.propose(
        session, organisation, measure, Family.OPERATOR, reason, WORDS, by=staff[by].id, now=now
    )


def test_at_once_and_confirmed(session, levelled):
    organisation, _, staff = levelled
    sanction = propose(session, levelled, Measure.SUSPEND, "bribery")
    assert (sanction.status, sanction.family, sanction.lapses_at) == (
        SanctionStatus.WORKING,
        None,
        clock.add_working_days(NOW, 3),
    )
    assert (organisation.trust, level(session, organisation)) == (Trust.SUSPENDED, LevelStatus.SUSPENDED)
    with pytest.raises(Refused):
        sanctions.confirm(session, sanction, organisation, WORDS, by=staff[0].id, now=NOW)
    with pytest.raises(Refused):  # it waits already; and its end is not proposed before it is decided
        propose(session, levelled, Measure.REINSTATE, "remedied")
    sanctions.confirm(session, sanction, organisation, WORDS, by=staff[1].id, now=NOW)
    sanctions.lapse(session, sanction, organisation, now=later(30))
    assert (sanction.status, organisation.trust) == (SanctionStatus.CONFIRMED, Trust.SUSPENDED)
    back = propose(session, levelled, Measure.REINSTATE, "remedied")
    assert (back.status, organisation.trust) == (SanctionStatus.PROPOSED, Trust.SUSPENDED)
    sanctions.confirm(session, back, organisation, WORDS, by=staff[2].id, now=later(1))
    assert (organisation.trust, level(session, organisation)) == (Trust.VERIFIED, LevelStatus.ACTIVE)


def test_nobody_confirms_and_it_lapses(session, levelled):
    organisation, *_ = levelled
    at = clock.now() - timedelta(days=30)
    sanction = propose(session, levelled, Measure.SUSPEND, "data_leak", now=at)
    session.commit()
    jobs.sweep_conduct()
    session.expire_all()
    assert (sanction.status, organisation.trust) == (SanctionStatus.LAPSED, Trust.VERIFIED)
    assert level(session, organisation) is LevelStatus.ACTIVE
    assert mails(session)[-1] == "The suspension has ended"


@pytest.mark.parametrize("how", ["reject", "withdraw"])
@pytest.mark.parametrize("measure", [Measure.SUSPEND, Measure.SUSPEND_LEVEL])
def test_taken_back_before_it_is_confirmed(session, levelled, how, measure):
    organisation, _, staff = levelled
    sanction = propose(session, levelled, measure, "exam_fraud")
    assert level(session, organisation) is LevelStatus.SUSPENDED
    act, wrong, right = (
        (sanctions.reject, staff[0], staff[1])
        if how == "reject"
        else (sanctions.withdraw, staff[1], staff[0])
    )
    with pytest.raises(Refused):
        act(session, sanction, organisation, WORDS, by=wrong.id, now=NOW)
    act(session, sanction, organisation, WORDS, by=right.id, now=NOW)
    assert (organisation.trust, level(session, organisation)) == (Trust.VERIFIED, LevelStatus.ACTIVE)
    assert sanction.status.value == {"reject": "rejected", "withdraw": "withdrawn"}[how]  # and is kept


@pytest.mark.parametrize("measure", [Measure.SUSPEND, Measure.CLOSE, Measure.REVOKE_LEVEL])
def test_everything_else_takes_effect_at_the_confirmation(session, levelled, measure):
    organisation, _, staff = levelled
    reason = "bribery" if measure is not Measure.SUSPEND else "breach"
    sanction = propose(session, levelled, measure, reason)
    assert (sanction.status, organisation.trust, level(session, organisation)) == (
        SanctionStatus.PROPOSED,
        Trust.VERIFIED,
        LevelStatus.ACTIVE,
    )
    assert mails(session)[1:] == []  # nobody is told of a proposal
    sanctions.confirm(session, sanction, organisation, WORDS, by=staff[1].id, now=NOW)
    assert (organisation.trust.value, level(session, organisation).value) == {
        Measure.SUSPEND: ("suspended", "suspended"),
        Measure.CLOSE: ("closed", "revoked"),
        Measure.REVOKE_LEVEL: ("verified", "revoked"),
    }[measure]
    with pytest.raises(Refused):
        sanctions.confirm(session, sanction, organisation, WORDS, by=staff[2].id, now=NOW)


@pytest.mark.parametrize("measure", [Measure.SUSPEND, Measure.REVOKE_LEVEL])
def test_a_sanction_overturned_gives_everything_back(session, levelled, measure):
    organisation, owner, staff = levelled
    sanction = propose(session, levelled, measure, "breach")
    sanctions.confirm(session, sanction, organisation, WORDS, by=staff[1].id, now=NOW)
    sanctions.appeal(session, sanction, "Not fair.", by=owner.id, now=later(2))
    with pytest.raises(Refused):
        sanctions.overturn(session, sanction, organisation, WORDS, by=staff[1].id, now=later(2))
    sanctions.overturn(session, sanction, organisation, WORDS, by=staff[2].id, now=later(2))
    assert (organisation.trust, level(session, organisation)) == (Trust.VERIFIED, LevelStatus.ACTIVE)
    with pytest.raises(Refused):
        sanctions.appeal(session, sanction, "Again.", by=owner.id, now=later(2))


def test_only_what_is_open_is_proposed(session, three):
    for measure in (Measure.REINSTATE, Measure.SUSPEND_LEVEL, Measure.REVOKE_LEVEL):
        with pytest.raises(Refused):
            propose(session, three, measure, "other")


# ——— Pages ———


def test_a_complaint_from_page_to_page(session, browse, three):
    organisation, owner, staff = three
    one, two, fresh = (browse(person) for person in staff)
    client, stranger = browse(owner), make_person(session)
    make_organisation(session, "Other", owner=stranger)
    base = f"/staff/organisations/{organisation.id}"
    fields = {"kind": "complaint_minor", "origin": "brand", "text": "Reports came late, twice."}
    wrong = one.post(f"{base}/complaints", fields | {"text": "Late"})
    assert (wrong.status, wrong.errors) == (422, ["Please write at least 10 characters."])
    wrong = one.post(f"{base}/complaints", fields, files={"file": ("a.pdf", b"no pdf")})
    assert (wrong.status, session.exec(select(Complaint)).all()) == (422, [])
    page = one.post(f"{base}/complaints", fields, files={"file": ("seen.png", png(30, 30))})
    assert page.said == "Opened. The organisation has been asked for its answer."
    assert one.post(f"{base}/complaints", fields).status == 409
    [complaint] = session.exec(select(Complaint)).all()
    mine, theirs = f"/my/conduct/complaints/{complaint.id}", f"/staff/conduct/complaints/{complaint.id}"
    other = browse(stranger)
    assert [
        other.get(mine).status,
        other.get(f"{mine}/file").status,
        other.post(f"{mine}/answer", {"text": "Not ours, but"}).status,
        browse().get(theirs, follow=False).status,
        client.get(theirs).status,
    ] == [404, 404, 404, 303, 404]
    assert client.get(f"{mine}/file").status == 200
    assert session.exec(select(FileAccess.person_id)).all() == [owner.id]
    assert client.post(f"{mine}/answer", {"text": "No"}).status == 422
    assert client.post(f"{mine}/answer", {"text": "The data came late."}).status == 200
    assert client.post(f"{mine}/answer", {"text": "The data came late."}).status == 409
    assert one.post(f"{theirs}/uphold", {"reason": "short"}).status == 422
    assert one.post(f"{theirs}/uphold", {"reason": "The mails show it."}).status == 200
    assert "The mails show it." not in client.get(mine).text
    assert one.post(f"{theirs}/confirm", {"reason": "The mails show it."}).status == 409
    assert two.post(f"{theirs}/confirm", {"reason": "So do I see it."}).status == 200
    assert "95 / 100" in client.get("/my/conduct").text
    assert client.post(f"{mine}/appeal", {"text": "Read annex three."}).status == 200
    assert two.post(f"{theirs}/overturn", {"reason": "Annex three says so."}).status == 409
    assert fresh.post(f"{theirs}/overturn", {"reason": "Annex three says so."}).status == 200
    assert fresh.post(f"{theirs}/nothing", {"reason": "Annex three says so."}).status == 404
    assert "100 / 100" in client.get("/my/conduct").text
    for page in ("/staff/conduct", f"{base}/conduct", theirs):
        assert one.get(page).status == 200


def test_a_sanction_from_page_to_page(session, browse, three):
    organisation, owner, staff = three
    one, two, fresh = (browse(person) for person in staff)
    client = browse(owner)
    base = f"/staff/organisations/{organisation.id}"
    fields = {"measure": "suspend", "reason_class": "bribery", "reason": "Money changed hands."}
    for wrong, sentence in (
        ({"reason": "x"}, "Please write at least 10 characters."),
        ({"reason_class": "mood"}, "Please choose one of the options."),
        ({"measure": "revoke_level"}, "Please choose the level."),
    ):
        page = one.post(f"{base}/sanctions", fields | wrong)
        assert (page.status, page.errors) == (422, [sentence])
    page = one.post(f"{base}/sanctions", fields)
    assert page.said == "It works at once. Without a second person it lapses after three working days."
    assert one.post(f"{base}/sanctions", fields).status == 409
    [sanction] = session.exec(select(Sanction)).all()
    path = f"/staff/conduct/sanctions/{sanction.id}"
    assert client.get("/my/conduct").text.count("Money changed hands.") == 1
    assert one.post(f"{path}/confirm", {"reason": "Seen the books."}).status == 409
    assert (
        two.post(f"{path}/confirm", {"reason": "Seen the books."}).said == "Confirmed; the owners are told."
    )
    appeal = f"/my/conduct/sanctions/{sanction.id}/appeal"
    assert client.post(appeal, {"text": "No"}).status == 422
    assert client.post(appeal, {"text": "It was an invoice."}).status == 200  # although it is suspended
    assert client.post(appeal, {"text": "It was an invoice."}).status == 409
    assert fresh.get(path).status == 200
    assert fresh.post(f"{path}/overturn", {"reason": "It was an invoice."}).status == 200
    session.refresh(organisation)
    assert organisation.trust is Trust.VERIFIED


def test_nobody_decides_about_where_they_work(session, browse, three):
    organisation, *_ = three
    complaint = opened(session, three)
    sanction = propose(session, three, Measure.SUSPEND, "breach")
    insider = make_person(session, "Insider", staff=StaffRole.ADMINISTRATOR)
    employ(session, organisation, insider)
    reviewer = browse(make_person(session, "Reviewer", staff=StaffRole.REVIEWER))
    client = browse(insider)
    paths = (
        f"/staff/organisations/{organisation.id}/conduct",
        f"/staff/conduct/complaints/{complaint.id}",
        f"/staff/conduct/sanctions/{sanction.id}",
    )
    assert [client.get(path).status for path in paths] == [404] * 3
    assert [reviewer.get(path).status for path in (*paths, "/staff/conduct")] == [403] * 4
    reason = {"reason": "Because I work there."}
    assert client.post(f"{paths[1]}/dismiss", reason).status == 404
    assert client.post(f"{paths[2]}/confirm", reason).status == 404
    assert client.get("/staff/conduct").tree.xpath("//main//tbody/tr") == []
