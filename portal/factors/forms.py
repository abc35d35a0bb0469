"""What people type or their browsers send to prove who they are."""

from typing import Annotated

from pydantic import Field

from portal.web.forms import Input

Credential = Annotated[str, Field(min_length=1, max_length=20_000)]  # JSON, made by the browser


class Code(Input):
    code: Annotated[str, Field(min_length=6, max_length=40)]


class NewPasskey(Input):
    name: Annotated[str, Field(min_length=1, max_length=60)]
    credential: Credential


class UsePasskey(Input):
    credential: Credential
