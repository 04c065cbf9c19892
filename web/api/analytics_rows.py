"""Performance, attribution, risk and regime as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import msgspec

from ledger.analytics import (
    Attribution,
    DayReturn,
    Dimension,
    Performance,
    PeriodReturn,
    PositionRisk,
    Regression,
    RiskFigures,
    Turnover,
    UnknownDay,
)
from ledger.regime import Regime, RegimeName
from web.api.rolling_rows import RollingRow, rolling_rows
from web.encode import amount

# What a figure is called here and elsewhere.
_SHOWN = {"sharpe": "sharpe_ratio", "sortino": "sortino_ratio", "calmar": "calmar_ratio"}


class RegimeView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Distances are price / mean of 200 closes - 1; `stale` when the newest bar is too old."""

    regime: RegimeName
    confidence: float
    mean_distance: float | None
    per_index: dict[str, float]
    as_of: date | None
    stale: bool
    reason: str | None


class DayRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    date: date
    value: float = msgspec.field(name="return")


class MonthRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`month` is YYYY-MM; its days that are known are compounded."""

    month: str
    value: float = msgspec.field(name="return")


class YearRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    year: str
    value: float = msgspec.field(name="return")


class DrawdownView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`depth` is negative; `recovery_date` is null while the peak has not been seen again."""

    depth: float
    peak_date: date
    trough_date: date
    recovery_date: date | None


class RiskView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`var_95` and `cvar_95` are returns of one day, so losses are negative.

    `missing` says of every figure that is null why it is.
    """

    volatility: float | None
    downside_deviation: float | None
    sharpe_ratio: float | None
    sortino_ratio: float | None
    calmar_ratio: float | None
    max_drawdown: DrawdownView | None
    current_drawdown: float | None
    days_in_drawdown: int | None
    var_95: float | None
    cvar_95: float | None
    best_day: float | None
    worst_day: float | None
    missing: dict[str, str]


class TurnoverView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Half of what was traded in 365 days over the mean value; `alert` when it is high."""

    annual_turnover: float | None
    turnover_display: str
    status: str
    alert: str | None
    reason: str


class UnknownRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A trading day without a value; `missing` are the symbols and currencies to blame.

    Its return is part of the next known day's.
    """

    date: date
    missing: list[str]


class PerformanceView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Time-weighted returns in EUR between the closes of `start_date` and `end_date`.

    `flows` is what came from (+) and went to (-) the owner. Values are in EUR.
    """

    available: bool
    reason: str | None
    days: int
    start_date: date | None
    end_date: date | None
    total_return: float | None
    annual_return: float | None
    daily: list[DayRow]
    monthly: list[MonthRow]
    yearly: list[YearRow]
    risk: RiskView
    turnover: TurnoverView | None
    start_value: Decimal | None
    end_value: Decimal | None
    flows: Decimal | None
    rolling: list[RollingRow]
    unknown_days: list[UnknownRow]
    paper: bool


class PartRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a bucket added to the total; `weight` is its mean share of the total value."""

    name: str
    contribution: float
    annual_contribution: float | None
    weight: float | None


class LoadingRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    loading: float
    t_stat: float | None


class RegressionView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Daily excess returns on the factors; `alpha` is per day."""

    loadings: list[LoadingRow]
    alpha: float
    alpha_t_stat: float | None
    r_squared: float | None
    observations: int


class AttributionView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The parts add up to the total return, annualised too."""

    available: bool
    reason: str | None
    by: Dimension
    days: int
    start_date: date | None
    end_date: date | None
    total_return: float | None
    annual_return: float | None
    parts: list[PartRow]
    regression: RegressionView | None
    unknown_days: list[UnknownRow]
    paper: bool


class CorrelatedRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    symbol: str
    correlation: float


class PositionRiskView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of the total return in EUR; what looks back a year does so whatever `days` are asked for.

    `weight` is a fraction of the total value, `concentration` the sum of the squares of all. The
    parts of all securities add up to `portfolio_volatility`; `left_out` have too few prices.
    """

    available: bool
    reason: str | None
    symbol: str
    days: int
    start_date: date | None
    end_date: date | None
    observations: int
    total_return: float | None
    risk: RiskView
    rolling: list[RollingRow]
    beta: float | None
    benchmark_correlation: float | None
    portfolio_correlation: float | None
    high_correlations: list[CorrelatedRow]
    weight: float | None
    concentration: float | None
    risk_contribution: float | None
    risk_share: float | None
    portfolio_volatility: float | None
    left_out: list[str]
    missing: dict[str, str]


