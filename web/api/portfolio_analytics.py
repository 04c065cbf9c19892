"""/api/portfolio/analytics: returns, risk and attribution of the portfolio in one answer."""

from __future__ import annotations

from datetime import date

import msgspec
from quart import Blueprint, Response

from ledger.analytics import Attribution, Review
from web.api.analytics import ASK_DEADLINE_S, RangeQuery
from web.api.analytics_rows import (
    DayRow,
    MonthRow,
    TurnoverView,
    day_rows,
    month_rows,
    turnover_view,
)
from web.asking import query
from web.context import here
from web.openapi import describe
from web.reply import reply
from wire.analytics_asks import ReviewPortfolio

bp = Blueprint("portfolio_analytics", __name__, url_prefix="/api/portfolio")


class Returns(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Time-weighted, in EUR; `annual` is the total scaled to 252 trading days."""

    daily: list[DayRow]
    monthly: list[MonthRow]
    annual: float | None


class RiskMetrics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Per year; `max_drawdown` is negative."""

    sharpe_ratio: float | None
    sortino_ratio: float | None
    calmar_ratio: float | None
    volatility: float | None
    max_drawdown: float | None


class Buckets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Contributions to the total return by name; each of both adds up to it."""

    country: dict[str, float]
    industry: dict[str, float]


class Period(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    start_date: date | None
    end_date: date | None
    days: int


class PortfolioAnalytics(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`error` says why there are no returns, and is null when there are."""

    available: bool
    error: str | None
    returns: Returns
    risk_metrics: RiskMetrics
    attribution: Buckets
    period: Period
    turnover: TurnoverView | None
    paper: bool


@bp.get("/analytics")
@describe(query=RangeQuery, answer=PortfolioAnalytics)
async def analytics() -> Response:
    """How the portfolio did in the last days, and where that came from."""
    asked = ReviewPortfolio(query(RangeQuery).days)
    found = await here().asks.analyst.ask(asked, deadline_s=ASK_DEADLINE_S)
    return reply(_view(found, paper=here().paper))


def _view(found: Review, *, paper: bool) -> PortfolioAnalytics:
    past = found.performance
    fall = past.risk.max_drawdown
    return PortfolioAnalytics(
        available=past.available,
        error=past.reason,
        returns=Returns(day_rows(past.daily), month_rows(past.monthly), past.annual),
        risk_metrics=RiskMetrics(
            sharpe_ratio=past.risk.sharpe,
            sortino_ratio=past.risk.sortino,
            calmar_ratio=past.risk.calmar,
            volatility=past.risk.volatility,
            max_drawdown=None if fall is None else fall.depth,
        ),
        attribution=Buckets(_by_name(found.by_country), _by_name(found.by_industry)),
        period=Period(past.first, past.last, past.days),
        turnover=turnover_view(past.turnover),
        paper=paper,
    )


def _by_name(found: Attribution) -> dict[str, float]:
    return {part.name: part.total for part in found.parts}
