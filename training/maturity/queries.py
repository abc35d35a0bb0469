"""Measurements, evidence and what was accepted of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, or_, select

from portal.files.models import StoredFile
from portal.files.queries import Opening, openings
from portal.ledger.models import Fact
from portal.ledger.rules import FactKind
from portal.organisations.models import Organisation
from portal.organisations.rules import Trust
from training.maturity.models import Assessment, MaturityEvidence, MaturityProof
from training.maturity.quarters import Quarter
from training.maturity.questions import Instrument
from training.maturity.rules import OPEN, SUBJECT, Accepted, ProofStatus


def assessments_of(
    session: Session, organisation_id: int, instrument: Instrument = Instrument.SEVEN, limit: int = 40
) -> list[Assessment]:
    """Newest first."""
    return list(
        session.exec(
            select(Assessment)
            .where(Assessment.organisation_id == organisation_id, Assessment.instrument == instrument)
            .order_by(col(Assessment.taken_at).desc(), col(Assessment.id).desc())
            .limit(limit)
        )
    )


def proofs_of(session: Session, organisation_id: int, instrument: Instrument) -> list[MaturityProof]:
    """Newest first, of every dimension."""
    return list(
        session.exec(
            select(MaturityProof)
            .where(MaturityProof.organisation_id == organisation_id, MaturityProof.instrument == instrument)
            .order_by(col(MaturityProof.id).desc())
        )
    )


def accepted_of(proofs: Collection[MaturityProof]) -> list[Accepted]:
    return [
        Accepted(p.dimension, p.score, p.decided_at, p.valid_until)
        for p in proofs
        if p.status is ProofStatus.ACCEPTED and p.score is not None and p.decided_at and p.valid_until
    ]


def open_proof(
    session: Session, organisation_id: int, instrument: Instrument, dimension: str, *, lock: bool = False
) -> MaturityProof | None:
    """The one that is written or lies with the reviewers."""
    query = select(MaturityProof).where(
        MaturityProof.organisation_id == organisation_id,
        MaturityProof.instrument == instrument,
        MaturityProof.dimension == dimension,
        col(MaturityProof.status).in_(OPEN),
    )
    return session.exec(query.with_for_update() if lock else query).first()


def open_proofs_of(session: Session, organisation_id: int) -> list[MaturityProof]:
    """Of every questionnaire, locked."""
    return list(
        session.exec(
            select(MaturityProof)
            .where(MaturityProof.organisation_id == organisation_id, col(MaturityProof.status).in_(OPEN))
            .order_by(col(MaturityProof.id))
            .with_for_update()
        )
    )


@dataclass(frozen=True)
class Piece:
    id: int
    item: str
    note: str
    added_at: datetime
    file: str | None
    size: int | None
    sha256: str | None


def pieces_of(session: Session, proof_id: int) -> list[Piece]:
    """The evidence that counts, in the order in which it came."""
    rows = session.exec(
        select(
            MaturityEvidence.id,
            MaturityEvidence.item,
            MaturityEvidence.note,
            MaturityEvidence.added_at,
            StoredFile.name,  # type: ignore[call-overload]
            StoredFile.size,
            StoredFile.sha256,
        )
        .join(StoredFile, col(MaturityEvidence.file_id) == col(StoredFile.id), isouter=True)
        .where(MaturityEvidence.proof_id == proof_id, col(MaturityEvidence.removed_at).is_(None))
        .order_by(col(MaturityEvidence.id))
    )
    return [Piece(*row) for row in rows]


def piece_in(
    session: Session, piece_id: int, organisation_id: int
) -> tuple[MaturityEvidence, MaturityProof] | None:
    """The organisation's own, with what it belongs to."""
    return session.exec(
        select(MaturityEvidence, MaturityProof)
        .join(MaturityProof, col(MaturityEvidence.proof_id) == col(MaturityProof.id))
        .where(
            MaturityEvidence.id == piece_id,
            MaturityProof.organisation_id == organisation_id,
            col(MaturityEvidence.removed_at).is_(None),
        )
    ).first()


def file_in(session: Session, piece_id: int, proof_id: int) -> StoredFile | None:
    return session.exec(
        select(StoredFile)
        .join(MaturityEvidence, col(MaturityEvidence.file_id) == col(StoredFile.id))
        .where(
            MaturityEvidence.id == piece_id,
            MaturityEvidence.proof_id == proof_id,
            col(MaturityEvidence.removed_at).is_(None),
        )
    ).first()


