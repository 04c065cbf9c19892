"""All figures of a security from its prices and from what is reported of it, in one mapping."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from ledger.bar import Fundamental
from policy import metric_registry
from policy.limits import Limits
from policy.metric_registry import Metrics, Producer
from policy.planning import facts
from policy.price_history import PriceHistory
from policy.scoring import (
    derived,
    dividend_metrics,
    end_state,
    groups,
    price_metrics,
    reported_metrics,
    sell_score,
    windfall,
)
from policy.scoring.context import Subject

PRODUCED: Mapping[Producer, Collection[str]] = {
    "prices": price_metrics.PRODUCES,
    "dividends": dividend_metrics.PRODUCES,
    "reported": reported_metrics.PRODUCES,
    "scores": derived.PRODUCES,
    "position": windfall.PRODUCES,
}
CONSUMED: Mapping[str, Collection[str]] = {
    "the buy score": groups.READS,
    "the sell score": sell_score.READS,
    "windfalls": windfall.READS,
    "the end-state score": end_state.READS,
    "derived scores": derived.READS,
    "planning": facts.READS,
}


def check_metrics(
    consumed: Mapping[str, Collection[str]] = CONSUMED,
    produced: Mapping[Producer, Collection[str]] = PRODUCED,
) -> None:
    """Raise StartError unless everything that is read has a producer."""
    metric_registry.check(consumed, produced)


def measure(
    history: PriceHistory,
    reported: Iterable[Fundamental],
    *,
    limits: Limits,
    as_of: date,
    subject: Subject,
) -> Metrics:
    """Every figure but those of a position, None where it is not known.

    Nothing that was reported after `as_of` is looked at.
    """
    figures = reported_metrics.newest(reported, as_of)
    found = {
        **price_metrics.from_prices(history, risk_free=float(limits.risk_free_rate)),
        **dividend_metrics.from_dividends(
            history, reported_yield=figures[reported_metrics.REPORTED_YIELD]
        ),
        **reported_metrics.from_reported(figures),
    }
    return complete(found, subject)


def complete(metrics: Metrics, subject: Subject) -> Metrics:
    """`metrics` with the scores that are derived from them."""
    return {**metrics, **derived.derive(metrics, subject)}
