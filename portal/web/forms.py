"""What a person typed: kept as typed, checked by a Pydantic model, answered with a sentence a field."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from litestar import Request
from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException, SerializationException
from pydantic import BaseModel, ConfigDict, ValidationError

from portal.clock import CHINA
from portal.i18n import gettext
from portal.refusal import mark

M = TypeVar("M", bound="Input")
MOST_FIELDS = 1000
PASSWORDS = ("password", "present")  # keep their spaces
STALE = mark(
    "Somebody else has changed this since you opened it. Nothing was saved; what you typed is still here."
)

# Control characters, and marks that turn the direction of whatever stands after them: no text needs them.
_UNWANTED = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")


def plain(text: str) -> str:
    """Text that both databases can keep and every page can show; half characters are replaced."""
    return _UNWANTED.sub("", text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


def whole(text: str, otherwise: int = 0) -> int:
    """A whole number as hidden fields and addresses carry it; `otherwise` for everything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else otherwise


class Input(BaseModel):
    """A form. Text is stripped; what is not declared is ignored."""

    model_config = ConfigDict(str_strip_whitespace=True, extra="ignore")


class Form:
    """The fields as they arrived, so that a page can show them again. Missing fields read as ""."""

    def __init__(self, fields: Sequence[tuple[str, Any]] = (), sent: Mapping[str, Any] | None = None) -> None:
        self.fields = list(fields)
        self.sent = dict(sent or {})  # what a script sent as JSON; empty when it can't be read

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Form":
        """A form filled with what is stored, for the first showing of an edit page."""
        return cls(
            [
                (k, "" if v is None else v)
                for k, vs in values.items()
                for v in (vs if isinstance(vs, list | tuple) else [vs])
            ]
        )

    def __getitem__(self, name: str) -> str:
        return next(
            (
                v if isinstance(v, str) else str(v)
                for k, v in self.fields
                if k == name and not isinstance(v, UploadFile)
            ),
            "",
        )

    def all(self, name: str) -> list[str]:
        return [str(v) for k, v in self.fields if k == name and not isinstance(v, UploadFile) and v != ""]

    def file(self, name: str) -> UploadFile | None:
        """The uploaded file, or None when none was chosen."""
        return next(
            (v for k, v in self.fields if k == name and isinstance(v, UploadFile) and v.filename), None
        )


async def read_form(request: Request) -> Form:
    """Dependency `form`: parsed here, because a typed body that fails never reaches its handler."""
    if request.method != "POST":
        return Form()
    if request.content_type[0] == "application/json":
        return Form(sent=await _read_json(request))
    fields = list((await request.form()).multi_items())
    if len(fields) > MOST_FIELDS:
        raise ClientException("too many fields")
    return Form([(plain(k), plain(v) if isinstance(v, str) else v) for k, v in fields])


async def _read_json(request: Request) -> Mapping[str, Any]:
    """Anything but an object reads as empty; the handler answers with a sentence."""
    try:
        sent = await request.json()
    except (SerializationException, RecursionError):
        return {}
    return sent if isinstance(sent, dict) else {}


SENTENCES = {
    "missing": mark("Please fill this in."),
    "string_too_short": mark("Please write at least %(min_length)s characters."),
    "string_too_long": mark("Please keep this within %(max_length)s characters."),
    "too_short": mark("Please choose at least %(min_length)s."),
    "too_long": mark("Please choose at most %(max_length)s; you chose %(actual_length)s."),
    "greater_than_equal": mark("This must be at least %(ge)s."),
    "less_than_equal": mark("This must be at most %(le)s."),
    "greater_than": mark("This must be more than %(gt)s."),
    "less_than": mark("This must be less than %(lt)s."),
    "int_parsing": mark("Please write a whole number, in digits."),
    "int_from_float": mark("Please write a whole number, in digits."),
    "float_parsing": mark("Please write a number, in digits."),
    "decimal_parsing": mark("Please write a number, in digits."),
    "date_from_datetime_parsing": mark("Please write a date, such as 2026-11-30."),
    "date_parsing": mark("Please write a date, such as 2026-11-30."),
    "enum": mark("Please choose one of the options."),
    "literal_error": mark("Please choose one of the options."),
    "bool_parsing": mark("Please choose one of the options."),
    "url_parsing": mark("Please write a web address, such as https://example.com."),
    "url_scheme": mark("Please write a web address, such as https://example.com."),
}


NO_MOMENT = mark("Please write a day and a time, such as 2026-11-30 14:00.")
_MOMENT = re.compile(r"20\d\d-[01]\d-[0-3]\d[T ][0-2]\d:[0-5]\d(:00)?")


def china_time(typed: object) -> datetime:
    """What a field for day and time says, as time of China, in UTC."""
    try:
        if not isinstance(typed, str) or not _MOMENT.fullmatch(typed):
            raise ValueError
        return datetime.fromisoformat(typed).replace(tzinfo=CHINA).astimezone(UTC)
    except ValueError:
        raise Wrong(NO_MOMENT) from None


_NO_ADDRESS = mark("Please write an e-mail address, such as name@example.com.")


def check(
    model: type[M], form: Form, context: Mapping[str, Any] | None = None
) -> tuple[M | None, dict[str, str]]:
    """The checked input, or None with a sentence for each field that is wrong.

    A field that the model declares as a list collects every value of that name; an empty value counts as absent;
    a password keeps its spaces.
    `context` reaches the model's validators: the programme's options, say.
    """
    raw: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        listed = getattr(field.annotation, "__origin__", None) is list
        value = form.all(name) if listed else form[name] if name in PASSWORDS else form[name].strip()
        if value:
            raw[name] = value
    try:
        return model.model_validate(raw, context=context), {}
    except ValidationError as error:
        return None, _sentences(error)


def _sentences(error: ValidationError) -> dict[str, str]:
    errors: dict[str, str] = {}
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else "form"  # "form": several fields together
        context = problem.get("ctx", {})
        if problem["type"] == "value_error":
            inner = context.get("error", Wrong(_NO_ADDRESS))  # Pydantic's own are those of e-mail addresses
            text = gettext(inner.message, **inner.values) if isinstance(inner, Wrong) else gettext(str(inner))
        elif problem["type"] == "string_too_short" and context.get("min_length") == 1:
            text = gettext(SENTENCES["missing"])
        else:
            text = gettext(SENTENCES.get(problem["type"], mark("Please check this value.")), **context)
        errors.setdefault(name, text)
    return errors


class Wrong(ValueError):
    """Raised in a form's validator: the sentence (a catalogue key) that the field shows."""

    def __init__(self, message: str, **values: Any) -> None:
        super().__init__(message)
        self.message, self.values = message, values
