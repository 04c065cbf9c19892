"""Negative cash and missing reserves, repaired by currency exchange.

The rebalancer calls `detect` on every snapshot and proposes the first conversion of `repair`; after
its fill everything is computed anew from fresh balances, one conversion at a time. Nothing here
sells a security: policy.emergency_cover says what would be left for that.

    NEGATIVE  a balance below zero: exchanged for whatever the others can spare, in parts if need
              be; dividends that wait for reinvestment go last, but before any security
    LOW       a trading currency between zero and its reserve: exchanged in full by one source that
              keeps its own reserve and pots, never less than the smallest sensible conversion
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from ledger.currency import BASE
from ledger.money import Money, Rounding
from ledger.order import OrderClass, Proposal, Side
from ledger.portfolio import PortfolioSnapshot
from ledger.rate import RateTable
from policy.fx import (
    Conversion,
    FxMarket,
    FxRefusal,
    Leg,
    convert,
    need_at_least,
    padded,
    reserve,
    spend_up_to,
    ways,
)
from policy.limits import Limits
from policy.valuation import unfit


class Severity(StrEnum):
    NEGATIVE = "negative"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Deficit:
    """`need` takes `balance` back to `reserve`; in EUR it is None while the rate is unknown.

    `balance` is what is available: cash less what open orders may still take.
    """

    severity: Severity
    balance: Money
    reserve: Money
    need: Money
    need_eur: Money | None

    @property
    def currency(self) -> str:
        return self.balance.currency


@dataclass(frozen=True, slots=True)
class Repair:
    """One conversion towards one deficit."""

    deficit: Deficit
    conversion: Conversion
    reason: str


def available_cash(snapshot: PortfolioSnapshot, reserved: Iterable[Money] = ()) -> dict[str, Money]:
    """Balances less what open orders may still take; trading currencies without cash are zero."""
    currencies = {s.currency for s in snapshot.universe if s.live}
    currencies |= {cash.money.currency for cash in snapshot.cash}
    free = {currency: snapshot.cash_in(currency) for currency in sorted(currencies)}
    for money in reserved:
        free[money.currency] = free.get(money.currency, Money.zero(money.currency)) - money
    return free


def detect(
    snapshot: PortfolioSnapshot,
    rates: RateTable,
    limits: Limits,
    *,
    reserved: Iterable[Money] = (),
) -> tuple[Deficit, ...]:
    """Every deficit, NEGATIVE ones first, the largest in EUR first; () on an unfit snapshot.

    `rates` holds only rates fresh enough to trade on. A reserve without a rate cannot be judged,
    so only a negative balance counts there.
    """
    if unfit(snapshot) is not None:
        return ()
    trading = {s.currency for s in snapshot.universe if s.live}
    found: list[Deficit] = []
    for currency, balance in available_cash(snapshot, reserved).items():
        least = reserve(currency, rates, limits)
        keep = least if least is not None else Money.zero(currency)
        if balance.minor < 0 or (currency in trading and balance < keep):
            severity = Severity.NEGATIVE if balance.minor < 0 else Severity.LOW
            need = keep - balance
            need_eur = rates.convert(need, BASE, Rounding.CEIL)
            found.append(Deficit(severity, balance, keep, need, need_eur))
    return tuple(sorted(found, key=_urgency))


def _urgency(deficit: Deficit) -> tuple[bool, int, str]:
    size = deficit.need_eur.minor if deficit.need_eur is not None else 0
    return deficit.severity is Severity.LOW, -size, deficit.currency


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where repairs may take money from: free balances and what each must keep.

    `pots` is the part of it that belongs to reinvestment, `busy` currencies are moved by an open
    order; an order of a `barred` pair and side was refused lately and would be again.
    """

    free: Mapping[str, Money]
    market: FxMarket
    pots: Mapping[str, Money] = field(default_factory=dict[str, Money])
    busy: frozenset[str] = field(default_factory=frozenset[str])
    barred: frozenset[tuple[str, Side]] = field(default_factory=frozenset[tuple[str, Side]])

    @property
    def without_pots(self) -> Sources:
        """The same without the money of dividends that waits for reinvestment."""
        none = {currency: Money.zero(currency) for currency in self.free}
        free = {c: money - self.pots.get(c, none[c]) for c, money in self.free.items()}
        return replace(self, free=free, pots={})

    def surplus(self, currency: str) -> Money:
        """What may leave a currency; zero when its reserve is unknown or an order touches it."""
        keep = reserve(currency, self.market.rates, self.market.limits)
        balance = self.free.get(currency, Money.zero(currency))
        if keep is None or currency in self.busy or balance <= keep:
            return Money.zero(currency)
        return balance - keep

    def routes(self, target: str) -> tuple[tuple[Leg, ...], ...]:
        """Ways into `target`: direct ones first, the most valuable surplus first."""
        surplus = {currency: self.surplus(currency) for currency in self.free}
        found = ways(surplus, target, self.market)
        return tuple(
            legs for legs in found if (legs[0].pair.symbol, legs[0].side) not in self.barred
        )


