"""How return and risk changed: figures of a quarter's window that moves along a series."""

from __future__ import annotations

from datetime import date

from kernels.rolling import (
    rolling_beta,
    rolling_max_drawdown,
    rolling_sharpe,
    rolling_volatility,
)
from kernels.series import Series
from ledger.analytics import RollingDay

QUARTER = 63
"""Trading days."""


def rolling_figures(
    levels: Series, *, risk_free: float, benchmark: Series | None = None
) -> tuple[RollingDay, ...]:
    """A row per day from the first full window on; a figure over nothing is None.

    The beta is that of the days which `benchmark` has as well.
    """
    volatility = rolling_volatility(levels, QUARTER)
    sharpe = _by_day(rolling_sharpe(levels, QUARTER, risk_free=risk_free))
    drawdown = _by_day(rolling_max_drawdown(levels, QUARTER))
    betas = {} if benchmark is None else _by_day(rolling_beta(levels, benchmark, QUARTER))
    return tuple(
        RollingDay(date.fromordinal(day), value, sharpe.get(day), drawdown[day], betas.get(day))
        for day, value in _by_day(volatility).items()
    )


def _by_day(series: Series) -> dict[int, float]:
    return dict(zip(series.days.tolist(), series.values.tolist(), strict=True))
