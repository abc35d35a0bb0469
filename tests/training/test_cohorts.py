"""Fostering cohorts: the score by part, the choice, the line, the tasks, what it was worth."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import select

from portal import clock
from portal.accounts.rules import StaffRole
from portal.app import put_together
from portal.clock import CHINA
from portal.history.queries import timeline
from portal.ledger.actions import write_fact
from portal.ledger.rules import FactKind
from portal.mail.models import Mail
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.organisations.rules import Role, Trust
from portal.programme.queries import programme_at
from portal.programme.rules import FOSTERING
from portal.refusal import Refused
from tests.factories import employ, make_organisation, make_person, open_phase, viewer_for
from training.cohorts import actions, lifecycle, queries
from training.cohorts.home import desk_lines
from training.cohorts.jobs import sweep_cohorts
from training.cohorts.models import Cohort, CohortApplication
from training.cohorts.rules import (
    APPLICATION_MOVES,
    MOVES,
    PARTS,
    STATES,
    Applied,
    Candidate,
    Inputs,
    Status,
    digest_of,
    first,
    in_order,
    score,
    total,
)
from training.cohorts.staff_pages import gains
from training.maturity.models import MaturityProof
from training.maturity.questions import Instrument, dimensions
from training.maturity.rules import ProofStatus
from training.tasks.models import Assignment, Task
from training.tasks.rules import Audience, deadline

WHY = "We want to learn"


@pytest.fixture(autouse=True)
def fostering(request):
    """Applications are tied to the season's phase; whatever the day, it is open here."""
    if "session" in request.fixturenames:
        open_phase(request.getfixturevalue("session"), "foster")


# ——— Rules ———


def made(**known):
    base = dict.fromkeys(("maturity", "hours", "verified_d", "fellows"), 0)
    return Inputs(
        **(
            base
            | {
                "maturity_gate": 50,
                "hours_gate": 8,
                "heads_needed": 2,
                "progress": (),
                "heads": 1,
                "cohort_d": None,
            }
            | known
        )
    )


def test_the_weights_of_the_programme_add_up(session):
    section = programme_at(session, clock.now()).fostering
    assert sum(section["weights"].values()) == 100
    assert set(section["weights"]) == set(section["names"]) == set(PARTS) == set(FOSTERING["weights"])


def test_each_part_by_hand():
    known = made(
        maturity=25, hours=2, progress=(1.0, 0.0, 0.5), verified_d=365, heads=14, cohort_d=73, fellows=2
    )
    points = {p.key: p.points for p in score(known, FOSTERING)}
    assert points == {
        "maturity": 10.0,  # 25 of 50
        "hours": 3.8,  # 2 of 8, 15 × 0.25
        "certificates": 18.8,  # the two furthest: 1 and 0.5
        "newcomer": 5.0,  # half of 730 days
        "size": 8.0,  # 9 of 45 above 5
        "waited": 1.0,  # 73 of 730
        "scarce": 6.0,  # 2 of 5
    }
    assert total(score(known, FOSTERING)) == 52.6
    assert total(score(made(maturity=50, hours=8, progress=(1, 1)), FOSTERING)) == 100
    assert total(score(made(verified_d=999, heads=99, cohort_d=0, fellows=9), FOSTERING)) == 0


@examples(max_examples=60)
@given(
    st.builds(
        Inputs,
        st.floats(0, 100),
        st.floats(0, 100),
        st.floats(0, 1000),
        st.floats(0, 40),
        st.integers(0, 20),
        st.lists(st.floats(0, 1), max_size=30).map(tuple),
        st.integers(0, 5000),
        st.integers(0, 500),
        st.none() | st.integers(0, 5000),
        st.integers(0, 100),
    )
)
def test_parts_keep_their_bounds_and_add_up(known):
    parts = score(known, FOSTERING)
    assert [p.key for p in parts] == list(PARTS)
    assert all(0 <= p.points <= p.weight and 0 <= p.value <= 1 for p in parts)
    assert total(parts) == round(sum(p.points for p in parts), 1) <= 100
    assert all(p.sentence % p.values for p in parts)


