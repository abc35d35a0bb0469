"""What the ground floor itself contributes to leaving and to an export."""

from datetime import datetime

from sqlmodel import Session

from portal.desk.parts import Copies, Fate, Line, Next
from portal.domains.models import OrganisationDomain
from portal.files.models import StoredFile
from portal.group.actions import end_links
from portal.group.queries import links_of, open_links
from portal.history.queries import recent
from portal.leaving.queries import departure_of, everybody_of
from portal.leaving.rules import as_data, may_return
from portal.ledger.models import Fact
from portal.mergers.actions import withdraw_all
from portal.mergers.own import ITS_OWN, WAITING
from portal.mergers.queries import mergers_of, proposals_of, rows_of, submissions_of
from portal.organisations.actions import end_employment
from portal.organisations.models import Employment, Organisation
from portal.organisations.queries import employment_in, members_of, storefront_of
from portal.organisations.rules import EmploymentStatus, Ending
from portal.profile.models import ProfileChange
from portal.programme.queries import programme_at
from portal.refusal import mark
from portal.review.actions import withdraw
from portal.review.models import Submission
from portal.verification.models import Verification, VerificationAnswer
from portal.web.viewer import Viewer

MOST_HISTORY = 100_000


def leave_preview(session: Session, organisation_id: int) -> list[Line]:
    members = rows_of(session, Employment.organisation_id, organisation_id, lock=False)
    working = sum(1 for m in members if m.status is EmploymentStatus.CONFIRMED)
    return [
        Line(
            mark("People besides you, who are free to go and keep their certificates: %(n)s"),
            Fate.ENDS,
            max(0, working - 1),
        ),
        Line(
            mark("Invitations to colleagues: %(n)s"),
            Fate.ENDS,
            sum(1 for m in members if m.status is EmploymentStatus.INVITED),
        ),
        Line(
            mark("Requests about the organisation itself: %(n)s"),
            Fate.ENDS,
            len(submissions_of(session, organisation_id, ITS_OWN, of=True, status=WAITING)),
        ),
        Line(
            mark("Links with a parent or subsidiary: %(n)s"),
            Fate.ENDS,
            len(open_links(session, organisation_id)),
        ),
        Line(mark("Proposed mergers: %(n)s"), Fate.ENDS, len(proposals_of(session, organisation_id))),
        Line(
            mark("Facts in the ledger: %(n)s"),
            Fate.STAYS,
            len(rows_of(session, Fact.organisation_id, organisation_id, lock=False)),
        ),
    ]


def leave(session: Session, organisation: Organisation, _reason: str, *, by: int, now: datetime) -> None:
    organisation_id = organisation.id or 0
    for member in members_of(session, organisation_id, now):
        employment = employment_in(session, member.employment_id, organisation_id)
        if employment and employment.person_id != by:
            end_employment(session, employment, Ending.CLOSED, by=by, now=now)
    for submission in submissions_of(session, organisation_id, ITS_OWN, of=True, status=WAITING):
        withdraw(session, submission, by=by, now=now)
    end_links(session, organisation_id, by=by, now=now)
    withdraw_all(session, organisation_id, by=by, now=now)


def come_back(session: Session, viewer: Viewer, now: datetime) -> Next | None:
    """On the home page of the owner who left."""
    acting = viewer.organisation
    if acting is None or not viewer.may("return"):
        return None
    row = departure_of(session, acting.id)
    if row is None or not may_return(row.left_at, now, programme_at(session, now).return_d):
        return None
    return Next(
        mark("Your organisation has left the programme"),
        mark("Cases and facts are still there. You can open it again; levels are applied for anew."),
        "/my/return",
        mark("Come back"),
    )


def export(session: Session, organisation_id: int) -> Copies:
    organisation = session.get_one(Organisation, organisation_id)
    storefront = storefront_of(session, organisation_id)
    files = rows_of(session, StoredFile.organisation_id, organisation_id, lock=False)
    verifications = rows_of(session, Verification.organisation_id, organisation_id, lock=False)
    answers = [
        as_data(answer)
        for row in verifications
        for answer in rows_of(session, VerificationAnswer.verification_id, row.id, lock=False)
    ]
    paths = {row.id: f"files/{row.id}-{row.name}" for row in files}
    return Copies(
        {
            "organisation.json": as_data(organisation)
            | {
                "storefront": as_data(storefront) if storefront else None,
                "links": [
                    {
                        "other": one.other.legal_name,
                        "other_is": "parent" if one.other_is_parent else "subsidiary",
                        "status": one.link.status.value,
                    }
                    for one in links_of(session, organisation_id)
                ],
                "mergers": [
                    as_data(one.merger, leave_out=("moved",))
                    | {"from": one.gone.legal_name, "into": one.into.legal_name}
                    for one in mergers_of(session, organisation_id)
                ],
                "name_changes": [
                    as_data(row)
                    for row in rows_of(session, ProfileChange.organisation_id, organisation_id, lock=False)
                ],
            },
            "people.json": [
                as_data(one.employment, leave_out=("token_hash",))
                | {"name": one.name, "roles": [as_data(role) for role in one.roles]}
                for one in everybody_of(session, organisation_id)
            ],
            "facts.json": [
                as_data(row) for row in rows_of(session, Fact.organisation_id, organisation_id, lock=False)
            ],
            "history.json": [
                vars(entry) for entry in recent(session, organisation_id=organisation_id, limit=MOST_HISTORY)
            ],
            "verification.json": [as_data(row) for row in verifications] + answers,
            "domains.json": [
                as_data(row, leave_out=("token",))
                for row in rows_of(session, OrganisationDomain.organisation_id, organisation_id, lock=False)
            ],
            "reviews.json": [
                as_data(row, leave_out=("reviewer_id",))
                for row in rows_of(session, Submission.organisation_id, organisation_id, lock=False)
            ],
            "files.json": [as_data(row) | {"path": paths[row.id]} for row in files],
        },
        {paths[row.id]: row for row in files},
    )
