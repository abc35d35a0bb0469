"""Save the page, give and take back consent, make and renew codes, note scans and what came of them."""

import secrets
from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session

from portal import clock
from portal.accounts.models import Person
from portal.files.actions import forget_file, store_file
from portal.files.models import StoredFile
from portal.files.pictures import bare
from portal.files.rules import Kind
from portal.history.actions import record
from portal.i18n import language
from portal.mail.actions import send_mail
from portal.organisations.queries import open_employment
from portal.people.forms import EditPage, WriteTo
from portal.people.models import Attribution, CodeScan, Consent, PersonCode, PersonPage
from portal.people.queries import (
    attributed,
    codes_in_use,
    open_consents,
    page_of,
    scan_with_person,
    scanned_before,
    uses_of,
)
from portal.people.rules import (
    COOKIE_LASTS,
    LETTERS,
    MOST_CODES,
    WORDING,
    Use,
    new_uses,
    read_scan_cookie,
    visitor_of,
)
from portal.refusal import Refused, mark
from portal.settings import settings


def _random(length: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(length))


def page_for(session: Session, person_id: int) -> PersonPage:
    """The person's page, locked; begun when there is none."""
    page = page_of(session, person_id, lock=True)
    if page is None:
        session.get_one(Person, person_id, with_for_update=True)  # two first saves wait for each other
        page = page_of(session, person_id) or PersonPage(person_id=person_id, slug=_random(12))
        session.add(page)
        session.flush()
    return page


def save_page(session: Session, page: PersonPage, entry: EditPage, *, by: int, now: datetime) -> None:
    for name, value in entry.model_dump().items():
        setattr(page, name, value)
    page.revision += 1
    record(session, "own page saved", "person", page.person_id, by=by, now=now)


def set_photo(
    session: Session, page: PersonPage, name: str, content: bytes, *, by: int, now: datetime
) -> None:
    """A JPEG or PNG without what cameras write beside the picture: the place and the time."""
    session.flush()
    file = store_file(session, name, bare(content), kind=Kind.PHOTO, organisation_id=None, by=by, now=now)
    old, page.photo_id = page.photo_id, file.id
    session.flush()
    if old:
        forget_file(session, session.get_one(StoredFile, old))


def remove_photo(session: Session, page: PersonPage) -> None:
    old, page.photo_id = page.photo_id, None
    session.flush()
    if old:
        forget_file(session, session.get_one(StoredFile, old))


def agree(session: Session, person_id: int, wanted: Collection[str], *, by: int, now: datetime) -> None:
    """Exactly these uses from now on: each new one a row, each that is not wanted any more ended by its date."""
    session.get_one(Person, person_id, with_for_update=True)  # a form sent twice waits for itself
    given, withdrawn = new_uses(uses_of(session, person_id), wanted)
    for consent in open_consents(session, person_id, sorted(withdrawn)):
        consent.withdrawn_at = now
    for use in sorted(given):
        session.add(Consent(person_id=person_id, use=use, wording=f"{WORDING}/{language()}", given_at=now))
    session.flush()
    if given:
        record(session, "consent given", "person", person_id, by=by, now=now, after={"uses": sorted(given)})
    if withdrawn:
        record(
            session,
            "consent withdrawn",
            "person",
            person_id,
            by=by,
            now=now,
            after={"uses": sorted(withdrawn)},
        )


def make_code(session: Session, person_id: int, label: str, *, by: int, now: datetime) -> PersonCode:
    session.get_one(Person, person_id, with_for_update=True)
    if codes_in_use(session, person_id) >= MOST_CODES:
        raise Refused(mark("You have as many codes as there can be. Renew or end one that you have."))
    row = PersonCode(person_id=person_id, code=_random(10), label=label, made_at=now)
    session.add(row)
    session.flush()
    record(session, "code made", "person_code", row.id, by=by, now=now)
    return row


def renew_code(session: Session, code: PersonCode, *, by: int, now: datetime) -> PersonCode:
    """A new one with its label; the old one says that it was replaced."""
    end_code(session, code, by=by, now=now)
    return make_code(session, code.person_id, code.label, by=by, now=now)


def end_code(session: Session, code: PersonCode, *, by: int, now: datetime) -> None:
    if code.retired_at:
        raise Refused(mark("This code has been replaced or ended already."))
    code.retired_at = now
    record(session, "code ended", "person_code", code.id, by=by, now=now)


def note_scan(session: Session, code: PersonCode, token: str, *, now: datetime) -> CodeScan:
    """Attributed to the organisation that the person works for at this moment, if any."""
    day = clock.today(now)
    visitor = visitor_of(settings().secret, token, day)
    employment = open_employment(session, code.person_id)
    scan = CodeScan(
        code_id=code.id or 0,
        organisation_id=employment.organisation_id if employment else None,
        at=now,
        day=day,
        visitor=visitor,
        repeated=scanned_before(session, code.id or 0, visitor),
    )
    session.add(scan)
    session.flush()
    return scan


def attribute(
    session: Session,
    cookie: str | None,
    kind: str,
    subject_id: int,
    *,
    organisation_id: int,
    by: int,
    now: datetime,
) -> Attribution | None:
    """Who scanned before they came: a row for what they did, once. Nobody is credited for what they did themselves."""
    read = read_scan_cookie(settings().secret, cookie or "")
    scanned = scan_with_person(session, read[0], now - COOKIE_LASTS) if read else None
    if (
        scanned is None
        or scanned.person_id == by
        or scanned.scan.organisation_id == organisation_id
        or attributed(session, kind, subject_id)
    ):
        return None
    row = Attribution(
        kind=kind,
        subject_id=subject_id,
        code_id=scanned.scan.code_id,
        organisation_id=scanned.scan.organisation_id,
        at=now,
    )
    session.add(row)
    session.flush()
    return row


def write_to(session: Session, person: Person, entry: WriteTo, *, now: datetime) -> None:
    send_mail(
        session,
        "people/contact",
        to=person,
        now=now,
        name=person.name,
        sender=entry.name,
        address=entry.email,
        message=entry.message,
    )


def publish(session: Session, person_id: int, uses: Collection[str], *, by: int, now: datetime) -> None:
    """A page with these parts; it needs a page to show."""
    page_for(session, person_id)
    agree(session, person_id, {Use.PAGE, *uses}, by=by, now=now)
