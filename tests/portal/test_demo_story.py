"""The demo shows every state that the tables of moves know, with logins that work, and stands still when swept."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection
from sqlalchemy.orm import sessionmaker
from sqlmodel import Session, col, func, select

from casebook.awards.models import Nomination
from casebook.awards.rules import Status as NominationStatus
from casebook.briefs.models import Brief, Introduction
from casebook.briefs.rules import BriefStatus, IntroductionStatus
from casebook.cases.models import Case
from casebook.cases.rules import Status as CaseStatus
from certification.banks.models import Question
from certification.banks.rules import QuestionStatus
from certification.benefits.models import BenefitUse
from certification.benefits.rules import Entry
from certification.conduct.models import Complaint, Sanction
from certification.conduct.rules import SanctionStatus
from certification.conduct.rules import Status as ComplaintStatus
from certification.credentials.models import Credential
from certification.credentials.rules import CredentialStatus
from certification.exams.models import Sitting
from certification.exams.rules import SittingStatus
from certification.sandbox.models import ProgrammeDraft
from certification.sandbox.rules import DraftStatus
from certification.standing import jobs
from certification.standing.actions import tree_of
from certification.standing.models import Level
from certification.standing.rules import PUBLIC, Family, LevelStatus
from demo.cast import BRANDS, LOGINS, PASSWORD, PROVIDERS
from demo.welcome import welcome
from portal import clock
from portal.accounts.actions import hasher
from portal.accounts.models import Person, StaffAppointment
from portal.accounts.queries import has_demo_people
from portal.accounts.rules import StaffRole
from portal.app import put_together
from portal.history.models import History
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.mail.models import Mail
from portal.organisations.models import Employment, Organisation
from portal.organisations.rules import EmploymentStatus, Ending, Trust
from portal.programme.queries import programme_at
from portal.review.models import Submission
from portal.review.rules import Status
from portal.worker import sweep
from tests.house.databases import in_force, told
from training.cohorts.models import Cohort, CohortApplication
from training.cohorts.rules import Applied
from training.cohorts.rules import Status as CohortStatus
from training.lessons.models import LessonVersion
from training.lessons.rules import Status as LessonStatus
from training.live.models import LiveSeat, LiveSession
from training.live.rules import SeatStatus
from training.live.rules import Status as LiveStatus
from training.maturity.home import picture
from training.maturity.models import Assessment, MaturityProof
from training.maturity.questions import Instrument
from training.maturity.rules import ProofStatus
from training.tasks.models import Assignment, Task
from training.tasks.rules import Status as AssignmentStatus
from training.tasks.rules import TaskKind

# Table of moves → (column, states, those that nothing in the demo shows).
TABLES = {
    "trust": (Organisation.trust, Trust, set()),
    "submission": (Submission.status, Status, set()),
    "level": (Level.status, LevelStatus, set()),
    "family": (Level.family, Family, set()),
    "sitting": (Sitting.status, SittingStatus, {"timed_out"}),  # marked in the same transaction
    "question": (Question.status, QuestionStatus, set()),
    "case": (Case.status, CaseStatus, set()),
    "brief": (Brief.status, BriefStatus, set()),
    "introduction": (Introduction.status, IntroductionStatus, set()),
    "employment": (Employment.status, EmploymentStatus, set()),
    "ending": (Employment.ending, Ending, set()),
    "credential": (Credential.status, CredentialStatus, set()),
    "benefit": (BenefitUse.entry, Entry, {"raised", "cancelled", "returned"}),
    "complaint": (Complaint.status, ComplaintStatus, set()),
    "sanction": (Sanction.status, SanctionStatus, {"withdrawn", "appealed", "overturned"}),
    "assignment": (Assignment.status, AssignmentStatus, set()),
    "task": (Task.kind, TaskKind, set()),
    "lesson version": (LessonVersion.status, LessonStatus, {"withdrawn"}),
    "evidence": (
        MaturityProof.status,
        ProofStatus,
        {"draft", "asked", "refused", "withdrawn"},
    ),  # one provider's
    "live": (LiveSession.status, LiveStatus, set()),
    "seat": (LiveSeat.status, SeatStatus, {"withdrawn"}),  # of interest to nobody else
    "cohort": (Cohort.status, CohortStatus, {"finished"}),  # one is under way, one takes applications
    "fostered": (
        CohortApplication.status,
        Applied,
        {"applied", "declined", "withdrawn", "finished", "dropped"},
    ),
    "nomination": (
        Nomination.status,
        NominationStatus,
        {"refused", "withdrawn", "shortlisted", "dropped", "revoked"},  # one season is over, one collects
    ),
    "questionnaire": (Assessment.instrument, Instrument, {"four_forces"}),  # filled in by who wants to
    "draft of rules": (
        ProgrammeDraft.status,
        DraftStatus,
        {"draft", "published", "withdrawn"},
    ),  # one waits for a second person
    "staff": (StaffAppointment.role, StaffRole, set()),
}
# Who shows what: family, stars, status.
SHOWN = {
    "云栈数字": ("operator", 5, "active"),
    "棠梨运营": ("operator", 4, "at_risk"),
    "小满私域": ("operator", 3, "active"),
    "北岸代运营": ("operator", 4, "probation"),
    "码上通": ("isv", 4, "active"),
    "轻舟云": ("isv", 3, "active"),
    "千禾互动": ("operator", 3, "suspended"),
    "远帆集团": ("operator", 4, "active"),
    "远帆华南": ("operator", 3, "active"),
    "鹿鸣互动": ("operator", 3, "downgraded"),
    "潮生品牌": ("operator", 3, "expired"),
    "落星传媒": ("operator", 3, "revoked"),
}


@pytest.fixture(scope="module")
def connection():
    with told().connect() as connection:
        outer = connection.begin()
        yield connection
        outer.rollback()


@pytest.fixture
def factory(connection: Connection):
    nested = connection.begin_nested()
    yield sessionmaker(
        bind=connection, class_=Session, expire_on_commit=False, join_transaction_mode="create_savepoint"
    )
    nested.rollback()


@pytest.fixture
def story(factory):
    with factory() as session:
        yield session


@pytest.mark.parametrize("table", TABLES)
def test_every_state_is_shown_by_something(story, table):
    column, states, not_shown = TABLES[table]
    missing = set(states) - set(story.exec(select(column).distinct()))
    assert {state.value for state in missing} == {str(state) for state in not_shown}


def organisation(story: Session, name: str) -> Organisation:
    return story.exec(select(Organisation).where(Organisation.short_name == name)).one()


def level(story: Session, name: str) -> Level:
    return story.exec(select(Level).where(Level.organisation_id == organisation(story, name).id)).one()


@pytest.mark.parametrize("name", SHOWN)
def test_each_shows_its_thing(story, name):
    row = level(story, name)
    assert (row.family.value, row.stars, row.status.value) == SHOWN[name]


def test_the_clocks_of_the_demo(story):
    now = clock.now()
    assert (level(story, "棠梨运营").status_until - now) / timedelta(days=1) == pytest.approx(41, abs=0.1)
    [credit] = story.exec(select(Fact).where(Fact.kind == FactKind.CONTINUITY_CREDIT))
    assert (credit.organisation_id, credit.value["heads"]) == (organisation(story, "棠梨运营").id, 1)
    tree = tree_of(story, credit.organisation_id or 0, "operator", 4, now=now)
    assert [(m.key, m.value, m.gate) for m in tree.metrics if not m.met] == [("staff_senior", 1, 2)]
    new = organisation(story, "拾光科技")
    assert new.trust is Trust.PROVISIONAL
    assert (now - new.created_at) / timedelta(days=1) == pytest.approx(12, abs=0.1)
    assert organisation(story, "远帆华南").parent_id == organisation(story, "远帆集团").id


def test_the_measurements_of_the_demo(story):
    now = clock.now()
    tangli = organisation(story, "棠梨运营")
    seen = picture(story, tangli.id or 0, Instrument.SEVEN, programme_at(story, now), now)
    assert [(p.claimed, p.verified) for p in seen.history] == [(50.8, 5.0), (70.7, 8.6)]
    assert {key: proof.status.value for key, proof in seen.proofs.items()} == {
        "owner": "accepted",
        "marketing": "accepted",
        "training": "sent",
    }
    assert (seen.verified["owner"], seen.verified["marketing"]) == (35.0, 25.0)
    assert [key for key in seen.over if key in seen.judged] == ["marketing", "owner"]
    assert seen.on_the_spot is not None
    assert seen.on_the_spot.value == {"score": 64}
    assert not seen.due


def test_what_is_in_good_standing_meets_its_criteria_and_nothing_else_does(story):
    now = clock.now()
    for row in story.exec(select(Level).where(col(Level.status).in_(PUBLIC))):
        tree = tree_of(story, row.organisation_id, row.family, row.stars, now=now)
        failing = [m.key for m in tree.metrics if not m.met] + [g.key for g in tree.gates if not g.met]
        assert tree.met == (row.status is LevelStatus.ACTIVE), (row.organisation_id, failing, tree.score)


def test_everybody_is_there(story):
    names = set(story.exec(select(Organisation.legal_name)))
    assert names == {cast.legal for cast in (*PROVIDERS, *BRANDS)}
    assert {o.is_demo for o in story.exec(select(Organisation))} == {True}


def test_the_logins_work_and_are_the_demos(story):
    people = {p.email: p for p in story.exec(select(Person))}
    assert has_demo_people(story)
    assert {p.is_demo for p in people.values()} == {True}
    for address, _ in LOGINS:
        assert hasher.verify(people[address].password_hash, PASSWORD)
        assert people[address].confirmed_at is not None


def test_nothing_happened_in_the_future_and_nothing_waits_to_be_sent(story):
    now = clock.now()
    assert story.exec(select(func.count()).select_from(History).where(History.at > now)).one() == 0
    assert story.exec(select(func.count()).select_from(Fact).where(Fact.recorded_at > now)).one() == 0
    assert story.exec(select(func.count()).select_from(Mail).where(col(Mail.sent_at).is_(None))).one() == 0


def test_the_welcome_names_each_login_and_a_credential_of_each_kind(factory, story):
    text = welcome(factory)
    assert [address for address, _ in LOGINS if address not in text] == []
    uuids = {c.uuid: c.holder.value for c in story.exec(select(Credential)) if c.uuid in text}
    assert sorted(uuids.values()) == ["organisation", "person"]


def test_a_sweep_right_after_changes_nothing(factory, story, monkeypatch):
    def everything() -> dict[str, list]:
        story.expire_all()
        return {
            "levels": sorted(
                (r.organisation_id, r.family, r.stars, r.status, r.revision)
                for r in story.exec(select(Level))
            ),
            "trust": sorted((r.id, r.trust, r.revision) for r in story.exec(select(Organisation))),
            "briefs": sorted((r.id, r.status, r.revision) for r in story.exec(select(Brief))),
            "introductions": sorted((r.id, r.status, r.revision) for r in story.exec(select(Introduction))),
            "credentials": sorted((r.id, r.status) for r in story.exec(select(Credential))),
            "history": [story.exec(select(func.count()).select_from(History)).one()],
        }

    put_together()
    monkeypatch.setattr(jobs, "_last", [])
    failed = []
    monkeypatch.setattr("portal.worker.log.exception", lambda *args: failed.append(args))
    before = everything()
    with in_force(factory):
        sweep()
        monkeypatch.setattr(jobs, "_last", [])
        sweep()
    assert failed == []
    after = everything()
    assert {k: (before[k], after[k]) for k in before if before[k] != after[k]} == {}
