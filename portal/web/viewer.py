"""Who is asking: a frozen value made once a request. It refuses nobody; guards do."""

from dataclasses import dataclass, field

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from portal.refusal import NotFound


@dataclass(frozen=True)
class Acting:
    """The organisation a person acts for, by an open employment link."""

    id: int
    kind: str  # provider | brand
    name: str
    role: str  # owner | member
    trust: str


@dataclass(frozen=True)
class Viewer:
    person_id: int
    session_id: int
    name: str
    email: str
    confirmed: bool
    organisation: Acting | None = None
    staff_roles: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_staff(self) -> bool:
        return bool(self.staff_roles)

    @property
    def is_owner(self) -> bool:
        return self.organisation is not None and self.organisation.role == "owner"


class SignInNeeded(Exception):
    """Nobody is signed in; the page sends them to sign in and back."""


def viewer_of(connection: ASGIConnection) -> Viewer:
    viewer = connection.scope.get("user")
    if not isinstance(viewer, Viewer):
        raise SignInNeeded
    return viewer


# Guards stand on routers, never on single handlers: one would be forgotten.


def public(_connection: ASGIConnection, _handler: BaseRouteHandler) -> None:
    """Says that everybody may come in."""


def signed_in(connection: ASGIConnection, _handler: BaseRouteHandler) -> None:
    viewer_of(connection)


def staff(connection: ASGIConnection, _handler: BaseRouteHandler) -> None:
    if not viewer_of(connection).is_staff:
        raise NotFound


def in_organisation(connection: ASGIConnection, _handler: BaseRouteHandler) -> None:
    if viewer_of(connection).organisation is None:
        raise NotFound


def _of_kind(kind: str, *, owner: bool = False):  # type: ignore[no-untyped-def]
    def guard(connection: ASGIConnection, _handler: BaseRouteHandler) -> None:
        acting = viewer_of(connection).organisation
        if acting is None or acting.kind != kind or (owner and acting.role != "owner"):
            raise NotFound

    guard.__name__ = f"{kind}_{'owner' if owner else 'member'}"
    return guard


provider_member = _of_kind("provider")
provider_owner = _of_kind("provider", owner=True)
brand_member = _of_kind("brand")
