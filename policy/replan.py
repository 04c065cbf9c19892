"""When a plan has had its day: the only reasons for which a new one is made.

    holdings, cash, open orders, settings, configuration     always
    prices and rates of what is held or may be bought        moved more than `replan_move`
    scores, target weights, the state of the market          changed
    the plan itself                                           older than `plan_life`, market open

A plan that waits for its owner is not taken from under his hands: while it waits, only the first
line counts, what its own next step depends on, and the end of the session it could leave in.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.currency import BASE
from ledger.fact import is_pair
from ledger.money import Money, Rounding
from ledger.plan import Plan, PlanStep
from ledger.portfolio import PortfolioSnapshot
from ledger.quote import Quote
from ledger.rate import RateTable
from policy.limits import Limits
from policy.planner import PlanInput
from policy.pricing import drift
from policy.targets import is_buyable

# So many that moved are told by name.
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Basis:
    """What a plan was made for. `portfolio_hash` is newer than the plan's own behind a conversion
    of it: what the plan itself moved is no reason to make another one.
    """

    portfolio_hash: str
    market_hash: str
    snapshot: PortfolioSnapshot


def basis_of(given: PlanInput) -> Basis:
    return Basis(given.portfolio_hash, given.market_hash, given.snapshot)


def outdated(
    plan: Plan, basis: Basis, given: PlanInput, *, limits: Limits, market_open: bool
) -> str | None:
    """Why `plan` no longer answers the situation `given`; None while it does."""
    changed = changes(basis, given, limits)
    if changed is None and market_open and given.now - plan.created_at > limits.plan_life:
        return "the plan has become old"
    return changed


def changes(basis: Basis, given: PlanInput, limits: Limits) -> str | None:
    """How `given` differs from what was planned for; None when it is the same situation."""
    if basis.portfolio_hash != given.portfolio_hash:
        return "holdings, cash or configuration changed"
    if basis.market_hash != given.market_hash:
        return "scores or targets changed"
    names = moved(basis.snapshot, given.snapshot, limits)
    return _told(names) if names else None


def _told(names: tuple[str, ...]) -> str:
    """Of many, how many there are: nobody reads a list of a whole market."""
    return f"{', '.join(names)} moved" if len(names) <= MOST_NAMED else f"{len(names)} prices moved"


def superseded(
    ahead: tuple[PlanStep, ...],
    basis: Basis,
    given: PlanInput,
    *,
    limits: Limits,
    expired: bool,
) -> str | None:
    """Why a plan that waits for its owner has to be replaced all the same; None while it stands.

    `ahead` is its next step and, when that is a conversion, all up to the trade that it funds;
    `expired`: the session in which it could leave is over.
    """
    if basis.portfolio_hash != given.portfolio_hash:
        return "holdings, cash or configuration changed"
    if expired:
        return "the session it was made for is over"
    return _guard(ahead, given, limits)


def moved(planned: PortfolioSnapshot, now: PortfolioSnapshot, limits: Limits) -> tuple[str, ...]:
    """Which symbols, pairs and currencies moved more than `replan_move` since they were planned on.

    Only what is held or may be bought counts, and the currencies of these. What cannot be seen
    now, or could not be then, says nothing about its price.
    """
    symbols, currencies = _watched(now)
    prices = (
        symbol
        for symbol, then in sorted(planned.quotes.items())
        if _counts(symbol, symbols, currencies) and _moved(then, now.quotes.get(symbol), limits)
    )
    rates = (c for c in sorted(currencies) if _rate_moved(planned.rates, now.rates, c, limits))
    return (*prices, *rates)


def _watched(now: PortfolioSnapshot) -> tuple[frozenset[str], frozenset[str]]:
    """The symbols that are held or may be bought, and their currencies."""
    held = {p.security.symbol for p in now.positions if p.quantity.micro}
    watched = [s for s in now.universe if s.symbol in held or is_buyable(s)]
    foreign = {s.instrument.currency for s in watched} - {BASE}
    return frozenset(s.symbol for s in watched), frozenset(foreign)


def _counts(symbol: str, symbols: frozenset[str], currencies: frozenset[str]) -> bool:
    if is_pair(symbol):
        return not currencies.isdisjoint(symbol.split("/"))
    return symbol in symbols


def _moved(then: Quote, now: Quote | None, limits: Limits) -> bool:
    return now is not None and drift(then.last, now.last) > limits.replan_move


def _rate_moved(then: RateTable, now: RateTable, currency: str, limits: Limits) -> bool:
    before, after = then.per_eur.get(currency), now.per_eur.get(currency)
    if before is None or after is None:
        return False
    return abs(after.value - before.value) > limits.replan_move * before.value


# What the next step depends on


def _guard(ahead: tuple[PlanStep, ...], given: PlanInput, limits: Limits) -> str | None:
    """Why a gate would say no to the next step whenever it left."""
    for step in ahead:
        if (step.symbol, step.side) in given.barred:
            return f"{step.side} {step.symbol} has to wait"
        quote = given.snapshot.quotes.get(step.symbol)
        if quote is not None and drift(step.price, quote.last) > limits.max_drift:
            return f"the price of {step.symbol} moved"
    if ahead and not _covered(ahead[0], given):
        return f"cash no longer covers {ahead[0].side} {ahead[0].quantity} {ahead[0].symbol}"
    return None


def _covered(step: PlanStep, given: PlanInput) -> bool:
    """Whether the cash that the step pays with is there, beside dividends and open orders."""
    paid = _paid(step)
    if paid is None:
        return True
    free = given.snapshot.cash_in(paid.currency)
    for kept in (*given.pots, *given.reserved):
        if kept.currency == paid.currency:
            free -= kept
    fee = given.trade_rates.convert(step.fee_eur, paid.currency, Rounding.CEIL)
    return fee is not None and paid + fee <= free


def _paid(step: PlanStep) -> Money | None:
    """What a step takes from the cash of one currency, at its price; None for a sale."""
    if step.side == "BUY":
        return step.price.times(step.quantity, Rounding.CEIL)
    if step.kind == "fx":
        return Money.half_even(step.quantity.units, step.symbol.split("/")[0])
    return None
