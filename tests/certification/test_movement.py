"""When a level moves: what was known when, the moments at which something can change, clocks, and nothing computed in vain."""

import itertools
import os
import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlmodel import select

from certification.credentials.keyring import ensure_keys
from certification.standing import actions, jobs
from certification.standing.models import Level
from certification.standing.movement import (
    Clock,
    changes,
    falls,
    look_again,
    met_since,
    next_move,
    run_clocks,
)
from certification.standing.rules import PUBLIC, Family, LevelStatus, as_data, evaluate, standing
from portal import clock
from portal.app import put_together
from portal.history.models import History
from portal.ledger.actions import end_facts, retract_facts, write_fact
from portal.ledger.queries import changes_waiting, facts_of, facts_of_many
from portal.ledger.rules import FactKind
from portal.notices.rules import reminder_due
from tests.certification.ledger import CLIENTS, NOW, RULES, K, fact, three_stars, write
from tests.factories import employ, make_organisation, make_person

DAY = timedelta(days=1)


# ——— Two times ———


def test_a_past_day_as_known_then_and_as_known_now():
    facts = three_stars()
    before = evaluate(facts, "operator", 3, NOW - 20 * DAY, RULES)
    [certificate] = [f for f in facts if f.value.get("number") == "P2-1"]
    late = fact(K.CASE_PUBLISHED, 30, recorded=5, client="late", named=False, case_id=99)
    ended = replace(
        certificate,
        true_until=NOW - 25 * DAY,
        end_recorded_at=NOW - 10 * DAY,
        until_before=certificate.true_until,
    )
    written = [ended if f is certificate else f for f in facts] + [late]
    then = evaluate(written, "operator", 3, NOW - 20 * DAY, RULES)
    assert (then, then.digest) == (before, before.digest)
    now = evaluate(written, "operator", 3, NOW - 20 * DAY, RULES, known_at=NOW)
    assert now.metric("cases_published_24m").value == before.metric("cases_published_24m").value + 1
    assert (before.metric("staff_senior").value, now.metric("staff_senior").value) == (1, 0)


def test_a_retracted_fact_leaves_every_day_as_known_now():
    facts = [
        replace(f, retracted_at=NOW - 5 * DAY) if f.kind == K.OUTCOME_ATTESTED else f for f in three_stars()
    ]
    past = NOW - 20 * DAY
    assert evaluate(facts, "operator", 3, past, RULES).metric("outcomes_attested_12m").value == 3
    assert (
        evaluate(facts, "operator", 3, past, RULES, known_at=NOW).metric("outcomes_attested_12m").value == 0
    )


def test_a_case_that_was_withdrawn_counts_no_longer_and_says_so():
    facts = [replace(f, true_until=NOW - DAY) if f.kind == K.CASE_PUBLISHED else f for f in three_stars()]
    metric = evaluate(facts, "operator", 3, NOW, RULES).metric("cases_published_24m")
    assert (metric.value, {c.why_not for c in metric.not_counted}) == (0, {"it was withdrawn or replaced"})


def test_standing_is_the_tree_of_every_number_of_stars():
    facts = three_stars()
    stand = standing(facts, "operator", NOW, RULES)
    assert [t.stars for t in stand.trees] == [3, 4, 5]
    assert (stand.stars, stand.automatic) == (3, 2)
    assert stand.tree(4) == evaluate(facts, "operator", 4, NOW, RULES)
    assert standing(facts[::-1], "operator", NOW, RULES).digest == stand.digest
    assert standing([], "isv", NOW, RULES).stars == 0


def test_a_name_in_the_tree_is_not_a_reason():
    facts = three_stars()
    married = [replace(f, person="another name") if f.person_id == 1 else f for f in facts]
    first, second = (evaluate(f, "operator", 3, NOW, RULES) for f in (facts, married))
    assert first.digest == second.digest
    assert first != second


# ——— The moments at which something can change ———

KINDS = [
    K.EMPLOYMENT,
    K.CERTIFICATE,
    K.TRAINING,
    K.CASE_PUBLISHED,
    K.OUTCOME_ATTESTED,
    K.REVIEW,
    K.RESPONSE,
    K.CONDUCT,
    K.MATURITY_VERIFIED,
    K.COMPLAINT_UPHELD,
    K.CONTINUITY_CREDIT,
    K.LEVEL,
]


