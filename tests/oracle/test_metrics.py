"""Risk metrics and indicators beside empyrical, pandas and scipy, on the prices of the demo market.

Where conventions differ, like is compared with like: growth per year is annualised by the exact
span, and risk-free money is given to empyrical per day.
"""

from functools import cache

import numpy as np
import pytest

from broker.market_folder import demo_folder, load_market_folder
from kernels import indicators, relations, risk, rolling, tail
from kernels.series import Series

empyrical = pytest.importorskip("empyrical")
pandas = pytest.importorskip("pandas")
stats = pytest.importorskip("scipy.stats")

CLOSE = 1e-12
SYMBOLS = sorted(load_market_folder(demo_folder()).bars)


@cache
def market() -> dict[str, Series]:
    """The closes of every security, raw; a split is a return as any other."""
    found: dict[str, Series] = {}
    for symbol, bars in load_market_folder(demo_folder()).bars.items():
        rows = [(bar.day.toordinal(), bar.close_micro / 1e6) for bar in bars]
        days, closes = zip(*rows, strict=True)
        found[symbol] = Series(np.array(days, dtype=np.int32), np.array(closes))
    return found


def framed(series: Series) -> "pandas.Series[float]":
    return pandas.Series(series.values, index=series.days)


def returns_of(prices: Series) -> "pandas.Series[float]":
    return framed(prices).pct_change().dropna()


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_summary_is_empyricals(symbol: str) -> None:
    prices = market()[symbol].last(1260)
    returns = returns_of(prices).to_numpy()
    found = risk.summary(prices, risk_free=0.02, mar=0.0001)
    per_year = len(returns) / prices.years
    expected = {
        "cagr": empyrical.cagr(returns, annualization=per_year),
        "volatility": empyrical.annual_volatility(returns),
        "sharpe": empyrical.sharpe_ratio(returns, risk_free=0.02 / 252),
        "downside_deviation": empyrical.downside_risk(returns, required_return=0.0001),
        "sortino": empyrical.sortino_ratio(returns, required_return=0.0001),
        "max_drawdown": empyrical.max_drawdown(returns),
        "calmar": empyrical.calmar_ratio(returns, annualization=per_year),
    }
    ours = {name: getattr(found, name) for name in expected}
    assert ours == pytest.approx(expected, rel=CLOSE)
    worst = tail.tail_risk(prices)
    assert worst is not None
    assert worst.value_at_risk == pytest.approx(empyrical.value_at_risk(returns), rel=CLOSE)
    shortfall = empyrical.conditional_value_at_risk(returns)
    assert worst.expected_shortfall == pytest.approx(shortfall, rel=CLOSE)


@pytest.mark.parametrize("symbol", SYMBOLS[1:])
def test_relations_are_those_of_empyrical_and_scipy(symbol: str) -> None:
    one, other = relations.align(market()[symbol], market()[SYMBOLS[0]])
    x, y = returns_of(one).to_numpy()[-252:], returns_of(other).to_numpy()[-252:]
    assert relations.beta(one, other) == pytest.approx(empyrical.beta(x, y), rel=CLOSE)
    assert relations.correlation(one, other) == pytest.approx(stats.pearsonr(x, y)[0], rel=CLOSE)


@pytest.mark.parametrize("symbol", SYMBOLS[:4])
def test_rolling_forms_are_empyricals(symbol: str) -> None:
    prices = market()[symbol].last(400)
    returns = returns_of(prices).to_numpy()
    for line, oracle in (
        (rolling.rolling_volatility, empyrical.roll_annual_volatility),
        (rolling.rolling_sharpe, empyrical.roll_sharpe_ratio),
        (rolling.rolling_max_drawdown, empyrical.roll_max_drawdown),
    ):
        expected = oracle(returns, window=60)
        assert line(prices, 60).values == pytest.approx(expected, rel=CLOSE, abs=1e-14)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_indicators_are_those_of_pandas(symbol: str) -> None:
    prices = market()[symbol].last(1260)
    close = framed(prices)
    seeded = pandas.concat([close[:50].mean() + 0 * close[49:50], close[50:]])
    expected = seeded.ewm(span=50, adjust=False).mean().to_numpy()
    assert indicators.ema(prices, 50).values == pytest.approx(expected, rel=CLOSE)
    bands = indicators.bollinger(prices)
    assert bands is not None
    spread = 2 * close[-20:].std(ddof=0)
    assert bands.middle == pytest.approx(close[-20:].mean(), rel=CLOSE)
    assert bands.upper == pytest.approx(close[-20:].mean() + spread, rel=CLOSE)
