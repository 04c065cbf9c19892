"""What is thought of the holdings, from their scores: what to sell of each, and how the whole does.

Only shown, never acted upon: orders come from plans alone, and these pass the gates.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from ledger.currency import BASE
from ledger.opinion import EndState, Opinions, PortfolioHealth, SellOpinion, Windfall
from ledger.portfolio import PortfolioSnapshot, Position
from ledger.rate import RateTable
from ledger.score import Score, Scores
from ledger.security import Security
from ledger.trade_history import TradeHistory
from policy.limits import Limits
from policy.metric_registry import METRICS, Metrics
from policy.scoring.context import Axis, Holding, PortfolioContext
from policy.scoring.end_state import diversification, end_state, parts_of, spread
from policy.scoring.health import health
from policy.scoring.portfolio_view import labels_of
from policy.scoring.sell_score import SellFacts, sell_score
from policy.scoring.windfall import windfall


def opinions(
    snapshot: PortfolioSnapshot,
    scores: Scores,
    context: PortfolioContext,
    *,
    oldest_buys: Mapping[str, date],
    trades: TradeHistory,
    limits: Limits,
    today: date,
) -> Opinions:
    """All of them on the market day `today`; none while the total value is not known.

    `context` is made of the same `snapshot`. `oldest_buys` is the purchase of the oldest open lot,
    by symbol; of `trades` only the last ones by symbol are looked at.
    """
    if snapshot.total_eur is None:
        return Opinions(today, {}, {}, None, None)
    metrics = {key: _metrics_of(scores.by_id.get(key)) for key in context.holdings}
    sells: dict[int, SellOpinion] = {}
    windfalls: dict[int, Windfall] = {}
    for position in snapshot.positions:
        key = position.security.security_id
        holding = context.holdings.get(key)
        if holding is None:
            continue
        known = metrics[key]
        facts = _sell_facts(
            position,
            holding,
            context,
            rates=snapshot.rates,
            oldest_buy=oldest_buys.get(position.security.symbol),
            trades=trades,
        )
        sells[key] = sell_score(facts, known, limits=limits, today=today)
        gained = windfall(known, gain=holding.gain, years_held=holding.years_held)
        if gained is not None:
            windfalls[key] = gained
    weights = {key: holding.weight for key, holding in context.holdings.items()}
    return Opinions(
        as_of=today,
        sells=sells,
        windfalls=windfalls,
        health=_health(weights, scores, context),
        end_state=_end_state(weights, metrics, context),
    )


def _metrics_of(score: Score | None) -> Metrics:
    """Every metric, None where it is not known."""
    return {**dict.fromkeys(METRICS), **({} if score is None else score.metrics)}


def _sell_facts(
    position: Position,
    holding: Holding,
    context: PortfolioContext,
    *,
    rates: RateTable,
    oldest_buy: date | None,
    trades: TradeHistory,
) -> SellFacts:
    security = position.security
    bought, sold = trades.bought.get(security.symbol), trades.sold.get(security.symbol)
    countries = _group_weights(context.country, labels_of(position, "country"))
    return SellFacts(
        symbol=security.symbol,
        allow_sell=security.allow_sell,
        quantity=position.quantity,
        lot=security.instrument.lot,
        price_eur=_price_eur(position, rates),
        profit=holding.gain,
        oldest_buy=oldest_buy,
        last_buy=None if bought is None else bought.date(),
        last_sell=None if sold is None else sold.date(),
        weight=holding.weight,
        country_weight=countries[0] if countries else None,
        industry_weights=_group_weights(context.industry, labels_of(position, "industry")),
        bar=_bar(security),
    )


def _bar(security: Security) -> str | None:
    if not security.confirmed:
        return "it waits for the owner's confirmation"
    if not security.active:
        return "it was taken out"
    return None if security.listed else "the broker does not list it any more"


def _price_eur(position: Position, rates: RateTable) -> Decimal | None:
    """What one share is worth; None while its price or rate is not known."""
    price = position.price
    if price is None or price.currency == BASE:
        return None if price is None else price.value
    rate = rates.rate(price.currency, BASE)
    return None if rate is None else price.value * rate.value


def _group_weights(axis: Axis, labels: tuple[str, ...]) -> tuple[float, ...]:
    return tuple(axis.current.get(axis.group_of(label), 0.0) for label in labels)


def _health(
    weights: Mapping[int, float], scores: Scores, context: PortfolioContext
) -> PortfolioHealth:
    return health(
        weights,
        country_targets=context.country.targets,
        country_weights=context.country.current,
        yields={key: one.dividend_yield for key, one in scores.by_id.items()},
        qualities={key: one.quality for key, one in scores.by_id.items()},
    )


def _end_state(
    weights: Mapping[int, float], metrics: Mapping[int, Metrics], context: PortfolioContext
) -> EndState:
    country, industry = context.country, context.industry
    return end_state(
        weights,
        {key: parts_of(known) for key, known in metrics.items()},
        diversification=diversification(
            spread(country.targets, country.current), spread(industry.targets, industry.current)
        ),
    )
