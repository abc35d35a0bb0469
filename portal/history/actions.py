"""Write down what happened, in the transaction in which it happened; chain it just before the commit."""

import secrets
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, null, update

from portal.history.chain import digest_of, hash_of
from portal.history.models import History, HistoryHead
from portal.history.queries import end_of_chain, head_of, unsealed

_UNSEALED = "history to seal"


def record(
    session: Session,
    verb: str,
    subject_kind: str,
    subject_id: int | None,
    *,
    by: int | None,
    now: datetime,
    organisation_id: int | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    personal: dict[str, Any] | None = None,
    reason: str = "",
) -> None:
    """`by` is a person's id, None for the portal itself. `verb` is a catalogue key such as "case published".

    Names, addresses and the like of people belong into `personal`, read as a part of `after`: it can be erased.
    """
    if subject_id is None:
        raise ValueError("flush the subject before recording it")
    salt = secrets.token_hex(16) if personal else None
    session.add(
        History(
            at=now,
            actor_id=by,
            subject_kind=subject_kind,
            subject_id=subject_id,
            verb=verb,
            organisation_id=organisation_id,
            before=before,
            after=after,
            reason=reason,
            personal=personal,
            salt=salt,
            personal_digest=digest_of(personal, salt) if personal and salt else None,
        )
    )
    session.info[_UNSEALED] = True


_SEAL = (
    update(History)
    .where(col(History.id) == bindparam("row"))
    .values(seq=bindparam("number"), previous=bindparam("before_it"), hash=bindparam("its_hash"))
)


def seal(session: Session) -> None:
    """Number and chain what this transaction recorded. The last thing before the commit.

    Writers wait for each other here, at the chain's end, and nowhere before; so numbers follow the commits, and
    what is rolled back leaves no gap.
    """
    if not session.info.pop(_UNSEALED, False):
        return
    session.flush()
    end = end_of_chain(session, lock=True)
    seq, previous, sealed = end.seq, end.hash, []
    for link in unsealed(session):
        seq += 1
        its_hash = hash_of(link, seq, previous)
        sealed.append({"row": link.id, "number": seq, "before_it": previous, "its_hash": its_hash})
        previous = its_hash
    if sealed:
        session.connection().execute(_SEAL, sealed)
        end.seq, end.hash = seq, previous


def erase_personal(session: Session, history_ids: list[int]) -> None:
    """Forget the personal part of these rows. The chain holds without it."""
    session.connection().execute(
        update(History).where(col(History.id).in_(history_ids)).values(personal=null(), salt=None)
    )


def keep_head(session: Session, day: date, *, now: datetime) -> HistoryHead:
    """The head of that day, written once."""
    end = end_of_chain(session, lock=True)
    head = head_of(session, day)
    if head is None:
        head = HistoryHead(day=day, seq=end.seq, hash=end.hash, at=now)
        session.add(head)
        session.flush()
    return head
