"""Which domain, and how it is to be proved."""

from typing import Annotated

from pydantic import AfterValidator, Field

from portal.domains.rules import Method, read_domain
from portal.web.forms import Input, Wrong


def _domain(value: str) -> str:
    try:
        return read_domain(value)
    except ValueError as error:
        raise Wrong(str(error)) from None


class ClaimDomain(Input):
    domain: Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_domain)]
    way: str = Method.DNS.value  # dns, or the part of a mailbox before the @, or "own"
