"""Every route has a guard, and whoever walks through all of them meets neither a crash nor somebody else's data."""

import re
from collections.abc import Callable, Iterator

import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.testing import TestClient
from sqlalchemy import Connection
from sqlalchemy.orm import sessionmaker
from sqlmodel import Session, col, func, select

from casebook.awards.models import Nomination, Objection
from casebook.awards.rules import Status as NominationStatus
from casebook.briefs.models import Brief, Introduction
from casebook.cases.models import Case, Evidence, Outcome
from casebook.cases.rules import Status as CaseStatus
from certification.authoring.models import BankUpload
from certification.banks.models import Question
from certification.benefits.models import BenefitGrant, BenefitUse
from certification.conduct.models import Complaint, Sanction
from certification.credentials.models import Credential
from certification.exams.models import Accommodation, Sitting
from certification.integrity.models import IntegrityFile
from certification.marking.models import Mark
from certification.papers.models import PaperForm
from certification.sandbox.models import ProgrammeDraft
from certification.standards.models import Standard
from certification.standing.models import Application
from portal import clock
from portal.accounts import actions as accounts
from portal.accounts.models import Person, StaffAppointment
from portal.accounts.rules import StaffRole
from portal.app import create_app
from portal.db import Sessions, make_sessions
from portal.departures.models import Departure, Handover
from portal.domains.models import OrganisationDomain
from portal.files.models import StoredFile
from portal.group.models import OrganisationLink
from portal.leaving.models import OrganisationExport
from portal.mergers.models import Merger
from portal.notices.models import Notice
from portal.organisations.models import Employment, Organisation
from portal.organisations.queries import owners_of
from portal.organisations.rules import Kind
from portal.people.models import PersonCode, PersonPage
from portal.people.queries import uses_of
from portal.people.rules import Use
from portal.privacy.models import PersonExport
from portal.programme.models import ProgrammeVersion
from portal.review.models import Submission
from portal.verification.models import Verification, VerificationAnswer
from portal.web.forms import Input
from portal.web.viewer import brand_member, in_organisation, provider_member, public, staff
from tests.factories import make_organisation, make_person
from tests.house.databases import told
from tests.pages import Browse, Page
from training.cohorts.models import Cohort, CohortApplication
from training.lessons.models import LessonVersion
from training.live.models import LiveSession
from training.maturity.models import MaturityEvidence, MaturityProof
from training.packages.models import CoursePackage
from training.tasks.models import Assignment, Task

SECRET = "nobody-else-may-read-this"
NOWHERE = "A" * 43


@pytest.fixture(scope="module")
def app() -> Litestar:
    return create_app(make_sessions(told()), with_workers=False)


def routes(app: Litestar) -> list[tuple[str, str, HTTPRouteHandler]]:
    """(method, path, handler) of everything that is ours to answer."""
    return [
        (method, route.path, handler)
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        for method in sorted(handler.http_methods)
        if method in ("GET", "POST")
    ]


def subclasses(kind: type) -> set[type]:
    return {kind, *(below for one in kind.__subclasses__() for below in subclasses(one))}


def guards_of(handler: HTTPRouteHandler) -> list[Callable]:
    return [guard for layer in handler.ownership_layers for guard in (layer.guards or [])]


def test_every_route_has_a_guard_or_says_that_it_is_public(app):
    open_doors = [
        f"{method} {path}"
        for method, path, handler in routes(app)
        if not guards_of(handler) and not handler.opt.get("public")
    ]
    assert open_doors == []


def test_guards_stand_on_routers(app):
    assert [path for _, path, handler in routes(app) if handler.guards] == []


def test_what_is_mine_or_the_staffs_is_never_public(app):
    wrong = [
        path
        for _, path, handler in routes(app)
        if path.startswith(("/my", "/staff")) and public in guards_of(handler)
    ]
    wrong += [
        path
        for _, path, handler in routes(app)
        if path.startswith("/staff") and staff not in guards_of(handler)
    ]
    assert wrong == []


# ——— The walk ———


@pytest.fixture(scope="module")
def connection(app) -> Iterator[Connection]:
    """The told story with secrets in it; all is rolled back."""
    with told().connect() as connection:
        outer = connection.begin()
        with sessions_on(connection)() as session:
            hide_secrets(session)
            session.commit()
        yield connection
        outer.rollback()


