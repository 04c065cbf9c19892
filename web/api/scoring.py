"""/api/scoring: a calculator for prices that are not in the universe; nothing is kept."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.score import Score
from web.asking import body
from web.context import here
from web.errors import invalid
from web.openapi import describe
from web.reply import reply
from wire.scoring_asks import ScoreSeries

ASK_DEADLINE_S = 10.0
ROWS = 10_000
MONTHS = 1_200
PLACES = 3
TOTAL_PLACES = 4
bp = Blueprint("scoring", __name__, url_prefix="/api/scoring")

Close = Annotated[float, Meta(ge=1e-9, le=1e12)]
Ratio = Annotated[float, Meta(ge=-1e6, le=1e6)]

# What the fields of the body are called as metrics.
FIGURES: Mapping[str, str] = {
    "pe_ratio": "PE_RATIO",
    "forward_pe": "FORWARD_PE",
    "dividend_yield": "DIVIDEND_YIELD",
    "payout_ratio": "PAYOUT_RATIO",
    "five_year_avg_div_yield": "DIVIDEND_YIELD_5Y_AVG",
    "profit_margin": "PROFIT_MARGIN",
    "debt_to_equity": "DEBT_TO_EQUITY",
    "current_ratio": "CURRENT_RATIO",
    "analyst_recommendation": "ANALYST_RECOMMENDATION",
    "upside_pct": "PRICE_TARGET_UPSIDE",
    "sortino_ratio": "SORTINO",
    "max_drawdown": "MAX_DRAWDOWN",
}


class MonthlyPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last close of a month, adjusted for splits."""

    year_month: Annotated[str, Meta(pattern=r"^[12]\d{3}-(0[1-9]|1[0-2])$")]
    avg_adj_close: Close


class ScoreBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Prices oldest first. Every ratio is a fraction: 0.2 is 20 %, a debt of 1.5 times the equity
    is 1.5. What is left out or null is computed from the prices where they can tell it, comes from
    the settings, or counts as not known.
    """

    symbol: Annotated[str, Meta(min_length=1, max_length=40)]
    daily_prices: Annotated[list[Close], Meta(min_length=1, max_length=ROWS)]
    monthly_prices: Annotated[list[MonthlyPrice], Meta(max_length=MONTHS)] = []
    market_avg_pe: Annotated[float, Meta(ge=0, le=200)] | None = None
    target_annual_return: Annotated[float, Meta(ge=0, le=0.5)] | None = None
    pe_ratio: Ratio | None = None
    forward_pe: Ratio | None = None
    dividend_yield: Annotated[float, Meta(ge=0, le=1)] | None = None
    payout_ratio: Annotated[float, Meta(ge=0, le=10)] | None = None
    five_year_avg_div_yield: Annotated[float, Meta(ge=0, le=1)] | None = None
    profit_margin: Annotated[float, Meta(ge=-10, le=1)] | None = None
    debt_to_equity: Annotated[float, Meta(ge=-50, le=50)] | None = None
    current_ratio: Annotated[float, Meta(ge=0, le=1000)] | None = None
    analyst_recommendation: Annotated[float, Meta(ge=0, le=1)] | None = None
    upside_pct: Annotated[float, Meta(ge=-1, le=5)] | None = None
    sortino_ratio: Ratio | None = None
    max_drawdown: Annotated[float, Meta(ge=-1, le=1)] | None = None


class ScoreView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Scores are 0 to 1, null where nothing is known. `coverage` is the part of the total's weights
    that is known; what is missing draws the total to 0.5. `reason` says why there is no total.
    """

    symbol: str
    total_score: float | None
    coverage: float
    reason: str | None
    volatility: float | None
    calculated_at: datetime
    group_scores: dict[str, float | None]
    sub_scores: dict[str, dict[str, float | None]]


class ScoreAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    score: ScoreView


@bp.post("/score")
@describe(body=ScoreBody, answer=ScoreAnswer)
async def score() -> Response:
    """Score a company's prices and figures by the rules in force; nothing is kept."""
    given = await body(ScoreBody)
    asked = ScoreSeries(
        symbol=_symbol(given.symbol),
        daily=tuple(given.daily_prices),
        monthly=_month_ends(given.monthly_prices),
        figures={
            name: float(getattr(given, field))
            for field, name in FIGURES.items()
            if getattr(given, field) is not None
        },
        target_annual_return=_or_setting(given.target_annual_return),
        market_avg_pe=_or_setting(given.market_avg_pe),
    )
    web = here()
    found = await web.asks.analyst.ask(asked, deadline_s=ASK_DEADLINE_S)
    return reply(ScoreAnswer(view_of(found, at=web.clock.market_now())))


def view_of(found: Score, *, at: datetime) -> ScoreView:
    return ScoreView(
        symbol=found.symbol,
        total_score=_rounded(found.total, TOTAL_PLACES),
        coverage=round(found.coverage, TOTAL_PLACES),
        reason=found.reason,
        volatility=_rounded(found.volatility, TOTAL_PLACES),
        calculated_at=at,
        group_scores={name: _rounded(value) for name, value in found.groups.items()},
        sub_scores={
            name: {part: _rounded(value) for part, value in parts.items()}
            for name, parts in found.parts.items()
        },
    )


def _symbol(text: str) -> str:
    """Raises Problem 422 for blank text."""
    if not text.strip():
        raise invalid([{"field": "symbol", "value": text, "message": "must not be blank"}])
    return text.strip()


def _month_ends(rows: list[MonthlyPrice]) -> tuple[tuple[date, float], ...]:
    """Raises Problem 422 unless the months ascend."""
    for before, after in pairwise(rows):
        if after.year_month <= before.year_month:
            message = f"must be later than {before.year_month}, oldest first"
            field = "monthly_prices[].year_month"
            raise invalid([{"field": field, "value": after.year_month, "message": message}])
    return tuple((_month_end(row.year_month), row.avg_adj_close) for row in rows)


def _month_end(text: str) -> date:
    year, month = int(text[:4]), int(text[5:])
    return date(year, month, calendar.monthrange(year, month)[1])


def _or_setting(value: float | None) -> Decimal | None:
    """0 means the setting, as it does when it is left out."""
    return Decimal(str(value)) if value else None


def _rounded(value: float | None, places: int = PLACES) -> float | None:
    return None if value is None else round(value, places)
