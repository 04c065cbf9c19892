"""Returns over time: by day, by month, linked, and the risk they carry."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Any

from tools.figures import measures
from tools.figures.books import Close
from tools.figures.market import Line
from tools.figures.sheet import Pair

TAIL = 0.05
LEAST = {
    "volatility": 30, "sharpe_ratio": 50, "max_drawdown": 30, "var_95": 61, "cvar_95": 61,
}  # fmt: skip


def daily_returns(closes: Sequence[Close]) -> Line:
    """(V_t - V_(t-1) - F_t) / V_(t-1), where there was something before."""
    pairs = pairwise(closes)
    return [
        (now.day, (now.value - was.value - now.flow) / was.value)
        for was, now in pairs
        if was.value > 0
    ]


def compounded(rates: Sequence[float]) -> float:
    return math.prod(1 + rate for rate in rates) - 1


def annual(total: float, days: int) -> float:
    """Of 252 trading days; as it is below three of them."""
    return (1 + total) ** (measures.YEAR / days) - 1 if days >= 3 else total


def by(daily: Line, form: str) -> dict[str, float]:
    """Compounded by what `form` shows of the day."""
    found: dict[str, list[float]] = {}
    for day, rate in daily:
        found.setdefault(day.strftime(form), []).append(rate)
    return {period: compounded(rates) for period, rates in found.items()}


def linked(parts: Sequence[Mapping[str, float]], rates: Sequence[float]) -> dict[str, float]:
    """Contributions over the period (Carino 1999): every day by ln(1 + r) / r over that of all."""

    def ratio(rate: float) -> float:
        return math.log1p(rate) / rate if rate else 1.0

    whole = ratio(compounded(rates))
    found: dict[str, float] = {}
    for day, rate in zip(parts, rates, strict=True):
        for name, part in day.items():
            found[name] = found.get(name, 0.0) + part * ratio(rate) / whole
    return found


def risk_pairs(
    name: str, levels: Line, told: Mapping[str, Any], *, risk_free: float, growth: float | None
) -> dict[str, Pair]:
    """Every risk figure of `levels` beside what was told of it, by figure."""
    ours = _figures([value for _, value in levels], risk_free)
    deep = _deepest(levels)
    if deep is not None and deep[0] < 0:
        rate = growth if growth is not None else measures.growth(levels, 1e4)
        ours["calmar_ratio"] = None if rate is None else rate / -deep[0]
    else:
        ours["calmar_ratio"] = None
    pairs: dict[str, Pair] = {figure: (name, value, told[figure]) for figure, value in ours.items()}
    told_deep = told["max_drawdown"] or {}
    names = ("depth", "peak_date", "trough_date", "recovery_date")
    for part, value in zip(names, deep or (None,) * 4, strict=True):
        shown = value.isoformat() if isinstance(value, date) else value
        pairs[f"max_drawdown {part}"] = (name, shown, told_deep.get(part))
    return pairs


def _figures(values: Sequence[float], risk_free: float) -> dict[str, float | None]:
    moves, fallen = measures.returns(values), measures.drawdowns(values)
    ordered = sorted(moves)
    at = (len(ordered) - 1) * TAIL
    low = math.floor(at)
    quantile = ordered[low] + (at - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])
    found = {
        "volatility": measures.volatility(moves),
        "downside_deviation": measures.downside(moves),
        "sharpe_ratio": measures.sharpe(moves, risk_free),
        "sortino_ratio": measures.sortino(moves),
        "current_drawdown": fallen[-1],
        "days_in_drawdown": measures.under_water(values),
        "var_95": quantile,
        "cvar_95": measures.mean(ordered[: low + 1]),
        "best_day": ordered[-1],
        "worst_day": ordered[0],
    }
    return {n: v if len(values) >= LEAST.get(n, 2) else None for n, v in found.items()}


def _deepest(levels: Line) -> tuple[float, date, date, date | None] | None:
    """Depth, last day at the peak before, first day at the bottom, first day at the peak again."""
    if len(levels) < LEAST["max_drawdown"]:
        return None
    fallen = measures.drawdowns([value for _, value in levels])
    depth = min(fallen)
    trough = fallen.index(depth)
    peak = max((at for at in range(trough + 1) if fallen[at] == 0), default=0)
    level = levels[peak][1]
    back = next((day for day, value in levels[trough:] if value >= level), None)
    return depth, levels[peak][0], levels[trough][0], back


def rolling_pairs(
    name: str, levels: Line, told: Sequence[Mapping[str, Any]], *, risk_free: float
) -> dict[str, list[Pair]]:
    """Every told window of 64 levels by itself: volatility, Sharpe ratio and deepest fall."""
    last = {day.isoformat(): index for index, (day, _) in enumerate(levels)}
    found: dict[str, list[Pair]] = {"rolling days": [(name, max(len(levels) - 63, 0), len(told))]}
    for row in told:
        end = last[row["date"]] + 1
        window = [value for _, value in levels[end - 64 : end]]
        daily = measures.returns(window)
        ours = {
            "volatility": measures.volatility(daily),
            "sharpe_ratio": measures.sharpe(daily, risk_free),
            "max_drawdown": min(measures.drawdowns(window)),
        }
        for figure, value in ours.items():
            pair = (f"{name} {row['date']}", value, row[figure])
            found.setdefault(f"rolling {figure}", []).append(pair)
    return found
