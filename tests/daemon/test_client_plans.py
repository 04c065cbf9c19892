"""The client's commands about plans and configurations against the real socket."""

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
from ledger.planner_config import ConfigFinding, ConfigRefused

STEPS: list[dict[str, Any]] = [
    {"number": 1, "step_id": "P1-1", "side": "SELL", "symbol": "OLD.EU", "name": "Old",
     "quantity": "5", "price": "10", "value_eur": "50.00", "fee_eur": "2.10", "state": "proposed",
     "reason": "overweight"},
    {"number": 2, "step_id": "P1-2", "side": "BUY", "symbol": "NEW.EU", "name": "New",
     "quantity": "3", "price": "20", "value_eur": "60.00", "fee_eur": "2.12", "state": "proposed",
     "reason": "underweight"},
]  # fmt: skip
PROOF: dict[str, Any] = {
    "proved": True, "gap": 0.0, "bound": 3.0, "explored": 200_000, "budget": 250_000, "depth": 3,
    "proved_depth": 3, "candidates": 24,
}  # fmt: skip
DIFFERENCE: dict[str, Any] = {
    "securities": [{"name": "OLD.EU", "before": 0.11, "after": 0.09, "target": 0.1},
                   {"name": "NEW.EU", "before": 0.0, "after": 0.02, "target": None}],
    "countries": [{"name": "US", "before": 0.5, "after": 0.48, "target": 0.45}],
    "industries": [],
    "cash": [{"currency": "EUR", "before": "100.00", "after": "85.78"}],
    "fees_eur": "4.22", "traded_eur": "110.00", "turnover": 0.055,
    "risk": {"volatility": [0.142, None], "covered": 0.9, "largest": [0.2, 0.21],
             "drift": [0.12, 0.07]},
}  # fmt: skip
PLAN: dict[str, Any] = {
    "plan_id": "P1", "created_at": "2026-01-05T09:00:00Z", "superseded": False,
    "postponed_until": None, "autonomy": "approve", "awaiting_approval": True,
    "current_score": 51.25, "end_score": 55.0, "evaluated": 200_000, "next_step": 1,
    "narrative": "Sells what is too much.", "steps": STEPS, "proof": PROOF,
    "alternatives": [
        {"net": 1.25, "score": 54.0, "trades": "BUY 3 NEW.EU", "origins": ["single_best"],
         "executable": True},
        {"net": 0.5, "score": 53.0, "trades": "BUY 9 NEW.EU", "origins": ["relaxed"],
         "executable": False},
    ],
    "new_money": {"free_eur": "500.00", "spent_eur": "60.00", "deposit_eur": "1250.00",
                  "blocked_by": []},
    "robustness": {"method": "monte_carlo", "scenarios": 100, "mean": 0.021, "p10": -0.01,
                   "p90": 0.05},
    "notes": ["no correlations yet"], "difference": DIFFERENCE, "no_difference": None,
}  # fmt: skip
CORE: dict[str, Any] = {
    "id": "c0ffee-1", "name": "Core", "bucket_id": "core", "version": 3, "applied": True,
    "text_hash": "aa", "applied_hash": "aa", "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-02T00:00:00Z",
}  # fmt: skip
OTHER = {**CORE, "id": "c0ffee-2", "name": "Calm", "bucket_id": None, "applied": False}
WRONG: dict[str, Any] = {
    "valid": False,
    "errors": [{"path": "planner.max_dept", "message": "is not known", "line": 3},
               {"path": "", "message": "nothing is enabled", "line": None}],
    "warnings": [{"path": "filters", "message": "does little", "line": 9}],
    "counts": None, "not_run": None,
}  # fmt: skip
RIGHT: dict[str, Any] = {
    "valid": True, "errors": [], "warnings": [], "not_run": None,
    "counts": {"candidates": 24, "by_kind": {"rebalance_buys": 20}, "seeds": 310, "filtered": 180,
               "explored": 20_000, "steps": 3, "current_score": 51.25, "end_score": 55.0},
}  # fmt: skip
NAMES = (
    "plan", "plan_report", "approve", "reject", "postpone", "dismiss", "autonomy", "recompute",
    "execute", "planners", "planner_show", "planner_history", "planner_validate", "planner_save",
    "planner_apply", "planner_delete",
)  # fmt: skip


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


