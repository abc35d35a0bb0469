"""Export everything, leave, come back, and succeed who left long ago."""

import io
import json
import zipfile
from datetime import datetime, timedelta

from sqlmodel import Session

from portal.desk.parts import CONTRIBUTIONS
from portal.files import store
from portal.files.actions import keep_file
from portal.files.models import StoredFile
from portal.history.actions import record
from portal.jobs import enqueue
from portal.leaving import queries
from portal.leaving.models import Leaving, OrganisationExport
from portal.leaving.rules import EXPORT_MOVES, MOST_ATTEMPTS, README, ExportStatus, manifest_of, may_return
from portal.mail.actions import send_mail
from portal.mergers.actions import take_over
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.organisations.rules import TRUST_MOVES, EmploymentStatus, Ending, Trust
from portal.programme.queries import programme_at
from portal.refusal import Refused, checked_move, mark
from portal.rights.rules import require

EXPORT_FIRST = mark(
    "Make an export first and wait until it is ready: afterwards it is the only copy you hold."
)
ALREADY_ASKED = mark("An export is being made already.")
SUCCEEDS = mark("the same organisation registered again and was verified")


# ——— The export ———


def ask_export(session: Session, organisation: Organisation, *, by: int, now: datetime) -> OrganisationExport:
    from portal.leaving.jobs import make_export  # noqa: PLC0415  the job calls this module

    require(programme_at(session, now), organisation, "export")
    if queries.export_waiting(session, organisation.id or 0):
        raise Refused(ALREADY_ASKED)
    row = OrganisationExport(organisation_id=organisation.id or 0, asked_at=now, asked_by=by)
    session.add(row)
    session.flush()
    record(
        session,
        "export asked for",
        "organisation_export",
        row.id,
        by=by,
        now=now,
        organisation_id=organisation.id,
    )
    enqueue(session, make_export, row.id or 0)
    return row


def claim_export(session: Session, export_id: int, *, now: datetime) -> bool:
    """Take it in hand; False when there is nothing to do, or when it failed too often."""
    row = queries.export_locked(session, export_id)
    if (
        row is None
        or row.status is not ExportStatus.WAITING
        or row.id not in queries.exports_due(session, now)
    ):
        return False
    if row.attempts >= MOST_ATTEMPTS:
        row.status = ExportStatus(checked_move(EXPORT_MOVES, row.status, "fail"))  # type: ignore[arg-type]
        return False
    row.claimed_at, row.attempts = now, row.attempts + 1
    return True


def finish_export(session: Session, export_id: int, *, now: datetime) -> None:
    """Collect, zip, keep. One transaction reads everything, so the parts fit together."""
    row = queries.export_locked(session, export_id)
    if row is None or row.status is not ExportStatus.WAITING:
        return
    organisation = session.get_one(Organisation, row.organisation_id)
    content = pack(session, organisation, now=now)
    file = keep_file(
        session,
        f"{organisation.slug}-{now:%Y%m%d}.zip",
        content,
        media_type="application/zip",
        by=row.asked_by,
        now=now,
    )
    row.status = ExportStatus(checked_move(EXPORT_MOVES, row.status, "finish"))  # type: ignore[arg-type]
    row.file_id, row.ready_at = file.id, now
    row.expires_at = now + timedelta(days=programme_at(session, now).profile["export_kept_d"])
    for owner in owners_of(session, row.organisation_id):
        send_mail(
            session,
            "leaving/export",
            to=owner,
            now=now,
            name=owner.name,
            organisation=organisation.short_name,
            until=row.expires_at,
            path="/my/export",
        )


def pack(session: Session, organisation: Organisation, *, now: datetime) -> bytes:
    """The ZIP: JSON of every feature, files, a README in both languages, a manifest with hashes."""
    contents: dict[str, bytes] = {}
    for part in CONTRIBUTIONS.export:
        copies = part(session, organisation.id or 0)
        for path, data in copies.data.items():
            contents[path] = json.dumps(data, ensure_ascii=False, indent=1, default=str).encode()
        for path, text in copies.texts.items():
            contents[path] = text.encode()
        for path, file in copies.files.items():
            contents[path] = store.get(file.sha256)
    contents["README.md"] = README.format(
        name=organisation.legal_name, made=now.isoformat(timespec="seconds")
    ).encode()
    manifest = json.dumps(manifest_of(contents), indent=1).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in sorted({**contents, "manifest.json": manifest}.items()):
            archive.writestr(path, content)
    return packed.getvalue()


