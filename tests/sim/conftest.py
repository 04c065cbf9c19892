"""Where worlds live: in memory when the machine has such a place, else in the test's folder."""

from __future__ import annotations

import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")


@pytest.fixture
def folder(tmp_path: Path) -> Generator[Path]:
    """An empty folder for one world."""
    if not MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY, prefix="trimtab-") as place:
        yield Path(place)
