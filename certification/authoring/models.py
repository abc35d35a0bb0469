"""A file of questions between its dry run and the word to import it."""

from datetime import datetime

from sqlmodel import Field, SQLModel


class BankUpload(SQLModel, table=True):
    """Kept until it is imported, or a day; read again from its bytes each time it is shown."""

    __tablename__ = "bank_upload"
    id: int | None = Field(default=None, primary_key=True)
    bank_id: int = Field(foreign_key="bank.id", index=True)
    name: str = Field(max_length=200)
    content: bytes
    uploaded_by: int = Field(foreign_key="person.id", index=True)
    uploaded_at: datetime
