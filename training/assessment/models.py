"""What an organisation says of itself; each time a new row, so that the change is a number."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from portal.columns import json_field


class Assessment(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    answers: dict[str, int] = json_field()
    claimed: dict[str, float] = json_field()  # 0–100 a dimension
    counted: dict[str, float] = json_field()  # after the prerequisites
    overall: float
    taken_at: datetime
    taken_by: int = Field(foreign_key="person.id")