@asynccontextmanager
async def asking(
    folder: Path, capsys: pytest.CaptureFixture[str], **answers: Any
) -> AsyncGenerator[Runner]:
    daemon = Daemon({"planners": [CORE, OTHER], **answers})
    async with trio.open_nursery() as nursery:
        await nursery.start(ControlServer(folder / "control.sock", daemon.table()).run)
        yield Runner(daemon, capsys, folder)
        nursery.cancel_scope.cancel()


async def test_a_plan_is_told_with_its_proof_and_what_it_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asking(tmp_path, capsys, plan=PLAN) as run:
        code, out, _ = await run("plan", "P1")
    assert (code, run.daemon.asked) == (0, [("plan", {"plan_id": "P1"})])
    for piece in (
        "best of all allowed sets of up to 3 of 24 candidate trades; 200,000 sequences looked at",
        "step 1 waits for your word: trimtab approve 1",
        "2 alternatives, worth in points",
        "+1.25  BUY 3 NEW.EU  single_best",
        "breaks a rule",
        "new money: 500.00 EUR free, 60.00 EUR spent",
        "a deposit of 1250.00 EUR would reach every target without a sale",
        "monte carlo, 100 scenarios: +2.10 points on average, 80 % between -1.00 and +5.00",
        "OLD.EU      11.0 %  9.0 %  10.0 %",
        "US         50.0 %  48.0 %  45.0 %",
        "EUR       100.00  85.78",
        "fees 4.22 EUR, traded 110.00 EUR, turnover 5.5 %",
        "volatility a year 14.2 % → – (known for 90.0 % of the holdings)",
        "drift 12.0 % → 7.0 %",
        "note: no correlations yet",
        "Sells what is too much.",
    ):
        assert piece in out


