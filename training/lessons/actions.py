"""Publish the shipped lessons; write, review and publish new versions of them."""

import hashlib
import re
from dataclasses import replace
from datetime import datetime

import yaml
from sqlmodel import Session

from portal.accounts.models import Person
from portal.history.actions import record
from portal.mail.actions import send_mail
from portal.refusal import Refused, checked_move, mark
from portal.web.forms import STALE
from training.lessons.models import LessonVersion
from training.lessons.queries import being_written, newest, newest_each, pair_of
from training.lessons.rules import BY_AUTHORS, MOVES, Pair, Status, moves_open, problems
from training.lessons.source import compose
from training.tracks.rules import CONTENT, LANGUAGES, modules_written

OWN = mark("A lesson is published by somebody who did not write in it.")
OTHERS = mark("A draft is handed in or withdrawn by somebody who wrote in it.")
UNFINISHED = mark("The lesson is not ready: its page lists what is missing.")


def _digest(zh: str, en: str) -> str:
    return hashlib.sha256(f"{zh}\0{en}".encode()).hexdigest()


def _head(text: str, name: str) -> str:
    """A value of the front matter, read without reading all of it: there are many files."""
    line = re.search(rf"^{name}:.*$", text.partition("\n---\n")[0], re.MULTILINE)
    return str(yaml.safe_load(line[0])[name]) if line else ""


def publish_shipped(session: Session, *, now: datetime, since: datetime | None = None) -> list[str]:
    """Publish the lessons that came with the portal; the modules that got a new version.

    A file whose version is higher than that of the one shown becomes the next version; one that is not, or whose
    module people have published over, is left alone. `since`: from when the very first ones count as published.
    """
    shown, rows = newest_each(session), []
    for module in sorted(modules_written()):
        texts = {x: (CONTENT / f"{module}.{x}.md").read_text(encoding="utf-8") for x in LANGUAGES}
        version = int(_head(texts["zh"], "version"))
        number, shipped = shown.get(module, (0, 0))
        if shipped is None or version <= shipped:
            continue
        changed = {x: said for x in LANGUAGES if (said := _head(texts[x], "changed"))}
        rows.append(
            LessonVersion(
                module=module,
                number=number + 1 if number else version,
                status=Status.PUBLISHED,
                digest=_digest(**texts),
                changed=changed if number else {},
                shipped=version,
                written_at=now,
                published_at=now if number else since or now,
                zh=texts["zh"],
                en=texts["en"],
            )
        )
    session.add_all(rows)
    session.flush()
    modules = [row.module for row in rows]
    if rows:
        after = {"modules": modules}
        record(
            session, "shipped lessons published", "lesson_version", rows[0].id, by=None, now=now, after=after
        )
    return modules


def begin_version(session: Session, module: str, *, by: int, now: datetime) -> LessonVersion:
    """A draft with the texts that are shown now; the one that is there already, whoever began it."""
    shown = newest(session, module, lock=True)
    if shown is None:
        raise Refused(mark("This module has no lesson yet; the first one comes with the portal."))
    found = being_written(session, module)
    if found is not None:
        return found
    draft = LessonVersion(
        module=module,
        status=Status.DRAFT,
        zh=shown.zh,
        en=shown.en,
        digest=shown.digest,
        writers=[by],
        written_by=by,
        written_at=now,
    )
    session.add(draft)
    session.flush()
    after = {"module": module, "from version": shown.number}
    record(session, "lesson version begun", "lesson_version", draft.id, by=by, now=now, after=after)
    return draft


def change_draft(
    session: Session,
    draft: LessonVersion,
    pair: Pair,
    changed: dict[str, str],
    *,
    revision: int,
    by: int,
    now: datetime,
) -> None:
    """Write in a draft (locked). Refused when somebody else wrote in it since `revision` was read."""
    if draft.status is not Status.DRAFT:
        raise Refused(mark("Only a draft is changed. What is in review is sent back first."), status=422)
    if revision != draft.revision:
        raise Refused(STALE, status=422)
    before = (draft.digest, draft.changed)
    texts = {x: compose(pair[x], changed.get(x, "")) for x in LANGUAGES}
    if before == (_digest(**texts), changed):
        return
    draft.zh, draft.en, draft.digest, draft.changed = texts["zh"], texts["en"], _digest(**texts), changed
    draft.revision += 1
    draft.written_by, draft.written_at = by, now
    draft.writers = sorted({*draft.writers, by})
    session.flush()
    after = {"module": draft.module, "revision": draft.revision}
    record(session, "lesson draft changed", "lesson_version", draft.id, by=by, now=now, after=after)


def move_version(
    session: Session,
    version: LessonVersion,
    move: str,
    *,
    revision: int,
    by: int,
    now: datetime,
    reason: str = "",
) -> None:
    """One step of its way; the row is locked. `revision`: the one that was looked at."""
    status = Status(checked_move(MOVES, version.status, move))  # type: ignore[arg-type]
    if revision != version.revision:
        raise Refused(mark("Somebody changed this draft since you opened it. Look at it again first."))
    if move not in moves_open(version.status, version.writers, by):
        raise Refused(OTHERS if move in BY_AUTHORS else OWN)
    if move == "return" and not reason:
        raise Refused(mark("Say what is to be changed."), status=422)
    if move in ("submit", "publish"):
        shown = newest(session, version.module, lock=True)
        earlier = pair_of(shown) if shown else None
        if problems(pair_of(version), version.changed, earlier):
            raise Refused(UNFINISHED)
        if move == "publish":
            _publish(version, (shown.number or 0) + 1 if shown else 1, by=by, now=now)
    before, version.status = version.status, status
    version.reason = reason if move == "return" else version.reason
    session.flush()
    record(
        session,
        "lesson version moved",
        "lesson_version",
        version.id,
        by=by,
        now=now,
        before={"status": before.value},
        after={"status": status.value, "module": version.module, "version": version.number},
        reason=reason,
    )
    if move in ("publish", "return"):
        _tell(session, version, reason, now=now)


def _publish(version: LessonVersion, number: int, *, by: int, now: datetime) -> None:
    """Its number goes into its texts, so that an exported file says which version it is."""
    pair = pair_of(version)
    texts = {x: compose(replace(pair[x], version=number), version.changed.get(x, "")) for x in LANGUAGES}
    version.number, version.published_by, version.published_at = number, by, now
    version.zh, version.en, version.digest = texts["zh"], texts["en"], _digest(**texts)


def _tell(session: Session, version: LessonVersion, reason: str, *, now: datetime) -> None:
    """The last author."""
    author = session.get(Person, version.written_by) if version.written_by else None
    if author is None:
        return
    send_mail(
        session,
        "lessons/decided",
        to=author,
        now=now,
        name=author.name,
        module=version.module,
        published=version.status is Status.PUBLISHED,
        reason=reason,
        path=f"/staff/lesson-versions/{version.id}",
    )
