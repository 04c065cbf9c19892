"""A data folder on a disk that is read-only or full: one line, exit code 2, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import books
from tests.e2e.process import Daemon, run_to_end, running, until, write_config
from tests.e2e.test_refusals import assert_it_starts, assert_refused

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

START = "2009-01-05T07:58:00Z"
SPACE = "size=64m"
CHUNK = 4096


def mount(*arguments: str) -> None:
    done = subprocess.run(
        ["mount", *arguments], capture_output=True, text=True, check=False, timeout=10
    )
    if done.returncode:
        pytest.skip(f"cannot mount a small disk here: {done.stderr.strip()}")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own; unmounted when the test ends."""
    if os.getuid() != 0:
        pytest.skip("only root can mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount("-t", "tmpfs", "-o", SPACE, "tmpfs", str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=10)


def fill(disk: Path) -> Path:
    """Take all the space that is left; the file to remove to have it back."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, CHUNK, 1):
            try:
                while file.write(b"\0" * size):
                    pass
            except OSError:
                continue
    return ballast


def facts(data: Path) -> list[books.Row]:
    return books.ledger(data, "SELECT seq, source_key, payload FROM fact ORDER BY seq")


async def lived(data: Path, config: Path) -> list[books.Row]:
    """Live until the first order is filled; the journal after the stop."""

    async def filled() -> bool | None:
        return bool(books.ledger(data, "SELECT 1 FROM fill")) or None

    async with running(data, config) as daemon:
        await daemon.ready()
        await until("a fill", filled, within_s=20)
        assert await daemon.stop() == 0
    return facts(data)


async def test_a_read_only_disk_is_named(disk: Path, tmp_path: Path) -> None:
    data = disk / "data"
    config = write_config(tmp_path / "demo.toml", rate=2000, start=START)
    before = await lived(data, config)
    mount("-o", "remount,ro", str(disk))
    assert_refused(await run_to_end(data, config), "Read-only file system")
    mount("-o", "remount,rw", str(disk))
    assert facts(data) == before
    await assert_it_starts(data, config)


async def test_a_disk_that_is_full_at_the_first_start_is_named(disk: Path, tmp_path: Path) -> None:
    data, config = disk / "data", write_config(tmp_path / "demo.toml")
    ballast = fill(disk)
    answer = await run_to_end(data, config)
    assert_refused(answer, "")
    assert "space" in answer.err or "full" in answer.err
    ballast.unlink()
    await assert_it_starts(data, config)


async def test_a_disk_that_is_full_at_a_later_start_is_named(disk: Path, tmp_path: Path) -> None:
    data = disk / "data"
    config = write_config(tmp_path / "demo.toml", rate=2000, start=START)
    before = await lived(data, config)
    ballast = fill(disk)
    answer = await run_to_end(data, config)
    assert_refused(answer, "")
    assert "space" in answer.err or "full" in answer.err
    ballast.unlink()
    assert facts(data)[: len(before)] == before
    await assert_it_starts(data, config)


async def test_a_disk_that_fills_up_stops_the_daemon_in_one_line(
    disk: Path, tmp_path: Path
) -> None:
    data = disk / "data"
    config = write_config(tmp_path / "demo.toml", rate=2000, start=START)
    async with running(data, config) as daemon:
        await daemon.ready()
        await until("a fill", lambda: has_fills(daemon), within_s=20)
        ballast = fill(disk)
        code = await daemon.ended(30)
        said = daemon.stderr()
    assert (code, len(said.splitlines())) == (2, 1), said
    assert "space" in said or "full" in said
    ballast.unlink()
    before = facts(data)
    await assert_it_starts(data, config)
    assert facts(data)[: len(before)] == before
    books.assert_every_order_has_one_intent(data)


async def has_fills(daemon: Daemon) -> bool | None:
    return bool(books.ledger(daemon.data, "SELECT 1 FROM fill")) or None
