"""The little of xAPI 1.0.3 and cmi5 that a launch of our own needs: who acts, what is taken, what is told."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

CATEGORY = "https://w3id.org/xapi/cmi5/context/categories/cmi5"
SESSION = "https://w3id.org/xapi/cmi5/context/extensions/sessionid"
LAUNCH_DATA = "LMS.LaunchData"
MOST_STATEMENT = 64_000  # characters
MOST_STATEMENTS = 3000  # of an attempt
MOST_DOCUMENT = 256_000
MOST_DOCUMENTS = 200
VERSION = re.compile(r"(1\.0(\.\d+)?|2\.0(\.\d+)?)")


class WrongStatementError(ValueError):
    """Not taken; the text goes to whoever wrote the package."""


def actor(home: str, uuid: str) -> dict[str, Any]:
    """The person: the account they have here, without name or address."""
    return {"objectType": "Agent", "account": {"homePage": home, "name": uuid}}


def is_actor(given: object, home: str, uuid: str) -> bool:
    return isinstance(given, Mapping) and given.get("account") == {"homePage": home, "name": uuid}


def is_iri(text: object) -> bool:
    return isinstance(text, str) and bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s\0]+", text))


def is_uuid(text: object) -> bool:
    try:
        return isinstance(text, str) and str(UUID(text)) == text.lower()
    except ValueError:
        return False


def verb_of(statement: Mapping[str, Any]) -> str:
    return str(statement["verb"]["id"])


def is_defined(statement: Mapping[str, Any]) -> bool:
    """One of those that cmi5 defines: it says so in its context."""
    categories = _in(statement, "context", "contextActivities", "category")
    if isinstance(categories, Mapping):
        categories = [categories]
    return isinstance(categories, list) and any(
        isinstance(c, Mapping) and c.get("id") == CATEGORY for c in categories
    )


def _in(thing: object, *path: str) -> object:
    for name in path:
        thing = thing.get(name) if isinstance(thing, Mapping) else None
    return thing


def check_statement(
    statement: object,
    *,
    home: str,
    uuid: str,
    registration: str,
    activity: str,
    session: str,
    mastery: float | None,
) -> None:
    """WrongStatementError when it isn't this launch's, or says what the course doesn't allow."""
    if not isinstance(statement, Mapping):
        raise WrongStatementError("a statement is an object")
    if not is_actor(statement.get("actor"), home, uuid):
        raise WrongStatementError("the actor is not the one of this launch")
    if not is_iri(_in(statement, "verb", "id")) or len(verb_of(statement)) > 200:
        raise WrongStatementError("a verb has an IRI of at most 200 characters")
    if not is_uuid(statement.get("id")):
        raise WrongStatementError("an id is a UUID")
    kind = _in(statement, "object", "objectType") or "Activity"
    if kind == "Activity" and not is_iri(_in(statement, "object", "id")):
        raise WrongStatementError("the object has no IRI")
    if _in(statement, "context", "registration") != registration:
        raise WrongStatementError("the registration is not the one of this launch")
    if not is_defined(statement):
        return
    if _in(statement, "object", "id") != activity:
        raise WrongStatementError("the object is not the activity of this launch")
    if _in(statement, "context", "extensions", SESSION) != session:
        raise WrongStatementError("the session is not the one of this launch")
    scaled = _in(statement, "result", "score", "scaled")
    if mastery is not None and isinstance(scaled, int | float):
        verb = verb_of(statement).rpartition("/")[2]
        if (verb == "passed" and scaled < mastery) or (verb == "failed" and scaled >= mastery):
            raise WrongStatementError("the score contradicts the verb")


def launch_data(
    *,
    part: Mapping[str, Any],
    session: str,
    return_url: str,
) -> dict[str, Any]:
    """The document that an AU reads first (cmi5 section 10)."""
    data = {
        "contextTemplate": {
            "contextActivities": {"grouping": [{"objectType": "Activity", "id": part["key"]}]},
            "extensions": {SESSION: session},
        },
        "launchMode": "Normal",
        "launchMethod": part["method"] or "AnyWindow",
        "moveOn": part["move_on"],
        "returnURL": return_url,
    }
    if part["data"]:
        data["launchParameters"] = part["data"]
    if part["mastery"] is not None:
        data["masteryScore"] = part["mastery"]
    if part["entitlement"]:
        data["entitlementKey"] = {"courseStructure": part["entitlement"]}
    return data
