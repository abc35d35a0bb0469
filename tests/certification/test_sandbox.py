"""A draft of the rules: written, tried on everybody, published by two; and it never touches what is in force."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import select

from certification.credentials.keyring import ensure_keys
from certification.sandbox import actions, jobs, queries
from certification.sandbox.computing import compute_chunk
from certification.sandbox.models import Backtest, BacktestLine, ProgrammeDraft
from certification.sandbox.rules import (
    HARD_GATES,
    MOVES,
    BacktestStatus,
    DraftStatus,
    Outcome,
    compared,
    effective_from,
    gini,
    moments,
    outlook,
)
from certification.standing import jobs as standing_jobs
from certification.standing.actions import recompute
from certification.standing.evidence import Evidence, gate_values
from certification.standing.models import Level
from certification.standing.movement import Clock
from portal import clock
from portal.accounts.rules import StaffRole
from portal.app import put_together
from portal.history.models import History
from portal.ledger.actions import write_fact
from portal.ledger.models import Fact
from portal.mail.models import Mail
from portal.programme.actions import DEFAULT, load_default
from portal.programme.lines import read, replaced
from portal.programme.models import ProgrammeVersion
from portal.programme.queries import (
    latest_version,
    next_change_for_holder,
    programme_at,
    programme_for_holder,
)
from portal.refusal import Refused
from tests.certification.ledger import NOW, RULES, K, fact, three_stars, write
from tests.factories import employ, hold_level, make_organisation, make_person

DAY = timedelta(days=1)
OPERATOR = ("families", "operator", "metrics")
LEVEL = {"family": "operator", "stars": 3}
BASE = "/staff/programme/drafts"


def rules_with(**changes):
    """The rules with gates or graces of operator metrics changed: `staff_certified={"levels": …}`."""
    metrics = [m | changes.get(m["key"], {}) for m in RULES["families"]["operator"]["metrics"]]
    operator = RULES["families"]["operator"] | {"metrics": metrics}
    return RULES | {"families": RULES["families"] | {"operator": operator}}


STRICTER = rules_with(cases_published_24m={"levels": {"3": [4, 5], "4": [4, 5], "5": [8, 12]}})


# ——— Pure ———


def test_the_moments_are_the_last_four_quarter_ends_and_now():
    now = datetime(2026, 11, 22, 11, tzinfo=UTC)
    days = [at.astimezone(clock.CHINA).date() for at in moments(now)]
    assert days == [
        date(2025, 12, 31),
        date(2026, 3, 31),
        date(2026, 6, 30),
        date(2026, 9, 30),
        date(2026, 11, 22),
    ]
    new_year = datetime(2026, 12, 31, 16, tzinfo=UTC)  # 2027 has begun in China
    assert moments(new_year)[3].astimezone(clock.CHINA).date() == date(2026, 12, 31)


def test_rules_never_reach_back():
    now = datetime(2026, 11, 22, 11, tzinfo=UTC)
    assert effective_from(date(2026, 11, 22), now) == now
    assert effective_from(date(2026, 11, 23), now) == datetime(2026, 11, 22, 16, tzinfo=UTC)


def test_every_hard_gate_that_is_computed_can_be_asked_for():
    assert set(HARD_GATES) == set(gate_values(Evidence([], NOW, RULES), "operator"))


OUTLOOKS = [
    # facts, rules, outcome, stars
    (three_stars(), RULES, Outcome.RISE, 3),
    (three_stars(since=10), RULES, Outcome.SAME, 0),  # met, but not for the days in a row
    ([], RULES, Outcome.SAME, 0),
    ([*three_stars(), fact(K.LEVEL, 20, **LEVEL)], RULES, Outcome.SAME, 3),
    (
        [*three_stars(), fact(K.LEVEL, 20, **LEVEL)],
        STRICTER,
        Outcome.GRACE,
        3,
    ),  # held for less than the grace
    ([*three_stars(since=200), fact(K.LEVEL, 100, **LEVEL)], STRICTER, Outcome.FALL, 0),
    ([*three_stars(), fact(K.LEVEL, 100, until=50, **LEVEL)], RULES, Outcome.RISE, 3),  # lost since
]


@pytest.mark.parametrize(("facts", "rules", "outcome", "stars"), OUTLOOKS)
def test_outlooks(facts, rules, outcome, stars):
    seen = outlook(facts, "operator", NOW, rules)
    assert (seen.outcome, seen.stars) == (outcome, stars)


def test_a_fact_that_came_later_changes_no_past_quarter():
    facts = [*three_stars(since=200), fact(K.LEVEL, 150, **LEVEL)]
    then = NOW - 100 * DAY
    late = [*facts, fact(K.COMPLAINT_UPHELD, 120, recorded=10, severity="major")]
    assert outlook(facts, "operator", then, RULES).outcome is Outcome.SAME
    assert outlook(late, "operator", then, RULES).outcome is Outcome.SAME
    assert outlook(late, "operator", NOW, RULES).outcome is Outcome.GRACE


def test_what_decides_is_said_with_both_gates():
    facts = [*three_stars(since=200), fact(K.LEVEL, 20, **LEVEL)]
    one = compared(facts, "operator", NOW, RULES, STRICTER)
    assert (one.before.outcome, one.after.outcome, one.moves) == (Outcome.SAME, Outcome.GRACE, True)
    assert [(d.key, d.value, d.old, d.new) for d in one.deciders] == [("cases_published_24m", 3, 1, 4)]
    assert one.after.over == {"cases_published_24m": NOW - 20 * DAY + 90 * DAY}
    assert not compared(facts, "operator", NOW, RULES, RULES).moves


def test_a_clock_that_runs_goes_on_and_follows_the_new_grace():
    """It was given more time than its grace: the client hired somebody."""
    facts = [f for f in three_stars(since=200) if f.kind != K.CASE_PUBLISHED] + [fact(K.LEVEL, 150, **LEVEL)]
    running = {
        key: Clock(key, NOW - 10 * DAY, NOW + 100 * DAY)
        for key in outlook(facts, "operator", NOW, RULES).tree.failing()
    }
    longer = rules_with(cases_published_24m={"grace_d": 120})
    one = compared(facts, "operator", NOW, RULES, longer, running)
    assert (one.before.outcome, one.after.outcome) == (Outcome.GRACE, Outcome.GRACE)
    assert one.before.over["cases_published_24m"] == NOW + 100 * DAY
    assert one.after.over["cases_published_24m"] == NOW + 130 * DAY


@pytest.mark.parametrize(
    ("values", "expected"), [([], 0), ([0, 0], 0), ([2, 2, -2], 0), ([0, 0, 0, 4], 0.75), ([1, 3], 0.25)]
)
def test_gini_by_hand(values, expected):
    assert gini(values) == expected


# ——— With a database ———


@pytest.fixture(autouse=True)
def together():
    put_together()
    ensure_keys(clock.now())


@pytest.fixture
def office(session):
    """Two programme managers."""
    return [make_person(session, name, staff=StaffRole.PROGRAMME_MANAGER) for name in ("First", "Second")]


def certified(session, *, stars=3, cases=True):
    """An organisation that meets 3★ and holds it, as the ledger knows."""
    at = clock.now() - 300 * DAY
    owner, people = make_person(session), [make_person(session) for _ in range(3)]
    organisation = make_organisation(session, owner=owner, at=at)
    for person in people:
        employ(session, organisation, person, at=at)
    facts = [f for f in three_stars(since=100, at=clock.now()) if cases or f.kind != K.CASE_PUBLISHED]
    write(session, organisation, facts, [p.id for p in people])
    level = hold_level(session, organisation, stars, awarded_at=clock.now() - 60 * DAY)
    write_fact(
        session, K.LEVEL, organisation_id=organisation.id, source=("level", level.id),
        now=clock.now() - 60 * DAY, family="operator", stars=stars,
    )  # fmt: skip
    return organisation, level


def changed(text, numbers):
    top, _ = read(text)
    return replaced(text, top, numbers)


def draft_of(session, office, numbers=None):
    base = latest_version(session)
    draft = actions.open_draft(session, base, by=office[0].id, now=clock.now())
    if numbers:
        text = changed(draft.text, numbers)
        actions.save_text(session, draft, text, revision=1, by=office[0].id, now=clock.now())
    session.commit()
    return draft


def tried(session, draft, office):
    row = actions.ask_backtest(session, draft, by=office[0].id, now=clock.now())
    session.commit()
    jobs.work_off(row.id)
    session.refresh(row)
    return row


MORE_CASES = {
    (*OPERATOR, "cases_published_24m", "levels", "3", "0"): "4",
    (*OPERATOR, "cases_published_24m", "levels", "3", "1"): "4",
    (*OPERATOR, "cases_published_24m", "levels", "4", "0"): "4",
}


def test_the_version_in_force_reproduces_today_exactly(session, office):
    sound, level = certified(session)
    risky, at_risk = certified(session, cases=False)
    make_organisation(session)
    session.commit()
    standing_jobs.compute_due(clock.now())
    for row in (level, at_risk):
        session.refresh(row)
    assert (level.status, at_risk.status) == ("active", "at_risk")
    row = tried(session, draft_of(session, office), office)
    assert (row.result["levels"], row.result["differ"], row.result["waiting"]) == (2, [], 0)
    lines = {x.organisation_id: x for x in session.exec(select(BacktestLine).where(BacktestLine.held > 0))}
    assert {i: (x.held, x.before) for i, x in lines.items()} == {
        sound.id: (3, Outcome.SAME),
        risky.id: (3, Outcome.GRACE),
    }
    assert not any(x.moves for x in session.exec(select(BacktestLine)))
    # And it can fail: a level that somebody typed in is named.
    level.stars = 4
    session.commit()
    again = tried(session, draft_of(session, office), office)
    assert again.result["differ"] == [sound.id]


def test_a_back_test_goes_on_where_it_stopped_and_writes_each_line_once(session, office, monkeypatch):
    for _ in range(5):
        make_organisation(session)
    certified(session)
    draft = draft_of(session, office, MORE_CASES)
    row = actions.ask_backtest(session, draft, by=office[0].id, now=clock.now())
    session.commit()
    total = row.total
    monkeypatch.setattr(queries.providers_after, "__defaults__", (2,))
    assert jobs.work_off(row.id, 1)
    chunk = compute_chunk(session, row.id, now=clock.now())
    twin = compute_chunk(session, row.id, now=clock.now())  # a second worker
    assert actions.keep_chunk(session, row.id, chunk, now=clock.now())
    assert not actions.keep_chunk(session, row.id, twin, now=clock.now())
    session.commit()
    row.touched_at = clock.now() - timedelta(hours=1)
    session.commit()
    jobs.sweep_backtests()
    session.refresh(row)
    assert (row.status, row.done, row.total) == (BacktestStatus.DONE, total, total)
    lines = session.exec(select(BacktestLine).where(BacktestLine.backtest_id == row.id)).all()
    assert len({x.organisation_id for x in lines}) == len(lines) == total
    [moved] = [x for x in lines if x.moves]
    assert (moved.before, moved.after, moved.moments[-1]["deciders"]) == (
        Outcome.SAME, Outcome.GRACE, [["cases_published_24m", 3, 1.0, 4.0]],
    )  # fmt: skip
    today = row.result["moments"][row.at.isoformat()]
    assert (today["before"]["same"]["3"], today["after"]["grace"]["3"]) == (1, 1)
    assert row.result["by"]["stars"]["3"] == {"all": 1, "before_same": 1, "after_grace": 1}


def publish_all(session, draft, office, day=None):
    now = clock.now()
    actions.hand_in(session, draft, "because it is fairer", day or clock.today(now), by=office[0].id, now=now)
    return actions.publish_draft(session, draft, by=office[1].id, now=now)


def test_publishing_takes_all_of_it(session, office):
    draft = draft_of(session, office, MORE_CASES)
    now, today = clock.now(), clock.today(clock.now())
    with pytest.raises(Refused, match="First run the back-test"):
        actions.hand_in(session, draft, "because it is fairer", today, by=office[0].id, now=now)
    tried(session, draft, office)
    with pytest.raises(Refused, match="never reach back"):
        actions.hand_in(session, draft, "because", today - DAY, by=office[0].id, now=now)
    actions.hand_in(session, draft, "because it is fairer", today, by=office[0].id, now=now)
    with pytest.raises(Refused, match="A second person"):
        actions.publish_draft(session, draft, by=office[0].id, now=now)
    actions.take_back(session, draft, by=office[1].id, now=now)
    text = changed(draft.text, {("scoring", "hold_days_before_upgrade"): "15"})
    actions.save_text(session, draft, text, revision=draft.revision, by=office[0].id, now=now)
    with pytest.raises(Refused, match="First run the back-test"):  # of exactly this text
        actions.hand_in(session, draft, "because it is fairer", today, by=office[0].id, now=now)
    bad = changed(draft.text, {("scoring", "pass_score", "3"): "99"})
    actions.save_text(session, draft, bad, revision=draft.revision, by=office[0].id, now=now)
    with pytest.raises(Refused, match="still has something"):
        actions.ask_backtest(session, draft, by=office[0].id, now=now)


def test_holders_keep_their_rules_and_read_what_comes(session, office):
    organisation, level = certified(session)
    before, now = programme_at(session, clock.now()).version, clock.now()
    draft = draft_of(session, office, MORE_CASES)
    row = tried(session, draft, office)
    version = publish_all(session, draft, office)
    session.commit()
    days = timedelta(days=180)
    assert programme_at(session, clock.now()).version == version.version != before
    assert programme_for_holder(session, level.awarded_at, clock.now()).version == before
    assert (
        programme_for_holder(session, level.awarded_at, version.effective_from + days).version
        == version.version
    )
    session.refresh(level)
    assert level.look_at == draft.decided_at
    assert (version.published_by, version.second_by, version.reason) == (
        office[0].id, office[1].id, "because it is fairer",
    )  # fmt: skip
    recompute(session, organisation.id, "operator", now=clock.now())
    assert (level.status, level.clocks) == ("active", [])
    assert (
        level.look_at
        <= version.effective_from + days
        == next_change_for_holder(session, level.awarded_at, clock.now())
    )
    standing = version.effective_from + days
    recompute(session, organisation.id, "operator", now=standing)
    assert "cases_published_24m" in [c["key"] for c in level.clocks]
    session.rollback()
    jobs.tell_holders.fn(row.id)
    jobs.tell_holders.fn(row.id)  # once
    [mail] = session.exec(select(Mail).where(Mail.subject.contains("New rules")))
    assert f"/rules/versions/{version.id}/changes" in mail.text
    assert "- Published cases, 24 months" in mail.text
    assert now <= clock.now()


def test_what_people_published_is_not_overwritten_by_a_newer_default(session, office):
    draft = draft_of(session, office)
    tried(session, draft, office)
    version = publish_all(session, draft, office)
    session.flush()
    assert not load_default(session, now=clock.now(), effective_from=clock.now())
    assert latest_version(session).id == version.id
    again = draft_of(session, office)
    assert again.text != version.text  # begun from it, under another name
    assert read(again.text)[0].at(("scoring",)).plain() == read(version.text)[0].at(("scoring",)).plain()


def fingerprint(session):
    """Everything that decides who stands where."""
    return [
        [
            repr(sorted(row.model_dump().items(), key=lambda i: i[0]))
            for row in session.exec(select(table).order_by(table.id))
        ]
        for table in (Level, Fact, ProgrammeVersion)
    ]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_draft_never_touches_what_is_in_force(session, office, data):
    if session.exec(select(Level)).first() is None:
        certified(session)
        certified(session, cases=False)
        session.commit()
        standing_jobs.compute_due(clock.now())
    session.expire_all()
    before = fingerprint(session)
    keys = [m["key"] for m in RULES["families"]["operator"]["metrics"]]
    numbers = {
        (*OPERATOR, key, "levels", "3", "0"): data.draw(st.sampled_from(["0", "0.1", "1"]))
        for key in data.draw(st.sets(st.sampled_from(keys), max_size=3))
    } | {("scoring", "hold_days_before_upgrade"): str(data.draw(st.integers(0, 60)))}
    draft = draft_of(session, office, numbers)
    if not actions.problems_of(session, draft):
        assert tried(session, draft, office).status is BacktestStatus.DONE
        actions.hand_in(
            session, draft, "because it is so", clock.today(clock.now()), by=office[0].id, now=clock.now()
        )
    actions.withdraw(session, draft, "not wanted", by=office[1].id, now=clock.now())
    session.commit()
    session.expire_all()
    assert fingerprint(session) == before


# ——— Pages ———


def fields(page, **typed):
    return {"revision": page.value("revision")} | typed


def test_the_whole_way_in_the_portal(session, browse, office):
    organisation, _ = certified(session)
    first, second = (browse(person) for person in office)
    page = first.post("/staff/programme/drafts")
    draft_id = session.exec(select(ProgrammeDraft)).one().id
    path = f"{BASE}/{draft_id}"
    assert page.url == path
    page = first.post(f"{path}/numbers", fields(page, **{"operator.staff_certified.weight": "heavy"}))
    assert (page.status, page.errors, page.value("operator.staff_certified.weight")) == (
        422, ["Please write a number, in digits."], "heavy",
    )  # fmt: skip
    page = first.get(path)
    page = first.post(f"{path}/numbers", fields(page, **{"operator.staff_certified.weight": "13"}))
    assert page.said == "Saved. Places to change before it can be tried: 1."
    assert [e for e in page.errors if "add up to 101" in e] == page.errors != []
    assert first.post(f"{path}/backtest").status == 409
    page = first.get(path)
    stale = fields(page)["revision"]
    page = first.post(
        f"{path}/numbers",
        fields(page, **{
            "operator.staff_certified.weight": "11", "operator.staff_senior.weight": "11",
            "operator.cases_published_24m.gate3": "4", "operator.cases_published_24m.target3": "4",
            "operator.cases_published_24m.gate4": "4",
        }),
    )  # fmt: skip
    assert page.said == "Saved. Nothing is wrong with it; it can be tried."
    assert (
        first.post(f"{path}/numbers", {"revision": stale, "operator.staff_certified.weight": "1"}).status
        == 409
    )
    assert first.post(f"{path}/text", {"revision": stale, "text": "x: 1"}).status == 422
    text = first.get(f"{path}/text").value("text")
    assert "# criteria must hold 14 consecutive days" in text
    changes = first.get(f"{path}/changes")
    assert "families.operator.metrics.cases_published_24m.levels.3.gate14" in changes.text
    page = first.post(f"{path}/backtest")
    assert "This page looks again every five seconds." in page.text
    jobs.work_off(session.exec(select(Backtest)).one().id)
    report = first.get(f"{path}/backtest")
    assert "reproduces today exactly" in report.text
    assert f"/staff/organisations/{organisation.id}" in report.links()
    assert (
        f"/staff/organisations/{organisation.id}"
        not in first.get(f"{path}/backtest?province=beijing").links()
    )
    assert first.get(f"{path}/backtest?held=zz&size=%27&after=x&only=<>").status == 200
    today = clock.today(clock.now())
    page = first.post(f"{path}/submit", {"reason": "too short", "effective_on": (today - DAY).isoformat()})
    assert (page.status, len(page.errors)) == (422, 1)
    page = first.post(
        f"{path}/submit", {"reason": "Cases say more than heads", "effective_on": (today - DAY).isoformat()}
    )
    assert page.errors == ["Rules never reach back: the day must be today or later."]
    page = first.post(
        f"{path}/submit", {"reason": "Cases say more than heads", "effective_on": today.isoformat()}
    )
    assert page.said == "Handed in. A second person reads it and publishes it."
    assert first.post(f"{path}/publish").status == 409
    page = second.post(f"{path}/publish")
    assert page.said.startswith("Version ")
    assert second.post(f"{path}/publish").status == 409
    version = latest_version(session)
    rules = browse(None).get("/rules")
    assert f"Rules, version {version.version}" in rules.text
    public = browse(None).get(f"/rules/versions/{version.id}/changes")
    assert "families.operator.metrics.staff_senior.weight1011" in public.text
    verbs = [
        h.verb
        for h in session.exec(
            select(History).where(History.subject_kind == "programme_draft").order_by(History.id)
        )
    ]
    assert verbs == [
        "draft of rules opened", "draft of rules saved", "draft of rules saved", "back-test asked for",
        "back-test finished", "draft of rules handed in", "draft of rules published",
    ]  # fmt: skip


def test_the_text_may_be_saved_while_it_is_wrong_and_names_the_line(session, browse, office):
    first = browse(office[0])
    first.post("/staff/programme/drafts")
    draft = session.exec(select(ProgrammeDraft)).one()
    path = f"{BASE}/{draft.id}/text"
    page = first.post(path, {"revision": "1", "text": "version: [\r\n"})
    assert any(e.startswith("Line 2 This is not YAML") for e in page.errors)
    assert page.value("text").strip() == "version: ["
    assert first.get(f"{BASE}/{draft.id}").status == 200
    assert first.get(f"{BASE}/{draft.id}/changes").status == 200


def test_strangers_and_other_staff_stay_out(session, browse, office):
    draft = draft_of(session, office)
    assert browse(make_person(session)).get(f"{BASE}/{draft.id}").status == 404
    assert browse(make_person(session, staff=StaffRole.REVIEWER)).get(f"{BASE}/{draft.id}").status == 403
    assert browse(office[0]).get(f"{BASE}/999999").status == 404


def test_moves_end_in_known_states():
    assert {state for state, _ in MOVES} == {DraftStatus.DRAFT, DraftStatus.IN_REVIEW}
    assert set(MOVES.values()) == set(DraftStatus)


def test_the_command_says_what_is_wrong_and_what_differs(session, office, tmp_path, capsys):
    from certification.sandbox import command

    text, file = DEFAULT.read_text(encoding="utf-8"), tmp_path / "rules.yaml"
    file.write_text(
        text.replace("hold_days_before_upgrade: 14", "hold_days_before_upgrade: 1.5"), encoding="utf-8"
    )
    assert command.check(str(file)) == 1
    assert "must be a whole number, not 1.5" in capsys.readouterr().err
    newer = text.replace("hold_days_before_upgrade: 14", "hold_days_before_upgrade: 15")
    newer = newer.replace(f'version: "{programme_at(session, clock.now()).version}"', 'version: "2031.1"')
    file.write_text(newer, encoding="utf-8")
    assert (command.check(str(file)), command.diff(str(file)), command.diff(str(file), "none")) == (0, 0, 1)
    out = capsys.readouterr().out
    assert "scoring.hold_days_before_upgrade: 14 → 15   (days in a row before a rise)" in out
    session.commit()
    today = clock.today(clock.now()).isoformat()
    one, two = (p.email for p in office)
    assert command.publish(str(file), "a longer wait", today, one, one) == 1
    assert command.publish(str(file), "a longer wait", today, one, "nobody@example.com") == 1
    assert command.publish(str(file), "a longer wait", today, one, two) == 0
    assert programme_at(session, clock.now()).version == "2031.1"
