"""Outside courses: taken in and published by staff, opened by people, reported on a host of their own."""

import base64
import json
import re
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import pytest
from litestar.testing import TestClient
from sqlmodel import select

from portal import clock
from portal.accounts.rules import StaffRole
from portal.files.queries import named, unpacked_file
from portal.ledger.actions import write_fact
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.settings import settings
from tests.factories import make_person
from tests.training.course_files import cmi5, scorm_12
from training.packages import actions
from training.packages.models import CourseAttempt, CourseLaunch, CoursePackage
from training.packages.rules import LAUNCH_LASTS, Completion, Status
from training.packages.xapi import CATEGORY, SESSION, actor
from training.tracks.models import ModuleProgress


@pytest.fixture
def office(browse, session):
    return browse(make_person(session, staff=StaffRole.PROGRAMME_MANAGER))


def taken_in(session, content, *, publish=True):
    by, now = make_person(session).id, clock.now()
    package = actions.upload_course(session, "course.zip", content, by=by, now=now)
    if publish:
        actions.move_package(session, package, "publish", by=by, now=now)
    session.commit()
    return package


@pytest.fixture
def outside(app, browse):
    """A client on the content host."""
    return TestClient(app, base_url=settings().content_origin)


def opened(browse, session, content):
    """(person, their browser, package, token of a launch)."""
    person = make_person(session)
    package = taken_in(session, content)
    client = browse(person)
    page = client.post(f"/my/courses/{package.id}", {"part": package.parts[0]["key"]})
    assert page.status == 200
    return person, client, package, page.url.rpartition("/")[2]


# ——— Staff ———


def test_staff_look_into_a_package_publish_and_withdraw_it(office, session):
    page = office.post("/staff/courses", files={"file": ("a.zip", scorm_12(), "application/zip")})
    package = session.exec(select(CoursePackage)).one()
    assert (page.url, package.status) == (f"/staff/courses/{package.id}", Status.DRAFT)
    again = office.post("/staff/courses", files={"file": ("b.zip", scorm_12(), "application/zip")})
    assert again.url == page.url
    office.post(page.url, {"move": "publish"})
    assert package.status is Status.PUBLISHED
    assert office.post(page.url, {"move": "publish"}).status == 409
    office.post(page.url, {"move": "withdraw"})
    assert package.status is Status.WITHDRAWN
    assert office.post(page.url, {"move": "follow"}).status == 422


def test_what_is_no_package_is_a_sentence(office):
    page = office.post("/staff/courses", files={"file": ("a.zip", b"hello", "application/zip")})
    assert (page.status, page.errors) == (422, ["The archive is damaged or not a plain ZIP file."])
    assert office.post("/staff/courses").errors == ["Please choose a file."]


def test_a_new_version_follows_and_who_began_goes_on(session, browse):
    _, client, first, _ = opened(browse, session, scorm_12())
    second = taken_in(session, scorm_12("changed"))
    session.refresh(first)
    assert (first.status, second.version, second.status) == (Status.FOLLOWED, 2, Status.PUBLISHED)
    links = client.get("/my/courses").links()
    assert (f"/my/courses/{first.id}" in links, f"/my/courses/{second.id}" in links) == (True, False)
    links = browse(make_person(session)).get("/my/courses").links()
    assert (f"/my/courses/{first.id}" in links, f"/my/courses/{second.id}" in links) == (False, True)


def test_the_bytes_of_a_course_are_no_orphans(session):
    package = taken_in(session, scorm_12())
    hashes = [unpacked_file(session, package.file_id, n).sha256 for n in ("one.html", "imsmanifest.xml")]
    assert named(session, [*hashes, "0" * 64]) == set(hashes)


# ——— People ———


def test_unpublished_withdrawn_and_strangers_courses_are_not_there(session, browse):
    draft = taken_in(session, scorm_12(), publish=False)
    client = browse(make_person(session))
    assert client.get(f"/my/courses/{draft.id}").status == 404
    assert client.post(f"/my/courses/{draft.id}", {"part": "i1"}).status == 404
    _, mine, package, token = opened(browse, session, scorm_12(identifier="another"))
    assert client.get(f"/my/courses/{package.id}/play/{token}").status == 404
    assert mine.get(f"/my/courses/{package.id}/play/{token}").status == 200
    assert mine.post(f"/my/courses/{package.id}", {"part": "nothing"}).status == 422


