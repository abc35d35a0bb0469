"""Keys come, wait, sign and are revoked; what a lost key signed is issued again, once, whatever is killed meanwhile."""

import json
import os
import shutil
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session, col, select

from certification.credentials import keyring
from certification.credentials.actions import award_certificate, reinstate, revoke, suspend
from certification.credentials.keys import KeyUse, create_key
from certification.credentials.models import Credential
from certification.credentials.openbadges import verify_data_integrity
from certification.credentials.queries import find_credential
from certification.credentials.rules import CredentialStatus
from certification.signing import actions
from certification.signing.models import Reissue, SigningKey
from certification.signing.queries import signing_keys
from certification.signing.rules import PUBLISHED_BEFORE_USE, may_sign, still_published
from certification.standing.actions import grant_level, move_level
from certification.standing.rules import Family
from portal import __main__ as commands
from portal import clock, context
from portal.accounts.models import Person
from portal.db import Sessions, make_engine, make_sessions, transaction
from portal.ledger.models import Fact
from portal.mail.models import Mail
from portal.programme.actions import load_default
from portal.refusal import Refused
from portal.settings import ROOT, Misconfigured, Settings
from tests.browser.conftest import fresh_database
from tests.factories import make_organisation, make_person

SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
MANY = 10_000 if SOAK else 200


@pytest.fixture
def own_keys(session, tmp_path, monkeypatch):
    """A folder of keys of this test alone, with their rows."""
    keyring.ensure_keys(clock.now())
    shutil.copytree(keyring.folder(), tmp_path / "keys")  # an RSA key takes a second to make
    monkeypatch.setattr(keyring, "folder", lambda: tmp_path / "keys")
    actions.register_keys(session, now=clock.now())
    session.flush()


def names(session: Session) -> dict[KeyUse, list[str]]:
    return {use: [row.name for row in signing_keys(session) if row.use is use] for use in KeyUse}


def award(session: Session, name: str = "司徒映真", code: str = "P1") -> Credential:
    person = make_person(session, name)
    return award_certificate(session, person.id, code, source=("test", 1), by=None, now=clock.now())


def signed_with(credential: Credential) -> str:
    return json.loads(credential.signed)["proof"][0]["verificationMethod"].partition("#")[2]


# ——— Rotation ———


def test_a_new_key_is_published_at_once_and_signs_a_day_later(browse, session, own_keys):
    now = clock.now()
    [old] = names(session)[KeyUse.CREDENTIAL]
    new = actions.add_key(session, KeyUse.CREDENTIAL, now=now)
    session.commit()
    assert new.name == f"key-{now:%Y-%m}-2"
    for later, who in ((0, old), (24 * 60 - 1, old), (24 * 60, new.name)):
        moment = now + timedelta(minutes=later)
        assert keyring.current(session, KeyUse.CREDENTIAL, moment).id == who
    document = browse().client.get("/.well-known/did.json").json()
    named = [m["id"].partition("#")[2] for m in document["verificationMethod"]]
    assert (old in named, new.name in named) == (True, True)
    assert len(browse().client.get("/.well-known/jwks.json").json()["keys"]) == 4


def test_an_old_key_is_published_while_what_it_signed_is_in_force(session, own_keys):
    credential = award(session)
    [old] = names(session)[KeyUse.CREDENTIAL]
    actions.add_key(session, KeyUse.CREDENTIAL, now=clock.now())
    ends = credential.valid_until

    def named(at) -> bool:
        return old in {key.id for key in keyring.published(session, at)[0]}

    assert (named(ends - timedelta(minutes=1)), named(ends + timedelta(minutes=1))) == (True, False)
    revoke(session, credential, "copied", by=None, now=clock.now())
    session.flush()
    assert named(clock.now() + timedelta(hours=25)) is False


NOW = clock.now()
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("use", "followed", "in_force", "oldest", "published"),
    [
        ("key", None, False, None, True),
        ("key", NOW + DAY, False, None, True),
        ("key", NOW - DAY, False, NOW - 9 * DAY, False),
        ("key", NOW - DAY, True, None, True),
        ("status", NOW - 2 * DAY, False, None, True),
        ("status", NOW - 3 * DAY, True, NOW, False),
        ("jwt", NOW - DAY, False, NOW - 2 * DAY, True),
        ("jwt", NOW - DAY, True, NOW, False),
        ("jwt", NOW - DAY, True, None, False),
    ],
)
def test_how_long_a_key_is_published(use, followed, in_force, oldest, published):
    assert still_published(use, followed, NOW, in_force=in_force, oldest_award=oldest) is published


@given(st.integers(-100, 100), st.none() | st.integers(-100, 0))
def test_no_key_signs_before_its_day_or_after_its_revocation(hours, revoked):
    signs_from = NOW + timedelta(hours=hours)
    revoked_at = None if revoked is None else NOW + timedelta(hours=revoked)
    assert may_sign(signs_from, revoked_at, NOW) is (hours <= 0 and revoked is None)