def repair(
    deficits: Iterable[Deficit], sources: Sources, *, repaired_today: frozenset[str] = frozenset()
) -> tuple[Repair, ...]:
    """The conversions that would cure the deficits, the most urgent first; act on the first only.

    `repaired_today` are the currencies whose reserve was already repaired on this day.
    """
    repairs: list[Repair] = []
    free = dict(sources.free)
    for deficit in deficits:
        now = replace(sources, free=free)
        if deficit.currency in sources.busy:
            continue
        if deficit.severity is Severity.NEGATIVE:
            found = _repair_negative(deficit, now.without_pots) or _repair_negative(deficit, now)
        elif deficit.currency in repaired_today:
            continue
        else:
            found = _repair_low(deficit, now.without_pots)
        for one in found:
            _spend(free, one.conversion)
        repairs += found
    return tuple(repairs)


def proposal(
    first: Repair,
    *,
    source_id: str,
    step: int,
    attempt: int,
    bucket_id: str,
    order_class: OrderClass = "fx",
) -> Proposal:
    """The conversion as an order."""
    done = first.conversion
    return Proposal(
        order_class=order_class,
        source_id=source_id,
        step=step,
        attempt=attempt,
        bucket_id=bucket_id,
        symbol=done.leg.pair.symbol,
        security_id=None,
        side=done.leg.side,
        quantity=done.quantity,
        currency=done.price.currency,
        decision_price=done.price,
        value_eur=done.value_eur,
        reason=first.reason,
    )


def within(first: Repair, bound_eur: Money, market: FxMarket) -> Repair | None:
    """The conversion, or one of at most `bound_eur`; None when no lot of it is that small."""
    done = first.conversion
    if done.value_eur <= bound_eur:
        return first
    budget = market.rates.convert(bound_eur, done.leg.source, Rounding.FLOOR)
    smaller = spend_up_to(done.leg, budget, market) if budget is not None else None
    if smaller is None or isinstance(smaller, FxRefusal):
        return None
    return replace(first, conversion=smaller, reason=_reason(first.deficit, smaller))


def _repair_negative(deficit: Deficit, sources: Sources) -> list[Repair]:
    """Take from one source after the other until the need is covered."""
    market = sources.market
    missing = deficit.need
    repairs: list[Repair] = []
    for leg, *_ in sources.routes(deficit.currency):
        wanted = to_bring(leg, missing, market)
        if missing.minor <= 0 or wanted is None:
            break
        done = convert(leg, wanted, surplus=sources.surplus(leg.source), market=market)
        if isinstance(done, FxRefusal) or not fee_fits(done, sources):
            continue
        if done.cost_eur >= done.value_eur and done.receive < wanted:
            continue  # the last crumbs of a source are not worth their fee
        repairs.append(Repair(deficit, done, _reason(deficit, done)))
        # Of a path over EUR only the first leg can be sized now; the fill decides what follows.
        brought = market.rates.convert(done.receive, deficit.currency, Rounding.FLOOR)
        if brought is not None:
            missing -= brought
    return repairs


def _repair_low(deficit: Deficit, sources: Sources) -> list[Repair]:
    """One source pays for all of it, on a direct pair, or there is no repair."""
    market = sources.market
    least = market.rates.convert(market.limits.min_fx_amount, deficit.currency, Rounding.CEIL)
    if least is None:
        return []
    wanted = max(padded(deficit.need, market.limits.fx_buffer), least)
    for leg, *further in sources.routes(deficit.currency):
        done = need_at_least(leg, wanted, market)
        if further or isinstance(done, FxRefusal):
            continue
        if done.outlay(leg.source) <= sources.surplus(leg.source).minor and fee_fits(done, sources):
            return [Repair(deficit, done, _reason(deficit, done))]
    return []


def to_bring(leg: Leg, missing: Money, market: FxMarket) -> Money | None:
    """What the leg has to bring: the need with its buffer, in the leg's own target."""
    need = market.rates.convert(missing, leg.target, Rounding.CEIL)
    return None if need is None else padded(need, market.limits.fx_buffer)


def fee_fits(done: Conversion, sources: Sources) -> bool:
    """A fee in a third currency must leave that currency its reserve."""
    currency = done.fee.currency
    if not done.fee.minor or currency == done.leg.source:
        return True
    received = done.receive.minor if currency == done.leg.target else 0
    return sources.surplus(currency).minor + received >= done.fee.minor


def _spend(free: dict[str, Money], done: Conversion) -> None:
    for money in (-done.spend, done.receive, -done.fee):
        free[money.currency] = free.get(money.currency, Money.zero(money.currency)) + money


def _reason(deficit: Deficit, done: Conversion) -> str:
    state = "is negative" if deficit.severity is Severity.NEGATIVE else "is below its reserve"
    return (
        f"{deficit.currency} {state}: {deficit.balance}, reserve {deficit.reserve};"
        f" {done.leg.source} → {done.leg.target} worth {done.value_eur}"
    )
