"""What an organisation says of itself, each time a new row; and the evidence that it hands in for a dimension."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from portal.columns import enum_field, json_field
from training.maturity.questions import Instrument
from training.maturity.rules import ProofStatus


class Assessment(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    instrument: Instrument = enum_field(Instrument, default=Instrument.SEVEN)
    answers: dict[str, int] = json_field()
    claimed: dict[str, float] = json_field()  # 0–100 a dimension
    counted: dict[str, float] = json_field()  # after the prerequisites
    overall: float
    taken_at: datetime = Field(index=True)
    taken_by: int = Field(foreign_key="person.id")
    reminded_at: datetime | None = None  # that a new quarter has begun


class MaturityProof(SQLModel, table=True):
    """Evidence for one dimension on its way through the review desk."""

    __tablename__ = "maturity_proof"
    __table_args__ = (
        Index(
            "uq_maturity_proof_open",
            "organisation_id",
            "instrument",
            "dimension",
            unique=True,
            sqlite_where=text("status IN ('draft', 'sent', 'asked')"),
            postgresql_where=text("status IN ('draft', 'sent', 'asked')"),
        ),
    )
    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    instrument: Instrument = enum_field(Instrument)
    dimension: str = Field(max_length=40)
    status: ProofStatus = enum_field(ProofStatus, default=ProofStatus.DRAFT)
    claims: dict[str, int] = json_field(dict)  # item → level claimed when it was sent
    levels: dict[str, int] = json_field(dict)  # item → level accepted
    reasons: dict[str, str] = json_field(dict)
    score: float | None = None  # 0–100, once accepted
    began_at: datetime
    began_by: int = Field(foreign_key="person.id")
    decided_at: datetime | None = None
    valid_until: datetime | None = None


class MaturityEvidence(SQLModel, table=True):
    """A file, a sentence or both, for one item."""

    __tablename__ = "maturity_evidence"
    id: int | None = Field(default=None, primary_key=True)
    proof_id: int = Field(foreign_key="maturity_proof.id", index=True)
    item: str = Field(max_length=50)
    file_id: int | None = Field(default=None, foreign_key="stored_file.id", index=True)
    note: str = Field(default="", max_length=500)
    added_at: datetime
    removed_at: datetime | None = None
