"""Write a mail in its reader's language."""

from datetime import datetime
from typing import Any, Protocol

from sqlmodel import Session

from portal import i18n
from portal.jobs import enqueue
from portal.mail.jobs import deliver
from portal.mail.models import Mail
from portal.mail.queries import all_unsent
from portal.settings import settings


class Reader(Protocol):
    email: str
    language: str


def send_mail(session: Session, template: str, *, to: Reader, now: datetime, **values: Any) -> None:
    """Render `templates/mail/<template>.txt` (first line: subject) and send it after the commit.

    `path` among the values becomes a full address `url`.
    """
    from portal.web.html import environment  # noqa: PLC0415  pages send mails, mails use the pages' templates

    if "path" in values:
        values["url"] = settings().base_url + values.pop("path")
    with i18n.speaking(to.language):
        subject, _, text = (
            environment().get_template(f"mail/{template}.txt").render(**values).strip().partition("\n")
        )
    subject = " ".join(subject.split())[:200]  # people's words may hold line breaks, a header may not
    mail = Mail(to_address=to.email, subject=subject, text=text.strip() + "\n", created_at=now)
    session.add(mail)
    session.flush()
    enqueue(session, deliver, mail.id or 0)


def consider_sent(session: Session, *, now: datetime) -> None:
    """Mails of a story that is told, not lived: nobody is to get them."""
    session.flush()
    for mail in all_unsent(session):
        mail.sent_at = now
