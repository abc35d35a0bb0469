"""What people type about themselves."""

from typing import Annotated

from pydantic import AfterValidator, EmailStr, Field, StringConstraints

from portal.accounts.rules import PASSWORD_MAX, PASSWORD_MIN
from portal.refusal import mark
from portal.web.forms import Input, Wrong

# The commonest passwords of at least ten characters; the full list comes with account hardening.
COMMON = {
    "1234567890",
    "password123",
    "qwertyuiop",
    "1q2w3e4r5t",
    "0123456789",
    "password1234",
    "1234567891",
    "aaaaaaaaaa",
    "1111111111",
    "12345678910",
    "woaini1314",
    "qwerty12345",
    "iloveyou123",
    "a123456789",
    "q123456789",
}


def _lower(value: str) -> str:
    return value.lower()


def _not_common(value: str) -> str:
    if value.lower() in COMMON or len(set(value)) < 4:
        raise Wrong(mark("This password is among the first that attackers try. Please choose another."))
    return value


Email = Annotated[EmailStr, AfterValidator(_lower)]
Password = Annotated[
    str,
    StringConstraints(strip_whitespace=False),
    Field(min_length=PASSWORD_MIN, max_length=PASSWORD_MAX),
    AfterValidator(_not_common),
]
Name = Annotated[str, Field(min_length=1, max_length=80)]


class SignUp(Input):
    name: Name
    email: Email
    password: Password


class SignIn(Input):
    email: Annotated[str, Field(min_length=1, max_length=254), AfterValidator(_lower)]
    password: Annotated[
        str, StringConstraints(strip_whitespace=False), Field(min_length=1, max_length=PASSWORD_MAX)
    ]


class NewPassword(Input):
    password: Password


class AskReset(Input):
    email: Email
