"""The credentials that the served portal hands out, seen by a verifier that knows nothing of us."""

import json
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from portal.settings import ROOT
from tests.browser.conftest import Served

VC_CHECK = ROOT.parent / "shared/tools/vc-check"


OWN_STORY = True  # the address of the portal is in every credential


@pytest.fixture(scope="session")
def verifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not (VC_CHECK / "check.mjs").exists() or not shutil.which("npm"):
        pytest.skip("vc-check or Node is not on this machine")
    folder = tmp_path_factory.mktemp("verifier") / "vc-check"
    shutil.copytree(VC_CHECK, folder, ignore=shutil.ignore_patterns("node_modules", "fixtures"))
    subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=folder, check=True, capture_output=True)
    return folder


def _check(verifier: Path, target: str) -> tuple[bool, str]:
    done = subprocess.run(
        ["node", "check.mjs", target], cwd=verifier, capture_output=True, text=True, check=False
    )
    return done.returncode == 0, done.stdout + done.stderr


def _read(url: str, accept: str = "application/vc") -> bytes:
    with urllib.request.urlopen(
        urllib.request.Request(url, headers={"Accept": accept}), timeout=10
    ) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        return bytes(answer.read())


def test_both_kinds_pass_outside_and_fail_when_tampered_with(served: Served, verifier: Path, tmp_path: Path):
    welcome = served.log.read_text()
    examples = [word for word in welcome.split() if "/credentials/" in word]
    assert len(examples) == 2, welcome
    for url in examples:
        assert _check(verifier, url)[0], _check(verifier, url)[1]
        assert _check(verifier, f"{url}.jwt")[0], _check(verifier, f"{url}.jwt")[1]
        document = json.loads(_read(url))
        document["credentialSubject"]["licenseNumber"] = "YQ-OP-2026-9999"
        changed = tmp_path / "changed.json"
        changed.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        valid, said = _check(verifier, str(changed))
        assert (valid, "proof" in said) == (False, True), said
