"""Cases and their evidence when an organisation merges, leaves or is exported."""

from typing import Any

from sqlmodel import Session

from casebook.cases.models import Case
from casebook.cases.queries import confirmations_of, evidence_files, outcomes_of
from portal.desk.parts import Copies, Fate, Line
from portal.files.models import StoredFile
from portal.leaving.rules import as_data
from portal.mergers.own import move
from portal.mergers.queries import how_many, rows_of
from portal.refusal import mark


def merge_preview(session: Session, from_id: int, _into_id: int) -> list[Line]:
    n = how_many(session, Case.organisation_id, from_id)
    return [Line(mark("Cases with their outcomes, evidence and clients' answers: %(n)s"), Fate.MOVES, n)]


def merge(session: Session, from_id: int, into_id: int, **_: Any) -> dict[str, list[int]]:
    return move(session, Case.organisation_id, from_id, into_id)


def leave_preview(session: Session, organisation_id: int) -> list[Line]:
    n = how_many(session, Case.organisation_id, organisation_id)
    return [
        Line(
            mark("Cases: %(n)s"),
            Fate.STAYS,
            n,
            mark("They are still there when you come back; what clients confirmed stays confirmed."),
        )
    ]


def export(session: Session, organisation_id: int) -> Copies:
    cases: list[dict[str, Any]] = []
    files: dict[str, StoredFile] = {}
    for case in rows_of(session, Case.organisation_id, organisation_id, lock=False):
        evidence = evidence_files(session, case.id)
        paths = {row.id: f"evidence/{case.number}/{row.id}-{file.name}" for row, file in evidence}
        files |= {paths[row.id]: file for row, file in evidence}
        cases.append(
            as_data(case, leave_out=("once",))
            | {
                "outcomes": [as_data(row) for row in outcomes_of(session, case.id)],
                "client_answers": [
                    as_data(row, leave_out=("token_hash",)) for row in confirmations_of(session, case.id)
                ],
                "evidence": [as_data(row) | {"path": paths[row.id]} for row, _ in evidence],
            }
        )
    return Copies({"cases.json": cases}, files)
