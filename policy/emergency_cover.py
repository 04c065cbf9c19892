"""What the cash of other currencies covers of negative balances, and what no cash can.

A repair asks here before it sells anything: what is missing, which money only lacks a price that
is believed, and whose further money would cure nothing because it could not be exchanged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from ledger.currency import BASE
from ledger.money import Money, Rounding
from policy.emergency import Deficit, Sources, fee_fits, to_bring
from policy.fx import FxMarket, FxRefusal, convert, padded, pair_price, reserve, route


def uncovered(
    deficits: Iterable[Deficit],
    sources: Sources,
    *,
    sold: frozenset[str] = frozenset(),
    buffer: Decimal = Decimal(0),
) -> Money:
    """What the deficits need in EUR beyond all that other currencies can spare for them.

    What sales brought counts whole, its reserve too, and even while no price is believed: the same
    must not be sold for again. Without a rate nobody knows how much it covers, so nothing is said
    to be missing. Otherwise a need or a surplus without a rate, or without a price to
    exchange it at, is not counted. `buffer` is a share of the needs that is wanted on top.
    """
    wanted = tuple(deficits)
    missing = Money.zero(BASE)
    for deficit in wanted:
        missing += padded(deficit.need_eur or Money.zero(BASE), buffer)
    for currency, balance in sources.free.items():
        leads = _is_routed if currency in sold else _leads
        if any(leads(currency, deficit.currency, sources.market) for deficit in wanted):
            whole = max(balance, Money.zero(currency))
            spare = whole if currency in sold else sources.surplus(currency)
            worth = sources.market.rates.convert(spare, BASE, Rounding.FLOOR)
            if worth is None and currency in sold and spare.minor:
                return Money.zero(BASE)
            missing -= worth or Money.zero(BASE)
    return max(missing, Money.zero(BASE))


def curable(
    currencies: Iterable[str], deficits: Iterable[Deficit], sources: Sources, *, more_eur: Money
) -> Mapping[str, Money]:
    """By currency, the needs (EUR) that `more_eur` of further money in it could cure.

    Nothing for money that cannot be exchanged at prices that are believed, and where not even all
    of it would make a conversion that the pair allows.
    """
    wanted = tuple(deficits)
    sums = dict.fromkeys(currencies, Money.zero(BASE))
    for currency in sums:
        for deficit in wanted:
            if deficit.need_eur is not None and _would_cure(currency, deficit, sources, more_eur):
                sums[currency] += deficit.need_eur
    return sums


def _would_cure(currency: str, deficit: Deficit, sources: Sources, more_eur: Money) -> bool:
    market = sources.market
    if currency == deficit.currency:
        return True
    legs = route(currency, deficit.currency, market.pairs)
    if isinstance(legs, FxRefusal):
        return False
    for leg in legs:
        wanted = to_bring(leg, deficit.need, market)
        more = market.rates.convert(more_eur, leg.source, Rounding.FLOOR)
        if wanted is None or more is None:
            return False
        surplus = sources.surplus(leg.source) + more
        done = convert(leg, wanted, surplus=surplus, market=market)
        if isinstance(done, FxRefusal) or not fee_fits(done, sources):
            return False
    return True


def stalled(deficits: Iterable[Deficit], sources: Sources) -> tuple[str, ...]:
    """Currencies with money for a deficit that only lack a rate or price to be trusted just now."""
    market = sources.market
    found: set[str] = set()
    for deficit in deficits:
        for currency, money in sources.free.items():
            legs = route(currency, deficit.currency, market.pairs)
            keep = reserve(currency, market.rates, market.limits)
            known = keep is not None and _leads(currency, deficit.currency, market)
            empty = money.minor <= 0 or (keep is not None and money <= keep)
            if not (empty or known or isinstance(legs, FxRefusal)):
                found.add(currency)
    return tuple(sorted(found))


def _is_routed(source: str, target: str, market: FxMarket) -> bool:
    return not isinstance(route(source, target, market.pairs), FxRefusal)


def _leads(source: str, target: str, market: FxMarket) -> bool:
    """Money of one currency can become the other's, at prices that are believed."""
    legs = route(source, target, market.pairs)
    if isinstance(legs, FxRefusal):
        return False
    return all(pair_price(leg.pair, market) is not None for leg in legs)
