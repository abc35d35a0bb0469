"""Decide who is shown, and write it down under one lock."""

import secrets
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from casebook.briefs.models import Brief
from casebook.briefs.rules import OUTSCORED, size_of
from casebook.matching import queries, rules
from casebook.matching.models import MatchEpoch, MatchLedger, NotShown, ShortlistItem
from casebook.matching.queries import Field
from casebook.matching.rules import Account, Candidate
from portal.organisations.models import Organisation
from portal.programme.rules import Programme


def make_shortlist(session: Session, brief: Brief, programme: Programme, *, now: datetime) -> int:
    """The shortlist of a brief, the reasons of those not shown, the ledger; how many are shown."""
    matching = programme.matching
    ledger, unit = _hold_ledger(session, matching, now)
    field = queries.field_for(session, brief, programme, now=now)
    asked = asked_of(session, brief, field, programme)
    sifted = rules.sift(asked, field.candidates, matching)
    accounts = {i: Account(row.share / unit, row.intro / unit) for i, row in ledger.items()}
    result = rules.shortlist(sifted.scores, accounts, matching)
    for organisation_id, account in result.ledger.items():
        row = ledger.get(organisation_id) or MatchLedger(organisation_id=organisation_id)
        row.share, row.intro = account.share * unit, account.intro * unit
        session.add(row)
    for earlier in queries.not_shown_for(session, brief.id or 0):
        session.delete(earlier)
    session.flush()
    shown = {place.id: place for place in result.places}
    for candidate in field.candidates:
        if candidate.id in shown:
            _show(session, brief, candidate, asked, shown[candidate.id], programme=programme, now=now)
        elif candidate.id in sifted.passed or _in_industry(asked, candidate):
            session.add(_not_shown(brief, candidate.id, sifted, result.kth_score, matching))
    brief.matched_at, brief.passed, brief.programme_version = now, len(sifted.passed), programme.version
    brief.kth_score = result.kth_score if shown else None
    brief.seed = brief.seed or secrets.token_hex(8)
    session.flush()
    return len(shown)


def fill_place(session: Session, brief: Brief, programme: Programme, *, now: datetime) -> int | None:
    """Show the next by score who still passes every filter; who that is, None when there is nobody."""
    matching = programme.matching
    ledger, unit = _hold_ledger(session, matching, now)
    least = (1 - matching["pool_epsilon"]) * (brief.kth_score or 0)
    waiting = queries.next_by_score(session, brief.id or 0, least)
    ids = [row.organisation_id for row in waiting]
    field = queries.field_for(session, brief, programme, now=now, only=ids)
    asked = asked_of(session, brief, field, programme)
    ready = {c.id: c for c in field.candidates if rules.first_failed_filter(asked, c, matching) is None}
    row = next((row for row in waiting if row.organisation_id in ready), None)
    if row is None:
        return None
    candidate = ready[row.organisation_id]
    session.delete(row)
    place = len(queries.shortlisted_ids(session, brief.id or 0)) + 1
    _show(
        session,
        brief,
        candidate,
        asked,
        rules.Place(candidate.id, place, "merit", row.score or 0),
        programme=programme,
        now=now,
    )
    account = ledger.get(candidate.id) or MatchLedger(organisation_id=candidate.id)
    account.intro += unit
    session.add(account)
    session.flush()
    return candidate.id


def asked_of(session: Session, brief: Brief, field: Field, programme: Programme) -> rules.Brief:
    """The brief as the score reads it."""
    group = programme.group_of("industries", brief.industry) or ""
    leaves = programme["taxonomy"]["industries"].get(group, {"leaves": {}})["leaves"]
    brand = session.get_one(Organisation, brief.organisation_id)
    return rules.Brief(
        industry=brief.industry,
        industry_group=group,
        siblings=frozenset(leaves) - {brief.industry},
        must_have=tuple(brief.must_have),
        wished=tuple(brief.wished),
        budget_low=brief.budget_low,
        budget_high=brief.budget_high,
        province=brief.province,
        city=brand.city if brand.province == brief.province else "",
        on_site=brief.on_site,
        languages=frozenset(brief.languages),
        start_by=brief.start_by,
        size=size_of(brief.scale, list(programme.options("brand_scales"))),
        segment=brief.segment,
        brand_id=brief.organisation_id,
        blocked=frozenset(brief.blocked),
        mean_rating=field.mean_rating,
    )


def _hold_ledger(
    session: Session, matching: rules.Matching, now: datetime
) -> tuple[dict[int, MatchLedger], float]:
    """The accounts, under the lock, and how many of the ledger's units one introduction is worth today."""
    epoch = queries.locked_epoch(session)
    if epoch is None:
        try:
            with session.begin_nested():
                session.add(MatchEpoch(began_at=now))
                session.flush()
        except IntegrityError:
            pass  # somebody else began in the same moment; their row is waited for
        epoch = queries.locked_epoch(session)
    assert epoch is not None  # noqa: S101
    age = (now - epoch.began_at).total_seconds() / 86_400
    return queries.accounts(session), 1 / rules.faded(1.0, age, matching)


def _show(
    session: Session,
    brief: Brief,
    candidate: Candidate,
    asked: rules.Brief,
    place: rules.Place,
    *,
    programme: Programme,
    now: datetime,
) -> None:
    found = rules.parts(asked, candidate, programme.matching)
    session.add(
        ShortlistItem(
            brief_id=brief.id or 0,
            organisation_id=candidate.id,
            place=place.place,
            kind=place.kind,
            score=sum(part.points for part in found),
            weights_version=programme.version,
            shown_at=now,
            parts=[
                {
                    "key": part.key,
                    "weight": part.weight,
                    "points": round(part.points, 2),
                    "words": [[sentence, values] for sentence, values in part.words],
                }
                for part in found
            ],
        )
    )


def _in_industry(asked: rules.Brief, candidate: Candidate) -> bool:
    return bool({asked.industry, asked.industry_group} & set(candidate.industries))


def _not_shown(
    brief: Brief, organisation_id: int, sifted: rules.Sifted, kth_score: float, matching: rules.Matching
) -> NotShown:
    row = NotShown(brief_id=brief.id or 0, organisation_id=organisation_id, reason=OUTSCORED)
    found = sifted.passed.get(organisation_id)
    if found is None:
        row.reason = sifted.failed[organisation_id]
        return row
    report = rules.gap(found, kth_score, matching)
    row.score = sifted.scores[organisation_id]
    row.gap = {
        "missing": round(report.missing, 2),
        "alone": list(report.enough_alone),
        "rooms": [[key, round(room, 2)] for key, room in report.rooms],
    }
    return row
