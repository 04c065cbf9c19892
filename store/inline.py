"""The engine for simulation and replay: plain sqlite3, no threads, nothing hidden from the clock.

Used where a virtual clock runs the world, because a clock that jumps while a thread works would
fire deadlines that are not due. A crash injector may hold the world at every commit through
`checkpoint`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import TypeVar

import trio

from ledger.errors import StoreFailed
from store.engine import (
    Checkpoint,
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


class InlineTx:
    """A transaction whose statements run at once and never yield."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    async def execute(self, sql: str, params: Params = ()) -> int:
        return self._connection.execute(sql, params).rowcount

    async def insert(self, sql: str, params: Params = ()) -> int:
        return self._connection.execute(sql, params).lastrowid or 0

    async def execute_many(self, sql: str, rows: Iterable[Params]) -> None:
        self._connection.executemany(sql, rows)

    async def all(self, sql: str, params: Params = ()) -> list[Row]:
        return self._connection.execute(sql, params).fetchall()

    async def one(self, sql: str, params: Params = ()) -> Row | None:
        rows = self._connection.execute(sql, params).fetchall()
        return rows[0] if rows else None


def _connect(path: Path, pragmas: Iterable[str]) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    try:
        for pragma in pragmas:
            connection.execute(pragma)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _connect_both(
    path: Path, synchronous: Synchronous
) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """(writer, reader); raises StartError with nothing left open."""
    try:
        writer = _connect(path, writer_pragmas(synchronous))
        try:
            return writer, _connect(path, reader_pragmas())
        except sqlite3.Error:
            writer.close()
            raise
    except sqlite3.Error as error:
        raise start_error(path, error) from error


class InlineEngine:
    """See store.engine.Engine."""

    def __init__(
        self,
        path: Path,
        *,
        writer: sqlite3.Connection,
        reader: sqlite3.Connection,
        checkpoint: Checkpoint | None,
    ) -> None:
        self._path = path
        self._writer = writer
        self._reader = reader
        self._checkpoint = checkpoint
        self._writing = trio.Lock()
        self._closed = False

    @property
    def path(self) -> Path:
        return self._path

    async def read(self, work: Work[T]) -> T:
        self._check_open()
        await trio.lowlevel.checkpoint()
        return await run_transaction(InlineTx(self._reader), work, begin="BEGIN", path=self._path)

    async def write(self, sql: str, params: Params = ()) -> int:
        return await self.transaction(lambda tx: tx.execute(sql, params))

    async def transaction(self, work: Work[T]) -> T:
        async with self._writing:
            self._check_open()
            return await run_transaction(
                InlineTx(self._writer),
                work,
                begin="BEGIN IMMEDIATE",
                path=self._path,
                checkpoint=self._checkpoint,
            )

    async def backup(self, target: Path) -> None:
        self._check_open()
        await trio.lowlevel.checkpoint()
        try:
            with closing(sqlite3.connect(target)) as copy:
                self._reader.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")
        except sqlite3.Error as error:
            raise StoreFailed(f"cannot copy {self._path} to {target}: {error}") from error

    async def inspect(self, path: Path, work: Work[T]) -> T:
        await trio.lowlevel.checkpoint()
        check_exists(path)
        try:
            with closing(_connect(path, reader_pragmas())) as connection:
                return await run_transaction(InlineTx(connection), work, begin="BEGIN", path=path)
        except sqlite3.Error as error:
            raise StoreFailed(f"cannot read {path}: {error}") from error

    async def close(self) -> None:
        with shielded():
            async with self._writing:
                self._closed = True
                self._reader.close()
                self._writer.close()

    def _check_open(self) -> None:
        if self._closed:
            raise StoreFailed(f"{self._path} is closed")


@asynccontextmanager
async def open_inline_engine(
    path: Path, *, synchronous: Synchronous = "FULL", checkpoint: Checkpoint | None = None
) -> AsyncGenerator[InlineEngine]:
    """The database at `path`, created when missing; raises StartError when it cannot be used."""
    writer, reader = _connect_both(path, synchronous)
    engine = InlineEngine(path, writer=writer, reader=reader, checkpoint=checkpoint)
    try:
        yield engine
    finally:
        await engine.close()
