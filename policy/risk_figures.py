"""The risk figures of one daily series, each with the reason when it is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from datetime import date

from kernels import tail
from kernels.drawdown import deepest_drawdown
from kernels.risk import MIN_CAGR, MIN_DRAWDOWN, MIN_SHARPE, MIN_VOLATILITY, summary
from kernels.series import Series
from kernels.tail import tail_risk
from ledger.analytics import Drawdown, RiskFigures

# Closes a figure needs; two where nothing is said.
_NEEDED = {
    "volatility": MIN_VOLATILITY,
    "sharpe": MIN_SHARPE,
    "max_drawdown": MIN_DRAWDOWN,
    "calmar": MIN_CAGR,
    "var_95": tail.MIN_OBSERVATIONS + 1,
    "cvar_95": tail.MIN_OBSERVATIONS + 1,
}
_LEAST = 2


def risk_figures(levels: Series, *, risk_free: float, growth: float | None = None) -> RiskFigures:
    """Of prices or any other daily levels; `risk_free` is a rate per year.

    `growth` per year is what Calmar's ratio takes instead of the exact growth of the series.
    """
    found, worst = summary(levels, risk_free=risk_free), tail_risk(levels)
    deepest, calmar = deepest_drawdown(levels), found.calmar
    if growth is not None and deepest is not None:
        calmar = growth / -deepest.depth if deepest.depth < 0.0 else None
    figures = RiskFigures(
        volatility=found.volatility,
        downside_deviation=found.downside_deviation,
        sharpe=found.sharpe,
        sortino=found.sortino,
        calmar=calmar,
        max_drawdown=None
        if deepest is None
        else Drawdown(
            depth=deepest.depth,
            peak=date.fromordinal(deepest.peak),
            trough=date.fromordinal(deepest.trough),
            recovered=None if deepest.recovered is None else date.fromordinal(deepest.recovered),
        ),
        current_drawdown=found.current_drawdown,
        days_in_drawdown=found.days_in_drawdown,
        var_95=None if worst is None else worst.value_at_risk,
        cvar_95=None if worst is None else worst.expected_shortfall,
        best_day=found.best_day,
        worst_day=found.worst_day,
    )
    needed = _NEEDED if growth is None else {**_NEEDED, "calmar": MIN_DRAWDOWN}
    return replace(figures, missing=tuple(_missing(figures, len(levels), needed)))


def _missing(
    figures: RiskFigures, closes: int, needed: Mapping[str, int]
) -> Iterator[tuple[str, str]]:
    for field in fields(figures):
        if field.name != "missing" and getattr(figures, field.name) is None:
            least = needed.get(field.name, _LEAST)
            short = f"{closes} closes, {least} needed"
            yield field.name, short if closes < least else "nothing deviates from its mean or peak"
