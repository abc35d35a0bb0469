"""Hostile and hasty people at exams, certificates and levels: one paper, one result, no number that is none."""

import json
import math

import pytest
from sqlmodel import col, func, select

from certification.benefits.actions import follow_stars
from certification.benefits.models import BenefitGrant
from certification.credentials.actions import award_certificate
from certification.credentials.keyring import ensure_keys
from certification.credentials.models import Credential
from certification.exams.actions import places_of
from certification.exams.models import Answer, Sitting
from certification.exams.rules import SittingStatus
from portal import clock
from portal.accounts.rules import StaffRole
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.organisations.models import Employment, Organisation
from portal.organisations.rules import Role, Trust
from tests.certification.test_sittings import bank, begin, fields, ready, right_places, send  # noqa: F401  fixtures
from tests.factories import employ, make_organisation, make_person
from tests.hostile import NASTY, Alone, race, strange, try_all
from tests.training.test_learning import learn
from tests.training.test_lessons import P1


@pytest.fixture(scope="module")
def alone() -> Alone:
    return Alone()


@pytest.fixture
def sitting(session, bank):  # noqa: F811
    person = make_person(session)
    return begin(session, bank, person), person


# ——— A paper ———


def test_an_answer_of_anything(browse, connection, session, sitting):
    row, person = sitting
    client = browse(person)
    good = {"q": "1", "shown": "1", "flagged": "true", "revision": "1", "go": "next"}
    path = f"/my/sittings/{row.token}"
    assert strange(path, good, try_all(client, connection, path, good)) == []
    for where in ("²", "-1", "9" * 5000, "review", "//evil.example", "previous"):
        answer = client.post(path, good | {"go": where}, follow=False).response
        assert (
            answer.headers["location"].startswith(f"{path}?q=1")
            or answer.headers["location"] == f"{path}/review"
        )
    for question in ("²", "-1", "9" * 5000, "x", "１"):
        assert client.client.get(path, params={"q": question[:3000]}).status_code == 200


BODIES = [
    b"",
    b"[]",
    b"null",
    b"1e400",
    b"[" * 100_000,
    b'{"q": 1e400, "shown": [], "revision": 1}',
    b'{"q": 1, "shown": [1e400, null], "revision": 1}',
    b'{"q": 1, "shown": [99999999999999999999999], "revision": 1e3}',
    b'{"q": 1, "shown": {"a": 1}, "revision": 1}',
    b'{"q": [1], "shown": [1], "revision": 1}',
    b'{"q": "\\ud800", "shown": "\\u0000", "revision": true}',
    b'{"q": NaN, "shown": [NaN], "revision": -1}',
    b"\xff\xfe",
    b'{"q": ' + b"9" * 5000 + b"}",
]


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_the_script_may_send_anything(browse, session, sitting, body):
    row, person = sitting
    page = browse(person)
    page.get(f"/my/sittings/{row.token}")
    answer = page.client.post(
        f"/my/sittings/{row.token}/answers",
        content=body,
        headers={"x-csrftoken": page.client.cookies["csrf"], "content-type": "application/json"},
    )
    assert answer.status_code in (200, 409, 422)
    assert (answer.status_code == 200) == answer.json()["saved"]
    assert session.exec(select(Answer)).all() == []  # places that the page does not have are left out


def test_the_scripts_sentences_are_in_the_readers_language(browse, session, sitting):
    row, person = sitting
    said = []
    for language in ("en", "zh"):
        page = browse(person, language=language)
        page.get(f"/my/sittings/{row.token}")
        said.append(send(page, row, 1, [1], 1, changes={"q": "x"}).json()["message"])
    assert said[0] == "That answer could not be read. Go back, reload the page and choose again."
    assert not said[1].isascii()


