"""How fast the metrics are beside empyrical and pandas: `python -m bench.metrics`.

Everybody gets the same five years of prices, and both figures of a ratio come from the same run.
empyrical gets ready-made returns in bare arrays, which it is fastest with, while ours start from
prices; only where days have to be matched its returns have dates.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.kernels import best_seconds, price_series
from bench.report import Measurement, Section, as_text
from kernels import indicators, relations, risk, rolling
from kernels.checks import Floats
from kernels.drawdown import drawdown_series
from kernels.series import Series
from kernels.tail import tail_risk

NEEDED = ("empyrical", "pandas")
CALLS, ROLLING_CALLS, ROUNDS, WINDOW = 50, 2, 9, 252
EPOCH = 719_163
"""The proleptic ordinal of 1 January 1970."""

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Given:
    """The same data for everybody."""

    prices: Series
    benchmark: Series
    returns: Floats
    others: Floats
    frame: Any
    """Prices, returns and the benchmark's returns in columns of pandas, by date."""

    @classmethod
    def made(cls) -> Given:
        prices, benchmark = price_series(), price_series(seed=4)
        returns, others = (np.diff(s.values) / s.values[:-1] for s in (prices, benchmark))
        pandas = importlib.import_module("pandas")
        frame = pandas.DataFrame(
            {"prices": prices.values[1:], "returns": returns, "others": others},
            index=pandas.to_datetime(prices.days[1:] - EPOCH, unit="D"),
        )
        return cls(prices, benchmark, returns, others, frame)


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure by us and by them, `calls` times."""

    ours: Work
    theirs: Work
    calls: int = CALLS

    def micros(self) -> tuple[float, float]:
        """Of one call of each."""
        return micros(self.ours, self.calls), micros(self.theirs, self.calls)


def micros(work: Work, calls: int = CALLS) -> float:
    """Microseconds of one call, best of a few rounds of `calls`."""

    def repeated() -> None:
        for _ in range(calls):
            work()

    return best_seconds(repeated, repeats=ROUNDS) / calls * 1e6


def _in_one_pass(given: Given, empyrical: Any) -> Mapping[str, Pair]:
    """The metrics of the summary, each asked for alone."""
    p, r = given.prices, given.returns
    return {
        "volatility": Pair(
            lambda: risk.annual_volatility(p), lambda: empyrical.annual_volatility(r)
        ),
        "Sharpe": Pair(lambda: risk.sharpe_ratio(p), lambda: empyrical.sharpe_ratio(r)),
        "Sortino": Pair(lambda: risk.sortino_ratio(p), lambda: empyrical.sortino_ratio(r)),
        "downside deviation": Pair(
            lambda: risk.downside_deviation(p), lambda: empyrical.downside_risk(r)
        ),
        "max drawdown": Pair(lambda: risk.max_drawdown(p), lambda: empyrical.max_drawdown(r)),
        "CAGR": Pair(lambda: risk.cagr(p), lambda: empyrical.cagr(r)),
        "Calmar": Pair(lambda: risk.summary(p).calmar, lambda: empyrical.calmar_ratio(r)),
    }


def _others(given: Given, empyrical: Any) -> Mapping[str, Pair]:
    p, b, r = given.prices, given.benchmark, given.returns
    dated, others = given.frame["returns"], given.frame["others"]

    def tail() -> object:
        return empyrical.value_at_risk(r), empyrical.conditional_value_at_risk(r)

    return {
        "drawdown series": Pair(lambda: drawdown_series(p), lambda: empyrical.drawdown_series(r)),
        "value at risk and shortfall": Pair(lambda: tail_risk(p), tail),
        "beta": Pair(
            lambda: relations.beta(p, b, window=len(r)), lambda: empyrical.beta(dated, others)
        ),
    }


def _rolling(given: Given, empyrical: Any) -> Mapping[str, Pair]:
    p, b, r, o = given.prices, given.benchmark, given.returns, given.others
    pairs: dict[str, tuple[Work, Work]] = {
        "rolling volatility": (
            lambda: rolling.rolling_volatility(p, WINDOW),
            lambda: empyrical.roll_annual_volatility(r, WINDOW),
        ),
        "rolling Sharpe": (
            lambda: rolling.rolling_sharpe(p, WINDOW),
            lambda: empyrical.roll_sharpe_ratio(r, WINDOW),
        ),
        "rolling max drawdown": (
            lambda: rolling.rolling_max_drawdown(p, WINDOW),
            lambda: empyrical.roll_max_drawdown(r, WINDOW),
        ),
        "rolling beta": (
            lambda: rolling.rolling_beta(p, b, WINDOW),
            lambda: empyrical.roll_beta(r, o, WINDOW),
        ),
    }
    return {name: Pair(ours, theirs, ROLLING_CALLS) for name, (ours, theirs) in pairs.items()}


def _indicators(given: Given) -> Mapping[str, Pair]:
    """Against pandas, which has the parts they are made of."""
    p, table = given.prices, given.frame
    frame = table["prices"]

    def strength() -> object:
        moves = frame.diff().iloc[1:]
        gains, losses = (
            part.ewm(alpha=1 / 14, adjust=False).mean()
            for part in (moves.clip(lower=0.0), -moves.clip(upper=0.0))
        )
        return 100.0 - 100.0 / (1.0 + gains / losses)

    def bands() -> object:
        newest = frame.iloc[-20:]
        middle, deviation = newest.mean(), newest.std(ddof=0)
        return middle - 2.0 * deviation, middle, middle + 2.0 * deviation

    return {
        "EMA 200, whole line": Pair(
            lambda: indicators.ema(p, 200), lambda: frame.ewm(span=200, adjust=False).mean()
        ),
        "RSI 14, whole line": Pair(lambda: indicators.rsi(p), strength),
        "Bollinger bands, newest": Pair(lambda: indicators.bollinger(p), bands),
        "correlation": Pair(
            lambda: relations.correlation(p, given.benchmark, window=len(given.returns)),
            lambda: table["returns"].corr(table["others"]),
        ),
    }


def _lines(peer: str, pairs: Mapping[str, Pair]) -> Iterator[Measurement]:
    for name, pair in pairs.items():
        yield _line(name, peer, *pair.micros())


def _line(name: str, peer: str, ours: float, theirs: float) -> Measurement:
    text = f"{name}: ours {ours:,.1f} µs, {peer} {theirs:,.1f} µs"
    return Measurement(text, theirs / ours, "×", more_is_better=True)


def _compared() -> Iterator[Measurement]:
    given = Given.made()
    empyrical = importlib.import_module("empyrical.stats")
    alone = {name: pair.micros() for name, pair in _in_one_pass(given, empyrical).items()}
    for name, (ours, theirs) in alone.items():
        yield _line(name, "empyrical", ours, theirs)
    together = micros(lambda: risk.summary(given.prices))
    one_by_one = sum(theirs for _, theirs in alone.values())
    yield _line("all of these and five more in one pass", "empyrical", together, one_by_one)
    yield from _lines("empyrical", _others(given, empyrical))
    yield from _lines("empyrical", _rolling(given, empyrical))
    yield from _lines("pandas", _indicators(given))


def measure() -> Section:
    """Every metric beside its peer; about five seconds. Empty, and says so, without the peers."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        why = f"not measured: {' and '.join(missing)} of the extra [oracle] not installed."
        return Section("Metrics", why, ())
    return Section(
        "Metrics",
        f"Metrics and indicators of {len(price_series()):,} days of prices, each asked for alone,"
        f" and the same by the libraries that they agree with; windows of {WINDOW} days roll over"
        " all of them. Whatever is in the summary costs as much alone as all of it. Measured is how"
        " many times as long the other library takes. empyrical gets ready-made returns in bare"
        " arrays, with dates where days have to be matched; ours begin with prices.",
        tuple(_compared()),
    )


def main() -> None:
    print(as_text(measure()))


if __name__ == "__main__":
    main()