async def test_a_plan_that_is_not_proved_says_how_far_it_may_be_from_the_best(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proof = {**PROOF, "proved": False, "gap": 0.1204, "depth": 5}
    told = {**PLAN, "proof": proof, "difference": None, "no_difference": "planner is busy"}
    async with asking(tmp_path, capsys, plan=told) as run:
        _, out, _ = await run("plan", "--last")
    assert (
        "not proved best: within 0.12 points of the best possible of up to 5 of 24 candidate "
        "trades; 200,000 sequences looked at; proved best up to 3 trades"
    ) in out
    assert "what it changes is not known: planner is busy" in out


async def test_a_proof_over_few_candidates_counts_them_all(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for count, words in ((3, "the 3 candidate trades"), (1, "the only candidate trade")):
        told = {**PLAN, "proof": {**PROOF, "candidates": count, "depth": 5}}
        async with asking(tmp_path, capsys, plan=told) as run:
            _, out, _ = await run("plan", "--last")
        assert f"best of all allowed sets of {words}; 200,000 sequences looked at" in out


async def test_what_new_money_cannot_reach_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    money = {"free_eur": "0.00", "spent_eur": "0.00", "deposit_eur": None, "blocked_by": ["A.EU"]}
    told = {**PLAN, "new_money": money, "awaiting_approval": False, "autonomy": "advise",
            "postponed_until": "2026-02-01T09:00:00Z"}  # fmt: skip
    async with asking(tmp_path, capsys, plan=told) as run:
        _, out, _ = await run("plan", "--last")
    assert "no deposit alone reaches every target, because of A.EU" in out
    absurd = {**money, "deposit_eur": "5500000.00", "deposit_share": 1000.0, "blocked_by": []}
    async with asking(tmp_path, capsys, plan={**told, "new_money": absurd}) as run:
        _, out, _ = await run("plan", "--last")
    assert "no sensible deposit reaches every target: 5500000.00 EUR, 1,000.0 times" in out
    assert "only advice: nothing leaves" in out
    assert "postponed until 2026-02-01T09:00:00Z" in out


async def test_the_next_step_is_approved_once_it_was_agreed_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asking(tmp_path, capsys, plan=PLAN, approve=PLAN) as run:
        assert (await run("approve"))[0] == 2
        assert [name for name, _ in run.daemon.asked] == ["plan"]
        assert (await run("approve", "--yes"))[0] == 0
        assert run.daemon.asked[-1] == ("approve", {"step": 1, "plan_id": "P1"})
        assert (await run("approve", "2"))[0] == 0
        assert run.daemon.asked[-1] == ("approve", {"step": 2})
        assert (await run("approve", "2", "--plan", "P0"))[0] == 0
        assert run.daemon.asked[-1] == ("approve", {"step": 2, "plan_id": "P0"})


@pytest.mark.parametrize("plan", [None, {**PLAN, "next_step": None}])
async def test_without_a_step_that_waits_nothing_is_approved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], plan: Any
) -> None:
    async with asking(tmp_path, capsys, plan=plan, approve=PLAN) as run:
        code, _, err = await run("approve", "--yes")
    assert (code, err.count("\n")) == (1, 1)
    assert [name for name, _ in run.daemon.asked] == ["plan"]


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("reject",), ("reject", {})),
        (("reject", "P0"), ("reject", {"plan_id": "P0"})),
        (("postpone", "90"), ("postpone", {"minutes": 90})),
        (
            ("postpone", "2026-03-02T09:00:00Z", "--plan", "P1"),
            ("postpone", {"until": "2026-03-02T09:00:00Z", "plan_id": "P1"}),
        ),
        (("dismiss", "P0-2"), ("dismiss", {"step_id": "P0-2"})),
        (("dismiss", "2"), ("dismiss", {"step_id": "P1-2"})),
    ],
)
async def test_the_owners_word_is_passed_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], asked: object
) -> None:
    answers = dict.fromkeys(("plan", "reject", "postpone", "dismiss"), PLAN)
    async with asking(tmp_path, capsys, **answers) as run:
        code, out, _ = await run(*words)
    assert (code, run.daemon.asked[-1]) == (0, asked)
    assert out.startswith("plan P1 of ")


async def test_an_approved_step_can_be_executed_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = {**PLAN, "steps": [{**STEPS[0], "state": "approved"}, STEPS[1]]}
    async with asking(tmp_path, capsys, plan=plan, execute={"state": "accepted"}) as run:
        assert (await run("execute", "--yes"))[0] == 0
    assert run.daemon.asked[-1] == ("execute", {"plan_id": "P1", "step": 1})


@pytest.mark.parametrize(
    "words",
    [
        ("approve", "0"), ("approve", "x"), ("postpone",), ("postpone", "0"), ("postpone", "-5"),
        ("postpone", "2026-03-02T09:00:00"), ("postpone", "tomorrow"), ("dismiss",),
        ("autonomy", "always"), ("autonomy", "act_below"), ("autonomy", "act", "--below", "5"),
        ("autonomy", "act_below", "--below", "0"), ("recompute",), ("planners", "nothing"),
        ("planners", "validate"), ("planners", "validate", "missing.toml"), ("planners", "show"),
        ("planners", "delete", "Core"),
    ],
)  # fmt: skip
async def test_a_wrong_command_line_changes_nothing_and_ends_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    async with asking(tmp_path, capsys) as run:
        code, out, err = await run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("trimtab: ")
    assert {name for name, _ in run.daemon.asked} <= {"planners"}


@pytest.mark.parametrize(
    "error",
    [Conflict("another plan took its place", code="stale_plan"), Missing("there is no plan"),
     Refused("until must lie within 30 days from now", code="until")],
)  # fmt: skip
async def test_a_no_of_the_daemon_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    async with asking(tmp_path, capsys, reject=error) as run:
        assert await run("reject") == (1, "", f"trimtab: {error}\n")


