"""The port between the aggregates and SQLite: five ways in, two ways to look at a copy.

An aggregate writes its statements as one async function over a `Tx`, which awaits nothing but
that `Tx`. The engine runs the whole function as one transaction: it commits when the function
returns and rolls back when it raises, and the caller sees the very error that was raised. A
statement that fails because the disk, the file or its lock failed raises StoreFailed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Protocol, TypeVar

import trio

from ledger.errors import StartError, StoreFailed

T = TypeVar("T")

Row = sqlite3.Row
Value = int | str | bytes | None
Params = Sequence[Value] | Mapping[str, Value]
Synchronous = Literal["FULL", "NORMAL", "OFF"]

BUSY_TIMEOUT_MS = 5_000
JOURNAL_LIMIT_BYTES = 16 * 1024 * 1024
CACHE_KIB = 128

# Primary result codes that say the outside world failed, not the statement.
_OUTSIDE = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)


class Tx(Protocol):
    """One open transaction."""

    async def execute(self, sql: str, params: Params = ()) -> int:
        """Run one statement; the number of rows it changed."""
        ...

    async def insert(self, sql: str, params: Params = ()) -> int:
        """Run one INSERT; the row id it was given."""
        ...

    async def execute_many(self, sql: str, rows: Iterable[Params]) -> None:
        """Run one statement once per row."""
        ...

    async def all(self, sql: str, params: Params = ()) -> list[Row]: ...

    async def one(self, sql: str, params: Params = ()) -> Row | None:
        """The first row, or None."""
        ...


Work = Callable[[Tx], Awaitable[T]]


class OpenTx(Tx, Protocol):
    """What an engine runs a transaction on."""

    @property
    def in_transaction(self) -> bool: ...


Checkpoint = Callable[[str], Awaitable[None]]


class Engine(Protocol):
    """One database file with one writer and read-only readers."""

    @property
    def path(self) -> Path: ...

    async def read(self, work: Work[T]) -> T:
        """Run `work` on one consistent view; a write inside fails."""
        ...

    async def write(self, sql: str, params: Params = ()) -> int:
        """One statement in its own transaction; the number of rows it changed."""
        ...

    async def transaction(self, work: Work[T]) -> T:
        """Run `work` as one transaction. Cancellation waits until it is whole."""
        ...

    async def backup(self, target: Path) -> None:
        """Copy the database as it is now into the new file `target`, while work goes on."""
        ...

    async def inspect(self, path: Path, work: Work[T]) -> T:
        """Run `work` on another database file, read only."""
        ...

    async def close(self) -> None: ...


@contextmanager
def shielded() -> Generator[None]:
    """Cancellation from outside waits until the block is done."""
    with trio.CancelScope(shield=True):
        yield


async def run_transaction(
    tx: OpenTx, work: Work[T], *, begin: str, path: Path, checkpoint: Checkpoint | None = None
) -> T:
    """BEGIN, `work`, COMMIT; whatever goes wrong before the commit rolls everything back."""
    try:
        await tx.execute(begin)
        result = await work(tx)
        if checkpoint is not None:
            await checkpoint("before_commit")
        await tx.execute("COMMIT")
    except sqlite3.Error as error:
        failed = store_failed(path, error)
        if failed is None:
            raise
        raise failed from error
    finally:
        # The file system may have rolled back already: then there is nothing to undo.
        if tx.in_transaction:
            await tx.execute("ROLLBACK")
    if checkpoint is not None:
        await checkpoint("after_commit")
    return result


async def scalar(tx: Tx, sql: str, params: Params = ()) -> int:
    """The one whole number that a query yields."""
    row = await tx.one(sql, params)
    assert row is not None
    value: int = row[0]
    return value


def writer_pragmas(synchronous: Synchronous) -> tuple[str, ...]:
    """How the writing connection is set up; the last line proves that the file can be written."""
    return (
        f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
        "PRAGMA journal_mode = WAL",
        f"PRAGMA synchronous = {synchronous}",
        "PRAGMA foreign_keys = ON",
        f"PRAGMA journal_size_limit = {JOURNAL_LIMIT_BYTES}",
        f"PRAGMA cache_size = -{CACHE_KIB}",
        "PRAGMA temp_store = MEMORY",
        "BEGIN IMMEDIATE",
        "COMMIT",
    )


def reader_pragmas() -> tuple[str, ...]:
    return (
        f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
        f"PRAGMA cache_size = -{CACHE_KIB}",
        "PRAGMA query_only = ON",
    )


def reason_outside(error: sqlite3.Error) -> str | None:
    """Why the world outside the statement failed; None when the statement itself was wrong."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None or code & 0xFF not in _OUTSIDE:
        return None
    return f"{error} ({error.sqlite_errorname})"


def check_exists(path: Path) -> None:
    """Raise StoreFailed unless there is a file: SQLite would create an empty one."""
    if not path.is_file():
        raise StoreFailed(f"cannot read {path}: there is no such file")


def start_error(path: Path, error: sqlite3.Error) -> StartError:
    """The one line an owner sees when the database cannot be opened."""
    return StartError(f"cannot open {path}: {reason_outside(error) or error}")


def store_failed(path: Path, error: sqlite3.Error) -> StoreFailed | None:
    """The error to raise instead of `error`, or None when `error` says it best itself."""
    reason = reason_outside(error)
    return None if reason is None else StoreFailed(f"cannot use {path}: {reason}")
