"""The eight groups of the buy score and their parts.

A part that does not apply to a kind of security is left out and counts for nothing; one that
applies but is not known stays, without a value, and counts against the coverage.

    EQUITY       all groups
    ETF, BOND    no fundamentals, no price-earnings ratio, no opinions; dividends where it pays any,
                 since a fund that pays none reinvests them
    COMMODITY    those, and no dividends
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from policy.limits import Limits
from policy.metric_registry import Metrics
from policy.scoring import mappings
from policy.scoring.context import PortfolioContext, Subject
from policy.scoring.derived import (
    consistency,
    dividend_consistency,
    financial_strength,
    pays_nothing,
)
from policy.scoring.mappings import along
from policy.scoring.mix import Part, mix, one

Parts = dict[str, Part]

WEIGHTS: Final[Mapping[str, float]] = {
    "long_term": 0.20,
    "fundamentals": 0.15,
    "opportunity": 0.15,
    "dividends": 0.12,
    "short_term": 0.10,
    "technicals": 0.10,
    "opinion": 0.10,
    "diversification": 0.08,
}
READS = frozenset(
    {
        "CAGR_5Y", "CAGR_10Y", "SORTINO", "SHARPE", "PROFIT_MARGIN", "DEBT_TO_EQUITY",
        "CURRENT_RATIO", "DISTANCE_FROM_52W_HIGH", "PE_RATIO", "FORWARD_PE", "DIVIDEND_YIELD",
        "DIVIDEND_GROWTH", "YEARS_SINCE_DIVIDEND_CUT", "DIVIDEND_YIELD_5Y_AVG", "PAYOUT_RATIO",
        "MOMENTUM_30D",
        "MOMENTUM_90D", "MAX_DRAWDOWN", "RSI_14", "BB_POSITION", "DISTANCE_FROM_EMA_200",
        "ANALYST_RECOMMENDATION", "PRICE_TARGET_UPSIDE",
    }
)  # fmt: skip


def groups_of(
    subject: Subject, metrics: Metrics, context: PortfolioContext, limits: Limits
) -> dict[str, Parts]:
    """The parts of every group that applies, by group and name, in the order of WEIGHTS."""
    company = subject.company
    found: dict[str, Parts] = {"long_term": _long_term(metrics, limits)}
    if company:
        found["fundamentals"] = _fundamentals(metrics, subject)
    found["opportunity"] = _opportunity(metrics, limits, company=company)
    if _has_dividends(subject, metrics):
        found["dividends"] = _dividends(metrics, subject)
    found["short_term"] = _short_term(metrics)
    found["technicals"] = _technicals(metrics)
    if company:
        found["opinion"] = _opinion(metrics)
    found["diversification"] = _diversification(subject, context, found)
    return found


def _has_dividends(subject: Subject, metrics: Metrics) -> bool:
    if subject.product_type == "COMMODITY":
        return False
    return subject.company or not pays_nothing(metrics)


def _long_term(metrics: Metrics, limits: Limits) -> Parts:
    rate, target = metrics["CAGR_5Y"], float(limits.target_annual_return)
    return {
        "cagr": Part(0.40, one(None if rate is None else mappings.cagr(rate, target=target))),
        "sortino": _mapped(0.35, mappings.SORTINO, metrics["SORTINO"]),
        "sharpe": _mapped(0.25, mappings.SHARPE, metrics["SHARPE"]),
    }


def _fundamentals(metrics: Metrics, subject: Subject) -> Parts:
    return {
        "financial_strength": Part(0.60, financial_strength(metrics, subject)),
        "consistency": Part(0.40, one(consistency(metrics))),
    }


def _opportunity(metrics: Metrics, limits: Limits, *, company: bool) -> Parts:
    below = {"below_52w_high": _mapped(0.5, mappings.BELOW_HIGH, metrics["DISTANCE_FROM_52W_HIGH"])}
    if not company:
        return below
    return {**below, "pe_ratio": Part(0.5, one(_price_earnings(metrics, limits)))}


def _price_earnings(metrics: Metrics, limits: Limits) -> float | None:
    trailing, forward = metrics["PE_RATIO"], metrics["FORWARD_PE"]
    known = forward if trailing is None else trailing
    if known is None:
        return None
    return mappings.price_earnings(known, forward, market=float(limits.market_avg_pe))


def _dividends(metrics: Metrics, subject: Subject) -> Parts:
    paid = _mapped(0.7, mappings.DIVIDEND_YIELD, metrics["DIVIDEND_YIELD"])
    if pays_nothing(metrics):
        return {"yield": paid}
    return {"yield": paid, "consistency": Part(0.3, dividend_consistency(metrics, subject))}


def _short_term(metrics: Metrics) -> Parts:
    month, deepest = metrics["MOMENTUM_30D"], metrics["MAX_DRAWDOWN"]
    moved = None if month is None else mappings.momentum(month, metrics["MOMENTUM_90D"])
    fallen = None if deepest is None else mappings.drawdown(deepest)
    return {"momentum": Part(0.5, one(moved)), "drawdown": Part(0.5, one(fallen))}


def _technicals(metrics: Metrics) -> Parts:
    position = metrics["BB_POSITION"]
    return {
        "rsi": _mapped(0.35, mappings.RSI, metrics["RSI_14"]),
        "bollinger": Part(0.35, one(None if position is None else 1 - position)),
        "ema": _mapped(0.30, mappings.EMA_DISTANCE, metrics["DISTANCE_FROM_EMA_200"]),
    }


def _opinion(metrics: Metrics) -> Parts:
    return {
        "recommendation": Part(0.6, one(metrics["ANALYST_RECOMMENDATION"])),
        "price_target": _mapped(0.4, mappings.PRICE_TARGET, metrics["PRICE_TARGET_UPSIDE"]),
    }


def _diversification(
    subject: Subject, context: PortfolioContext, others: Mapping[str, Parts]
) -> Parts:
    """Whether the portfolio wants more of its country and its industries, and of what it holds."""
    parts = {
        "country": Part(0.40, one(_country(subject, context))),
        "industry": Part(0.30, one(_industry(subject, context))),
    }
    holding = context.holdings.get(subject.security_id)
    if holding is None:
        return parts
    quality = _mean(mix(others[name].values()).value for name in _QUALITY if name in others)
    cheap = mix(others["opportunity"].values()).value
    wish = None
    if quality is not None and cheap is not None and holding.gain is not None:
        wish = mappings.averaging(quality, cheap, weight=holding.weight, below_cost=-holding.gain)
    return {**parts, "averaging": Part(0.30, one(wish))}


_QUALITY = ("long_term", "fundamentals")


def _country(subject: Subject, context: PortfolioContext) -> float | None:
    return None if subject.country is None else context.country.score(subject.country)


def _industry(subject: Subject, context: PortfolioContext) -> float | None:
    return _mean(context.industry.score(name) for name in subject.industries)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _mapped(weight: float, corners: mappings.Corners, value: float | None) -> Part:
    return Part(weight, one(None if value is None else along(corners, value)))
