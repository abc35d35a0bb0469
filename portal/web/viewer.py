"""Who is asking: a frozen value made once a request. It refuses nobody; guards do."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from portal.programme.rules import Programme
from portal.refusal import NotFound, Refused, mark
from portal.rights.rules import NO_ROLE, VISITOR, closed, opened, rights_at, staff_rights, step_of


@dataclass(frozen=True)
class Acting:
    """The organisation a person acts for, by an open employment link."""

    id: int
    kind: str  # provider | brand
    name: str
    trust: str
    stars: int
    roles: frozenset[str]
    employment_id: int


@dataclass(frozen=True)
class Viewer:
    person_id: int
    session_id: int
    name: str
    email: str
    confirmed: bool
    programme: Programme  # in force at this request
    organisation: Acting | None = None
    staff_roles: frozenset[str] = field(default_factory=frozenset)  # none before the second factor
    unread: int = 0  # notices
    second_factor: bool = False
    owes_second_factor: bool = False  # staff, and has not passed it in this session
    since: datetime | None = None  # when this session began
    seen_at: datetime | None = None
    time_zone: str = ""  # China's when empty

    @property
    def is_staff(self) -> bool:
        return bool(self.staff_roles)

    @property
    def is_owner(self) -> bool:
        return self.organisation is not None and "owner" in self.organisation.roles

    @property
    def step(self) -> str:
        """The column of the table of rights that this person stands in."""
        acting = self.organisation
        return step_of(acting.trust, acting.stars) if acting else VISITOR

    @cached_property
    def rights(self) -> frozenset[str]:
        roles = self.organisation.roles if self.organisation else ()
        return rights_at(self.programme, self.step, roles) | staff_rights(self.programme, self.staff_roles)

    def may(self, right: str) -> bool:
        return right in self.rights

    def require(self, right: str) -> None:
        """Refused with what opens the right: the organisation's next step, or an owner who gives the role."""
        if not self.may(right):
            if opened(self.programme, self.step, right):
                raise Refused(NO_ROLE, status=403)
            raise closed(self.programme, self.step, right)


class SignInNeeded(Exception):
    """Nobody is signed in; the page sends them to sign in and back."""


class SecondFactorNeeded(Exception):
    """Staff who have not passed a second factor are sent to pass it, or to set one up."""


def viewer_of(connection: ASGIConnection) -> Viewer:
    viewer = connection.scope.get("user")
    if not isinstance(viewer, Viewer):
        raise SignInNeeded
    return viewer


# Guards stand on routers, never on single handlers: one would be forgotten. A handler names the right that it
# needs, `@post("/my/cases/new", right="draft")`; who is of another side or nobody of ours meets a 404, who only
# lacks the right reads what opens it.


def public(_connection: ASGIConnection, _handler: BaseRouteHandler) -> None:
    """Says that everybody may come in."""


def signed_in(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    viewer = viewer_of(connection)
    if "right" in handler.opt:
        viewer.require(handler.opt["right"])


def staff(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    viewer = viewer_of(connection)
    if viewer.owes_second_factor:
        raise SecondFactorNeeded
    if not viewer.may(handler.opt.get("right", "staff_see")):
        if viewer.is_staff:
            raise Refused(mark("Your role on the platform does not include this."), status=403)
        raise NotFound


def in_organisation(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
    viewer = viewer_of(connection)
    if viewer.organisation is None:
        raise NotFound
    viewer.require(handler.opt.get("right", "see"))


def _of_kind(kind: str):  # type: ignore[no-untyped-def]
    def guard(connection: ASGIConnection, handler: BaseRouteHandler) -> None:
        acting = viewer_of(connection).organisation
        if acting is None or acting.kind != kind:
            raise NotFound
        in_organisation(connection, handler)

    guard.__name__ = f"{kind}_member"
    return guard


provider_member = _of_kind("provider")
brand_member = _of_kind("brand")