@pytest.fixture
def session(app, connection) -> Iterator[Session]:
    """What a walk changes is gone after it."""
    nested = connection.begin_nested()
    before, app.state.sessions = app.state.sessions, sessions_on(connection)
    with app.state.sessions() as session:
        yield session
    app.state.sessions = before
    nested.rollback()


def sessions_on(connection: Connection) -> Sessions:
    return sessionmaker(
        bind=connection, class_=Session, expire_on_commit=False, join_transaction_mode="create_savepoint"
    )


def hide_secrets(session: Session) -> None:  # noqa: PLR0912  one loop a table
    """Into everything that has an owner and no public."""
    for brief in session.exec(select(Brief)):
        brief.title, brief.need, brief.reason, brief.outcome = SECRET, SECRET * 3, SECRET, SECRET
        brief.contact_name = brief.contact_phone = SECRET
        brief.contact_email = f"{SECRET}@brand.example"
    for introduction in session.exec(select(Introduction)):
        introduction.note = introduction.contact_name = introduction.contact_phone = SECRET
        introduction.contact_email = f"{SECRET}@provider.example"
    for case in session.exec(select(Case).where(col(Case.status) != CaseStatus.PUBLISHED)):
        case.title = case.client_name = case.client_alias = case.done = case.failed_first = SECRET
    for case in session.exec(select(Case).where(~col(Case.client_named))):
        case.client_name = SECRET
    for outcome in session.exec(select(Outcome).where(Outcome.verdict == "disputed")):
        outcome.client_note = SECRET
    for verification in session.exec(select(Verification)):
        verification.representative = verification.note = SECRET
    for answer in session.exec(select(VerificationAnswer)):
        answer.text = SECRET
    for domain in session.exec(select(OrganisationDomain)):
        domain.token, domain.mailbox = SECRET, f"admin@{SECRET}.example"
    for departure in session.exec(select(Departure)):
        departure.client_name, departure.contact = SECRET, f"hr@{SECRET}.example"
    for line in session.exec(select(Handover)):
        line.title = SECRET
    for submission in session.exec(select(Submission)):
        submission.reason = SECRET
    for application in session.exec(select(Application)):
        application.statement = SECRET
    for version in session.exec(select(LessonVersion).where(col(LessonVersion.number).is_(None))):
        version.changed, version.reason = {"zh": SECRET, "en": SECRET}, SECRET
        version.zh, version.en, version.digest = version.zh + SECRET, version.en + SECRET, SECRET
    for task in session.exec(select(Task)):
        task.title = task.note = task.done_when = SECRET
    for assignment in session.exec(select(Assignment)):
        assignment.said = assignment.answer = SECRET
    for live in session.exec(select(LiveSession)):
        live.link = f"https://{SECRET}.example/room"
    for application in session.exec(select(CohortApplication)):
        application.motivation = application.reason = SECRET
    hidden = (NominationStatus.NOMINATED, NominationStatus.ELIGIBLE)
    for nomination in session.exec(select(Nomination).where(col(Nomination.status).in_(hidden))):
        nomination.statement = nomination.reason = SECRET
    for notice in session.exec(select(Notice)):
        notice.title = notice.text = SECRET
    for employment in session.exec(select(Employment)):
        employment.email = f"{SECRET}@people.example"
    for page in session.exec(select(PersonPage)):
        if Use.ABOUT not in uses_of(session, page.person_id):
            page.headline = page.about = page.does = SECRET
    for person in session.exec(select(Person)):
        person.email = f"{person.id}-{SECRET}@people.example"


