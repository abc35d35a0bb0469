"""The record as a chain: whatever is changed, taken out or put in is found, and writers do not break it."""

import contextlib
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from threading import Barrier, Thread

import pytest
from alembic import command as alembic
from alembic.config import Config
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, col, func, select

from portal import __main__ as commands
from portal import clock
from portal.db import make_engine, make_sessions, transaction
from portal.history import jobs
from portal.history.actions import erase_personal, record, seal
from portal.history.chain import ROOT, End, Fault, Link, canonical, digest_of, first_fault, hash_of
from portal.history.models import History, HistoryEnd, HistoryHead
from portal.history.queries import chain, end_of_chain, recent
from portal.settings import ROOT as FOLDER
from portal.settings import settings
from tests.factories import make_person
from tests.house.databases import fresh_url, in_force

NOON = datetime(2026, 11, 2, 4, 0, 0, 123456, tzinfo=UTC)


# ——— The rule, without a database ———


def links(n: int) -> list[Link]:
    made: list[Link] = []
    for i in range(1, n + 1):
        personal = {"email": f"a{i}@example.com"} if i % 3 == 0 else None
        salt = f"{i:032x}" if personal else None
        link = Link(
            id=i * 2,
            at=NOON + timedelta(minutes=i),
            actor_id=None if i % 4 == 0 else i,
            subject_kind="case",
            subject_id=i,
            organisation_id=None,
            verb="case saved",
            before={"status": "草稿", "n": i / 7},
            after={"status": "published"},
            reason="",
            personal=personal,
            salt=salt,
            personal_digest=digest_of(personal, salt) if personal and salt else None,
            seq=i,
            previous=made[-1].hash if made else ROOT,
            hash="",
        )
        made.append(replace(link, hash=hash_of(link, i, link.previous or "")))
    return made


def end_of(made: list[Link]) -> End:
    return End(len(made), made[-1].hash or "") if made else End(0, ROOT)


def test_a_whole_chain_has_no_fault():
    for n in (0, 1, 2, 30):
        made = links(n)
        assert (
            first_fault(made, end_of(made), [End(link.seq or 0, link.hash or "") for link in made[::5]])
            is None
        )


CHANGES = {
    "id": lambda v: v + 1,
    "at": lambda v: v + timedelta(microseconds=1),
    "actor_id": lambda v: 999 if v is None else None,
    "subject_kind": lambda v: v + "x",
    "subject_id": lambda v: v + 1,
    "organisation_id": lambda _: 7,
    "verb": lambda _: "case retracted",
    "before": lambda v: v | {"n": v["n"] + 1e-9},
    "after": lambda _: None,
    "reason": lambda _: " ",
    "personal": lambda v: {"email": "other@example.com"} if v is None else v | {"more": 1},
    "salt": lambda v: None if v is None else v[::-1] + "0",
    "personal_digest": lambda v: "0" * 64 if v is None else None,
    "seq": lambda v: v + 1,
    "previous": lambda v: v[::-1] + "0",
    "hash": lambda v: v[::-1] + "0",
}


@given(data=st.data(), n=st.integers(1, 12), field=st.sampled_from(sorted(CHANGES)))
def test_any_change_of_any_row_is_found(data, n, field):
    made, at = links(n), data.draw(st.integers(0, n - 1))
    row = made[at]
    if field == "salt" and row.salt is None:
        return
    changed = [*made[:at], replace(row, **{field: CHANGES[field](getattr(row, field))}), *made[at + 1 :]]
    fault = first_fault(changed, end_of(made))
    assert fault is not None
    assert fault.seq == at + 1


@given(data=st.data(), n=st.integers(1, 12))
def test_any_row_taken_out_is_found_also_the_last_ones(data, n):
    made = links(n)
    first = data.draw(st.integers(0, n - 1))
    count = data.draw(st.integers(1, n - first))
    left = made[:first] + made[first + count :]
    fault = first_fault(left, end_of(made))
    assert (fault and fault.seq, fault and fault.what) == (first + 1, "is missing")
    # Somebody who mends the end too is found by a head kept elsewhere.
    if first + count == n:
        assert first_fault(left, end_of(left)) is None
        assert first_fault(left, end_of(left), [end_of(made)]) == Fault(first + 1, "is missing")


