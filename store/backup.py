"""Copies of the ledger that are known to be good. Called by upkeep and before a migration.

A copy is made while work goes on, checked, and only then given its name; a copy that fails the
check is removed. Old copies go by age: the newest of each of 7 days, 4 weeks and 12 months stay.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ledger.errors import StoreFailed, Unavailable
from store.engine import Engine, Tx, scalar

KEEP_DAYS = 7
KEEP_WEEKS = 4
KEEP_MONTHS = 12

_NAME = "ledger-%Y%m%dT%H%M%SZ.db"


@dataclass(frozen=True, slots=True)
class BackupReport:
    path: Path
    size_bytes: int
    facts: int
    removed: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class _Contents:
    problems: tuple[str, ...]
    facts: int


async def back_up(engine: Engine, folder: Path, at: datetime) -> BackupReport:
    """Make, check and keep a copy named by the machine instant `at`; then remove old copies.

    Raises Unavailable, with nothing left behind, when the copy cannot be made or is not good.
    """
    target = folder / at.astimezone(UTC).strftime(_NAME)
    facts = await copy_to(engine, target)
    return BackupReport(
        path=target,
        size_bytes=_size_bytes(target),
        facts=facts,
        removed=_prune(folder),
    )


async def copy_to(engine: Engine, target: Path) -> int:
    """A checked copy at `target`; returns how many facts it holds. Raises Unavailable."""
    partial = target.with_suffix(".partial")
    try:
        _prepare(partial)
        try:
            before = await engine.read(_facts)
            await engine.backup(partial)
            copied = await engine.inspect(partial, _contents)
            _check(copied, before, await engine.read(_facts))
            _publish(partial, target)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, StoreFailed) as error:
        raise Unavailable(f"no backup at {target}: {error}") from error
    return copied.facts


def to_keep(instants: Iterable[datetime]) -> frozenset[datetime]:
    """Which copies stay: the newest of each of the latest 7 days, 4 ISO weeks and 12 months."""
    newest_first = sorted(instants, reverse=True)
    kept: set[datetime] = set()
    kept |= _newest_of(KEEP_DAYS, ((at.date(), at) for at in newest_first))
    kept |= _newest_of(KEEP_WEEKS, ((at.isocalendar()[:2], at) for at in newest_first))
    kept |= _newest_of(KEEP_MONTHS, (((at.year, at.month), at) for at in newest_first))
    return frozenset(kept)


def _newest_of(count: int, keyed: Iterable[tuple[Hashable, datetime]]) -> set[datetime]:
    newest: dict[Hashable, datetime] = {}
    for key, at in keyed:
        newest.setdefault(key, at)
    return set(list(newest.values())[:count])


def backups(folder: Path) -> dict[datetime, Path]:
    """The named copies in `folder`, newest first."""
    found: dict[datetime, Path] = {}
    for path in sorted(folder.glob("ledger-*Z.db"), reverse=True):
        try:
            found[datetime.strptime(path.name, _NAME).replace(tzinfo=UTC)] = path
        except ValueError:
            continue  # somebody else's file: neither counted nor removed
    return found


async def _contents(tx: Tx) -> _Contents:
    integrity = [row[0] for row in await tx.all("PRAGMA integrity_check")]
    orphans = await tx.all("PRAGMA foreign_key_check")
    problems = [text for text in integrity if text != "ok"]
    problems += [f"row {row[1]} of {row[0]} points nowhere" for row in orphans]
    return _Contents(tuple(problems[:3]), await _facts(tx))


async def _facts(tx: Tx) -> int:
    return await scalar(tx, "SELECT count(*) FROM fact")


def _check(copied: _Contents, before: int, after: int) -> None:
    if copied.problems:
        raise StoreFailed(f"the copy is damaged: {'; '.join(copied.problems)}")
    if not before <= copied.facts <= after:
        raise StoreFailed(f"the copy holds {copied.facts} facts instead of {before} to {after}")


def _prepare(partial: Path) -> None:
    partial.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    partial.unlink(missing_ok=True)


def _publish(partial: Path, target: Path) -> None:
    """Give the copy its name so that it is there, whole, even after a power cut."""
    partial.chmod(0o600)
    _flush(partial)
    partial.replace(target)
    _flush(target.parent)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size_bytes(path: Path) -> int:
    return path.stat().st_size


def _prune(folder: Path) -> tuple[Path, ...]:
    copies = backups(folder)
    kept = to_keep(copies)
    removed = tuple(path for at, path in copies.items() if at not in kept)
    for path in removed:
        path.unlink(missing_ok=True)
    return removed