def test_a_file_laid_into_the_folder_waits_its_day_too(session, own_keys):
    now = clock.now()
    create_key(keyring.folder(), KeyUse.CREDENTIAL, now, serial=7)
    [old] = names(session)[KeyUse.CREDENTIAL]
    assert keyring.current(session, KeyUse.CREDENTIAL, now).id == old
    actions.register_keys(session, now=now)
    actions.register_keys(session, now=now)
    assert names(session)[KeyUse.CREDENTIAL] == [old, f"key-{now:%Y-%m}-7"]
    assert keyring.current(session, KeyUse.CREDENTIAL, now).id == old
    assert keyring.current(session, KeyUse.CREDENTIAL, now + PUBLISHED_BEFORE_USE).id != old


def test_an_old_private_key_may_be_destroyed(session, own_keys):
    """It stays published from its row."""
    credential = award(session)
    [old] = names(session)[KeyUse.CREDENTIAL]
    new = actions.add_key(session, KeyUse.CREDENTIAL, at_once=True, now=clock.now())
    (keyring.folder() / f"{old}.pem").unlink()
    published = {key.id: key for key in keyring.published(session, clock.now())[0]}
    assert (old in published, new.name in published) == (True, True)
    assert signed_with(credential) == old
    assert keyring.current(session, KeyUse.CREDENTIAL, clock.now()).id == new.name


def test_the_server_starts_with_the_keys_that_were_published(session, own_keys):
    """Without the folder of yesterday new keys would be made that nobody trusts."""
    keyring.check(session)
    [name] = names(session)[KeyUse.CREDENTIAL]
    file = keyring.folder() / f"{name}.pem"
    aside = file.rename(keyring.folder() / "aside")
    with pytest.raises(Misconfigured, match="lacks the files of the keys for: key"):
        keyring.check(session)
    serial = int(name.split("-")[3]) if name.count("-") == 3 else 1
    create_key(keyring.folder(), KeyUse.CREDENTIAL, clock.now(), serial)
    with pytest.raises(Misconfigured, match=f"Not the keys that were published: {name}"):
        keyring.check(session)
    aside.replace(file)
    file.chmod(0o644)
    with pytest.raises(Misconfigured, match="readable by others"):
        keyring.check(session)


# ——— A lost key ———


def test_a_revoked_key_asserts_nothing_and_its_credentials_come_again(browse, session, own_keys):
    now = clock.now()
    first, suspended, gone = award(session), award(session, "乙"), award(session, "丙")
    suspend(session, suspended, "looked into", by=None, now=now)
    revoke(session, gone, "copied", by=None, now=now)
    organisation = make_organisation(session, "Yunzhan")
    grant_level(session, organisation.id, Family.ISV, 4, "", by=None, now=now)
    session.flush()
    [level] = session.exec(select(Credential).where(Credential.organisation_id == organisation.id))
    first.name_public = True
    [old] = names(session)[KeyUse.CREDENTIAL]
    asked = actions.revoke_key(session, old, "the laptop was stolen", now=now)
    assert asked is not None
    while actions.reissue_batch(session, asked.id, now=now):
        session.commit()
    session.commit()
    assert (asked.done, asked.finished_at) == (2, now)
    [_, new] = names(session)[KeyUse.CREDENTIAL]
    document = browse().client.get("/.well-known/did.json").json()
    methods = {m["id"].partition("#")[2]: m for m in document["verificationMethod"]}
    assert ("revoked" in methods[old], "revoked" in methods[new]) == (True, False)
    assert [m for m in document["assertionMethod"] if m.endswith(f"#{old}")] == []
    kids = [k["kid"].rpartition("/")[2] for k in browse().client.get("/.well-known/jwks.json").json()["keys"]]
    assert (old in kids, new in kids) == (False, True)
    for before in (first, level):
        [after] = session.exec(
            select(Credential).where(Credential.number == before.number, Credential.status == "active")
        )
        assert (before.status, after.status) == (CredentialStatus.SUPERSEDED, CredentialStatus.ACTIVE)
        assert before.status_reason == "the laptop was stolen"
        assert after.uuid != before.uuid
        assert (after.awarded_at, after.valid_until) == (before.awarded_at, before.valid_until)
        assert (after.name_public, after.score, after.scope) == (
            before.name_public,
            before.score,
            before.scope,
        )
        assert signed_with(after) == new
        was, became = json.loads(before.signed), json.loads(after.signed)
        assert became["credentialSubject"] == was["credentialSubject"]
        assert became["awardedDate"] == was["awardedDate"]
        assert became["id"].endswith(after.uuid)
        assert became["credentialStatus"]["statusListIndex"] == str(after.status_index)
        key = keyring.current(session, KeyUse.CREDENTIAL, now)
        assert verify_data_integrity(became, key.ed25519().public_key(), keyring.method(key))
        assert find_credential(session, before.number) == after.uuid
        page = browse().get(f"/credentials/{before.uuid}")
        assert f"/credentials/{after.uuid}" in page.links()
    assert (suspended.status, gone.status) == (CredentialStatus.SUSPENDED, CredentialStatus.REVOKED)
    person = session.get_one(Person, first.person_id)
    texts = [m.text for m in session.exec(select(Mail).where(Mail.to_address == person.email))]
    assert len([t for t in texts if first.number in t and "the laptop was stolen" in t]) == 1


