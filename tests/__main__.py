"""`make test`: the suite on SQLite and on a real PostgreSQL, side by side. With REQUIRE_ALL=1 nothing may be skipped for lack of a part."""

import os
import shutil
import subprocess
import sys
import tempfile


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        print(
            "skipped: browser tests, because no Chromium was found (on Debian: apt-get install chromium)",
            flush=True,
        )
        if os.environ.get("REQUIRE_ALL"):
            return 1
    # Two cores, two runs at once. The second one's output waits until the first has ended.
    with tempfile.TemporaryFile("w+") as later:
        second = _run("postgresql", stdout=later, stderr=subprocess.STDOUT)
        print("== the suite on sqlite", flush=True)
        first = _run("sqlite")
        codes = [first.wait(), second.wait()]
        print("== the suite on postgresql", flush=True)
        later.seek(0)
        shutil.copyfileobj(later, sys.stdout)
    sys.stdout.flush()
    return max(codes)


def _run(database: str, **streams: object) -> subprocess.Popen:
    command = [sys.executable, "-m", "pytest", *sys.argv[1:]]
    return subprocess.Popen(command, env={**os.environ, "TEST_DATABASE": database}, **streams)  # type: ignore[call-overload]


if __name__ == "__main__":
    sys.exit(main())
