"""How the record of changes is read."""

from portal.history.rules import FIELDS, TAXONOMIES, Change, changes


def test_only_what_differs_is_said_in_the_order_it_was_written():
    assert changes(
        {"stars": 4, "status": "active", "headline": "x"}, {"stars": 4, "status": "at_risk", "headline": "y"}
    ) == [Change("status", "State", "active", "at_risk")]
    assert changes(None, {"title": "一个案例", "reviewer": 7, "file": "a.pdf"}) == [
        Change("title", "Title", None, "一个案例"),
        Change("file", "File", None, "a.pdf"),
    ]


def test_nothing_and_nothing_do_not_differ():
    assert changes({"fee_model": "", "must_have": []}, {"fee_model": None, "must_have": []}) == []
    assert changes(None, None) == []


def test_zero_and_no_are_something():
    assert changes({"accepting": None, "capacity": None}, {"accepting": False, "capacity": 0}) == [
        Change("accepting", "We accept invitations", None, False),
        Change("capacity", "How many more clients you can take now", None, 0),
    ]


def test_every_coded_field_is_a_field_people_see():
    assert set(TAXONOMIES) - set(FIELDS) == set()
