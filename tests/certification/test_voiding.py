"""Staff void a sitting: it counts for nothing, and what was earned by it is gone."""

from sqlmodel import Session, select

from certification.credentials.keyring import ensure_keys
from certification.credentials.models import Credential
from certification.exams import queries
from certification.exams.actions import hand_in, load_own_banks, places_of, save_answer, start_sitting
from certification.exams.models import Exam, Sitting
from certification.exams.queries import recent_sittings
from certification.exams.rules import SittingStatus, terms_of
from portal import clock
from portal.accounts.models import Person
from portal.accounts.rules import StaffRole
from portal.ledger.models import Fact
from portal.programme.queries import programme_at
from tests.factories import employ, make_organisation, make_person


def earned(session: Session) -> tuple[Person, Sitting]:
    """A person who passed P1, with every answer right."""
    now = clock.now()
    ensure_keys(now)
    programme = programme_at(session, now)
    load_own_banks(session, programme, now=now)
    person = make_person(session)
    exam = session.exec(select(Exam).where(Exam.code == "P1")).one()
    terms = terms_of(programme, "P1", exam.blueprint, exam.minutes, exam.pass_marks)
    sitting = start_sitting(session, exam, terms, by=person.id or 0, organisation_id=None, now=now)
    for n, place in enumerate(places_of(sitting), 1):
        key = queries.questions_with(session, [place.question])[place.question].key
        save_answer(session, sitting, n, place.shown(key), flagged=False, revision=1, now=now)
    hand_in(session, sitting, by=person.id or 0, now=now)
    return person, sitting


def test_a_void_sitting_takes_its_certificate_along(browse, session):
    person, sitting = earned(session)
    credential = session.exec(select(Credential).where(Credential.person_id == person.id)).one()
    reviewer = browse(make_person(session, "Reviewer", staff=StaffRole.ADMINISTRATOR))
    path = f"/staff/sittings/{sitting.id}/void"
    page = reviewer.post(path, {"reason": "no"})
    assert (page.status, page.errors) == (422, ["Please write at least 5 characters."])
    page = reviewer.post(path, {"reason": "Somebody else answered, and said so"})
    assert (page.url, page.said) == ("/staff/sittings", "Voided; the reason is in the record.")
    session.refresh(credential)
    assert (sitting.status, credential.status.value) == (SittingStatus.VOIDED, "revoked")
    fact = session.exec(
        select(Fact).where(Fact.source_kind == "credential", Fact.source_id == credential.id)
    ).one()
    assert fact.retraction_reason == "Somebody else answered, and said so"
    assert reviewer.post(path, {"reason": "a second click"}).status == 409


def test_nobody_voids_their_own_or_a_colleagues(browse, session):
    person, sitting = earned(session)
    path = f"/staff/sittings/{sitting.id}/void"
    assert browse(person).post(path, {"reason": "my own, please"}).status == 404
    colleague = make_person(session, "Colleague", staff=StaffRole.ADMINISTRATOR)
    organisation = make_organisation(session)
    employ(session, organisation, colleague)
    sitting.organisation_id = organisation.id
    session.flush()
    assert browse(colleague).post(path, {"reason": "for a friend"}).status == 404
    assert browse(colleague).get("/staff/sittings").status == 200
    assert sitting.status is SittingStatus.MARKED


def test_the_list_names_person_exam_and_state(session):
    person, _ = earned(session)
    assert [(r.person, r.exam, r.status) for r in recent_sittings(session)] == [(person.name, "P1", "marked")]
