"""A served portal without demo, without mail and without a browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import Served, fresh_database


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    portal = Served(tmp_path, fresh_database(tmp_path), "")
    portal.environment["DEMO"] = "0"
    portal.start()
    yield portal
    portal.stop()
