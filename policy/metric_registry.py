"""Every figure that scores and plans read: its name, its unit, and what it takes to know it.

Rates, yields, margins and drawdowns are fractions (0.11 = 11 %), drawdowns negative; leverage is
debt by equity (1.5 = 150 %). A figure that is not known is None: zero is a value, None is none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from ledger.errors import StartError

Unit = Literal["fraction", "ratio", "price", "points", "days", "count", "score"]
Producer = Literal["prices", "dividends", "reported", "scores", "position"]
Metrics = Mapping[str, float | None]


@dataclass(frozen=True, slots=True)
class Metric:
    """`producer` tells whose `PRODUCES` names it; `closes` is how many of them it takes."""

    name: str
    unit: Unit
    producer: Producer
    closes: int = 0


DEFINED: tuple[Metric, ...] = (
    Metric("RSI_14", "points", "prices", 15),
    Metric("RSI_30", "points", "prices", 31),
    Metric("EMA_50", "price", "prices", 20),
    Metric("EMA_200", "price", "prices", 20),
    Metric("DISTANCE_FROM_EMA_200", "fraction", "prices", 20),
    Metric("BB_LOWER", "price", "prices", 20),
    Metric("BB_MIDDLE", "price", "prices", 20),
    Metric("BB_UPPER", "price", "prices", 20),
    Metric("BB_POSITION", "fraction", "prices", 20),
    Metric("MOMENTUM_30D", "fraction", "prices", 31),
    Metric("MOMENTUM_90D", "fraction", "prices", 91),
    Metric("HIGH_52W", "price", "prices", 50),
    Metric("LOW_52W", "price", "prices", 50),
    Metric("DISTANCE_FROM_52W_HIGH", "fraction", "prices", 50),
    Metric("VOLATILITY_30D", "fraction", "prices", 31),
    Metric("VOLATILITY_60D", "fraction", "prices", 61),
    Metric("VOLATILITY_ANNUAL", "fraction", "prices", 30),
    Metric("SHARPE", "ratio", "prices", 50),
    Metric("SORTINO", "ratio", "prices", 30),
    Metric("MAX_DRAWDOWN", "fraction", "prices", 30),
    Metric("CURRENT_DRAWDOWN", "fraction", "prices", 30),
    Metric("DAYS_IN_DRAWDOWN", "count", "prices", 30),
    Metric("CAGR_1Y", "fraction", "prices", 12),
    Metric("CAGR_3Y", "fraction", "prices", 12),
    Metric("CAGR_5Y", "fraction", "prices", 12),
    Metric("CAGR_10Y", "fraction", "prices", 12),
    Metric("DIVIDEND_YIELD", "fraction", "dividends"),
    Metric("DIVIDEND_GROWTH", "fraction", "dividends"),
    Metric("YEARS_SINCE_DIVIDEND_CUT", "count", "dividends"),
    Metric("PE_RATIO", "ratio", "reported"),
    Metric("FORWARD_PE", "ratio", "reported"),
    Metric("PROFIT_MARGIN", "fraction", "reported"),
    Metric("DEBT_TO_EQUITY", "ratio", "reported"),
    Metric("CURRENT_RATIO", "ratio", "reported"),
    Metric("PAYOUT_RATIO", "fraction", "reported"),
    Metric("DIVIDEND_YIELD_5Y_AVG", "fraction", "reported"),
    Metric("ANALYST_RECOMMENDATION", "score", "reported"),
    Metric("PRICE_TARGET_UPSIDE", "fraction", "reported"),
    Metric("CONSISTENCY_SCORE", "score", "scores"),
    Metric("FINANCIAL_STRENGTH", "score", "scores"),
    Metric("DIVIDEND_CONSISTENCY", "score", "scores"),
    Metric("TOTAL_RETURN", "fraction", "scores"),
    Metric("LONG_TERM_PROMISE", "score", "scores"),
    Metric("STABILITY_SCORE", "score", "scores"),
    Metric("EXCESS_GAIN", "fraction", "position"),
    Metric("WINDFALL_SCORE", "score", "position"),
)
METRICS: Mapping[str, Metric] = {metric.name: metric for metric in DEFINED}


def names_of(producer: Producer) -> frozenset[str]:
    """Everything that `producer` is to produce."""
    return frozenset(metric.name for metric in DEFINED if metric.producer == producer)


def check(
    consumed: Mapping[str, Collection[str]], produced: Mapping[Producer, Collection[str]]
) -> None:
    """Raise StartError naming every figure that is read, or defined, but that nothing produces.

    `consumed` by who reads it, `produced` by who makes it.
    """
    faults = [
        f"{reader} reads {name}, which is no metric"
        for reader, names in sorted(consumed.items())
        for name in sorted(names)
        if name not in METRICS
    ]
    faults += [
        f"nothing produces {metric.name}, which {_readers(metric.name, consumed)}"
        for metric in DEFINED
        if metric.name not in produced.get(metric.producer, ())
    ]
    faults += [
        f"{producer} produces {name}, which is not defined as its metric"
        for producer, names in sorted(produced.items())
        for name in sorted(names)
        if name not in names_of(producer)
    ]
    if faults:
        raise StartError("; ".join(faults))


def _readers(name: str, consumed: Mapping[str, Collection[str]]) -> str:
    readers = sorted(reader for reader, names in consumed.items() if name in names)
    return f"{', '.join(readers)} read" if readers else "is defined"