def test_the_frame_may_come_from_the_content_host_alone(session, browse):
    _, client, package, token = opened(browse, session, scorm_12())
    page = client.get(f"/my/courses/{package.id}/play/{token}")
    policy = page.response.headers["content-security-policy"]
    assert re.findall(r"frame-src ([^;]*)", policy) == ["http://localhost:8000"]
    assert page.tree.xpath("//iframe/@sandbox") == [
        "allow-scripts allow-forms allow-same-origin allow-modals"
    ]
    assert page.tree.xpath("//noscript")


def test_two_hosts(session, browse, outside):
    _, client, _, token = opened(browse, session, scorm_12())
    outside.cookies.update(client.client.cookies)
    root = outside.get("/", follow_redirects=False)
    assert (root.status_code, root.headers["location"], root.content) == (302, "http://127.0.0.1:8000/", b"")
    for path in ("/my/courses", "/static/css/base.css", "/sign-in", "/healthz"):
        assert outside.get(path, follow_redirects=False).status_code == 404, path
    assert client.client.get(f"/content/{token}/run").status_code == 404
    answer = outside.get(f"/content/{token}/run")
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    policy = answer.headers["content-security-policy"]
    assert re.findall(r"(?:connect-src|frame-ancestors) [^;]*", policy) == [
        "connect-src 'self'",
        "frame-ancestors 'self' http://127.0.0.1:8000",
    ]
    worker = outside.get(f"/content/{token}/files/one.html", headers={"service-worker": "script"})
    assert worker.status_code == 404


def test_files_and_ranges(session, browse, outside):
    _, _, _, token = opened(browse, session, scorm_12("0123456789"))
    base = f"/content/{token}/files"
    whole = outside.get(f"{base}/one.html")
    assert (whole.status_code, whole.text) == (200, "0123456789")
    assert whole.headers["content-type"] == "text/html"
    part = outside.get(f"{base}/one.html", headers={"range": "bytes=2-4"})
    assert (part.status_code, part.text, part.headers["content-range"]) == (206, "234", "bytes 2-4/10")
    assert outside.get(f"{base}/one.html", headers={"range": "bytes=20-"}).status_code == 416
    assert outside.get(f"{base}/two.html").status_code == 404
    assert outside.get(f"/content/{'A' * 43}/files/one.html").status_code == 404


def test_a_launch_ends_after_twelve_hours_with_the_next_and_with_the_course(session, browse, outside):
    person, client, package, token = opened(browse, session, scorm_12())
    again = client.post(f"/my/courses/{package.id}", {"part": "i1"}).url.rpartition("/")[2]
    assert [outside.get(f"/content/{t}/run").status_code for t in (token, again)] == [404, 200]
    launch = session.exec(select(CourseLaunch).order_by(CourseLaunch.id.desc())).first()
    assert launch.expires_at - launch.made_at == LAUNCH_LASTS == timedelta(hours=12)
    actions.move_package(session, package, "withdraw", by=person.id, now=clock.now())
    session.commit()
    assert outside.get(f"/content/{again}/run").status_code == 404
    assert client.post(f"/my/courses/{package.id}", {"part": "i1"}).status == 409


def test_reports_come_back_in_their_order(session, browse, outside):
    _, client, package, token = opened(browse, session, scorm_12())

    def report(number, finished=False, **values):
        values = {"cmi.core." + name: value for name, value in values.items()}
        sent = {"number": number, "values": values, "finished": finished}
        answer = outside.post(f"/content/{token}/state", json=sent)
        session.expire_all()
        return answer.json() if answer.status_code == 200 else answer.status_code

    assert report(2, lesson_status="incomplete", session_time="00:01:00") == {"kept": True}
    assert report(1, lesson_status="passed") == {"kept": False}
    assert report(3, lesson_status="incomplete", session_time="00:02:00", lesson_location="7") == {
        "kept": True
    }
    attempt = session.exec(select(CourseAttempt)).one()
    assert (attempt.completion, attempt.seconds) == (Completion.BEGUN, 120)
    done = {"lesson_status": "passed", "score.raw": "90", "session_time": "00:03:00"}
    assert report(4, True, **done) == {"kept": True}
    session.refresh(attempt)
    assert (attempt.completion, attempt.passed, attempt.score, attempt.seconds) == (
        Completion.COMPLETED,
        True,
        0.9,
        180,
    )
    assert report(0) == report("5") == 400
    assert session.exec(select(Fact).where(Fact.person_id == attempt.person_id)).all() == []
    assert "gives no training hours" in client.get(f"/my/courses/{package.id}").text
    # A second session adds its time; what was completed stays.
    token = client.post(f"/my/courses/{package.id}", {"part": "i1"}).url.rpartition("/")[2]
    assert report(1, lesson_status="incomplete", session_time="00:01:00") == {"kept": True}
    session.refresh(attempt)
    assert (attempt.completion, attempt.seconds) == (Completion.COMPLETED, 240)


