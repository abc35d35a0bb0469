"""Parent and subsidiary: both sides say yes, nobody stands in a circle."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from portal.group.models import OrganisationLink
from portal.group.rules import LinkStatus, why_not_link
from portal.history.models import History
from portal.organisations.rules import Role
from tests.factories import employ, hold_level, make_organisation, make_person


@pytest.fixture
def two(session):
    people = make_person(session, "Child Owner"), make_person(session, "Parent Owner")
    return [
        (make_organisation(session, name, owner=person), person)
        for name, person in zip(("Child", "Parent"), people, strict=True)
    ]


def test_the_whole_way(browse, session, two):
    (child, asks), (parent, answers) = two
    down, up = browse(asks), browse(answers)
    page = down.post("/my/group", {"other_code": parent.credit_code, "side": "child"})
    assert page.said == "Asked. It holds once an owner of the other side says yes."
    assert child.parent_id is None
    link = session.exec(select(OrganisationLink)).one()
    assert down.post(f"/my/group/{link.id}", {"move": "confirm"}).status == 404  # not one's own question
    assert (
        up.post(f"/my/group/{link.id}", {"move": "confirm"}).said == "Done; the other side can read it too."
    )
    assert up.post(f"/my/group/{link.id}", {"move": "confirm"}).status == 409
    assert (child.parent_id, link.status) == (parent.id, LinkStatus.CONFIRMED)
    hold_level(session, child)
    session.commit()
    assert "ParentParent Co., Ltd" in browse().get(f"/providers/{child.slug}").text
    told = session.exec(select(History.organisation_id).where(History.verb == "link confirmed")).all()
    assert sorted(told) == sorted([child.id, parent.id])
    assert down.post(f"/my/group/{link.id}", {"move": "end"}).status == 200
    assert child.parent_id is None


def test_bad_questions(browse, session, two):
    (child, asks), (parent, _) = two
    client = browse(asks)

    def errors(code: str, side: str = "child") -> list[str]:
        return client.post("/my/group", {"other_code": code, "side": side}).errors

    assert errors(child.credit_code) == ["That is your own organisation."]
    assert errors("91") != []
    assert errors(parent.credit_code) == []
    assert errors(parent.credit_code) == [
        "This link is asked for already; the other side has not answered yet."
    ]
    child.parent_id = parent.id
    session.commit()
    assert errors(parent.credit_code) == ["The subsidiary has a parent already. That link must end first."]
    assert errors(parent.credit_code, "parent") == [
        "The parent stands below the subsidiary already: that would be a circle."
    ]


def test_a_circle_that_two_answers_would_close(browse, session, two):
    (child, asks), (parent, answers) = two
    browse(asks).post("/my/group", {"other_code": parent.credit_code, "side": "child"})
    browse(answers).post("/my/group", {"other_code": child.credit_code, "side": "child"})
    first, second = session.exec(select(OrganisationLink).order_by(OrganisationLink.id)).all()
    assert browse(answers).post(f"/my/group/{first.id}", {"move": "confirm"}).status == 200
    assert browse(asks).post(f"/my/group/{second.id}", {"move": "confirm"}).status == 409
    session.expire_all()
    assert (child.parent_id, parent.parent_id) == (parent.id, None)


def test_strangers_and_managers(browse, session, two):
    (_, asks), (parent, _) = two
    browse(asks).post("/my/group", {"other_code": parent.credit_code, "side": "child"})
    link = session.exec(select(OrganisationLink)).one()
    stranger, manager = make_person(session), make_person(session)
    make_organisation(session, "Stranger", owner=stranger)
    employ(session, parent, manager, role=Role.MANAGER)
    assert browse(stranger).post(f"/my/group/{link.id}", {"move": "confirm"}).status == 404
    assert browse(manager).post(f"/my/group/{link.id}", {"move": "confirm"}).status == 403
    assert browse(asks).post(f"/my/group/{link.id}", {"move": "nonsense"}).status == 404


@given(st.lists(st.tuples(st.integers(1, 8), st.integers(1, 8)), max_size=30))
def test_links_never_make_a_circle(pairs):
    parents: dict[int, int] = {}
    for child, parent in pairs:
        if why_not_link(child, parent, parents) is None:
            parents[child] = parent
    for start in parents:
        seen, at = {start}, parents.get(start)
        while at is not None:
            assert at not in seen
            seen.add(at)
            at = parents.get(at)
