"""`make test`: the suite on SQLite, then on a real PostgreSQL. With REQUIRE_ALL=1 nothing may be skipped for lack of a part."""

import os
import shutil
import subprocess
import sys


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not chromium:
        print("skipped: browser tests, because no Chromium was found (on Debian: apt-get install chromium)")
        if os.environ.get("REQUIRE_ALL"):
            return 1
    worst = 0
    for database in ("sqlite", "postgresql"):
        print(f"== the suite on {database}", flush=True)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *sys.argv[1:]],
            env={**os.environ, "TEST_DATABASE": database},
            check=False,
        )
        worst = max(worst, done.returncode)
    return worst


if __name__ == "__main__":
    sys.exit(main())
