"""What is held is said, given out and erased by one table of data; the record and the certificates hold."""

import io
import json
import zipfile
from datetime import timedelta

import pytest
from sqlmodel import SQLModel, col, select

from casebook.briefs.models import Brief
from certification.credentials.actions import award_certificate
from certification.credentials.keyring import ensure_keys
from certification.credentials.models import Credential
from certification.credentials.rules import CredentialStatus
from certification.exams.models import Exam, Sitting
from portal import clock, i18n
from portal.accounts.actions import sign_in
from portal.accounts.models import LoginSession, Person
from portal.accounts.rules import StaffRole
from portal.app import put_together
from portal.desk.parts import CONTRIBUTIONS
from portal.files.models import FileAccess, StoredFile
from portal.history.actions import record, seal
from portal.history.chain import End, first_fault
from portal.history.models import History
from portal.history.queries import chain, end_of_chain
from portal.jobs import drop_jobs
from portal.ledger.models import Fact
from portal.mail.models import Mail
from portal.organisations.actions import invite
from portal.organisations.models import Employment
from portal.organisations.rules import EmploymentStatus, Role, Trust
from portal.people import actions as people
from portal.people.forms import EditPage
from portal.people.models import Attribution, CodeScan, Consent, PersonCode, PersonPage
from portal.people.rules import Use
from portal.privacy import actions, jobs
from portal.privacy.models import Erasure, PersonExport
from portal.privacy.queries import table_of, theirs
from portal.privacy.rules import BASES, FATES, KEPT, SEEN_BY, WAIT, Basis, Fate, Lasts, Seen
from tests.factories import employ, make_organisation, make_person
from tests.hostile_files import png

NAME, ADDRESS = "林知夏的全名", "to-be-erased@tangli.example"


@pytest.fixture(autouse=True)
def together():
    put_together()
    ensure_keys(clock.now())


# ——— The table of data is complete ———


def persons_of(table) -> set[str]:
    return {key.parent.name for key in table.foreign_keys if key.column.table.name == "person"}


def keys_of(table) -> set[str]:
    return {key.parent.name for key in table.foreign_keys} | {"id"}


def test_every_table_that_names_a_person_has_its_area_and_every_column_its_words():
    areas = {area.table: area for area in CONTRIBUTIONS.personal}
    assert len(areas) == len(CONTRIBUTIONS.personal), "a table twice"
    wrong = []
    for name, table in SQLModel.metadata.tables.items():
        named = persons_of(table)
        if named and name not in areas:
            wrong.append(f"{name}: no area")
        if name not in areas:
            continue
        area, columns = areas[name], set(table.columns.keys())
        said = {area.owner} if area.owner and area.owner != "id" else set()
        if {*said, *area.actors} != named:
            wrong.append(f"{name}: names {named}, the area {said} and {area.actors}")
        if missing := columns - area.columns - keys_of(table):
            wrong.append(f"{name}: {missing} without words")
        if unknown := (area.columns | area.secret | set(area.empty)) - columns:
            wrong.append(f"{name}: no {unknown}")
    assert wrong == []
    assert set(areas) - set(SQLModel.metadata.tables) == set()


def test_every_area_says_what_an_erasure_does():
    for area in CONTRIBUTIONS.personal:
        if area.fate is not Fate.REMOVE:
            assert area.why, f"{area.table} is kept without a reason"
        if area.fate is Fate.EMPTY and area.table != "person":
            assert area.empty, area.table
        if area.fate is not Fate.KEEP:
            assert area.owner or area.through or area.address, area.table
        if area.through:
            assert area.through[1] in {a.table for a in CONTRIBUTIONS.personal}


def test_children_are_erased_before_those_that_they_name():
    order = [area.table for area in CONTRIBUTIONS.personal]
    for area in CONTRIBUTIONS.personal:
        if area.through:
            assert order.index(area.table) < order.index(area.through[1])
    assert order[-1] == "person"


