"""Rolling metrics of real prices are those of empyrical, day by day, on both back ends."""

from __future__ import annotations

from typing import Any

import pytest

from kernels import rolling
from kernels.choose import RollingKernel, load
from tests.kernels.conftest import BACKENDS
from tests.oracle.real_prices import PAIRS, SYMBOLS, changes, closes, framed, returns, same

pandas: Any = pytest.importorskip("pandas")
empyrical: Any = pytest.importorskip("empyrical")

RISK_FREE = 0.03
of_each = pytest.mark.parametrize("symbol", SYMBOLS)
of_each_window = pytest.mark.parametrize("window", [60, 252])


@pytest.fixture(params=BACKENDS)
def kernel(request: pytest.FixtureRequest) -> RollingKernel:
    return load(request.param).rolling


@of_each
@of_each_window
def test_rolling_volatility(symbol: str, window: int, kernel: RollingKernel) -> None:
    found = rolling.rolling_volatility(closes(symbol), window, kernel=kernel)
    same(found, empyrical.roll_annual_volatility(returns(closes(symbol)), window))


@of_each
@of_each_window
def test_rolling_sharpe(symbol: str, window: int, kernel: RollingKernel) -> None:
    """Where it crosses zero, the mean is what is left of gains and losses a hundred times larger:
    neither library has more than thirteen places there."""
    found = rolling.rolling_sharpe(closes(symbol), window, risk_free=RISK_FREE, kernel=kernel)
    expected = empyrical.roll_sharpe_ratio(
        returns(closes(symbol)), window, risk_free=RISK_FREE / 252
    )
    same(found, expected, near_zero=1e-13)


@of_each
@of_each_window
def test_rolling_max_drawdown(symbol: str, window: int, kernel: RollingKernel) -> None:
    found = rolling.rolling_max_drawdown(closes(symbol), window, kernel=kernel)
    same(found, empyrical.roll_max_drawdown(returns(closes(symbol)), window))


@of_each_window
@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_rolling_beta(first: str, second: str, window: int, kernel: RollingKernel) -> None:
    """The common days by pandas' own inner join."""
    found = rolling.rolling_beta(closes(first), closes(second), window, kernel=kernel)
    joined = pandas.concat([framed(closes(first)), framed(closes(second))], axis=1, join="inner")
    moves = changes(joined)
    expected = empyrical.roll_beta(moves[0].to_numpy(), moves[1].to_numpy(), window)
    same(found, pandas.Series(expected, index=moves.index[window - 1 :]))
