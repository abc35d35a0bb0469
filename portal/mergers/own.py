"""What the ground floor itself contributes to a merger: people, files, facts, domains, reviews, links."""

from datetime import datetime

from sqlmodel import Session, col

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
            mark("%(n)s reviews that somebody works on"),
            Fate.BLOCKS,
            in_review,
            mark("A reviewer has taken it. Wait for the decision, or ask for it to be put back."),
        ),
        Line(
            mark("%(n)s people with their roles; their certificates stay theirs"),
            Fate.MOVES,
            count(session, Employment.organisation_id, from_id, people[0]),
        ),
        Line(
            mark("%(n)s invitations to colleagues"),
            Fate.MOVES,
            count(session, Employment.organisation_id, from_id, people[1]),
        ),
        Line(
            mark("%(n)s invitations of people whom the other side has already"),
            Fate.ENDS,
            twice,
            mark("Nobody is asked twice."),
        ),
        Line(mark("%(n)s facts in the ledger"), Fate.MOVES, count(session, Fact.organisation_id, from_id)),
        Line(mark("%(n)s uploaded files"), Fate.MOVES, count(session, StoredFile.organisation_id, from_id)),
        Line(mark("%(n)s domains"), Fate.MOVES, kept),
        Line(
            mark("%(n)s domains that both have"),
            Fate.STAYS,
            len(domains) - kept,
            mark("The remaining organisation keeps its own proof."),
        ),
        Line(
            mark("%(n)s reviews that wait for staff"),
            Fate.MOVES,
            len(queries.submissions_of(session, from_id, ITS_OWN, of=False, status=WAITING)),
        ),
        Line(
            mark("%(n)s requests about the organisation itself"),
            Fate.ENDS,
            len(queries.submissions_of(session, from_id, ITS_OWN, of=True, status=WAITING)),
            mark("Verification, levels and names are those of the remaining organisation."),
        ),
        Line(
            mark("%(n)s links with a parent or subsidiary"),
            Fate.ENDS,
            len(open_links(session, from_id)),
            mark("Each link was agreed between two; agree it anew with the remaining organisation."),
        ),
        Line(
            mark("%(n)s storefront"),
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
    for column in (Employment.organisation_id, Fact.organisation_id, StoredFile.organisation_id):
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
