"""What is typed to open a session and to settle it, and how a page of ratings is read."""

from typing import Annotated

from pydantic import Field

from portal.i18n import gettext
from portal.refusal import mark
from portal.web.forms import Form, Input

NOTE_MOST = 300


class OpenStandard(Input):
    """`questions`: how many are rated; drawn by the exam's blueprint."""

    title: Annotated[str, Field(min_length=3, max_length=120)]
    questions: Annotated[int, Field(ge=5, le=200)]


class Because(Input):
    reason: Annotated[str, Field(min_length=5, max_length=500)]


def read_ratings(form: Form, questions: list[int]) -> tuple[dict[int, tuple[float, str]], dict[str, str]]:
    """Question → (chance 0–1, note) of what was filled in, and a sentence for each field that is wrong."""
    ratings: dict[int, tuple[float, str]] = {}
    errors: dict[str, str] = {}
    for question in questions:
        typed, note = form[f"p-{question}"].strip().rstrip("%％").strip(), form[f"note-{question}"].strip()
        if len(note) > NOTE_MOST:
            errors[f"note-{question}"] = gettext(
                mark("Please keep this within %(max_length)s characters."), max_length=NOTE_MOST
            )
        if not typed:
            if note:
                errors[f"p-{question}"] = gettext(mark("A remark needs its percentage."))
            continue
        if not (typed.isascii() and typed.isdigit() and len(typed) <= 3 and int(typed) <= 100):
            errors[f"p-{question}"] = gettext(mark("Please write a whole percentage from 0 to 100."))
            continue
        ratings[question] = int(typed) / 100, note
    return ratings, errors