@st.composite
def histories(draw):
    """Facts of two years: some late, some with an end, some whose end came to be known later, some retracted."""

    def one(kind, days, late, ends, known_late, retracted, number):
        value = {
            "code": ("P1", "P2")[number % 2],
            "hours": number,
            "client": "abc"[number % 3],
            "named": number % 2 == 0,
            "rating": 1 + number % 5,
            "attainment": number / 10,
            "in_time": number % 3 > 0,
            "delta": -number,
            "score": number * 5,
            "severity": ("major", "minor")[number % 2],
            "metric": "staff_certified",
            "heads": 1,
            "stars": 3 + number % 3,
            "family": "operator",
        }
        personal = kind in (K.EMPLOYMENT, K.CERTIFICATE, K.TRAINING)
        row = fact(kind, days, person=1 + number % 4 if personal else None, recorded=days - late, **value)
        if ends:
            row = replace(row, true_until=row.true_from + ends * DAY)
        if ends and known_late:
            row = replace(row, end_recorded_at=row.true_until + known_late * DAY)
        return replace(row, retracted_at=row.recorded_at + retracted * DAY) if retracted else row

    rows = st.builds(
        one,
        st.sampled_from(KINDS),
        st.integers(0, 800),
        st.sampled_from([0, 0, 0, 7]),
        st.sampled_from([0, 0, 30, 100, 900]),
        st.sampled_from([0, 0, 9]),
        st.sampled_from([0, 0, 0, 20]),
        st.integers(0, 19),
    )
    return draw(st.lists(rows, max_size=25))


@settings(max_examples=25, deadline=None)
@given(histories(), st.integers(3, 5), st.randoms(use_true_random=False))
def test_between_two_moments_nothing_changes(facts, stars, chance):
    since, until = NOW - 60 * DAY, NOW + 60 * DAY
    moments = [since, *changes(facts, "operator", RULES, since, until), until]
    gaps = [(a, b) for a, b in itertools.pairwise(moments) if a < b]
    for start, end in chance.sample(gaps, min(len(gaps), 8)):
        first, second = (
            as_data(evaluate(facts, "operator", stars, at, RULES))
            for at in (start, start + (end - start) * chance.uniform(0, 0.999))
        )
        for tree in (first, second):
            tree["at"] = None
            for gate in tree["gates"]:
                if gate["key"] == "held_4star_days_min":
                    gate["value"] = None  # days go by; whether there are enough of them is compared
        assert first == second


@settings(max_examples=25, deadline=None)
@given(histories())
def test_days_in_a_row_are_exact(facts):
    """Against asking every six hours."""
    rules = RULES | {"families": {"operator": {"hard_gates": {"3": {"conduct_min": 90}}, "metrics": []}}}
    since = met_since(
        facts, "operator", 3, NOW, rules | {"scoring": RULES["scoring"] | {"pass_score": {"3": 0}}}, 14 * DAY
    )
    lenient = rules | {"scoring": RULES["scoring"] | {"pass_score": {"3": 0}}}
    asked = [NOW - n * timedelta(hours=6) for n in range(14 * 4 + 1)]
    broken = [at for at in asked if not evaluate(facts, "operator", 3, at, lenient).met]
    if since is None:
        assert broken[0] == NOW
    else:
        assert all(at < since for at in broken)
        assert (
            since == NOW - 14 * DAY
            or not evaluate(facts, "operator", 3, since - timedelta(seconds=1), lenient).met
        )


# ——— Clocks ———

SINCE, UNTIL = NOW, NOW + 60 * DAY
RUNNING = Clock("staff_certified", SINCE, UNTIL)
LATER = Clock("cases_published_24m", NOW + 20 * DAY, NOW + 110 * DAY)
FAR = NOW + 300 * DAY

NEXT = [
    (LevelStatus.ACTIVE, [], FAR, 0, None),
    (LevelStatus.ACTIVE, [], NOW, 0, "renew"),
    (LevelStatus.ACTIVE, [], NOW + DAY, 0, None),
    (LevelStatus.AT_RISK, [], FAR, 0, "recover"),
    (LevelStatus.PROBATION, [], FAR, 0, "recover"),
    (LevelStatus.ACTIVE, [RUNNING], FAR, 0, "risk"),
    (LevelStatus.ACTIVE, [RUNNING], FAR, 90, "risk"),  # never straight down
    (LevelStatus.AT_RISK, [RUNNING], FAR, 29.99, None),
    (LevelStatus.AT_RISK, [RUNNING], FAR, 30, "probation"),
    (LevelStatus.AT_RISK, [LATER], FAR, 64.99, None),
    (LevelStatus.AT_RISK, [LATER], FAR, 65, "probation"),
    (LevelStatus.PROBATION, [RUNNING], FAR, 59.99, None),
    (LevelStatus.PROBATION, [RUNNING], FAR, 60, "downgrade"),
    (LevelStatus.PROBATION, [LATER, RUNNING], FAR, 60, "downgrade"),
    (LevelStatus.PROBATION, [LATER], FAR, 60, "ease"),
    (LevelStatus.AT_RISK, [RUNNING], NOW, 29.99, None),  # the renewal window is open
    (LevelStatus.AT_RISK, [RUNNING], NOW - 5 * DAY, 25, "expire"),
    (LevelStatus.ACTIVE, [RUNNING], NOW - 30 * DAY, 0, "expire"),
]


