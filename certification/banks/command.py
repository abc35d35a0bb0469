"""`yuqiao questions import FILE --bank CODE` and `… export`: questions of others into a bank, and out of it."""

import json
from collections import Counter
from pathlib import Path

from certification.banks.form import QuestionFile
from certification.banks.queries import forms_of_bank
from certification.banks.readers import read_questions
from certification.banks.writers import WRITERS, write_questions
from certification.exams.actions import Imported, import_bank, save_exam
from portal import clock
from portal.context import sessions
from portal.db import transaction
from portal.files.reading import UnreadableFileError


class _DryRunError(Exception):
    """Everything was done and is taken back."""


def import_questions(
    file: str,
    bank: str,
    *,
    title: str = "",
    format: str | None = None,  # noqa: A002
    dry_run: bool = False,
    as_json: bool = False,
) -> int:
    """Read the file, import it, say what was counted and what was skipped where. 1: nothing was read.

    A dry run does the same and takes it back. A pool that says how its paper is made gets an exam.
    """
    try:
        read = _read(file, format)
    except UnreadableFileError as problem:
        _say({"file": file, "error": str(problem), "questions": 0}, f"{file}: {problem}", as_json=as_json)
        return 1
    counts = Imported(0, 0, 0)
    name = title or bank
    try:
        with transaction(sessions()) as session:
            if read.questions:
                counts = import_bank(
                    session, bank, {"zh": name, "en": name}, read.questions, by=None, now=clock.now()
                )
                if read.exam:
                    save_exam(
                        session,
                        bank,
                        bank=bank,
                        title={"zh": name, "en": name},
                        blueprint=read.exam.blueprint,
                        minutes=read.exam.minutes,
                        pass_marks=read.exam.pass_marks,
                        certificate=None,
                        by=None,
                        now=clock.now(),
                    )
            if dry_run:
                raise _DryRunError
    except _DryRunError:
        pass
    kinds = dict(sorted(Counter(q.kind for q in read.questions).items()))
    report = {
        "file": file,
        "bank": bank,
        "dry_run": dry_run,
        "questions": len(read.questions),
        "kinds": kinds,
        "topics": len({q.topic for q in read.questions}),
        "groups": len({q.group for q in read.questions}),
        "added": counts.added,
        "changed": counts.changed,
        "unchanged": counts.unchanged,
        "skipped": [{"place": str(s.place), "reason": str(s.reason)} for s in read.skipped],
        "remarks": [{"place": str(r.place), "reason": str(r.reason)} for r in read.remarks],
    }
    by_kind = ", ".join(f"{n} {kind}" for kind, n in kinds.items()) or "none"
    lines = [
        f"{file} → {bank}{' (dry run: nothing was kept)' if dry_run else ''}",
        f"{report['questions']} questions ({by_kind}), {report['topics']} topics, {report['groups']} groups",
        f"{counts.added} new, {counts.changed} changed, {counts.unchanged} the same",
        f"{len(read.skipped)} skipped",
        *(f"  skipped {s.place}: {s.reason}" for s in read.skipped),
        f"{len(read.remarks)} remarks",
        *(f"  {r.place}: {r.reason}" for r in read.remarks),
    ]
    _say(report, "\n".join(lines), as_json=as_json)
    return 0 if read.questions else 1


def _read(file: str, format: str | None) -> QuestionFile:  # noqa: A002
    try:
        content = Path(file).read_bytes()
    except OSError:
        raise UnreadableFileError("The file is not there, or it is not text in UTF-8.") from None
    return read_questions(Path(file).name, content, format)


def export_questions(bank: str, *, format: str, out: str = "") -> int:  # noqa: A002
    """Write the questions in use to a file (the bank's code and the format's ending when not named)."""
    with transaction(sessions(), read_only=True) as session:
        forms = forms_of_bank(session, bank)
    if forms is None:
        print(f"There is no bank {bank}.")
        return 1
    path = Path(out or bank + WRITERS[format][1])
    path.write_bytes(write_questions(forms, format))
    print(f"{bank} → {path}: {len(forms)} questions")
    return 0


def _say(report: dict[str, object], text: str, *, as_json: bool) -> None:
    print(json.dumps(report, ensure_ascii=False) if as_json else text)
