"""What a provider writes of a case, and what its client answers."""

from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, EmailStr, Field, ValidationInfo, field_validator

from casebook.cases.rules import MOST_OUTCOMES, Kind, Verdict, read_unit
from portal.refusal import mark
from portal.web.forms import Form, Input, Wrong, check

Number = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]
KEYS = (
    "name",
    "kind",
    "baseline",
    "value",
    "target",
    "unit",
    "period_from",
    "period_until",
    "definition",
    "source",
)


def _known(taxonomy: str):  # type: ignore[no-untyped-def]
    """Only keys of the programme's taxonomy; the page passes them in the validation context."""

    def check_keys(value: str | list[str], info: ValidationInfo) -> str | list[str]:
        allowed = (info.context or {}).get(taxonomy)
        keys = value if isinstance(value, list) else [value] if value else []
        if allowed is not None and set(keys) - set(allowed):
            raise Wrong(mark("Please choose from the list."))
        return list(dict.fromkeys(value)) if isinstance(value, list) else value

    return AfterValidator(check_keys)


def _in_order(until: date | None, info: ValidationInfo) -> date | None:
    begin = info.data.get("period_from")
    if begin and until and until < begin:
        raise Wrong(mark("The end lies before the beginning."))
    return until


class EditCase(Input):
    """A draft may be unfinished; what it lacks is said on its page."""

    title: Annotated[str, Field(min_length=2, max_length=120)]
    client_name: Annotated[str, Field(min_length=2, max_length=120)]
    client_named: bool = False
    client_alias: Annotated[str, Field(max_length=80)] = ""
    industry: Annotated[str, _known("industries")] = ""
    stage: Annotated[str, _known("stages")] = ""
    archetype: Annotated[str, _known("archetypes")] = ""
    capabilities: Annotated[list[str], Field(max_length=6, default_factory=list), _known("capabilities")]
    channels: Annotated[list[str], Field(max_length=6, default_factory=list), _known("channels")]
    period_from: date | None = None
    period_until: Annotated[date | None, AfterValidator(_in_order)] = None
    before: Annotated[str, Field(max_length=2000)] = ""
    systems: Annotated[str, Field(max_length=500)] = ""  # one a line
    failed_first: Annotated[str, Field(max_length=2000)] = ""
    done: Annotated[str, Field(max_length=5000)] = ""
    sop_version: Annotated[str, Field(max_length=40)] = ""

    def system_list(self) -> list[str]:
        return [line.strip()[:60] for line in self.systems.replace("\r", "\n").split("\n") if line.strip()][
            :20
        ]


class EditOutcome(Input):
    name: Annotated[str, Field(min_length=1, max_length=80)]
    kind: Kind
    baseline: Number | None = None
    value: Number | None = None
    target: Number | None = None
    unit: Annotated[str, Field(max_length=20, validate_default=True)] = ""
    period_from: date | None = None
    period_until: Annotated[date | None, AfterValidator(_in_order)] = None
    definition: Annotated[str, Field(max_length=500)] = ""
    source: Annotated[str, Field(max_length=200)] = ""

    @field_validator("unit")
    @classmethod
    def fits(cls, unit: str, info: ValidationInfo) -> str:
        try:
            return read_unit(info.data["kind"], unit) if "kind" in info.data else unit
        except ValueError as error:
            raise Wrong(str(error)) from None


class SendToClient(Input):
    email: EmailStr
    language: Literal["zh", "en"] = "zh"


class Answer(Input):
    """The client's word on the whole."""

    rating: Annotated[int, Field(ge=1, le=5)]
    comment: Annotated[str, Field(max_length=1000)] = ""
    renewed: Literal["yes", "no", "early"]
    name: Annotated[str, Field(min_length=1, max_length=80)]
    role: Annotated[str, Field(min_length=1, max_length=80)]


class OutcomeAnswer(Input):
    """The client's word on one outcome."""

    verdict: Verdict
    attested_value: Number | None = None
    client_note: Annotated[str, Field(max_length=500)] = ""


def block(form: Form, prefix: str) -> Form:
    """The fields of one repeated block."""
    return Form(
        [(name.removeprefix(prefix), value) for name, value in form.fields if name.startswith(prefix)]
    )


def read_outcomes(form: Form, blocks: int) -> tuple[list[EditOutcome], dict[str, str]]:
    """The blocks that are not empty, in order; errors by field name."""
    outcomes: list[EditOutcome] = []
    errors: dict[str, str] = {}
    for n in range(1, min(blocks, MOST_OUTCOMES) + 1):
        part = block(form, f"o{n}_")
        if not any(part[key].strip() for key in KEYS if key != "kind"):
            continue
        entry, wrong = check(EditOutcome, part)
        errors |= {f"o{n}_{name}": sentence for name, sentence in wrong.items()}
        if entry:
            outcomes.append(entry)
    return outcomes, errors
