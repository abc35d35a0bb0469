"""What somebody has learned, as xAPI statements (1.0.3, which 2.0 reads too): lessons, outside courses, certificates."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from sqlmodel import Session

from portal.accounts.models import Person
from portal.ledger.queries import facts_of_people
from portal.ledger.rules import FactKind
from portal.programme.queries import programme_at
from training.packages.queries import completed_courses
from training.packages.rules import as_duration
from training.packages.xapi import actor
from training.tracks.queries import finished_at
from training.tracks.rules import module_hours

VERBS = {
    "completed": {
        "id": "http://adlnet.gov/expapi/verbs/completed",
        "display": {"en": "completed", "zh-CN": "完成了"},
    },
    "passed": {"id": "http://adlnet.gov/expapi/verbs/passed", "display": {"en": "passed", "zh-CN": "通过了"}},
}
TYPES = {
    "lesson": "http://adlnet.gov/expapi/activities/lesson",
    "course": "http://adlnet.gov/expapi/activities/course",
    "assessment": "http://adlnet.gov/expapi/activities/assessment",
}


def statement(
    home: str,
    uuid: str,
    verb: str,
    kind: str,
    path: str,
    name: Mapping[str, str],
    at: datetime,
    result: Mapping[str, Any],
) -> dict[str, Any]:
    """One statement. Its id comes from who, what and which: asked for again it is the same statement."""
    return {
        "id": str(uuid5(NAMESPACE_URL, f"{home}/people/{uuid}/{verb}{path}")),
        "actor": actor(home, uuid),
        "verb": VERBS[verb],
        "object": {
            "objectType": "Activity",
            "id": f"{home}{path}",
            "definition": {
                "type": TYPES[kind],
                "name": {code: name[key] for code, key in (("en", "en"), ("zh-CN", "zh")) if name.get(key)},
            },
        },
        "result": dict(result),
        "context": {"platform": "Yuqiao"},
        "timestamp": at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def statements_of_person(session: Session, person_id: int, now: datetime, home: str) -> list[dict[str, Any]]:
    """Oldest first. Four queries."""
    uuid = session.get_one(Person, person_id).uuid
    programme = programme_at(session, now)
    tracks = {t["code"]: t for t in programme["tracks"]}
    certificates = {c["code"]: c for c in programme["personal_certificates"]}
    found = []
    for module, at in finished_at(session, person_id).items():
        code, _, number = module.partition("/")
        titles = tracks[code]["modules"] if code in tracks else []
        title = titles[int(number) - 1] if int(number) <= len(titles) else {"zh": module, "en": module}
        hours = module_hours(tracks[code]) if code in tracks else 0
        result = {"completion": True} | ({"duration": as_duration(hours * 3600)} if hours else {})
        found.append((at, "completed", "lesson", f"/my/learning/{module}", title, result))
    for package, attempt in completed_courses(session, person_id):
        done: dict[str, Any] = {"completion": True, "duration": as_duration(attempt.seconds)}
        if attempt.score is not None:
            done["score"] = {"scaled": round(attempt.score, 4)}
        if attempt.passed is not None:
            done["success"] = attempt.passed
        when = attempt.completed_at or attempt.last_at
        found.append((when, "completed", "course", f"/my/courses/{package.id}", package.title, done))
    for fact in facts_of_people(session, [person_id]):
        if fact.kind == FactKind.CERTIFICATE and fact.known(now):
            code = fact.value["code"]
            title = certificates.get(code, {"zh": code, "en": code})
            path = f"/my/exams/{code}#{fact.id}"
            result = {"success": True, "completion": True}
            found.append((fact.true_from, "passed", "assessment", path, title, result))
    found.sort(key=lambda row: row[0])
    return [
        statement(home, uuid, verb, kind, path, title, at, result)
        for at, verb, kind, path, title, result in found
    ]