@pytest.mark.parametrize(("status", "clocks", "valid_until", "days", "move"), NEXT)
def test_the_next_move(status, clocks, valid_until, days, move):
    assert next_move(status, clocks, valid_until, RULES, NOW + days * DAY) == move


@given(st.sampled_from(sorted(PUBLIC)), st.floats(0, 120), st.floats(0, 59.9))
def test_no_level_falls_before_its_grace_ends(status, start, days):
    """Whatever the status says: while no clock is over, there is no way down."""
    clocks = [replace(RUNNING, since=NOW + start * DAY, until=NOW + (start + 60) * DAY), LATER]
    at = NOW + min(start + days, 109.9) * DAY
    assert next_move(status, clocks, FAR, RULES, at) != "downgrade"


def test_one_looks_again_when_the_first_thing_can_change():
    facts = three_stars()
    first = changes(facts, "operator", RULES, NOW, NOW + 400 * DAY)[0]
    assert look_again(facts, "operator", [], FAR, RULES, NOW) == first
    clock_at = Clock("staff_certified", NOW - 59 * DAY, NOW + DAY)
    assert look_again(facts, "operator", [clock_at], FAR, RULES, NOW) == NOW + DAY


@pytest.mark.parametrize(
    ("left", "told", "due"),
    [
        (91, None, None),
        (90, None, 90),
        (61, 90, None),
        (60, 90, 60),
        (6, None, 7),
        (6, 7, None),
        (0.5, 7, 1),
        (0, 1, None),
    ],
)
def test_reminders_come_once_each(left, told, due):
    assert reminder_due(NOW + left * DAY, told, [90, 60, 30, 7, 1], NOW) == due


def test_what_lapses_next_and_what_it_does():
    facts = [f for f in three_stars() if f.kind != K.MATURITY_VERIFIED]
    facts.append(fact(K.MATURITY_VERIFIED, 340, until=-25, score=60))
    [first, *rest] = falls(facts, "operator", 3, NOW, RULES, 100 * DAY)
    assert (first.at, first.key, first.tree.met) == (NOW + 25 * DAY, "maturity_verified", False)
    assert [f.key for f in rest] == []
    assert falls(facts, "operator", 3, NOW, RULES, 24 * DAY) == []


# ——— Computed as facts come, computed from scratch ———


