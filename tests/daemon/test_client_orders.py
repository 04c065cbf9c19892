"""The client's orders, decisions and settings against the real socket and known answers."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio

from daemon.client import main
from daemon.control import ControlServer
from ledger.errors import Conflict, Missing, Refused

PLACED: dict[str, Any] = {
    "status": "accepted",
    "state": "accepted",
    "intent_id": 7,
    "client_order_id": 68_000_000_000,
    "symbol": "AAA.EU",
    "side": "BUY",
    "quantity": "3",
    "filled": "0",
    "limit": "10.05 EUR",
    "error": None,
    "retry_after": None,
    "blocked_by": [],
}
CLOSED: dict[str, Any] = {
    "gate": "L1",
    "detail": "the market is closed",
    "retry_after": "2026-01-02T08:00:00Z",
}
REFUSED: dict[str, Any] = {
    **PLACED,
    "status": "refused",
    "state": "refused",
    "client_order_id": None,
    "retry_after": "2026-01-02T08:00:00Z",
    "blocked_by": [CLOSED],
}
STORY: dict[str, Any] = {
    **PLACED,
    "cancelable": True,
    "average_price": None,
    "events": [{"at": "2026-01-01T09:00:00Z", "before": None, "after": "proposed", "note": "own"}],
    "verdicts": [
        {"gate": "L1", "passed": True, "forced": False, "detail": "open", "retry_after": None},
        {"gate": "L2", "passed": False, "forced": True, "detail": "too soon", "retry_after": None},
    ],
    "fills": [
        {
            "executed_at": "2026-01-01T09:01:00Z",
            "quantity": "1",
            "price": "10 EUR",
            "value": "10.00 EUR",
            "fees": ["2.00 EUR"],
        }
    ],
}
DECISION: dict[str, Any] = {
    "id": "order:7",
    "kind": "order",
    "title": "Did BUY 3 AAA.EU reach the broker?",
    "detail": "client order id 68",
    "since": "2026-01-01T09:00:00Z",
    "choices": [
        {"choice": "placed", "effect": "it is followed"},
        {"choice": "not_placed", "effect": "its money is free"},
    ],
}
SETTING: dict[str, Any] = {
    "key": "max_trades_per_day",
    "value": "6",
    "kind": "int",
    "unit": "",
    "default": "4",
    "low": "1",
    "high": "50",
    "description": "on one day",
}
NAMES = ("orders", "order", "place", "cancel", "decisions", "decide", "settings", "set", "mode")


@dataclass
class Daemon:
    """Gives fixed answers and remembers what it was asked."""

    answers: dict[str, Any]
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list[Any])

    def table(self) -> dict[str, Any]:
        return {name: self._command(name) for name in NAMES}

    def _command(self, name: str) -> Any:
        async def answer(args: Mapping[str, Any]) -> Any:
            self.asked.append((name, dict(args)))
            given = self.answers[name]
            if isinstance(given, Exception):
                raise given
            return given

        return answer


@dataclass
class Runner:
    """Runs the client in a thread beside the server: exit code, output, errors."""

    daemon: Daemon
    capsys: pytest.CaptureFixture[str]
    folder: Path

    async def __call__(self, *arguments: str) -> tuple[int, str, str]:
        code = await trio.to_thread.run_sync(main, [*arguments, "--data", str(self.folder)])
        out, err = self.capsys.readouterr()
        return code, out, err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@asynccontextmanager
async def asking(
    folder: Path, capsys: pytest.CaptureFixture[str], **answers: Any
) -> AsyncGenerator[Runner]:
    daemon = Daemon({"mode": {"mode": "live"}, **answers})
    async with trio.open_nursery() as nursery:
        await nursery.start(ControlServer(folder / "control.sock", daemon.table()).run)
        yield Runner(daemon, capsys, folder)
        nursery.cancel_scope.cancel()


async def test_buying_sends_exact_numbers_and_a_key_of_its_own(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asking(folder, capsys, place=PLACED) as run:
        code, out, _ = await run("buy", "aaa.eu", "0.30", "--limit", "10.05", "--force", "L2",
                                 "--yes")  # fmt: skip
    assert code == 0
    assert "client order id  68000000000" in out
    _, (cmd, args) = run.daemon.asked
    key = args.pop("key")
    assert cmd == "place"
    assert args == {"side": "BUY", "symbol": "aaa.eu", "quantity": "0.30", "limit": "10.05",
                    "force": ["L2"]}  # fmt: skip
    assert len(key) >= 16


async def test_the_owners_key_is_sent_as_it_is(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asking(folder, capsys, place=PLACED) as run:
        assert (await run("sell", "AAA.EU", "3", "--key", "k-1", "--yes"))[0] == 0
    assert run.daemon.asked[1][1]["key"] == "k-1"
    assert run.daemon.asked[1][1]["side"] == "SELL"


async def test_a_live_order_needs_a_yes_and_a_simulated_one_does_not(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asking(folder, capsys, place=PLACED) as run:
        assert (await run("buy", "AAA.EU", "3"))[0] == 2
        assert [name for name, _ in run.daemon.asked] == ["mode"]
        run.daemon.answers["mode"] = {"mode": "research"}
        assert (await run("buy", "AAA.EU", "3"))[0] == 0


async def test_a_refused_order_names_its_gates_and_ends_with_1(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asking(folder, capsys, place=REFUSED) as run:
        code, out, _ = await run("buy", "AAA.EU", "3", "--yes")
    assert code == 1
    assert "blocked by L1: the market is closed" in out


@pytest.mark.parametrize(
    "words",
    [
        ("buy", "AAA.EU", "0"),
        ("buy", "AAA.EU", "-1"),
        ("buy", "AAA.EU", "nan"),
        ("buy", "AAA.EU", "1e999999"),
        ("buy", "AAA.EU", "1e-999999"),
        ("buy", "AAA.EU", "many"),
        ("buy", "AAA.EU"),
        ("buy", "AAA.EU", "1", "--force", "L6"),
        ("buy", "AAA.EU", "1", "--limit", "0"),
        ("cancel", "x"),
        ("cancel", "0"),
        ("decide", "order:7"),
        ("decide", "order:7", "placed"),
        ("set", "key"),
    ],
)
async def test_a_wrong_command_line_asks_nothing_and_ends_with_2(
    folder: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    async with asking(folder, capsys) as run:
        code, out, err = await run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("trimtab: ")
    assert run.daemon.asked == []


async def test_orders_are_a_table_with_the_reasons_below(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asking(folder, capsys, orders=[PLACED, REFUSED]) as run:
        code, out, _ = await run("orders", "--state", "refused", "--symbol", "AAA.EU")
    assert code == 0
    assert run.daemon.asked == [("orders", {"limit": 20, "state": "refused", "symbol": "AAA.EU"})]
    assert "68000000000" in out
    line = out.splitlines()[-1]
    assert line.endswith("blocked by L1: the market is closed, again from 2026-01-02T08:00:00Z")


async def test_one_order_is_told_in_full(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with asking(folder, capsys, order=STORY) as run:
        code, out, _ = await run("orders", "68000000000")
    assert code == 0
    assert run.daemon.asked == [("order", {"client_order_id": 68_000_000_000})]
    for piece in ("2026-01-01T09:00:00Z  proposed: own", "L1     yes       open",
                  "L2     overruled too soon", "10.00 EUR"):  # fmt: skip
        assert piece in out


@pytest.mark.parametrize(
    ("error", "code"),
    [(Missing("there is no order 5"), 1), (Conflict("order 5 is filled", code="final"), 1)],
)
async def test_what_cannot_be_withdrawn_says_why(
    folder: Path, capsys: pytest.CaptureFixture[str], error: Exception, code: int
) -> None:
    async with asking(folder, capsys, cancel=error) as run:
        assert await run("cancel", "5") == (code, "", f"trimtab: {error}\n")


async def test_json_is_the_answer_itself(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers: dict[str, Any] = {
        "cancel": PLACED,
        "orders": [PLACED],
        "order": STORY,
        "decisions": [DECISION],
        "settings": [SETTING],
        "set": SETTING,
    }
    words = {
        "cancel": ("cancel", "5"), "orders": ("orders",), "order": ("orders", "5"),
        "decisions": ("decisions",), "settings": ("settings",),
        "set": ("set", "max_trades_per_day", "6"),
    }  # fmt: skip
    async with asking(folder, capsys, **answers) as run:
        for name, line in words.items():
            code, out, _ = await run(*line, "--json")
            assert (code, json.loads(out)) == (0, answers[name])


async def test_an_open_question_comes_with_the_command_that_answers_it(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asking(folder, capsys, decisions=[DECISION]) as run:
        _, out, _ = await run("decisions")
        assert "  trimtab decide order:7 not_placed  its money is free" in out.splitlines()
        run.daemon.answers["decisions"] = []
        assert (await run("decisions"))[1] == "nothing waits for you\n"


async def test_deciding_is_confirmed_by_the_command_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = {"id": "order:7", "choice": "placed", "result": "it is followed"}
    async with asking(folder, capsys, decide=answer) as run:
        code, out, _ = await run("decide", "order:7", "placed", "--yes")
    assert code == 0
    assert "it is followed" in out
    assert run.daemon.asked == [("decide", {"id": "order:7", "choice": "placed", "confirm": True})]


async def test_settings_are_listed_and_set(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = Refused("max_trades_per_day = '99': must be 1 to 50", code="setting_value")
    async with asking(folder, capsys, settings=[SETTING], set=SETTING) as run:
        assert "max_trades_per_day" in (await run("settings"))[1]
        assert (await run("set", "max_trades_per_day", "6"))[0] == 0
        assert run.daemon.asked[-1] == ("set", {"key": "max_trades_per_day", "value": "6"})
        run.daemon.answers["set"] = bad
        assert await run("set", "max_trades_per_day", "99") == (1, "", f"trimtab: {bad}\n")
