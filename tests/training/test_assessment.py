"""The self-test: what is claimed, what counts, and a form of 35 answers."""

from hypothesis import given
from hypothesis import strategies as st

from portal.organisations.rules import Kind, Trust
from tests.factories import make_organisation, make_person
from training.assessment.queries import assessments_of
from training.assessment.rules import claimed, counted, dimensions, names, overall

answers = st.fixed_dictionaries({name: st.integers(0, 4) for name in names()})


def test_seven_dimensions_of_five_items_in_both_languages():
    assert [d.key for d in dimensions()] == [
        "owner",
        "employee",
        "management",
        "product",
        "marketing",
        "training",
        "customer",
    ]
    assert [len(d.items) for d in dimensions()] == [5] * 7
    assert all(item["zh"] and item["en"] for d in dimensions() for item in d.items)


def test_an_example_worked_by_hand():
    scores = {
        "owner": 40.0,
        "employee": 90.0,
        "management": 60.0,
        "product": 50.0,
        "marketing": 70.0,
        "training": 60.0,
        "customer": 95.0,
    }
    result = counted(scores)
    assert (result["employee"], result["customer"], overall(result)) == (40.0, 53.3, 53.3)


@given(answers)
def test_the_prerequisites_hold_of_all_answers(given_answers):
    scores = claimed(given_answers)
    result = counted(scores)
    assert all(0 <= value <= 100 for value in result.values())
    assert result["employee"] <= result["owner"]
    others = [value for key, value in result.items() if key != "customer"]
    assert result["customer"] <= round(sum(others) / 6, 1)
    assert all(result[key] <= scores[key] for key in scores)


def test_provisional_providers_and_brands_take_it(browse, session):
    for kind in Kind:
        person = make_person(session)
        organisation = make_organisation(session, kind=kind, owner=person, trust=Trust.PROVISIONAL)
        page = browse(person)
        missing = page.post("/my/self-test", dict.fromkeys(names()[1:], "3"))
        assert (missing.status, missing.errors) == (422, ["To the first"])
        done = page.post("/my/self-test", dict.fromkeys(names(), "3"))
        assert done.url == "/my/self-test"
        page.post("/my/self-test", dict.fromkeys(names(), "3"))  # a double click
        assert [a.overall for a in assessments_of(session, organisation.id)] == [75.0]
        assert page.post("/my/self-test", dict.fromkeys(names(), "9")).status == 422


def test_a_closed_organisation_and_strangers_do_not(browse, session):
    person = make_person(session)
    make_organisation(session, owner=person, trust=Trust.CLOSED)
    assert browse(person).post("/my/self-test", dict.fromkeys(names(), "3")).status == 409
    assert browse(make_person(session)).get("/my/self-test").status == 404
