"""The desk of the optimizer: stored before it is shown, one run at a time, kept for later lives."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import trio

from actors.optimizer_desk import OptimizerDesk
from daemon.clock import ReplayClock, simulated_wall
from kernels.series import Series
from ledger.dividend import DividendRecord, PotState
from ledger.errors import Busy, Refused, Unavailable
from ledger.money import Money
from ledger.optimization import OptimizerRun
from ledger.portfolio import PortfolioSnapshot
from ledger.regime import UNKNOWN_REGIME
from ledger.security import Security
from policy.limits import DEFAULTS, Limits
from store.store import Store, open_store
from tests.actors.rig import MACHINE
from tests.policy.accounts import FEES, dozen, eur, snapshot
from tests.policy.optimizer_cases import account, history
from tests.support.builders import NOW
from wire.board import Latest
from wire.messages import Boards
from wire.optimizer_asks import OptimizerState, RunOptimizer, ShowOptimizer
from wire.runner import run_inline


@dataclass
class Office:
    store: Store
    records: tuple[DividendRecord, ...] = ()
    boards: Boards = field(default_factory=Boards)
    rules: Latest[Limits] = field(default_factory=Latest[Limits])
    read: list[str] = field(default_factory=list[str])
    gate: trio.Event | None = None

    async def all(self) -> tuple[DividendRecord, ...]:
        """As the source of dividends."""
        return self.records

    async def history(self, security: Security, today: date) -> Series | None:
        assert today == date(2026, 3, 4)
        if self.gate is not None:
            await self.gate.wait()
        self.read.append(security.symbol)
        return None if security.symbol == "S11" else history(security.security_id)

    def desk(self) -> OptimizerDesk:
        return OptimizerDesk(
            runs=self.store.optimizer_runs,
            dividends=self,
            histories=self.history,
            boards=self.boards,
            clock=ReplayClock(NOW, rate=1.0, wall=simulated_wall(MACHINE)),
            rules=self.rules,
            broker_fees=FEES,
            runner=run_inline,
        )


@pytest.fixture
async def office(tmp_path: Path) -> AsyncGenerator[Office]:
    async with open_store(tmp_path, engine="inline") as store:
        made = Office(store)
        made.rules.publish(DEFAULTS)
        yield made


async def run(desk: OptimizerDesk) -> OptimizerRun:
    found = await desk.answer(RunOptimizer())
    assert isinstance(found, OptimizerRun)
    return found


def state(answer: object) -> OptimizerState:
    assert isinstance(answer, OptimizerState)
    return answer


async def test_a_run_is_stored_shown_and_found_again_after_a_restart(office: Office) -> None:
    office.boards.portfolio.publish(account())
    found = await run(office.desk())
    assert found.success
    assert office.read == [one.symbol for one in account().universe]
    assert "S11" not in found.expected
    assert found.machine_at == MACHINE
    assert office.boards.optimizer.value == found
    office.boards = Boards()
    again = office.desk()
    await again.load()
    assert office.boards.optimizer.value == found
    assert state(await again.answer(ShowOptimizer())).last == found


async def test_the_state_shows_the_settings_in_force(office: Office) -> None:
    desk = office.desk()
    await desk.load()
    before = state(await desk.answer(ShowOptimizer()))
    assert (before.last, before.running, before.min_trade) == (None, False, None)
    office.boards.portfolio.publish(account())
    office.rules.publish(replace(DEFAULTS, optimizer_blend=Decimal("0.25")))
    after = state(await desk.answer(ShowOptimizer()))
    assert after.blend == Decimal("0.25")
    assert after.target_return == Decimal("0.11")
    assert after.min_cash_reserve == eur(500)
    assert after.min_trade == eur(250)


async def test_what_stands_on_the_boards_is_what_counts(office: Office) -> None:
    office.boards.portfolio.publish(account())
    desk = office.desk()
    plain = await run(desk)
    office.boards.regime.publish(replace(UNKNOWN_REGIME, regime="bear", confidence=1.0))
    bear = await run(desk)
    assert (plain.regime, bear.regime) == ("sideways", "bear")
    assert bear.cash_share > plain.cash_share
    assert bear.expected["S00"] < plain.expected["S00"]


def record(symbol: str, bonus: Money | None) -> DividendRecord:
    return DividendRecord(
        dividend_id=1, symbol=symbol, isin=None, cash_flow_id=None, amount=None, amount_eur=None,
        payment_date=NOW.date(), state=PotState.ACCUMULATING, reinvested=False, reinvested_at=None,
        reinvested_quantity=None, reinvested_eur=None, left=None, left_eur=None, residual=None,
        pending_bonus=bonus, bonus_cleared=False, cleared_at=None, created_at=NOW,
    )  # fmt: skip


async def test_waiting_dividends_raise_what_is_expected_unless_one_is_unknown(
    office: Office,
) -> None:
    office.boards.portfolio.publish(account())
    plain = await run(office.desk())
    office.records = (
        record("S00", eur(20)),
        record("S00", eur(20)),
        record("S01", eur(20)),
        record("S01", None),
    )
    found = await run(office.desk())
    assert found.expected["S00"] == pytest.approx(plain.expected["S00"] + 0.02)
    assert found.expected["S01"] == plain.expected["S01"]


async def test_nothing_to_go_by_is_refused_and_leaves_the_last_run(office: Office) -> None:
    desk = office.desk()
    with pytest.raises(Unavailable, match="not been read"):
        await run(desk)
    office.boards.portfolio.publish(snapshot(cash={"EUR": "5"}))
    with pytest.raises(Refused, match="No securities in universe"):
        await run(desk)
    unvalued = snapshot(dozen(), held={"S01": "5"}, cash={"EUR": "5"})
    office.boards.portfolio.publish(unvalued)
    with pytest.raises(Unavailable, match="S01"):
        await run(desk)
    assert office.boards.optimizer.value is None
    assert await office.store.optimizer_runs.last() is None


@asynccontextmanager
async def at_work(office: Office, desk: OptimizerDesk) -> AsyncGenerator[None]:
    office.gate = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, desk)
        await trio.testing.wait_all_tasks_blocked()
        yield
        office.gate.set()


async def test_a_second_run_is_refused_while_one_goes_on(office: Office) -> None:
    office.boards.portfolio.publish(account())
    desk = office.desk()
    async with at_work(office, desk):
        assert state(await desk.answer(ShowOptimizer())).running
        with pytest.raises(Busy):
            await run(desk)
    assert not state(await desk.answer(ShowOptimizer())).running
    assert (await run(desk)).success


async def test_a_failed_run_is_kept_and_told_but_does_not_take_targets_away(
    office: Office,
) -> None:
    shot: PortfolioSnapshot = account()
    bare = replace(shot, universe=shot.universe[11:], positions=())
    office.boards.portfolio.publish(bare)
    desk = office.desk()
    first = await run(desk)
    assert first.error == "No expected returns data"
    assert office.boards.optimizer.value == first
    office.boards.portfolio.publish(shot)
    await trio.sleep(1)
    good = await run(desk)
    office.boards.portfolio.publish(bare)
    await trio.sleep(1)
    failed = await run(desk)
    assert office.boards.optimizer.value == good
    assert state(await desk.answer(ShowOptimizer())).last == failed
    office.boards = Boards()
    again = office.desk()
    await again.load()
    assert office.boards.optimizer.value == good
    assert state(await again.answer(ShowOptimizer())).last == failed
