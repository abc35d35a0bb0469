"""Load banks; start, save, hand in, mark."""

import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from sqlmodel import Session

from certification.banks.actions import keep_pictures
from certification.banks.form import QuestionForm
from certification.banks.models import Bank, Question
from certification.banks.readers import read_questions
from certification.banks.rows import row_of
from certification.banks.rules import QuestionKind, QuestionStatus
from certification.credentials.actions import award_certificate, revoke
from certification.credentials.queries import credentials_from, in_force
from certification.exams.models import Accommodation, Answer, AnswerFile, Exam, Sitting
from certification.exams.queries import (
    accommodation_of,
    answer_to,
    answers_of,
    bank_with,
    exam_by_code,
    file_links,
    files_of,
    items_of,
    papers_of,
    passed_part,
    questions_of_bank,
    questions_with,
    seen_by,
    sitting_under_lock,
)
from certification.exams.rules import MOVES, NO_FORM, Part, SittingStatus, Terms, end_of, is_late, is_stale
from certification.marking.queries import answers_to_mark, points_given
from certification.marking.rules import Asked, Given, Key, mark_paper, score
from certification.papers.queries import forms_left, questions_of_form
from certification.papers.rules import (
    Place,
    Wear,
    draw,
    fill,
    in_ranges,
    lay_out,
    next_form,
    ranges,
    share_out,
    worn,
)
from portal.files.actions import forget_file, store_file
from portal.files.rules import Kind as FileKind
from portal.history.actions import record
from portal.programme.queries import programme_at
from portal.programme.rules import Programme
from portal.refusal import Refused, checked_move, mark

EXPOSURE_CAP = 1.5  # times its even share of the latest papers; a question over it is asked last
MOST_FILES = 10  # an answer
EXPOSURE_OVER = 50  # papers
CONTENT = Path(__file__).resolve().parent.parent / "content"
TIME_IS_UP = mark("Time was up. The paper was handed in with the answers saved until then.")
STALE = mark(
    "This answer was changed in another window after this page was loaded. Nothing was overwritten; "
    "the stored answer is shown. Choose again if you mean another."
)


# ——— Banks ———


@dataclass(frozen=True)
class Imported:
    added: int
    changed: int
    unchanged: int


def import_bank(
    session: Session,
    code: str,
    title: Mapping[str, str],
    questions: Iterable[QuestionForm],
    *,
    by: int | None,
    now: datetime,
) -> Imported:
    """The same questions again change nothing; a new wording is a new row and retires the old one."""
    bank = bank_with(session, code)
    if bank is None:
        bank = Bank(code=code, title=dict(title))
        session.add(bank)
        session.flush()
    known = questions_of_bank(session, bank.id or 0)
    in_use = {q.code: q for q in known if q.status in (QuestionStatus.IN_USE, QuestionStatus.PILOT)}
    stored = {(q.code, q.content_hash): q for q in known}
    versions = Counter(q.code for q in known)
    added = changed = unchanged = 0
    for form in questions:
        present = in_use.get(form.code)
        if present and present.content_hash == form.content_hash:
            unchanged += 1
            continue
        if present:
            present.status = QuestionStatus.RETIRED
            session.flush()  # at no moment two in use with one code
        added, changed = (added, changed + 1) if present else (added + 1, changed)
        question = stored.get((form.code, form.content_hash)) or Question(
            bank_id=bank.id or 0,
            version=versions[form.code] + 1,
            **row_of(form, keep_pictures(session, form)),
        )
        question.status = QuestionStatus.IN_USE
        session.add(question)
        session.flush()
    if added or changed:
        record(
            session,
            "questions imported",
            "bank",
            bank.id,
            by=by,
            now=now,
            after={"bank": code, "added": added, "changed": changed},
        )
    return Imported(added, changed, unchanged)


