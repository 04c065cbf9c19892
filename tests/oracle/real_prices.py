"""Real prices for the comparisons: those of the recorded market, adjusted for splits."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from broker.market_data import MarketData
from broker.market_folder import demo_folder, load_market_folder
from kernels.series import Series
from ledger.money import MICRO

pandas: Any = pytest.importorskip("pandas")

SYMBOLS = ("AAPL.US", "IBM.US", "MSFT.US", "GOOG.US")
PAIRS = (("AAPL.US", "IBM.US"), ("GOOG.US", "MSFT.US"), ("IBM.US", "GOOG.US"))
REL = 1e-12
EPOCH = 719_163
"""The proleptic ordinal of 1 January 1970."""


@cache
def _market() -> MarketData:
    return load_market_folder(demo_folder())


@cache
def closes(symbol: str) -> Series:
    """Every close of a recorded security, 2,148 or 3,270 of them, in shares of the last day."""
    bars = list(_market().bars[symbol])
    days = np.array([bar.day.toordinal() for bar in bars], dtype=np.int32)
    prices = np.array([bar.close_micro / MICRO for bar in bars])
    for split in _market().splits:
        if split.symbol == symbol:
            prices[days < split.day.toordinal()] /= float(split.ratio)
    return Series(days, prices)


def framed(line: Series) -> Any:
    """The same as a pandas Series by date."""
    return pandas.Series(line.values, index=pandas.to_datetime(line.days - EPOCH, unit="D"))


def returns(prices: Series) -> Any:
    """Simple returns by date."""
    return changes(framed(prices))


def changes(prices: Any) -> Any:
    """Simple returns of each column of pandas, by way of differences.

    empyrical takes them so from bare arrays; pandas' own `pct_change` takes 1 from a quotient, and
    a return of 0.0001 then has twelve places and no more.
    """
    return (prices.diff() / prices.shift()).iloc[1:]


def same(found: Series, expected: Any, *, near_zero: float = 0.0) -> None:
    """Both have the same days, and figures equal to REL.

    `near_zero` is the absolute difference allowed to figures that are the small rest of two large
    ones, whose last digits are rounding in either library.
    """
    assert framed(found).index.tolist() == expected.index.tolist()
    assert found.values == pytest.approx(expected.to_numpy(), rel=REL, abs=near_zero)
