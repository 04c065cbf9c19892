"""From the snapshot, the owner's groups, scores and price histories to what a run rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

from kernels.series import Series
from ledger.allocation import AllocationBook, industries_of
from ledger.dividend import bonus_ratio
from ledger.errors import Unavailable
from ledger.money import Money, Rounding
from ledger.portfolio import PortfolioSnapshot, Position
from ledger.regime import Regime
from ledger.score import Scores
from ledger.security import Security
from policy.limits import Limits
from policy.optimizer.given import PLACES, Member, OptimizerInput
from policy.optimizer.outlook import NO_OUTLOOK, Outlook
from policy.optimizer.weekly import growth, weekly_returns
from policy.regime import reserve_with
from policy.targets import UNTRADED

_NONE = Decimal(0)


def optimizer_input(
    snapshot: PortfolioSnapshot,
    book: AllocationBook,
    scores: Scores | None,
    histories: Mapping[int, Series],
    *,
    regime: Regime,
    limits: Limits,
    machine_at: datetime,
    outlook: Outlook = NO_OUTLOOK,
    bonuses: Mapping[str, Money] | None = None,
) -> OptimizerInput:
    """The input of one run, from one snapshot.

    `histories` are total returns in EUR by security id, daily or what `weekly` left of them; a
    security without one is held. `bonuses` (EUR by symbol) are dividends that wait to be
    reinvested. Raises Unavailable while the total value is not known.
    """
    total = snapshot.total_eur
    if total is None:
        missing = ", ".join(snapshot.unvalued)
        raise Unavailable(f"the total value is not known: nothing values {missing}")
    today = snapshot.as_of.date()
    securities = sorted(_concerned(snapshot), key=lambda one: one.symbol)
    chosen = [one.security_id for one in securities if one.security_id in histories]
    columns = {security_id: column for column, security_id in enumerate(chosen)}
    positions = {position.security.symbol: position for position in snapshot.positions}
    members = tuple(
        _member(
            one,
            positions.get(one.symbol),
            snapshot,
            book,
            score=_score(scores, one),
            growth=_growth(histories.get(one.security_id), snapshot),
            bonus=(bonuses or {}).get(one.symbol),
            column=columns.get(one.security_id),
        )
        for one in securities
    )
    return OptimizerInput(
        market_at=snapshot.as_of,
        machine_at=machine_at,
        total=total,
        members=members,
        returns=weekly_returns((histories[one] for one in chosen), len(chosen), today),
        countries=dict(book.country.targets),
        industries=dict(book.industry.targets),
        regime=regime,
        outlook=outlook,
        reserve=_share(reserve_with(regime, total, limits), total),
        max_position=limits.max_position_share,
        blend=float(limits.optimizer_blend),
        target_return=float(limits.optimizer_target_return),
        cost_fixed=float(limits.transaction_cost_fixed.amount),
        cost_percent=float(limits.transaction_cost_percent),
    )


def _concerned(snapshot: PortfolioSnapshot) -> Iterable[Security]:
    """What is held, and what of the universe could be."""
    held = {position.security.symbol for position in snapshot.positions}
    for security in snapshot.universe:
        if security.symbol in held or _idle(security) is None:
            yield security


def _idle(security: Security) -> str | None:
    """Why the optimizer has no say in its weight; None when it has."""
    if not security.active:
        return "not active"
    if not security.confirmed:
        return "not confirmed yet"
    if not security.tradable or security.instrument.product_type in UNTRADED:
        return "not tradable"
    return None


def _score(scores: Scores | None, security: Security) -> float | None:
    found = None if scores is None else scores.by_id.get(security.security_id)
    return None if found is None else found.total


def _growth(history: Series | None, snapshot: PortfolioSnapshot) -> float | None:
    return None if history is None else growth(history, snapshot.as_of.date())


def _member(
    security: Security,
    position: Position | None,
    snapshot: PortfolioSnapshot,
    book: AllocationBook,
    *,
    score: float | None,
    growth: float | None,
    bonus: Money | None,
    column: int | None,
) -> Member:
    total = snapshot.total_eur
    assert total is not None
    value = None if position is None else position.value_eur
    lot = security.instrument.lot
    labels = industries_of(security.instrument.industry)
    return Member(
        symbol=security.symbol,
        current=_NONE if value is None else _share(value, total),
        lot_share=_lot_share(security, snapshot, total),
        single_lot=position is not None and lot is not None and position.quantity <= lot,
        allow_buy=security.allow_buy,
        allow_sell=security.allow_sell,
        idle=_idle(security),
        min_target=security.min_target,
        max_target=security.max_target,
        priority=security.priority,
        growth=growth,
        score=score,
        bonus=0.0 if bonus is None else float(bonus_ratio(bonus, value) or 0),
        country=book.country.group_of(security.instrument.country or ""),
        industries=tuple(book.industry.group_of(label) for label in labels),
        column=column,
    )


def _lot_share(security: Security, snapshot: PortfolioSnapshot, total: Money) -> Decimal | None:
    """What one lot is of the total, rounded up; None without a price, a rate or a lot."""
    lot, quote = security.instrument.lot, snapshot.quotes.get(security.symbol)
    if lot is None or quote is None or quote.last.currency != security.currency:
        return None
    value = snapshot.rates.to_eur(quote.last.times(lot, Rounding.CEIL))
    return None if value is None else _share(value, total, ROUND_CEILING)


def _share(part: Money, total: Money, rounding: str = ROUND_HALF_EVEN) -> Decimal:
    """In millionths; of a total that is not positive nothing is a part."""
    if total.minor <= 0:
        return _NONE
    return (Decimal(part.minor) / total.minor).quantize(PLACES, rounding)