def openings_of(session: Session, proof_id: int) -> list[Opening]:
    """Who opened which evidence when; of evidence that was removed too."""
    files = session.exec(select(MaturityEvidence.file_id).where(MaturityEvidence.proof_id == proof_id))
    return openings(session, [f for f in files if f is not None])


def evidence_files(
    session: Session, organisation_id: int
) -> list[tuple[MaturityEvidence, MaturityProof, StoredFile | None]]:
    """All of it, for an export."""
    rows = session.exec(
        select(MaturityEvidence, MaturityProof, StoredFile)
        .join(MaturityProof, col(MaturityEvidence.proof_id) == col(MaturityProof.id))
        .join(StoredFile, col(MaturityEvidence.file_id) == col(StoredFile.id), isouter=True)
        .where(MaturityProof.organisation_id == organisation_id)
        .order_by(col(MaturityEvidence.id))
    )
    return [(evidence, proof, file) for evidence, proof, file in rows]


def seen_on_the_spot(session: Session, organisation_id: int, now: datetime) -> Fact | None:
    """What a member of staff saw of all seven, while it holds."""
    return session.exec(
        select(Fact)
        .where(
            Fact.organisation_id == organisation_id,
            Fact.kind == FactKind.MATURITY_VERIFIED,
            Fact.source_kind != SUBJECT,
            Fact.true_from <= now,
            or_(col(Fact.true_until).is_(None), col(Fact.true_until) > now),
            col(Fact.retracted_at).is_(None),
        )
        .order_by(col(Fact.true_from).desc(), col(Fact.id).desc())
        .limit(1)
    ).first()


# ——— The ecosystem ———


@dataclass(frozen=True)
class Measured:
    organisation_id: int
    taken_at: datetime
    counted: dict[str, float]
    name: str
    kind: str
    stars: int


def measured_in(session: Session, instrument: Instrument, quarters: Sequence[Quarter]) -> list[Measured]:
    """Every measurement of those quarters, oldest first; one query."""
    rows = session.exec(
        select(
            Assessment.organisation_id,
            Assessment.taken_at,
            Assessment.counted,
            Organisation.short_name,
            Organisation.kind,  # type: ignore[call-overload]
            Organisation.stars,
        )
        .join(Organisation, col(Assessment.organisation_id) == col(Organisation.id))
        .where(
            Assessment.instrument == instrument,
            or_(
                *(
                    (col(Assessment.taken_at) >= q.start) & (col(Assessment.taken_at) < q.end)
                    for q in quarters
                )
            ),
        )
        .order_by(col(Assessment.taken_at), col(Assessment.id))
    )
    return [Measured(*row) for row in rows]


def accepted_by_organisation(session: Session, instrument: Instrument) -> dict[int, list[Accepted]]:
    """Everything that was ever accepted; one query."""
    found: dict[int, list[Accepted]] = {}
    for row in session.exec(
        select(MaturityProof).where(
            MaturityProof.instrument == instrument, MaturityProof.status == ProofStatus.ACCEPTED
        )
    ):
        found.setdefault(row.organisation_id, []).extend(accepted_of([row]))
    return found


def first_measurement(session: Session) -> datetime | None:
    return session.exec(select(Assessment.taken_at).order_by(col(Assessment.taken_at)).limit(1)).first()


def to_remind(session: Session, quarter: Quarter) -> list[int]:
    """Organisations whose last measurement is older than the quarter and who have not been told in it."""
    later = select(Assessment.organisation_id).where(
        Assessment.instrument == Instrument.SEVEN, Assessment.taken_at >= quarter.start
    )
    return list(
        session.exec(
            select(Assessment.organisation_id)
            .join(Organisation, col(Assessment.organisation_id) == col(Organisation.id))
            .where(
                Assessment.instrument == Instrument.SEVEN,
                col(Organisation.trust).in_((Trust.PROVISIONAL, Trust.VERIFIED)),
                col(Assessment.organisation_id).not_in(later),
            )
            .group_by(col(Assessment.organisation_id))
            .having(
                ~col(Assessment.organisation_id).in_(
                    select(Assessment.organisation_id).where(col(Assessment.reminded_at) >= quarter.start)
                )
            )
        )
    )


def last_locked(session: Session, organisation_id: int) -> Assessment | None:
    return session.exec(
        select(Assessment)
        .where(Assessment.organisation_id == organisation_id, Assessment.instrument == Instrument.SEVEN)
        .order_by(col(Assessment.taken_at).desc(), col(Assessment.id).desc())
        .limit(1)
        .with_for_update()
    ).first()
