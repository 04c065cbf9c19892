"""The regime on its board: read as of the portfolio's day, shown when it moved."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np

from actors.regime_watch import RegimeWatch
from kernels.series import Series
from ledger.portfolio import PortfolioSnapshot
from ledger.regime import Regime
from ledger.security import Security
from policy.limits import DEFAULTS, Limits
from tests.policy.accounts import TODAY, dozen, security, snapshot
from wire.board import Latest
from wire.runner import run_inline

SPY = security("SPY.US", number=91, product="ETF", currency="USD")
QQQ = security("QQQ.US", number=92, product="ETF", currency="USD")


def bars(jump: float) -> Series:
    values = np.full(300, 100.0)
    values[-5:] *= 1.0 + jump
    last = TODAY.toordinal()
    return Series(np.arange(last - 299, last + 1, dtype=np.int32), values)


class Desk:
    def __init__(self, **closes: Series) -> None:
        self.asked: list[str] = []
        self.closes = closes
        self.portfolio = Latest[PortfolioSnapshot]()
        self.board = Latest[Regime]()
        self.rules = Latest[Limits]()
        self.rules.publish(DEFAULTS)
        self.watch = RegimeWatch(
            closes=self.read,
            portfolio=self.portfolio,
            board=self.board,
            rules=self.rules,
            runner=run_inline,
        )

    async def read(self, one: Security, today: date) -> Series | None:
        assert today == TODAY
        self.asked.append(one.symbol)
        return self.closes.get(one.symbol.partition(".")[0])


async def test_nothing_is_said_before_the_account_is_read() -> None:
    desk = Desk()
    assert await desk.watch.refresh() is None
    assert desk.board.value is None


async def test_only_the_benchmarks_are_read_and_a_change_is_shown_once() -> None:
    desk = Desk(SPY=bars(0.2), QQQ=bars(0.2))
    desk.portfolio.publish(snapshot((*dozen(), SPY, QQQ), cash={"EUR": "1"}))
    found = await desk.watch.refresh()
    assert found is not None
    assert found.regime == "bull"
    assert desk.asked == ["SPY.US", "QQQ.US"]
    await desk.watch.refresh()
    assert (desk.board.value, desk.board.version) == (found, 1)
    desk.rules.publish(replace(DEFAULTS, market_regime_detection=False))
    await desk.watch.refresh()
    assert desk.board.version == 2


async def test_an_index_without_bars_is_missing() -> None:
    desk = Desk(SPY=bars(0.3))
    desk.portfolio.publish(snapshot((SPY, QQQ), cash={"EUR": "1"}))
    found = await desk.watch.refresh()
    assert found is not None
    assert (found.regime, found.confidence) == ("bull", 0.5)


async def test_without_any_index_the_regime_is_unknown_and_says_so() -> None:
    desk = Desk()
    desk.portfolio.publish(snapshot(dozen(), cash={"EUR": "1"}))
    found = await desk.watch.refresh()
    assert found is not None
    assert found.reason is not None
    assert found.confidence == 0.0