@given(data=st.data(), n=st.integers(1, 12), chained=st.booleans(), numbered=st.booleans())
def test_any_row_put_in_is_found(data, n, chained, numbered):
    made = links(n)
    at = data.draw(st.integers(0, n))
    new = replace(links(n + 1)[-1], id=999, subject_id=999, seq=at + 1 if numbered else None)
    if chained:  # by somebody who knows the formula
        new = replace(new, previous=made[at - 1].hash if at else ROOT)
        new = replace(new, hash=hash_of(new, at + 1, new.previous or ""))
    rows = [*made[:at], new, *made[at:]] if numbered else [*made, new]
    fault = first_fault(rows, end_of(made))
    assert fault is not None
    if numbered and at == n:
        assert (fault.seq, fault.id) == (n + 1, 999)


@given(n=st.integers(2, 12), data=st.data())
def test_a_chain_made_anew_from_a_row_on_is_found_by_a_head_kept_elsewhere(n, data):
    made, at = links(n), data.draw(st.integers(0, n - 2))
    forged = list(made)
    forged[at] = replace(forged[at], verb="case approved")
    for i in range(at, n):
        forged[i] = replace(forged[i], previous=forged[i - 1].hash if i else ROOT)
        forged[i] = replace(forged[i], hash=hash_of(forged[i], i + 1, forged[i].previous or ""))
    assert first_fault(forged, end_of(forged)) is None
    kept = data.draw(st.integers(at, n - 1))
    fault = first_fault(forged, end_of(forged), [End(kept + 1, made[kept].hash or "")])
    assert fault is not None
    assert fault.seq == kept + 1


def test_what_was_erased_breaks_nothing():
    made = links(9)
    erased = [replace(link, personal=None, salt=None) for link in made]
    assert first_fault(erased, end_of(made)) is None


def test_one_moment_has_one_hash_however_it_is_said():
    link = links(1)[0]
    assert hash_of(replace(link, at=link.at.astimezone(timezone(timedelta(hours=8)))), 1, ROOT) == link.hash


def test_the_canonical_form_is_the_one_that_comes_back():
    assert canonical({2: (1, 2), "ä": None, "10": 1.5}) == '{"10":1.5,"2":[1,2],"ä":null}'.encode()


# ——— In a database ———


@pytest.fixture
def own():
    """A database of its own: what is tampered with here is no other test's."""
    sessions = make_sessions(make_engine(fresh_url("chain")))
    with in_force(sessions):
        commands.migrate()
        yield sessions


def write(sessions, n: int = 5) -> int:
    with transaction(sessions) as session:
        person = make_person(session)
        for i in range(n):
            personal = {"person": person.name} if i % 2 else None
            record(
                session,
                "case saved",
                "case",
                i + 1,
                by=person.id,
                now=clock.now(),
                after={"n": i / 3, "词": "值"},
                personal=personal,
            )
        return person.id or 0


def verified(capsys, *arguments: str) -> tuple[int, str]:
    old, sys.argv = sys.argv, ["yuqiao", "history", "verify", *arguments]
    try:
        code = commands.main()
    finally:
        sys.argv = old
    return code, capsys.readouterr().out.strip()


def without_triggers(sessions, statement: str, **values) -> None:
    """As somebody who owns the database."""
    with sessions() as session:
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE history DISABLE TRIGGER USER"))
        else:
            for name in ("fixed", "erased", "kept"):
                connection.execute(text(f"DROP TRIGGER IF EXISTS history_{name}"))
        connection.execute(text(statement), values)
        session.commit()


def test_rows_are_numbered_and_chained_at_the_commit(own, capsys):
    write(own)
    write(own, 3)
    with own() as session:
        rows = session.exec(select(History).order_by(col(History.id))).all()
        assert [row.seq for row in rows] == list(range(1, 9))
        assert rows[0].previous == ROOT
        assert all(a.hash == b.previous for a, b in pairwise(rows))
        assert (end_of_chain(session).seq, end_of_chain(session).hash) == (8, rows[-1].hash)
    code, said = verified(capsys)
    assert (code, said) == (0, f"8 rows, every one as it was written. The last: {rows[-1].hash}")


def test_an_empty_record_holds(own, capsys):
    assert verified(capsys)[0] == 0


