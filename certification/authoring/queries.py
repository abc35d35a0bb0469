"""Banks and questions as their authors see them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, or_, select

from certification.authoring.models import BankUpload
from certification.banks.models import Bank, Picture, Question
from certification.banks.rules import QuestionStatus

PAGE = 50


@dataclass(frozen=True)
class BankRow:
    bank: Bank
    counts: dict[str, int] = field(hash=False)  # by status


@dataclass(frozen=True)
class Filters:
    topic: str = ""
    status: str = ""
    kind: str = ""
    words: str = ""
    page: int = 1


def banks(session: Session) -> list[BankRow]:
    """Every bank with its questions by state; one query."""
    found: dict[int, BankRow] = {}
    rows = session.exec(
        select(Bank, Question.status, func.count(col(Question.id)))
        .join(Question, col(Question.bank_id) == col(Bank.id), isouter=True)
        .group_by(col(Bank.id), col(Question.status))
        .order_by(Bank.code)
    )
    for bank, status, count in rows:
        row = found.setdefault(bank.id or 0, BankRow(bank, {}))
        if status is not None:
            row.counts[str(status)] = count
    return list(found.values())


def bank_coded(session: Session, code: str) -> Bank | None:
    return session.exec(select(Bank).where(Bank.code == code)).first()


def questions(session: Session, bank_id: int, asked: Filters) -> tuple[list[Question], int]:
    """A page of a bank's questions and how many there are in all; what is retired only when asked for."""
    where: list[Any] = [Question.bank_id == bank_id]
    where.append(
        Question.status == asked.status if asked.status else Question.status != QuestionStatus.RETIRED
    )
    if asked.topic:
        where.append(Question.topic == asked.topic)
    if asked.kind:
        where.append(Question.kind == asked.kind)
    if asked.words:
        like = f"%{asked.words.replace('%', '').replace('_', '')}%"
        stem: Any = col(Question.stem)
        words: list[Any] = [
            col(Question.code).ilike(like),
            stem["zh"].as_string().ilike(like),
            stem["en"].as_string().ilike(like),
        ]
        where.append(or_(*words))
    total = session.exec(select(func.count()).select_from(Question).where(*where)).one()
    rows = session.exec(
        select(Question)
        .where(*where)
        .order_by(Question.topic, Question.group, Question.code, col(Question.version).desc())
        .limit(PAGE)
        .offset(PAGE * (max(1, asked.page) - 1))
    )
    return list(rows), total


def topics_of(session: Session, bank_id: int) -> list[str]:
    return list(
        session.exec(
            select(Question.topic).where(Question.bank_id == bank_id).distinct().order_by(Question.topic)
        )
    )


def question_with(session: Session, question_id: int, *, lock: bool = False) -> tuple[Question, Bank] | None:
    query = (
        select(Question, Bank)
        .join(Bank, col(Question.bank_id) == col(Bank.id))
        .where(Question.id == question_id)
    )
    return session.exec(query.with_for_update(of=Question) if lock else query).first()


def versions_of(session: Session, bank_id: int, code: str) -> list[Question]:
    """All rows of a code, the newest first."""
    return list(
        session.exec(
            select(Question)
            .where(Question.bank_id == bank_id, Question.code == code)
            .order_by(col(Question.version).desc(), col(Question.id).desc())
        )
    )


def written_now(session: Session, bank_id: int, code: str) -> Question | None:
    """The draft of a code, or what of it is in review."""
    return session.exec(
        select(Question).where(
            Question.bank_id == bank_id,
            Question.code == code,
            col(Question.status).in_([QuestionStatus.DRAFT, QuestionStatus.IN_REVIEW]),
        )
    ).first()


def asked_now(session: Session, bank_id: int, code: str) -> Question | None:
    """The version of a code that papers ask."""
    return session.exec(
        select(Question).where(
            Question.bank_id == bank_id,
            Question.code == code,
            col(Question.status).in_([QuestionStatus.PILOT, QuestionStatus.IN_USE]),
        )
    ).first()


def codes_of(session: Session, bank_id: int) -> set[str]:
    return set(session.exec(select(Question.code).where(Question.bank_id == bank_id)))


def questions_locked(session: Session, bank_id: int, ids: Sequence[int]) -> list[Question]:
    return list(
        session.exec(
            select(Question)
            .where(Question.bank_id == bank_id, col(Question.id).in_(ids))
            .order_by(col(Question.id))
            .with_for_update()
        )
    )


def in_review(session: Session, viewer_id: int) -> int:
    """How many questions wait for the review of somebody who did not write them."""
    return session.exec(
        select(func.count())
        .select_from(Question)
        .where(
            Question.status == QuestionStatus.IN_REVIEW,
            or_(col(Question.written_by).is_(None), Question.written_by != viewer_id),
        )
    ).one()


def pictures_in(session: Session, question: Question) -> dict[str, Picture]:
    """Name → picture."""
    rows = {
        p.id: p
        for p in session.exec(select(Picture).where(col(Picture.id).in_(list(question.pictures.values()))))
    }
    return {name: rows[i] for name, i in question.pictures.items() if i in rows}


def upload_of(session: Session, upload_id: int, bank_id: int, person_id: int) -> BankUpload | None:
    """One's own."""
    return session.exec(
        select(BankUpload).where(
            BankUpload.id == upload_id,
            BankUpload.bank_id == bank_id,
            BankUpload.uploaded_by == person_id,
        )
    ).first()


def uploads_before(session: Session, before: datetime) -> list[BankUpload]:
    return list(session.exec(select(BankUpload).where(BankUpload.uploaded_at < before)))