@pytest.fixture(scope="module")
def values(app, connection) -> dict[str, list[object]]:
    """What stands in the places of a path: things that are there and somebody else's, and one that is nowhere."""
    with sessions_on(connection)() as session:

        def every(column: object, most: int = 2) -> list[object]:
            return list(session.exec(select(column).order_by(column).limit(most)))  # type: ignore[call-overload]

        def one_each(column: object, *kinds: object) -> list[object]:
            """One of every kind and state."""
            return list(session.exec(select(func.min(column)).group_by(*kinds)))  # type: ignore[call-overload]

        uuids = every(Credential.uuid, 1)
        return {
            "case_id": [*one_each(Case.id, Case.status), 999_999],
            "submission_id": [*one_each(Submission.id, Submission.subject_kind, Submission.status), 999_999],
            "organisation_id": [*one_each(Organisation.id, Organisation.kind), 999_999],
            "employment_id": [*every(Employment.id), *every(Departure.employment_id), 999_999],
            "kind": ["introduction", "zz"],
            "subject_id": [*every(Introduction.id), 999_999],
            "notice_id": [*every(Notice.id), 999_999],
            "/unsubscribe/{code": [NOWHERE, "1.notices-tip.x"],
            "answer_id": [*every(VerificationAnswer.id), 999_999],
            "task_id": [*every(Task.id), 999_999],
            "/staff/tasks/{task_id": [*every(Task.id, 9), 999_999],
            "assignment_id": [*every(Assignment.id), 999_999],
            "move": ["withdraw", "extend", "confirm", "send-back", "zz"],
            "/staff/marking/{answer_id": [*every(Mark.answer_id), 999_999],
            "bank_code": ["P1", "zz"],
            "question_id": [*one_each(Question.id, Question.kind, Question.status), 999_999],
            "version_id": [*one_each(LessonVersion.id, LessonVersion.status), 999_999],
            "live_id": [*one_each(LiveSession.id, LiveSession.status), 999_999],
            "/staff/live/{live_id:int}/{move": ["open", "cancel", "hold", "present", "absent", "zz"],
            "cohort_id": [*one_each(Cohort.id, Cohort.status), 999_999],
            "/staff/cohorts/{cohort_id:int}/{move": ["drop", "decline", "finish", "zz"],
            "award": ["case_of_the_year", "four_forces", "zz"],
            "/season/{code": ["S2025", "S2026", "zz"],
            "nomination_id": [*one_each(Nomination.id, Nomination.status, Nomination.award), 999_999],
            "/staff/awards/{nomination_id:int}/{move": ["accept", "refuse", "drop", "revoke", "zz"],
            "objection_id": [*every(Objection.id), 999_999],
            "step": ["shortlist", "propose", "confirm", "return", "zz"],
            "package_id": [*one_each(CoursePackage.id, CoursePackage.status), 999_999],
            "upload_id": [*every(BankUpload.id), 999_999],
            "file_id": [*every(StoredFile.id), 999_999],
            "sha256": ["nowhere"],
            "instrument": [*every(MaturityProof.instrument, 1), "five_rises", "zz"],
            "dimension": [*every(MaturityProof.dimension), "zz"],
            "piece_id": [*every(MaturityEvidence.id), 999_999],
            "row_id": [*every(Accommodation.id), 999_999],
            "code_id": [*every(PersonCode.id), 999_999],
            "export_id": [*every(PersonExport.id), 1],
            "ending": ["svg", "exe"],
            "/people/{slug": [*every(PersonPage.slug), "nowhere"],
            "/q/{code": [*every(PersonCode.code), "nowhere"],
            "domain_id": [*every(OrganisationDomain.id), 999_999],
            "merger_id": [*every(Merger.id), 999_999],
            "link_id": [*every(OrganisationLink.id), 999_999],
            "/my/export/{export_id": [*every(OrganisationExport.id), 999_999],
            "evidence_id": [*every(Evidence.id), 1],
            "introduction_id": [*one_each(Introduction.id, Introduction.status), 999_999],
            "passkey_id": [1, 999_999],
            "identity_id": [1, 999_999],
            "session_id": [999_999],
            "sitting_id": [*one_each(Sitting.id, Sitting.status), 999_999],
            "grant_id": [*every(BenefitGrant.id), 999_999],
            "booking_id": [*every(BenefitUse.id), 999_999],
            "complaint_id": [*one_each(Complaint.id, Complaint.status), 999_999],
            "sanction_id": [*one_each(Sanction.id, Sanction.status), 999_999],
            "integrity_id": [*one_each(IntegrityFile.id, IntegrityFile.status), 999_999],
            "form_id": [*every(PaperForm.id), 999_999],
            "standard_id": [*one_each(Standard.id, Standard.status), 999_999],
            "appointment_id": [*every(StaffAppointment.id), 999_999],
            "uuid": [*uuids, NOWHERE],
            "/language/{code": ["en", "zz"],
            "code": ["TRK-01", "P1", "PRACTICE", "zz"],
            "token": [NOWHERE],
            "slug": [*one_each(Organisation.slug, Organisation.kind, Organisation.trust), "nowhere"],
            "kid": ["nowhere"],
            "file_path": ["css/base.css", "../portal/settings.py", "nowhere"],
            "draft_id": [*every(ProgrammeDraft.id), 999_999],
            "rules_id": [*every(ProgrammeVersion.id, 1), 999_999],
            "/achievements/{name": ["P1-2026.5", "nowhere"],
            "name": [f"{uuid}{suffix}" for uuid in uuids for suffix in ("", ".json", ".jwt", ".svg", ".exe")],
            "/badges/{name": [*(f"{uuid}.svg" for uuid in uuids), "nowhere.svg"],
            "/cases/{number": [*one_each(Case.number, Case.status), "C-0000-0000"],
            "/status/{number": [1, 999_999],
            "/my/learning/{code:str}/{number": [1, 2, 99],
            "/staff/lessons/{code:str}/{number": [1, 2, 99],
            "number": [*one_each(Brief.number, Brief.status), "B-0000-0000"],
        }