# ——— cmi5 ———


class Unit:
    """A cmi5 part as its launch sees the record store."""

    def __init__(self, outside, token) -> None:
        self.outside, self.base = outside, f"/content/{token}"
        run = outside.get(f"{self.base}/run", follow_redirects=False)
        self.given = dict(parse_qsl(urlsplit(run.headers["location"]).query))
        answer = outside.post(f"{self.base}/fetch")
        self.headers = {
            "Authorization": f"Basic {answer.json()['auth-token']}",
            "X-Experience-API-Version": "1.0.3",
        }
        self.agent = json.loads(self.given["actor"])

    def ask(self, method, path, *, params=None, **more):
        headers = self.headers | more.pop("headers", {})
        address = f"{self.base}/lrs/{path}"
        return self.outside.request(method, address, params=params or {}, headers=headers, **more)

    def state(self, name):
        return {
            "stateId": name,
            "activityId": self.given["activityId"],
            "agent": self.given["actor"],
            "registration": self.given["registration"],
        }

    def statement(self, verb, **result):
        session = self.ask("GET", "activities/state", params=self.state("LMS.LaunchData")).json()
        context = session["contextTemplate"] | {"registration": self.given["registration"]}
        context["contextActivities"] = {"category": [{"id": CATEGORY}]}
        assert set(context["extensions"]) == {SESSION}
        return {
            "id": str(uuid4()),
            "actor": self.agent,
            "verb": {"id": f"http://adlnet.gov/expapi/verbs/{verb}"},
            "object": {"id": self.given["activityId"]},
            "context": context,
            "result": result,
        }


MASTERED = '<au id="urn:a" moveOn="CompletedAndPassed" masteryScore="0.8"><url>unit.html</url></au>'


def test_a_cmi5_part_is_completed_by_its_statements(session, browse, outside):
    person, _, _, token = opened(browse, session, cmi5(body=MASTERED))
    unit = Unit(outside, token)
    assert unit.agent == actor(settings().base_url, person.uuid)
    assert outside.post(f"{unit.base}/fetch").status_code == 400
    one = unit.statement("passed", score={"scaled": 0.7})
    assert unit.ask("POST", "statements", json=[one]).status_code == 400
    one["result"] = {"score": {"scaled": 0.9}}
    assert unit.ask("PUT", "statements", params={"statementId": one["id"]}, json=one).status_code == 204
    assert unit.ask("PUT", "statements", params={"statementId": one["id"]}, json=one).status_code == 204
    changed = one | {"result": {}}
    assert unit.ask("PUT", "statements", params={"statementId": one["id"]}, json=changed).status_code == 409
    several = [unit.statement("completed"), unit.statement("terminated", duration="PT2M")]
    assert unit.ask("POST", "statements", json=several).json() == [s["id"] for s in several]
    session.expire_all()
    attempt = session.exec(select(CourseAttempt)).one()
    assert (attempt.completion, attempt.passed, attempt.score, attempt.seconds) == (
        Completion.COMPLETED,
        True,
        0.9,
        120,
    )
    kept = unit.ask("GET", "statements").json()["statements"]
    assert [s["id"] for s in kept] == [several[1]["id"], several[0]["id"], one["id"]]