def test_the_certificate_fact_goes_on(session, own_keys):
    now = clock.now()
    credential = award(session)
    asked = actions.ask_to_reissue(session, "new words", code="P1", now=now)
    later = now + timedelta(hours=1)
    assert actions.reissue_batch(session, asked.id, now=later)
    facts = list(session.exec(select(Fact).where(Fact.person_id == credential.person_id).order_by(Fact.id)))
    assert [(f.true_from, f.true_until) for f in facts] == [
        (credential.awarded_at, later),
        (later, credential.valid_until),
    ]
    assert {f.value["number"] for f in facts} == {credential.number}


def test_other_keys_are_replaced_without_issuing_anything(browse, session, own_keys):
    credential = award(session)
    for use in (KeyUse.JWT, KeyUse.STATUS_LIST):
        [old] = names(session)[use]
        assert actions.revoke_key(session, old, "lost", now=clock.now()) is None
        assert keyring.current(session, use, clock.now()).id != old
    session.commit()
    assert session.exec(select(Reissue)).all() == []
    client = browse().client
    proof = client.get(f"/status/{credential.status_list}").json()["proof"][0]
    assert proof["verificationMethod"].endswith(names(session)[KeyUse.STATUS_LIST][1])


@pytest.mark.parametrize("name", ["key-1999-01", "", "../key", "nothing"])
def test_no_such_key(session, own_keys, name):
    with pytest.raises(Refused):
        actions.revoke_key(session, name, "lost", now=clock.now())


def test_a_key_is_revoked_once(session, own_keys):
    [old] = names(session)[KeyUse.CREDENTIAL]
    actions.revoke_key(session, old, "lost", now=clock.now())
    with pytest.raises(Refused):
        actions.revoke_key(session, old, "lost", now=clock.now())


# ——— The same number again ———


def test_a_reinstated_level_keeps_its_number(session, own_keys):
    now = clock.now()
    organisation = make_organisation(session, "Yunzhan")
    level = grant_level(session, organisation.id, Family.OPERATOR, 3, "", by=None, now=now)
    move_level(session, level, "suspend", "looked into", by=None, now=now + timedelta(hours=1))
    move_level(session, level, "reinstate", "cleared", by=None, now=now + timedelta(hours=2))
    session.flush()
    old, new = session.exec(
        select(Credential).where(Credential.organisation_id == organisation.id).order_by(Credential.id)
    )
    assert (old.number, old.status, new.status) == (new.number, "superseded", "active")
    assert old.uuid != new.uuid
    grant_level(session, organisation.id, Family.OPERATOR, 3, "", by=None, now=now + timedelta(days=300))
    rows = list(session.exec(select(Credential).where(Credential.organisation_id == organisation.id)))
    assert len({row.number for row in rows}) == 2  # a renewal is a new certificate


def test_a_reinstated_certificate_keeps_its_number(session, own_keys):
    credential = award(session)
    with pytest.raises(Refused):
        reinstate(session, credential, "nothing was wrong", by=None, now=clock.now())
    suspend(session, credential, "looked into", by=None, now=clock.now())
    new = reinstate(session, credential, "nothing was wrong", by=None, now=clock.now())
    assert (new.number, new.status, credential.status) == (credential.number, "active", "superseded")
    assert find_credential(session, credential.number) == new.uuid
    with pytest.raises(Refused):
        reinstate(session, credential, "again", by=None, now=clock.now())


# ——— Many, and a worker that is killed ———

WORK = "from certification.signing.jobs import reissue_all; reissue_all.fn(1)"


def _prepare(url: str) -> Sessions:
    """A database of its own with so many certificates and a lost key."""
    sessions, now = make_sessions(make_engine(url)), clock.now()
    context.use_sessions(sessions)
    commands.migrate()
    context.use_sessions(None)
    with transaction(sessions) as session:
        load_default(session, now=now, effective_from=now - timedelta(days=30))
        actions.register_keys(session, now=now)
    for start in range(0, MANY, 100):
        with transaction(sessions) as session:
            for n in range(start, start + 100):
                person = make_person(session, f"人{n}", email=f"p{n}@people.example")
                award_certificate(session, person.id, "P1", source=("test", 1), by=None, now=now)
    with transaction(sessions) as session:
        actions.revoke_key(session, names(session)[KeyUse.CREDENTIAL][0], "lost", now=now)
    return sessions


