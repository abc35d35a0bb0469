"""The table of rights against every route: what a step or a role does not hold is refused everywhere, and only that."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from sqlmodel import select

from portal import clock
from portal.accounts.models import StaffAppointment
from portal.accounts.rules import StaffRole
from portal.organisations.actions import set_roles
from portal.organisations.models import Organisation
from portal.organisations.rules import Kind, Role, Trust
from portal.programme.queries import programme_at
from portal.programme.rules import Programme
from portal.refusal import NotFound, Refused
from portal.rights.queries import holds
from portal.rights.rules import NO_ROLE, closed, may, rights_at
from portal.web.viewer import Acting, Viewer, brand_member, in_organisation, provider_member, signed_in, staff
from tests.factories import employ, make_organisation, make_person

SIDES = {provider_member: {"provider"}, brand_member: {"brand"}, in_organisation: {"provider", "brand"}}


@pytest.fixture
def programme(session) -> Programme:
    return programme_at(session, clock.now())


def doors(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler, Any]]:
    """(method, path, handler, guard) of every route with a door."""
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            for guard in (g for layer in handler.ownership_layers for g in layer.guards or []):
                guard = getattr(guard, "func", guard)  # noqa: PLW2901
                if guard in (signed_in, staff, *SIDES):
                    for method in sorted(handler.http_methods & {"GET", "POST"}):
                        yield method, route.path, handler, guard


def right_of(handler: HTTPRouteHandler, guard: object) -> str | None:
    return handler.opt.get("right") or {signed_in: None, staff: "staff_see"}.get(guard, "see")  # type: ignore[call-overload]


def trust_of(step: str) -> tuple[str, int]:
    return ("verified", int(step)) if step.isdigit() else (step, 0)


def test_every_right_is_in_the_table(app, programme):
    table = set(programme["rights"]["table"]) | set(programme["rights"]["staff"])
    asked = {right for *_, handler, guard in doors(app) if (right := right_of(handler, guard))}
    assert asked - table == set()
    # What no door asks for decides who is listed and matched, and who may sit for a certificate.
    assert table - asked == {"listing", "matching", "certificate"}
    for row in programme["rights"]["table"].values():
        assert set(row["steps"]) <= set(programme["rights"]["steps"])
        assert set(row["roles"]) <= set(programme["rights"]["roles"]) == set(Role)


def test_the_owner_holds_whatever_anybody_holds(programme):
    for step in programme["rights"]["steps"]:
        everybody = rights_at(programme, step, list(Role))
        assert rights_at(programme, step, [Role.OWNER]) == everybody


def test_every_door_for_every_step_role_and_side(app, programme):
    """The guards themselves, over the whole product."""

    class Connection:
        def __init__(self, viewer: Viewer) -> None:
            self.scope = {"user": viewer}

    table, tried = programme["rights"]["table"], 0
    for method, path, handler, guard in doors(app):
        right = right_of(handler, guard)
        if guard is staff:
            continue
        for step in programme["rights"]["steps"]:
            for role in [None, *Role]:
                for side in ("provider", "brand"):
                    trust, stars = trust_of(step)
                    acting = (
                        None
                        if step == "visitor"
                        else Acting(1, side, "X", trust, stars, frozenset([role] if role else []), 1)
                    )
                    try:
                        guard(Connection(Viewer(1, 1, "N", "n@x.example", True, programme, acting)), handler)
                        got = "open"
                    except NotFound:
                        got = "404"
                    except Refused as refused:
                        got = "role" if refused.message == NO_ROLE else "step"
                    if guard is not signed_in and (acting is None or side not in SIDES[guard]):
                        should = "404"
                    elif right is None:
                        should = "open"
                    elif step not in table[right]["steps"]:
                        should = "step"
                    else:
                        should = "open" if step == "visitor" or role in table[right]["roles"] else "role"
                    assert got == should, f"{method} {path} at {step} as {role} of a {side}"
                    tried += 1
    assert tried > 5_000


@pytest.mark.parametrize("kind", list(Kind))
def test_every_route_answers_as_its_door_says(app, browse, session, programme, kind):
    """Over HTTP: every step as an owner, every role at 3★."""
    person = make_person(session)
    organisation = make_organisation(session, kind=kind)
    employment = employ(session, organisation, person, role=Role.OWNER)
    client = browse(person)
    routes = [
        (method, re.sub(r"\{\w+:\w+\}", "999999", path), right_of(handler, guard))
        for method, path, handler, guard in doors(app)
        if kind.value in SIDES.get(guard, ())
    ]
    assert len(routes) > 20
    as_roles = [(step, (Role.OWNER,)) for step in programme["rights"]["steps"] if step != "visitor"]
    as_roles += [("3", (role,)) for role in Role] + [("3", (Role.TRAFFIC, Role.DELIVERY))]
    wrong = []
    for step, roles in as_roles:
        organisation.trust, organisation.stars = trust_of(step)
        set_roles(session, employment, dict.fromkeys(roles), by=person.id, now=clock.now())
        session.commit()
        held = rights_at(programme, step, roles)
        sentences = {right: str(closed(programme, step, right)) for right in programme["rights"]["table"]}
        for method, path, right in routes:
            page = client.get(path) if method == "GET" else client.post(path)
            refused = NO_ROLE in page.text or (page.status == 409 and sentences[right] in page.text)
            if refused == (right in held) or page.status >= 500:
                wrong.append(f"{method} {path} at {step} as {roles}: {page.status}")
    assert wrong == []


def test_every_staff_route_for_every_staff_role(app, browse, session, programme):
    routes = [
        (method, re.sub(r"\{\w+:\w+\}", "999999", path), right_of(handler, guard))
        for method, path, handler, guard in doors(app)
        if guard is staff
    ]
    assert len(routes) > 15
    rows = programme["rights"]["staff"]
    for role in StaffRole:
        person = make_person(session, staff=role)
        client = browse(person)
        for method, path, right in routes:
            page = client.get(path) if method == "GET" else client.post(path)
            assert (page.status == 403) == (role not in rows[right]["roles"]), f"{method} {path} as {role}"
        # The role ends, and with it everything.
        for row in session.exec(select(StaffAppointment).where(StaffAppointment.person_id == person.id)):
            row.until = clock.now()
        session.commit()
        assert {client.get(path).status for method, path, _ in routes if method == "GET"} == {404}


def test_the_condition_says_what_the_rule_says(session, programme):
    """`holds` in a WHERE is `may` in Python, for every step and right."""
    organisation = make_organisation(session)
    for step in programme["rights"]["steps"]:
        if step == "visitor":
            continue
        for stars in [int(step)] if step.isdigit() else [0, 1]:
            organisation.trust, organisation.stars = Trust(trust_of(step)[0]), stars
            session.flush()
            for right in programme["rights"]["table"]:
                found = session.exec(select(Organisation.id).where(holds(programme, right))).first()
                assert (found is not None) == may(programme, organisation, right), f"{right} at {step}"
