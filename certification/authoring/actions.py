"""Write a question, have it reviewed by somebody else, put it to use."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlmodel import Session

from certification.authoring.models import BankUpload
from certification.authoring.queries import asked_now, codes_of, uploads_before, versions_of, written_now
from certification.banks.actions import keep_pictures
from certification.banks.form import QuestionForm
from certification.banks.models import Bank, Question
from certification.banks.rows import row_of
from certification.banks.rules import MOVES, QuestionStatus
from certification.exams.queries import questions_of_bank
from portal.history.actions import record
from portal.refusal import Refused, checked_move, mark

KEPT = timedelta(days=1)
OWN = mark("A question is reviewed by somebody who did not write it.")


def create_bank(session: Session, code: str, title: dict[str, str], *, by: int, now: datetime) -> Bank:
    """IntegrityError when the code is taken: the page says so."""
    bank = Bank(code=code, title=title)
    session.add(bank)
    session.flush()
    record(session, "bank created", "bank", bank.id, by=by, now=now, after={"code": code})
    return bank


def next_code(session: Session, bank: Bank) -> str:
    """A code nobody has used in this bank."""
    taken = codes_of(session, bank.id or 0)
    n = len(taken) + 1
    while f"{bank.code}-{n:04d}" in taken:
        n += 1
    return f"{bank.code}-{n:04d}"


def write_question(session: Session, bank: Bank, form: QuestionForm, *, by: int, now: datetime) -> Question:
    """A draft; of a code that is there already it is a further version. Refused while another is being written."""
    if written_now(session, bank.id or 0, form.code):
        raise Refused(mark("A new version of this question is being written already. Go on with that one."))
    fields = row_of(form, keep_pictures(session, form))
    known = versions_of(session, bank.id or 0, form.code)
    same = next((q for q in known if q.content_hash == form.content_hash), None)
    if same is not None:
        raise Refused(mark("Nothing in it differs from version %(n)s."), n=same.version, status=422)
    version = 1 + max((q.version for q in known), default=0)
    question = Question(
        bank_id=bank.id or 0, version=version, status=QuestionStatus.DRAFT, written_by=by, **fields
    )
    session.add(question)
    session.flush()
    after = {"bank": bank.code, "code": form.code, "version": version}
    record(session, "question written", "question", question.id, by=by, now=now, after=after)
    return question


def change_draft(session: Session, question: Question, form: QuestionForm, *, by: int, now: datetime) -> None:
    """Only a draft is changed in place; it is locked. Whoever changes it last counts as its author."""
    if question.status is not QuestionStatus.DRAFT:
        raise Refused(mark("Only a draft is changed in place. Write a new version instead."))
    before = question.content_hash
    for name, value in row_of(form, keep_pictures(session, form)).items():
        setattr(question, name, value)
    question.written_by = by
    session.flush()
    if before != question.content_hash:
        record(session, "question changed", "question", question.id, by=by, now=now)


def move_question(
    session: Session, question: Question, move: str, *, by: int, now: datetime, reason: str = ""
) -> None:
    """One step of its way; the row is locked. What comes to use takes the place of the version before."""
    status = QuestionStatus(checked_move(MOVES, question.status, move))  # type: ignore[arg-type]
    if question.status is QuestionStatus.IN_REVIEW and move != "return" and question.written_by == by:
        raise Refused(OWN)
    if status in (QuestionStatus.PILOT, QuestionStatus.IN_USE):
        earlier = asked_now(session, question.bank_id, question.code)
        if earlier is not None and earlier.id != question.id:
            earlier.status = QuestionStatus.RETIRED
            session.flush()
            record(
                session,
                "question moved",
                "question",
                earlier.id,
                by=by,
                now=now,
                after={"status": QuestionStatus.RETIRED.value, "followed by": question.id},
            )
    before = question.status
    question.status = status
    session.flush()
    record(
        session,
        "question moved",
        "question",
        question.id,
        by=by,
        now=now,
        before={"status": before.value},
        after={"status": status.value},
        reason=reason,
    )


def keep_upload(
    session: Session, bank: Bank, name: str, content: bytes, *, by: int, now: datetime
) -> BankUpload:
    upload = BankUpload(
        bank_id=bank.id or 0, name=name[:200], content=content, uploaded_by=by, uploaded_at=now
    )
    session.add(upload)
    session.flush()
    return upload


def take_over(
    session: Session,
    bank: Bank,
    upload: BankUpload,
    forms: Iterable[QuestionForm],
    *,
    by: int,
    now: datetime,
) -> tuple[int, int, int]:
    """The questions of an upload, each in review; those that are there, word for word, are left alone. It is gone then.

    (new ones, new versions, left alone). One that has a draft is left alone as well: its author comes first.
    """
    added = versions = same = 0
    rows: dict[str, list[Question]] = {}
    for question in questions_of_bank(session, bank.id or 0):
        rows.setdefault(question.code, []).append(question)
    for form in forms:
        known = rows.get(form.code, [])
        if any(
            q.content_hash == form.content_hash and q.status != QuestionStatus.RETIRED for q in known
        ) or any(q.status in (QuestionStatus.DRAFT, QuestionStatus.IN_REVIEW) for q in known):
            same += 1
            continue
        again = next((q for q in known if q.content_hash == form.content_hash), None)
        if again is not None:  # an old wording comes back
            again.status = QuestionStatus.IN_REVIEW
        else:
            session.add(
                Question(
                    bank_id=bank.id or 0,
                    version=1 + max((q.version for q in known), default=0),
                    status=QuestionStatus.IN_REVIEW,
                    written_by=by,
                    **row_of(form, keep_pictures(session, form)),
                )
            )
        session.flush()
        added, versions = (added, versions + 1) if known else (added + 1, versions)
    record(
        session,
        "questions taken from a file",
        "bank",
        bank.id,
        by=by,
        now=now,
        after={"bank": bank.code, "added": added, "versions": versions, "same": same},
    )
    session.delete(upload)
    return added, versions, same


def forget_uploads(session: Session, *, now: datetime) -> int:
    """Files that nobody imported within a day."""
    old = uploads_before(session, now - KEPT)
    for upload in old:
        session.delete(upload)
    return len(old)