def test_every_word_of_the_catalogue_has_its_chinese():
    chinese = i18n.catalogue()
    for area in CONTRIBUTIONS.personal:
        for words in (area.name, area.purpose, *filter(None, [area.why]), *area.holds.values()):
            assert words in chinese, f"{area.table}: {words}"
    for kinds, words in ((Basis, BASES), (Seen, SEEN_BY), (Lasts, KEPT), (Fate, FATES)):
        assert set(kinds) == set(words)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_everybody_reads_what_is_held(browse, language):
    page = browse(language=language).get("/privacy")
    assert page.status == 200
    with i18n.speaking(language):
        names = [i18n.gettext(area.name) for area in CONTRIBUTIONS.personal[::-1]]
    assert [h.text_content() for h in page.tree.xpath("//main//h2")] == names


# ——— Somebody with something everywhere ———


@pytest.fixture
def somebody(session):
    """Works for an organisation, has a certificate, a page with everything, a code with a scan, a brief that names them."""
    now = clock.now()
    person = make_person(session, NAME, email=ADDRESS)
    organisation = make_organisation(session, "Tangli")
    employ(session, organisation, person, role=Role.DELIVERY)
    award_certificate(session, person.id, "P1", source=("test", 1), by=None, now=now)
    page = people.page_for(session, person.id)
    entry = EditPage.model_validate(
        {"headline": NAME, "about": NAME, "nickname": NAME, "does": NAME}, context={"languages": []}
    )
    people.save_page(session, page, entry, by=person.id, now=now)
    people.set_photo(session, page, "me.png", png(), by=person.id, now=now)
    people.publish(session, person.id, {Use.FULL_NAME, Use.ABOUT, Use.PHOTO}, by=person.id, now=now)
    code = people.make_code(session, person.id, NAME, by=person.id, now=now)
    scan = people.note_scan(session, code, "visitor", now=now)
    session.add(
        Attribution(
            kind="registration",
            subject_id=organisation.id,
            code_id=code.id,
            organisation_id=scan.organisation_id,
            at=now,
        )
    )
    owner = make_person(session, "Buyer")
    session.add(
        Brief(
            number="B-2026-0001",
            organisation_id=make_organisation(session, "Maitian", owner=owner).id,
            once="x" * 32,
            need="their own need",
            contact_name=NAME,
            contact_phone="13800138000",
            contact_email=ADDRESS,
            created_at=now,
            created_by=owner.id,
        )
    )
    invite(
        session,
        make_organisation(session, "Other", owner=make_person(session, "Boss")),
        ADDRESS,
        {Role.LEARNER: None},
        language="zh",
        by=owner,
        now=now,
    )
    session.flush()
    seal(session)
    session.commit()
    drop_jobs(session)
    return person


def exported(client, session, person) -> zipfile.ZipFile:
    [export] = session.exec(select(PersonExport).where(PersonExport.person_id == person.id))
    answer = client.client.get(f"/my/privacy/export/{export.id}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/zip")
    return zipfile.ZipFile(io.BytesIO(answer.content))


# ——— A copy ———


def test_a_copy_holds_all_that_is_theirs_and_nothing_that_opens_a_door(browse, session, somebody):
    me = browse(somebody)
    page = me.post("/my/privacy/export")
    assert page.said == "Your data are being put together. A mail tells you when the file is ready."
    me.post("/my/privacy/export")  # a second click
    [export] = session.exec(select(PersonExport))
    jobs.export_data.fn(export.id)
    jobs.export_data.fn(export.id)  # safe to run twice
    session.expire_all()
    archive = exported(me, session, somebody)
    tables = {area.table for area in CONTRIBUTIONS.personal}
    files = {name for name in archive.namelist() if name.startswith("files/")}
    assert set(archive.namelist()) - files == {f"{table}.json" for table in tables}
    assert [archive.read(name) for name in files] == [png()]
    held = {table: json.loads(archive.read(f"{table}.json")) for table in tables}
    assert (held["person"][0]["name"], held["person"][0]["email"]) == (NAME, ADDRESS)
    assert "password_hash" not in held["person"][0]
    assert [row["use"] for row in held["consent"]] == ["about", "full_name", "page", "photo"]
    assert len(held["code_scan"]) == len(held["credential"]) == len(held["person_page"]) == 1
    assert held["brief"] == [
        {
            "id": held["brief"][0]["id"],
            "contact_name": NAME,
            "contact_phone": "13800138000",
            "contact_email": ADDRESS,
        }
    ], "not what the brand needs"
    assert all("token_hash" not in row for row in held["login_session"])
    assert len(held["mail"]) > 0
    assert all("text" not in row for row in held["mail"])
    accesses = session.exec(select(FileAccess).where(FileAccess.person_id == somebody.id)).all()
    assert len(accesses) == 1
    verbs = [h.verb for h in session.exec(select(History).where(History.actor_id == somebody.id))]
    assert verbs.count("own data downloaded") == 1