def regime_view(found: Regime) -> RegimeView:
    return RegimeView(
        regime=found.regime,
        confidence=found.confidence,
        mean_distance=found.mean_distance,
        per_index=dict(found.per_index),
        as_of=found.as_of,
        stale=found.stale,
        reason=found.reason,
    )


def performance_view(found: Performance, *, paper: bool) -> PerformanceView:
    return PerformanceView(
        available=found.available,
        reason=found.reason,
        days=found.days,
        start_date=found.first,
        end_date=found.last,
        total_return=found.total,
        annual_return=found.annual,
        daily=day_rows(found.daily),
        monthly=month_rows(found.monthly),
        yearly=[YearRow(one.period, one.value) for one in found.yearly],
        risk=_risk(found.risk),
        turnover=turnover_view(found.turnover),
        start_value=amount(found.start_value),
        end_value=amount(found.end_value),
        flows=amount(found.flows),
        rolling=rolling_rows(found.rolling),
        unknown_days=_unknown(found.unknown),
        paper=paper,
    )


def day_rows(daily: Sequence[DayReturn]) -> list[DayRow]:
    return [DayRow(one.day, one.value) for one in daily]


def month_rows(monthly: Sequence[PeriodReturn]) -> list[MonthRow]:
    return [MonthRow(one.period, one.value) for one in monthly]


def turnover_view(found: Turnover | None) -> TurnoverView | None:
    if found is None:
        return None
    return TurnoverView(
        annual_turnover=found.annual,
        turnover_display="N/A" if found.annual is None else f"{found.annual:.2%}",
        status=found.status,
        alert=found.status if found.status in {"warning", "critical"} else None,
        reason=found.reason,
    )


def _risk(found: RiskFigures) -> RiskView:
    fall = found.max_drawdown
    return RiskView(
        volatility=found.volatility,
        downside_deviation=found.downside_deviation,
        sharpe_ratio=found.sharpe,
        sortino_ratio=found.sortino,
        calmar_ratio=found.calmar,
        max_drawdown=None
        if fall is None
        else DrawdownView(fall.depth, fall.peak, fall.trough, fall.recovered),
        current_drawdown=found.current_drawdown,
        days_in_drawdown=found.days_in_drawdown,
        var_95=found.var_95,
        cvar_95=found.cvar_95,
        best_day=found.best_day,
        worst_day=found.worst_day,
        missing={_SHOWN.get(name, name): reason for name, reason in found.missing},
    )


def _unknown(days: Sequence[UnknownDay]) -> list[UnknownRow]:
    return [UnknownRow(one.day, list(one.names)) for one in days]


def attribution_view(found: Attribution, *, paper: bool) -> AttributionView:
    return AttributionView(
        available=found.available,
        reason=found.reason,
        by=found.by,
        days=found.days,
        start_date=found.first,
        end_date=found.last,
        total_return=found.total,
        annual_return=found.annual,
        parts=[PartRow(p.name, p.total, p.annual, p.weight) for p in found.parts],
        regression=_regression(found.regression),
        unknown_days=_unknown(found.unknown),
        paper=paper,
    )


def _regression(found: Regression | None) -> RegressionView | None:
    if found is None:
        return None
    return RegressionView(
        loadings=[LoadingRow(one.name, one.loading, one.t_stat) for one in found.loadings],
        alpha=found.alpha,
        alpha_t_stat=found.alpha_t_stat,
        r_squared=found.r_squared,
        observations=found.observations,
    )


def position_view(found: PositionRisk) -> PositionRiskView:
    return PositionRiskView(
        available=found.available,
        reason=found.reason,
        symbol=found.symbol,
        days=found.days,
        start_date=found.first,
        end_date=found.last,
        observations=found.observations,
        total_return=found.total,
        risk=_risk(found.risk),
        rolling=rolling_rows(found.rolling),
        beta=found.beta,
        benchmark_correlation=found.benchmark_correlation,
        portfolio_correlation=found.portfolio_correlation,
        high_correlations=[
            CorrelatedRow(one.symbol, one.correlation) for one in found.high_correlations
        ],
        weight=found.weight,
        concentration=found.concentration,
        risk_contribution=found.risk_contribution,
        risk_share=found.risk_share,
        portfolio_volatility=found.portfolio_volatility,
        left_out=list(found.left_out),
        missing=dict(found.missing),
    )
