"""Inputs of the optimizer in one line each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kernels.series import Series
from ledger.money import Money
from ledger.portfolio import PortfolioSnapshot
from ledger.regime import UNKNOWN_REGIME, Regime
from ledger.security import Security
from policy.optimizer.given import Member, OptimizerInput
from policy.optimizer.outlook import NO_OUTLOOK
from tests.policy.accounts import TODAY, dozen, snapshot

AT = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
MACHINE = datetime(2026, 3, 4, 13, 0, tzinfo=UTC)
COUNTRIES, INDUSTRIES = ("East", "West", "North"), ("Iron", "Cloth", "Salt", "Wine")
PLAIN = Member(
    symbol="A",
    current=Decimal(0),
    lot_share=Decimal("0.001"),
    single_lot=False,
    allow_buy=True,
    allow_sell=True,
    idle=None,
    min_target=None,
    max_target=None,
    priority=Decimal(1),
    growth=0.08,
    score=0.5,
    bonus=0.0,
    country="East",
    industries=("Iron",),
    column=0,
)


def member(symbol: str = "A", current: str = "0", **changes: Any) -> Member:
    return replace(PLAIN, symbol=symbol, current=Decimal(current), **changes)


def weekly_returns(columns: int, *, rows: int = 261, seed: int = 1) -> NDArray[np.float64]:
    """A common wind and something of its own for each column."""
    rng = np.random.default_rng(seed)
    own = rng.normal(0.0, 0.02, (rows, columns)) * rng.uniform(0.5, 1.5, columns)
    return own + rng.normal(0.001, 0.014, (rows, 1))


def many(count: int, *, held: int | None = None, seed: int = 1) -> tuple[Member, ...]:
    """`count` securities over three countries and four industries, the first `held` owned."""
    rng = np.random.default_rng(seed)
    owned = count // 2 if held is None else held
    each = min(0.8 / max(owned, 1), 0.12)
    return tuple(
        member(
            f"S{number:03d}",
            f"{each * rng.uniform(0.3, 1.0):.6f}" if number < owned else "0",
            growth=float(rng.uniform(0.0, 0.2)),
            score=float(rng.uniform(0.3, 0.8)),
            country=COUNTRIES[number % 3],
            industries=(INDUSTRIES[number % 4],),
            column=number,
        )
        for number in range(count)
    )


def given_of(
    members: tuple[Member, ...],
    returns: NDArray[np.float64] | None = None,
    *,
    regime: Regime = UNKNOWN_REGIME,
    countries: Mapping[str, str] | None = None,
    industries: Mapping[str, str] | None = None,
    **changes: Any,
) -> OptimizerInput:
    """50,000 EUR, no cash reserve, no wanted groups, unless told otherwise."""
    columns = [one.column for one in members if one.column is not None]
    found = weekly_returns(max(columns, default=-1) + 1) if returns is None else returns
    plain = OptimizerInput(
        market_at=AT,
        machine_at=MACHINE,
        total=Money(50_000_00, "EUR"),
        members=members,
        returns=found,
        countries={name: Decimal(text) for name, text in (countries or {}).items()},
        industries={name: Decimal(text) for name, text in (industries or {}).items()},
        regime=regime,
        outlook=NO_OUTLOOK,
        reserve=Decimal(0),
        max_position=Decimal("0.15"),
        blend=0.5,
        target_return=0.11,
        cost_fixed=2.0,
        cost_percent=0.002,
    )
    return replace(plain, **changes)


def history(seed: int, days: int = 1500, drift: float = 0.0004) -> Series:
    """Daily closes up to the day before TODAY."""
    rng = np.random.default_rng(seed)
    values = 100.0 * np.exp(np.cumsum(rng.normal(drift, 0.01, days)))
    last = TODAY.toordinal()
    return Series(np.arange(last - days, last, dtype=np.int32), values)


def account(universe: tuple[Security, ...] | None = None, cash: str = "20000") -> PortfolioSnapshot:
    """Half of the securities held, 40 each at 50 EUR, and cash."""
    known = dozen() if universe is None else universe
    return snapshot(
        known,
        prices={one.symbol: "50.00" for one in known},
        held={one.symbol: "40" for one in known[:6]},
        cash={"EUR": cash},
    )
