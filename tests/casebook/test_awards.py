"""Awards: the score by part, who may be nominated, the jury without conflicts, four eyes, objections, what falls."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import event
from sqlmodel import select

from casebook.awards import actions, lifecycle, queries
from casebook.awards.home import clocks, desk_lines
from casebook.awards.jobs import sweep_awards
from casebook.awards.models import Nomination
from casebook.awards.rules import (
    MOVES,
    READ,
    ROUND_MOVES,
    STATES,
    Candidate,
    Inputs,
    Round,
    Status,
    award_scores,
    conditions,
    final,
    formula_of,
    in_order,
    juror_points,
    jury_points,
    merit,
    performance,
)
from casebook.cases.actions import retract_case
from casebook.cases.rules import Status as CaseStatus
from casebook.merits.evidence import inputs_of
from portal import clock
from portal.accounts.rules import StaffRole
from portal.app import put_together
from portal.ledger.actions import retract_facts, write_fact
from portal.ledger.rules import FactKind
from portal.mail.models import Mail
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.organisations.rules import Role, Trust
from portal.programme.actions import DEFAULT
from portal.programme.queries import programme_at
from portal.refusal import NotFound, Refused
from tests.casebook.test_cases import make_case
from tests.factories import employ, hold_level, make_organisation, make_person, open_phase, viewer_for

NOW = datetime(2026, 11, 22, tzinfo=UTC)
MARKS = {"effect": 8, "craft": 7, "honesty": 9, "transfer": 6}
CASE, FORCES, TRUST = "case_of_the_year", "four_forces", "client_trust"


@pytest.fixture
def programme(session):
    return programme_at(session, clock.now())


# ——— Rules ———


def test_the_programme_of_awards_holds_together(programme):
    season = programme.season
    assert [sum(a["weights"].values()) for a in season["awards"]] == [100] * 6
    assert {key for a in season["awards"] for key in a["weights"]} == set(season["award_parts"]) == set(READ)
    assert {a["subject"] for a in season["awards"]} == {"case", "provider"}
    assert set(STATES) == set(Status)
    assert set(season["jury_rubric"]) == set(MARKS)
    assert formula_of(programme["conduct"]["award_formula"]) == {"performance": 0.5, "conduct": 0.5}


@pytest.mark.parametrize(
    "text", ["", "performance", "0.5 * conduct", "0.5 * conduct + 0.5 * conduct", "1 * x", "2 * conduct"]
)
def test_no_other_formula_is_read(text):
    with pytest.raises(ValueError, match=r"formula|weights"):
        formula_of(text)


def test_a_case_by_hand(programme):
    season = programme.season
    [award] = [a for a in season["awards"] if a["key"] == CASE]
    known = Inputs(attainment=0.5, rating=4.0, outcomes=2, sop=True, lesson=True, age_d=73)
    parts = award_scores(known, award, season["award_targets"])
    assert [(p.key, p.points) for p in parts] == [
        ("attainment", 15.0),
        ("review", 15.0),  # 3 of 4 steps
        ("outcomes", 13.3),
        ("replicable", 15.0),
        ("fresh", 9.0),
    ]
    assert performance(parts) == 67.3
    assert merit(67.3, 20, award, "0.5 * performance + 0.5 * conduct") == 67.3  # a case stands for itself
    assert final(67.3, 80.0, award) == 71.1
    assert final(67.3, None, award) is None


def test_half_of_a_provider_is_its_conduct(programme):
    award = {"subject": "provider", "jury": 0}
    assert merit(90, 70, award, programme["conduct"]["award_formula"]) == 80
    assert final(80, None, award) == 80


SEASON = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))["season"]
NUMBERS = st.builds(
    Inputs,
    attainment=st.floats(0, 2),
    rating=st.floats(0, 5),
    outcomes=st.integers(0, 50),
    sop=st.booleans(),
    age_d=st.integers(0, 4000),
    clients_alike=st.integers(0, 50),
    maturity=st.floats(0, 100),
    dimensions=st.integers(0, 7),
    hours=st.floats(0, 900),
    reviews=st.floats(0, 5),
    renewal=st.floats(0, 1),
    small=st.integers(0, 50),
    conduct=st.floats(0, 100),
)


@examples(max_examples=40)
@given(NUMBERS)
def test_every_score_keeps_its_bounds(known):
    for award in SEASON["awards"]:
        parts = award_scores(known, award, SEASON["award_targets"])
        assert all(0 <= p.value <= 1 and 0 <= p.points <= p.weight for p in parts)
        done = performance(parts)
        assert 0 <= done <= 100
        assert (
            0
            <= (final(merit(done, known.conduct, award, "0.5 * performance + 0.5 * conduct"), 50, award) or 0)
            <= 100
        )


@given(
    st.lists(
        st.tuples(st.sampled_from([50.0, 60.0]), st.sampled_from([1.0, 2.0]), st.integers(0, 2)), max_size=8
    )
)
@examples(max_examples=40)
def test_the_order_is_total_and_the_same_whatever_came_first(drawn):
    rows = [Candidate(n, total, worth, NOW + timedelta(days=d)) for n, (total, worth, d) in enumerate(drawn)]
    ordered = in_order(rows)
    assert ordered == in_order(reversed(rows))
    assert [c.total for c in ordered] == sorted((c.total for c in rows), reverse=True)
    for one, other in itertools.pairwise(ordered):
        assert (-one.total, -one.merit, one.nominated_at, one.nomination_id) < (
            -other.total,
            -other.merit,
            other.nominated_at,
            other.nomination_id,
        )


def test_the_jury_counts_by_its_median_and_only_when_all_have_scored():
    assert juror_points(MARKS) == 75.0
    assert jury_points([90, 10, 70], 3) == 70
    assert jury_points([90, 10], 3) is None


@pytest.mark.parametrize(
    ("wrong", "n"),
    [
        ({"verified": False}, 0),
        ({"stars": 2}, 1),
        ({"conduct": 69.9}, 2),
        ({"major_open": 1}, 3),
        ({"case_stands": False}, 4),
    ],
)
def test_each_condition_alone_keeps_out(programme, wrong, n):
    good = {"verified": True, "stars": 3, "conduct": 70.0, "case_stands": True}
    season = programme.season
    [award] = [a for a in season["awards"] if a["key"] == CASE]
    assert [c.met for c in conditions(Inputs(**good), award, season["award_gates"])] == [True] * 5
    met = [c.met for c in conditions(Inputs(**good | wrong), award, season["award_gates"])]
    assert met == [i != n for i in range(5)]


def test_a_newcomer_needs_two_stars_and_less_than_a_year(programme):
    season = programme.season
    [award] = [a for a in season["awards"] if a["key"] == "newcomer"]
    for stars, days, wanted in ((2, 364, True), (1, 364, False), (2, 365, False)):
        known = Inputs(verified=True, stars=stars, verified_d=days)
        assert all(c.met for c in conditions(known, award, season["award_gates"])) is wanted


def test_the_moves_end():
    assert set(MOVES.values()) | {Status.NOMINATED} == set(Status)
    assert set(ROUND_MOVES.values()) | {Round.COLLECTING} == set(Round)
    assert not {move for status, move in MOVES if status in (Status.LOST, Status.REVOKED, Status.DROPPED)}


# ——— A season of them ———


@pytest.fixture(autouse=True)
def together():
    put_together()


def provider(session, name="One", stars=3):
    firm = make_organisation(session, name)
    hold_level(session, firm, stars)
    return firm


def owner(session, firm):
    return owners_of(session, firm.id)[0]


def nominated(session, firm, award=FORCES, **more):
    by = owner(session, firm).id
    return actions.nominate(session, firm, award, by=by, now=clock.now(), **more)


@pytest.fixture
def people(session):
    """Two who publish, three jurors."""
    managers = [make_person(session, staff=StaffRole.PROGRAMME_MANAGER) for _ in range(2)]
    return managers, [make_person(session, staff=StaffRole.REVIEWER) for _ in range(3)]


def checked(session, rows, by):
    for row in rows:
        actions.check(session, row.id, accept=True, reason="Complete", by=by.id, now=clock.now())


def test_a_season_from_the_nomination_to_the_award(session, browse, people):
    (first, second), jurors = people
    season = open_phase(session, "submit", "appeal", "jury", "award")
    one, other = provider(session, "One"), provider(session, "Other")
    case = make_case(session, one, status=CaseStatus.PUBLISHED)
    now = clock.now()
    for n, firm in enumerate((one, other)):
        write_fact(
            session,
            FactKind.MATURITY_VERIFIED,
            organisation_id=firm.id,
            source=("x", 1),
            now=now,
            score=80 - 20 * n,
        )
    rows = [
        nominated(session, one, CASE, case_id=case.id),
        nominated(session, one),
        nominated(session, other),
    ]
    assert nominated(session, one).id == rows[1].id  # a double click
    with pytest.raises(Refused):
        actions.shortlist(session, season.id, by=first.id, now=now)  # not checked yet
    checked(session, rows, first)
    actions.shortlist(session, season.id, by=first.id, now=now)
    with pytest.raises(Refused):
        actions.shortlist(session, season.id, by=first.id, now=now)
    assert [r.place for r in rows] == [1, 1, 2]
    assert rows[1].merit == round(0.5 * rows[1].performance + 50, 1)
    with pytest.raises(Refused):
        nominated(session, provider(session))  # the list is made
    with pytest.raises(Refused):
        actions.propose(session, season.id, by=first.id, now=now)  # the jury is to come
    for juror in jurors:
        for row in rows:
            actions.score(session, row.id, MARKS, by=juror.id, now=now)
    with pytest.raises(Refused):
        actions.score(session, rows[0].id, MARKS, by=second.id, now=now)  # three are enough
    actions.score(session, rows[0].id, MARKS | {"craft": 8}, by=jurors[0].id, now=now)  # their own anew
    actions.propose(session, season.id, by=first.id, now=now)
    with pytest.raises(Refused):
        actions.score(session, rows[0].id, MARKS, by=jurors[0].id, now=now)
    programme = programme_at(session, now)
    standing = actions.standing_of(
        programme, queries.entries_of(session, season.id), queries.points_of(session, season.id)
    )
    seen = actions.result_of(standing)
    with pytest.raises(Refused) as refused:
        actions.confirm(session, season.id, seen=seen, by=first.id, now=now)
    assert str(refused.value) == "Somebody else confirms what you proposed."
    with pytest.raises(Refused):
        actions.confirm(session, season.id, seen="old", by=second.id, now=now)
    actions.confirm(session, season.id, seen=seen, by=second.id, now=now)
    with pytest.raises(Refused):
        actions.confirm(session, season.id, seen=seen, by=second.id, now=now)
    assert [(r.status, r.place) for r in rows] == [(Status.WON, 1), (Status.WON, 1), (Status.LOST, 2)]
    assert rows[1].total == round(0.8 * rows[1].merit + 0.2 * 75, 1)
    [lost] = [
        m
        for m in session.exec(select(Mail))
        if m.subject == f"Not won this time: Four Forces provider, {season.code}"
    ]
    assert "Seven Onlines, verified: 39 / 65" in lost.text
    assert {(w.award, w.organisation) for w in queries.winners(session)} == {(CASE, "One"), (FORCES, "One")}
    stranger = browse()
    assert "Case of the year" in stranger.get(f"/cases/{case.number}").text
    assert "Four Forces provider" in stranger.get(f"/providers/{one.slug}").text
    assert "Four Forces provider" not in stranger.get(f"/providers/{other.slug}").text
    for path in ("/season", f"/season/{season.code}", f"/season/nominations/{rows[0].id}"):
        page = stranger.get(path)
        page.check()
        assert "From one cake a year to three" in page.text
    mine = browse(owner(session, other)).get("/my/awards/four_forces")
    assert "Verified maturity 60 of 100." in mine.text
    # A forged case: its facts are retracted, and it is shown nowhere; people revoke it.
    retract_facts(session, source=("case", case.id), reason="forged", by=first.id, now=now)
    session.commit()
    assert [w.award for w in queries.winners(session)] == [FORCES]
    assert stranger.get(f"/season/nominations/{rows[0].id}").status == 404
    assert "Case of the year" not in stranger.get(f"/cases/{case.number}").text
    assert queries.fallen(session) == [(rows[0].id, Status.WON)]
    sweep_awards()
    desk = browse(first)
    desk.get(f"/staff/awards/{rows[0].id}").check()
    assert desk.post(f"/staff/awards/{rows[0].id}/drop", {"reason": "x"}).status == 404
    assert "Revoked" in desk.post(f"/staff/awards/{rows[0].id}/revoke", {"reason": "Forged numbers"}).said
    assert desk.post(f"/staff/awards/{rows[0].id}/revoke", {"reason": "x"}).status == 404
    session.refresh(rows[0])
    assert (rows[0].status, rows[0].reason) == (Status.REVOKED, "Forged numbers")


def test_a_case_scores_by_its_own_facts(session, programme):
    firm = provider(session)
    case = make_case(session, firm, status=CaseStatus.PUBLISHED)
    for client, capabilities in (
        ("b", ["community", "membership"]),
        ("c", ["community"]),
        ("d", ["membership", "x", "community"]),
    ):
        write_fact(
            session,
            FactKind.CASE_PUBLISHED,
            organisation_id=firm.id,
            source=("x", 1),
            now=clock.now(),
            client=client,
            industry="pets",
            capabilities=capabilities,
        )
    [known] = inputs_of(session, programme, [(firm, case)], clock.now())
    assert (known.attainment, known.rating, known.outcomes) == (pytest.approx((3.04 - 1.12) / 1.88), 5.0, 1)
    assert (known.sop, known.lesson, known.systems, known.age_d) == (True, True, True, 0)
    assert (known.clients_alike, known.industries_alike, known.case_stands) == (2, 2, True)
    stranger = make_organisation(session)
    [not_theirs] = inputs_of(session, programme, [(stranger, case)], clock.now())
    assert (not_theirs.case_stands, not_theirs.outcomes) == (False, 0)


def test_scores_of_many_take_as_many_queries_as_of_one(session, programme):
    firms = [provider(session) for _ in range(3)]
    session.flush()

    def count(pairs):
        seen = []
        engine = session.get_bind()
        listen = lambda *_: seen.append(1)  # noqa: E731
        event.listen(engine, "after_cursor_execute", listen)
        inputs_of(session, programme, pairs, clock.now())
        event.remove(engine, "after_cursor_execute", listen)
        return len(seen)

    assert count([(firms[0], None)]) == count([(f, None) for f in firms])


def test_conflicts_fail_closed(session, people):
    now, ((first, _), jurors) = clock.now(), people
    season = open_phase(session, "submit", "appeal", "jury", "award")
    parent = make_organisation(session)
    firm = provider(session)
    sister = make_organisation(session, parent_id=parent.id)
    firm.parent_id = parent.id
    row = nominated(session, firm)
    employ(session, firm, jurors[0])
    employ(session, parent, jurors[1])
    child = make_organisation(session, parent_id=firm.id)
    employ(session, child, jurors[2])
    other = make_person(session, staff=StaffRole.REVIEWER)
    employ(session, sister, other)
    with pytest.raises(Refused):
        actions.check(session, row.id, accept=True, reason="x", by=jurors[0].id, now=now)
    checked(session, [row], first)
    actions.shortlist(session, season.id, by=first.id, now=now)
    for juror in jurors:
        assert queries.for_juror(session, juror.id, [FORCES]) == []
        assert queries.has_stake(session, juror.id, [firm.id])
        with pytest.raises(NotFound):
            actions.score(session, row.id, MARKS, by=juror.id, now=now)
    assert [e.nomination.id for e, _ in queries.for_juror(session, first.id, [FORCES])] == [row.id]
    assert queries.for_juror(session, owner(session, firm).id, [FORCES]) == []
    assert not queries.has_stake(session, first.id, [firm.id])


def test_an_objection_is_answered_for_everybody_and_a_right_one_takes_out(session, browse, people):
    now, ((first, second), _) = clock.now(), people
    season = open_phase(session, "submit", "appeal", "award")
    rows = [nominated(session, provider(session, name), TRUST) for name in ("One", "Other")]
    checked(session, rows, first)
    actions.shortlist(session, season.id, by=first.id, now=now)
    path = f"/season/nominations/{rows[0].id}"
    assert browse().post(f"{path}/objections", {"text": "These reviews are false"}).url == "/sign-in"
    somebody = browse(make_person(session))
    assert somebody.post(f"{path}/objections", {"text": "short"}).status == 422
    page = somebody.post(f"{path}/objections", {"text": "These reviews are false"})
    assert "Your objection is with the staff" in page.said
    assert somebody.post(f"{path}/objections", {"text": "These reviews are false"}).status == 200
    [objection] = queries.objections_of(session, rows[0].id)
    assert somebody.post(f"{path}/objections", {"text": "And these others too"}).status == 409
    with pytest.raises(Refused):
        actions.propose(session, season.id, by=first.id, now=now)
    desk = browse(first)
    assert desk.post(f"/staff/awards/objections/{objection.id}", {"answer": "True"}).status == 422
    assert (
        desk.post(f"/staff/awards/objections/{objection.id}", {"answer": "True", "upheld": "true"}).status
        == 200
    )
    assert (
        desk.post(f"/staff/awards/objections/{objection.id}", {"answer": "True", "upheld": "true"}).status
        == 409
    )
    session.refresh(rows[0])
    assert (rows[0].status, rows[0].reason) == (Status.DROPPED, "True")
    assert browse().get(path).status == 404
    actions.propose(session, season.id, by=first.id, now=now)
    page = browse(second).get("/staff/awards")
    page.check()
    seen = page.value("seen")
    assert desk.post("/staff/awards/round/confirm", {"seen": seen}).status == 403
    assert browse(second).post("/staff/awards/round/confirm", {"seen": seen}).status == 200
    session.refresh(rows[1])
    assert rows[1].status is Status.WON
    assert (
        somebody.post(f"/season/nominations/{rows[1].id}/objections", {"text": "Too late for this"}).status
        == 404
    )


def test_owners_nominate_in_the_phase_and_read_what_is_missing(session, browse):
    open_phase(session, "jury")
    firm = provider(session)
    boss = browse(owner(session, firm))
    page = boss.get("/my/awards")
    page.check()
    assert "Nominations for the awards are closed now. They open again on" in page.text
    refused = boss.post("/my/awards/four_forces/nominate", {})
    assert (refused.status, "They open again on" in refused.text) == (409, True)
    viewer = viewer_for(session, owner(session, firm))
    assert clocks(session, viewer, clock.now()) == []
    open_phase(session, "submit")
    assert [c.path for c in clocks(session, viewer, clock.now())] == ["/my/awards"]
    bare = boss.post("/my/awards/case_of_the_year/nominate", {})
    assert (bare.status, bare.errors) == (422, ["Choose the case that you nominate."])
    neighbour = make_case(session, provider(session), once="c" * 32, status=CaseStatus.PUBLISHED)
    session.commit()
    assert boss.post("/my/awards/case_of_the_year/nominate", {"case": str(neighbour.id)}).errors == [
        "Please choose from the list."
    ]
    assert boss.get("/my/awards/zz").status == 404
    page = boss.get("/my/awards/four_forces")
    page.check()
    assert "Verified maturity 0 of 100." in page.text
    assert "Nominated" in boss.post("/my/awards/four_forces/nominate", {"statement": "Hello"}).said
    boss.get("/my/awards/four_forces").check()
    write_fact(
        session,
        FactKind.CONDUCT,
        organisation_id=firm.id,
        source=("x", 1),
        now=clock.now(),
        delta=-50,
        reason="x",
    )
    session.commit()
    low = boss.post("/my/awards/client_trust/nominate", {})
    assert (low.status, "Not every condition is met now" in low.text) == (409, True)
    assert "Withdrawn" in boss.post("/my/awards/four_forces/withdraw").said
    assert boss.post("/my/awards/four_forces/withdraw").status == 409
    colleague = make_person(session)
    employ(session, firm, colleague, role=Role.MANAGER)
    assert browse(colleague).get("/my/awards").status == 403
    assert browse(make_person(session)).get("/my/awards").status == 404
    assert browse(make_person(session)).get("/staff/awards").status == 404


def test_the_jury_scores_blind_on_its_page(session, browse, people):
    (first, _), jurors = people
    season = open_phase(session, "submit", "appeal", "jury")
    firm = provider(session, "Nobody may know")
    row = nominated(session, firm, CASE, case_id=make_case(session, firm, status=CaseStatus.PUBLISHED).id)
    checked(session, [row], first)
    now = clock.now()
    actions.shortlist(session, season.id, by=first.id, now=now)
    juror = browse(jurors[0])
    path = f"/staff/jury/{row.id}"
    for page in (juror.get("/staff/jury"), juror.get(path)):
        page.check()
        assert "Nobody may know" not in page.text
    viewer = viewer_for(session, jurors[0])
    assert [(line.name, line.count) for line in desk_lines(session, viewer, now)] == [
        ("Nominations to score as a juror", 1)
    ]
    bad = juror.post(path, {**{k: str(v) for k, v in MARKS.items()}, "craft": "11"})
    assert (bad.status, bad.errors) == (422, ["This must be at most 10."])
    for _ in range(2):
        assert juror.post(path, {k: str(v) for k, v in MARKS.items()}).status == 200
    assert [s.points for s in queries.scores_of(session, row.id)] == [75.0]
    open_phase(session, "award")
    assert juror.post(path, {k: str(v) for k, v in MARKS.items()}).status == 409


def test_what_falls_leaves_the_running(session, people):
    (first, _), _ = people
    open_phase(session, "submit")
    firm, other = provider(session), provider(session)
    case = make_case(session, firm, status=CaseStatus.PUBLISHED)
    rows = [
        nominated(session, firm, CASE, case_id=case.id),
        nominated(session, firm),
        nominated(session, other),
    ]
    retract_case(session, case, "mistake", by=owner(session, firm).id, now=clock.now())
    other.trust = Trust.SUSPENDED
    session.commit()
    sweep_awards()
    session.expire_all()
    assert [r.status for r in rows] == [Status.DROPPED, Status.NOMINATED, Status.DROPPED]
    assert rows[0].reason == "What the nomination stood on does not stand any more."
    with pytest.raises(Refused):
        checked(session, [rows[0]], first)


def test_mergers_and_leaving(session):
    open_phase(session, "submit")
    one, other = provider(session), provider(session)
    for firm, award in ((one, FORCES), (other, FORCES), (one, TRUST)):
        nominated(session, firm, award)
    lines = {line.what: line.n for line in lifecycle.merge_preview(session, one.id, other.id)}
    assert list(lines.values()) == [1, 1, 0]
    by = owner(session, one).id
    moved = lifecycle.merge(session, one.id, other.id, by=by, now=clock.now())
    assert list(moved) == ["award_nomination"]
    found = session.exec(select(Nomination).order_by(Nomination.id)).all()
    assert [(n.organisation_id, n.status) for n in found if n.award in (FORCES, TRUST)] == [
        (one.id, Status.WITHDRAWN),
        (other.id, Status.NOMINATED),
        (other.id, Status.NOMINATED),
    ]
    assert lifecycle.leave_preview(session, other.id)[0].n == 2
    lifecycle.leave(session, session.get(Organisation, other.id), "x", by=by, now=clock.now())
    assert {n.status for n in found} == {Status.WITHDRAWN}
    assert len(lifecycle.export(session, other.id).data["awards.json"]) == 2
