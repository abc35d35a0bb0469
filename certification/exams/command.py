"""`yuqiao questions import FILE --bank CODE`: questions of others into a bank."""

import json
from collections import Counter
from pathlib import Path

from certification.exams.actions import Imported, import_bank, save_exam
from certification.exams.readers import UnreadableFileError, read_questions
from portal import clock
from portal.context import sessions
from portal.db import transaction


class _DryRunError(Exception):
    """Everything was done and is taken back."""


def import_questions(
    file: str, bank: str, *, title: str = "", dry_run: bool = False, as_json: bool = False
) -> int:
    """Read the file, import it, say what was counted and what was skipped where. 1: nothing was read.

    A dry run does the same and takes it back. A pool that says how its paper is made gets an exam.
    """
    try:
        read = read_questions(Path(file))
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
        "skipped": [{"place": s.place, "reason": s.reason} for s in read.skipped],
    }
    by_kind = ", ".join(f"{n} {kind}" for kind, n in kinds.items()) or "none"
    lines = [
        f"{file} → {bank}{' (dry run: nothing was kept)' if dry_run else ''}",
        f"{report['questions']} questions ({by_kind}), {report['topics']} topics, {report['groups']} groups",
        f"{counts.added} new, {counts.changed} changed, {counts.unchanged} the same",
        f"{len(read.skipped)} skipped",
        *(f"  skipped {s.place}: {s.reason}" for s in read.skipped),
    ]
    _say(report, "\n".join(lines), as_json=as_json)
    return 0 if read.questions else 1


def _say(report: dict[str, object], text: str, *, as_json: bool) -> None:
    print(json.dumps(report, ensure_ascii=False) if as_json else text)
