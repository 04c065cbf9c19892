"""The crash injector's hook around every commit."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
import trio.testing

from store.engine import Tx, scalar
from store.inline import open_inline_engine
from store.store import open_store
from tests.store.builders import NOW


class Crash(Exception):
    """The world ends here."""


async def test_a_crash_before_a_commit_loses_all_of_it_and_after_it_nothing(
    tmp_path: Path,
) -> None:
    moments: list[str] = []
    fatal = ""

    async def checkpoint(moment: str) -> None:
        await trio.lowlevel.checkpoint()
        moments.append(moment)
        if moment == fatal:
            raise Crash(moment)

    async with open_inline_engine(tmp_path / "x.db", checkpoint=checkpoint) as engine:
        await engine.write("CREATE TABLE t (a INTEGER) STRICT")
        fatal = "before_commit"
        with pytest.raises(Crash):
            await engine.write("INSERT INTO t VALUES (1)")
        fatal = "after_commit"
        with pytest.raises(Crash):
            await engine.write("INSERT INTO t VALUES (2)")

        async def kept(tx: Tx) -> int:
            return await scalar(tx, "SELECT sum(a) FROM t")

        assert await engine.read(kept) == 2
        survived, lost = ["before_commit", "after_commit"], ["before_commit"]
        assert moments == [*survived, *lost, *survived]


async def test_a_store_passes_its_checkpoint_to_every_commit(tmp_path: Path) -> None:
    moments: list[str] = []

    async def checkpoint(moment: str) -> None:
        moments.append(moment)

    async with open_store(tmp_path, engine="inline", checkpoint=checkpoint) as store:
        moments.clear()
        await store.settings.set_mode("live", "test", NOW)
        assert moments == ["before_commit", "after_commit"]


async def test_writers_wait_while_a_commit_is_held(tmp_path: Path) -> None:
    release = trio.Event()

    async def checkpoint(moment: str) -> None:
        if moment == "before_commit":
            await release.wait()

    async with open_inline_engine(tmp_path / "x.db", checkpoint=checkpoint) as engine:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(engine.write, "CREATE TABLE t (a INTEGER) STRICT")
            await trio.testing.wait_all_tasks_blocked()
            nursery.start_soon(engine.write, "INSERT INTO t VALUES (1)")
            await trio.testing.wait_all_tasks_blocked()
            release.set()
        assert await engine.read(lambda tx: scalar(tx, "SELECT count(*) FROM t")) == 1
