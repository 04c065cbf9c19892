"""Can the account pay for it? Exact money per currency, with the conversions a purchase needs.

The generator of trade sequences walks a purse through its trades: what a trade takes and brings at
its worst price, what every currency must keep, and the conversions that come before a purchase.
Fees are paid in the currency in which they are charged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ledger.currency import BASE
from ledger.money import Money, Rounding
from ledger.portfolio import PortfolioSnapshot
from ledger.rate import RateTable
from policy.fx import Conversion, FxMarket, FxRefusal, Leg, convert, padded, reserve, ways
from policy.limits import Limits

# Conversions one currency may need before one trade; more would eat their own gain.
MAX_CONVERSIONS = 3


@dataclass(frozen=True, slots=True)
class Purse:
    """Cash in minor units by currency at one point of a sequence."""

    balances: Mapping[str, int]

    def plus(self, changes: Iterable[tuple[str, int]]) -> Purse:
        balances = dict(self.balances)
        for currency, minor in changes:
            balances[currency] = balances.get(currency, 0) + minor
        return Purse(balances)


@dataclass(frozen=True, slots=True)
class MoneyRules:
    """`floors` is what each currency keeps (a currency without one cannot be used), in minor units.

    `total_floor` is what all cash together keeps, in EUR cents.
    """

    floors: Mapping[str, int]
    total_floor: int
    fx: FxMarket

    def surplus(self, purse: Purse, currency: str) -> int:
        """What may leave a currency; 0 when it has no floor, negative when it is short."""
        floor = self.floors.get(currency)
        return 0 if floor is None else purse.balances.get(currency, 0) - floor

    def total_eur(self, purse: Purse) -> int:
        """All cash in EUR cents, rounded down; cash without a rate counts for nothing."""
        rates = self.fx.rates
        values = (
            rates.convert(Money(minor, currency), BASE, Rounding.FLOOR)
            for currency, minor in purse.balances.items()
            if minor
        )
        return sum(value.minor for value in values if value is not None)


@dataclass(frozen=True, slots=True)
class Funded:
    """The purse after a trade, and the conversions that had to come before it."""

    purse: Purse
    conversions: tuple[Conversion, ...]


def money_rules(
    snapshot: PortfolioSnapshot,
    fx: FxMarket,
    *,
    pots: Iterable[Money],
    reserved: Iterable[Money],
) -> MoneyRules:
    """What must stay: the reserves, money in dividend pots, and cash promised to open orders."""
    kept = (*pots, *reserved)
    currencies = {
        BASE,
        *(cash.money.currency for cash in snapshot.cash),
        *(security.currency for security in snapshot.universe if security.live),
    }
    floors: dict[str, int] = {}
    for currency in sorted(currencies):
        least = reserve(currency, fx.rates, fx.limits)
        if least is not None:
            floors[currency] = least.minor + sum(m.minor for m in kept if m.currency == currency)
    return MoneyRules(floors, _total_floor(kept, fx.rates, fx.limits), fx)


def _total_floor(kept: Iterable[Money], rates: RateTable, limits: Limits) -> int:
    """Money kept in a currency without a rate is left out, as its balance is."""
    values = (rates.convert(money, BASE, Rounding.CEIL) for money in kept)
    return limits.min_cash_reserve.minor + sum(v.minor for v in values if v is not None)


def buy(purse: Purse, rules: MoneyRules, *, cost: Money, fee: Money) -> Funded | None:
    """Pay for a purchase, converting what is missing; None when the account cannot."""
    needs = {cost.currency: cost.minor}
    needs[fee.currency] = needs.get(fee.currency, 0) + fee.minor
    funded = _fund(purse, rules, needs)
    if funded is None:
        return None
    after = funded.purse.plus((currency, -minor) for currency, minor in needs.items())
    if rules.total_eur(after) < rules.total_floor:
        return None
    return Funded(after, funded.conversions)


def sell(purse: Purse, rules: MoneyRules, *, proceeds: Money, fee: Money) -> Funded | None:
    """Receive for a sale. A fee in another currency must be there before the proceeds are."""
    if fee.currency == proceeds.currency:
        net = proceeds - fee
        return Funded(purse.plus([(net.currency, net.minor)]), ()) if net.minor > 0 else None
    funded = _fund(purse, rules, {fee.currency: fee.minor})
    if funded is None:
        return None
    changes = [(fee.currency, -fee.minor), (proceeds.currency, proceeds.minor)]
    return Funded(funded.purse.plus(changes), funded.conversions)


def _fund(purse: Purse, rules: MoneyRules, needs: Mapping[str, int]) -> Funded | None:
    """Convert until every currency has its need above its floor."""
    done: tuple[Conversion, ...] = ()
    for currency in needs:
        for _ in range(MAX_CONVERSIONS):
            missing = needs[currency] - rules.surplus(purse, currency)
            if missing <= 0:
                break
            more = _convert_once(purse, rules, needs, Money(missing, currency))
            if more is None:
                return None
            purse, done = more.purse, done + more.conversions
    if any(rules.surplus(purse, currency) < need for currency, need in needs.items()):
        return None
    return Funded(purse, done)


def _convert_once(
    purse: Purse, rules: MoneyRules, needs: Mapping[str, int], missing: Money
) -> Funded | None:
    """One source's part of `missing`: direct pairs first, then the largest free surplus."""
    if missing.currency not in rules.floors:
        return None
    wanted = _sensible(missing, rules.fx)
    for legs in _routes(purse, rules, needs, missing.currency):
        taken = _take(purse, rules, needs, legs, wanted)
        if taken is not None:
            return taken
    return None


