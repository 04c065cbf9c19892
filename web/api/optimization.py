"""/api/optimizer: the target weights that were last found, and finding new ones.

Every share, return and change is a fraction, of the total value where it is a weight.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

import msgspec
from quart import Blueprint, Response

from ledger.optimization import Adjustment, Fallback, GroupBand, OptimizerRun
from web.asking import body
from web.context import here
from web.encode import amount
from web.openapi import describe
from web.reply import reply
from wire.optimizer_asks import OptimizerState, RunOptimizer, ShowOptimizer

ASK_DEADLINE_S = 10.0
RUN_DEADLINE_S = 120.0
SHOWN = 5
bp = Blueprint("optimization", __name__, url_prefix="/api/optimizer")

_SHARE = Decimal("0.0001")
_EURO = Decimal(1)
_CORRELATION_PLACES, _RETURN_PLACES, _RISK_PLACES = 3, 4, 6


class AdjustmentRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A weight that is to change."""

    symbol: str
    current_pct: Decimal
    target_pct: Decimal
    change_pct: Decimal
    change_eur: Decimal
    direction: Literal["buy", "sell"]


class CorrelationRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    symbol1: str
    symbol2: str
    correlation: float


class BandRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The band of a group; `slack` is how far the result is outside of it."""

    name: str
    target: float
    range: tuple[float, float]
    slack: float


class ConstraintsView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What held the result back; `held_without_data` keep their weight for lack of figures."""

    total_stocks: int
    locked_positions: list[str]
    buy_only: list[str]
    sell_blocked: list[str]
    held_without_data: list[str]
    country_constraints: list[BandRow]
    industry_constraints: list[BandRow]


class RunView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One run. `level` tells how far the groups' bands were kept: full, relaxed or none;
    `risk_contributions` are the parts of the volatility, `concentration` is 1 for a single name.
    """

    run_id: str
    success: bool
    error: str | None
    target_return_pct: float
    achieved_return_pct: float | None
    achieved_volatility_pct: float | None
    blend_used: float
    fallback_used: Fallback | None
    level: Literal["full", "relaxed", "none"]
    regime: str
    cash_pct: Decimal
    total_stocks_optimized: int
    top_adjustments: list[AdjustmentRow]
    next_action: str | None
    high_correlations: list[CorrelationRow]
    concentration: float | None
    risk_contributions: dict[str, float]
    constraints: ConstraintsView
    weights: dict[str, Decimal]
    notes: list[str]
    inputs_hash: str


class SettingsView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Blend and return are fractions, the rest EUR; the smallest trade is null without a rate."""

    optimizer_blend: Decimal
    optimizer_target_return: Decimal
    min_cash_reserve: Decimal
    min_trade_amount: Decimal | None


class OptimizerView(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The newest run, of an earlier life, too; its time is that of the machine."""

    settings: SettingsView
    last_run: RunView | None
    last_run_time: datetime | None
    status: Literal["ready", "running"]


class RunBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing is asked."""


class RunAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`success` is false when no weights were found; the result says why."""

    success: bool
    result: RunView
    timestamp: datetime


@bp.get("")
@describe(answer=OptimizerView)
async def optimizer() -> Response:
    """The settings in force and the newest run."""
    state = await here().asks.analyst.ask(ShowOptimizer(), deadline_s=ASK_DEADLINE_S)
    last = state.last
    return reply(
        OptimizerView(
            settings=_settings(state),
            last_run=None if last is None else run_view(last),
            last_run_time=None if last is None else last.machine_at,
            status="running" if state.running else "ready",
        )
    )


@bp.post("/run")
@describe(body=RunBody, answer=RunAnswer)
async def run() -> Response:
    """Optimize now; an answer without weights is an answer, and is kept, too."""
    await body(RunBody, optional=True)
    found = await here().asks.analyst.ask(RunOptimizer(), deadline_s=RUN_DEADLINE_S)
    return reply(RunAnswer(found.success, run_view(found), found.machine_at))


def run_view(run: OptimizerRun) -> RunView:
    changes = run.adjustments
    return RunView(
        run_id=run.run_id,
        success=run.success,
        error=run.error,
        target_return_pct=round(run.target_return, _RETURN_PLACES),
        achieved_return_pct=_rounded(run.achieved_return),
        achieved_volatility_pct=_rounded(run.achieved_volatility),
        blend_used=run.blend,
        fallback_used=run.fallback,
        level=run.level,
        regime=run.regime,
        cash_pct=_share(run.cash_share),
        total_stocks_optimized=len(run.expected),
        top_adjustments=[_adjustment(change) for change in changes[:SHOWN]],
        next_action=_action(changes[0]) if changes else None,
        high_correlations=[
            CorrelationRow(c.symbol1, c.symbol2, round(c.correlation, _CORRELATION_PLACES))
            for c in run.correlations[:SHOWN]
        ],
        concentration=_rounded(run.concentration),
        risk_contributions={
            symbol: round(part, _RISK_PLACES) for symbol, part in run.risk_shares.items()
        },
        constraints=_constraints(run),
        weights={symbol: _share(weight) for symbol, weight in run.weights.items()},
        notes=list(run.notes),
        inputs_hash=run.inputs_hash,
    )


def _settings(state: OptimizerState) -> SettingsView:
    return SettingsView(
        optimizer_blend=state.blend,
        optimizer_target_return=state.target_return,
        min_cash_reserve=state.min_cash_reserve.amount,
        min_trade_amount=amount(state.min_trade),
    )


def _constraints(run: OptimizerRun) -> ConstraintsView:
    return ConstraintsView(
        total_stocks=len({*run.expected, *run.weights, *run.current}),
        locked_positions=list(run.locked),
        buy_only=list(run.buy_only),
        sell_blocked=list(run.sell_blocked),
        held_without_data=list(run.held_without_data),
        country_constraints=_bands(band for band in run.bands if band.kind == "country"),
        industry_constraints=_bands(band for band in run.bands if band.kind == "industry"),
    )


def _bands(bands: Iterable[GroupBand]) -> list[BandRow]:
    return [
        BandRow(
            name=band.name,
            target=round(band.target, _RETURN_PLACES),
            range=(round(band.low, _RETURN_PLACES), round(band.high, _RETURN_PLACES)),
            slack=round(band.slack, _RETURN_PLACES),
        )
        for band in bands
    ]


def _adjustment(change: Adjustment) -> AdjustmentRow:
    return AdjustmentRow(
        symbol=change.symbol,
        current_pct=_share(change.current),
        target_pct=_share(change.target),
        change_pct=_share(change.change),
        change_eur=change.change_eur.quantize(_EURO, ROUND_HALF_EVEN),
        direction=_direction(change),
    )


def _action(change: Adjustment) -> str:
    euros = abs(change.change_eur).quantize(_EURO, ROUND_HALF_EVEN)
    return f"{_direction(change).capitalize()} {change.symbol} ~€{euros:,}"


def _direction(change: Adjustment) -> Literal["buy", "sell"]:
    return "buy" if change.change > 0 else "sell"


def _share(share: Decimal) -> Decimal:
    return share.quantize(_SHARE, ROUND_HALF_EVEN)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _RETURN_PLACES)
