"""Price histories and figures for scoring tests, each in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from kernels.checks import Floats, Ints
from kernels.series import Series
from ledger.bar import Fundamental
from policy.limits import DEFAULTS
from policy.metric_registry import METRICS, Metrics
from policy.metrics import complete
from policy.price_history import PriceHistory
from policy.scoring.context import Subject

LAST = date(2025, 12, 31)
TEN_YEARS = 2610

COMPANY = Subject(1, "AAA.EU", "EQUITY", "Germany", ("Software",))

# A company of which everything is known, and nothing of it extreme.
KNOWN: Mapping[str, float] = {
    "CAGR_5Y": 0.10, "CAGR_10Y": 0.08, "SORTINO": 1.2, "SHARPE": 0.8, "PROFIT_MARGIN": 0.12,
    "DEBT_TO_EQUITY": 0.6, "CURRENT_RATIO": 1.5, "DISTANCE_FROM_52W_HIGH": 0.08, "PE_RATIO": 18.0,
    "FORWARD_PE": 17.0, "DIVIDEND_YIELD": 0.025, "DIVIDEND_GROWTH": 0.04, "PAYOUT_RATIO": 0.45,
    "MOMENTUM_30D": 0.02, "MOMENTUM_90D": 0.04, "MAX_DRAWDOWN": -0.22, "RSI_14": 52.0,
    "BB_POSITION": 0.5, "DISTANCE_FROM_EMA_200": 0.03, "ANALYST_RECOMMENDATION": 0.7,
    "PRICE_TARGET_UPSIDE": 0.08, "VOLATILITY_ANNUAL": 0.22, "VOLATILITY_60D": 0.2,
    "CURRENT_DRAWDOWN": -0.03, "DAYS_IN_DRAWDOWN": 20.0, "YEARS_SINCE_DIVIDEND_CUT": 6.0,
    "DIVIDEND_YIELD_5Y_AVG": 0.02,
}  # fmt: skip


def figures(**changes: float | None) -> Metrics:
    """Every metric: those of KNOWN with `changes`, the others missing, derived ones computed."""
    return complete({**dict.fromkeys(METRICS), **KNOWN, **changes}, COMPANY)


def nothing(**known: float | None) -> Metrics:
    """Every metric missing but `known`."""
    return complete({**dict.fromkeys(METRICS), **known}, COMPANY)


def weekdays(count: int, last: date = LAST) -> Ints:
    """The last `count` weekdays up to `last`."""
    days = np.arange(last.toordinal() - 2 * count - 7, last.toordinal() + 1)
    return days[(days - 1) % 7 < 5][-count:].astype(np.int32)


def walk(count: int = TEN_YEARS, *, seed: int = 1, drift: float = 0.0003) -> Floats:
    moves = np.random.default_rng(seed).normal(drift, 0.012, count)
    return 50 * np.exp(np.cumsum(moves))


def history(
    close: Sequence[float] | Floats,
    *,
    dividends: Mapping[date, float] | None = None,
    days: Ints | None = None,
    **changes: Any,
) -> PriceHistory:
    """`close` up to LAST; `dividends` per share by ex-date, which must be days of the series."""
    values = np.asarray(close, dtype=np.float64)
    used = weekdays(len(values)) if days is None else days
    units = np.ones(len(values))
    for ex_date, amount in (dividends or {}).items():
        at = int(np.flatnonzero(used == ex_date.toordinal())[0])
        units[at:] *= 1 + amount / values[at]
    fields: dict[str, Any] = {
        "security_id": 1,
        "symbol": "AAA.EU",
        "currency": "EUR",
        "close": Series(used, values),
        "high": Series(used, values * 1.01),
        "low": Series(used, values * 0.99),
        "total": Series(used, values * units),
        "close_eur": None,
        "total_eur": None,
        "repaired": 0,
        "unusable": None,
    }
    return PriceHistory(**{**fields, **changes})


def reported(as_of: date = LAST, **values: float) -> tuple[Fundamental, ...]:
    """Figures by name in small letters, all known since `as_of`."""
    return tuple(
        Fundamental(name, as_of, Decimal(str(value))) for name, value in sorted(values.items())
    )


REPORT = reported(
    pe_ratio=18, forward_pe=17, profit_margin=0.12, debt_to_equity=0.6, current_ratio=1.5,
    payout_ratio=0.45, analyst_recommendation=0.7, price_target_upside=0.08, num_analysts=12,
)  # fmt: skip
LIMITS = DEFAULTS