@pytest.mark.timeout(1800)
def test_a_killed_job_goes_on_where_it_was(own_keys, tmp_path):
    """In processes and a database of their own, killed in the middle."""
    url = fresh_database(tmp_path)
    sessions = _prepare(url)
    environment = {**os.environ, "DATA_DIR": str(tmp_path), "DATABASE_URL": url}

    def start(script: str) -> subprocess.Popen:
        return subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, env=environment)

    def done() -> int:
        with transaction(sessions, read_only=True) as session:
            return session.exec(select(Reissue.done)).one()

    kills, step = (3, MANY // 5) if SOAK else (1, 50)
    for kill in range(1, kills + 1):
        worker = start(WORK)
        while done() < kill * step and worker.poll() is None:
            time.sleep(0.01)
        worker.kill()
        worker.wait()
        assert done() < MANY
    assert start(WORK).wait(timeout=600) == 0
    with transaction(sessions, read_only=True) as session:
        rows = list(session.exec(select(Credential)))
        asked = session.exec(select(Reissue)).one()
        revoked = session.exec(select(SigningKey).where(col(SigningKey.revoked_at).is_not(None))).one()
        facts = [f for f in session.exec(select(Fact)) if f.true_until is None or f.true_until > clock.now()]
    sessions.kw["bind"].dispose()
    old = {row.number for row in rows if row.key_id == revoked.name}
    new = [row.number for row in rows if row.key_id != revoked.name]
    assert (len(old), len(new), set(new)) == (MANY, MANY, old)
    assert {row.status for row in rows if row.key_id == revoked.name} == {CredentialStatus.SUPERSEDED}
    assert {row.status for row in rows if row.key_id != revoked.name} == {CredentialStatus.ACTIVE}
    assert len({(row.status_list, row.status_index) for row in rows}) == 2 * MANY
    assert (asked.done, asked.finished_at is not None, len(facts)) == (MANY, True, MANY)


def test_the_commands(session, own_keys, sessions, capsys, monkeypatch):
    from certification.signing import command

    [old] = names(session)[KeyUse.CREDENTIAL]
    session.commit()
    credential = award(session)
    session.commit()
    assert command.add("credential") == 0
    assert command.revoke(old, "lost") == 0
    assert command.revoke(old, "lost") == 1
    assert command.reissue("P1", "new words") == 0
    assert command.list_keys() == 0
    said = capsys.readouterr()
    assert said.out.count("1 credentials were issued again.") == 2
    assert f"{old} is revoked" in said.out
    lines = [line for line in said.out.splitlines() if line.startswith("key-") and "in force" in line]
    assert [line.split()[1] for line in lines] == ["0", "0", "1"]
    session.expire_all()
    rows = list(session.exec(select(Credential).where(Credential.number == credential.number)))
    assert sorted(row.status for row in rows) == ["active", "superseded", "superseded"]


def test_new_words_of_the_programme(session, own_keys):
    organisation = make_organisation(session, "Yunzhan")
    grant_level(session, organisation.id, Family.OPERATOR, 5, "", by=None, now=clock.now())
    session.flush()
    old = session.exec(select(Credential).where(Credential.organisation_id == organisation.id)).one()
    asked = actions.ask_to_reissue(session, "renamed", code="operator-5", now=clock.now())
    assert actions.reissue_batch(session, asked.id, now=clock.now())
    assert not actions.reissue_batch(session, asked.id, now=clock.now())
    new = session.exec(
        select(Credential).where(Credential.organisation_id == organisation.id, Credential.status == "active")
    ).one()
    was, became = json.loads(old.signed), json.loads(new.signed)
    assert became["credentialSubject"] == was["credentialSubject"]  # the words are the same today
    assert became["name"] == was["name"]


def test_another_host_renews_its_addresses(session, own_keys, monkeypatch):
    credential = award(session)
    moved = Settings(_env_file=None, public_url="https://new.example", former_urls="http://127.0.0.1:8000")
    monkeypatch.setattr("certification.credentials.actions.settings", lambda: moved)
    monkeypatch.setattr("certification.credentials.keyring.settings", lambda: moved)
    asked = actions.ask_to_reissue(session, "moved", code="P1", now=clock.now())
    actions.reissue_batch(session, asked.id, now=clock.now())
    new = session.exec(
        select(Credential).where(Credential.number == credential.number, Credential.status == "active")
    ).one()
    assert "127.0.0.1" not in new.signed
    assert json.loads(new.signed)["issuer"]["id"] == "did:web:new.example"