def test_what_is_rolled_back_leaves_no_gap(own, capsys):
    def half() -> None:
        with transaction(own) as session:
            record(session, "case saved", "case", 1, by=None, now=clock.now())
            seal(session)
            raise RuntimeError

    write(own, 2)
    with pytest.raises(RuntimeError):
        half()
    with transaction(own) as session:
        nested = session.begin_nested()
        record(session, "case saved", "case", 2, by=None, now=clock.now())
        nested.rollback()
    write(own, 2)
    with own() as session:
        assert [link.seq for link in chain(session)] == [1, 2, 3, 4]
    assert verified(capsys)[0] == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE history SET reason = 'x'",
        "UPDATE history SET verb = 'x' WHERE seq = 2",
        "UPDATE history SET hash = NULL",
        "UPDATE history SET seq = seq + 100",
        'UPDATE history SET "after" = NULL',
        'UPDATE history SET personal = \'{"person": "X"}\'',
        "UPDATE history SET salt = 'x'",
        "DELETE FROM history WHERE seq = 5",
        "DELETE FROM history",
    ],
)
def test_the_database_itself_refuses(own, capsys, statement):
    write(own)
    with own() as session:
        with pytest.raises(DatabaseError, match="append-only"):
            session.connection().execute(text(statement))
        session.rollback()
    assert verified(capsys)[0] == 0


TAMPERED = {
    "UPDATE history SET reason = 'x' WHERE seq = 3": "Row 3 (id 3) was changed.",
    'UPDATE history SET personal = \'{"person": "X"}\' WHERE seq = 2': "Row 2 (id 2) was changed in its personal part.",
    "DELETE FROM history WHERE seq = 2": "Row 2 (id 3) is missing.",
    "DELETE FROM history WHERE seq > 3": "Row 4 is missing.",
    "DELETE FROM history": "Row 1 is missing.",
    "INSERT INTO history (at, subject_kind, subject_id, verb, reason) SELECT at, subject_kind, 9, verb, reason FROM history WHERE seq = 1": "Row 6 (id 6) was put in without a number.",
    "INSERT INTO history (at, subject_kind, subject_id, verb, reason, seq, previous, hash) SELECT at, subject_kind, 9, verb, reason, 6, hash, hash FROM history WHERE seq = 5": "Row 6 (id 6) was changed.",
}


@pytest.mark.parametrize("statement", TAMPERED)
def test_what_the_owner_of_the_database_does_is_found(own, capsys, statement):
    write(own)
    without_triggers(own, statement)
    assert verified(capsys) == (1, TAMPERED[statement])


def test_a_head_kept_elsewhere_finds_what_was_done_thoroughly(own, capsys, tmp_path):
    write(own)
    old, sys.argv = sys.argv, ["yuqiao", "history", "head"]
    assert commands.main() == 0
    sys.argv = old
    line = capsys.readouterr().out
    assert sorted(json.loads(line)) == ["at", "hash", "seq"]
    file = tmp_path / "head.json"
    file.write_text(line)
    assert verified(capsys, "--head", str(file))[0] == 0
    write(own, 1)
    assert verified(capsys, "--head", str(file))[0] == 0
    with own() as session:
        third = session.exec(select(History.hash).where(History.seq == 3)).one()
    without_triggers(own, "DELETE FROM history WHERE seq > 3")
    without_triggers(own, "UPDATE history_end SET seq = 3, hash = :hash", hash=third)
    assert verified(capsys)[0] == 0
    assert verified(capsys, "--head", str(file)) == (1, "Row 4 is missing.")
    file.write_text("no head")
    assert verified(capsys, "--head", str(file))[0] == 2


