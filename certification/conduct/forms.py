"""What staff open and decide, and what organisations answer."""

from typing import Annotated

from pydantic import Field

from certification.conduct.rules import Kind, Measure, Origin
from certification.standing.rules import Family
from portal.web.forms import Input


class Open(Input):
    kind: Kind
    origin: Origin
    complainant: Annotated[str, Field(max_length=120)] = ""
    text: Annotated[str, Field(min_length=10, max_length=3000)]


class Word(Input):
    text: Annotated[str, Field(min_length=10, max_length=5000)]


class Because(Input):
    reason: Annotated[str, Field(min_length=10, max_length=1000)]


class Propose(Input):
    measure: Measure
    family: Family | None = None
    reason_class: Annotated[str, Field(min_length=1, max_length=40)]
    reason: Annotated[str, Field(min_length=10, max_length=1000)]
