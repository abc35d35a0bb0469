"""Seasons with the days that were announced, and exceptions for one organisation."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from portal.columns import json_field
from portal.seasons.rules import Phase, read


class Season(SQLModel, table=True):
    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(max_length=12, unique=True)  # S2026
    year: int = Field(unique=True)  # in which it begins
    starts_at: datetime = Field(index=True)
    ends_at: datetime  # the first moment after it
    phases: list[dict[str, str]] = json_field(list)  # as announced, and moved since
    revision: int = 1

    @property
    def dated(self) -> list[Phase]:
        return read(self.phases)


class SeasonException(SQLModel, table=True):
    """A form that is open for one organisation after its phase."""

    __tablename__ = "season_exception"
    id: int | None = Field(default=None, primary_key=True)
    season_id: int = Field(foreign_key="season.id", index=True)
    organisation_id: int = Field(foreign_key="organisation.id", index=True)
    form: str = Field(max_length=20)
    until: datetime  # the end of a day in China
    reason: str = Field(max_length=300)
    given_at: datetime
    given_by: int = Field(foreign_key="person.id")
