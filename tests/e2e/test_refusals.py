"""What the daemon says when it cannot start: one clear line per mistake, exit code 2, no harm."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.e2e import books
from tests.e2e.process import Answer, run_to_end, running, write_config

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def assert_refused(answer: Answer, *said: str) -> None:
    """Exit code 2 and exactly the lines that contain `said`, in this order."""
    found = answer.err.splitlines()
    assert answer.code == 2, answer
    assert len(found) == len(said), answer.err
    for line, words in zip(found, said, strict=True):
        assert line.startswith("trimtabd: ")
        assert words in line


async def assert_it_starts(data: Path, config: Path) -> None:
    async with running(data, config) as daemon:
        await daemon.ready()
        assert await daemon.stop() == 0
    books.assert_files_are_sound(data)


async def test_a_second_daemon_on_the_same_folder_names_the_first(tmp_path: Path) -> None:
    data, config = tmp_path / "data", write_config(tmp_path / "demo.toml")
    (tmp_path / "second").mkdir()
    async with running(data, config) as first:
        await first.ready()
        answer = await run_to_end(data, write_config(tmp_path / "second" / "demo.toml"))
        assert_refused(answer, f"another trimtabd (pid {first.process.pid}) is using")
        assert await first.stop() == 0
    await assert_it_starts(data, config)


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        config = write_config(tmp_path / "taken.toml", bind=bind)
        assert_refused(await run_to_end(data, config), f"[http] bind = {bind}: Address already")
    await assert_it_starts(data, config)


# What stands in the file, and what each line must say.
BROKEN = {
    "unknown key": (
        "[paper]\nrat = 10\n",
        ["broken.toml:2: unknown key [paper] rat, did you mean rate?"],
    ),
    "bad value": (
        "[paper]\nrate = 0\n",
        ["broken.toml:2: [paper] rate = 0: must be a number from 0.001 to 1000000"],
    ),
    "not TOML": ("[paper\n", ["broken.toml: not valid TOML"]),
    "two mistakes": (
        '[http]\nbind = "here"\n[display]\ndriver = "terminl"\n',
        ['broken.toml:2: [http] bind = "here": must be address:port', "did you mean terminal?"],
    ),
}


@pytest.mark.parametrize("kind", sorted(BROKEN))
async def test_every_mistake_of_the_configuration_is_one_line(tmp_path: Path, kind: str) -> None:
    text, said = BROKEN[kind]
    config = tmp_path / "broken.toml"
    config.write_text(text, encoding="utf-8")
    assert_refused(await run_to_end(tmp_path / "data", config), *said)
    assert not (tmp_path / "data").exists()


async def test_a_configuration_that_is_missing_is_named(tmp_path: Path) -> None:
    config = tmp_path / "absent.toml"
    answer = await run_to_end(tmp_path / "data", config)
    assert_refused(answer, f"{config}: cannot be read: ")


async def test_a_broken_configuration_leaves_an_old_ledger_as_it_was(tmp_path: Path) -> None:
    data, config = tmp_path / "data", write_config(tmp_path / "demo.toml")
    await assert_it_starts(data, config)
    before = {path.name: path.read_bytes() for path in data.glob("*.db")}
    good = config.read_text("utf-8")
    config.write_text(good + "seeed = 3\n", encoding="utf-8")
    assert_refused(await run_to_end(data, config), "did you mean seed?")
    assert {path.name: path.read_bytes() for path in data.glob("*.db")} == before
    config.write_text(good, encoding="utf-8")
    await assert_it_starts(data, config)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write to any folder; see the mounted one")
async def test_a_folder_without_write_permission_is_named(tmp_path: Path) -> None:
    data, config = tmp_path / "data", write_config(tmp_path / "demo.toml")
    await assert_it_starts(data, config)
    data.chmod(0o500)
    try:
        for path in data.glob("*"):
            path.chmod(0o500)
        assert_refused(await run_to_end(data, config), str(data))
    finally:
        data.chmod(0o750)
        for path in data.glob("*"):
            path.chmod(0o700)
    await assert_it_starts(data, config)
