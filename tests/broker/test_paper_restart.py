"""The exchange's own file: restarts, kills and failed writes."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from broker.paper.storage import last_processed
from ledger.errors import BrokerError, OutcomeUnknown, StartError, Unavailable
from tests.broker.paper_rig import (
    CALM,
    LIVELY,
    NOON,
    START,
    US,
    Rig,
    booked,
    opening,
    run,
    shown,
)
from tests.broker.paper_script import SCRIPT, follow

KILLS = (2, 9, 23, 41, 58, 77, 96, 113, 131, 149)  # the script needs a few more statements
ROOT = Path(__file__).parents[2]


def state(rig: Rig) -> tuple[object, ...]:
    snapshot = run(rig.broker.snapshot())
    return (
        dict(snapshot.cash),
        dict(snapshot.holdings),
        rig.fills(),
        run(rig.broker.cash_flows_since(None))[0],
        run(rig.broker.corporate_actions_since(None))[0],
        run(rig.broker.orders_since(START)),
    )


def test_a_restart_continues_exactly(tmp_path: Path) -> None:
    steady, restarted = Rig(market=LIVELY), Rig(market=LIVELY, path=tmp_path / "paper.db")
    for hours, side, symbol, quantity, limit in SCRIPT:
        for rig in (steady, restarted):
            rig.wait(hours=hours)
            with suppress(BrokerError):
                rig.place(side, symbol, quantity, limit)
        restarted.reopen()
        assert state(restarted) == state(steady)
    assert len(steady.fills()) > 5


@pytest.mark.parametrize("statement", KILLS)
def test_o2_a_kill_at_any_statement_loses_and_doubles_nothing(
    tmp_path: Path, statement: int
) -> None:
    whole = Rig(market=LIVELY)
    follow(whole)
    path = tmp_path / "paper.db"
    command = [sys.executable, "-m", "tests.broker.paper_victim", str(path), str(statement)]
    victim = subprocess.run(command, cwd=ROOT, timeout=20, check=False)
    assert victim.returncode == -signal.SIGKILL
    survivor = Rig(market=LIVELY, path=path)
    assert run(shown(survivor.broker)) == run(booked(survivor.broker, opening(LIVELY)))
    follow(survivor)
    assert state(survivor) == state(whole)


def test_an_order_is_durable_before_its_id_is_given_out(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    rig = Rig(path=path)
    order = rig.place("BUY", US, 1, "98")
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("SELECT client_order_id FROM orders").fetchall() == [(rig.tag,)]
        assert other.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    rig.reopen()
    assert rig.order(order).live


def test_the_market_clock_can_resume_where_the_exchange_stopped(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    assert last_processed(path) is None
    rig = Rig(path=path)
    assert last_processed(path) == START
    rig.place("BUY", US, 1, "98")
    assert last_processed(path) == NOON
    rig.wait(hours=1)
    run(rig.broker.close())
    assert last_processed(path) == NOON


def test_closing_notes_how_far_quiet_time_has_come(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    rig = Rig(path=path)
    rig.wait(hours=1)
    run(rig.broker.probe())
    assert last_processed(path) == START
    run(rig.broker.close())
    assert last_processed(path) == NOON + timedelta(hours=1)


def test_quiet_time_is_noted_once_a_minute(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    rig = Rig(path=path)
    seen: set[datetime | None] = set()
    for _ in range(125):
        rig.wait(seconds=10)
        rig.machine_s += 1
        run(rig.broker.probe())
        seen.add(last_processed(path))
    assert seen == {START, NOON + timedelta(minutes=10), NOON + timedelta(minutes=20)}


def test_a_restart_never_shows_an_earlier_instant(tmp_path: Path) -> None:
    rig = Rig(path=tmp_path / "paper.db")
    rig.place("BUY", US, 1, "98")
    rig.wait(days=-1)
    rig.reopen()
    assert rig.broker.last_instant() == NOON
    assert run(rig.broker.probe()) == NOON


def test_another_seed_cannot_continue_an_account(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    Rig(path=path, seed=1)
    with pytest.raises(StartError, match="seed 1"):
        Rig(path=path, seed=2)


def test_a_file_that_is_no_exchange_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    path.write_bytes(b"this is not a database, only some text of a certain length" * 20)
    with pytest.raises(StartError):
        Rig(path=path)
    with pytest.raises(StartError):
        last_processed(path)


def test_a_file_that_was_never_founded_is_no_exchange_yet(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
    assert last_processed(path) is None
    assert Rig(path=path).broker.last_instant() == START


def test_a_failed_read_is_unavailable_and_a_failed_write_unknown(tmp_path: Path) -> None:
    path = tmp_path / "paper.db"
    rig = Rig(market=CALM, path=path)
    db = rig.broker.storage.db
    db.execute("PRAGMA query_only = ON")
    with pytest.raises(OutcomeUnknown):
        rig.place("BUY", US, 1, "101")
    db.execute("PRAGMA query_only = OFF")
    assert run(rig.broker.orders_since(START)) == ()
    rig.place("BUY", US, 1, "101")
    db.execute("PRAGMA query_only = ON")
    rig.wait(seconds=10)
    with pytest.raises(Unavailable):
        run(rig.broker.snapshot())
    db.execute("PRAGMA query_only = OFF")
    assert rig.held(US) == 101
    assert run(shown(rig.broker)) == run(booked(rig.broker, opening(CALM)))
