"""The engine of the device: aiosqlite, whose worker threads keep the disk off the event loop.

aiosqlite speaks asyncio and the daemon speaks trio, so one trio-asyncio loop lives in here and is
seen by nobody else. A whole transaction crosses into that loop once and runs there shielded: a
cancelled caller waits for it, so no half transaction, stray statement or open cursor is ever left
behind. The loop itself outlives a cancelled owner until the last caller has left.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import aiosqlite
import trio
import trio_asyncio

from ledger.errors import StartError, StoreFailed
from store.engine import (
    Params,
    Row,
    Synchronous,
    Work,
    check_exists,
    reader_pragmas,
    run_transaction,
    shielded,
    start_error,
    writer_pragmas,
)

T = TypeVar("T")

READERS = 2
# Prepared ones, by connection; each takes some ten kilobytes.
KEPT_STATEMENTS = 16


class _Loop(Protocol):
    """The part of a trio-asyncio loop that is used here."""

    async def run_aio_coroutine(self, coro: Coroutine[Any, Any, T]) -> T: ...


def _open_loop() -> AbstractAsyncContextManager[_Loop]:
    opened: Any = trio_asyncio.open_loop()  # pyright: ignore[reportUnknownMemberType]
    return cast("AbstractAsyncContextManager[_Loop]", opened)


class AioTx:
    """A transaction whose statements each take one turn of the connection's own thread."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    async def execute(self, sql: str, params: Params = ()) -> int:
        return (await self._connection.execute(sql, cast("Any", params))).rowcount

    async def insert(self, sql: str, params: Params = ()) -> int:
        return (await self._connection.execute(sql, cast("Any", params))).lastrowid or 0

    async def execute_many(self, sql: str, rows: Iterable[Params]) -> None:
        await self._connection.executemany(sql, cast("Any", rows))

    async def all(self, sql: str, params: Params = ()) -> list[Row]:
        return list(await self._connection.execute_fetchall(sql, cast("Any", params)))

    async def one(self, sql: str, params: Params = ()) -> Row | None:
        rows = await self.all(sql, params)
        return rows[0] if rows else None


async def _connect(path: Path, pragmas: Iterable[str]) -> aiosqlite.Connection:
    # aiosqlite leaves its thread unattended when the file cannot be opened: find that out first.
    sqlite3.connect(path).close()
    connection = await aiosqlite.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=KEPT_STATEMENTS
    )
    connection.row_factory = sqlite3.Row
    try:
        for pragma in pragmas:
            await connection.execute(pragma)
    except sqlite3.Error:
        await connection.close()
        raise
    return connection


async def _copy(source: Path, target: Path) -> None:
    async with (
        _closing(source, reader_pragmas()) as here,
        _closing(target, ()) as there,
    ):
        await here.backup(there)
        await there.execute("PRAGMA journal_mode = DELETE")


async def _inspect(path: Path, work: Work[T]) -> T:
    async with _closing(path, reader_pragmas()) as connection:
        return await run_transaction(AioTx(connection), work, begin="BEGIN", path=path)


@asynccontextmanager
async def _closing(path: Path, pragmas: Iterable[str]) -> AsyncGenerator[aiosqlite.Connection]:
    connection = await _connect(path, pragmas)
    try:
        yield connection
    finally:
        await connection.close()


class AioEngine:
    """See store.engine.Engine."""

    def __init__(self, path: Path, loop: _Loop, synchronous: Synchronous) -> None:
        self._path = path
        self._loop = loop
        self._synchronous: Synchronous = synchronous
        self._writing = trio.Lock()
        self._reading = trio.Semaphore(READERS)
        self._connections: list[aiosqlite.Connection] = []
        self._idle: list[AioTx] = []
        self._stop = trio.Event()
        self._stopped = trio.Event()

    @property
    def path(self) -> Path:
        return self._path

    async def read(self, work: Work[T]) -> T:
        async with self._reading:
            self._check_open()
            tx = self._idle.pop()
            try:
                return await self._hop(run_transaction(tx, work, begin="BEGIN", path=self._path))
            finally:
                self._idle.append(tx)

    async def write(self, sql: str, params: Params = ()) -> int:
        return await self.transaction(lambda tx: tx.execute(sql, params))

    async def transaction(self, work: Work[T]) -> T:
        async with self._writing:
            self._check_open()
            tx = AioTx(self._connections[0])
            return await self._hop(
                run_transaction(tx, work, begin="BEGIN IMMEDIATE", path=self._path)
            )

    async def backup(self, target: Path) -> None:
        self._check_open()
        try:
            await self._hop(_copy(self._path, target))
        except sqlite3.Error as error:
            raise StoreFailed(f"cannot copy {self._path} to {target}: {error}") from error

    async def inspect(self, path: Path, work: Work[T]) -> T:
        self._check_open()
        check_exists(path)
        try:
            return await self._hop(_inspect(path, work))
        except sqlite3.Error as error:
            raise StoreFailed(f"cannot read {path}: {error}") from error

    async def close(self) -> None:
        """Finish what runs, then close; later calls raise StoreFailed."""
        self._stop.set()
        await self._stopped.wait()

    async def serve_until_closed(self, ready: trio.TaskStatus[AioEngine]) -> None:
        """Open the connections, report `ready`, and close them when asked to."""
        try:
            await self._loop.run_aio_coroutine(self._open())
            ready.started(self)
            await self._stop.wait()
            await self._finish_running()
        finally:
            await self._loop.run_aio_coroutine(self._shut())
            self._stopped.set()

    async def _finish_running(self) -> None:
        """Wait for what runs; whoever comes after finds the engine closed."""
        async with self._writing:
            for _ in range(READERS):
                await self._reading.acquire()
        for _ in range(READERS):
            self._reading.release()

    async def _hop(self, job: Coroutine[Any, Any, T]) -> T:
        with shielded():
            return await self._loop.run_aio_coroutine(job)

    async def _open(self) -> None:
        try:
            await self._add(writer_pragmas(self._synchronous))
            for _ in range(READERS):
                self._idle.append(AioTx(await self._add(reader_pragmas())))
        except sqlite3.Error as error:
            raise start_error(self._path, error) from error

    async def _add(self, pragmas: Iterable[str]) -> aiosqlite.Connection:
        connection = await _connect(self._path, pragmas)
        self._connections.append(connection)
        return connection

    async def _shut(self) -> None:
        while self._connections:
            await self._connections.pop().close()

    def _check_open(self) -> None:
        if self._stop.is_set():
            raise StoreFailed(f"{self._path} is closed")


async def _serve(
    path: Path, synchronous: Synchronous, *, task_status: trio.TaskStatus[AioEngine]
) -> None:
    failure: StartError | None = None
    # Callers that are being cancelled still wait for their transaction, so the loop outlives them.
    with shielded():
        async with _open_loop() as loop:
            try:
                await AioEngine(path, loop, synchronous).serve_until_closed(task_status)
            except StartError as error:
                failure = error
    if failure is not None:
        raise failure


@asynccontextmanager
async def open_aio_engine(
    path: Path, *, synchronous: Synchronous = "FULL"
) -> AsyncGenerator[AioEngine]:
    """The database at `path`, created when missing; raises StartError when it cannot be used.

    What the body raises leaves this block as it was raised, not in a group of one.
    """
    try:
        async with trio.open_nursery() as nursery:
            # Without the shield a cancellation before `started` would leave the server waiting.
            with shielded():
                engine: AioEngine = await nursery.start(_serve, path, synchronous)
            try:
                yield engine
            finally:
                with shielded():
                    await engine.close()
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from None
        raise
