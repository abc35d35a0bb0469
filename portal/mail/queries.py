"""Mails that wait, and the outbox of a demo."""

from datetime import datetime, timedelta

from sqlmodel import Session, col, or_, select

from portal.mail.models import Mail

MOST_ATTEMPTS = 8
LEASE = timedelta(minutes=2)  # longer than any delivery takes


def mails_due(session: Session, now: datetime) -> list[int]:
    """Ids of mails not sent and in nobody's hands: those a crash or a silent server left behind."""
    return [
        i
        for i in session.exec(
            select(Mail.id)
            .where(
                col(Mail.sent_at).is_(None),
                Mail.attempts < MOST_ATTEMPTS,
                Mail.created_at < now - timedelta(minutes=1),
                or_(col(Mail.claimed_at).is_(None), col(Mail.claimed_at) < now - LEASE),
            )
            .order_by(col(Mail.id))
            .limit(200)
        )
        if i is not None
    ]


def waiting_mail(session: Session, mail_id: int, now: datetime) -> Mail | None:
    """The mail, locked, unless somebody sends it or has sent it."""
    return session.exec(
        select(Mail)
        .where(
            Mail.id == mail_id,
            col(Mail.sent_at).is_(None),
            or_(col(Mail.claimed_at).is_(None), col(Mail.claimed_at) < now - LEASE),
        )
        .with_for_update(skip_locked=True)
    ).first()


def outbox(session: Session, limit: int = 50) -> list[Mail]:
    return list(
        session.exec(
            select(Mail).where(col(Mail.sent_at).is_(None)).order_by(col(Mail.id).desc()).limit(limit)
        )
    )


def all_unsent(session: Session) -> list[Mail]:
    return list(session.exec(select(Mail).where(col(Mail.sent_at).is_(None))))
