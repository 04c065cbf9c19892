"""/api/analytics: how the portfolio did and why, what a position risks, how the market stands."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.analytics import Dimension
from ledger.errors import Missing
from ledger.regime import UNKNOWN_REGIME
from web.api.analytics_rows import (
    AttributionView,
    PerformanceView,
    PositionRiskView,
    RegimeView,
    attribution_view,
    performance_view,
    position_view,
    regime_view,
)
from web.asking import query
from web.context import here
from web.openapi import describe
from web.reply import from_boards, reply
from wire.analytics_asks import AssessPosition, AttributeReturns, ReviewPerformance

# Ten years of a hundred securities take a small board so long.
ASK_DEADLINE_S = 30.0
LONGEST_NAME = 40
Days = Annotated[int, Meta(ge=1, le=3650)]
bp = Blueprint("analytics", __name__, url_prefix="/api/analytics")


class RangeQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Calendar days, today included."""

    days: Days = 365


class AttributionQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`country_group` and `industry_group` are the owner's groups of the allocation."""

    days: Days = 365
    by: Dimension = "country"


@bp.get("/regime")
@describe(answer=RegimeView)
async def regime() -> Response:
    """Whether the market rises, falls or does neither, and how sure that is."""
    board = here().boards.regime
    return from_boards("regime", (board,), lambda: regime_view(board.value or UNKNOWN_REGIME))


@bp.get("/performance")
@describe(query=RangeQuery, answer=PerformanceView)
async def performance() -> Response:
    """Returns by day, month and year with their risk."""
    asked = ReviewPerformance(query(RangeQuery).days)
    found = await here().asks.analyst.ask(asked, deadline_s=ASK_DEADLINE_S)
    return reply(performance_view(found, paper=here().paper))


@bp.get("/attribution")
@describe(query=AttributionQuery, answer=AttributionView)
async def attribution() -> Response:
    """Where the return came from."""
    asked = query(AttributionQuery)
    request = AttributeReturns(asked.days, asked.by)
    found = await here().asks.analyst.ask(request, deadline_s=ASK_DEADLINE_S)
    return reply(attribution_view(found, paper=here().paper))


@bp.get("/positions/<isin>/risk")
@describe(query=RangeQuery, answer=PositionRiskView)
async def position(isin: str) -> Response:
    """The risk of one security, by ISIN or symbol, alone and within the portfolio."""
    days = query(RangeQuery).days
    if len(isin) > LONGEST_NAME:
        raise Missing(f"there is no security {isin[:LONGEST_NAME]!r}…")
    asked = AssessPosition(isin, days)
    return reply(position_view(await here().asks.analyst.ask(asked, deadline_s=ASK_DEADLINE_S)))
