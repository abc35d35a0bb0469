"""Ask for a copy and make it; ask for an erasure, take it back, carry it out."""

import base64
import io
import json
import zipfile
from datetime import date, datetime
from enum import Enum
from typing import Any
from uuid import uuid4

from sqlmodel import Session, delete, update

from portal import clock
from portal.accounts.models import Person
from portal.departures.actions import depart
from portal.desk.parts import CONTRIBUTIONS
from portal.files import store
from portal.files.actions import forget_file, keep_made
from portal.history.actions import erase_personal, record
from portal.i18n import ERASED
from portal.mail.actions import send_mail
from portal.organisations.actions import end_employment
from portal.organisations.queries import open_employment
from portal.organisations.rules import Ending
from portal.people.actions import remove_photo
from portal.people.queries import page_of
from portal.privacy.models import Erasure, PersonExport
from portal.privacy.queries import (
    employments_of,
    erasure_due,
    export_waiting,
    exports_run_out,
    files_of,
    has_staff_role,
    how_many,
    invitations_to,
    only_owner_of,
    open_erasure,
    personal_history,
    rows_of,
    table_of,
    theirs,
)
from portal.privacy.rules import ADDRESS, KEPT_FOR, WAIT, Fate
from portal.refusal import Refused, mark

MOST_FILES = 100 * 1024 * 1024


def ask_export(session: Session, person_id: int, *, now: datetime) -> PersonExport:
    """One at a time: a second request while one waits meets the database's unique index."""
    row = PersonExport(person_id=person_id, asked_at=now)
    session.add(row)
    session.flush()
    record(session, "own data asked for", "person", person_id, by=person_id, now=now)
    return row


def _plain(value: Any) -> Any:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return str(value)


def make_export(session: Session, export_id: int, *, now: datetime) -> bool:
    """A ZIP: one JSON file an area, and the files that the person uploaded. Safe to call again."""
    export = export_waiting(session, export_id)
    if export is None:
        return False
    person = session.get_one(Person, export.person_id)
    areas = {area.table: area for area in CONTRIBUTIONS.personal}
    out, room = io.BytesIO(), MOST_FILES
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for area in areas.values():
            rows = rows_of(session, area, person, areas)
            text = json.dumps(rows, ensure_ascii=False, indent=1, default=_plain)
            archive.writestr(f"{area.table}.json", text)
        for file in files_of(session, person.id or 0):
            if file.media_type != "application/zip" and file.size <= room:
                room -= file.size
                try:
                    archive.writestr(f"files/{file.id}-{file.name}", store.get(file.sha256))
                except Refused as problem:
                    if problem.status != 410:  # silent: again later
                        raise
    name = f"yuqiao-{clock.today(now)}.zip"
    made = keep_made(session, name, out.getvalue(), "application/zip", by=person.id or 0, now=now)
    export.made_at, export.expires_at, export.file_id = now, now + KEPT_FOR, made.id
    session.flush()
    send_mail(
        session,
        "privacy/export",
        to=person,
        now=now,
        name=person.name,
        until=export.expires_at,
        path="/my/privacy",
    )
    return True


def note_download(session: Session, person_id: int, *, now: datetime) -> None:
    record(session, "own data downloaded", "person", person_id, by=person_id, now=now)


def remove_exports(session: Session, *, now: datetime, person_id: int | None = None) -> None:
    """Those that have run out; with a person all of theirs."""
    for export, file in exports_run_out(session, now, person_id=person_id):
        export.file_id = None
        session.flush()
        forget_file(session, file)


def why_not_erase(session: Session, person_id: int, now: datetime) -> list[tuple[str, dict[str, Any]]]:
    """What must be done first: (catalogue key, values) each."""
    found: list[tuple[str, dict[str, Any]]] = []
    if alone := only_owner_of(session, person_id):
        found.append(
            (
                mark(
                    "You are the only owner of %(organisation)s. Make somebody else an owner, or close it, first."
                ),
                {"organisation": alone},
            )
        )
    if has_staff_role(session, person_id, now):
        found.append((mark("You hold a role on the platform. Have an administrator take it back first."), {}))
    found += [(why, {}) for ask in CONTRIBUTIONS.why_not_erase if (why := ask(session, person_id))]
    return found


def ask_erasure(session: Session, person: Person, *, revoke: bool, now: datetime) -> Erasure:
    assert person.id is not None  # noqa: S101
    session.get_one(Person, person.id, with_for_update=True)
    if open_erasure(session, person.id):
        raise Refused(mark("The erasure is asked for already."))
    for why, values in why_not_erase(session, person.id, now):
        raise Refused(why, **values)
    row = Erasure(person_id=person.id, asked_at=now, due_at=now + WAIT, revoke=revoke)
    session.add(row)
    session.flush()
    record(session, "erasure asked for", "person", person.id, by=person.id, now=now)
    send_mail(
        session,
        "privacy/erasure",
        to=person,
        now=now,
        name=person.name,
        due=row.due_at,
        path="/my/privacy",
    )
    return row


def take_back(session: Session, person_id: int, *, now: datetime) -> None:
    row = open_erasure(session, person_id)
    if row is None or row.done_at:
        raise Refused(mark("No erasure is asked for."))
    row.withdrawn_at = now
    record(session, "erasure taken back", "person", person_id, by=person_id, now=now)


def carry_out(session: Session, erasure_id: int, *, now: datetime) -> bool:
    """False when it is not due, taken back, done, or something must be done first; the sweep comes again.

    Signed certificates keep their bytes; the record's chain holds without what is erased.
    """
    erasure = erasure_due(session, erasure_id, now)
    if erasure is None:
        return False
    person = session.get_one(Person, erasure.person_id, with_for_update=True)
    person_id = person.id or 0
    if why_not_erase(session, person_id, now):
        return False
    person.name = ERASED  # before others are told that somebody left
    employment = open_employment(session, person_id)
    if employment:
        depart(session, employment, Ending.LEFT, by=person_id, now=now)
    for invited in invitations_to(session, person.email):
        end_employment(session, invited, Ending.LEFT, by=person_id, now=now)
        invited.email = ""
    for before in CONTRIBUTIONS.before_erasure:
        before(session, person_id, erasure.revoke, now)
    remove_exports(session, now=now, person_id=person_id)
    page = page_of(session, person_id, lock=True)
    if page:
        remove_photo(session, page)
    session.flush()
    erase_personal(session, personal_history(session, person, employments_of(session, person_id)))
    erasure.areas = _erase_areas(session, person)
    person.email = f"{uuid4()}@{ADDRESS}"
    person.password_hash, person.confirmed_at = "!", None
    erasure.done_at = now
    record(session, "account erased", "person", person_id, by=None, now=now)
    session.flush()
    return True


def _erase_areas(session: Session, person: Person) -> dict[str, int]:
    """Rows removed, emptied and kept; the person's own row is left to the caller."""
    areas = {area.table: area for area in CONTRIBUTIONS.personal}
    done = dict.fromkeys((fate.value for fate in Fate), 0)
    for area in areas.values():
        where = theirs(area, person, areas)
        if where is None:
            continue
        done[area.fate.value] += how_many(session, area, person, areas)
        if area.fate is Fate.REMOVE:
            session.execute(delete(table_of(area)).where(where))
        elif area.fate is Fate.EMPTY and area.empty:
            session.execute(update(table_of(area)).where(where).values(**area.empty))
    session.expire_all()
    return done
