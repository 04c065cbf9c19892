"""Opening, migrating, stamping, copying: the life of the files."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from ledger.errors import StartError, StoreFailed, Unavailable
from store import backup
from store.backup import back_up, backups, to_keep
from store.engine import Tx, scalar
from store.identity import identity, stamp
from store.inline import open_inline_engine
from store.migrate import APPLICATION_IDS, Migration, migrate, migrations, version
from store.store import Store, migrate_ledger, open_store
from tests.store.builders import (
    MACHINE,
    NOW,
    TIMES,
    OpenEngine,
    dividend,
    fill,
    instrument,
    paid,
    proposal,
    submission,
)

Kind = Literal["aio", "inline"]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("kind", ["aio", "inline"])
async def test_a_new_folder_becomes_a_store_and_stays_one(tmp_path: Path, kind: Kind) -> None:
    folder = tmp_path / "data" / "deep"
    async with open_store(folder, engine=kind) as store:
        assert await version(store.ledger, "ledger") == len(migrations("ledger"))
        assert await version(store.prices, "market") == len(migrations("market"))
        await store.facts.record([fill("f1")], **TIMES)
    assert folder.stat().st_mode & 0o777 == 0o700
    async with open_store(folder, engine=kind) as store:
        assert await store.facts.last_seq() == 1
    assert names_in(folder) == ["ledger.db", "market.db"]


async def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    with pytest.raises(StartError, match="cannot use the data folder"):
        async with open_store(blocked / "data", engine="inline"):
            pytest.fail("opened")


async def test_a_newer_database_is_refused_untouched(
    open_engine: OpenEngine, tmp_path: Path
) -> None:
    async with open_engine(tmp_path / "x.db") as engine:
        await migrate(engine, "ledger", migrations("ledger"))
        await engine.write("PRAGMA user_version = 99")
        with pytest.raises(StartError, match="version 99 is newer"):
            await migrate(engine, "ledger", migrations("ledger"))
        assert await version(engine, "ledger") == 99


async def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    async with open_inline_engine(tmp_path / "x.db") as engine:
        await engine.write("CREATE TABLE holiday_photos (a TEXT) STRICT")
        with pytest.raises(StartError, match="not a ledger database"):
            await migrate(engine, "ledger", migrations("ledger"))
    async with open_inline_engine(tmp_path / "y.db") as engine:
        await migrate(engine, "market", migrations("market"))
        with pytest.raises(StartError, match="not a ledger database"):
            await migrate(engine, "ledger", migrations("ledger"))


async def test_a_failing_migration_leaves_the_version_before(
    open_engine: OpenEngine, tmp_path: Path
) -> None:
    good = Migration(1, "ledger_0001_a.sql", "CREATE TABLE a (b TEXT) STRICT;")
    bad = Migration(2, "ledger_0002_b.sql", "CREATE TABLE c (d TEXT) STRICT;\nCREATE TABLE a;")
    async with open_engine(tmp_path / "x.db") as engine:
        with pytest.raises(StartError, match=r"ledger_0002_b\.sql"):
            await migrate(engine, "ledger", [good, bad])
        assert await version(engine, "ledger") == 1
        tables = await engine.read(lambda tx: tx.all("SELECT name FROM sqlite_schema"))
        assert [row["name"] for row in tables] == ["a"]
        assert await migrate(engine, "ledger", [good]) == 0


async def test_every_table_is_strict_and_every_reference_holds(inline_store: Store) -> None:
    async def work(tx: Tx) -> list[str]:
        rows = await tx.all(
            "SELECT name FROM pragma_table_list"
            " WHERE type = 'table' AND NOT strict AND name NOT LIKE 'sqlite_%'"
        )
        return [row["name"] for row in rows]

    assert await inline_store.ledger.read(work) == []
    assert await inline_store.prices.read(work) == []
    application_id = await inline_store.ledger.read(lambda tx: scalar(tx, "PRAGMA application_id"))
    assert application_id == APPLICATION_IDS["ledger"]


async def test_a_ledger_belongs_to_one_account(store: Store) -> None:
    ledger = store.ledger
    assert await identity(ledger) is None
    assert await stamp(ledger, broker_kind="paper", account_ref="demo")
    assert not await stamp(ledger, broker_kind="paper", account_ref="demo")
    assert await identity(ledger) == ("paper", "demo")
    for kind, account in (("tradernet", "demo"), ("paper", "other")):
        with pytest.raises(StartError, match=f"cannot be opened for account '{account}'"):
            await stamp(ledger, broker_kind=kind, account_ref=account)
    assert await identity(ledger) == ("paper", "demo")


async def filled(store: Store) -> None:
    """A row in as many tables as a few calls reach."""
    await stamp(store.ledger, broker_kind="paper", account_ref="demo")
    await store.securities.upsert([instrument()], allow_trading=True, confirmed=True)
    intent = await store.orders.propose(proposal(), mode="live", at=NOW)
    sent = await store.orders.begin_submit(intent.intent_id, **submission())
    await store.orders.accepted(sent.intent_id, "b1", at=NOW)
    await store.facts.record([fill("f1"), dividend(), *paid()], cursor=("a", "b"), **TIMES)
    await store.runs.open("r1", "sync", "api", requested_at=MACHINE, market_at=NOW)
    await store.recovery.add(NOW, ["nothing to do"])


def dump(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


@pytest.mark.parametrize("kind", ["aio", "inline"])
async def test_a_backup_restores_every_table(tmp_path: Path, kind: Kind) -> None:
    """K10."""
    async with open_store(tmp_path / "data", engine=kind) as store:
        await store.settings.set_mode("live", "test", NOW)
        await filled(store)
        report = await back_up(store.ledger, tmp_path / "data" / "backups", MACHINE)
    assert report.path.name == "ledger-20260302T090000Z.db"
    assert (report.facts, report.removed) == (4, ())
    assert report.size_bytes == report.path.stat().st_size
    assert report.path.stat().st_mode & 0o777 == 0o600
    assert names_in(report.path.parent) == [report.path.name]
    assert dump(report.path) == dump(tmp_path / "data" / "ledger.db")
    (tmp_path / "restored").mkdir()
    report.path.rename(tmp_path / "restored" / "ledger.db")
    async with open_store(tmp_path / "restored", engine=kind) as store:
        assert await store.settings.mode() == "live"
        assert (await store.facts.balances()).holdings == {"AAA.EU": 10_000_000}
        assert await store.facts.cursor("a") == "b"
        assert len(await store.dividends.pots()) == 1


async def test_a_bad_copy_is_removed_and_reported(
    inline_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(inline_store)
    original = inline_store.ledger.backup

    async def damaged(target: Path) -> None:
        await original(target)
        connection = sqlite3.connect(target)
        connection.execute("DELETE FROM intent")
        connection.commit()
        connection.close()

    monkeypatch.setattr(inline_store.ledger, "backup", damaged)
    with pytest.raises(Unavailable, match="points nowhere"):
        await back_up(inline_store.ledger, tmp_path / "copies", MACHINE)
    assert names_in(tmp_path / "copies") == []


async def test_an_incomplete_copy_is_removed_and_reported(
    inline_store: Store, tmp_path: Path
) -> None:
    await back_up(inline_store.ledger, tmp_path / "copies", MACHINE)
    empty = tmp_path / "copies" / "ledger-20260302T090000Z.db"
    await filled(inline_store)

    class Stale:
        """An engine whose copies are always the empty one."""

        path = inline_store.ledger.path
        read = inline_store.ledger.read
        inspect = inline_store.ledger.inspect

        async def backup(self, target: Path) -> None:
            shutil.copy(empty, target)

    with pytest.raises(Unavailable, match="0 facts instead of 4"):
        await backup.copy_to(Stale(), tmp_path / "copies" / "new.db")  # type: ignore[arg-type]
    assert names_in(tmp_path / "copies") == [empty.name]


async def test_a_folder_that_takes_no_copies_is_reported(inline_store: Store) -> None:
    with pytest.raises(Unavailable, match="no backup at"):
        await back_up(inline_store.ledger, Path("/proc/backups"), MACHINE)


async def test_a_ledger_is_copied_before_it_is_migrated(tmp_path: Path) -> None:
    async with open_inline_engine(tmp_path / "ledger.db") as engine:
        steps = migrations("ledger")
        await migrate_ledger(engine, steps, tmp_path / "backups")
        assert not (tmp_path / "backups").exists()
        number = len(steps) + 1
        more = Migration(number, f"ledger_{number:04}_x.sql", "CREATE TABLE x (a TEXT) STRICT;")
        await migrate_ledger(engine, [*steps, more], tmp_path / "backups")
        copy = tmp_path / "backups" / f"ledger-version-{len(steps)}.db"
        before = await engine.inspect(copy, lambda tx: scalar(tx, "PRAGMA user_version"))
        assert (before, await version(engine, "ledger")) == (len(steps), number)


async def test_without_a_copy_nothing_is_migrated(tmp_path: Path) -> None:
    async with open_inline_engine(tmp_path / "ledger.db") as engine:
        steps = migrations("ledger")
        await migrate_ledger(engine, steps, tmp_path / "backups")
        more = Migration(len(steps) + 1, "ledger_x.sql", "CREATE TABLE x (a TEXT) STRICT;")
        with pytest.raises(StartError, match="no backup"):
            await migrate_ledger(engine, [*steps, more], Path("/proc/backups"))
        assert await version(engine, "ledger") == len(steps)


async def test_a_store_that_cannot_be_read_any_more_fails_plainly(tmp_path: Path) -> None:
    async with open_store(tmp_path, engine="inline") as store:
        await store.ledger.close()
        with pytest.raises(StoreFailed, match="is closed"):
            await store.facts.last_seq()


def days_before(*days: int) -> set[datetime]:
    return {datetime(2026, 3, 31, 3, 0, tzinfo=UTC) - timedelta(days=day) for day in days}


def test_a_week_of_days_a_month_of_weeks_and_a_year_of_months_are_kept() -> None:
    kept = to_keep(days_before(*range(500)))
    assert days_before(*range(7)) <= kept
    weeks = {at.isocalendar()[:2] for at in kept}
    months = {(at.year, at.month) for at in kept}
    assert len(weeks) >= 4
    assert len(months) == 12
    assert len(kept) <= 7 + 4 + 12
    assert to_keep(kept) == kept


def test_the_newest_of_a_day_stands_for_it() -> None:
    day = datetime(2026, 3, 31, tzinfo=UTC)
    hours = [day + timedelta(hours=hour) for hour in range(24)]
    assert to_keep(hours) == {hours[-1]}
    assert to_keep([]) == frozenset()


async def test_old_copies_go_and_other_files_stay(inline_store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "copies"
    folder.mkdir()
    for name in ("ledger-version-1.db", "ledger-mine-Z.db", "notes.txt"):
        (folder / name).touch()
    removed = [
        path
        for day in range(12)
        for path in (
            await back_up(inline_store.ledger, folder, MACHINE - timedelta(days=11 - day))
        ).removed
    ]
    assert removed
    assert len(backups(folder)) <= 11
    assert {"ledger-version-1.db", "ledger-mine-Z.db", "notes.txt"} <= set(names_in(folder))
