"""The record store of one cmi5 launch: statements and documents (xAPI 1.0.3), for its own attempt alone."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Literal
from uuid import uuid4

from litestar import Request, Response, Router
from litestar.params import RawBody
from sqlmodel import Session

from portal import clock
from portal.accounts.actions import digest
from portal.refusal import Refused
from portal.settings import settings
from portal.web.viewer import public
from training.packages import actions, queries
from training.packages.content import activity, answer, base, headers, launched, said
from training.packages.models import CourseDocument
from training.packages.queries import Opened
from training.packages.rules import Standard
from training.packages.xapi import (
    LAUNCH_DATA,
    MOST_DOCUMENT,
    MOST_STATEMENT,
    VERSION,
    WrongStatementError,
    check_statement,
    is_actor,
    launch_data,
)

KNOWN = {"X-Experience-API-Version": "1.0.3"}
MOST_AT_ONCE = 200


class Refusal(Exception):
    """Answered to the part with a status and a few words."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


def _opened(request: Request, session: Session, token: str) -> Opened:
    """The launch, for whoever signs with what its fetch address gave."""
    opened = launched(session, token, lock=request.method != "GET")
    if opened is None or opened.package.standard is not Standard.CMI5:
        raise Refusal(404, "no such launch")
    scheme, _, coded = request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(coded, validate=True).decode().partition(":")[2]
    except ValueError:
        given = ""
    if scheme.lower() != "basic" or not given or digest(given) != opened.launch.auth_hash:
        raise Refusal(401, "not signed")
    if not VERSION.fullmatch(request.headers.get("x-experience-api-version", "")):
        raise Refusal(400, "X-Experience-API-Version must be 1.0")
    return opened