def test_a_head_is_kept_every_day_and_once(own, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(settings(), "data_dir", tmp_path)
    write(own, 2)
    jobs.sweep_heads()
    write(own, 2)
    jobs.sweep_heads()
    lines = [json.loads(line) for line in (tmp_path / "history-heads.jsonl").read_text().splitlines()]
    with own() as session:
        [head] = session.exec(select(HistoryHead)).all()
        second = session.exec(select(History.hash).where(History.seq == 2)).one()
    assert [(line["seq"], line["hash"]) for line in lines] == [(2, second)]
    assert (head.day, head.exported_at is not None) == (clock.today(clock.now()), True)
    tomorrow = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    jobs.sweep_heads()
    assert len((tmp_path / "history-heads.jsonl").read_text().splitlines()) == 2
    without_triggers(own, "UPDATE history_head SET hash = :hash WHERE seq = 2", hash="0" * 64)
    assert verified(capsys) == (1, "Row 2 (id 2) is not the one that was kept as the head.")


def test_personal_parts_are_read_with_the_rest_until_they_are_erased(own, capsys):
    write(own)
    with own() as session:
        assert [entry.after for entry in recent(session)][3] == {
            "n": 1 / 3,
            "词": "值",
            "person": "Lin Zhixia",
        }
    with transaction(own) as session:
        erase_personal(session, [2, 4])
    with own() as session:
        assert [entry.after for entry in recent(session)][3] == {"n": 1 / 3, "词": "值"}
        rows = session.exec(select(History.personal, History.salt)).all()
        assert set(rows) == {(None, None)}
    assert verified(capsys)[0] == 0


def test_eight_writers_make_one_chain(own, capsys):
    """Each with fifty changes, all at once; some of them take theirs back."""
    gate, problems = Barrier(8), []

    def run(n: int) -> None:
        gate.wait()
        try:
            for i in range(50):
                with transaction(own) as session:
                    record(
                        session,
                        "case saved",
                        "case",
                        n * 100 + i + 1,
                        by=None,
                        now=clock.now(),
                        after={"i": i},
                    )
                    if i % 10 == 0:
                        record(session, "case retracted", "case", n * 100 + i + 1, by=None, now=clock.now())
                if i % 25 == 24:
                    with contextlib.suppress(RuntimeError), transaction(own) as session:
                        record(session, "case saved", "case", 1, by=None, now=clock.now())
                        seal(session)
                        raise RuntimeError
        except Exception as problem:
            problems.append(problem)

    threads = [Thread(target=run, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with own() as session:
        assert session.exec(select(func.count()).select_from(History)).one() == 8 * 55
        assert [link.seq for link in chain(session)] == list(range(1, 8 * 55 + 1))
        assert session.exec(select(func.count()).select_from(HistoryEnd)).one() == 1
    assert verified(capsys)[0] == 0


def test_sealing_works_in_sessions_whose_commits_are_savepoints(sessions, session: Session):
    before = end_of_chain(session).seq
    with transaction(sessions) as other:
        record(other, "case saved", "case", 1, by=None, now=clock.now())
    assert end_of_chain(session).seq == before + 1


# ——— What was there before ———


def test_the_migration_chains_what_is_there_and_takes_names_out(capsys):
    config = Config()
    config.set_main_option("script_location", str(FOLDER / "migrations"))
    sessions = make_sessions(make_engine(fresh_url("older")))
    with in_force(sessions):
        alembic.upgrade(config, "0002")
        with sessions() as session:
            connection = session.connection()
            for kind, after in (
                ("organisation", '{"name": "Xiaoman Ltd"}'),
                ("employment", '{"email": "a@example.com", "role": "member"}'),
                ("employment", '{"person": "林知夏", "role": "owner"}'),
                ("case", '{"status": "client_confirmed", "name": "Zhou", "role": "CEO", "rating": 5}'),
                ("case", "null"),
            ):
                connection.execute(
                    text(
                        'INSERT INTO history (at, subject_kind, subject_id, verb, "before", "after", reason) '
                        "VALUES (:at, :kind, 1, 'x', NULL, :after, '')"
                    ),
                    {
                        "at": "2026-03-01 10:00:00.250000" if connection.dialect.name == "sqlite" else NOON,
                        "kind": kind,
                        "after": after,
                    },
                )
            session.commit()
        commands.migrate()
        assert verified(capsys)[0] == 0
        with sessions() as session:
            rows = session.exec(select(History).order_by(col(History.seq))).all()
            assert [(row.after, row.personal) for row in rows] == [
                ({"name": "Xiaoman Ltd"}, None),
                ({"role": "member"}, {"email": "a@example.com"}),
                ({"role": "owner"}, {"person": "林知夏"}),
                ({"status": "client_confirmed", "rating": 5}, {"name": "Zhou", "role": "CEO"}),
                (None, None),
            ]
        write(sessions)
        assert verified(capsys)[0] == 0
        alembic.downgrade(config, "0002")
        with sessions() as session:
            found = (
                session.connection().execute(text('SELECT "after" FROM history ORDER BY id')).scalars().all()
            )
        whole = json.loads(found[1]) if isinstance(found[1], str) else found[1]
        assert whole == {"email": "a@example.com", "role": "member"}


def test_the_told_story_holds():
    from tests.house.databases import told

    with Session(told()) as session:
        end = end_of_chain(session)
        assert end.seq > 200
        assert first_fault(chain(session), End(end.seq, end.hash)) is None
        names = {k for row in session.exec(select(History.after)) for k in row or {}}
        assert names & {"email", "person"} == set()