async def test_autonomy_is_shown_and_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"bucket_id": "core", "autonomy": "act_below", "act_below_eur": "500.00", "paper": True}
    async with asking(tmp_path, capsys, autonomy=[row]) as run:
        _, out, _ = await run("autonomy")
        assert "core    act_below  500.00  steps worth less leave by themselves" in out
        assert (await run("autonomy", "act_below", "--below", "500"))[0] == 0
        wanted = {"mode": "act_below", "act_below_eur": "500"}
        assert run.daemon.asked[-1] == ("autonomy", wanted)


async def test_letting_real_money_leave_alone_needs_a_yes_and_holding_it_back_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    row = {"bucket_id": "core", "autonomy": "approve", "act_below_eur": None, "paper": False}
    async with asking(tmp_path, capsys, autonomy=[row]) as run:
        assert (await run("autonomy", "act"))[0] == 2
        assert run.daemon.asked == [("autonomy", {})]
        assert (await run("autonomy", "act", "--yes"))[0] == 0
        assert run.daemon.asked[-1] == ("autonomy", {"mode": "act"})
        assert (await run("autonomy", "advise", "--bucket", "core"))[0] == 0
        assert run.daemon.asked[-1] == ("autonomy", {"mode": "advise", "bucket_id": "core"})


RECOMPUTED: dict[str, Any] = {
    "plan_id": "P1", "input_hash": "1f1f", "same": True, "differs": None, "explored": 200_000,
}  # fmt: skip


async def test_a_plan_made_again_says_whether_it_is_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asking(tmp_path, capsys, recompute=RECOMPUTED) as run:
        code, out, _ = await run("recompute", "P1")
        assert code == 0
        assert out == (
            "plan P1: the same plan, byte for byte, from input 1f1f, 200,000 sequences\n"
        )
        run.daemon.answers["recompute"] = {**RECOMPUTED, "same": False, "differs": "steps"}
        code, out, _ = await run("recompute", "P1")
    assert code == 1
    assert out.startswith("plan P1: another plan came out, first in steps, ")


async def test_a_report_is_printed_as_the_document_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = "# Plan P1\n\n## Strategy\n\nHold."
    async with asking(tmp_path, capsys, plan_report={"plan_id": "P1", "markdown": document}) as run:
        assert await run("report", "P1") == (0, f"{document}\n", "")
        assert run.daemon.asked == [("plan_report", {"plan_id": "P1"})]
        run.daemon.answers["plan_report"] = None
        assert (await run("report"))[1] == "no plan yet\n"


async def test_configurations_are_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with asking(tmp_path, capsys) as run:
        code, out, _ = await run("planners")
    assert code == 0
    assert "c0ffee-1  Core  core            3  yes" in out
    assert "template" in out


@pytest.mark.parametrize("name", ["Core", "c0ffee-1"])
async def test_a_configuration_goes_by_its_name_or_its_id(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    shown = {**CORE, "toml": "[planner]\nmax_depth = 5"}
    async with asking(tmp_path, capsys, planner_show=shown, planner_apply=CORE) as run:
        assert await run("planners", "show", name) == (0, "[planner]\nmax_depth = 5\n", "")
        assert run.daemon.asked[-1] == ("planner_show", {"id": "c0ffee-1"})
        code, out, _ = await run("planners", "apply", name)
    assert (code, out) == (0, "Core (c0ffee-1), core, version 3, applied\n")


@pytest.mark.parametrize(
    ("name", "why"),
    [("c0ffee", "several configurations are called"), ("x", "no configuration is called")],
)
async def test_a_name_that_is_not_clear_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, why: str
) -> None:
    async with asking(tmp_path, capsys) as run:
        code, out, err = await run("planners", "apply", name)
    assert (code, out) == (1, "")
    assert why in err