def test_ties_go_to_the_longer_verified_then_the_lower_number():
    now = clock.now()
    rows = [
        Candidate(1, 9, now, 50),
        Candidate(2, 8, now, 50),
        Candidate(3, 7, now - timedelta(days=1), 50),
        Candidate(4, 6, now, 60),
    ]
    order = in_order(rows)
    assert [c.application_id for c in order] == [4, 3, 2, 1]
    assert (first(order, 2), first(order, 9)) == ({4, 3}, {1, 2, 3, 4})
    assert digest_of(order) == digest_of(in_order(reversed(rows))) != digest_of(order[1:])


def test_the_tables_of_moves():
    assert set(STATES) == set(Applied)
    assert {move for _, move in MOVES} == {"choose", "finish"}
    assert {at for at, _ in APPLICATION_MOVES} == {
        Applied.APPLIED,
        Applied.WAITING,
        Applied.CHOSEN,
        Applied.WITHDRAWN,
    }
    into = [at for (at, _), to in APPLICATION_MOVES.items() if to is Applied.CHOSEN]
    assert into == [Applied.APPLIED, Applied.WAITING]


# ——— Choosing ———


@pytest.fixture
def staff(session):
    return make_person(session, "Staff", staff=StaffRole.PROGRAMME_MANAGER)


def firm(session, name, hours=0.0, **more):
    organisation = make_organisation(session, name, **more)
    owner = owners_of(session, organisation.id)[0]
    if hours:
        write_fact(
            session, FactKind.TRAINING, source=("x", 1), person_id=owner.id, now=clock.now(), hours=hours
        )
    return organisation


def make(session, staff, cap=1, now=None):
    now = now or clock.now()
    cohort = actions.make(
        session,
        {
            "name_zh": "培育班",
            "name_en": "Cohort",
            "tracks": ["TRK-10"],
            "cap": cap,
            "apply_from": now - timedelta(days=1),
            "apply_until": now + timedelta(days=10),
            "starts_at": deadline(clock.today(now + timedelta(days=12))),
            "ends_at": deadline(clock.today(now + timedelta(days=60))),
        },
        by=staff.id,
        now=now,
    )
    session.flush()
    return cohort


def apply(session, cohort, *firms, **more):
    for organisation in firms:
        actions.apply(
            session,
            cohort.id,
            organisation.id,
            motivation=WHY,
            by=owners_of(session, organisation.id)[0].id,
            now=clock.now(),
            **({"audience": Audience.EVERYBODY} | more),
        )


def choose(session, cohort, staff, taken=None, reason="", now=None):
    now = now or cohort.apply_until
    order = [s.candidate for s in actions.scored(session, cohort, now)]
    actions.choose(
        session,
        cohort.id,
        taken=first(order, cohort.cap) if taken is None else taken,
        seen=digest_of(order),
        reason=reason,
        by=staff.id,
        now=now,
    )


def states(session, cohort):
    session.flush()
    rows = queries.applicants(session, cohort.id)
    return {a.organisation.short_name: a.application.status.value for a in rows}


def subjects(session, organisation):
    session.flush()
    address = owners_of(session, organisation.id)[0].email
    return [s.partition(":")[0] for s in session.exec(select(Mail.subject).where(Mail.to_address == address))]


@pytest.fixture
def three(session, staff):
    """(cohort with one place, best, middle, last)"""
    firms = [firm(session, name, hours) for name, hours in (("Best", 8), ("Middle", 4), ("Last", 0))]
    cohort = make(session, staff)
    apply(session, cohort, *firms)
    return cohort, *firms


