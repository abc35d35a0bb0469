"""Deliver mails by SMTP."""

import smtplib
import ssl
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import make_msgid, parseaddr
from urllib.parse import unquote, urlsplit

import dramatiq

from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.jobs import broker  # noqa: F401  set before any actor is made
from portal.mail.models import Mail
from portal.mail.queries import mails_due, waiting_mail
from portal.settings import settings


@dramatiq.actor(max_retries=3, min_backoff=2_000, time_limit=60_000)
def deliver(mail_id: int) -> None:
    """Send one mail, once. Without SMTP_URL it stays a row, to be read in the demo's outbox."""
    if not settings().smtp_url:
        return
    with transaction(
        sessions()
    ) as session:  # the claim is committed first: no lock is held while the server answers
        mail = waiting_mail(session, mail_id, clock.now())
        if mail is None:
            return
        mail.attempts += 1
        mail.claimed_at = clock.now()
    try:
        _send(mail)
        sent_at, problem = clock.now(), ""
    except (OSError, smtplib.SMTPException) as error:
        sent_at, problem = None, str(error)[:500]  # the sweep tries again
    with transaction(sessions()) as session:
        row = session.get(Mail, mail_id)
        if row is not None:
            row.sent_at, row.last_error = sent_at, problem


def sweep_mails() -> None:
    """Find mails that a crash or a silent server left behind."""
    if settings().smtp_url:
        with transaction(sessions(), read_only=True) as session:
            due = mails_due(session, clock.now())
        for mail_id in due:
            deliver.send(mail_id)


def message_of(mail: Mail) -> EmailMessage:
    message = EmailMessage()
    name, address = parseaddr(settings().mail_from)
    message["From"] = Address(name, addr_spec=address)
    message["To"] = mail.to_address
    message["Subject"] = mail.subject
    message["Message-ID"] = make_msgid(str(mail.id), domain=address.partition("@")[2])
    if mail.unsubscribe_path:  # RFC 8058
        message["List-Unsubscribe"] = f"<{settings().base_url}{mail.unsubscribe_path}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(mail.text)
    return message


def _send(mail: Mail) -> None:
    url = urlsplit(settings().smtp_url)
    host, port = url.hostname or "127.0.0.1", url.port or (465 if url.scheme == "smtps" else 587)
    server = (
        smtplib.SMTP_SSL(host, port, timeout=20, context=ssl.create_default_context())
        if url.scheme == "smtps"
        else smtplib.SMTP(host, port, timeout=20)
    )
    with server:
        if url.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
        if url.username:
            server.login(unquote(url.username), unquote(url.password or ""))
        server.send_message(message_of(mail))
