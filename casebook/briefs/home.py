"""What briefs contribute to the home page and the staff desk."""

from datetime import datetime, timedelta

from sqlmodel import Session

from casebook.briefs import queries
from casebook.briefs.models import Brief
from casebook.briefs.rules import MAY_WIN, BriefStatus, IntroductionStatus, completeness, why_not_publish
from portal.desk.parts import Clock, DeskLine, Next
from portal.organisations.queries import storefront_of
from portal.organisations.rules import Kind
from portal.programme.queries import programme_at
from portal.refusal import mark
from portal.web.viewer import Viewer

SAY_AGAIN_BEFORE = timedelta(days=7)


def next_step(session: Session, viewer: Viewer, now: datetime) -> Next | None:
    if viewer.organisation is None:
        return None
    if viewer.organisation.kind == Kind.PROVIDER:
        return _provider_next(session, viewer.organisation.id)
    if not viewer.may("brief"):
        return None
    return _brand_next(session, viewer.organisation.id, now)


def _provider_next(session: Session, organisation_id: int) -> Next | None:
    waiting = queries.waiting_for_provider(session, organisation_id)
    if not waiting:
        return None
    introduction_id, number, title, _ = waiting[0]
    return Next(
        mark("A brand invites you: %(title)s"),
        mark(
            "Brief %(number)s waits for your yes or no. An answer in time counts; silence counts against you."
        ),
        f"/my/invitations/{introduction_id}",
        mark("Read the brief and answer"),
        {"title": title, "number": number},
    )


def _brand_next(session: Session, organisation_id: int, now: datetime) -> Next | None:
    briefs = queries.waiting_for_brand(session, organisation_id)
    if not briefs:
        if queries.has_briefs(session, organisation_id):
            return None
        return Next(
            mark("Write your first brief"),
            mark("A coach asks until it is concrete; then five providers are shown with their reasons."),
            "/my/briefs/new",
            mark("Write a brief"),
        )
    least = programme_at(session, now).matching["brief_completeness_to_publish"]
    found = [one for brief, states in briefs if (one := _next_of(brief, states, least))]
    return min(found, key=lambda one: one[0])[1] if found else None


def _next_of(brief: Brief, states: list[str], least: int) -> tuple[int, Next] | None:
    """What a brief needs of its brand now, and how urgent it is: 0 first."""
    path, values = f"/my/briefs/{brief.number}", {"title": brief.title}
    if IntroductionStatus.ACCEPTED in states:
        return 0, Next(
            mark("A provider said yes: %(title)s"),
            mark("Say yes too, and each of you reads the other's contacts."),
            path,
            mark("See the answers"),
            values,
        )
    if brief.status is BriefStatus.SHORTLISTED:
        return 1, Next(
            mark("Your shortlist is ready: %(title)s"),
            mark("Invite one of them or all. Uninvited, the list lapses."),
            path,
            mark("See the providers"),
            values,
        )
    if brief.status is BriefStatus.IN_TALKS and set(states) & set(MAY_WIN):
        return 2, Next(
            mark("Decide on %(title)s"),
            mark("Once you have met, choose one or nobody, with the reason: everybody in it learns why."),
            path,
            mark("Go to the brief"),
            values,
        )
    if brief.status is BriefStatus.DRAFT and why_not_publish(completeness(brief.model_dump()), least) is None:
        return 3, Next(
            mark("Your brief is concrete enough: %(title)s"),
            mark("Publish it, and providers are found at once."),
            path,
            mark("Go to the brief"),
            values,
        )
    return None


def clocks(session: Session, viewer: Viewer, now: datetime) -> list[Clock]:
    if viewer.organisation is None:
        return []
    if viewer.organisation.kind == Kind.PROVIDER:
        return _provider_clocks(session, viewer.organisation.id, now)
    sentences = {
        BriefStatus.SHORTLISTED: mark(
            "Invite for %(title)s; after that the list lapses and the places are free."
        ),
        BriefStatus.IN_TALKS: mark("Decide on %(title)s; without a sign of life the brief lapses."),
    }
    return [
        Clock(brief.due_at, sentences[brief.status], f"/my/briefs/{brief.number}", {"title": brief.title})
        for brief, _ in queries.waiting_for_brand(session, viewer.organisation.id)
        if brief.due_at and brief.status in sentences
    ]


def _provider_clocks(session: Session, organisation_id: int, now: datetime) -> list[Clock]:
    found = [
        Clock(
            until,
            mark("Answer the invitation to %(title)s; after that the place goes to the next."),
            f"/my/invitations/{introduction_id}",
            {"title": title},
        )
        for introduction_id, _, title, until in queries.waiting_for_provider(session, organisation_id)
    ]
    shop = storefront_of(session, organisation_id)
    if shop and shop.capacity and shop.capacity_confirmed_at:
        days = programme_at(session, now).matching["capacity_expires_d"]
        until = shop.capacity_confirmed_at + timedelta(days=days)
        if now < until <= now + SAY_AGAIN_BEFORE:
            found.append(
                Clock(
                    until,
                    mark("Say again how many clients you can take; after that no brief reaches you."),
                    "/my/storefront",
                )
            )
    return found


def desk_lines(session: Session, viewer: Viewer, now: datetime) -> list[DeskLine]:
    if not viewer.is_staff:
        return []
    matching = programme_at(session, now).matching
    month = now - timedelta(days=matching["clocks"]["stale_after_d"])
    return [
        DeskLine(
            mark("Briefs with too few providers"),
            queries.short_briefs(session, matching["shortlist_size"]),
            "/staff/briefs?show=few",
            mark("open, or fewer shown than there are places"),
        ),
        DeskLine(
            mark("Briefs that lapsed"),
            queries.stale_briefs(session, month),
            "/staff/briefs?show=stale",
            mark("in the last 30 days: the brand did not answer"),
        ),
    ]
