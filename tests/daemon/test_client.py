"""The client against the real control socket with commands of known answers."""

import base64
import json
import socket
import struct
import threading
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import trio

from daemon import client_wait
from daemon.client import main
from daemon.control import ControlServer, report
from ledger.errors import Busy, Conflict, Missing, Refused

LATCH = {"name": "owner", "reason": "holiday", "set_at": "2026-01-01T00:00:00Z"}
STATUS = {
    "version": "2026.11.0",
    "mode": "live",
    "broker": "paper",
    "paper": True,
    "halted": True,
    "latches": [LATCH],
    "market_time": "2009-01-05T09:00:00Z",
    "total_eur": "12345.60",
    "cash": [{"currency": "EUR", "amount": "1200.00", "value_eur": "1200.00"}],
    "positions": [
        {"symbol": "ACME.EU", "name": "Acme", "quantity": "10", "price": "99.5",
         "currency": "EUR", "value_eur": None, "profit_eur": "-3.10"},
    ],
    "stale": None,
    "actors": [{"actor": "sync", "rank": "critical", "state": "up", "restarts": 0, "note": ""}],
    "recovery": ["order 7: not placed"],
    "login_url": "http://127.0.0.1:8000/login?code=x",
}  # fmt: skip
PLAN = {
    "plan_id": "P1",
    "created_at": "2009-01-05T09:00:00Z",
    "superseded": False,
    "current_score": 51.25,
    "end_score": 55.0,
    "evaluated": 1234,
    "narrative": "Buys what is missing.",
    "steps": [
        {"number": 1, "side": "SELL", "symbol": "OLD.EU", "name": "Old", "quantity": "5",
         "price": "10", "value_eur": "50.00", "fee_eur": "2.10", "state": "filled", "reason": ""},
        {"number": 2, "side": "BUY", "symbol": "NEW.EU", "name": "New", "quantity": "3",
         "price": "20", "value_eur": "60.00", "fee_eur": "2.12", "state": "proposed",
         "reason": "underweight"},
    ],
}  # fmt: skip


@dataclass
class Daemon:
    """Answers like the daemon, and remembers what it was asked."""

    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list[Any])
    plan: Mapping[str, Any] | None = field(default_factory=lambda: PLAN)
    polls: int = 2
    outcome: str = "succeeded"
    answers: dict[str, Any] = field(default_factory=dict[str, Any])
    seen: int = 0

    def table(self) -> dict[str, Any]:
        fixed = ("status", "recommend", "execute", "halt", "resume", "mode", "led", "backup")
        special = {"run": self.run, "jobs": self.jobs, "plan": self.get_plan, "logs": self.logs}
        return {**{name: self._fixed(name) for name in fixed}, **special}

    def _fixed(self, name: str) -> Any:
        async def answer(args: Mapping[str, Any]) -> Any:
            self.asked.append((name, dict(args)))
            given = self.answers[name]
            if isinstance(given, Exception):
                raise given
            return given

        return answer

    def record(self, status: str) -> dict[str, Any]:
        ended = status not in {"queued", "running"}
        return {
            "run_id": "R1",
            "job": "sync",
            "status": status,
            "duration_ms": 1500 if ended else None,
            "result": "3 fills" if status == "succeeded" else None,
            "error": "no line" if status == "failed" else None,
        }

    async def run(self, args: Mapping[str, Any]) -> Any:
        self.asked.append(("run", dict(args)))
        await report({"done": 1, "total": 4, "label": "trades"})
        return self.record("running" if self.polls else self.outcome)

    async def jobs(self, _args: Mapping[str, Any]) -> Any:
        self.seen += 1
        status = "running" if self.seen < self.polls else self.outcome
        last = self.record(status)
        return [{"job": "sync", "schedule": "every 15 min", "next_due": None, "last": last,
                 "consecutive_failures": 0, "progress": f"{self.seen}/4"},
                {"job": "plan", "schedule": "daily", "next_due": None,
                 "last": {**last, "job": "plan"}, "consecutive_failures": 0, "progress": ""},
                ]  # fmt: skip

    async def get_plan(self, _args: Mapping[str, Any]) -> Any:
        self.asked.append(("plan", {}))
        return self.plan

    async def logs(self, args: Mapping[str, Any]) -> Any:
        self.asked.append(("logs", dict(args)))
        pages = {None: (["c", "d"], 20), 20: (["a", "b"], None)}
        lines, before = pages[args.get("before")]
        return {"lines": lines, "before": before}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_wait, "POLL_S", 0.02)


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


@dataclass
class Runner:
    """Runs the client in a thread beside the server."""

    capsys: pytest.CaptureFixture[str]
    folder: Path

    async def __call__(self, *arguments: str) -> tuple[int, str, str]:
        argv = [*arguments, "--data", str(self.folder)]
        code = await trio.to_thread.run_sync(main, argv)
        out, err = self.capsys.readouterr()
        return code, out, err