def paths(values: dict[str, list[object]], template: str) -> list[str]:
    """The template filled in; places that belong together are filled together."""
    options = [
        (
            place,
            next((values[k] for k in values if k.endswith("/{" + place) and k in template), values[place]),
        )
        for place in re.findall(r"\{(\w+):\w+\}", template)
    ]
    filled = []
    for n in range(max((len(found) for _, found in options), default=1)):
        path = template
        for place, found in options:
            path = re.sub(rf"\{{{place}:\w+\}}", str(found[min(n, len(found) - 1)]), path)
        filled.append(path)
    return filled


LEAVING = ("/sign-out", "/my/account/sessions/end-all")


class Walker:
    """Somebody who opens every route of a method, with every filling; signing out comes last."""

    def __init__(
        self, app: Litestar, session: Session, values: dict[str, list[object]], client: TestClient
    ) -> None:
        self.app, self.session, self.values, self.client = app, session, values, client

    def sign_in(self, person: Person | None) -> None:
        self.client.cookies.clear()
        if person is not None:
            token = accounts.open_session(
                self.session, person, browser="test", now=clock.now(), second_factor=True
            )
            self.client.cookies.set("session", token)
        self.session.commit()

    def templates(self, method: str) -> list[tuple[str, HTTPRouteHandler]]:
        found = [(path, handler) for m, path, handler in routes(self.app) if m == method]
        return sorted(found, key=lambda pair: pair[0] in LEAVING)

    def walk(self, person: Person | None, method: str) -> Iterator[tuple[str, HTTPRouteHandler, Page]]:
        self.sign_in(person)
        browse = Browse(self.client, self.session)
        for template, handler in self.templates(method):
            for path in paths(self.values, template):
                self.client.cookies.delete("language")
                yield (
                    path,
                    handler,
                    browse.get(path, follow=False)
                    if method == "GET"
                    else browse.post(path, {"decision": "approve", "revision": "1"}, follow=False),
                )


@pytest.fixture
def walker(app, session, values) -> Iterator[Walker]:
    with TestClient(app) as client:
        client.headers["accept-language"] = "en"
        yield Walker(app, session, values, client)


def check(path: str, page: Page, allowed: tuple[int, ...], *, secrets: bool = True) -> None:
    assert page.status in allowed, f"{path}: {page.status}"
    if secrets:
        assert SECRET not in page.response.text, f"{path} shows what is not theirs"
        assert SECRET not in str(page.response.headers), path


METHODS = pytest.mark.parametrize("method", ["GET", "POST"])


@METHODS
def test_a_stranger_meets_the_door(walker, method):
    for path, handler, page in walker.walk(None, method):
        if public in guards_of(handler) or handler.opt.get("public"):
            check(path, page, (200, 303, 404, 410, 422))
        else:
            check(path, page, (303,))
            assert page.response.headers["location"].startswith("/sign-in?next="), path


@METHODS
def test_somebody_without_organisation_meets_the_door(walker, session, method):
    closed = {in_organisation, provider_member, brand_member, staff}
    for path, handler, page in walker.walk(make_person(session, "Nobody's"), method):
        check(path, page, (200, 303, 404, 409, 410, 422))
        if closed & set(guards_of(handler)):
            assert page.status == 404, path


@METHODS
@pytest.mark.parametrize("kind", [Kind.PROVIDER, Kind.BRAND])
def test_the_owner_of_another_organisation_reads_nothing(walker, session, kind, method):
    person = make_person(session, "Neighbour", email="neighbour@example.com")
    make_organisation(session, "Neighbour", kind=kind, owner=person)
    for path, handler, page in walker.walk(person, method):
        check(path, page, (200, 303, 404, 409, 410, 422))
        if staff in guards_of(handler):
            assert page.status == 404, path