def test_a_copy_is_for_its_person_and_for_seven_days(browse, session, somebody):
    me = browse(somebody)
    me.post("/my/privacy/export")
    [export] = session.exec(select(PersonExport))
    session.commit()
    now = clock.now()
    actions.make_export(session, export.id, now=now)
    session.commit()
    stranger = browse(make_person(session, "Stranger"))
    assert stranger.get(f"/my/privacy/export/{export.id}").status == 404
    assert me.client.get(f"/my/privacy/export/{export.id}").status_code == 200
    actions.remove_exports(session, now=now + timedelta(days=6))
    assert session.get(PersonExport, export.id).file_id is not None
    actions.remove_exports(session, now=now + timedelta(days=7))
    session.commit()
    assert session.get(PersonExport, export.id).file_id is None
    assert me.get(f"/my/privacy/export/{export.id}").status == 404
    assert [f.name for f in session.exec(select(StoredFile))] == ["me.png"]


# ——— Erasure ———


def ask(browse, person, **fields):
    return browse(person).post("/my/privacy/erase", {"understood": "yes", **fields})


def carry_out(session, person, *, days=8):
    [erasure] = session.exec(select(Erasure).where(col(Erasure.withdrawn_at).is_(None)))
    done = actions.carry_out(session, erasure.id, now=clock.now() + timedelta(days=days))
    session.flush()
    seal(session)
    session.commit()
    session.expire_all()
    return done


def everything(session) -> str:
    """All that the database holds, as text."""
    out = []
    for table in SQLModel.metadata.tables.values():
        for row in session.execute(table.select()):
            out.append(json.dumps([str(value) for value in row], ensure_ascii=False))
            out.append(" ".join(json.dumps(v, ensure_ascii=False) for v in row if isinstance(v, dict | list)))
    return "\n".join(out)


def test_an_erasure_leaves_neither_name_nor_address_anywhere(browse, session, somebody):
    person_id = somebody.id
    uuid = somebody.uuid
    page = ask(browse, somebody)
    assert page.said == "Asked for. You can take it back until the day on which it happens."
    [mail] = session.exec(select(Mail).where(col(Mail.subject).startswith("Your account will be erased")))
    assert mail.to_address == ADDRESS
    assert (NAME in everything(session), ADDRESS in everything(session)) == (True, True)
    assert carry_out(session, somebody)
    left = everything(session)
    assert (NAME in left, ADDRESS in left) == (False, False)
    person = session.get(Person, person_id)
    assert (person.name, person.uuid, person.email.endswith("@erased.invalid")) == (i18n.ERASED, uuid, True)
    for table in (PersonPage, Consent, PersonCode, CodeScan, LoginSession):
        assert session.exec(select(table)).first() is None, table
    [employment] = session.exec(select(Employment).where(Employment.person_id == person_id))
    assert (employment.status, employment.email) == (EmploymentStatus.ENDED, "")
    [attribution] = session.exec(select(Attribution))
    assert (attribution.code_id, attribution.organisation_id) == (None, employment.organisation_id)
    assert session.exec(select(Fact).where(Fact.person_id == person_id)).first() is not None
    [erasure] = session.exec(select(Erasure))
    assert erasure.done_at is not None
    assert min(erasure.areas.values()) > 0
    assert not carry_out(session, somebody), "once"


