"""Every setting is written down; production starts only when it is whole and never on the demo's data."""

import re
import sys
import types

import pytest

from portal import __main__ as commands
from portal.accounts.models import Person
from portal.settings import ROOT, Misconfigured, Settings
from tests.factories import make_person

WHOLE = {
    "environment": "production",
    "public_url": "https://yuqiao.example",
    "database_url": "postgresql+psycopg://u:p@db/yuqiao",
    "redis_url": "redis://valkey:6379/0",
    "smtp_url": "smtp://mail:587",
    "secret_key": "s" * 32,
    "demo": False,
    "clock_ahead_days": 0,
}
LACKING = {
    "secret_key": ("too short", "SECRET_KEY"),
    "public_url": ("http://yuqiao.example", "PUBLIC_URL"),
    "database_url": ("sqlite:///var/yuqiao.db", "DATABASE_URL"),
    "redis_url": ("", "REDIS_URL"),
    "smtp_url": ("", "SMTP_URL"),
    "registry": ("http://registry.example", "REGISTRY"),
    "demo": (True, "DEMO"),
    "clock_ahead_days": (1, "CLOCK_AHEAD_DAYS"),
}


def settings_of(**values: object) -> Settings:
    return Settings(_env_file=None, **values)  # type: ignore[call-arg]


def example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    return dict(
        re.fullmatch(r"([A-Z0-9_]+)=(.*)", line).groups() for line in lines if line and line[0] != "#"
    )  # type: ignore[union-attr]


def test_every_setting_is_in_the_example_and_the_other_way_round():
    assert sorted(example()) == sorted(name.upper() for name in Settings.model_fields)


def test_the_example_is_what_holds_without_it():
    written = {name.lower(): value for name, value in example().items() if value}
    for name, value in written.items():
        default = Settings.model_fields[name].default
        if name == "data_dir":
            assert ROOT / value == default
        else:
            assert getattr(settings_of(**{name: value}), name) == default, name


def test_development_needs_nothing():
    settings_of(environment="development", secret_key="", database_url="").require_complete()


def test_production_that_is_whole_starts():
    settings_of(**WHOLE).require_complete()


@pytest.mark.parametrize("name", LACKING)
def test_production_names_what_is_missing(name):
    value, said = LACKING[name]
    with pytest.raises(Misconfigured) as problem:
        settings_of(**(WHOLE | {name: value})).require_complete()
    named = [word for _, word in LACKING.values() if re.search(rf"\b{word}\b", str(problem.value))]
    assert named == [said]


def test_production_names_everything_at_once():
    with pytest.raises(Misconfigured) as problem:
        settings_of(**(WHOLE | {name: value for name, (value, _) in LACKING.items()})).require_complete()
    assert all(word in str(problem.value) for _, word in LACKING.values())


def test_a_secret_is_made_once_and_read_by_its_owner_alone(tmp_path):
    first, second = (settings_of(data_dir=tmp_path / "new", secret_key="") for _ in range(2))
    assert first.secret == second.secret
    assert len(first.secret) == 64
    assert (tmp_path / "new" / "secret").stat().st_mode & 0o077 == 0


# ——— `serve` ———


@pytest.fixture
def start(session, monkeypatch):
    """`start(…settings)` runs `serve` up to the moment of listening; what it would listen with."""
    listening: list[dict] = []
    server = types.ModuleType("uvicorn")
    server.run = lambda _app, **options: listening.append(options)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "uvicorn", server)
    monkeypatch.setattr(commands, "setup", lambda: None)
    monkeypatch.setattr("portal.app.create_app", lambda: None)

    def run(**values: object) -> dict | None:
        chosen = settings_of(**values)
        monkeypatch.setattr("portal.settings.settings", lambda: chosen)
        listening.clear()
        commands.serve()
        return listening[0] if listening else None

    return run


def test_serve_listens_only_when_complete(start):
    assert start(**WHOLE, port=4711) == {
        "host": "127.0.0.1",
        "port": 4711,
        "log_level": "warning",
        "access_log": False,
        "proxy_headers": True,
        "forwarded_allow_ips": "127.0.0.1",
        "timeout_graceful_shutdown": 5,
    }
    with pytest.raises(Misconfigured):
        start(**(WHOLE | {"redis_url": ""}))


def test_production_never_serves_the_demos_logins(start, session):
    person = make_person(session)
    session.commit()
    assert start(**WHOLE)
    session.get_one(Person, person.id).is_demo = True
    session.commit()
    with pytest.raises(Misconfigured, match="demo's logins"):
        start(**WHOLE)
    assert start(environment="development", secret_key="x" * 32)


def test_a_misconfigured_start_is_a_sentence_and_an_exit_code(monkeypatch, capsys):
    chosen = settings_of(**(WHOLE | {"smtp_url": ""}))
    monkeypatch.setattr("portal.settings.settings", lambda: chosen)
    monkeypatch.setattr(sys, "argv", ["yuqiao", "serve"])
    assert commands.main() == 2
    assert capsys.readouterr().err == "Not started. SMTP_URL must name the mail server.\n"


def test_the_worker_refuses_too(monkeypatch):
    chosen = settings_of(**(WHOLE | {"secret_key": ""}))
    monkeypatch.setattr("portal.settings.settings", lambda: chosen)
    monkeypatch.setattr("signal.sigwait", lambda _: None)  # one that starts all the same ends at once
    monkeypatch.setattr("signal.pthread_sigmask", lambda *_: None)
    with pytest.raises(Misconfigured, match="SECRET_KEY"):
        commands.worker()
