"""The credentials that the served portal hands out, seen by a verifier that knows nothing of us."""

import json
import shutil
import subprocess
import sys
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


# The verifier is a script that ends with its verdict; the modules that it reads are read once for all of them.
MANY = """
import {writeFileSync} from 'node:fs';
const [targets, out] = process.argv.slice(2), verdicts = {};
process.exit = code => { throw Object.assign(new Error('exit'), {code}); };
let said = [];
console.log = line => said.push(line);
for(const [n, target] of JSON.parse(targets).entries()) {
  said = []; process.argv = [process.argv[0], 'check.mjs', target];
  let code = null;
  try { await import(`./check.mjs?${n}`); } catch(problem) { code = problem.code ?? String(problem); }
  verdicts[target] = [code === 0, said.join('\\n')];
}
writeFileSync(out, JSON.stringify(verdicts));
"""

ISSUE = """
from certification.credentials import queries
from certification.credentials.actions import award_certificate
from certification.standing.actions import grant_level
from certification.standing.rules import Family
from portal import clock, context
from portal.app import put_together
from portal.db import transaction
from portal.programme.queries import programme_at
from tests.factories import make_organisation, make_person
put_together()
now = clock.now()
with transaction(context.sessions()) as session:
    codes = [entry["code"] for entry in programme_at(session, now)["personal_certificates"]]
    person = make_person(session, "司徒映真", email="every-kind@people.example")
    for code in codes:
        print(award_certificate(session, person.id, code, source=("test", 1), by=None, now=now).uuid)
    for family in Family:
        for stars in (3, 4, 5):
            organisation = make_organisation(session, f"Kind {family} {stars}")
            grant_level(session, organisation.id, family, stars, "", by=None, now=now)
            session.flush()
            [row] = [r for r in queries.credentials_of_organisation(session, organisation.id)]
            print(row.uuid)
"""
REVOKE = """
import sys
from certification.credentials.actions import revoke
from certification.credentials.queries import credential_by_uuid
from portal import clock, context
from portal.app import put_together
from portal.db import transaction
put_together()
with transaction(context.sessions()) as session:
    for uuid in sys.argv[1:]:
        revoke(session, credential_by_uuid(session, uuid).credential, "test", by=None, now=clock.now())
"""


def _verdicts(verifier: Path, targets: list[str]) -> dict[str, tuple[bool, str]]:
    (verifier / "many.mjs").write_text(MANY)
    out = verifier / "verdicts.json"
    subprocess.run(["node", "many.mjs", json.dumps(targets), str(out)], cwd=verifier, check=True, timeout=120)
    return {target: (valid, said) for target, (valid, said) in json.loads(out.read_text()).items()}


def _inside(served: Served, script: str, *arguments: str) -> list[str]:
    """Run beside the server, on its database and with its keys."""
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env=served.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def _read(url: str, accept: str = "application/vc") -> bytes:
    with urllib.request.urlopen(
        urllib.request.Request(url, headers={"Accept": accept}), timeout=10
    ) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Set-Cookie"] is None
        return bytes(answer.read())


def test_every_kind_passes_outside_and_fails_once_it_is_revoked(
    served: Served, verifier: Path, tmp_path: Path
):
    """Seven certificates, two families of three levels: JSON and JWT by address, two kinds baked, two tampered with."""
    welcome = served.log.read_text()
    assert len([word for word in welcome.split() if "/credentials/" in word]) == 2, welcome
    uuids = _inside(served, ISSUE)
    assert len(uuids) == 7 + 2 * 3
    urls = [f"{served.base}/credentials/{uuid}" for uuid in uuids]
    good, changed = [*urls, *(f"{url}.jwt" for url in urls)], []
    for n, url in enumerate((urls[0], urls[-1])):
        for suffix in ("png", "svg"):
            baked = tmp_path / f"{n}.{suffix}"
            baked.write_bytes(_read(f"{url}.{suffix}"))
            good.append(str(baked))
        document = json.loads(_read(url))
        document["credentialSubject"]["licenseNumber"] = "YQ-OP-2026-9999"
        file = tmp_path / f"{n}.json"
        file.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        changed.append(str(file))
    verdicts = _verdicts(verifier, [*good, *changed])
    assert [said for valid, said in (verdicts[target] for target in good) if not valid] == []
    assert [(verdicts[t][0], "proof" in verdicts[t][1].splitlines()[-1]) for t in changed] == [
        (False, True)
    ] * 2
    _inside(served, REVOKE, *uuids)
    verdicts = _verdicts(verifier, urls)
    assert [(valid, "REVOKED" in said) for valid, said in verdicts.values()] == [(False, True)] * len(urls)
