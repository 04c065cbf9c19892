"""Scores that others read like figures: financial strength, consistency, promise, stability."""

from __future__ import annotations

from policy.dividend_history import cut_penalty
from policy.metric_registry import Metrics, names_of
from policy.scoring.context import Subject
from policy.scoring.mappings import (
    CONSISTENCY,
    DIVIDEND_HABIT,
    LIQUIDITY,
    MARGIN,
    PAYOUT,
    SHARPE,
    SORTINO,
    VOLATILITY,
    along,
    dividend_record,
    drawdown,
    leverage,
)
from policy.scoring.mix import NOTHING, Mixed, Part, mix, one

PRODUCES = names_of("scores")
READS = frozenset(
    {
        "CAGR_5Y", "CAGR_10Y", "DIVIDEND_YIELD", "DIVIDEND_GROWTH", "YEARS_SINCE_DIVIDEND_CUT",
        "PROFIT_MARGIN", "DEBT_TO_EQUITY", "CURRENT_RATIO", "PAYOUT_RATIO", "SORTINO", "SHARPE",
        "VOLATILITY_ANNUAL", "MAX_DRAWDOWN", "DIVIDEND_YIELD_5Y_AVG",
    }
)  # fmt: skip


def derive(metrics: Metrics, subject: Subject) -> Metrics:
    """Every name of PRODUCES, of the figures named in READS."""
    growth, paid = metrics["CAGR_5Y"], metrics["DIVIDEND_YIELD"]
    return {
        "CONSISTENCY_SCORE": consistency(metrics),
        "FINANCIAL_STRENGTH": financial_strength(metrics, subject).value,
        "DIVIDEND_CONSISTENCY": dividend_consistency(metrics, subject).value,
        "TOTAL_RETURN": None if growth is None or paid is None else growth + paid,
        "LONG_TERM_PROMISE": promise(metrics, subject).shrunk,
        "STABILITY_SCORE": stability(metrics).shrunk,
    }


def financial_strength(metrics: Metrics, subject: Subject) -> Mixed:
    """0.40 margin + 0.30 leverage + 0.30 liquidity; of banks and insurers the margin alone.

    NOTHING for what is no company.
    """
    if not subject.company:
        return NOTHING
    margin = Part(0.40, one(_along(MARGIN, metrics["PROFIT_MARGIN"])))
    if subject.financial:
        return mix([margin])
    debt = metrics["DEBT_TO_EQUITY"]
    return mix(
        [
            margin,
            Part(0.30, one(None if debt is None else leverage(debt))),
            Part(0.30, one(_along(LIQUIDITY, metrics["CURRENT_RATIO"]))),
        ]
    )


def consistency(metrics: Metrics) -> float | None:
    """How little growth over five and over ten years differ."""
    five, ten = metrics["CAGR_5Y"], metrics["CAGR_10Y"]
    return None if five is None or ten is None else along(CONSISTENCY, abs(five - ten))


def dividend_consistency(metrics: Metrics, subject: Subject) -> Mixed:
    """Half the share of earnings paid out, half the record of growth and cuts.

    The record alone for what is no company and has no earnings to pay from. Where no history shows
    a record, the average yield of five years stands for it. NOTHING for what pays nothing: there is
    nothing to be consistent about.
    """
    if pays_nothing(metrics):
        return NOTHING
    rate, since = metrics["DIVIDEND_GROWTH"], metrics["YEARS_SINCE_DIVIDEND_CUT"]
    penalty = float(cut_penalty(None if since is None else int(since)))
    habit = _along(DIVIDEND_HABIT, metrics["DIVIDEND_YIELD_5Y_AVG"])
    record = habit if rate is None else dividend_record(rate, penalty)
    if not subject.company:
        return one(record)
    payout = _along(PAYOUT, metrics["PAYOUT_RATIO"])
    return mix([Part(0.5, one(payout)), Part(0.5, one(record))])


def pays_nothing(metrics: Metrics) -> bool:
    """Known to have paid no dividend in the last year, and none before that was stopped."""
    return metrics["DIVIDEND_YIELD"] == 0 and metrics["DIVIDEND_GROWTH"] is None


def promise(metrics: Metrics, subject: Subject) -> Mixed:
    """0.35 consistency + 0.25 financial strength + 0.25 dividend consistency + 0.15 Sortino.

    Strength is that of companies only, dividend consistency that of what pays dividends.
    """
    parts = [
        Part(0.35, one(consistency(metrics))),
        Part(0.15, one(_along(SORTINO, metrics["SORTINO"]))),
    ]
    if subject.company:
        parts.append(Part(0.25, financial_strength(metrics, subject)))
    if not pays_nothing(metrics):
        parts.append(Part(0.25, dividend_consistency(metrics, subject)))
    return mix(parts)


def stability(metrics: Metrics) -> Mixed:
    """0.50 volatility + 0.30 drawdown + 0.20 Sharpe; no volatility at all is no known one."""
    volatile, deepest = metrics["VOLATILITY_ANNUAL"], metrics["MAX_DRAWDOWN"]
    return mix(
        [
            Part(0.50, one(_along(VOLATILITY, volatile) if volatile else None)),
            Part(0.30, one(None if deepest is None else drawdown(deepest))),
            Part(0.20, one(_along(SHARPE, metrics["SHARPE"]))),
        ]
    )


def _along(corners: tuple[tuple[float, float], ...], value: float | None) -> float | None:
    return None if value is None else along(corners, value)
