"""What the doctor finds on folders of every condition."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest
import trio

from daemon import doctor
from daemon.client import main
from daemon.control import ControlServer
from daemon.doctor import Patient, examine, lines_of
from daemon.doctor_books import exchanges
from daemon.lock import hold
from daemon.token import TOKEN_NAME, load_or_create_token

LEDGER = """
CREATE TABLE security (symbol TEXT, mic TEXT);
INSERT INTO security VALUES ('ACME.EU', 'XETR');
CREATE TABLE posting (bucket_id TEXT, account TEXT, key TEXT, delta INTEGER);
CREATE TABLE balance (bucket_id TEXT, account TEXT, key TEXT, amount INTEGER);
INSERT INTO posting VALUES ('core', 'cash', 'EUR', 500), ('core', 'cash', 'EUR', -200);
INSERT INTO balance VALUES ('core', 'cash', 'EUR', 300);
CREATE TABLE intent (state TEXT);
INSERT INTO intent VALUES ('filled');
CREATE TABLE latch (name TEXT, reason TEXT);
"""


@dataclass
class Usage:
    total: int
    free: int


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o750)
    load_or_create_token(folder)
    for name in ("ledger.db", "market.db", "paper.db"):
        change(folder / name, "PRAGMA journal_mode = WAL; CREATE TABLE t (x);")
    change(folder / "ledger.db", LEDGER)
    with hold(folder):
        pass
    return folder


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.executescript(sql)


def found(data: Path, *, config: Path | None = None) -> dict[str, tuple[str, str]]:
    """The last check of every name."""
    patient = Patient(config=config, data=data, socket=None, environ=os.environ)
    return {check.name: (check.state, check.detail) for check in examine(patient)}


@pytest.fixture(autouse=True)
def early_in_the_table(monkeypatch: pytest.MonkeyPatch) -> None:
    """The calendars are good for years on the day of these tests."""
    monkeypatch.setattr(
        doctor, "machine_wall", lambda: datetime(2020, 1, 2, tzinfo=UTC).timestamp()
    )


def test_a_healthy_folder_passes_everything(data: Path) -> None:
    checks = found(data)
    checks.pop("disk")
    assert {name: state for name, (state, _) in checks.items()} == dict.fromkeys(
        ("program", "config", "daemon", "data", "token", "ledger.db", "books", "orders",
         "market.db", "paper.db", "calendars", "display"),
        "ok",
    )  # fmt: skip
    assert checks["books"][1] == "2 postings add up to every balance"


def test_the_folder_is_locked_while_it_is_examined(data: Path) -> None:
    checks = examine(Patient(config=None, data=data, socket=None, environ=os.environ))
    for check in checks:
        if check.name == "ledger.db":
            break
    with pytest.raises(Exception, match="another trimtabd"), hold(data):
        pass
    checks.close()  # type: ignore[attr-defined]
    with hold(data):
        pass


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    checks = found(tmp_path / "none")
    assert checks["data"][0] == "warn"
    assert not (tmp_path / "none").exists()


def test_an_empty_folder_stays_empty(tmp_path: Path) -> None:
    assert found(tmp_path)["ledger.db"] == ("warn", "not there yet")
    assert list(tmp_path.iterdir()) == []


def test_money_that_does_not_add_up_fails(data: Path) -> None:
    change(data / "ledger.db", "UPDATE balance SET amount = 301")
    state, detail = found(data)["books"]
    assert state == "fail"
    assert "core/EUR by -1" in detail


def test_a_balance_without_postings_fails(data: Path) -> None:
    change(data / "ledger.db", "INSERT INTO balance VALUES ('core', 'holding', 'X', 5)")
    assert found(data)["books"][0] == "fail"


def test_an_order_of_unknown_fate_is_a_warning(data: Path) -> None:
    change(data / "ledger.db", "INSERT INTO intent VALUES ('unknown'), ('unknown')")
    assert found(data)["orders"] == ("warn", "fate not known: 2 unknown")


def test_what_halts_trading_is_said(data: Path) -> None:
    change(data / "ledger.db", "INSERT INTO latch VALUES ('books', '1.20 EUR missing')")
    assert found(data)["halt"] == ("warn", "latch books: 1.20 EUR missing")
    (data / "HALT").touch()
    patient = Patient(config=None, data=data, socket=None, environ=os.environ)
    halts = [check.detail for check in examine(patient) if check.name == "halt"]
    assert len(halts) == 2


def test_a_damaged_database_fails(data: Path) -> None:
    (data / "market.db").write_bytes(b"not a database" * 100)
    (data / "market.db-wal").unlink(missing_ok=True)
    assert found(data)["market.db"][0] == "fail"


def test_rows_that_refer_to_nothing_fail(data: Path) -> None:
    change(
        data / "market.db",
        "CREATE TABLE a (id INTEGER PRIMARY KEY);"
        "CREATE TABLE b (a INTEGER REFERENCES a); INSERT INTO b VALUES (7);",
    )
    assert found(data)["market.db"] == ("fail", "rows refer to others that do not exist: b")


def test_open_doors_are_found(data: Path) -> None:
    (data / TOKEN_NAME).chmod(0o644)
    data.chmod(0o777)
    checks = found(data)
    assert checks["token"] == ("fail", "mode 644; must be 600")
    assert checks["data"][0] == "fail"


def test_every_mistake_of_the_configuration_is_a_line(data: Path, tmp_path: Path) -> None:
    config = tmp_path / "trimtab.toml"
    config.write_text("[paper]\nrate = 0\nsed = 1\n")
    patient = Patient(config=config, data=data, socket=None, environ=os.environ)
    failed = [check for check in examine(patient) if check.state == "fail"]
    assert [check.name for check in failed] == ["config", "config"]


def test_a_holder_that_does_not_answer_fails(data: Path) -> None:
    with hold(data):
        state, detail = found(data)["daemon"]
    assert state == "fail"
    assert f"pid {os.getpid()}" in detail


async def test_a_running_daemon_is_left_alone(data: Path) -> None:
    server = ControlServer(data / "control.sock", {})
    with hold(data):
        async with trio.open_nursery() as nursery:
            await nursery.start(server.run)
            checks = await trio.to_thread.run_sync(found, data)
            nursery.cancel_scope.cancel()
    assert checks["daemon"] == ("ok", f"runs and answers at {data / 'control.sock'}")
    assert checks["books"][0] == "ok"


def test_a_calendar_that_ends_soon_warns_for_our_exchanges_only(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = json.loads(files("policy").joinpath("calendars.json").read_text())
    until = datetime.fromisoformat(table["exchanges"]["XETR"]["valid_until"]).replace(tzinfo=UTC)
    monkeypatch.setattr(doctor, "machine_wall", lambda: until.timestamp() - 5 * 86400)
    patient = Patient(config=None, data=data, socket=None, environ=os.environ)
    lines = [check for check in examine(patient) if check.name == "calendars"]
    assert [(check.state, check.detail.split()[0]) for check in lines] == [("warn", "XETR")]
    monkeypatch.setattr(doctor, "machine_wall", lambda: until.timestamp() + 5 * 86400)
    assert found(data)["calendars"][0] == "fail"


def test_an_exchange_without_a_calendar_is_named(data: Path) -> None:
    change(data / "ledger.db", "UPDATE security SET mic = 'XXXX'")
    state, detail = found(data)["calendars"]
    assert (state, detail) == ("warn", "XXXX has no calendar, it counts as closed")


def test_the_exchanges_come_from_the_ledger(data: Path, tmp_path: Path) -> None:
    assert exchanges(data) == {"XETR"}
    assert exchanges(tmp_path) == frozenset()


@pytest.mark.parametrize(
    ("driver", "state"), [("null", "ok"), ("spi", "warn"), ("unoq", "warn"), ("ws281x", "warn")]
)
def test_a_display_that_this_board_lacks_is_a_warning(
    data: Path, tmp_path: Path, driver: str, state: str
) -> None:
    config = tmp_path / "trimtab.toml"
    config.write_text(f'[display]\ndriver = "{driver}"\n')
    assert found(data, config=config)["display"][0] == state


@pytest.mark.parametrize(
    ("free", "state"),
    [(1, "fail"), (2 * 1024**3, "warn"), (20 * 1024**3, "ok")],
)
def test_too_little_space_is_so_by_share_and_by_bytes(
    data: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(total=10**12, free=free))
    assert found(data)["disk"][0] == state


def test_one_line_per_check_and_the_exit_code_says_whether_all_is_well(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", "--data", str(data)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("ok    program")
    change(data / "ledger.db", "UPDATE balance SET amount = 1")
    assert main(["doctor", "--data", str(data), "--json"]) == 1
    checks = json.loads(capsys.readouterr().out)
    assert {"state", "name", "detail"} == set(checks[0])


def test_the_lines_are_aligned() -> None:
    checks = list(examine(Patient(None, Path("/nowhere"), None, os.environ)))
    starts = {
        line.index(check.detail) for line, check in zip(lines_of(checks), checks, strict=True)
    }
    assert len(starts) == 1
