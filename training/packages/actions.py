"""Keep a package, publish it, open a part of it, write down what the part reports."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import true
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete

from portal.accounts.actions import digest
from portal.files.actions import keep_file, keep_unpacked
from portal.files.rules import clean_name
from portal.history.actions import record
from portal.refusal import Refused, checked_move, mark
from training.packages import queries
from training.packages.elements import kept
from training.packages.manifests import read_course
from training.packages.models import (
    CourseAttempt,
    CourseDocument,
    CourseLaunch,
    CoursePackage,
    CourseState,
    CourseStatement,
)
from training.packages.queries import Opened
from training.packages.rules import (
    LAUNCH_LASTS,
    MOST_BYTES,
    MOVES,
    PLAYED,
    Completion,
    Result,
    Standard,
    Status,
    media_type,
    result_12,
    result_2004,
    result_cmi5,
    seconds_of,
    together,
)
from training.packages.xapi import MOST_DOCUMENTS, MOST_STATEMENTS, is_defined, verb_of

TOO_LARGE = mark("The package is larger than 50 MB.")


def upload_course(session: Session, name: str, content: bytes, *, by: int, now: datetime) -> CoursePackage:
    """Read and keep a package, not published yet. UnreadableFileError when it can't be played.

    The same bytes again are the version that was made of them.
    """
    if len(content) > MOST_BYTES:
        raise Refused(TOO_LARGE, status=413)
    known = queries.package_of_archive(session, hashlib.sha256(content).hexdigest())
    if known is not None:
        return known
    course = read_course(content)
    manifest = course.manifest
    archive = keep_file(
        session, clean_name(name, "zip"), content, media_type="application/zip", by=by, now=now
    )
    keep_unpacked(session, archive, course.files, media_type)
    package = CoursePackage(
        identifier=manifest.identifier,
        version=queries.last_version(session, manifest.identifier) + 1,
        standard=manifest.standard,
        edition=manifest.edition[:100],
        title=manifest.title,
        **manifest.as_data(),
        remarks=[[r.text, r.values] for r in manifest.remarks],
        status=Status.DRAFT,
        file_id=archive.id or 0,
        uploaded_by=by,
        uploaded_at=now,
    )
    session.add(package)
    session.flush()
    after = {"title": manifest.title["zh"], "version": package.version}
    record(session, "course uploaded", "course_package", package.id, by=by, now=now, after=after)
    return package


def move_package(session: Session, package: CoursePackage, move: str, *, by: int, now: datetime) -> None:
    """Publish or withdraw; the row is locked. What was published before of the same course is followed by it."""
    if move not in ("publish", "withdraw"):
        raise Refused(mark("There is no such step."), status=422)
    before, status = package.status, Status(checked_move(MOVES, package.status, move))  # type: ignore[arg-type]
    if status is Status.PUBLISHED:
        earlier = queries.published_version(session, package.identifier)
        if earlier is not None and earlier.id != package.id:
            earlier.status = Status(checked_move(MOVES, earlier.status, "follow"))  # type: ignore[arg-type]
            session.flush()
        package.published_at = package.published_at or now
    package.status = status
    session.flush()
    record(
        session,
        "course published" if move == "publish" else "course withdrawn",
        "course_package",
        package.id,
        by=by,
        now=now,
        before={"status": before.value},
        after={"status": status.value},
    )


def open_part(session: Session, package: CoursePackage, part: str, *, by: int, now: datetime) -> str:
    """The token of a new launch. What was open of the same part ends: two windows would overwrite each other."""
    if package.status not in PLAYED:
        raise Refused(mark("This course has been withdrawn. What you did in it stays."))
    if not any(p["key"] == part for p in package.parts):
        raise Refused(mark("The course has no such part."), status=422)
    attempt = queries.attempt_of(session, package.id or 0, by) or _begin(session, package, by=by, now=now)
    attempt.last_at = now
    for launch in queries.open_launches(session, attempt.id or 0, part, now):
        launch.expires_at = now
    _restart_if_ended(session, package, attempt, part)
    token = secrets.token_urlsafe(32)
    session.add(
        CourseLaunch(
            attempt_id=attempt.id or 0,
            part=part,
            token_hash=digest(token),
            session=str(uuid4()),
            auth_hash="",
            made_at=now,
            expires_at=now + LAUNCH_LASTS,
        )
    )
    tracked = next(p for p in package.parts if p["key"] == part)["tracked"]
    if not tracked:  # nothing will ever be reported
        _keep_result(session, package, attempt, part, Result(Completion.COMPLETED), by=by, now=now)
    session.flush()
    return token


def _begin(session: Session, package: CoursePackage, *, by: int, now: datetime) -> CourseAttempt:
    attempt = CourseAttempt(
        person_id=by,
        package_id=package.id or 0,
        registration=str(uuid4()),
        completion=Completion.BEGUN,
        begun_at=now,
        last_at=now,
    )
    try:
        with session.begin_nested():  # the same form, sent twice in the same moment
            session.add(attempt)
            session.flush()
    except IntegrityError:
        found = queries.attempt_of(session, package.id or 0, by)
        assert found is not None  # noqa: S101
        return found
    after = {"title": package.title["zh"], "version": package.version}
    record(session, "outside course begun", "course_attempt", attempt.id, by=by, now=now, after=after)
    return attempt


def _restart_if_ended(session: Session, package: CoursePackage, attempt: CourseAttempt, part: str) -> None:
    """SCORM 2004: a part that ended without asking to be resumed begins anew; what it came to stays."""
    state = queries.states_of(session, attempt.id or 0).get(part)
    if package.standard is Standard.SCORM_2004 and state is not None and state.ended:
        state.reported, state.ended = {}, False


# ——— Reports ———


def keep_report(
    session: Session, opened: Opened, *, number: int, values: Mapping[Any, Any], finished: bool, now: datetime
) -> bool:
    """What a SCORM part says, whole each time; the attempt is locked. False for one that came too late."""
    package, launch = opened.package, opened.launch
    if number <= launch.saves or package.standard is Standard.CMI5:
        return False
    launch.saves = number
    known = kept(package.standard, values)
    old = package.standard is Standard.SCORM_12
    state = _state(session, opened.attempt, launch.part, now=now)
    session_seconds = seconds_of(known.get("cmi.core.session_time" if old else "cmi.session_time", ""))
    seconds = max(0.0, state.seconds - launch.seconds + session_seconds)
    launch.seconds = session_seconds
    state.reported = known
    leaving = known.get("cmi.core.exit" if old else "cmi.exit", "")
    state.ended = finished and leaving not in ("suspend", "logout")
    mastery, threshold = opened.part["mastery"], opened.part["threshold"]
    result = (
        result_12(known, mastery, finished=finished, seconds=seconds)
        if old
        else result_2004(known, mastery, threshold, seconds=seconds)
    )
    by = opened.person.id or 0
    _keep_result(session, package, opened.attempt, launch.part, result, by=by, now=now)
    return True


def _state(session: Session, attempt: CourseAttempt, part: str, *, now: datetime) -> CourseState:
    state = queries.states_of(session, attempt.id or 0).get(part)
    if state is None:
        state = CourseState(
            attempt_id=attempt.id or 0, part=part, completion=Completion.BEGUN, changed_at=now
        )
        session.add(state)
        session.flush()
    return state


def _keep_result(
    session: Session,
    package: CoursePackage,
    attempt: CourseAttempt,
    part: str,
    result: Result,
    *,
    by: int,
    now: datetime,
) -> None:
    """Of the part and of the course. What was completed stays so; a verdict or a score gives way to a later one."""
    state = _state(session, attempt, part, now=now)
    if state.completion is not Completion.COMPLETED:
        state.completion = result.completion
    state.passed = state.passed if result.passed is None else result.passed
    state.score = state.score if result.score is None else result.score
    state.seconds, state.changed_at = result.seconds, now
    session.flush()
    whole = together([p["key"] for p in package.parts], queries.results_of(session, attempt.id or 0))
    attempt.passed, attempt.score, attempt.seconds = whole.passed, whole.score, whole.seconds
    attempt.last_at = now
    if whole.completion is Completion.COMPLETED and attempt.completed_at is None:
        attempt.completion, attempt.completed_at = Completion.COMPLETED, now
        record(
            session,
            "outside course completed",
            "course_attempt",
            attempt.id,
            by=by,
            now=now,
            after={"title": package.title["zh"], "version": package.version},
        )


# ——— cmi5 ———


def give_auth(opened: Opened) -> str | None:
    """What a part signs its requests with; once a launch."""
    if opened.launch.auth_hash:
        return None
    auth = secrets.token_urlsafe(32)
    opened.launch.auth_hash = digest(auth)
    return auth


def keep_statement(session: Session, opened: Opened, statement: dict[str, Any], *, now: datetime) -> bool:
    """Kept once; False when another one has its id. The attempt is locked; the statement has been checked."""
    attempt, part = opened.attempt, opened.launch.part
    known = queries.statement_with(session, attempt.id or 0, statement["id"].lower())
    if known is not None:
        return _same(known.statement) == _same(statement)
    if queries.how_many_statements(session, attempt.id or 0) >= MOST_STATEMENTS:
        raise Refused(mark("This course has sent more than can be kept."), status=413)
    stamp = now.isoformat().replace("+00:00", "Z")
    defined = is_defined(statement)
    session.add(
        CourseStatement(
            attempt_id=attempt.id or 0,
            part=part,
            uuid=statement["id"].lower(),
            verb=verb_of(statement),
            defined=defined,
            statement={"timestamp": stamp, **statement, "stored": stamp},
            stored_at=now,
        )
    )
    session.flush()
    verb = verb_of(statement).rpartition("/")[2]
    state = _state(session, attempt, part, now=now)
    seconds = state.seconds
    if defined and verb == "terminated":
        spent = seconds_of(str((statement.get("result") or {}).get("duration", "")))
        seconds = max(0.0, seconds - opened.launch.seconds + spent)
        opened.launch.seconds = spent
    result = result_cmi5(
        queries.defined_of(session, attempt.id or 0, part), opened.part["move_on"], seconds=seconds
    )
    _keep_result(session, opened.package, attempt, part, result, by=opened.person.id or 0, now=now)
    return True


def _same(statement: Mapping[str, Any]) -> str:
    return json.dumps(
        {k: v for k, v in statement.items() if k not in ("stored", "timestamp")}, sort_keys=True
    )


def keep_document(
    session: Session,
    opened: Opened,
    *,
    kind: str,
    part: str,
    name: str,
    media_type: str,
    content: str,
    now: datetime,
) -> None:
    rows = queries.documents(session, opened.attempt.id or 0, kind, part)
    row = next((r for r in rows if r.name == name), None)
    if row is None:
        if len(rows) >= MOST_DOCUMENTS:
            raise Refused(mark("This course has sent more than can be kept."), status=413)
        row = CourseDocument(
            attempt_id=opened.attempt.id or 0,
            kind=kind,
            part=part,
            name=name,
            media_type=media_type,
            content=content,
            changed_at=now,
        )
        session.add(row)
    row.media_type, row.content, row.changed_at = media_type, content, now
    session.flush()


def forget_documents(session: Session, opened: Opened, *, kind: str, part: str, name: str | None) -> None:
    """One, or without a name all of that kind."""
    session.exec(
        delete(CourseDocument).where(
            col(CourseDocument.attempt_id) == opened.attempt.id,
            col(CourseDocument.kind) == kind,
            col(CourseDocument.part) == part,
            true() if name is None else col(CourseDocument.name) == name,
        )
    )
