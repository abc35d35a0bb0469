"""Where we stand, on the owner's home."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from certification.standing import queries
from certification.standing.actions import clocks_of, rules_for
from certification.standing.movement import days_held, falls
from certification.standing.rules import (
    PUBLIC,
    Family,
    LevelStatus,
    Metric,
    Tree,
    automatic_stars,
    best_step,
    credit_again_at,
    creditable,
    evaluate,
    next_lapses,
)
from portal.desk.parts import Clock, Next, Part
from portal.i18n import local, show_number, show_percent
from portal.ledger.queries import facts_of, facts_of_people
from portal.ledger.rules import FactKind
from portal.organisations.models import Organisation
from portal.programme.queries import programme_at
from portal.programme.rules import Programme
from portal.refusal import mark
from portal.review.queries import latest_submission
from portal.review.rules import Status
from portal.web.viewer import Viewer
from training.tracks.queries import team_progress

AHEAD = timedelta(days=180)


def family_of(organisation: Organisation) -> Family:
    """The family that the directions propose: tools mean ISV, everything else operator."""
    return Family.ISV if organisation.directions == ["tools"] else Family.OPERATOR


def picture(
    session: Session, organisation: Organisation, family: Family, now: datetime, stars: int | None = None
) -> dict:
    """Everything the reason tree shows: the level held, the tree for it or for the next one, what lapses, what to do."""
    programme = programme_at(session, now)
    facts = facts_of(session, organisation.id or 0)
    level = queries.level_of(session, organisation.id or 0, family)
    held = level.stars if level and level.status in PUBLIC else 0
    wanted = stars or (held or 3)
    rules = rules_for(session, level, now) if level and wanted <= held else programme.content
    tree = evaluate(facts, family, wanted, now, rules)
    step = best_step(tree)
    need = int(programme["scoring"]["hold_days_before_upgrade"])
    application = queries.application_of(session, organisation.id or 0, family)
    waiting = latest_submission(session, "level", application.id or 0) if application else None
    return {
        "programme": programme,
        "family": family,
        "level": level,
        "held": held,
        "automatic": automatic_stars(facts, now),
        "tree": tree,
        "lapses": next_lapses(tree, now),
        "falls": falls(facts, family, wanted, now, rules, AHEAD) if tree.met or wanted == held else [],
        "clocks": sorted(clocks_of(level), key=lambda c: c.until) if level and wanted == held else [],
        "half": float(rules["lifecycle"]["probation_starts_at_fraction_of_grace"]),
        "step": step,
        "stars": wanted,
        "groups": grouped(tree, programme),
        "need_days": need,
        "days": days_held(facts, family, wanted, now, programme.content)
        if tree.met and wanted > held  # only an application asks
        else 0,
        "waiting": waiting
        if waiting and waiting.status in (Status.SUBMITTED, Status.IN_REVIEW, Status.ACTION_REQUIRED)
        else None,
    }


def grouped(tree: Tree, programme: Programme) -> list[tuple[dict[str, Any], list[Metric]]]:
    """The metrics under the programme's headings."""
    names = programme["metrics"]["names"]
    return [
        (title, group)
        for key, title in programme["metrics"]["groups"].items()
        if (group := [m for m in tree.metrics if names[m.key]["group"] == key])
    ]


def part(session: Session, viewer: Viewer, now: datetime) -> Part | None:
    acting = viewer.organisation
    if acting is None or acting.kind != "provider" or acting.trust == "provisional":
        return None
    organisation = session.get_one(Organisation, acting.id)
    return Part("standing/home.html", picture(session, organisation, family_of(organisation), now))


def rescue(session: Session, viewer: Viewer, now: datetime) -> Next | None:
    """A level at risk or in remediation comes first: what fails, and what mending it brings."""
    acting = viewer.organisation
    if acting is None or acting.kind != "provider" or not viewer.is_owner:
        return None
    organisation = session.get_one(Organisation, acting.id)
    level = queries.level_of(session, acting.id, family_of(organisation))
    if level is None or level.status not in (LevelStatus.AT_RISK, LevelStatus.PROBATION):
        return None
    return _work_on(
        picture(session, organisation, level.family, now, level.stars), mark("To keep %(stars)s★: %(metric)s")
    )


def next_step(session: Session, viewer: Viewer, now: datetime) -> Next | None:
    """All met for long enough: apply. Comes after more urgent things."""
    acting = viewer.organisation
    if acting is None or acting.kind != "provider" or not viewer.is_owner or acting.trust != "verified":
        return None
    organisation = session.get_one(Organisation, acting.id)
    family = family_of(organisation)
    level = queries.level_of(session, acting.id, family)
    if level and level.status in PUBLIC and level.stars >= 5:
        return None
    wanted = level.stars + 1 if level and level.status in PUBLIC else 3
    seen = picture(session, organisation, family, now, wanted)
    if seen["waiting"]:
        return None
    if seen["tree"].met and seen["days"] >= seen["need_days"]:
        return Next(
            mark("Apply for %(stars)s★"),
            mark("Everything is met for %(days)s days in a row. Staff decide within ten working days."),
            f"/my/level?stars={wanted}",
            mark("See the tree and apply"),
            {"stars": wanted, "days": seen["need_days"]},
        )
    return _work_on(seen, mark("Next for %(stars)s★: %(metric)s"))


