"""`provider`: oidc-provider, a real OpenID Connect provider, in a Node process of its own."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import urljoin

import httpx
import pytest
from lxml import html as lxml_html

from portal.identities import provider as asking
from portal.settings import ROOT, settings

HERE = Path(__file__).parent
INSTALL = ["npm", "install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"]


def installed() -> Path:
    """A folder with the provider in it, made once and kept in `var/`. Two runs at once do not meet."""
    wanted = (HERE / "package.json").read_text()
    version = re.search(r'"oidc-provider": "([\d.]+)"', wanted)
    folder = ROOT / "var" / f"oidc-provider-{version and version[1]}"
    if not folder.exists():
        if not shutil.which("npm"):
            pytest.skip("no npm was found (on Debian: apt-get install nodejs npm)")
        folder.parent.mkdir(exist_ok=True)
        making = Path(mkdtemp(prefix="oidc-", dir=folder.parent))
        (making / "package.json").write_text(wanted)
        done = subprocess.run(INSTALL, cwd=making, capture_output=True, text=True, timeout=240, check=False)
        if done.returncode:
            pytest.skip(f"npm could not install the provider: {done.stderr[-300:]}")
        try:
            making.rename(folder)
        except OSError:  # the other run was quicker
            shutil.rmtree(making)
    shutil.copy(HERE / "provider.js", folder / "provider.js")
    return folder


class Provider:
    def __init__(self, issuer: str, process: subprocess.Popen) -> None:
        self.issuer, self.process = issuer, process

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)

    def sign_in(self, address: str, login: str, *, cancel: bool = False) -> str:
        """What a person does there in a browser; the path and query they come back with."""
        with httpx.Client(timeout=10) as browser:
            answer = browser.get(address)
            for _ in range(12):
                while answer.is_redirect:
                    target = urljoin(str(answer.url), answer.headers["location"])
                    if target.startswith(asking.return_address()):
                        return target.removeprefix(settings().base_url)
                    answer = browser.get(target)
                page = lxml_html.fromstring(answer.text)
                if cancel:
                    [link] = [a.get("href") for a in page.iter("a") if a.get("href", "").endswith("/abort")]
                    answer = browser.get(urljoin(str(answer.url), link))
                    continue
                form = page.forms[0]
                fields = dict(form.fields) | {"login": login, "password": "any"}
                if fields["prompt"] == "consent":
                    fields = {"prompt": "consent"}
                answer = browser.post(urljoin(str(answer.url), form.action), data=fields)
        raise AssertionError("never came back")


@contextmanager
def serving() -> Iterator[Provider]:
    if not shutil.which("node"):
        pytest.skip("no Node was found (on Debian: apt-get install nodejs npm)")
    process = subprocess.Popen(
        ["node", "provider.js", f"{settings().base_url}/sign-in/outside/return"],
        cwd=installed(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    served = Provider(process.stdout.readline().strip(), process)
    assert served.issuer.startswith("http://127.0.0.1:")
    try:
        yield served
    finally:
        served.stop()


@pytest.fixture(scope="session")
def running() -> Iterator[Provider]:
    with serving() as served:
        yield served


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> Callable[[Provider], Provider]:
    """The portal's settings name this provider."""

    def trust(served: Provider) -> Provider:
        asking._discovered.clear()
        for name, value in {
            "oidc_issuer": served.issuer,
            "oidc_client_id": "yuqiao",
            "oidc_client_secret": "a secret: with/signs+",
            "oidc_name": "Acme ID",
        }.items():
            monkeypatch.setattr(settings(), name, value)
        return served

    return trust


@pytest.fixture
def provider(running: Provider, trusted: Callable[[Provider], Provider]) -> Provider:
    return trusted(running)