def test_a_paper_of_somebody_else_is_not_there(browse, session, sitting):
    row, _ = sitting
    stranger = browse(make_person(session, "Stranger", staff=StaffRole.ADMINISTRATOR))
    path = f"/my/sittings/{row.token}"
    assert [stranger.get(p).status for p in (path, f"{path}/review")] == [404, 404]
    assert [stranger.post(p, fields(1, [1])).status for p in (path, f"{path}/hand-in")] == [404, 404]
    assert send(stranger, row, 1, [1], 1).status_code == 404
    session.refresh(row)
    assert (row.status, session.exec(select(Answer)).all()) == (SittingStatus.OPEN, [])


def test_practice_with_anything(browse, connection, session):
    good = {f"answer-{n}": "1" for n in range(1, 6)}
    path = "/my/learning/TRK-01/1/practice"
    client = browse(make_person(session))
    assert strange(path, good, try_all(client, connection, path, good)) == []
    for path in (
        "/my/learning/TRK-01/0",
        "/my/learning/TRK-01/" + "9" * 4000,
        "/my/learning/../1",
        "/my/exams/%00",
    ):
        assert client.get(path).status == 404


# ——— Staff and levels ———

SUSPEND = {"measure": "suspend", "reason_class": "data_leak", "reason": "Seen on site"}


@pytest.fixture
def desk(browse, session):
    """A provider with one person, and a member of staff who has nothing to do with it."""
    ensure_keys(clock.now())
    owner = make_person(session)
    organisation = make_organisation(session, owner=owner)
    return browse(make_person(session, "Staff", staff=StaffRole.ADMINISTRATOR)), organisation, owner


def test_staff_write_anything(connection, session, desk):
    client, organisation, owner = desk
    path = f"/staff/organisations/{organisation.id}"
    forms = {
        "maturity": {"score": "80", "reason": "Seen on site", "revision": "1"},
        "practical": {"person": str(owner.id), "code": "P2", "reason": "Seen on site"},
        "sanctions": SUSPEND,
    }
    wrong = []
    for verb, good in forms.items():
        wrong += strange(path, good, try_all(client, connection, f"{path}/{verb}", good))
    assert wrong == []


@pytest.mark.parametrize(
    "score", ["nan", "NaN", "inf", "-inf", "1e400", "-0.001", "100.001", "８０", "", "1" + "0" * 30]
)
def test_a_score_is_a_number(session, desk, score):
    client, organisation, _ = desk
    page = client.post(
        f"/staff/organisations/{organisation.id}/maturity", {"score": score, "reason": "Seen on site"}
    )
    kept = session.exec(select(Fact).where(Fact.kind == FactKind.MATURITY_VERIFIED)).all()
    assert [math.isfinite(f.value["score"]) and 0 <= f.value["score"] <= 100 for f in kept] in ([], [True])
    assert (page.status, len(kept)) == (422, 0)


def test_a_second_click_takes_nothing_back(session, desk):
    """Suspend twice is suspended; assess twice is assessed once; a practical twice is one certificate."""
    client, organisation, owner = desk
    path = f"/staff/organisations/{organisation.id}"
    fields = {"score": "80", "reason": "Seen on site", "revision": client.get(path).value("revision")}
    assert [client.post(f"{path}/maturity", fields).status for _ in range(2)] == [200, 409]
    award_certificate(
        session, owner.id, "P1", source=("practical", organisation.id), by=None, now=clock.now()
    )
    session.commit()
    exam = {"person": str(owner.id), "code": "P2", "reason": "Seen on site"}
    assert [client.post(f"{path}/practical", exam).status for _ in range(2)] == [200, 422]
    assert [client.post(f"{path}/sanctions", SUSPEND).status for _ in range(2)] == [200, 409]
    assert session.get_one(Organisation, organisation.id).trust is Trust.SUSPENDED
    assert len(session.exec(select(Fact).where(Fact.kind == FactKind.MATURITY_VERIFIED)).all()) == 1
    assert len(session.exec(select(Credential).where(Credential.code == "P2")).all()) == 1


