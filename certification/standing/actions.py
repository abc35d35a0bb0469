"""Apply, decide, recompute, suspend: every move is a row with before, after and why."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from certification.credentials.actions import issue_level, revoke, suspend
from certification.credentials.queries import organisation_in_force
from certification.standing import queries
from certification.standing.models import Application, Level
from certification.standing.queries import level_of
from certification.standing.rules import (
    MOVES,
    PUBLIC,
    Family,
    LevelStatus,
    Tree,
    as_data,
    automatic_stars,
    credit_again_at,
    creditable,
    days_held,
    evaluate,
    grace_days,
)
from portal import clock
from portal.desk.parts import CONTRIBUTIONS
from portal.history.actions import record
from portal.ledger.actions import write_fact
from portal.ledger.queries import facts_of
from portal.ledger.rules import FactKind
from portal.organisations.models import Organisation
from portal.organisations.rules import TRUST_MOVES, Kind, Trust
from portal.programme.queries import programme_at
from portal.refusal import Refused, checked_move, mark
from portal.review.actions import submit
from portal.rights.rules import require


def tree_of(session: Session, organisation_id: int, family: str, stars: int, *, now: datetime) -> Tree:
    return evaluate(
        facts_of(session, organisation_id),
        family,
        stars,
        now,
        programme_at(session, now).content,
        held_4star_days=held_at_four(level_of(session, organisation_id, family), now),
    )


def held_at_four(level: Level | None, now: datetime) -> int:
    return (now - level.awarded_at).days if level and level.stars >= 4 and level.status in PUBLIC else 0


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
    held = held_at_four(level, now)
    tree = evaluate(facts, family, stars, now, programme.content, held_4star_days=held)
    need = int(programme["scoring"]["hold_days_before_upgrade"])
    if not tree.met:
        raise Refused(mark("Not everything is met yet; the reason tree marks what is missing."), status=422)
    if days_held(facts, family, stars, now, programme.content, held_4star_days=held) < need:
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
    issue_level(session, level, by=by, now=now)
    _tell(session, level, now)
    return level


def _tell(session: Session, level: Level, now: datetime) -> None:
    """The organisation's stars follow, and whoever shows levels learns of it, in the same transaction."""
    session.flush()
    note_stars(session, level.organisation_id, now=now)
    for told in CONTRIBUTIONS.level_changed:
        told(session, level.organisation_id, now)


def note_stars(session: Session, organisation_id: int, *, now: datetime) -> None:
    """Stars decide rights: those of the best public level, else the two that come by themselves."""
    best = max(
        (row.stars for row in queries.levels_of(session, organisation_id) if row.status in PUBLIC),
        default=0,
    )
    stars = best or automatic_stars(facts_of(session, organisation_id), now)
    organisation = session.get_one(Organisation, organisation_id, with_for_update=True)
    if stars == organisation.stars:
        return
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
    _tell(session, level, now)


def recompute(session: Session, organisation_id: int, family: str, *, now: datetime) -> None:
    """Move a level as its facts ask: risk, probation halfway through the grace, downgrade after it, recovery at any time.

    At its end it is renewed in silence when all is met, and expires when the renewal window closes without.
    """
    level = level_of(session, organisation_id, family, lock=True)
    if level is None or level.status not in PUBLIC:
        return
    rules = programme_at(session, now).content
    tree = tree_of(session, organisation_id, family, level.stars, now=now)
    level.score = tree.score
    if tree.met:
        if level.status is not LevelStatus.ACTIVE:
            move_level(session, level, "recover", mark("everything is met again"), by=None, now=now)
        elif level.valid_until <= now and rules["lifecycle"]["auto_renew_when_all_met"]:
            grant_level(
                session,
                organisation_id,
                Family(family),
                level.stars,
                mark("renewed: everything is met"),
                by=None,
                now=now,
            )
        return
    late = timedelta(days=rules["lifecycle"]["renewal_window_d"][1])
    if level.valid_until + late <= now:
        move_level(session, level, "expire", what_fails(tree, rules), by=None, now=now)
    elif level.status is LevelStatus.ACTIVE:
        move_level(
            session,
            level,
            "risk",
            what_fails(tree, rules),
            until=now + timedelta(days=grace_days(tree)),
            by=None,
            now=now,
        )
    elif level.status is LevelStatus.AT_RISK and level.status_until:
        total = level.status_until - level.status_since
        if now >= level.status_since + total * float(
            rules["lifecycle"]["probation_starts_at_fraction_of_grace"]
        ):
            move_level(
                session,
                level,
                "probation",
                what_fails(tree, rules),
                until=level.status_until,
                by=None,
                now=now,
            )
    elif level.status is LevelStatus.PROBATION and level.status_until and now >= level.status_until:
        lower = next(
            (
                s
                for s in range(level.stars - 1, 2, -1)
                if tree_of(session, organisation_id, family, s, now=now).met
            ),
            None,
        )
        if lower:
            grant_level(
                session, organisation_id, Family(family), lower, what_fails(tree, rules), by=None, now=now
            )
        else:
            move_level(session, level, "downgrade", what_fails(tree, rules), by=None, now=now)


def what_fails(tree: Tree, rules: Mapping[str, Any]) -> str:
    """What is not met, in both languages, for the history."""
    names = rules["metrics"]["names"] | rules["metrics"]["gates"]
    failing = [names[m.key] for m in tree.metrics if not m.met] + [
        names[g.key] for g in tree.gates if not g.met
    ] or [rules["metrics"]["score"]]
    return "、".join(name["zh"] for name in failing) + " / " + ", ".join(name["en"] for name in failing)


# When somebody leaves or joins


def people_changed(session: Session, organisation_id: int, now: datetime) -> None:
    """Somebody left or joined: the levels and the stars follow at once, in the same transaction."""
    for level in queries.levels_of(session, organisation_id):
        recompute(session, organisation_id, level.family, now=now)
    session.flush()
    if session.get_one(Organisation, organisation_id).kind == Kind.PROVIDER:
        note_stars(session, organisation_id, now=now)


def extend_grace(session: Session, organisation_id: int, departure_id: int, now: datetime) -> None:
    """A client confirmed that it hired somebody: each grace that runs now gets the programme's days more."""
    days = programme_at(session, now)["lifecycle"]["staff_departure"]["hired_by_client"]["extra_grace_d"]
    for family in Family:
        level = level_of(session, organisation_id, family, lock=True)
        if level is None or level.status not in (LevelStatus.AT_RISK, LevelStatus.PROBATION):
            continue
        if level.status_until is None or level.status_until <= now:
            continue
        before, level.status_until = level.status_until, level.status_until + timedelta(days=days)
        level.revision += 1
        record(
            session,
            "grace extended",
            "level",
            level.id,
            by=None,
            now=now,
            organisation_id=organisation_id,
            before={"until": before.isoformat()},
            after={"until": level.status_until.isoformat(), "departure": departure_id},
        )


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
        tree = tree_of(session, organisation.id, level.family, level.stars, now=now)
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
