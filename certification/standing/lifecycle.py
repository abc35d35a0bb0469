"""Levels, applications, sittings and credentials when an organisation merges, leaves or is exported."""

from datetime import datetime

from sqlmodel import Session

from certification.credentials.models import Credential
from certification.credentials.queries import credentials_of_organisation, credentials_of_team
from certification.exams.models import Sitting
from certification.standing.actions import move_trust, note_stars, recompute
from certification.standing.models import Application, Level
from certification.standing.queries import levels_of
from certification.standing.rules import PUBLIC, Family, LevelStatus
from portal.desk.parts import Copies, Fate, Line
from portal.leaving.rules import as_data
from portal.mergers.own import move
from portal.mergers.queries import how_many, rows_of
from portal.organisations.models import Organisation
from portal.organisations.rules import Trust
from portal.refusal import mark

HELD = (*PUBLIC, LevelStatus.SUSPENDED)
MERGED = mark("merged into another registration of the same organisation")


def _held(session: Session, organisation_id: int) -> int:
    return sum(1 for level in levels_of(session, organisation_id) if level.status in HELD)


def merge_preview(session: Session, from_id: int, _into_id: int) -> list[Line]:
    return [
        Line(
            mark("Levels, whose credentials are revoked: %(n)s"),
            Fate.ENDS,
            _held(session, from_id),
            mark("The remaining organisation keeps its own levels; they are computed anew with what moves."),
        ),
        Line(
            mark("Earlier applications for levels: %(n)s"),
            Fate.STAYS,
            how_many(session, Application.organisation_id, from_id),
            mark("They belong to the levels that end."),
        ),
        Line(mark("Exam sittings: %(n)s"), Fate.MOVES, how_many(session, Sitting.organisation_id, from_id)),
    ]


def merge(
    session: Session, from_id: int, into_id: int, *, by: int | None, now: datetime
) -> dict[str, list[int]]:
    """First of all parts: the levels end while their facts are still there."""
    organisation = session.get_one(Organisation, from_id)
    if organisation.trust is not Trust.CLOSED:
        move_trust(session, organisation, "close", MERGED, by=by, now=now)
    return move(session, Sitting.organisation_id, from_id, into_id)


def merged(session: Session, from_id: int, into_id: int, now: datetime) -> None:
    """Derived anew, for both."""
    for organisation_id in (from_id, into_id):
        note_stars(session, organisation_id, now=now)
        for family in Family:
            recompute(session, organisation_id, family, now=now)


def leave_preview(session: Session, organisation_id: int) -> list[Line]:
    return [
        Line(
            mark("Levels, whose credentials are revoked: %(n)s"),
            Fate.ENDS,
            _held(session, organisation_id),
            mark("After coming back levels are applied for anew."),
        )
    ]


def leave(session: Session, organisation: Organisation, reason: str, *, by: int, now: datetime) -> None:
    move_trust(session, organisation, "close", reason, by=by, now=now)


def export(session: Session, organisation_id: int) -> Copies:
    own = credentials_of_organisation(session, organisation_id)
    people = credentials_of_team(session, organisation_id)
    signed: dict[str, str] = {}
    for row in [*own, *(credential for credential, _ in people)]:
        signed[f"certificates/{row.number or row.uuid}-{row.id}.json"] = row.signed
    return Copies(
        {
            "levels.json": [
                as_data(row) for row in rows_of(session, Level.organisation_id, organisation_id, lock=False)
            ],
            "level-applications.json": [
                as_data(row)
                for row in rows_of(session, Application.organisation_id, organisation_id, lock=False)
            ],
            "certificates.json": [
                *(_certificate(row, "") for row in own),
                *(_certificate(row, name) for row, name in people),
            ],
        },
        texts={path: text for path, text in signed.items() if text},
    )


def _certificate(row: Credential, name: str) -> dict[str, object]:
    return as_data(row, leave_out=("signed", "status_list", "status_index", "key_id")) | {"person": name}