def test_the_first_by_score_are_taken_in_and_the_rest_wait(session, staff, three):
    cohort, best, _, last = three
    with pytest.raises(Refused):
        choose(session, cohort, staff, now=cohort.apply_until - timedelta(seconds=1))
    choose(session, cohort, staff)
    assert states(session, cohort) == {"Best": "chosen", "Middle": "waiting", "Last": "waiting"}
    row = queries.application_of(session, cohort.id, best.id)
    assert (row.place, row.score, len(row.parts)) == (1, round(sum(p["points"] for p in row.parts), 1), 7)
    assert queries.lowest_chosen(session, cohort.id) == row.score
    (task,) = session.exec(select(Task).where(Task.organisation_id == best.id)).all()
    assert (task.subject, task.due, task.from_staff, row.tasks) == ("TRK-10", cohort.ends_at, True, [task.id])
    (given_to,) = session.exec(select(Assignment.person_id).where(Assignment.task_id == task.id)).all()
    assert given_to == owners_of(session, best.id)[0].id
    assert (subjects(session, best), subjects(session, last)) == (
        ["Taken in", "A task for you"][::-1],
        ["On the waiting list"],
    )
    with pytest.raises(Refused):
        choose(session, cohort, staff)


def test_who_drops_out_makes_room_for_the_next(session, staff, three):
    cohort, best, middle, last = three
    choose(session, cohort, staff)
    later = cohort.apply_until + timedelta(days=5)
    assert (
        actions.leave(session, cohort.id, best.id, by=staff.id, reason="No time", now=later)
        is Applied.DROPPED
    )
    assert states(session, cohort) == {"Best": "dropped", "Middle": "chosen", "Last": "waiting"}
    tasks = session.exec(select(Task.organisation_id, Task.withdrawn_at).order_by(Task.id)).all()
    assert tasks == [(best.id, later), (middle.id, None)]
    assert "A place fell free" in subjects(session, middle)
    session.get_one(Organisation, last.id).trust = Trust.SUSPENDED
    actions.leave(session, cohort.id, middle.id, by=staff.id, now=later)
    assert states(session, cohort) == {"Best": "dropped", "Middle": "dropped", "Last": "waiting"}
    with pytest.raises(Refused):
        actions.leave(session, cohort.id, best.id, by=staff.id, now=later)


def test_an_override_needs_a_reason_and_stays_on_record(session, staff, three):
    cohort, best, _, last = three
    wanted = {queries.application_of(session, cohort.id, last.id).id}
    with pytest.raises(Refused):
        choose(session, cohort, staff, wanted)
    with pytest.raises(Refused):
        choose(session, cohort, staff, set(), "None at all")
    choose(session, cohort, staff, wanted, "The only one in its province")
    assert states(session, cohort) == {"Best": "waiting", "Middle": "waiting", "Last": "chosen"}
    said = {a.organisation.short_name: a.application.reason for a in queries.applicants(session, cohort.id)}
    reason = "The only one in its province"
    assert said == {"Best": reason, "Middle": "", "Last": reason}
    entry = next(e for e in timeline(session, "cohort", cohort.id) if e.verb == "cohort chosen")
    assert (entry.reason, entry.after["taken"]) == (reason, sorted(wanted))
    first_id = queries.application_of(session, cohort.id, best.id).id
    assert entry.before["by_score"] == [first_id]


def test_what_changed_since_it_was_read_is_not_chosen(session, staff, three):
    cohort = three[0]
    with pytest.raises(Refused):
        actions.choose(
            session, cohort.id, taken=set(), seen="old", reason="", by=staff.id, now=cohort.apply_until
        )
    session.get_one(Organisation, three[1].id).trust = Trust.SUSPENDED
    choose(session, cohort, staff)  # whoever is not verified any more is declined
    assert states(session, cohort) == {"Best": "declined", "Middle": "chosen", "Last": "waiting"}


def test_the_named_people_get_the_tasks(session, staff):
    one = firm(session, "Named")
    named, gone = make_person(session, "Named"), make_person(session, "Elsewhere")
    employ(session, one, named, role=Role.DELIVERY)
    cohort = make(session, staff)
    apply(session, cohort, one, audience=Audience.PEOPLE, people=[named.id, gone.id])
    apply(session, cohort, one)  # a double click changes nothing
    choose(session, cohort, staff)
    session.flush()
    assert session.exec(select(Assignment.person_id)).all() == [named.id]


