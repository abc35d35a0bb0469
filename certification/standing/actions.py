"""Apply, decide, recompute, suspend: every move is a row with before, after and why."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, update

from certification.credentials.actions import issue_level, revoke, suspend
from certification.credentials.queries import organisation_in_force
from certification.standing import queries
from certification.standing.models import Application, Level
from certification.standing.movement import Clock, days_held, look_again, next_move, run_clocks
from certification.standing.queries import level_of
from certification.standing.rules import (
    LEVELS,
    MOVES,
    PUBLIC,
    SCORE,
    Family,
    LevelStatus,
    Tree,
    as_data,
    automatic_stars,
    credit_again_at,
    creditable,
    evaluate,
)
from portal import clock
from portal.desk.parts import CONTRIBUTIONS
from portal.history.actions import record
from portal.ledger.actions import end_facts, write_fact
from portal.ledger.queries import facts_from, facts_of
from portal.ledger.rules import FactKind, FactRow
from portal.mail.actions import send_mail
from portal.notices.rules import reminder_due
from portal.organisations.models import Organisation
from portal.organisations.queries import owners_of
from portal.organisations.rules import TRUST_MOVES, Kind, Trust
from portal.programme.queries import next_change_for_holder, programme_at, programme_for_holder
from portal.refusal import Refused, checked_move, mark
from portal.review.actions import submit
from portal.rights.rules import require


def tree_of(session: Session, organisation_id: int, family: str, stars: int, *, now: datetime) -> Tree:
    """As it would be asked of an applicant: by the rules in force."""
    return evaluate(
        facts_of(session, organisation_id), family, stars, now, programme_at(session, now).content
    )


def rules_for(session: Session, level: Level, now: datetime) -> Mapping[str, Any]:
    """The rules that this level is judged by: a newer version leaves its holders time."""
    return programme_for_holder(session, level.awarded_at, now).content


def apply(
    session: Session,
    organisation: Organisation,
    family: Family,
    stars: int,
    statement: str,
    *,
    by: int,
    now: datetime,
) -> Application:
    """Ask for a level. Refused while anything is missing: the page shows what before it can be sent."""
    programme = programme_at(session, now)
    require(programme, organisation, "apply")
    assert organisation.id is not None  # noqa: S101
    facts = facts_of(session, organisation.id)
    level = level_of(session, organisation.id, family)
    if level and level.status in PUBLIC and level.stars >= stars:
        raise Refused(mark("You hold this level."))
    tree = evaluate(facts, family, stars, now, programme.content)
    need = int(programme["scoring"]["hold_days_before_upgrade"])
    if not tree.met:
        raise Refused(mark("Not everything is met yet; the reason tree marks what is missing."), status=422)
    if days_held(facts, family, stars, now, programme.content) < need:
        raise Refused(
            mark(
                "All is met, but not yet for %(need)s days in a row. The page says from when you can apply."
            ),
            status=422,
            need=need,
        )
    application = Application(
        organisation_id=organisation.id,
        family=family,
        stars=stars,
        statement=statement,
        tree=as_data(tree),
        applied_at=now,
        applied_by=by,
    )
    session.add(application)
    session.flush()
    submit(session, "level", application.id or 0, organisation_id=organisation.id, by=by, now=now)
    return application


def decide(
    session: Session, application_id: int, decision: str, reason: str, *, by: int, now: datetime
) -> None:
    """Called by the review desk in the transaction of the decision."""
    application = session.get_one(Application, application_id)
    if decision == "approve":
        if not tree_of(
            session, application.organisation_id, application.family, application.stars, now=now
        ).met:
            raise Refused(
                mark(
                    "The criteria are not met any more since the application was sent; send it back with what fails."
                )
            )
        grant_level(
            session,
            application.organisation_id,
            application.family,
            application.stars,
            reason,
            by=by,
            now=now,
        )


def grant_level(
    session: Session,
    organisation_id: int,
    family: Family,
    stars: int,
    reason: str,
    *,
    by: int | None,
    now: datetime,
) -> Level:
    """The level, its public credential, a history row: together or not at all."""
    programme = programme_at(session, now)
    level = level_of(session, organisation_id, family, lock=True)
    before = {"stars": level.stars, "status": level.status} if level else None
    valid_until = now + timedelta(days=programme["lifecycle"]["validity_d"])
    if level is None:
        level = Level(
            organisation_id=organisation_id,
            family=family,
            stars=stars,
            awarded_at=now,
            valid_until=valid_until,
            status_since=now,
        )
        session.add(level)
    elif stars != level.stars or level.status not in PUBLIC:
        level.awarded_at = now
    level.stars, level.status, level.status_since, level.status_until, level.valid_until = (
        stars,
        LevelStatus.ACTIVE,
        now,
        None,
        valid_until,
    )
    level.clocks, level.reminded_d = [], None
    level.score, level.reason = tree_of(session, organisation_id, family, stars, now=now).score, reason
    level.revision += 1
    session.flush()
    record(
        session,
        "level granted",
        "level",
        level.id,
        by=by,
        now=now,
        organisation_id=organisation_id,
        before=before,
        after={"stars": stars, "status": level.status.value, "score": level.score},
        reason=reason,
    )
    _note_level(session, level, now)
    issue_level(session, level, by=by, now=now)
    _tell(session, level, now)
    return level


def _note_level(session: Session, level: Level, now: datetime) -> None:
    """The level itself is a fact while it is in good standing: some gates ask for how long it has been held."""
    wanted = {"family": level.family.value, "stars": level.stars} if level.status in PUBLIC else None
    noted = [
        f
        for f in facts_from(session, "level", level.id or 0)
        if f.kind == FactKind.LEVEL and f.true_until is None
    ]
    if [f.value for f in noted] == ([wanted] if wanted else []):
        return
    end_facts(session, FactKind.LEVEL, source=("level", level.id or 0), at=now)
    if wanted:
        write_fact(
            session,
            FactKind.LEVEL,
            organisation_id=level.organisation_id,
            source=("level", level.id),
            now=now,
            family=level.family.value,
            stars=level.stars,
        )


def _tell(session: Session, level: Level, now: datetime) -> None:
    """The organisation's stars follow, and whoever shows levels learns of it, in the same transaction."""
    session.flush()
    note_stars(session, level.organisation_id, now=now)
    for told in CONTRIBUTIONS.level_changed:
        told(session, level.organisation_id, now)