def test_the_record_store_is_that_launchs_alone(session, browse, outside):
    _, _, _, token = opened(browse, session, cmi5())
    unit = Unit(outside, token)
    other = actor(settings().base_url, str(uuid4()))
    one = unit.statement("initialized")
    for wrong in (
        one | {"actor": other},
        one | {"context": one["context"] | {"registration": str(uuid4())}},
        one | {"object": {"id": "urn:other"}},
        one | {"verb": {"id": "no iri"}},
        one | {"id": "1"},
        [],
        "text",
    ):
        if wrong:
            assert unit.ask("POST", "statements", json=wrong).status_code == 400, wrong
    params = unit.state("x") | {"agent": json.dumps(other)}
    assert unit.ask("GET", "activities/state", params=params).status_code == 403
    unsigned = {"Authorization": "Basic " + base64.b64encode(b"launch:guess").decode()}
    assert unit.ask("GET", "statements", headers=unsigned).status_code == 401
    assert unit.ask("GET", "statements", headers={"X-Experience-API-Version": "0.9"}).status_code == 400


def test_documents_are_kept_changed_and_removed(session, browse, outside):
    _, _, _, token = opened(browse, session, cmi5())
    unit = Unit(outside, token)
    where = {"params": unit.state("place")}
    assert unit.ask("GET", "activities/state", **where).status_code == 404
    assert unit.ask("PUT", "activities/state", json={"a": 1}, **where).status_code == 204
    assert unit.ask("POST", "activities/state", json={"b": 2}, **where).status_code == 204
    answer = unit.ask("GET", "activities/state", **where)
    assert (answer.json(), answer.headers["content-type"]) == ({"a": 1, "b": 2}, "application/json")
    late = {"headers": {"If-Match": '"old"'}}
    assert unit.ask("PUT", "activities/state", json={}, **where, **late).status_code == 412
    assert unit.ask("DELETE", "activities/state", **where).status_code == 204
    assert unit.ask("GET", "activities/state", **where).status_code == 404
    given = {"params": unit.state("LMS.LaunchData")}
    assert unit.ask("PUT", "activities/state", json={}, **given).status_code == 403


# ——— What was learned, to take along ———


def test_what_somebody_completed_is_an_array_of_xapi_statements(session, browse):
    person, client, package, _ = opened(browse, session, scorm_12())
    now = clock.now()
    attempt = session.exec(select(CourseAttempt)).one()
    attempt.completion, attempt.completed_at, attempt.score, attempt.passed = (
        Completion.COMPLETED,
        now,
        0.9,
        True,
    )
    session.add(
        ModuleProgress(person_id=person.id, module="TRK-01/1", version=1, started_at=now, finished_at=now)
    )
    code = {"code": "P1", "number": "YQ-1"}
    write_fact(session, FactKind.CERTIFICATE, source=("test", 1), person_id=person.id, now=now, **code)
    session.commit()
    answer = client.client.get("/my/learning/statements.json")
    found = answer.json()
    home = settings().base_url
    assert answer.headers["content-type"].startswith("application/json")
    assert {s["object"]["id"].partition("#")[0] for s in found} == {
        f"{home}/my/learning/TRK-01/1",
        f"{home}/my/courses/{package.id}",
        f"{home}/my/exams/P1",
    }
    for one in found:  # xAPI 1.0.3, part two, section 2
        assert set(one) <= {"id", "actor", "verb", "object", "result", "context", "timestamp"}
        assert str(UUID(one["id"])) == one["id"]
        assert UUID(one["id"]).version == 5
        assert one["actor"] == actor(home, person.uuid)
        assert one["verb"]["id"].startswith("http://adlnet.gov/expapi/verbs/")
        assert set(one["verb"]["display"]) == {"en", "zh-CN"}
        assert set(one["object"]["definition"]["name"]) == {"en", "zh-CN"}
        assert one["object"]["definition"]["type"].startswith("http://adlnet.gov/expapi/activities/")
        assert set(one["result"]) <= {"score", "success", "completion", "duration"}
        assert datetime.fromisoformat(one["timestamp"]).tzinfo is not None
        if "duration" in one["result"]:
            assert re.fullmatch(r"PT\d+H\d+M\d+S", one["result"]["duration"])
    assert client.client.get("/my/learning/statements.json").json() == found
    assert browse(make_person(session)).client.get("/my/learning/statements.json").json() == []