def test_the_end_by_the_sweep_and_the_gain(session, staff, three):
    cohort, best, middle, last = three
    choose(session, cohort, staff)
    at = {best.id: 60.0, middle.id: 20.0}
    for organisation_id, level in at.items():
        for d in dimensions(Instrument.SEVEN):
            session.add(
                MaturityProof(
                    organisation_id=organisation_id,
                    instrument=Instrument.SEVEN,
                    dimension=d.key,
                    status=ProofStatus.ACCEPTED,
                    score=level,
                    began_at=cohort.starts_at,
                    began_by=staff.id,
                    decided_at=cohort.starts_at + timedelta(days=3),
                    valid_until=cohort.ends_at + timedelta(days=99),
                )
            )
    session.flush()
    programme, rows = programme_at(session, clock.now()), queries.applicants(session, cohort.id)
    found = gains(session, cohort, rows, programme, cohort.ends_at)
    assert [(g.organisations, g.before[""], g.after[""], g.by[""]) for _, g in found] == [
        (1, 0, 60, 60),
        (1, 0, 20, 20),
    ]
    with pytest.raises(Refused):
        actions.finish(session, cohort.id, by=staff.id, now=cohort.ends_at - timedelta(seconds=1))
    cohort.ends_at = clock.now() - timedelta(seconds=1)
    session.commit()
    sweep_cohorts()
    session.expire_all()
    assert states(session, cohort) == {"Best": "finished", "Middle": "declined", "Last": "declined"}
    assert session.get_one(Cohort, cohort.id).status is Status.FINISHED
    known = queries.inputs_of(session, [best, last], programme, clock.now() + timedelta(days=10))
    assert (known[best.id].cohort_d, known[last.id].cohort_d) == (10, None)


def test_scoring_asks_as_much_for_three_as_for_one(session, staff, three, connection):
    asked = []
    event.listen(connection, "before_cursor_execute", lambda *a: asked.append(a[2]))
    programme, counts = programme_at(session, clock.now()), []
    for some in ([three[1]], list(three[1:])):
        asked.clear()
        queries.inputs_of(session, some, programme, clock.now())
        counts.append(len(asked))
    assert counts[0] == counts[1]


# ——— Mergers, leaving ———


def test_a_merger_leaves_nobody_twice_in_one_cohort(session, staff, three):
    cohort, best, middle, last = three
    alone = firm(session, "Alone")
    choose(session, cohort, staff)
    now = cohort.apply_until
    moved = lifecycle.merge(session, best.id, middle.id, by=staff.id, now=now)
    assert (moved, states(session, cohort)) == (
        {},
        {"Best": "dropped", "Middle": "chosen", "Last": "waiting"},
    )
    row = queries.application_of(session, cohort.id, last.id)
    moved = lifecycle.merge(session, last.id, alone.id, by=staff.id, now=now)
    assert (moved, row.organisation_id) == ({"cohort_application": [row.id]}, alone.id)
    lifecycle.leave(session, session.get_one(Organisation, middle.id), "", by=staff.id, now=now)
    assert states(session, cohort) == {"Best": "dropped", "Middle": "dropped", "Alone": "chosen"}


# ——— Pages ———


def typed(**more):
    now = clock.now().astimezone(CHINA)
    moment = "%Y-%m-%dT%H:%M"
    return {
        "name_zh": "冬季班",
        "name_en": "Winter",
        "tracks": ["TRK-03", "TRK-10"],
        "cap": "1",
        "apply_from": (now - timedelta(days=1)).strftime(moment),
        "apply_until": (now + timedelta(days=5)).strftime(moment),
        "starts_on": (now + timedelta(days=8)).date().isoformat(),
        "ends_on": (now + timedelta(days=60)).date().isoformat(),
    } | more