def note_stars(session: Session, organisation_id: int, *, now: datetime) -> None:
    """Stars decide rights: those of the best public level, else the two that come by themselves."""
    organisation = session.get_one(Organisation, organisation_id)
    if organisation.kind is not Kind.PROVIDER:
        return
    best = max(
        (row.stars for row in queries.levels_of(session, organisation_id) if row.status in PUBLIC),
        default=0,
    )
    stars = best or automatic_stars(facts_of(session, organisation_id), now)
    if stars == organisation.stars:
        return
    session.refresh(organisation, with_for_update=True)
    before, organisation.stars = organisation.stars, stars
    record(
        session,
        "stars changed",
        "organisation",
        organisation_id,
        by=None,
        now=now,
        organisation_id=organisation_id,
        before={"stars": before},
        after={"stars": stars},
    )
    _stars_changed(session, organisation_id, now)


def _stars_changed(session: Session, organisation_id: int, now: datetime) -> None:
    session.flush()
    for told in CONTRIBUTIONS.stars_changed:
        told(session, organisation_id, now)


def move_level(
    session: Session,
    level: Level,
    move: str,
    reason: str,
    *,
    until: datetime | None = None,
    by: int | None,
    now: datetime,
) -> None:
    before = {"stars": level.stars, "status": level.status}
    level.status = LevelStatus(checked_move(MOVES, level.status, move))  # type: ignore[arg-type]
    level.status_since, level.status_until, level.reason = now, until, reason
    level.revision += 1
    record(
        session,
        f"level: {move}",
        "level",
        level.id,
        by=by,
        now=now,
        organisation_id=level.organisation_id,
        before=before,
        after={"stars": level.stars, "status": level.status.value},
        reason=reason,
    )
    if level.status in (LevelStatus.SUSPENDED, LevelStatus.REVOKED, LevelStatus.DOWNGRADED):
        for credential in organisation_in_force(session, level.organisation_id, level.family):
            if level.status is LevelStatus.SUSPENDED and credential.status == "active":
                suspend(session, credential, reason, by=by, now=now)
            elif level.status is not LevelStatus.SUSPENDED:
                revoke(session, credential, reason, by=by, now=now)
    if move == "reinstate":
        issue_level(session, level, by=by, now=now)
    _note_level(session, level, now)
    if level.status not in PUBLIC:
        level.clocks, level.look_at = [], None
    if by is None:
        _write_owners(session, level, move, now)
    _tell(session, level, now)