def test_the_record_still_verifies(browse, session, somebody):
    record(
        session,
        "person invited",
        "employment",
        1,
        by=None,
        now=clock.now(),
        personal={"email": ADDRESS},
    )
    record(
        session,
        "person invited",
        "employment",
        1,
        by=None,
        now=clock.now(),
        personal={"email": "other@x.example"},
    )
    seal(session)
    session.commit()
    ask(browse, somebody)
    assert carry_out(session, somebody)
    end = end_of_chain(session)
    assert first_fault(chain(session), End(end.seq, end.hash)) is None
    kept = [h.personal for h in session.exec(select(History)) if h.personal]
    assert {"email": "other@x.example"} in kept, "nobody else's"
    verbs = [
        h.verb
        for h in session.exec(
            select(History).where(History.subject_kind == "person").order_by(col(History.id))
        )
    ]
    assert verbs[-1] == "account erased"


@pytest.mark.parametrize("revoke", [False, True])
def test_certificates_stay_unless_they_are_to_be_revoked(browse, session, somebody, revoke):
    [before] = session.exec(select(Credential))
    signed, uuid = before.signed, before.uuid
    ask(browse, somebody, **({"revoke": "yes"} if revoke else {}))
    assert carry_out(session, somebody)
    [after] = session.exec(select(Credential))
    assert after.signed == signed
    assert after.status is (CredentialStatus.REVOKED if revoke else CredentialStatus.ACTIVE)
    page = browse().get(f"/credentials/{uuid}")
    assert page.status == 200
    assert page.tree.find_class("holder")[0].text_content().strip() == "erased user"
    page = browse(language="zh").get(f"/credentials/{uuid}")
    assert page.tree.find_class("holder")[0].text_content().strip() == "已注销用户"


def test_nobody_signs_in_any_more(browse, session, somebody):
    me = browse(somebody)
    me.post("/my/privacy/erase", {"understood": "yes"})
    assert me.get("/my/privacy").url == "/my/privacy"
    assert carry_out(session, somebody)
    assert me.get("/my/privacy").url == "/sign-in"
    assert not sign_in(session, ADDRESS, "whatever-it-was", browser="", now=clock.now())


def test_it_waits_seven_days_and_can_be_taken_back(browse, session, somebody):
    ask(browse, somebody)
    assert not carry_out(session, somebody, days=WAIT.days - 1)
    me = browse(somebody)
    assert ask(browse, somebody).status == 409  # a second click
    page = me.post("/my/privacy/erase/back")
    assert page.said == "Taken back. Everything stays as it was."
    assert me.post("/my/privacy/erase/back").status == 409
    [erasure] = session.exec(select(Erasure))
    assert not actions.carry_out(session, erasure.id, now=clock.now() + timedelta(days=30))
    assert session.get(Person, somebody.id).name == NAME
    assert ask(browse, somebody).status == 200  # again


def test_one_must_have_read_it(browse, session, somebody):
    page = browse(somebody).post("/my/privacy/erase", {})
    assert (page.status, page.errors) == (422, ["Please tick that you have read what happens."])
    assert session.exec(select(Erasure)).first() is None


def make_only_owner(session, person):
    make_organisation(session, "Alone", owner=person)


def make_staff(session, person):
    from portal.accounts.models import StaffAppointment

    session.add(StaffAppointment(person_id=person.id, role=StaffRole.REVIEWER, since=clock.now()))


def make_sitting(session, person):
    from certification.banks.models import Bank

    bank = Bank(code="b", title={})
    session.add(bank)
    session.flush()
    exam = Exam(code="e", bank_id=bank.id, title={}, blueprint={}, minutes=10, pass_marks=1)
    session.add(exam)
    session.flush()
    now = clock.now()
    ends = now + timedelta(days=20)
    session.add(
        Sitting(
            token="t",
            person_id=person.id,
            exam_id=exam.id,
            seed="s",
            paper=[],
            pass_marks=1,
            started_at=now,
            ends_at=ends,
        )
    )


