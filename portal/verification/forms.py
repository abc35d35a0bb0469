"""What an owner types beside the licence."""

from typing import Annotated

from pydantic import Field

from portal.web.forms import Input


class HandIn(Input):
    representative: Annotated[str, Field(min_length=1, max_length=80)]
    note: Annotated[str, Field(max_length=500)] = ""


class AnswerAsked(Input):
    """Beside `answer_<item>` and `file_<item>` for each item that was asked about."""

    representative: Annotated[str, Field(min_length=1, max_length=80)]
