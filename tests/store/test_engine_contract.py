"""What every engine promises, on both engines."""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from ledger.errors import StartError, StoreFailed
from store.engine import Engine, Tx, scalar
from tests.store.builders import OpenEngine

TABLE = "CREATE TABLE t (a INTEGER NOT NULL CHECK (a >= 0)) STRICT"


async def add(engine: Engine, *values: int) -> None:
    async def work(tx: Tx) -> None:
        for value in values:
            await tx.insert("INSERT INTO t VALUES (?)", (value,))

    await engine.transaction(work)


async def values(engine: Engine) -> list[int]:
    rows = await engine.read(lambda tx: tx.all("SELECT a FROM t ORDER BY a"))
    return [row["a"] for row in rows]


def names_in(folder: Path, pattern: str) -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


async def pragma(tx: Tx, name: str) -> int | str:
    row = await tx.one(f"PRAGMA {name}")
    assert row is not None
    value: int | str = row[0]
    return value


async def test_a_returned_transaction_is_read_by_the_next_reader(
    open_engine: OpenEngine, tmp_path: Path
) -> None:
    async with open_engine(tmp_path / "x.db") as engine:
        await engine.write(TABLE)
        await add(engine, 1, 2)
        assert await values(engine) == [1, 2]


async def test_statements_report_rows_ids_and_absence(
    open_engine: OpenEngine, tmp_path: Path
) -> None:
    async with open_engine(tmp_path / "x.db") as engine:
        await engine.write(TABLE)

        async def work(tx: Tx) -> tuple[int, int, object]:
            first = await tx.insert("INSERT INTO t VALUES (?)", (7,))
            await tx.execute_many("INSERT INTO t VALUES (?)", [(8,), (9,)])
            changed = await tx.execute("UPDATE t SET a = a + 1 WHERE a > :a", {"a": 7})
            return first, changed, await tx.one("SELECT a FROM t WHERE a = 100")

        assert await engine.transaction(work) == (1, 2, None)
        assert await engine.write("DELETE FROM t WHERE a = ?", (9,)) == 1
        assert await values(engine) == [7, 10]


async def test_an_error_rolls_back_and_arrives_as_it_was_raised(
    open_engine: OpenEngine, tmp_path: Path
) -> None:
    async with open_engine(tmp_path / "x.db") as engine:
        await engine.write(TABLE)

        async def fails(tx: Tx) -> None:
            await tx.insert("INSERT INTO t VALUES (1)")
            raise KeyError("mine")

        with pytest.raises(KeyError, match="mine"):
            await engine.transaction(fails)
        with pytest.raises(sqlite3.IntegrityError):
            await add(engine, 1, -1)
        with pytest.raises(sqlite3.OperationalError, match="no such table"):
            await engine.write("INSERT INTO nowhere VALUES (1)")
        assert await values(engine) == []
        await add(engine, 3)
        assert await values(engine) == [3]


async def test_readers_cannot_write(open_engine: OpenEngine, tmp_path: Path) -> None:
    async with open_engine(tmp_path / "x.db") as engine:
        await engine.write(TABLE)
        with pytest.raises((sqlite3.OperationalError, StoreFailed), match="readonly"):
            await engine.read(lambda tx: tx.execute("INSERT INTO t VALUES (1)"))
        assert await values(engine) == []


async def test_a_read_sees_one_moment(open_engine: OpenEngine, tmp_path: Path) -> None:
    async with open_engine(tmp_path / "x.db") as engine:
        await engine.write(TABLE)
        await add(engine, 1)

        async def twice(tx: Tx) -> tuple[int, int]:
            first = await scalar(tx, "SELECT count(*) FROM t")
            with sqlite3.connect(engine.path) as other:
                other.execute("INSERT INTO t VALUES (2)")
            other.close()
            return first, await scalar(tx, "SELECT count(*) FROM t")

        assert await engine.read(twice) == (1, 1)
        assert await values(engine) == [1, 2]