def test_applying_with_anything(browse, connection, session, desk):
    _, _, owner = desk
    good = {"family": "operator", "stars": "3", "statement": NASTY}
    client = browse(owner)
    assert strange("/my/level", good, try_all(client, connection, "/my/level", good)) == []
    for query in ("stars=²&family=zz", "stars=9&family=%00", "stars=3&stars=4", "family=" + "x" * 5000):
        assert client.get(f"/my/level?{query}").status == 200


# ——— Certificates ———


@pytest.fixture
def certificate(session, desk):
    row = award_certificate(
        session, desk[2].id, "P1", source=("practical", desk[1].id), by=None, now=clock.now()
    )
    session.commit()
    return row


PRESENTED = [
    b"null",
    b"[" * 100_000,
    b'{"id": null}',
    b'{"id": ["a"]}',
    b'{"id": "\\ud800\\u0000"}',
    b'{"id": "a\\u0000b"}',
    b'{"id": 1e400}',
    b'{"id": ' + b"9" * 5000 + b"}",
    b"%PDF-1.4\n%%EOF",
    b"\xff\xfe",
    b'{"id": "%(x)s<xx>"}',
]


@pytest.mark.parametrize("content", PRESENTED, ids=range(len(PRESENTED)))
def test_a_file_that_is_no_certificate_is_unknown(browse, content):
    page = browse().post("/verify", {"q": ""}, files={"file": ("a.json", content)})
    assert (page.status, page.url) == (200, "/verify")
    assert page.tree.xpath("//xx") == []


def test_a_file_without_a_byte_is_no_file(browse):
    page = browse().post("/verify", {"q": ""}, files={"file": ("a.json", b"")})
    assert page.status == 422
    assert "Please write a certificate number or address" in page.text


def test_a_certificate_with_another_name_is_not_ours(browse, certificate):
    signed = json.loads(certificate.signed)
    visitor = browse()
    same = visitor.post("/verify", {"q": ""}, files={"file": ("a.json", certificate.signed.encode())})
    signed["validUntil"] = "2999-01-01T00:00:00Z"
    other = visitor.post("/verify", {"q": ""}, files={"file": ("a.json", json.dumps(signed).encode())})
    deep = certificate.signed[:-1] + ',"x":' + "[" * 50_000 + "]" * 50_000 + "}"
    odd = visitor.post("/verify", {"q": ""}, files={"file": ("a.json", deep.encode())})
    wide = certificate.signed[:-1] + ',"x":1e400,"y":"\\ud800\\u0000"}'
    strange_one = visitor.post("/verify", {"q": ""}, files={"file": ("a.json", wide.encode())})
    assert [p.status for p in (same, other, odd, strange_one)] == [200] * 4
    assert same.text != other.text
    assert strange_one.text == other.text


@pytest.mark.parametrize(
    "typed", ["\0", "a\0b", "%", "' OR 1=1 --", "x" * 100_000, "%(x)s", "\u202e", "/", "<xx>"]
)
def test_a_number_that_nobody_issued_gets_a_sentence(browse, certificate, typed):
    page = browse().post("/verify", {"q": typed})
    assert (page.status, page.tree.xpath("//xx")) == (422, [])


def test_a_certificates_name_is_its_holders(browse, session, certificate):
    stranger = browse(make_person(session, "Stranger", staff=StaffRole.ADMINISTRATOR))
    assert stranger.post(f"/my/certificates/{certificate.uuid}/name", {"show": "no"}).status == 404
    for uuid in ("x", "%00", "9" * 4000):
        assert stranger.post(f"/my/certificates/{uuid}/name", {"show": "yes"}).status == 404


def test_certificates_stay_with_who_leaves(browse, session, desk, certificate):
    _, organisation, owner = desk
    colleague = make_person(session, "Second")
    from tests.factories import employ

    employment = employ(session, organisation, colleague)
    row = award_certificate(
        session, colleague.id, "P1", source=("practical", organisation.id), by=None, now=clock.now()
    )
    session.commit()
    client = browse(colleague)
    browse(owner).post(f"/my/team/{employment.id}/end")
    assert row.number in client.get("/my/certificates").text
    assert [client.get(p).status for p in ("/my/team", "/my/level", "/my/cases")] == [404] * 3
    assert browse().get(f"/credentials/{row.uuid}").status == 200


