"""How often something was tried."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class Attempt(SQLModel, table=True):
    """One row a key: since when, how many times."""

    key_hash: str = Field(max_length=64, primary_key=True)  # keys hold addresses; the table does not
    began_at: datetime = Field(index=True)
    tries: int
