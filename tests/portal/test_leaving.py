"""Export everything, leave, come back, and succeed who left long ago."""

import hashlib
import io
import json
import zipfile
from datetime import timedelta

import pytest
from sqlmodel import select

from casebook.briefs.models import Introduction
from casebook.briefs.rules import IntroductionStatus
from casebook.cases.models import Case
from certification.credentials import keyring
from certification.credentials.actions import award_certificate
from certification.credentials.models import Credential
from certification.standing.actions import grant_level
from certification.standing.models import Level
from certification.standing.rules import Family
from portal import clock
from portal.accounts.models import LoginSession
from portal.app import put_together
from portal.files import store
from portal.files.models import FileAccess, StoredFile
from portal.leaving import actions
from portal.leaving.actions import finish_export, leave, remove_export, succeed
from portal.leaving.jobs import make_export, sweep_exports
from portal.leaving.models import Leaving, OrganisationExport
from portal.leaving.rules import ExportStatus, same_name
from portal.ledger.models import Fact
from portal.ledger.queries import facts_of
from portal.organisations.actions import register
from portal.organisations.forms import Register
from portal.organisations.models import Employment, Organisation
from portal.organisations.rules import EmploymentStatus, Kind, Role, Trust
from portal.refusal import Refused
from portal.verification.queries import organisations_to_freeze
from tests.factories import employ, make_organisation, make_person
from tests.portal.test_mergers import introduce, make_brief, make_case

REASON = "We close this line of business"


@pytest.fixture(autouse=True)
def ready():
    put_together()
    keyring.ensure_keys(clock.now())


@pytest.fixture
def owner(session):
    return make_person(session, "Owner", email="owner@leaver.example")


@pytest.fixture
def organisation(session, owner):
    return make_organisation(session, "Leaver", owner=owner)


def export_of(session, organisation, owner) -> OrganisationExport:
    row = actions.ask_export(session, organisation, by=owner.id, now=clock.now())
    finish_export(session, row.id, now=clock.now())
    session.flush()
    return row