async def test_concurrent_transactions_do_not_mix(open_engine: OpenEngine, tmp_path: Path) -> None:
    """K8: one writer's rollback never takes another's rows, nor commits half of them."""
    async with open_engine(tmp_path / "x.db") as engine:
        await engine.write(TABLE)

        async def writer(start: int) -> None:
            async def work(tx: Tx) -> None:
                for value in range(start, start + 5):
                    await tx.insert("INSERT INTO t VALUES (?)", (value,))
                if start % 20:
                    raise KeyError(start)

            try:
                await engine.transaction(work)
            except KeyError:
                assert start % 20

        async with trio.open_nursery() as nursery:
            for start in range(0, 80, 10):
                nursery.start_soon(writer, start)
        kept = [value for start in range(0, 80, 20) for value in range(start, start + 5)]
        assert await values(engine) == kept


async def test_the_file_is_set_up_for_money(open_engine: OpenEngine, tmp_path: Path) -> None:
    async with open_engine(tmp_path / "x.db") as engine:

        async def work(tx: Tx) -> list[int | str]:
            names = ("journal_mode", "foreign_keys", "busy_timeout", "journal_size_limit")
            return [await pragma(tx, name) for name in (*names, "synchronous")]

        assert await engine.transaction(work) == ["wal", 1, 5000, 16 * 1024 * 1024, 2]
    async with open_engine(tmp_path / "y.db", synchronous="NORMAL") as engine:
        assert await engine.transaction(lambda tx: pragma(tx, "synchronous")) == 1


async def test_a_backup_is_the_database_as_it_was(open_engine: OpenEngine, tmp_path: Path) -> None:
    async with open_engine(tmp_path / "x.db") as engine:
        await engine.write(TABLE)
        await add(engine, 1, 2, 3)
        copy = tmp_path / "copy.db"
        await engine.backup(copy)
        await add(engine, 4)
        count = await engine.inspect(copy, lambda tx: scalar(tx, "SELECT count(*) FROM t"))
        assert count == 3
    assert names_in(tmp_path, "copy*") == ["copy.db"]


async def test_a_copy_that_cannot_be_made_or_read_fails_plainly(
    open_engine: OpenEngine, tmp_path: Path
) -> None:
    async with open_engine(tmp_path / "x.db") as engine:
        await engine.write(TABLE)
        with pytest.raises(StoreFailed, match="cannot copy"):
            await engine.backup(tmp_path / "missing" / "copy.db")
        with pytest.raises(StoreFailed, match="no such file"):
            await engine.inspect(tmp_path / "missing.db", lambda tx: tx.one("SELECT 1"))
        junk = tmp_path / "junk.db"
        junk.write_bytes(b"not a database at all" * 100)
        with pytest.raises(StoreFailed, match="not a database"):
            await engine.inspect(junk, lambda tx: tx.one("SELECT count(*) FROM sqlite_schema"))
        assert not (tmp_path / "missing.db").exists()


def broken_folder(tmp_path: Path) -> Path:
    return tmp_path / "not-there" / "x.db"


def folder_in_place_of_the_file(tmp_path: Path) -> Path:
    path = tmp_path / "x.db"
    path.mkdir()
    return path


def folder_that_takes_no_files(tmp_path: Path) -> Path:
    return Path("/proc/x.db")


def junk(tmp_path: Path) -> Path:
    path = tmp_path / "x.db"
    path.write_bytes(b"no header of a database" * 300)
    return path


@pytest.mark.parametrize(
    "make", [broken_folder, folder_in_place_of_the_file, folder_that_takes_no_files, junk]
)
async def test_an_unusable_file_is_one_clear_line_at_start(
    open_engine: OpenEngine, tmp_path: Path, make: Callable[[Path], Path]
) -> None:
    path = make(tmp_path)
    with pytest.raises(StartError) as caught:
        async with open_engine(path):
            pytest.fail("opened")
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_locked_file_is_refused_at_start(
    open_engine: OpenEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.engine.BUSY_TIMEOUT_MS", 1)
    other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StartError, match="locked"):
        async with open_engine(tmp_path / "x.db"):
            pytest.fail("opened")
    other.close()


async def test_a_full_disk_stops_the_store_and_keeps_what_was_there(
    open_engine: OpenEngine, tmp_path: Path
) -> None:
    async with open_engine(tmp_path / "x.db") as engine:
        await engine.write("CREATE TABLE big (a TEXT) STRICT")
        await engine.write("INSERT INTO big VALUES ('kept')")

        async def limit(tx: Tx) -> None:
            await tx.one("PRAGMA max_page_count = 1")

        await engine.transaction(limit)
        with pytest.raises(StoreFailed, match="full"):
            await engine.write("INSERT INTO big VALUES (?)", ("x" * 100_000,))
        row = await engine.read(lambda tx: tx.one("SELECT a FROM big"))
        assert row is not None
        assert row["a"] == "kept"


