"""Every job is known to the worker, every sweep runs."""

import importlib
import inspect
import subprocess
import sys
from types import ModuleType

import dramatiq

from portal import worker
from portal.app import put_together
from portal.desk.parts import CONTRIBUTIONS
from portal.jobs import broker
from portal.settings import ROOT


def modules() -> list[ModuleType]:
    return [
        importlib.import_module(".".join(p.relative_to(ROOT).with_suffix("").parts))
        for p in sorted(ROOT.glob("*/*/jobs.py"))
        if p.parts[-3] in ("portal", "training", "certification", "casebook")
    ]


def test_every_actor_is_known_to_the_worker():
    """A worker imports `portal.app` and nothing else: what it does not import, it cannot run."""
    script = "import portal.app; from portal.jobs import broker; print(*sorted(broker.get_declared_actors()))"
    known = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    actors = {
        value.actor_name
        for module in modules()
        for value in vars(module).values()
        if isinstance(value, dramatiq.Actor)
    }
    assert actors
    assert sorted(actors) == [name for name in known if not name.startswith("test_")]


def test_actors_take_ids_and_belong_to_our_broker():
    for module in modules():
        for actor in vars(module).values():
            if isinstance(actor, dramatiq.Actor):
                assert actor.broker is broker
                assert {p.annotation for p in inspect.signature(actor.fn).parameters.values()} == {int}
                assert "max_retries" in actor.options
                assert "time_limit" in actor.options


def test_every_sweep_is_swept():
    put_together()
    defined = {
        f"{module.__name__}.{name}"
        for module in modules()
        for name, value in vars(module).items()
        if name.startswith("sweep_") and value.__module__ == module.__name__
    }
    assert len(defined) > 5
    assert sorted(defined) == sorted(f"{s.__module__}.{s.__name__}" for s in CONTRIBUTIONS.sweeps)


def test_one_sweep_that_fails_stops_no_other(monkeypatch):
    ran = []

    def broken() -> None:
        ran.append("broken")
        raise RuntimeError("boom")

    monkeypatch.setattr(CONTRIBUTIONS, "sweeps", [broken, lambda: ran.append("next")])
    worker.sweep()
    assert ran == ["broken", "next"]
