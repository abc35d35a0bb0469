"""What an account may be."""

from datetime import timedelta
from enum import StrEnum

PASSWORD_MIN, PASSWORD_MAX = 10, 128
SESSION_LASTS = timedelta(days=30)
CONFIRM_LASTS = timedelta(days=3)
INVITE_LASTS = timedelta(days=14)
RESET_LASTS = timedelta(hours=2)


class TokenKind(StrEnum):
    CONFIRM = "confirm"
    RESET = "reset"


class StaffRole(StrEnum):
    REVIEWER = "reviewer"
    PARTNER_MANAGER = "partner_manager"
    PROGRAMME_MANAGER = "programme_manager"
    ADMINISTRATOR = "administrator"