async def test_what_a_configuration_was_is_listed_and_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    past = {"version": 2, "saved_at": "2026-01-02T00:00:00Z", "name": "Core", "toml": "a = 1",
            "summary": "max_depth 5 → 7"}  # fmt: skip
    async with asking(tmp_path, capsys, planner_history=[past]) as run:
        assert "max_depth 5 → 7" in (await run("planners", "show", "Core", "--history"))[1]
        assert (await run("planners", "show", "Core", "--version", "2"))[1] == "a = 1\n"
        assert run.daemon.asked[-1] == ("planner_history", {"id": "c0ffee-1", "version": 2})
        run.daemon.answers["planner_history"] = []
        assert (await run("planners", "show", "Core", "--version", "9"))[0] == 1


async def test_mistakes_come_with_file_and_line_and_end_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[planner]\n# ä\n")
    async with asking(tmp_path, capsys, planner_validate=WRONG) as run:
        code, out, _ = await run("planners", "validate", str(file))
        asked = {"toml": "[planner]\n# ä\n", "dry_run": False}
        assert run.daemon.asked == [("planner_validate", asked)]
    assert code == 2
    assert out.splitlines() == [
        f"{file}:3: planner.max_dept: is not known",
        f"{file}: nothing is enabled",
        f"{file}:9: warning: filters: does little",
    ]


async def test_a_dry_run_tells_what_it_would_find(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("")
    async with asking(tmp_path, capsys, planner_validate=RIGHT) as run:
        code, out, _ = await run("planners", "validate", str(file), "--dry-run")
        assert code == 0
        assert out.splitlines() == [
            "candidates 24 (rebalance_buys 20)",
            "sequences 310, after the filters 180, explored 20,000",
            "a plan of 3 steps, score 51.25 → 55.00",
        ]
        run.daemon.answers["planner_validate"] = {**RIGHT, "counts": None}
        assert (await run("planners", "validate", str(file)))[1] == f"{file}: in order\n"
        later = {**RIGHT, "counts": None, "not_run": "no portfolio yet"}
        run.daemon.answers["planner_validate"] = later
        assert (await run("planners", "validate", str(file)))[1] == "not tried: no portfolio yet\n"


async def test_a_file_becomes_the_text_of_a_configuration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("a = 1")
    async with asking(tmp_path, capsys, planner_save=OTHER, planner_delete={"deleted": "x"}) as run:
        code, out, _ = await run("planners", "save", str(file), "Calm")
        assert (code, out) == (0, "Calm (c0ffee-2), template, version 3, not applied\n")
        assert run.daemon.asked[-1] == ("planner_save", {"toml": "a = 1", "id": "c0ffee-2"})
        assert (await run("planners", "save", str(file), "New", "--new", "--bucket", "core"))[
            0
        ] == 0
        wanted = {"toml": "a = 1", "name": "New", "bucket_id": "core"}
        assert run.daemon.asked[-1] == ("planner_save", wanted)
        assert (await run("planners", "delete", "Calm", "--yes"))[0] == 0
        assert run.daemon.asked[-1] == ("planner_delete", {"id": "c0ffee-2"})


async def test_a_text_that_is_refused_is_told_as_when_it_is_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("a = 1")
    refused = ConfigRefused((ConfigFinding("a", "is not known", 1),))
    async with asking(tmp_path, capsys, planner_save=refused, planner_validate=WRONG) as run:
        code, out, _ = await run("planners", "save", str(file), "Core")
    assert code == 2
    assert out.startswith(f"{file}:3: planner.max_dept: is not known\n")


async def test_json_is_the_answer_itself(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("")
    answers = {"plan": PLAN, "reject": PLAN, "recompute": RECOMPUTED, "planner_validate": WRONG}
    lines = {"plan": ("plan", "P1"), "reject": ("reject",), "recompute": ("recompute", "P1"),
             "planner_validate": ("planners", "validate", str(file))}  # fmt: skip
    async with asking(tmp_path, capsys, **answers) as run:
        for name, words in lines.items():
            _, out, _ = await run(*words, "--json")
            assert json.loads(out) == answers[name]
        assert json.loads((await run("planners", "--json"))[1]) == [CORE, OTHER]
