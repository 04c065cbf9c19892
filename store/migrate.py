"""Numbered, forward-only migrations. Called once per file when the store opens.

A file `<family>_<number>_<name>.sql` beside this module is one migration; each runs in its own
transaction together with the version it leads to. A database that is newer than this code, or
that belongs to something else, is refused.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from typing import Literal

from ledger.errors import StartError, StoreFailed
from store.engine import Engine, Tx, scalar

Family = Literal["ledger", "market"]

# "TRIM", then L or M: how the file is recognised by its header.
APPLICATION_IDS: dict[Family, int] = {"ledger": 0x5452494C, "market": 0x5452494D}


@dataclass(frozen=True, slots=True)
class Migration:
    version: int
    name: str
    sql: str


def migrations(family: Family) -> tuple[Migration, ...]:
    """The migrations of one database file, in order; numbers start at 1 without gaps."""
    found = sorted(
        (entry for entry in files("store").joinpath("migrations").iterdir()
         if entry.name.startswith(f"{family}_") and entry.name.endswith(".sql")),
        key=lambda entry: entry.name,
    )  # fmt: skip
    steps = tuple(
        Migration(int(entry.name.split("_")[1]), entry.name, entry.read_text(encoding="utf-8"))
        for entry in found
    )
    assert [step.version for step in steps] == list(range(1, len(steps) + 1))
    return steps


def statements(script: str) -> Iterator[str]:
    """The single statements of a script; a trigger's body stays with its trigger."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending.strip()
            pending = ""
    assert not pending.strip(), pending


async def version(engine: Engine, family: Family) -> int:
    """The schema version of the file; raises StartError when it belongs to something else."""

    async def work(tx: Tx) -> tuple[int, int, int]:
        return (
            await scalar(tx, "PRAGMA application_id"),
            await scalar(tx, "PRAGMA user_version"),
            await scalar(tx, "SELECT count(*) FROM sqlite_schema"),
        )

    application_id, user_version, objects = await engine.read(work)
    if application_id != APPLICATION_IDS[family] and (application_id or user_version or objects):
        raise StartError(f"cannot open {engine.path}: it is not a {family} database of Trimtab")
    return user_version


async def migrate(engine: Engine, family: Family, steps: Sequence[Migration]) -> int:
    """Bring the file to the newest version; returns how many migrations ran."""
    before = await version(engine, family)
    if before > len(steps):
        raise StartError(
            f"cannot open {engine.path}: its version {before} is newer than this program, "
            f"which knows version {len(steps)}"
        )
    for step in steps[before:]:
        try:
            await engine.transaction(partial(_run, family=family, step=step))
        except (sqlite3.Error, StoreFailed) as error:
            raise StartError(f"cannot migrate {engine.path} with {step.name}: {error}") from error
    return len(steps) - before


async def _run(tx: Tx, *, family: Family, step: Migration) -> None:
    for statement in statements(step.sql):
        await tx.execute(statement)
    await tx.execute(f"PRAGMA application_id = {APPLICATION_IDS[family]}")
    await tx.execute(f"PRAGMA user_version = {step.version}")