def _sensible(missing: Money, fx: FxMarket) -> Money:
    """The need with its buffer, which covers the worst price too, and never below the minimum."""
    limits = fx.limits
    slip = limits.wide_band / (1 - limits.wide_band)
    wanted = padded(missing, max(limits.fx_buffer, slip))
    least = fx.rates.convert(limits.min_fx_amount, missing.currency, Rounding.CEIL)
    return wanted if least is None else max(wanted, least)


def _routes(
    purse: Purse, rules: MoneyRules, needs: Mapping[str, int], target: str
) -> tuple[tuple[Leg, ...], ...]:
    """Ways into `target` from every currency with something to spare."""
    spare = {
        currency: Money(max(0, rules.surplus(purse, currency) - needs.get(currency, 0)), currency)
        for currency in purse.balances
    }
    return ways(spare, target, rules.fx)


def _take(
    purse: Purse,
    rules: MoneyRules,
    needs: Mapping[str, int],
    legs: tuple[Leg, ...],
    wanted: Money,
) -> Funded | None:
    """Walk one or two legs; the second spends what the first brings and what EUR can spare."""
    done: tuple[Conversion, ...] = ()
    for leg in legs:
        goal = wanted if leg is legs[-1] else _through(leg, wanted, rules.fx)
        spare = rules.surplus(purse, leg.source) - needs.get(leg.source, 0)
        if goal is None or spare <= 0:
            return None
        step = convert(leg, goal, surplus=Money(spare, leg.source), market=rules.fx)
        if isinstance(step, FxRefusal) or step.value_eur < rules.fx.limits.min_fx_amount:
            return None
        purse = apply(purse, step)
        if step.fee.minor and not _bears(purse, rules, step.fee.currency):
            return None
        done = (*done, step)
    return Funded(purse, done)


def _bears(purse: Purse, rules: MoneyRules, currency: str) -> bool:
    """Whether a fee just paid in it leaves the currency its floor; one without cannot be used."""
    return currency in rules.floors and rules.surplus(purse, currency) >= 0


def _through(leg: Leg, wanted: Money, fx: FxMarket) -> Money | None:
    """What the first of two legs must bring so that the second can bring `wanted`."""
    value = fx.rates.convert(wanted, leg.target, Rounding.CEIL)
    return None if value is None else _sensible(value, fx)


def apply(purse: Purse, step: Conversion) -> Purse:
    """The purse after a conversion at its worst price."""
    return purse.plus(
        [
            (step.spend.currency, -step.spend.minor),
            (step.receive.currency, step.receive.minor),
            (step.fee.currency, -step.fee.minor),
        ]
    )
