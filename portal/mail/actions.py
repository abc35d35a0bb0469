"""Write a mail in its reader's language; people find its words in the portal too."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlmodel import Session

from portal import i18n
from portal.accounts.models import Person
from portal.jobs import enqueue
from portal.mail.jobs import deliver
from portal.mail.models import Mail
from portal.mail.queries import all_unsent
from portal.notices.models import Notice
from portal.notices.queries import choice_of
from portal.notices.rules import CATALOGUE, Class, NoticeKind, unsubscribe_code, ways, without_letter
from portal.refusal import mark
from portal.settings import settings


class Reader(Protocol):
    email: str
    language: str


@dataclass
class Mailbox:
    """A reader who need not be a person here."""

    email: str
    language: str


def send_mail(session: Session, template: str, *, to: Reader, now: datetime, **values: Any) -> None:
    """Render `templates/mail/<template>.txt` (first line: subject), send it after the commit, note it in the portal.

    `path` among the values becomes a full address `url`. What the kind of the template and the person's choice
    leave out is not sent; who is no person gets the mail alone. KeyError for a template that is not in the catalogue.
    """
    from portal.web.html import environment  # noqa: PLC0415  pages send mails, mails use the pages' templates

    kind, path = CATALOGUE[template], str(values.pop("path", ""))
    if path:
        values["url"] = settings().base_url + path
    person_id = to.id if isinstance(to, Person) else None
    by_mail, in_portal = True, False
    if person_id is not None:
        choice = choice_of(session, person_id, template)
        by_mail, in_portal = ways(kind, by_mail=choice.by_mail, in_portal=choice.in_portal)
    way_out = None
    if person_id is not None and kind.kind is Class.SEMI:
        way_out = f"/unsubscribe/{unsubscribe_code(settings().secret, person_id, template)}"
    with i18n.speaking(to.language, to.time_zone if isinstance(to, Person) else None):
        subject, _, text = (
            environment().get_template(f"mail/{template}.txt").render(**values).strip().partition("\n")
        )
        greeting = i18n.gettext("Hello %(name)s,", name=values.get("name", ""))
        footer = _footer(kind, way_out)
    subject = " ".join(subject.split())[:200]  # people's words may hold line breaks, a header may not
    if in_portal and person_id is not None:
        words = without_letter(text, greeting, values.get("url", ""))
        session.add(Notice(person_id=person_id, kind=template, title=subject, text=words, path=path, at=now))
    if by_mail:
        whole = f"{text.strip()}\n\n-- \n{footer}\n"
        mail = Mail(
            to_address=to.email, subject=subject, text=whole, created_at=now, unsubscribe_path=way_out
        )
        session.add(mail)
        session.flush()
        enqueue(session, deliver, mail.id or 0)


def _footer(kind: NoticeKind, way_out: str | None) -> str:
    lines = [i18n.gettext(kind.why)]
    if way_out:
        base = settings().base_url
        lines.append(i18n.gettext(mark("No more of these: %(url)s"), url=base + way_out))
        lines.append(i18n.gettext(mark("Choose what you get: %(url)s"), url=f"{base}/my/notices/settings"))
    return "\n".join(lines)


def consider_sent(session: Session, *, now: datetime) -> None:
    """Mails of a story that is told, not lived: nobody is to get them."""
    session.flush()
    for mail in all_unsent(session):
        mail.sent_at = now
