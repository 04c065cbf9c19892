"""Figures of a moving quarter are those of each quarter by itself."""

from __future__ import annotations

import numpy as np
import pytest

from kernels import relations, risk
from kernels.series import Series
from policy.rolling_figures import QUARTER, rolling_figures
from tests.kernels.lines import wandering


def test_every_day_tells_the_figures_of_its_own_window() -> None:
    levels, market = wandering(200, 1), wandering(200, 2)
    rows = rolling_figures(levels, risk_free=0.02, benchmark=market)
    assert len(rows) == 200 - QUARTER
    for index in (0, 57, len(rows) - 1):
        row, window = rows[index], slice(index, index + QUARTER + 1)
        alone = Series(levels.days[window], levels.values[window])
        other = Series(market.days[window], market.values[window])
        found = risk.summary(alone, risk_free=0.02)
        assert row.day.toordinal() == alone.days[-1]
        assert row.volatility == pytest.approx(found.volatility, rel=1e-10)
        assert row.sharpe == pytest.approx(found.sharpe, rel=1e-9)
        assert row.max_drawdown == pytest.approx(found.max_drawdown, rel=1e-12)
        assert row.beta == pytest.approx(relations.beta(alone, other), rel=1e-9)


def test_a_price_that_stands_still_has_a_volatility_of_nothing_and_no_sharpe() -> None:
    days = np.arange(1, 100, dtype=np.int32)
    rows = rolling_figures(Series(days, np.full(99, 7.0)), risk_free=0.0)
    assert {(row.volatility, row.sharpe, row.max_drawdown, row.beta) for row in rows} == {
        (0.0, None, 0.0, None)
    }


def test_less_than_a_quarter_has_none() -> None:
    assert rolling_figures(wandering(QUARTER, 1), risk_free=0.0) == ()