def recompute(session: Session, organisation_id: int, family: str, *, now: datetime) -> None:
    """Move a level as its facts ask, and note when time alone can next change something.

    Each thing that is not met runs its own clock: the level is at risk, in remediation from half of the grace that ends
    first, lower after it; well again once everything is. At its end it is renewed in silence when all is met, and expires
    when the renewal window closes without.
    """
    level = level_of(session, organisation_id, family, lock=True)
    if level is None or level.status not in PUBLIC:
        return
    facts = facts_of(session, organisation_id)
    while level.status in PUBLIC:  # each move is a row of its own, also when several are due at once
        rules = rules_for(session, level, now)
        tree = evaluate(facts, family, level.stars, now, rules)
        clocks = run_clocks(clocks_of(level) or _one_clock(level, tree), tree, rules, now)
        until = min((clock.until for clock in clocks), default=None)
        level.score = tree.score
        _keep_clocks(level, clocks)
        move = next_move(level.status, clocks, level.valid_until, rules, now)
        if move is None:
            level.status_until = until
            level.look_at = look_again(facts, family, clocks, level.valid_until, rules, now)
            other_rules = next_change_for_holder(session, level.awarded_at, now)
            if other_rules:
                level.look_at = min(level.look_at, other_rules)
            return
        if move == "renew":
            _grant_again(session, level, level.stars, mark("renewed: everything is met"), now=now)
        elif move == "recover":
            move_level(session, level, move, mark("everything is met again"), by=None, now=now)
        elif move == "downgrade":
            _lower(session, level, facts, tree, rules, now)
        else:
            ends = until if move != "expire" else None
            move_level(session, level, move, what_fails(tree, rules), until=ends, by=None, now=now)


def look_at_all(session: Session, now: datetime) -> None:
    """The rules have changed: every level in good standing is computed anew, which also finds when it is judged by them."""
    session.exec(update(Level).where(col(Level.status).in_(PUBLIC)).values(look_at=now))


def remind(session: Session, level_id: int, *, now: datetime) -> None:
    """Its owners read what is missing while there is time; a level that would be renewed as it stands says nothing."""
    level = session.get_one(Level, level_id, with_for_update=True)
    days = programme_at(session, now)["lifecycle"]["reminders_d"]
    due = reminder_due(level.valid_until, level.reminded_d, days, now)
    if due is None or level.status not in (LevelStatus.AT_RISK, LevelStatus.PROBATION):
        return
    level.reminded_d = due
    _write_owners(session, level, "ending", now)


def _write_owners(session: Session, level: Level, news: str, now: datetime) -> None:
    """`news`: a move of the level, or `ending`."""
    programme = programme_at(session, now)
    for owner in owners_of(session, level.organisation_id):
        send_mail(
            session,
            "levels/news",
            to=owner,
            now=now,
            name=owner.name,
            news=news,
            family=programme["families"][level.family.value],
            stars=level.stars,
            reason=level.reason,
            until=level.status_until,
            ends=level.valid_until,
            path=f"/my/level?family={level.family.value}&stars={level.stars}",
        )