# ——— In the same moment ———


def statuses(answers) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def test_an_exam_is_started_and_handed_in_once(alone):
    with alone.transaction() as session:
        person = make_person(session, email="sits@x.example")
        make_organisation(session, owner=person)
        learn(session, person, *P1)
    posts = [alone.client(person) for _ in range(3)]
    answers = race(*(lambda post=post: post("/my/exams/P1/start") for post in posts))
    assert statuses(answers) == [303, 303, 303]
    assert len({answer.headers["location"] for answer in answers}) == 1
    path = answers[0].headers["location"]
    with alone.transaction() as session:
        row = session.exec(select(Sitting).where(Sitting.person_id == person.id)).one()
        right = {n: right_places(session, row, n) for n in range(1, len(places_of(row)) + 1)}
    posts[0](path, fields(1, right[1], revision=1))
    race(*(lambda post=post: post(path, fields(2, right[2], revision=1)) for post in posts))
    for n, shown in right.items():
        posts[0](path, fields(n, shown, revision=1))
    answers = race(*(lambda post=post: post(f"{path}/hand-in") for post in posts))
    assert statuses(answers) == [303, 303, 303]
    with alone.transaction() as session:
        row = session.exec(select(Sitting).where(Sitting.person_id == person.id)).one()
        saved = session.exec(
            select(func.count()).select_from(Answer).where(Answer.sitting_id == row.id)
        ).one()
        issued = session.exec(select(Credential).where(Credential.person_id == person.id)).all()
        facts = session.exec(
            select(Fact).where(Fact.person_id == person.id, col(Fact.kind) == FactKind.CERTIFICATE)
        ).all()
        assert (row.status, row.passed, saved) == (SittingStatus.MARKED, True, len(right))
        assert (len(issued), len(facts)) == (1, 1)


def test_staff_suspend_twice_at_once(alone):
    with alone.transaction() as session:
        organisation = make_organisation(session, owner=make_person(session, email="sus@x.example"))
        people = [
            make_person(session, email=f"s{n}@x.example", staff=StaffRole.ADMINISTRATOR) for n in range(2)
        ]
    posts = [alone.client(person) for person in people]
    path = f"/staff/organisations/{organisation.id}/sanctions"
    answers = race(*(lambda post=post: post(path, SUSPEND) for post in posts))
    assert statuses(answers) == [303, 409]
    with alone.transaction() as session:
        assert session.get_one(Organisation, organisation.id).trust is Trust.SUSPENDED
        assert session.exec(select(Employment).where(Employment.organisation_id == organisation.id)).one()


def test_two_bookings_at_once_take_what_is_there(alone):
    with alone.transaction() as session:
        owner, colleague = (make_person(session, email=f"b{n}@x.example") for n in range(2))
        organisation = make_organisation(session, owner=owner)
        employ(session, organisation, colleague, role=Role.MANAGER)
        organisation.stars = 3
        session.flush()
        follow_stars(session, organisation.id, clock.now())
        grant_id = session.exec(
            select(BenefitGrant.id).where(
                BenefitGrant.organisation_id == organisation.id, BenefitGrant.key == "tech_clinic"
            )
        ).one()
    posts = [alone.client(person) for person in (owner, colleague)]
    fields = {"quantity": "3", "what": "A clinic"}  # of four
    answers = race(*(lambda post=post: post(f"/my/benefits/{grant_id}/book", fields) for post in posts))
    assert statuses(answers) == [303, 422]
    with alone.transaction() as session:
        grant = session.get_one(BenefitGrant, grant_id)
        assert (grant.amount, grant.taken) == (4, 3)
