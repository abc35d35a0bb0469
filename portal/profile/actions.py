"""Say anew what may change at once; ask staff for the rest; confirm capacity; remind."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from portal.history.actions import record
from portal.mail.actions import send_mail
from portal.organisations.actions import CODE_TAKEN
from portal.organisations.models import Organisation, Storefront
from portal.organisations.queries import organisation_by_code, owners_of
from portal.profile import queries
from portal.profile.forms import AskNames, Conflict, EditFocus
from portal.profile.models import ProfileChange
from portal.profile.rules import FIELDS, reminder_due
from portal.programme.queries import programme_at
from portal.refusal import Refused, mark
from portal.review.actions import submit, withdraw
from portal.rights.rules import require

NOTHING_NEW = mark("Nothing is changed: these are the names that are registered.")
WAITING = mark("A change lies with the reviewers already. Take it back first, or wait for the decision.")
OF_ORGANISATION = ("directions", "industries", "capabilities", "province", "city", "website")


def save_focus(
    session: Session,
    organisation: Organisation,
    storefront: Storefront,
    entry: EditFocus,
    conflicts: Sequence[Conflict],
    *,
    by: int,
    now: datetime,
) -> None:
    """Focus, coverage, hours, conflicts and start: in force at once, with a row of history."""
    require(programme_at(session, now), organisation, "storefront")
    values = entry.model_dump(mode="json") | {"conflicts": [one.model_dump() for one in conflicts]}
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name, value in values.items():
        thing: Organisation | Storefront = organisation if name in OF_ORGANISATION else storefront
        was = getattr(thing, name)
        was = was.isoformat() if name == "can_start" and was else was
        if was != value:
            before[name], after[name] = was, value
            setattr(thing, name, entry.can_start if name == "can_start" else value)
    if not after:
        return
    organisation.revision += 1
    storefront.revision += 1
    record(
        session,
        "profile changed",
        "organisation",
        organisation.id,
        by=by,
        now=now,
        organisation_id=organisation.id,
        before=before,
        after=after,
    )


def confirm_capacity(
    session: Session, organisation: Organisation, storefront: Storefront, *, by: int, now: datetime
) -> None:
    """One click: it is still true. A second click in the same minute changes nothing."""
    require(programme_at(session, now), organisation, "storefront")
    said = storefront.capacity_confirmed_at
    if said and (now - said).total_seconds() < 60:
        return
    storefront.capacity_confirmed_at = now
    record(
        session,
        "capacity confirmed",
        "organisation",
        organisation.id,
        by=by,
        now=now,
        organisation_id=organisation.id,
        after={"capacity": storefront.capacity},
    )


def ask_names(
    session: Session, organisation: Organisation, entry: AskNames, *, by: int, now: datetime
) -> ProfileChange:
    """Onto the desk, old and new side by side. Refused when nothing is new or one waits already."""
    require(programme_at(session, now), organisation, "names")
    asked = queries.latest_change(session, organisation.id or 0, lock=True)
    if asked and asked.waiting:
        raise Refused(WAITING)
    before = {name: str(getattr(organisation, name)) for name in FIELDS}
    after = entry.model_dump(include=set(FIELDS))
    changed = [name for name in FIELDS if before[name] != after[name]]
    if not changed:
        raise Refused(NOTHING_NEW, status=422)
    if "credit_code" in changed and organisation_by_code(session, after["credit_code"]):
        raise Refused(CODE_TAKEN, status=422)
    row = ProfileChange(
        organisation_id=organisation.id or 0,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
        reason=entry.reason,
        asked_at=now,
        asked_by=by,
    )
    session.add(row)
    session.flush()
    submit(session, "profile_change", row.id or 0, organisation_id=row.organisation_id, by=by, now=now)
    return row


def take_back(session: Session, organisation_id: int, *, by: int, now: datetime) -> None:
    asked = queries.latest_change(session, organisation_id, lock=True)
    if asked is None or asked.submission is None or not asked.waiting:
        raise Refused(mark("It is decided already, or taken back."))
    withdraw(session, asked.submission, by=by, now=now)


def decide(
    session: Session, change_id: int, decision: str, reason: str, *, by: int | None, now: datetime
) -> None:
    """Called by the review desk in the transaction of the decision."""
    change = session.get_one(ProfileChange, change_id, with_for_update=True)
    organisation = session.get_one(Organisation, change.organisation_id, with_for_update=True)
    if decision == "approve":
        taken = change.after.get("credit_code") and organisation_by_code(session, change.after["credit_code"])
        if taken and taken.id != organisation.id:
            raise Refused(
                mark("Another organisation has this credit code by now. Refuse it, or merge the two.")
            )
        for name, value in change.after.items():
            setattr(organisation, name, value)
        organisation.revision += 1
        change.applied_at = now
        record(
            session,
            "names changed",
            "organisation",
            organisation.id,
            by=by,
            now=now,
            organisation_id=organisation.id,
            before=dict(change.before),
            after=dict(change.after),
            reason=reason,
        )
    for owner in owners_of(session, change.organisation_id):
        send_mail(
            session,
            "profile/decided",
            to=owner,
            now=now,
            name=owner.name,
            organisation=organisation.short_name,
            decision=decision,
            reason=reason,
            path="/my/profile",
        )


def for_review(session: Session, change_id: int) -> dict[str, Any]:
    change = session.get_one(ProfileChange, change_id)
    return {
        "change": change,
        "organisation": session.get_one(Organisation, change.organisation_id),
        "field_names": FIELDS,
    }


def remind_capacity(session: Session, organisation_id: int, *, now: datetime) -> None:
    """Tell the owners before what they said of capacity runs out: once for each time it was said."""
    storefront = queries.storefront_locked(session, organisation_id)
    programme = programme_at(session, now)
    if storefront is None or not reminder_due(
        storefront.capacity_confirmed_at,
        storefront.capacity_reminded_at,
        now,
        days=programme.matching["capacity_expires_d"],
        before=programme.profile["capacity_reminder_d"],
    ):
        return
    storefront.capacity_reminded_at = now
    organisation = session.get_one(Organisation, organisation_id)
    for owner in owners_of(session, organisation_id):
        send_mail(
            session,
            "profile/capacity",
            to=owner,
            now=now,
            name=owner.name,
            organisation=organisation.short_name,
            capacity=storefront.capacity,
            path="/my/storefront",
        )
