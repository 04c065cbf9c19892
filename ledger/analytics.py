"""How the portfolio did, why, and what it risks: what the analyst answers.

Returns, weights, contributions and risk figures are fractions, drawdowns negative. What cannot be
known is None; `reason` says why, and stands for the whole answer when `available` is False.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from ledger.money import Money

Dimension = Literal[
    "country", "country_group", "industry", "industry_group", "currency", "factor"
]  # fmt: skip
CASH_BUCKET = "cash"
"""What the cash itself earned: moves of its currencies, interest, account fees."""
TRADING_BUCKET = "trading"
"""What trading at other prices than the close made or cost, with all fees."""


@dataclass(frozen=True, slots=True)
class UnknownDay:
    """A trading day without a value, and the symbols and currencies whose price or rate it lacks.

    Its return is part of the next known day's.
    """

    day: date
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DayReturn:
    day: date
    value: float


@dataclass(frozen=True, slots=True)
class RollingDay:
    """Figures of the returns in a window that ends on `day`; per year, but the drawdown."""

    day: date
    volatility: float
    sharpe: float | None
    max_drawdown: float
    beta: float | None


@dataclass(frozen=True, slots=True)
class PeriodReturn:
    """The compounded return of the days of a month (2026-03) or a year (2026) that are known."""

    period: str
    value: float


@dataclass(frozen=True, slots=True)
class Drawdown:
    """A fall from `peak` to `trough`; `recovered` is the first day at the peak's height again."""

    depth: float
    peak: date
    trough: date
    recovered: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RiskFigures:
    """Risk of one daily series: deviations and ratios per year, the others of single days.

    `var_95` is the return that one day in twenty falls short of, `cvar_95` the mean of those days.
    `days_in_drawdown` counts closes since the last peak. `missing` says of every figure that is
    None why it is.
    """

    volatility: float | None = None
    downside_deviation: float | None = None
    sharpe: float | None = None
    sortino: float | None = None
    calmar: float | None = None
    max_drawdown: Drawdown | None = None
    current_drawdown: float | None = None
    days_in_drawdown: int | None = None
    var_95: float | None = None
    cvar_95: float | None = None
    best_day: float | None = None
    worst_day: float | None = None
    missing: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Turnover:
    """Half of what was bought and sold in 365 days, as a share of the mean value.

    `status` is normal, warning from 0.5 on, critical from 1 on, or unknown with a reason.
    """

    annual: float | None
    status: Literal["normal", "warning", "critical", "unknown"]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """Time-weighted returns in EUR of the trading days after `first`, up to `last`.

    `annual` is the total scaled to 252 trading days, or the total itself below three of them.
    `start_value` and `end_value` are those at the close of the two days, `flows` what came from
    (+) and went to (−) the owner between.
    """

    available: bool
    reason: str | None = None
    days: int
    first: date | None = None
    last: date | None = None
    daily: tuple[DayReturn, ...] = ()
    monthly: tuple[PeriodReturn, ...] = ()
    yearly: tuple[PeriodReturn, ...] = ()
    total: float | None = None
    annual: float | None = None
    risk: RiskFigures = RiskFigures()
    turnover: Turnover | None = None
    start_value: Money | None = None
    end_value: Money | None = None
    flows: Money | None = None
    rolling: tuple[RollingDay, ...] = ()
    unknown: tuple[UnknownDay, ...] = ()


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one bucket added to the total return; all of them add up to it, annualised too.

    `weight` is its mean share of the total value, None where a bucket holds nothing.
    """

    name: str
    total: float
    annual: float | None
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class Loading:
    """How far the portfolio follows a factor, and how sure that is."""

    name: str
    loading: float
    t_stat: float | None


@dataclass(frozen=True, slots=True)
class Regression:
    """Least squares of daily excess returns on the factors; `alpha` is per day."""

    loadings: tuple[Loading, ...]
    alpha: float
    alpha_t_stat: float | None
    r_squared: float | None
    observations: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribution:
    """The total return of the trading days after `first`, up to `last`, cut into buckets.

    `regression` is there when the buckets are factors.
    """

    by: Dimension
    available: bool
    reason: str | None = None
    days: int
    first: date | None = None
    last: date | None = None
    total: float | None = None
    annual: float | None = None
    parts: tuple[Contribution, ...] = ()
    regression: Regression | None = None
    unknown: tuple[UnknownDay, ...] = ()


@dataclass(frozen=True, slots=True)
class Review:
    """Performance and its attribution over the same days."""

    performance: Performance
    by_country: Attribution
    by_industry: Attribution


@dataclass(frozen=True, slots=True)
class Correlated:
    symbol: str
    correlation: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionRisk:
    """Risk of one security by its total return in EUR between `first` and `last`.

    `beta` and the correlations are those of the newest 252 returns. `weight` is a fraction of the
    total value at the last close, 0 when it is not held, and `concentration` the sum of the squares
    of all of them. `risk_contribution` is what the security adds to `portfolio_volatility`, per
    year, and `risk_share` the same as a part of it; both are reckoned from the securities held
    now, at their weights, but those `left_out` for want of prices. `missing` says of every figure
    here that is None why it is.
    """

    symbol: str
    available: bool
    reason: str | None = None
    days: int
    first: date | None = None
    last: date | None = None
    total: float | None = None
    observations: int = 0
    risk: RiskFigures = RiskFigures()
    rolling: tuple[RollingDay, ...] = ()
    beta: float | None = None
    benchmark_correlation: float | None = None
    portfolio_correlation: float | None = None
    high_correlations: tuple[Correlated, ...] = ()
    weight: float | None = None
    concentration: float | None = None
    risk_contribution: float | None = None
    risk_share: float | None = None
    portfolio_volatility: float | None = None
    left_out: tuple[str, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