def _work_on(seen: dict[str, Any], title: str) -> Next | None:
    """The metric that brings most, with where it stands."""
    step: Metric | None = seen["step"]
    if step is None:
        return None
    name = seen["programme"]["metrics"]["names"][step.key]
    shown = show_percent if name["unit"] == "share" else show_number
    return Next(
        title,
        mark(
            "It stands at %(value)s; the gate is %(gate)s, the target %(target)s. Up to %(points)s points more."
        ),
        f"/my/level?stars={seen['stars']}",
        mark("See the reason tree"),
        {
            "stars": seen["stars"],
            "metric": local(name),
            "value": shown(step.value),
            "gate": shown(step.gate),
            "target": shown(step.target),
            "points": show_number(step.weight - step.points),
        },
    )


def clocks(session: Session, viewer: Viewer, _now: datetime) -> list[Clock]:
    if viewer.organisation is None:
        return []
    texts = {
        LevelStatus.AT_RISK: mark(
            "Below the criteria: when the grace ends the level falls. Halfway through, the directory says so."
        ),
        LevelStatus.PROBATION: mark("In remediation: when the grace ends the level falls."),
    }
    return [
        Clock(level.status_until, texts[level.status], "/my/level")
        for level in queries.levels_of(session, viewer.organisation.id)
        if level.status in texts and level.status_until
    ]


def departure_part(session: Session, viewer: Viewer, person_id: int, now: datetime) -> Part | None:
    """On the page about who left: the continuity credit, and who is nearest to the certificates they held."""
    acting = viewer.organisation
    if acting is None or acting.kind != "provider":
        return None
    programme = programme_at(session, now)
    terms = programme["lifecycle"]["staff_departure"]["continuity_credit"]
    facts = facts_of(session, acting.id)
    rows = []
    for level in queries.levels_of(session, acting.id):
        if level.status in (LevelStatus.AT_RISK, LevelStatus.PROBATION):
            tree = evaluate(facts, level.family, level.stars, now, rules_for(session, level, now))
            offered = creditable(tree, terms["max_share_of_required_heads"])
            rows += [(level, tree.metric(key), heads) for key, heads in offered.items()]
    used = [f for f in facts if f.kind == FactKind.CONTINUITY_CREDIT and f.known(now)]
    return Part(
        "standing/departure.html",
        {
            "programme": programme,
            "terms": terms,
            "rows": rows,
            "again": credit_again_at(facts, now),
            "used": used[-1] if used else None,
            "nearest": nearest(session, acting.id, person_id, now),
        },
        side=True,
    )


def nearest(
    session: Session, organisation_id: int, person_id: int, now: datetime
) -> list[tuple[dict[str, Any], list[tuple[str, int, int]]]]:
    """(certificate, [(colleague, modules finished, of so many)]) for what the leaver holds; three colleagues at most.

    Who holds it is not named; who lacks a certificate that is needed first comes after those who have it.
    """
    programme, team = programme_at(session, now), team_progress(session, organisation_id)
    facts = facts_of_people(session, [person_id, *(m.person_id for m in team)])
    held = {
        (f.person_id, str(f.value.get("code")))
        for f in facts
        if f.kind == FactKind.CERTIFICATE and f.known(now) and f.holds(now)
    }
    found = []
    for certificate in programme["personal_certificates"]:
        code = certificate["code"]
        if (person_id, code) not in held:
            continue
        modules = {
            f"{track}/{n}"
            for track in certificate["tracks"]
            for n in range(1, len(programme.track(track)["modules"]) + 1)
        }
        needs = certificate.get("needs", [])
        ranked = sorted(
            (any((m.person_id, n) not in held for n in needs), -len(m.finished & modules), m.name)
            for m in team
            if (m.person_id, code) not in held and m.person_id != person_id
        )
        found.append((certificate, [(name, -done, len(modules)) for _, done, name in ranked[:3]]))
    return found


def front_register(session: Session, _now: datetime) -> Part | None:
    """The register on the public front: good and bad news in the same size."""
    rows = queries.public_levels(session, 8)
    return Part("standing/front_register.html", {"rows": rows}) if rows else None


def front_card(session: Session, now: datetime) -> Part | None:
    """A level as everybody sees it, beside the statement on the public front."""
    best = queries.best_level(session)
    if best is None:
        return None
    level, organisation = best
    return Part(
        "standing/front_card.html",
        {
            **picture(session, organisation, level.family, now, level.stars),
            "level": level,
            "organisation": organisation,
        },
        side=True,
    )