def remove_export(session: Session, export_id: int, *, now: datetime) -> None:
    """The bytes go; the row and who opened it stay."""
    row = queries.export_locked(session, export_id)
    if row is None or row.status is not ExportStatus.READY or (row.expires_at and row.expires_at > now):
        return
    row.status = ExportStatus(checked_move(EXPORT_MOVES, row.status, "remove"))  # type: ignore[arg-type]
    if row.file_id is not None:
        store.remove(session.get_one(StoredFile, row.file_id).sha256, before=now)


# ——— Leaving and coming back ———


def leave(session: Session, organisation: Organisation, reason: str, *, by: int, now: datetime) -> Leaving:
    """Everything that runs ends by its own table of moves; facts and cases stay where they are."""
    require(programme_at(session, now), organisation, "leave")
    if queries.export_ready(session, organisation.id or 0, now) is None:
        raise Refused(EXPORT_FIRST)
    owners = owners_of(session, organisation.id or 0)
    row = Leaving(
        organisation_id=organisation.id or 0,
        left_at=now,
        left_by=by,
        reason=reason,
        credit_code=organisation.credit_code,
    )
    session.add(row)
    session.flush()
    for part in CONTRIBUTIONS.leave:
        part(session, organisation, reason, by=by, now=now)
    if organisation.trust is not Trust.CLOSED:
        organisation.trust = Trust(checked_move(TRUST_MOVES, organisation.trust, "close"))  # type: ignore[arg-type]
        organisation.revision += 1
    record(
        session,
        "left the programme",
        "organisation",
        organisation.id,
        by=by,
        now=now,
        organisation_id=organisation.id,
        after={"trust": organisation.trust.value},
        reason=reason,
    )
    for owner in owners:
        send_mail(
            session,
            "leaving/left",
            to=owner,
            now=now,
            name=owner.name,
            organisation=organisation.short_name,
            until=now + timedelta(days=programme_at(session, now).return_d),
            path="/my",
        )
    return row


def come_back(session: Session, organisation: Organisation, *, by: int, now: datetime) -> None:
    """Provisional until verified again; levels are applied for anew."""
    programme = programme_at(session, now)
    require(programme, organisation, "return")
    row = queries.departure_of(session, organisation.id or 0, lock=True)
    if row is None:
        raise Refused(mark("It did not leave by itself: please write to the portal's office."))
    if not may_return(row.left_at, now, programme.return_d):
        raise Refused(
            mark(
                "The time to come back is over. Register the organisation again; once verified it takes its history over."
            )
        )
    before = organisation.trust
    organisation.trust = Trust(checked_move(TRUST_MOVES, organisation.trust, "return"))  # type: ignore[arg-type]
    organisation.trust_reason, organisation.returned_at, organisation.verified_at = "", now, None
    organisation.revision += 1
    row.returned_at = now
    record(
        session,
        "came back",
        "organisation",
        organisation.id,
        by=by,
        now=now,
        organisation_id=organisation.id,
        before={"trust": before.value},
        after={"trust": organisation.trust.value},
    )


def make_room(session: Session, credit_code: str, *, now: datetime) -> Leaving | None:
    """The code of an organisation that left long ago is free for a new registration, which may succeed it."""
    days = timedelta(days=programme_at(session, now).return_d)
    found = queries.left_long_ago(session, credit_code, now - days)
    if found is None:
        return None
    row, organisation = found
    organisation.credit_code = f"LEFT{organisation.id:014d}"
    session.flush()
    return row


def succeed(session: Session, organisation_id: int, *, by: int | None, now: datetime) -> None:
    """Called when an organisation is verified: what its predecessor left comes over, but not its last people:
    who owns the successor says who works there."""
    from portal.organisations.actions import end_employment  # noqa: PLC0415  registering asks this module

    for row in queries.succeeded_by(session, organisation_id):
        if row.returned_at is None:
            row.returned_at = now
            for one in queries.everybody_of(session, row.organisation_id):
                if one.employment.status is not EmploymentStatus.ENDED:
                    end_employment(session, one.employment, Ending.CLOSED, by=by, now=now)
            take_over(session, row.organisation_id, organisation_id, SUCCEEDS, by=by, now=now)