def test_the_whole_way_over_the_pages(browse, session, staff):
    put_together()
    desk = browse(staff)
    wrong = desk.post("/staff/cohorts/new", typed(cap="0", tracks=["TRK-99"], apply_until="soon"))
    assert (wrong.status, len(wrong.errors), wrong.value("name_en")) == (422, 3, "Winter")
    assert (
        len(desk.post("/staff/cohorts/new", typed(starts_on="2026-01-01", ends_on="2026-01-01")).errors) == 2
    )
    page = desk.post("/staff/cohorts/new", typed())
    cohort = queries.every_cohort(session)[0].cohort
    assert (page.status, page.url, cohort.tracks) == (
        200,
        f"/staff/cohorts/{cohort.id}",
        ["TRK-03", "TRK-10"],
    )
    changed = typed(name_en="Winter again", revision="1")
    assert desk.post(f"{page.url}/edit", changed).status == 200
    assert desk.post(f"{page.url}/edit", changed).status == 409  # opened before the change
    one, other = firm(session, "One", 8), firm(session, "Other")
    owners = [browse(owners_of(session, f.id)[0]) for f in (one, other)]
    path = f"/my/cohorts/{cohort.id}"
    bad = owners[0].post(f"{path}/apply", {"motivation": "", "audience": "people"})
    assert (bad.status, bad.errors) == (422, ["Please fill this in."])
    nobody = owners[0].post(f"{path}/apply", {"motivation": WHY, "audience": "people"})
    assert (nobody.status, nobody.errors) == (422, ["Choose one person at least."])
    for owner in owners:
        assert owner.post(f"{path}/apply", {"motivation": WHY, "audience": "everybody"}).status == 200
    assert owners[1].post(f"{path}/leave").said == "Withdrawn."
    assert owners[1].post(f"{path}/apply", {"motivation": WHY, "audience": "everybody"}).status == 200
    assert desk.get(f"{page.url}/choose").tree.xpath("//main//form//button") == []  # not yet
    row = session.get_one(Cohort, cohort.id)
    row.apply_until = clock.now()
    session.commit()
    assert owners[0].post(f"{path}/leave").status == 200  # until it is chosen
    assert owners[0].post(f"{path}/apply", {"motivation": WHY, "audience": "everybody"}).status == 409
    session.exec(
        select(CohortApplication).where(CohortApplication.organisation_id == one.id)
    ).one().status = Applied.APPLIED
    session.commit()
    viewer_lines = desk_lines(session, viewer_for(session, staff), clock.now())
    assert [line.count for line in viewer_lines] == [1]
    read = desk.get(f"{page.url}/choose")
    seen = read.value("seen")
    ticked = read.tree.xpath("//input[@name='taken' and @checked]/@value")
    boxes = read.tree.xpath("//input[@name='taken']/@value")
    assert (len(ticked), boxes[0]) == (1, ticked[0])
    assert len(read.tree.find_class("points")) == 2 * len(PARTS)
    override = desk.post(f"{page.url}/choose", {"seen": seen, "taken": boxes[1]})
    assert (override.status, override.errors) == (422, ["Another choice than the score's needs a reason."])
    many = desk.post(f"{page.url}/choose", {"seen": seen, "taken": boxes})
    assert (many.status, many.errors) == (422, ["Choose exactly 1."])
    assert desk.post(f"{page.url}/choose", {"seen": "old", "taken": ticked}).status == 409
    assert desk.post(f"{page.url}/choose", {"seen": seen, "taken": ticked}).status == 200
    assert desk.get(f"{page.url}/choose").status == 404
    inside, waits = owners[0].get(path), owners[1].get(path)
    assert "place 1 of the waiting list" in waits.text
    score_of_one = queries.application_of(session, cohort.id, one.id).score
    assert f"Lowest score that was taken in: {score_of_one:g}" in waits.text
    assert ("One" in waits.text, "Other" in inside.text) == (False, False)
    assert desk.post(f"{page.url}/drop", {"organisation": str(one.id), "reason": ""}).status == 422
    assert desk.post(f"{page.url}/drop", {"organisation": str(other.id), "reason": "x"}).status == 404
    assert desk.post(f"{page.url}/drop", {"organisation": str(one.id), "reason": "Silent"}).status == 200
    assert "taken in" in owners[1].get("/my/cohorts").text
    assert desk.post(f"{page.url}/finish").status == 409
    learner = make_person(session)
    employ(session, one, learner)
    assert browse(learner).get(path).status == 403
