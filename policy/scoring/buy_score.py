"""The buy score: eight groups by fixed weights, and how much of it is known.

The parts of all groups together carry a weight of 1. With K the weight of those that are known and
M their weighted mean,

    coverage = K                total = 0.5 + K (M - 0.5)

so that what is missing neither helps nor harms: it draws the total to 0.5, and the coverage says by
how much. A part that does not apply to a security has no weight at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from ledger.bar import Fundamental
from ledger.score import Score
from policy.limits import Limits
from policy.metric_registry import Metrics
from policy.metrics import measure
from policy.price_history import PriceHistory
from policy.scoring.context import NO_PORTFOLIO, PortfolioContext, Subject
from policy.scoring.groups import WEIGHTS, groups_of
from policy.scoring.mix import Part, mix
from policy.scoring.windfall import as_metrics, windfall

LEAST_CLOSES = 50
LEAST_MONTHS = 12
# A security whose newest bar is older is not followed any more, whatever it was worth then.
LAST_BAR_LIFE = timedelta(days=14)
UNSCORED = frozenset({"INDEX", "FX"})


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything there is to score one security by."""

    subject: Subject
    history: PriceHistory | None
    reported: tuple[Fundamental, ...] = ()


def score_security(
    given: Figures, context: PortfolioContext, *, limits: Limits, as_of: date
) -> Score:
    """The score on the market day `as_of`; without a total, and with the reason, where it is not
    to be had: too few bars, bars that cannot be used or are too old, or nothing to invest in.
    """
    subject, history = given.subject, given.history
    reason = why_unscored(subject, history, as_of)
    if history is None or reason is not None:
        return _unscored(subject, history, reason or "")
    metrics = measure(history, given.reported, limits=limits, as_of=as_of, subject=subject)
    return score_figures(
        subject,
        metrics,
        context,
        limits=limits,
        history_years=history.close.years,
        last_bar=date.fromordinal(int(history.close.days[-1])),
    )


def score_figures(
    subject: Subject,
    metrics: Metrics,
    context: PortfolioContext = NO_PORTFOLIO,
    *,
    limits: Limits,
    history_years: float | None,
    last_bar: date | None,
) -> Score:
    """The score of figures as they are, however few; without a total when none is known.

    `metrics` as `measure` makes them; those of the position are added when it is held.
    """
    holding = context.holdings.get(subject.security_id)
    gained = (
        None
        if holding is None
        else windfall(metrics, gain=holding.gain, years_held=holding.years_held)
    )
    parts = groups_of(subject, metrics, context, limits)
    mixed = {name: mix(found.values()) for name, found in parts.items()}
    whole = mix(Part(WEIGHTS[name], found) for name, found in mixed.items())
    return Score(
        security_id=subject.security_id,
        symbol=subject.symbol,
        total=whole.shrunk,
        coverage=whole.known,
        groups={name: found.value for name, found in mixed.items()},
        parts={name: _values(found) for name, found in parts.items()},
        metrics={**metrics, **as_metrics(gained)},
        history_years=history_years,
        last_bar=last_bar,
        reason="nothing about it is known" if whole.value is None else None,
    )


def why_unscored(subject: Subject, history: PriceHistory | None, as_of: date) -> str | None:
    """Why there is no score to be had; None when there is."""
    if subject.product_type in UNSCORED:
        return "it is nothing to invest in"
    if history is None or not len(history.close):
        return "there are no bars of it"
    if history.unusable is not None:
        return history.unusable
    closes, span = len(history.close), history.close.months
    if closes < LEAST_CLOSES or span < LEAST_MONTHS:
        return (
            f"{closes} bars over {span} months are too few:"
            f" {LEAST_CLOSES} over {LEAST_MONTHS} are needed"
        )
    last = date.fromordinal(int(history.close.days[-1]))
    if as_of - last > LAST_BAR_LIFE:
        return f"its last bar is of {last}"
    return None


def _unscored(subject: Subject, history: PriceHistory | None, reason: str) -> Score:
    known = history is not None and len(history.close) > 0
    return Score(
        security_id=subject.security_id,
        symbol=subject.symbol,
        total=None,
        coverage=0.0,
        groups={},
        parts={},
        metrics={},
        history_years=history.close.years if history is not None and known else None,
        last_bar=date.fromordinal(int(history.close.days[-1])) if history and known else None,
        reason=reason,
    )


def _values(parts: Mapping[str, Part]) -> dict[str, float | None]:
    return {name: part.score.value for name, part in parts.items()}
