"""Background work: a sweep that finds again what a crash left behind."""

import logging
import threading

from portal.desk.parts import CONTRIBUTIONS

log = logging.getLogger("yuqiao")
EVERY_SECONDS = 20


def sweep() -> None:
    """One round. Each sweep looks for rows whose time has come and acts on each again under lock."""
    for one in CONTRIBUTIONS.sweeps:
        try:
            one()
        except Exception:
            log.exception("sweep %s failed", one.__name__)


class Sweeper(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="sweeper", daemon=True)
        self._stop_now = threading.Event()

    def run(self) -> None:
        while not self._stop_now.wait(EVERY_SECONDS):
            sweep()

    def stop(self) -> None:
        self._stop_now.set()
        self.join(timeout=10)
