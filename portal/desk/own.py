"""What the platform itself contributes: confirm, register, verify, answer; verification clocks; review queues."""

from datetime import UTC, datetime

from sqlmodel import Session

from portal import clock
from portal.desk.parts import Clock, DeskLine, Next
from portal.organisations.models import Organisation
from portal.organisations.rules import VERIFY_WITHIN, Trust
from portal.refusal import mark
from portal.review.kinds import KINDS, kinds_for
from portal.review.queries import clocks_beyond, queue_counts
from portal.review.rules import Status
from portal.verification.queries import verification_of
from portal.web.viewer import Viewer


def next_step(session: Session, viewer: Viewer, _now: datetime) -> Next | None:
    if not viewer.confirmed:
        return Next(
            mark("Confirm your e-mail address"),
            mark("The link is in your mailbox; it holds for three days."),
            "/my/confirm-again",
            mark("Send the link again"),
        )
    acting = viewer.organisation
    if acting is None:
        return Next(
            mark("Register your organisation"),
            mark(
                "Two minutes; you can learn and draft at once. If a colleague has registered it already, ask for an invitation."
            ),
            "/my/organisation/new",
            mark("Register an organisation"),
        )
    if acting.trust in (Trust.PROVISIONAL, Trust.FROZEN) and viewer.is_owner:
        submission = verification_of(session, acting.id).submission
        if submission is None:
            return Next(
                mark("Have your organisation verified"),
                mark(
                    "Upload the business licence. Verification opens certificates, the directory and invitations."
                ),
                "/my/verification",
                mark("Upload the licence"),
            )
        if submission.status == Status.ACTION_REQUIRED:
            return Next(
                mark("Answer what staff asked about your licence"),
                mark("Each item says what would mend it. The clock stands still until you answer."),
                "/my/verification",
                mark("See what is asked"),
            )
    return None


def clocks(session: Session, viewer: Viewer, _now: datetime) -> list[Clock]:
    if viewer.organisation and viewer.organisation.trust == Trust.PROVISIONAL:
        organisation = session.get_one(Organisation, viewer.organisation.id)
        return [
            Clock(
                (organisation.returned_at or organisation.created_at) + VERIFY_WITHIN,
                mark("Unverified until then, the organisation is frozen; drafts are kept."),
                "/my/verification",
            )
        ]
    return []


def review_lines(session: Session, viewer: Viewer, _now: datetime) -> list[DeskLine]:
    counts = queue_counts(session, viewer.person_id)
    return [
        DeskLine(KINDS[key].name, counts.get(key, 0), f"/staff/review?kind={key}")
        for key in kinds_for(viewer.staff_roles)
    ]


def calendar_lines(session: Session, _viewer: Viewer, _now: datetime) -> list[DeskLine]:
    """A note while a clock ends in a year whose working days are not published yet."""
    ends = datetime(clock.official_through() + 1, 1, 1, tzinfo=clock.CHINA).astimezone(UTC)
    beyond = clocks_beyond(session, ends)
    if not beyond:
        return []
    return [
        DeskLine(
            mark("Clocks that end after the published calendar"),
            beyond,
            "/staff/review",
            mark("The shifted working days of that year are not known yet; these deadlines may move."),
        )
    ]