@asynccontextmanager
async def serving(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> AsyncGenerator[Runner]:
    async with trio.open_nursery() as nursery:
        await nursery.start(ControlServer(tmp_path / "control.sock", daemon.table()).run)
        yield Runner(capsys, tmp_path)
        nursery.cancel_scope.cancel()


async def test_status_says_what_the_owner_wants_to_know_first(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answers["status"] = STATUS
    async with serving(daemon, tmp_path, capsys) as run:
        code, out, err = await run("status")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0] == "trimtab 2026.11.0: HALTED, mode live, broker paper (paper)"
    assert "total 12345.60 EUR" in lines[1]
    assert lines[2] == "halt latch owner: holiday"
    assert "  symbol   name  quantity  price  currency  profit" in lines
    assert "  ACME.EU  Acme        10   99.5  EUR        -3.10" in lines
    assert lines[-1] == "dashboard http://127.0.0.1:8000/login?code=x"


@pytest.mark.parametrize("place", ["before", "after"])
async def test_json_is_the_answer_itself(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str
) -> None:
    daemon.answers["status"] = STATUS
    words = ("--json", "status") if place == "before" else ("status", "--json")
    async with serving(daemon, tmp_path, capsys) as run:
        code, out, _ = await run(*words)
    assert code == 0
    assert json.loads(out) == STATUS


async def test_sync_waits_for_the_end_of_its_run(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(daemon, tmp_path, capsys) as run:
        assert await run("sync") == (0, "sync succeeded in 1.5 s: 3 fills\n", "")
    assert daemon.asked == [("run", {"job": "sync"})]
    assert daemon.seen == 2


async def test_a_failed_run_is_shown_and_ends_with_1(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.outcome, daemon.polls = "failed", 0
    async with serving(daemon, tmp_path, capsys) as run:
        assert await run("run", "sync") == (1, "sync failed in 1.5 s: no line\n", "")


async def test_waiting_for_a_run_is_bounded(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.polls = 10**6
    async with serving(daemon, tmp_path, capsys) as run:
        code, out, err = await run("sync", "--timeout", "1")
    assert (code, out, err) == (1, "", "trimtab: sync still runs after 1 s (run R1)\n")


async def test_plan_plans_and_shows_the_plan(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(daemon, tmp_path, capsys) as run:
        code, out, _ = await run("plan")
        assert code == 0
        assert "score 51.25 → 55.00, 1234 sequences evaluated" in out
        assert "underweight" in out
        assert daemon.asked == [("run", {"job": "plan"}), ("plan", {})]
        daemon.plan = None
        assert await run("plan", "--last") == (0, "no plan yet\n", "")


async def test_recommend_shows_the_steps(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    step = {"step": 1, "side": "BUY", "symbol": "NEW.EU", "estimated_price": 20.0}
    daemon.answers["recommend"] = {"steps": [step]}
    async with serving(daemon, tmp_path, capsys) as run:
        assert "NEW.EU" in (await run("recommend"))[1]
        daemon.answers["recommend"] = {"steps": []}
        assert (await run("recommend"))[1] == "nothing recommended\n"


async def test_execute_sends_the_named_step(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answers["execute"] = {"state": "accepted", "symbol": "NEW.EU", "blocked_by": []}
    async with serving(daemon, tmp_path, capsys) as run:
        code, out, _ = await run("execute", "P1", "2")
    assert (code, "accepted" in out) == (0, True)
    assert daemon.asked == [("execute", {"plan_id": "P1", "step": 2})]


async def test_execute_of_the_next_step_needs_the_owners_word(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answers["execute"] = {"state": "accepted"}
    async with serving(daemon, tmp_path, capsys) as run:
        code, out, err = await run("execute")
        assert (code, out) == (2, "")
        assert err == "trimtab: needs --yes when nobody can be asked\n"
        assert all(name != "execute" for name, _ in daemon.asked)
        assert (await run("execute", "--yes"))[0] == 0
        assert daemon.asked[-1] == ("execute", {"plan_id": "P1", "step": 2})
        daemon.plan = None
        assert (await run("execute", "--yes"))[0] == 1


async def test_a_refused_order_ends_with_1_and_its_reasons(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verdict = {"gate": "L3", "passed": False, "detail": "market is closed"}
    daemon.answers["execute"] = {"state": "refused", "blocked_by": [verdict]}
    async with serving(daemon, tmp_path, capsys) as run:
        code, out, _ = await run("execute", "P1", "2")
    assert code == 1
    assert "blocked by L3: market is closed" in out


async def test_halt_and_resume_name_their_latches(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answers |= {"halt": {"latches": [LATCH]}, "resume": {"latches": []}, "status": STATUS}
    async with serving(daemon, tmp_path, capsys) as run:
        code, out, _ = await run("halt", "on", "holiday")
        assert (code, "owner" in out) == (0, True)
        assert daemon.asked[-1] == ("halt", {"reason": "on holiday"})
        assert (await run("resume"))[0] == 2
        assert await run("resume", "--yes") == (0, "not halted\n", "")
        assert daemon.asked[-1] == ("resume", {"reasons": ["owner"], "confirm": True})
        await run("resume", "books", "--confirm")
        assert daemon.asked[-1] == ("resume", {"reasons": ["books"], "confirm": True})


async def test_resume_without_a_latch_has_nothing_to_do(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answers["status"] = {**STATUS, "latches": []}
    async with serving(daemon, tmp_path, capsys) as run:
        assert await run("resume") == (0, "not halted\n", "")


async def test_going_live_needs_the_owners_word_and_stepping_back_does_not(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answers["mode"] = {"mode": "research"}
    async with serving(daemon, tmp_path, capsys) as run:
        assert await run("mode") == (0, "mode research\n", "")
        assert daemon.asked[-1] == ("mode", {})
        assert (await run("mode", "research"))[0] == 0
        assert (await run("mode", "live"))[0] == 2
        assert (await run("mode", "live", "--confirm"))[0] == 0
    assert daemon.asked[-1] == ("mode", {"mode": "live", "confirm": True})


async def test_jobs_are_a_table(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(daemon, tmp_path, capsys) as run:
        lines = (await run("jobs"))[1].splitlines()
    assert lines[0].split() == ["job", "schedule", "last", "consecutive", "failures", "progress"]
    assert lines[1].startswith("  sync  every 15 min  running")


async def test_led_shows_the_panel_and_speaks(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    pixels = b"\xff\x00\x00" * 4
    daemon.answers["led"] = {"text": "HELLO", "mode": "TICKER", "driver": "null", "rows": 2,
                             "columns": 2, "pixels": pixels}  # fmt: skip
    async with serving(daemon, tmp_path, capsys) as run:
        assert (await run("led"))[1] == "TICKER: HELLO\ndriver null, 2 × 2\n"
        assert daemon.asked[-1] == ("led", {})
        await run("led", "HELLO", "YOU", "--ttl", "5")
        assert daemon.asked[-1] == ("led", {"text": "HELLO YOU", "ttl_s": 5.0})
        await run("led", "--clear")
        assert daemon.asked[-1] == ("led", {"text": "", "ttl_s": 60.0})
        answer = json.loads((await run("led", "--json"))[1])
        assert base64.b64decode(answer["pixels"]) == pixels
        monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
        assert "\x1b[38;2;255;0;0m" in (await run("led"))[1]


async def test_backup_shows_its_report(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.answers["backup"] = {"path": "backups/ledger.db", "size_bytes": 4096, "removed": []}
    async with serving(daemon, tmp_path, capsys) as run:
        assert (await run("backup"))[1] == "path        backups/ledger.db\nsize bytes  4096\n"


async def test_logs_are_put_together_from_pages(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(daemon, tmp_path, capsys) as run:
        assert (await run("logs", "-n", "10"))[1].split() == ["a", "b", "c", "d"]
        assert daemon.asked[-1] == ("logs", {"lines": 8, "level": "info", "before": 20})
        assert (await run("logs", "-n", "2", "--level", "error"))[1].split() == ["c", "d"]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (Busy("sync is running", run_id="R9"), "busy"),
        (Conflict("stale", code="stale_plan"), "stale_plan"),
        (Missing("no plan"), "not_found"),
        (Refused("halted", code="halted"), "halted"),
    ],
)
async def test_what_the_daemon_refuses_is_one_line_and_1(
    daemon: Daemon, tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception, code: str
) -> None:
    daemon.answers["backup"] = error
    async with serving(daemon, tmp_path, capsys) as run:
        assert await run("backup") == (1, "", f"trimtab: {error}\n")
        exit_code, out, _ = await run("backup", "--json")
        assert (exit_code, json.loads(out)["error"]["code"]) == (1, code)


@pytest.mark.parametrize(
    "argv",
    [
        ["stauts"],
        ["run"],
        ["run", "everything"],
        ["status", "--loud"],
        ["logs", "-n", "0"],
        ["logs", "--level", "loud"],
        ["execute", "P1"],
        ["execute", "P1", "0"],
        ["mode", "yolo"],
        ["led", "X", "--ttl", "99999"],
        [],
    ],
)
def test_a_wrong_command_line_is_one_line_and_2(
    argv: Sequence[str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = main([*argv])
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    assert err.startswith("trimtab: ")
    assert err.count("\n") == 1


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "status" in capsys.readouterr().out


def test_without_a_daemon_it_is_one_line_and_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["status", "--data", str(tmp_path)]) == 1
    assert "no trimtabd answers at" in capsys.readouterr().err


@pytest.mark.parametrize(
    "answer",
    [b"", struct.pack(">I", 1) + b"\xc1", struct.pack(">I", 2**31), struct.pack(">I", 1) + b"\x01"],
)
def test_a_daemon_that_talks_nonsense_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], answer: bytes
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(tmp_path / "control.sock"))
        server.listen()

        def answer_once() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=answer_once)
        thread.start()
        code = main(["status", "--socket", str(tmp_path / "control.sock")])
        thread.join()
    out, err = capsys.readouterr()
    assert code in (1, 2)
    assert out == ""
    assert err.count("\n") == 1