@pytest.mark.parametrize(
    ("first", "sentence"),
    [
        (make_only_owner, "You are the only owner of Alone."),
        (make_staff, "You hold a role on the platform."),
        (make_sitting, "You are sitting an exam."),
    ],
)
def test_what_must_be_done_first_is_said(browse, session, first, sentence):
    person = make_person(session, "Lin")
    first(session, person)
    session.flush()
    me = browse(person)
    page = me.get("/my/privacy")
    assert (sentence in page.text, "/my/privacy/erase" in page.response.text) == (True, False)
    page = me.post("/my/privacy/erase", {"understood": "yes"})
    assert (page.status, sentence in page.text) == (409, True)
    assert session.exec(select(Erasure)).first() is None


def test_an_owner_of_a_closed_organisation_may_go(browse, session):
    person = make_person(session, "Lin")
    make_organisation(session, "Closed", owner=person, trust=Trust.CLOSED)
    assert ask(browse, person).status == 200


def test_it_waits_when_something_comes_between(browse, session, somebody):
    ask(browse, somebody)
    make_staff(session, somebody)
    session.commit()
    assert not carry_out(session, somebody)
    assert session.get(Person, somebody.id).name == NAME


def test_the_preview_counts_what_an_erasure_does(browse, session, somebody):
    page = browse(somebody).get("/my/privacy")
    rows = {
        tr.xpath("./th")[0].text_content(): int(tr.xpath("./td")[0].text_content())
        for tr in page.tree.xpath("//table//tbody/tr")
    }
    assert {name: rows.get(name) for name in ("Consents", "Your codes", "Certificates", "Your page")} == {
        "Consents": 4,
        "Your codes": 1,
        "Certificates": 1,
        "Your page": 1,
    }
    areas = {area.table: area for area in CONTRIBUTIONS.personal}
    assert theirs(areas["consent"], somebody, areas) is not None
    assert table_of(areas["consent"]).name == "consent"


def test_staff_see_that_it_was_done_and_not_who(browse, session, somebody):
    ask(browse, somebody)
    assert carry_out(session, somebody)
    office = make_person(session, "Office", staff=StaffRole.ADMINISTRATOR)
    page = staff_page(browse, session, office)
    assert len(page.tree.xpath("//tbody/tr")) == 1
    assert (NAME in page.response.text, ADDRESS in page.response.text) == (False, False)
    assert browse(make_person(session, "Stranger")).get("/staff/erasures").status == 404


def staff_page(browse, session, person):
    client = browse(person)
    for row in session.exec(select(LoginSession).where(LoginSession.person_id == person.id)):
        row.second_factor_at = clock.now()
    session.commit()
    return client.get("/staff/erasures")


def test_the_sweep_finds_what_a_crash_left(browse, session, sessions, somebody, monkeypatch):
    ask(browse, somebody)
    browse(somebody).post("/my/privacy/export")
    sent = []
    monkeypatch.setattr(jobs.export_data, "send", lambda i: sent.append(("export", i)))
    monkeypatch.setattr(jobs.erase_person, "send", lambda i: sent.append(("erase", i)))
    jobs.sweep_privacy()
    assert [kind for kind, _ in sent] == ["export"]
    [erasure] = session.exec(select(Erasure))
    erasure.due_at = clock.now() - timedelta(minutes=1)
    session.commit()
    jobs.sweep_privacy()
    assert [kind for kind, _ in sent] == ["export", "export", "erase"]
    jobs.erase_person.fn(erasure.id)
    session.expire_all()
    assert session.get(Person, somebody.id).name == i18n.ERASED


def test_a_browser_left_open_neither_erases_nor_copies(browse, session):
    person = make_person(session)
    client = browse(person)
    for login in session.exec(select(LoginSession).where(LoginSession.person_id == person.id)):
        login.created_at = clock.now() - timedelta(hours=2)
    session.commit()
    for path in ("/my/privacy/erase", "/my/privacy/export"):
        page = client.post(path, {"understood": "yes"})
        assert (page.status, "sign out and in again" in page.text) == (409, True)
    assert client.get("/my/privacy/export/1").status == 409


def test_bytes_in_a_row_can_be_read_back_from_the_copy():
    assert actions._plain(b"\xffPK") == "/1BL"