def _json(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Refusal(400, "not JSON") from None


def _mine(request: Request, opened: Opened, *, with_activity: bool, with_agent: bool) -> None:
    """What the address names must be this launch's own."""
    asked = request.query_params
    if with_agent and not is_actor(_json(asked.get("agent", "")), settings().base_url, opened.person.uuid):
        raise Refusal(403, "another agent")
    if with_activity and not asked.get("activityId"):
        raise Refusal(400, "activityId is missing")
    if asked.get("registration", opened.attempt.registration) != opened.attempt.registration:
        raise Refusal(403, "another registration")


def _refused(refusal: Refusal) -> Response:
    return said({"error": refusal.text}, refusal.status, KNOWN)


# ——— Statements ———


@answer("/content/{token:str}/lrs/statements", http_method=["GET", "PUT", "POST"])
def statements(request: Request, session: Session, body: RawBody, token: str) -> Response:
    try:
        opened = _opened(request, session, token)
        if request.method == "GET":
            return _read_statements(request, session, opened)
        sent = _json(body)
        if request.method == "PUT":
            wanted = request.query_params.get("statementId", "")
            if not isinstance(sent, dict) or sent.setdefault("id", wanted) != wanted:
                raise Refusal(400, "statementId is not that of the statement")
            _keep(session, opened, [sent])
            return Response(None, status_code=204, headers=headers(**KNOWN))
        several = sent if isinstance(sent, list) else [sent]
        if len(several) > MOST_AT_ONCE:
            raise Refusal(413, "too many at once")
        _keep(session, opened, several)
        return said([s["id"] for s in several], more=KNOWN)
    except Refusal as refusal:
        return _refused(refusal)


def _keep(session: Session, opened: Opened, several: list[Any]) -> None:
    """All or none: everything is checked first."""
    for one in several:
        if isinstance(one, dict):
            one.setdefault("id", str(uuid4()))
        try:
            check_statement(
                one,
                home=settings().base_url,
                uuid=opened.person.uuid,
                registration=opened.attempt.registration,
                activity=activity(opened),
                session=opened.launch.session,
                mastery=opened.part["mastery"],
            )
            text = json.dumps(one, ensure_ascii=False)
            text.encode()
        except WrongStatementError as wrong:
            raise Refusal(400, str(wrong)) from None
        except (UnicodeEncodeError, RecursionError):
            raise Refusal(400, "not text") from None
        if len(text) > MOST_STATEMENT or "\\u0000" in text:
            raise Refusal(413 if len(text) > MOST_STATEMENT else 400, "not kept")
    try:
        with session.begin_nested():
            for one in several:
                if not actions.keep_statement(session, opened, one, now=clock.now()):
                    raise Refusal(409, "another statement has this id")
    except Refused as full:
        raise Refusal(413, str(full)) from None


def _read_statements(request: Request, session: Session, opened: Opened) -> Response:
    attempt, wanted = opened.attempt.id or 0, request.query_params.get("statementId")
    if wanted:
        row = queries.statement_with(session, attempt, wanted.lower()[:36])
        if row is None:
            raise Refusal(404, "no such statement")
        return said(row.statement, more=KNOWN)
    rows = queries.statements_of(session, attempt, opened.launch.part)
    stamp = clock.now().astimezone(UTC).isoformat().replace("+00:00", "Z")
    more = {**KNOWN, "X-Experience-API-Consistent-Through": stamp}
    return said({"statements": [r.statement for r in rows[::-1]], "more": ""}, more=more)


# ——— Documents ———


@dataclass(frozen=True)
class Place:
    """Where a document lies: of which kind, of which part, under which name; without one all of them are meant."""

    opened: Opened
    kind: str
    part: str
    name: str | None
    rows: dict[str, CourseDocument]

    @property
    def row(self) -> CourseDocument | None:
        return self.rows.get(self.name or "")


def _document(
    request: Request, session: Session, body: RawBody, token: str, kind: str, name_in: str
) -> Response:
    """GET, PUT, POST (into a JSON object that is there) and DELETE of one; without a name GET lists, DELETE removes all."""
    opened = _opened(request, session, token)
    by_activity = kind != "agent"
    _mine(request, opened, with_activity=by_activity, with_agent=kind != "activity")
    part, asked = opened.launch.part, request.query_params
    if by_activity and asked["activityId"] != activity(opened):
        part = f"{asked['activityId'][:400]}#"  # another activity of the same course, kept apart
    name = asked.get(name_in)
    if kind == "state" and name == LAUNCH_DATA:
        if request.method != "GET":
            raise Refusal(403, "the launch data is the portal's")
        data = launch_data(part=opened.part, session=opened.launch.session, return_url=f"{base(token)}/ended")
        return said(data, more=KNOWN)
    found = queries.documents(session, opened.attempt.id or 0, kind, part)
    place = Place(opened, kind, part, name, {d.name: d for d in found})
    if request.method == "GET":
        return _read(place)
    _need_match(request, place.row)
    if request.method == "DELETE":
        actions.forget_documents(session, opened, kind=kind, part=part, name=name)
    else:
        _write(request, session, place, _text(body))
    return Response(None, status_code=204, headers=headers(**KNOWN))


def _read(place: Place) -> Response:
    if place.name is None:
        return said(sorted(place.rows), more=KNOWN)
    if place.row is None:
        raise Refusal(404, "no such document")
    return Response(
        place.row.content.encode(),
        media_type=_harmless(place.row.media_type),
        headers=headers(**KNOWN, ETag=_etag(place.row.content)),
    )


def _need_match(request: Request, row: CourseDocument | None) -> None:
    wanted = request.headers.get("if-match")
    if wanted and (row is None or _etag(row.content) not in (wanted, f'"{wanted}"')):
        raise Refusal(412, "it has been changed")
    if request.headers.get("if-none-match") == "*" and row is not None:
        raise Refusal(412, "it is there already")


def _write(request: Request, session: Session, place: Place, content: str) -> None:
    if request.method == "POST" and place.row is not None:
        old, new = _json(place.row.content), _json(content)
        if not isinstance(old, Mapping) or not isinstance(new, Mapping):
            raise Refusal(400, "only objects are put together")
        content = json.dumps({**old, **new}, ensure_ascii=False)
    if not place.name:
        raise Refusal(400, "it needs a name")
    if len(place.name) > 200 or len(content) > MOST_DOCUMENT:
        raise Refusal(413, "too long")
    try:
        actions.keep_document(
            session,
            place.opened,
            kind=place.kind,
            part=place.part,
            name=place.name,
            media_type=request.headers.get("content-type", "application/octet-stream")[:100],
            content=content,
            now=clock.now(),
        )
    except Refused as full:
        raise Refusal(413, str(full)) from None


def _text(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Refusal(415, "only text is kept") from None
    if "\0" in text:
        raise Refusal(415, "only text is kept")
    return text


def _harmless(media_type: str) -> str:
    """What a part kept comes back as JSON or as text, whatever it called it."""
    return "application/json" if "json" in media_type else "text/plain"


def _etag(content: str) -> str:
    return f'"{hashlib.sha256(content.encode()).hexdigest()[:40]}"'


METHODS: tuple[Literal["GET", "PUT", "POST", "DELETE"], ...] = ("GET", "PUT", "POST", "DELETE")


@answer("/content/{token:str}/lrs/activities/state", http_method=METHODS)
def activity_state(request: Request, session: Session, body: RawBody, token: str) -> Response:
    try:
        return _document(request, session, body, token, "state", "stateId")
    except Refusal as refusal:
        return _refused(refusal)


@answer("/content/{token:str}/lrs/activities/profile", http_method=METHODS)
def activity_profile(request: Request, session: Session, body: RawBody, token: str) -> Response:
    try:
        return _document(request, session, body, token, "activity", "profileId")
    except Refusal as refusal:
        return _refused(refusal)


@answer("/content/{token:str}/lrs/agents/profile", http_method=METHODS)
def agent_profile(request: Request, session: Session, body: RawBody, token: str) -> Response:
    try:
        return _document(request, session, body, token, "agent", "profileId")
    except Refusal as refusal:
        return _refused(refusal)


@answer("/content/{token:str}/lrs/about", http_method=["GET"])
def about(token: str) -> Response:  # noqa: ARG001  the same for every launch
    return said({"version": ["1.0.3"]}, more=KNOWN)


routers = [
    Router(
        "/",
        route_handlers=[statements, activity_state, activity_profile, agent_profile, about],
        guards=[public],
    )
]