def _grant_again(session: Session, level: Level, stars: int, reason: str, *, now: datetime) -> None:
    grant_level(session, level.organisation_id, level.family, stars, reason, by=None, now=now)


def _lower(
    session: Session,
    level: Level,
    facts: Sequence[FactRow],
    tree: Tree,
    rules: Mapping[str, Any],
    now: datetime,
) -> None:
    """To the most stars that are met; below three the level is lost."""
    lower = [s for s in LEVELS if s < level.stars and evaluate(facts, level.family, s, now, rules).met]
    if lower:
        _grant_again(session, level, max(lower), what_fails(tree, rules), now=now)
    else:
        move_level(session, level, "downgrade", what_fails(tree, rules), by=None, now=now)


def clocks_of(level: Level) -> list[Clock]:
    return [
        Clock(c["key"], datetime.fromisoformat(c["since"]), datetime.fromisoformat(c["until"]))
        for c in level.clocks
    ]


def _one_clock(level: Level, tree: Tree) -> list[Clock]:
    """A level from the time of one clock for everything keeps the end that its owners were told."""
    if level.status is LevelStatus.ACTIVE or level.status_until is None:
        return []
    half_over = level.status is LevelStatus.PROBATION
    ran = level.status_until - level.status_since if half_over else timedelta()
    return [Clock(key, level.status_since - ran, level.status_until) for key in tree.failing()]


def _keep_clocks(level: Level, clocks: Sequence[Clock]) -> None:
    level.clocks = [
        {"key": c.key, "since": c.since.isoformat(), "until": c.until.isoformat()} for c in clocks
    ]


def what_fails(tree: Tree, rules: Mapping[str, Any]) -> str:
    """What is not met, in both languages, for the history."""
    names = rules["metrics"]["names"] | rules["metrics"]["gates"]
    failing = [names[key] for key in tree.failing() if key != SCORE] or [rules["metrics"]["score"]]
    return "、".join(name["zh"] for name in failing) + " / " + ", ".join(name["en"] for name in failing)


# When somebody leaves or joins


def people_changed(session: Session, organisation_id: int, now: datetime) -> None:
    """Somebody left or joined: the levels and the stars follow at once, in the same transaction."""
    for level in queries.levels_of(session, organisation_id):
        recompute(session, organisation_id, level.family, now=now)
    session.flush()
    note_stars(session, organisation_id, now=now)


def extend_grace(session: Session, organisation_id: int, departure_id: int, now: datetime) -> None:
    """A client confirmed that it hired somebody: the clocks that run for people get the programme's days more."""
    days = programme_at(session, now)["lifecycle"]["staff_departure"]["hired_by_client"]["extra_grace_d"]
    for family in Family:
        level = level_of(session, organisation_id, family, lock=True)
        if level is None or level.status not in (LevelStatus.AT_RISK, LevelStatus.PROBATION):
            continue
        before = clocks_of(level)
        after = [
            replace(c, until=c.until + timedelta(days=days))
            if c.key.startswith("staff_") and c.until > now
            else c
            for c in before
        ]
        if after == before:
            continue
        _keep_clocks(level, after)
        level.status_until = min(c.until for c in after)
        level.revision += 1
        record(
            session,
            "grace extended",
            "level",
            level.id,
            by=None,
            now=now,
            organisation_id=organisation_id,
            before={c.key: c.until.isoformat() for c in before},
            after={c.key: c.until.isoformat() for c in after} | {"departure": departure_id},
        )
        session.flush()
        recompute(session, organisation_id, family, now=now)


