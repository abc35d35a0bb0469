"""Codes that are right once."""

import hmac
from datetime import datetime

import pyotp

STEP = 30  # seconds; RFC 6238
WINDOW = 1  # steps a clock may be off
RECOVERY_CODES = 10
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that reads like something else
MOST_PASSKEYS = 20


def step_of(now: datetime) -> int:
    return int(now.timestamp()) // STEP


def step_taken(secret: str, code: str, now: datetime, last_step: int) -> int | None:
    """The time step that the code belongs to: near enough to now, and later than the last one taken; None when wrong."""
    totp = pyotp.TOTP(secret)
    for step in range(step_of(now) - WINDOW, step_of(now) + WINDOW + 1):
        if step > last_step and hmac.compare_digest(totp.generate_otp(step), plain(code)):
            return step
    return None


def next_code(secret: str, now: datetime, last_step: int) -> str | None:
    """The first code that would be taken now; None when all of the window are used up."""
    step = max(step_of(now), last_step + 1)
    return pyotp.TOTP(secret).generate_otp(step) if step <= step_of(now) + WINDOW else None


def plain(code: str) -> str:
    """As typed, without the spaces and hyphens that make it readable; only ASCII can be right."""
    return "".join(c for c in code.lower() if c.isalnum() and c.isascii())


def in_groups(text: str, size: int = 4) -> str:
    return " ".join(text[i : i + size] for i in range(0, len(text), size))