def unzip(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_export_is_the_database(browse, session, organisation, owner):
    colleague = make_person(session, "Colleague")
    employ(session, organisation, colleague, role=Role.DELIVERY)
    award_certificate(session, colleague.id, "P1", source=("sitting", 1), by=None, now=clock.now())
    case = make_case(session, organisation)
    other = make_organisation(session, "Other")
    make_case(session, other)
    page = browse(owner).post("/my/export")
    assert page.said == "It is being made. You get a mail once it is ready."
    row = session.exec(select(OrganisationExport)).one()
    make_export.fn(row.id)
    make_export.fn(row.id)  # a message that comes twice
    session.expire_all()
    assert (row.status, row.attempts) == (ExportStatus.READY, 1)
    response = browse(owner).client.get(f"/my/export/{row.id}")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/zip")
    files = unzip(response.content)
    manifest = {one["path"]: one for one in json.loads(files["manifest.json"])}
    assert set(manifest) == set(files) - {"manifest.json"}
    for path, one in manifest.items():
        assert (one["size"], one["sha256"]) == (len(files[path]), hashlib.sha256(files[path]).hexdigest())
    read = {
        name: json.loads(content)
        for name, content in files.items()
        if "/" not in name and name.endswith(".json")
    }
    assert read["organisation.json"]["credit_code"] == organisation.credit_code
    facts = session.exec(select(Fact.id).where(Fact.organisation_id == organisation.id)).all()
    assert sorted(one["id"] for one in read["facts.json"]) == sorted(facts)
    assert [one["number"] for one in read["cases.json"]] == [case.number]
    people = [(one["name"], [role["role"] for role in one["roles"]]) for one in read["people.json"]]
    assert people == [("Owner", ["owner"]), ("Colleague", ["delivery"])]
    credential = session.exec(select(Credential).where(Credential.person_id == colleague.id)).one()
    assert [one["number"] for one in read["certificates.json"]] == [credential.number]
    assert files[f"certificates/{credential.number}-{credential.id}.json"].decode() == credential.signed
    assert "token_hash" not in files["people.json"].decode()
    assert "## 中文" in files["README.md"].decode()
    opened = session.exec(select(FileAccess)).one()
    assert (opened.file_id, opened.person_id) == (row.file_id, owner.id)


def test_only_owners_of_it_read_an_export(browse, session, organisation, owner):
    row = export_of(session, organisation, owner)
    manager, stranger = make_person(session), make_person(session)
    employ(session, organisation, manager, role=Role.MANAGER)
    make_organisation(session, "Stranger", owner=stranger)
    path = f"/my/export/{row.id}"
    assert browse(manager).client.get(path).status_code == 403
    assert browse(stranger).client.get(path).status_code == 404
    assert browse(owner).client.get(path).status_code == 200


def test_one_export_at_a_time_and_gone_after_a_week(browse, session, organisation, owner):
    client = browse(owner)
    client.post("/my/export")
    assert client.post("/my/export").status == 409
    row = session.exec(select(OrganisationExport)).one()
    finish_export(session, row.id, now=clock.now())
    sha256 = session.get_one(StoredFile, row.file_id).sha256
    later = clock.now() + timedelta(days=8)
    remove_export(session, row.id, now=clock.now())
    assert row.status is ExportStatus.READY
    remove_export(session, row.id, now=later)
    assert row.status is ExportStatus.GONE
    with pytest.raises(Refused):
        store.get(sha256)
    session.flush()
    assert client.client.get(f"/my/export/{row.id}").status_code == 404


def test_what_a_crash_left_behind_is_made_by_the_sweep(session, organisation, owner):
    row = actions.ask_export(session, organisation, by=owner.id, now=clock.now())
    session.commit()
    sweep_exports()  # sends the job again; here it is run by hand
    row.attempts = 3
    session.commit()
    make_export.fn(row.id)
    session.expire_all()
    assert row.status is ExportStatus.FAILED


def test_leaving(browse, session, organisation, owner):
    colleague = make_person(session, "Colleague")
    employ(session, organisation, colleague)
    grant_level(session, organisation.id, Family.OPERATOR, 3, "good", by=None, now=clock.now())
    talk = introduce(
        session, make_brief(session, make_organisation(session, "Brand", kind=Kind.BRAND)), organisation
    )
    case = make_case(session, organisation)
    facts = {f.id for f in facts_of(session, organisation.id)}
    client = browse(owner)
    fields = {"reason": REASON, "typed_name": organisation.legal_name}
    assert client.post("/my/leave", fields).status == 409  # no export yet
    assert organisation.trust is Trust.VERIFIED
    export = export_of(session, organisation, owner)
    page = client.get("/my/leave")
    assert "People besides you, who are free to go and keep their certificates: 1" in page.text
    assert "Introductions that run: 1" in page.text
    page = client.post("/my/leave", fields | {"typed_name": "Somebody else"})
    assert (page.status, page.errors) == (
        422,
        ["This is not the legal name. Please type it as it is written above."],
    )
    page = client.post("/my/leave", fields)
    assert page.said == "Your organisation has left the programme. Thank you for having taken part."
    level = session.exec(select(Level)).one()
    own = session.exec(select(Credential).where(Credential.organisation_id == organisation.id)).one()
    assert (organisation.trust, level.status, own.status) == (Trust.CLOSED, "revoked", "revoked")
    assert session.get_one(Introduction, talk.id).status is IntroductionStatus.DECLINED
    working = session.exec(
        select(Employment.person_id).where(
            Employment.organisation_id == organisation.id, Employment.status == EmploymentStatus.CONFIRMED
        )
    ).all()
    assert working == [owner.id]
    assert session.get_one(Case, case.id).organisation_id == organisation.id
    assert facts <= {f.id for f in facts_of(session, organisation.id)}
    assert client.post("/my/leave", fields).status in (403, 409)
    assert client.client.get(f"/my/export/{export.id}").status_code == 200


def test_coming_back_within_the_days(browse, session, organisation, owner):
    export_of(session, organisation, owner)
    leave(session, organisation, REASON, by=owner.id, now=clock.now())
    client = browse(owner)
    assert "Your organisation has left the programme" in client.get("/my").text
    page = client.post("/my/return")
    assert page.said == "Welcome back. Have the organisation verified again to open the rest."
    assert organisation.trust is Trust.PROVISIONAL
    assert client.post("/my/return").status in (403, 409)
    # The days to verify count from here, not from the first registration.
    organisation.created_at = clock.now() - timedelta(days=400)
    session.flush()
    month = timedelta(days=30)
    assert organisations_to_freeze(session, clock.now() - month, only=organisation.id) == []
    assert organisations_to_freeze(session, clock.now() + timedelta(days=1), only=organisation.id) == [
        organisation.id
    ]


def test_not_back_after_the_days_nor_when_closed_by_staff(browse, session, organisation, owner):
    client = browse(owner)
    assert client.post("/my/return").status in (403, 409)  # never left
    organisation.trust = Trust.CLOSED
    session.flush()
    assert client.post("/my/return").status == 409  # closed by staff
    organisation.trust = Trust.VERIFIED
    export_of(session, organisation, owner)
    leave(session, organisation, REASON, by=owner.id, now=clock.now())
    session.exec(select(Leaving)).one().left_at = clock.now() - timedelta(days=90)
    session.flush()
    assert client.post("/my/return").status == 409
    assert client.get("/my/return").status == 404
    assert organisation.trust is Trust.CLOSED


def entry(code: str) -> Register:
    return Register(
        kind="provider",
        legal_name="Leaver again",
        short_name="Leaver",
        credit_code=code,
        directions=["operation"],
        industries=["pets"],
        capabilities=["community"],
        province="shanghai",
        city="上海",
    )


def test_a_successor_takes_the_history_over_once_verified(session, organisation, owner):
    code, now = organisation.credit_code, clock.now()
    case = make_case(session, organisation)
    export_of(session, organisation, owner)
    leave(session, organisation, REASON, by=owner.id, now=now)
    someone = make_person(session, "Someone")
    with pytest.raises(Refused):
        register(session, entry(code), by=someone.id, now=now + timedelta(days=89))
    later = now + timedelta(days=91)
    successor = register(session, entry(code), by=someone.id, now=later)
    assert (successor.credit_code, session.get_one(Organisation, organisation.id).credit_code[:4]) == (
        code,
        "LEFT",
    )
    assert session.get_one(Case, case.id).organisation_id == organisation.id  # not before it is verified
    successor.trust = Trust.VERIFIED
    succeed(session, successor.id, by=None, now=later)
    succeed(session, successor.id, by=None, now=later)
    assert session.get_one(Case, case.id).organisation_id == successor.id
    working = session.exec(
        select(Employment.person_id).where(
            Employment.organisation_id == successor.id, Employment.status == EmploymentStatus.CONFIRMED
        )
    ).all()
    assert working == [someone.id]  # who left does not come along as an owner
    assert session.exec(select(Leaving)).one().successor_id == successor.id


def test_the_name_is_compared_as_people_write():
    assert same_name(" tangli（上海） co.,  ltd", "Tangli(上海) Co., Ltd")
    assert not same_name("", "")
    assert not same_name("Tangli", "Tangli Co., Ltd")


def test_a_browser_left_open_neither_exports_nor_leaves(browse, session, organisation, owner):
    page = browse(owner)
    login = session.exec(select(LoginSession).where(LoginSession.person_id == owner.id)).one()
    login.created_at = clock.now() - timedelta(hours=2)
    session.flush()
    assert page.post("/my/export").status == 409
    named = {"typed_name": organisation.legal_name, "reason": REASON, "understood": "yes"}
    assert page.post("/my/leave", named).status == 409
    assert session.exec(select(OrganisationExport)).all() == []
    assert session.exec(select(Leaving)).all() == []