@METHODS
@pytest.mark.parametrize("roles", [list(StaffRole), [StaffRole.PROGRAMME_MANAGER]], ids=["all", "programme"])
def test_nothing_breaks_for_staff(walker, session, roles, method):
    person = make_person(session, "Staff")
    session.add_all(StaffAppointment(person_id=person.id, role=role, since=clock.now()) for role in roles)
    for path, _, page in walker.walk(person, method):
        check(path, page, (200, 303, 403, 404, 409, 410, 422), secrets=False)


def test_the_secrets_are_where_their_owners_read_them(walker, session, values):
    """Or the walks above would prove nothing."""

    def reads(person: Person, path: str) -> bool:
        walker.sign_in(person)
        return SECRET in walker.client.get(path).text

    def owners_read(organisation_id: int, path: str) -> None:
        """A closed organisation may have no owner any more."""
        assert all(reads(owner, path) for owner in owners_of(session, organisation_id)), path

    for case in session.exec(select(Case).where(Case.status == CaseStatus.DRAFT)):
        owners_read(case.organisation_id, f"/my/cases/{case.id}")
    for brief in session.exec(select(Brief)):
        owners_read(brief.organisation_id, f"/my/briefs/{brief.number}")
    for introduction in session.exec(select(Introduction)):
        owners_read(introduction.organisation_id, f"/my/invitations/{introduction.id}")
    reviewer = make_person(session, "Staff", staff=StaffRole.REVIEWER)
    for submission in session.exec(select(Submission).where(col(Submission.subject_kind) != "case").limit(3)):
        assert reads(reviewer, f"/staff/review/{submission.id}")


def test_no_form_is_taken_without_its_token(walker, session, values):
    walker.sign_in(make_person(session, "Staff", staff=StaffRole.ADMINISTRATOR))
    for template, _ in walker.templates("POST"):
        path = paths(values, template)[0]
        answer = walker.client.post(path, data={"x": "y"}, follow_redirects=False)
        # What a mail program presses carries its own signature, and does nothing without.
        # Outside courses report on a host of their own; here there is no such address.
        elsewhere = {"/unsubscribe/": 410, "/content/": 404}
        status = next((code for start, code in elsewhere.items() if template.startswith(start)), 403)
        assert answer.status_code == status, path


# ——— Wild words ———


@pytest.fixture
def everybody(walker, session) -> Walker:
    """Signed in with a provider and every role, so that no door stands before the handlers."""
    person = make_person(session, "Staff")
    session.add_all(StaffAppointment(person_id=person.id, role=role, since=clock.now()) for role in StaffRole)
    make_organisation(session, "Odd", owner=person)
    walker.sign_in(person)
    return walker


@pytest.mark.parametrize("wild", ["9" * 20, "-1", "%00", "%ff", "%F0%9F%98%80", "a'b\"c", "x" * 3000])
def test_wild_words_in_an_address_are_not_there(everybody, wild):
    for template, _ in everybody.templates("GET"):
        if "{" in template and not template.startswith("/static"):
            path = re.sub(r"\{\w+:\w+\}", wild, template)
            answer = everybody.client.get(path, follow_redirects=False)
            assert answer.status_code in (303, 400, 404, 410), f"{path}: {answer.status_code}"


WILD = ["9" * 20, "-1", "a\0b", "1e400", "x" * 2000, "%", "nan"]  # all in one address the client can send
NAMES = sorted(
    {name for form in subclasses(Input) for name in form.model_fields} | {"q", "after", "page", "next"}
)


@METHODS
@pytest.mark.parametrize("first", [0, 2, 5])
def test_wild_words_in_a_query_or_a_form_break_nothing(everybody, values, method, first):
    client = everybody.client
    client.get("/sign-up")
    typed = {name: WILD[(first + n) % len(WILD)] for n, name in enumerate(NAMES)}
    for template, _ in everybody.templates(method):
        if template.startswith("/static") or template in LEAVING:
            continue
        path = paths(values, template)[0]
        if method == "GET":
            answer = client.get(path, params=typed, follow_redirects=False)
        else:
            fields = typed | {"_csrf_token": client.cookies["csrf"]}
            answer = client.post(path, data=fields, follow_redirects=False)
        assert answer.status_code < 500, f"{path}: {answer.status_code}"