class World:
    """Organisations to which things happen, and the sweep that follows them."""

    def __init__(self, session, seed: int, organisations: int) -> None:
        self.session, self.chance, self.now = session, random.Random(seed), clock.now() - 300 * DAY
        self.organisations, self.people, self.written = [], {}, []
        for _ in range(organisations):
            owner = make_person(session)
            organisation = make_organisation(session, owner=owner, at=self.now - 60 * DAY)
            team = [owner, *(make_person(session) for _ in range(2))]
            for person in team[1:]:
                employ(session, organisation, person, at=self.now - 60 * DAY)
            write(session, organisation, three_stars(at=self.now), [p.id for p in team])
            actions.grant_level(
                session, organisation.id, Family.OPERATOR, 3, "after review", by=None, now=self.now
            )
            self.organisations.append(organisation.id)
            self.people[organisation.id] = [p.id for p in team]
        session.flush()

    def happens(self) -> None:
        """One thing, to one organisation."""
        organisation = self.chance.choice(self.organisations)
        kind = self.chance.choice(["write", "write", "write", "write", "end", "retract"])
        if kind != "write" and self.written:
            fact_kind, source = self.written.pop(self.chance.randrange(len(self.written)))
            if kind == "end":
                end_facts(self.session, fact_kind, source=source, at=self.now)
            else:
                retract_facts(self.session, source=source, reason="wrong", by=None, now=self.now)
            return
        value = {
            K.CERTIFICATE: {"code": self.chance.choice(["P1", "P2"]), "number": "x"},
            K.TRAINING: {"hours": self.chance.randint(1, 20), "module": "x"},
            K.CASE_PUBLISHED: {"client": self.chance.choice(CLIENTS), "named": self.chance.random() < 0.5},
            K.OUTCOME_ATTESTED: {"client": self.chance.choice(CLIENTS), "attainment": self.chance.random()},
            K.REVIEW: {"client": self.chance.choice(CLIENTS), "rating": self.chance.randint(1, 5)},
            K.RESPONSE: {"in_time": self.chance.random() < 0.8, "brief_id": 1},
            K.RENEWAL: {"client": "x", "renewed": self.chance.random() < 0.6},
            K.CONDUCT: {"delta": -self.chance.randint(1, 25), "reason": "x"},
            K.MATURITY_VERIFIED: {"score": self.chance.randint(30, 90)},
        }
        what = self.chance.choice(list(value))
        personal = what in (K.CERTIFICATE, K.TRAINING)
        source = ("event", len(self.written) + self.chance.randrange(10**9))
        write_fact(
            self.session,
            what,
            organisation_id=None if personal else organisation,
            person_id=self.chance.choice(self.people[organisation]) if personal else None,
            source=source,
            now=self.now,
            true_until=self.now + 90 * DAY if self.chance.random() < 0.2 else None,
            **value[what],
        )
        self.written.append((what, source))

    def levels(self) -> list[Level]:
        self.session.flush()
        self.session.expire_all()
        return list(self.session.exec(select(Level).order_by(Level.id)))

    def from_scratch(self) -> list[tuple]:
        """What each level would be if everything were computed anew now."""
        facts = facts_of_many(self.session, self.organisations)
        anew = []
        for row in self.levels():
            if row.status not in PUBLIC:
                anew.append(as_kept(row))
                continue
            tree = evaluate(facts[row.organisation_id], row.family, row.stars, self.now, RULES)
            clocks = run_clocks(actions.clocks_of(row), tree, RULES, self.now)
            assert next_move(row.status, clocks, row.valid_until, RULES, self.now) is None
            anew.append((row.id, row.stars, row.status, tree.score, list(clocks)))
        return anew


def as_kept(row: Level) -> tuple:
    return (row.id, row.stars, row.status, row.score, actions.clocks_of(row))


@pytest.fixture(autouse=True)
def _portal():
    put_together()
    ensure_keys(clock.now())


@pytest.mark.timeout(1800)  # the long run: ten thousand events
def test_what_is_computed_as_facts_come_is_what_is_computed_from_scratch(session):
    """After every thing that happens, and whatever time has passed, for all organisations."""
    soak = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
    world = World(session, seed=7, organisations=10)
    moves = set()
    for n in range(10_000 if soak else 100):
        world.now += timedelta(hours=world.chance.choice([0.2, 1, 3] if soak else [1, 9, 70]))
        world.happens()
        session.commit()
        jobs.compute_due(world.now)
        if soak and n % 10:  # ten events come together
            continue
        kept = [as_kept(row) for row in world.levels()]
        assert kept == world.from_scratch()
        moves |= {row[2] for row in kept}
    last = select(History.id).order_by(History.id.desc()).limit(1)
    before = session.exec(last).one()
    for organisation in world.organisations:
        actions.recompute(session, organisation, "operator", now=world.now)
    assert session.exec(last).one() == before
    assert len(moves) > 1


def test_a_past_day_can_be_computed_as_it_was_computed_then(session):
    """Trees kept on the way are found again from the ledger, to the hash."""
    world = World(session, seed=11, organisations=2)
    kept = []
    for n in range(80):
        world.now += timedelta(hours=world.chance.choice([1, 9, 70]))
        world.happens()
        if n % 8 == 0:
            organisation = world.chance.choice(world.organisations)
            tree = evaluate(facts_of(session, organisation), "operator", 3, world.now, RULES)
            kept.append((organisation, world.now, tree.digest))
    again = [evaluate(facts_of(session, o), "operator", 3, at, RULES).digest for o, at, _ in kept]
    assert again == [digest for *_, digest in kept]
    assert len({digest for *_, digest in kept}) == len(kept)


def test_writing_of_a_person_concerns_where_they_work_and_worked(session):
    at = clock.now()
    first, second, stranger = (make_organisation(session) for _ in range(3))
    person = make_person(session)
    for organisation in (first, second):
        write_fact(
            session,
            FactKind.EMPLOYMENT,
            organisation_id=organisation.id,
            person_id=person.id,
            source=("test", organisation.id),
            now=at,
        )
    before = changes_waiting(session)
    write_fact(
        session, FactKind.TRAINING, person_id=person.id, source=("test", 1), now=at, hours=1, module="x"
    )
    after = changes_waiting(session)
    assert {o for o in after if after[o] != before.get(o)} == {first.id, second.id}
    assert stranger.id in after  # it was verified