def use_credit(session: Session, organisation: Organisation, metric: str, *, by: int, now: datetime) -> None:
    """The continuity credit, once in twelve months. The organisation is to be locked: two clicks wait for each other."""
    programme = programme_at(session, now)
    require(programme, organisation, "continuity")
    assert organisation.id is not None  # noqa: S101
    terms = programme["lifecycle"]["staff_departure"]["continuity_credit"]
    facts = facts_of(session, organisation.id)
    if again := credit_again_at(facts, now):
        raise Refused(
            mark("The continuity credit has been used; it can be used again from %(day)s."),
            day=clock.today(again).isoformat(),
        )
    for level in queries.levels_of(session, organisation.id):
        if level.status not in (LevelStatus.AT_RISK, LevelStatus.PROBATION):
            continue
        tree = evaluate(facts, level.family, level.stars, now, rules_for(session, level, now))
        heads = creditable(tree, terms["max_share_of_required_heads"]).get(metric)
        if heads:
            break
    else:
        raise Refused(mark("No level at risk misses people in this role, so there is nothing to bridge."))
    fact = write_fact(
        session,
        FactKind.CONTINUITY_CREDIT,
        organisation_id=organisation.id,
        source=("level", level.id),
        by=by,
        now=now,
        true_until=now + timedelta(days=terms["days"]),
        metric=metric,
        heads=heads,
        stars=level.stars,
    )
    record(
        session,
        "continuity credit used",
        "level",
        level.id,
        by=by,
        now=now,
        organisation_id=organisation.id,
        after={
            "metric": metric,
            "heads": heads,
            "until": fact.true_until.isoformat() if fact.true_until else "",
        },
    )
    session.flush()
    recompute(session, organisation.id, level.family, now=now)


# What follows for the levels of an organisation whose trust moves: which ones, and by which move.
FOLLOWS = {
    "suspend": (PUBLIC, "suspend"),
    "reinstate": ((LevelStatus.SUSPENDED,), "reinstate"),
    "close": ((*PUBLIC, LevelStatus.SUSPENDED), "revoke"),
}


def move_trust(
    session: Session, organisation: Organisation, move: str, reason: str, *, by: int | None, now: datetime
) -> None:
    """`suspend`, `reinstate` or `close`, with what follows for its levels and credentials, in one transaction."""
    before = organisation.trust
    organisation.trust = Trust(checked_move(TRUST_MOVES, organisation.trust, move))  # type: ignore[arg-type]
    organisation.trust_reason = "" if move == "reinstate" else reason
    organisation.revision += 1
    record(
        session,
        {
            "suspend": "organisation suspended",
            "reinstate": "organisation reinstated",
            "close": "organisation closed",
        }[move],
        "organisation",
        organisation.id,
        by=by,
        now=now,
        organisation_id=organisation.id,
        before={"trust": before},
        after={"trust": organisation.trust.value},
        reason=reason,
    )
    states, follow = FOLLOWS[move]
    for family in Family:
        level = level_of(session, organisation.id or 0, family, lock=True)
        if level and level.status in states:
            move_level(session, level, follow, reason, by=by, now=now)
    _stars_changed(session, organisation.id or 0, now)


def record_maturity(
    session: Session, organisation: Organisation, score: float, reason: str, *, by: int, now: datetime
) -> None:
    """A verified score of the Seven Onlines, by a member of staff who was there, good for a year."""
    organisation.revision += 1
    write_fact(
        session,
        FactKind.MATURITY_VERIFIED,
        organisation_id=organisation.id,
        source=("organisation", organisation.id),
        by=by,
        now=now,
        true_until=now + timedelta(days=365),
        score=score,
    )
    record(
        session,
        "maturity verified",
        "organisation",
        organisation.id,
        by=by,
        now=now,
        organisation_id=organisation.id,
        after={"score": score},
        reason=reason,
    )


def for_review(session: Session, application_id: int) -> dict[str, Any]:
    application = session.get_one(Application, application_id)
    now = application.applied_at
    return {
        "application": application,
        "programme": programme_at(session, now),
        "tree": tree_of(session, application.organisation_id, application.family, application.stars, now=now),
    }
