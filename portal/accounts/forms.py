"""What people type about themselves."""

from typing import Annotated

from pydantic import AfterValidator, EmailStr, Field, StringConstraints

from portal.accounts.rules import PASSWORD_MAX, PASSWORD_MIN, why_not_password
from portal.web.forms import Input, Wrong


def _lower(value: str) -> str:
    return value.lower()


def _not_common(value: str) -> str:
    if wrong := why_not_password(value):
        raise Wrong(wrong)
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


class ChangePassword(Input):
    present: Annotated[
        str, StringConstraints(strip_whitespace=False), Field(min_length=1, max_length=PASSWORD_MAX)
    ]
    password: Password


class AskReset(Input):
    email: Email