async def test_a_closed_engine_says_so(open_engine: OpenEngine, tmp_path: Path) -> None:
    async with open_engine(tmp_path / "x.db") as engine:
        await engine.write(TABLE)
        await engine.close()
        for call in (values(engine), add(engine, 1), engine.backup(tmp_path / "c.db")):
            with pytest.raises(StoreFailed, match="closed"):
                await call


async def test_an_error_of_the_body_leaves_the_block_unwrapped(
    open_engine: OpenEngine, tmp_path: Path
) -> None:
    with pytest.raises(KeyError, match="body"):
        async with open_engine(tmp_path / "x.db"):
            raise KeyError("body")
    with trio.move_on_after(0) as scope:
        async with open_engine(tmp_path / "x.db"):
            await trio.sleep_forever()
    assert scope.cancelled_caught


async def test_a_cancelled_owner_leaves_the_file_whole(
    open_engine: OpenEngine, tmp_path: Path
) -> None:
    async with open_engine(tmp_path / "x.db") as engine:
        await engine.write(TABLE)
    with trio.CancelScope() as scope:
        async with open_engine(tmp_path / "x.db") as engine, trio.open_nursery() as nursery:
            nursery.start_soon(add, engine, 1, 2)
            nursery.start_soon(add, engine, 3, 4)
            await wait_all_tasks_blocked()
            scope.cancel()
    async with open_engine(tmp_path / "x.db") as engine:
        assert await values(engine) in ([], [1, 2], [3, 4], [1, 2, 3, 4])


class CancelAt:
    """A Tx that cancels its caller at one statement and counts them all."""

    def __init__(self, tx: Tx, scope: trio.CancelScope, when: int) -> None:
        self._tx, self._scope, self._when = tx, scope, when
        self.statements = 0

    async def insert(self, value: int) -> None:
        if self.statements == self._when:
            self._scope.cancel()
        self.statements += 1
        await self._tx.insert("INSERT INTO t VALUES (?)", (value,))


@pytest.mark.parametrize("when", range(5))
async def test_cancelling_inside_a_transaction_leaves_it_whole(
    open_engine: OpenEngine, tmp_path: Path, when: int
) -> None:
    async with open_engine(tmp_path / "x.db") as engine:
        await engine.write(TABLE)
        with trio.CancelScope() as scope:

            async def work(tx: Tx) -> None:
                inserts = CancelAt(tx, scope, when)
                for value in range(4):
                    await inserts.insert(value)
                if when == 4:
                    scope.cancel()

            await engine.transaction(work)
            await trio.lowlevel.checkpoint()
        assert scope.cancelled_caught
        assert await values(engine) == [0, 1, 2, 3]
        await add(engine, 9)
        assert await values(engine) == [0, 1, 2, 3, 9]


async def cancel_after_steps(steps: int, call: Callable[[], Awaitable[object]]) -> None:
    """Run `call`, cancelled after `steps` turns of the scheduler."""
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:

            async def count_down() -> None:
                for _ in range(steps):
                    await trio.lowlevel.checkpoint()
                scope.cancel()

            nursery.start_soon(count_down)
            await call()
            nursery.cancel_scope.cancel()


async def test_cancelling_at_any_turn_leaves_all_or_nothing(
    open_engine: OpenEngine, tmp_path: Path
) -> None:
    async with open_engine(tmp_path / "x.db") as engine:
        await engine.write(TABLE)
        for steps in range(25):
            await cancel_after_steps(steps, lambda: add(engine, 1, 2, 3))
            assert await values(engine) in ([], [1, 2, 3])
            await cancel_after_steps(steps, lambda: values(engine))
            await engine.write("DELETE FROM t")
        await add(engine, 5)
        assert await values(engine) == [5]


async def test_waiting_writers_can_be_cancelled(open_engine: OpenEngine, tmp_path: Path) -> None:
    async with open_engine(tmp_path / "x.db") as engine:
        await engine.write(TABLE)
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                for value in range(20):
                    nursery.start_soon(add, engine, value, value)
                await trio.lowlevel.checkpoint()
                scope.cancel()
        written = await values(engine)
        assert written == sorted(2 * list(set(written)))
        assert len(written) < 40
