"""What the ground floor itself contributes to a merger: people, files, facts, domains, reviews, links."""

from datetime import datetime

from sqlmodel import Session, col

from portal.departures.models import Departure, MailboxCheck
from portal.desk.parts import Fate, Line
from portal.files.models import StoredFile
from portal.group.actions import end_links
from portal.group.queries import open_links
from portal.ledger.models import Fact
from portal.mergers import queries
from portal.organisations.actions import end_employment
from portal.organisations.models import Employment, Organisation
from portal.organisations.queries import storefront_of
from portal.organisations.rules import EmploymentStatus, Ending
from portal.people.models import Attribution, CodeScan
from portal.refusal import mark
from portal.review.actions import withdraw
from portal.review.models import Submission
from portal.review.rules import Status

# Of the organisation itself: they end with it. All other submissions follow what they are about.
ITS_OWN = ("verification", "level", "profile_change")
WAITING = (Status.SUBMITTED, Status.ACTION_REQUIRED)
OPEN = (*WAITING, Status.IN_REVIEW)
CLOSED = (Status.APPROVED, Status.REJECTED, Status.WITHDRAWN)


def preview(session: Session, from_id: int, into_id: int) -> list[Line]:
    count = queries.how_many
    in_review = len(queries.submissions_of(session, from_id, (), of=False, status=(Status.IN_REVIEW,)))
    in_review += len(
        queries.submissions_of(session, into_id, ("level",), of=True, status=(Status.IN_REVIEW,))
    )
    people = (Employment.status == EmploymentStatus.CONFIRMED, Employment.status == EmploymentStatus.INVITED)
    twice = len(queries.invited_in_both(session, from_id, into_id))
    domains = queries.domains_of_both(session, from_id, into_id)
    kept = sum(1 for row, own in domains if own is None or _takes_over(row, own))
    return [
        Line(
            mark("Reviews that somebody works on: %(n)s"),
            Fate.BLOCKS,
            in_review,
            mark("A reviewer has taken it. Wait for the decision, or ask for it to be put back."),
        ),
        Line(
            mark("People with their roles, who keep their certificates: %(n)s"),
            Fate.MOVES,
            count(session, Employment.organisation_id, from_id, people[0]),
        ),
        Line(
            mark("Invitations to colleagues: %(n)s"),
            Fate.MOVES,
            count(session, Employment.organisation_id, from_id, people[1]),
        ),
        Line(
            mark("Invitations of people whom the other side has already: %(n)s"),
            Fate.ENDS,
            twice,
            mark("Nobody is asked twice."),
        ),
        Line(mark("Facts in the ledger: %(n)s"), Fate.MOVES, count(session, Fact.organisation_id, from_id)),
        Line(mark("Uploaded files: %(n)s"), Fate.MOVES, count(session, StoredFile.organisation_id, from_id)),
        Line(mark("Domains: %(n)s"), Fate.MOVES, kept),
        Line(
            mark("Domains that both have: %(n)s"),
            Fate.STAYS,
            len(domains) - kept,
            mark("The remaining organisation keeps its own proof."),
        ),
        Line(
            mark("Reviews that wait for staff: %(n)s"),
            Fate.MOVES,
            len(queries.submissions_of(session, from_id, ITS_OWN, of=False, status=WAITING)),
        ),
        Line(
            mark("Requests about the organisation itself: %(n)s"),
            Fate.ENDS,
            len(queries.submissions_of(session, from_id, ITS_OWN, of=True, status=WAITING)),
            mark("Verification, levels and names are those of the remaining organisation."),
        ),
        Line(
            mark("Links with a parent or subsidiary: %(n)s"),
            Fate.ENDS,
            len(open_links(session, from_id)),
            mark("Each link was agreed between two; agree it anew with the remaining organisation."),
        ),
        Line(
            mark("Storefront: %(n)s"),
            Fate.STAYS,
            1 if storefront_of(session, from_id) else 0,
            mark("The storefront of the remaining organisation holds."),
        ),
    ]


def _takes_over(row: object, own: object) -> bool:
    """The proof is with the one that goes, and the other only claims the domain."""
    proved = getattr(row, "proved_at", None) and not getattr(row, "lost_at", None)
    own_proved = getattr(own, "proved_at", None) and not getattr(own, "lost_at", None)
    return bool(proved and not own_proved)


def carry_out(
    session: Session, from_id: int, into_id: int, *, by: int | None, now: datetime
) -> dict[str, list[int]]:
    for employment in queries.invited_in_both(session, from_id, into_id):
        end_employment(session, employment, Ending.REMOVED, by=by, now=now)
    for submission in queries.submissions_of(session, from_id, ITS_OWN, of=True, status=WAITING):
        withdraw(session, submission, by=by, now=now)
    end_links(session, from_id, by=by, now=now)
    moved: dict[str, list[int]] = {}
    for column in (
        Employment.organisation_id,
        Departure.organisation_id,
        MailboxCheck.organisation_id,
        Fact.organisation_id,
        StoredFile.organisation_id,
        CodeScan.organisation_id,
        Attribution.organisation_id,
    ):
        moved |= move(session, column, from_id, into_id)
    moved |= move(
        session, Submission.organisation_id, from_id, into_id, col(Submission.subject_kind).not_in(ITS_OWN)
    )
    moved["organisation_domain"] = _domains(session, from_id, into_id, now=now)
    session.get_one(Organisation, into_id).revision += 1
    return moved


def move(
    session: Session, column: object, from_id: int, into_id: int, *conditions: object
) -> dict[str, list[int]]:
    """Let the column of each row name the other organisation: {table: ids}."""
    rows = queries.rows_of(session, column, from_id, *conditions)
    name = column.key  # type: ignore[attr-defined]
    for row in rows:
        setattr(row, name, into_id)
    session.flush()
    return {column.class_.__tablename__: [row.id for row in rows]} if rows else {}  # type: ignore[attr-defined]


def _domains(session: Session, from_id: int, into_id: int, *, now: datetime) -> list[int]:
    moved = []
    for row, own in queries.domains_of_both(session, from_id, into_id):
        if own is None:
            row.organisation_id = into_id
        elif _takes_over(row, own):
            proof = {
                name: getattr(row, name) for name in ("method", "token", "mailbox", "proved_at", "checked_at")
            }
            due = row.due_at
            row.lost_at, row.due_at = now, None
            session.flush()  # a domain is proved by one alone
            for name, value in proof.items():
                setattr(own, name, value)
            own.lost_at, own.failed_at, own.due_at = None, None, due
        else:
            continue
        moved.append(row.id or 0)
    session.flush()
    return moved
