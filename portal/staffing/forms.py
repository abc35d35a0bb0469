"""Who is appointed, to what, until when."""

from datetime import UTC, date, datetime, time, timedelta

from pydantic import EmailStr

from portal.accounts.rules import StaffRole
from portal.clock import CHINA
from portal.web.forms import Input


class Appoint(Input):
    email: EmailStr
    role: StaffRole
    until: date | None = None

    @property
    def end(self) -> datetime | None:
        """The end of the last day in China."""
        if self.until is None:
            return None
        return datetime.combine(self.until + timedelta(days=1), time(), CHINA).astimezone(UTC)