def save_exam(
    session: Session,
    code: str,
    *,
    bank: str,
    title: Mapping[str, str],
    blueprint: Mapping[str, Any],
    minutes: int,
    pass_marks: int,
    certificate: str | None,
    part: Part = Part.WRITTEN,
    by: int | None,
    now: datetime,
) -> Exam:
    """The exam of that code, as given here. Sittings keep the terms they started under."""
    found = bank_with(session, bank)
    if found is None or found.id is None:
        raise ValueError(f"no bank {bank}")
    wanted: dict[str, Any] = {
        "bank_id": found.id,
        "title": dict(title),
        "blueprint": dict(blueprint),
        "minutes": minutes,
        "pass_marks": pass_marks,
        "certificate": certificate,
        "part": part,
    }
    exam = exam_by_code(session, code)
    before = {name: getattr(exam, name) for name in wanted} if exam else None
    if exam is None:
        exam = Exam(code=code, **wanted)
    if before != wanted:
        for name, value in wanted.items():
            setattr(exam, name, value)
        session.add(exam)
        session.flush()
        record(session, "exam saved", "exam", exam.id, by=by, now=now, before=before, after=wanted)
    return exam


def load_own_banks(session: Session, programme: Programme, *, now: datetime) -> None:
    """The banks that come with the project, each with the exam of its certificate. Safe to call again.

    `practical.yaml` in a bank's folder holds the tasks of the practical part, a bank and an exam of their own.
    """
    for folder in sorted(path for path in CONTENT.iterdir() if path.is_dir()):
        code = folder.name
        certificate = programme.certificate(code)
        title = {"zh": certificate["zh"], "en": certificate["en"]}
        files = {
            path.stem: read_questions(path.name, path.read_bytes()).questions
            for path in sorted(folder.glob("*.yaml"))
        }
        tasks = files.pop("practical", [])
        modules = {track: len(programme.track(track)["modules"]) for track in certificate["tracks"]}
        paper = certificate["paper"]
        if files:
            import_bank(session, code, title, [q for qs in files.values() for q in qs], by=None, now=now)
            save_exam(
                session,
                code,
                bank=code,
                title=title,
                blueprint=share_out(modules, paper["questions"]),
                minutes=paper["minutes"],
                pass_marks=-(-paper["questions"] * paper["pass"] // 100),
                certificate=code,
                by=None,
                now=now,
            )
        if tasks:
            title = {"zh": f"{title['zh']}实操", "en": f"{title['en']}, practical"}
            import_bank(session, f"{code}-PRACTICAL", title, tasks, by=None, now=now)
            rule = programme["exams"]["practical"]
            save_exam(
                session,
                f"{code}-PRACTICAL",
                bank=f"{code}-PRACTICAL",
                title=title,
                blueprint={code: 1},
                minutes=rule["days"] * 24 * 60,
                pass_marks=1,
                certificate=code,
                part=Part.PRACTICAL,
                by=None,
                now=now,
            )


# ——— Sittings ———


def start_sitting(
    session: Session, exam: Exam, terms: Terms, *, by: int, organisation_id: int | None, now: datetime
) -> Sitting:
    """A paper of its own and a running clock. The page has asked whether it may be.

    IntegrityError when another sitting of this person is open: the page leads there.
    """
    seed = secrets.token_hex(8)
    items = items_of(session, exam.bank_id)
    drawn: dict[str, Any] = {
        "pilots": exam.pilots,
        "pool": ranges(item.id for item in items),
        "trial": ranges(item.id for item in items if item.pilot),
    }
    if exam.uses_forms:
        counts = forms_left(session, {exam.id or 0: terms.questions}, by)[exam.id or 0]
        if not counts:
            raise Refused(NO_FORM)
        drawn["form"] = next_form(counts, seed)
        paper = fill(questions_of_form(session, drawn["form"]), items, seed, pilots=exam.pilots)
    else:
        papers = papers_of(session, exam.id or 0, EXPOSURE_OVER)
        cap = EXPOSURE_CAP * terms.questions / max(1, sum(not item.pilot for item in items))
        wear = Wear(seen_by(session, by, exam.id or 0), worn(papers, cap, EXPOSURE_OVER))
        drawn |= {"blueprint": terms.blueprint, "seen": ranges(wear.seen), "often": ranges(wear.often)}
        paper = draw(terms.blueprint, items, seed, wear=wear, pilots=exam.pilots)
    places = lay_out(paper, items, seed)
    points = {item.id: item.points for item in items}
    total = sum(points[place.question] for place in places if not place.pilot)
    factor = accommodation_of(session, by, now) if exam.part is Part.WRITTEN else 1.0
    sitting = Sitting(
        token=secrets.token_urlsafe(16),
        person_id=by,
        organisation_id=organisation_id,
        exam_id=exam.id or 0,
        part=exam.part,
        seed=seed,
        drawn=drawn,
        paper=[place.as_json() for place in places],
        points=total,
        pass_marks=terms.needed(total),
        accommodation=factor,
        started_at=now,
        ends_at=end_of(now, terms.minutes, factor),
    )
    session.add(sitting)
    session.flush()
    record(
        session,
        "sitting started",
        "sitting",
        sitting.id,
        by=by,
        now=now,
        organisation_id=organisation_id,
        after={"exam": exam.code, "ends": sitting.ends_at.isoformat(), "accommodation": factor},
    )
    return sitting


def places_of(sitting: Sitting) -> list[Place]:
    return [
        Place(p["question"], tuple(p["options"]), p.get("pilot", False), p.get("kind", QuestionKind.ONE))
        for p in sitting.paper
    ]


def drawn_again(session: Session, sitting: Sitting) -> list[dict[str, Any]]:
    """The paper, drawn once more from its seed and what the draw had then; equal to `sitting.paper`."""
    exam, kept = session.get_one(Exam, sitting.exam_id), sitting.drawn
    trial = in_ranges(kept["trial"])
    items = [
        replace(item, pilot=item.id in trial) for item in items_of(session, exam.bank_id, among=kept["pool"])
    ]
    if "form" in kept:
        paper = fill(questions_of_form(session, kept["form"]), items, sitting.seed, pilots=kept["pilots"])
    else:
        wear = Wear(in_ranges(kept["seen"]), in_ranges(kept["often"]))
        paper = draw(kept["blueprint"], items, sitting.seed, wear=wear, pilots=kept["pilots"])
    return [place.as_json() for place in lay_out(paper, items, sitting.seed)]


class Stale(Refused):
    """An older page tried to overwrite a newer answer."""

    def __init__(self) -> None:
        super().__init__(STALE)


def save_answer(
    session: Session,
    sitting: Sitting,
    n: int,
    shown: Sequence[int],
    text: str = "",
    *,
    flagged: bool,
    revision: int,
    now: datetime,
) -> Answer:
    """What is chosen or typed for question `n`; `shown` are places on the page, all from 1. The sitting is locked.

    Single saves are no history rows: the answer carries its revision and time; the end is recorded.
    Refused after the grace; `Stale` when a newer revision is stored.
    """
    place = _open_place(sitting, n, now)
    chosen = place.chosen(shown)
    answer = answer_to(session, sitting.id or 0, place.question)
    if answer is None:
        answer = Answer(sitting_id=sitting.id or 0, question_id=place.question, revision=0, saved_at=now)
    same = (answer.chosen, answer.text, answer.flagged) == (chosen, text, flagged)
    if is_stale(answer.revision, revision, same=same):
        raise Stale
    if not same:
        given = (chosen, text) != (answer.chosen, answer.text)
        if given and answer.first_at is None:
            answer.first_at = now
        elif given:
            answer.changes += 1
        answer.chosen, answer.text, answer.flagged = chosen, text, flagged
        answer.revision, answer.saved_at = revision, now
        session.add(answer)
        session.flush()
    return answer


def hand_in(session: Session, sitting: Sitting, *, by: int, now: datetime) -> Sitting:
    """Hand in and mark; late, it counts as timed out. Refused the second time. The sitting is locked."""
    if sitting.status is not SittingStatus.OPEN:
        raise Refused(mark("This paper has been handed in already. A paper has one result; here it is."))
    if is_late(sitting.ends_at, now):
        return time_out(session, sitting, now=now)
    return _close(session, sitting, "hand_in", mark("sitting handed in"), at=now, by=by, now=now)


def time_out(session: Session, sitting: Sitting, *, now: datetime) -> Sitting:
    verb = mark("sitting timed out")
    return _close(session, sitting, "time_out", verb, at=sitting.ends_at, by=None, now=now)


def _close(
    session: Session, sitting: Sitting, move: str, verb: str, *, at: datetime, by: int | None, now: datetime
) -> Sitting:
    sitting.status = SittingStatus(checked_move(MOVES, sitting.status, move))  # type: ignore[arg-type]
    sitting.handed_in_at, sitting.timed_out = at, move == "time_out"
    record(session, verb, "sitting", sitting.id, by=by, now=now, organisation_id=sitting.organisation_id)
    mark_when_ready(session, sitting, now=now)
    return sitting


def _asked(session: Session, sitting: Sitting) -> list[Asked] | None:
    """Every scored question with what its answer is worth; None while a long answer waits for its markers."""
    places = [place for place in places_of(sitting) if not place.pilot]
    questions = questions_with(session, [p.question for p in places])
    answers = answers_of(session, sitting.id or 0)
    given = points_given(session, sitting.id or 0)
    written = answers_to_mark(session, sitting.id or 0)
    asked = []
    for place in places:
        question, answer = questions[place.question], answers.get(place.question)
        if question.kind is QuestionKind.LONG and place.question in written:
            points = given.get(place.question)
            if points is None:
                return None
        else:
            points = score(key_of(question), given_by(answer))
        asked.append(Asked(question.topic, question.group, points, question.points))
    return asked


def key_of(question: Question) -> Key:
    return Key(question.kind, tuple(question.key), question.accept, question.case, question.points)


def given_by(answer: Answer | None) -> Given:
    return Given(tuple(answer.chosen), answer.text) if answer else Given()


def mark_when_ready(session: Session, sitting: Sitting, *, now: datetime) -> bool:
    """By rule, in the transaction that closed it or that brought the last mark of a person.

    A pass earns the certificate, if the exam is for one and its other part is passed. False: marks are wanted.
    """
    asked = _asked(session, sitting)
    if asked is None:
        return False
    sitting.status = SittingStatus(checked_move(MOVES, sitting.status, "mark"))  # type: ignore[arg-type]
    marked = mark_paper(asked)
    sitting.score, sitting.result = marked.score, marked.as_json()
    sitting.passed = marked.score >= sitting.pass_marks
    exam = session.get_one(Exam, sitting.exam_id)
    session.flush()
    record(
        session,
        "sitting marked",
        "sitting",
        sitting.id,
        by=None,
        now=now,
        organisation_id=sitting.organisation_id,
        after={"exam": exam.code, "score": marked.score, "of": marked.of, "passed": sitting.passed},
    )
    if sitting.passed:
        _award_when_all_passed(session, sitting, exam, now=now)
    return True


def mark_again(
    session: Session, sitting: Sitting, reason: str, *, keep_pass: bool, by: int, now: datetime
) -> None:
    """After a key was corrected: new points, and whatever follows from them. The sitting is marked and locked."""
    asked = _asked(session, sitting)
    if asked is None:
        return
    marked, before = mark_paper(asked), {"score": sitting.score, "passed": sitting.passed}
    passed = marked.score >= sitting.pass_marks or bool(keep_pass and sitting.passed)
    if before == {"score": marked.score, "passed": passed}:
        return
    sitting.score, sitting.passed, sitting.result = marked.score, passed, marked.as_json()
    session.flush()
    record(
        session,
        "sitting marked again",
        "sitting",
        sitting.id,
        by=by,
        now=now,
        organisation_id=sitting.organisation_id,
        before=before,
        after={"score": marked.score, "passed": passed},
        reason=reason,
    )
    if passed and not before["passed"]:
        _award_when_all_passed(session, sitting, session.get_one(Exam, sitting.exam_id), now=now)
    elif before["passed"] and not passed:
        _take_back(session, sitting, reason, by=by, now=now)


def _award_when_all_passed(session: Session, sitting: Sitting, exam: Exam, *, now: datetime) -> None:
    if exam.certificate and _all_parts(session, sitting.person_id, exam.certificate, now):
        source = ("sitting", sitting.id or 0)
        award_certificate(session, sitting.person_id, exam.certificate, source=source, by=None, now=now)


def _take_back(session: Session, sitting: Sitting, reason: str, *, by: int, now: datetime) -> None:
    """Revoke what this sitting, passed no longer, had earned: alone, or as one part of two."""
    for credential in credentials_from(session, ("sitting", sitting.id or 0)):
        revoke(session, credential, reason, by=by, now=now)
    exam = session.get_one(Exam, sitting.exam_id)
    if exam.certificate and not _all_parts(session, sitting.person_id, exam.certificate, now):
        for credential in in_force(session, exam.certificate, person_id=sitting.person_id):
            if credential.source_kind == "sitting":
                revoke(session, credential, reason, by=by, now=now)


def _all_parts(session: Session, person_id: int, certificate: str, now: datetime) -> bool:
    """A certificate with a practical part is earned by both, passed within the time a certificate holds."""
    rules = programme_at(session, now)["exams"]
    since = now - timedelta(days=rules["personal_validity_d"])
    wanted = set(Part) if certificate in rules["practical_from"] else {Part.WRITTEN}
    return all(passed_part(session, person_id, certificate, part, since) for part in wanted)


def close_when_run_out(session: Session, sitting_id: int, *, now: datetime) -> bool:
    """Called by the sweep: looks again under lock. True when it was this call that closed it."""
    sitting = sitting_under_lock(session, sitting_id)
    if sitting is None or sitting.status is not SittingStatus.OPEN or not is_late(sitting.ends_at, now):
        return False
    time_out(session, sitting, now=now)
    return True


def void_sitting(session: Session, sitting: Sitting, reason: str, *, by: int, now: datetime) -> None:
    """It counts for nothing any more, and a certificate earned by it is revoked. The sitting is locked."""
    before = sitting.status
    sitting.status = SittingStatus(checked_move(MOVES, sitting.status, "void"))  # type: ignore[arg-type]
    record(
        session,
        "sitting voided",
        "sitting",
        sitting.id,
        by=by,
        now=now,
        organisation_id=sitting.organisation_id,
        before={"status": before},
        after={"status": sitting.status.value},
        reason=reason,
    )
    session.flush()
    if sitting.passed:
        _take_back(session, sitting, reason, by=by, now=now)


# ——— Answers with files, more time ———


def add_file(
    session: Session, sitting: Sitting, n: int, name: str, content: bytes, *, by: int, now: datetime
) -> Answer:
    """A file for the long answer `n`; the same bytes again change nothing. The sitting is locked."""
    place = _open_place(sitting, n, now)
    if place.kind != QuestionKind.LONG:
        raise Refused(mark("This question takes no files."))
    answer = answer_to(session, sitting.id or 0, place.question)
    if answer is None:
        answer = Answer(sitting_id=sitting.id or 0, question_id=place.question, revision=1, saved_at=now)
        session.add(answer)
        session.flush()
    held = files_of(session, sitting.id or 0).get(place.question, [])
    if len(held) >= MOST_FILES:
        raise Refused(mark("At most %(n)s files can be handed in with an answer."), n=MOST_FILES)
    if sha256(content).hexdigest() not in {f.sha256 for f in held}:
        file = store_file(
            session, name, content, kind=FileKind.EVIDENCE, organisation_id=None, by=by, now=now
        )
        session.add(AnswerFile(answer_id=answer.id or 0, file_id=file.id or 0))
        session.flush()
    return answer


def remove_file(session: Session, sitting: Sitting, n: int, file_id: int, *, now: datetime) -> None:
    """Take a file back while the paper is open. The sitting is locked."""
    place = _open_place(sitting, n, now)
    for link, file in file_links(session, sitting.id or 0, place.question, file_id):
        session.delete(link)
        session.flush()
        forget_file(session, file)


def _open_place(sitting: Sitting, n: int, now: datetime) -> Place:
    if sitting.status is not SittingStatus.OPEN:
        raise Refused(mark("This paper has been handed in already; answers are no longer taken."))
    if is_late(sitting.ends_at, now):
        raise Refused(TIME_IS_UP)
    places = places_of(sitting)
    if not 1 <= n <= len(places):
        raise Refused(mark("This paper has no such question."))
    return places[n - 1]


def give_time(
    session: Session,
    person_id: int,
    factor: float,
    reason: str,
    *,
    until: datetime,
    by: int,
    now: datetime,
) -> Accommodation:
    """More time in written exams that start before `until`; a running one keeps its end."""
    if person_id == by:
        raise Refused(mark("Nobody gives more time to themselves; ask a colleague."))
    row = Accommodation(
        person_id=person_id, factor=factor, reason=reason, given_at=now, given_by=by, until=until
    )
    session.add(row)
    session.flush()
    record(
        session,
        "more time given",
        "person",
        person_id,
        by=by,
        now=now,
        after={"factor": factor, "until": until.isoformat()},
        personal={"reason": reason},
    )
    return row


def end_time(session: Session, row: Accommodation, *, by: int, now: datetime) -> None:
    if row.until <= now:
        return
    row.until = now
    record(session, "more time ended", "person", row.person_id, by=by, now=now)
