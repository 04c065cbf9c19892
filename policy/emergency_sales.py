"""Which holdings a repair of negative cash would sell, and how much of each.

Only what no exchange can bring is sold: the most valuable holding first, a tenth more than is
missing, and not more than that but for the last lot. Cool-downs and losses do not count here; what
the owner allows, what trades now and what has a fresh price does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from ledger.currency import BASE, exponent
from ledger.money import Money, Price, Quantity, Rounding, divide
from ledger.order import Side
from ledger.portfolio import PortfolioSnapshot, Position
from ledger.quote import Quote
from ledger.rate import RateTable
from ledger.security import FxPair, Security
from policy.fees import FeeTerms, fee
from policy.fx import FxRefusal, padded, route
from policy.limits import Limits

# Sold on top of what is missing: prices move until the order executes.
MARGIN = Decimal("0.10")


@dataclass(frozen=True, slots=True, kw_only=True)
class SaleMarket:
    """What sales are decided on; `rates` holds only rates fresh enough to trade on.

    `opens` is when each exchange takes orders next: not later than `now` while it does. `curable`
    is what further money in a currency could cure, in EUR: no more than that is sold in it. None
    is no such bound.
    """

    now: datetime
    snapshot: PortfolioSnapshot
    rates: RateTable
    fees: FeeTerms
    limits: Limits
    opens: Mapping[str, datetime]
    barred: Mapping[tuple[str, Side], datetime]
    curable: Mapping[str, Money] | None = None

    def bound(self, currency: str, need: Money) -> Money:
        """The part of `need` (EUR) for which something may be sold in `currency`."""
        if self.curable is None:
            return need
        return min(need, self.curable.get(currency, Money.zero(BASE)))


@dataclass(frozen=True, slots=True)
class Offer:
    """A holding that could be sold now: whole lots, at its bid."""

    security: Security
    quantity: Quantity
    bid: Price
    last: Price
    value_eur: Money


@dataclass(frozen=True, slots=True)
class Sale:
    """`value_eur` is what it brings at the bid, `net_eur` the same less its fee."""

    security: Security
    quantity: Quantity
    bid: Price
    last: Price
    value_eur: Money
    net_eur: Money


def sellable(market: SaleMarket, targets: frozenset[str]) -> tuple[Position, ...]:
    """Holdings that may be sold at all, and whose money can become one of `targets`."""
    return tuple(
        position
        for position in market.snapshot.positions
        if _allowed(position)
        and _cures(position.security.currency, market)
        and position.security.instrument.mic in market.opens
        and _reaches(position.security.currency, targets, market.snapshot.pairs)
    )


def _cures(currency: str, market: SaleMarket) -> bool:
    return market.curable is None or market.curable.get(currency, Money.zero(BASE)).minor > 0


def _allowed(position: Position) -> bool:
    security = position.security
    lot = security.instrument.lot
    if lot is None or position.quantity < lot:
        return False
    return security.live and security.confirmed and security.allow_sell


def _reaches(currency: str, targets: frozenset[str], pairs: tuple[FxPair, ...]) -> bool:
    return any(
        currency == target or not isinstance(route(currency, target, pairs), FxRefusal)
        for target in targets
    )


def opens_at(position: Position, market: SaleMarket) -> datetime:
    """When the exchange of a sellable holding takes orders next."""
    return market.opens[position.security.instrument.mic]


def barred_until(position: Position, market: SaleMarket) -> datetime | None:
    """When a refused sale of it may be tried again; None when it may be now."""
    until = market.barred.get((position.security.symbol, "SELL"))
    return until if until is not None and until > market.now else None


def offers(
    market: SaleMarket, targets: frozenset[str], *, most: Money | None = None
) -> tuple[Offer, ...]:
    """What can be sold now, the most valuable first; small holdings only when there is no other.

    With `most` (EUR) only that of which at least one lot is worth no more.
    """
    found = [
        offer
        for position in sellable(market, targets)
        if opens_at(position, market) <= market.now and barred_until(position, market) is None
        for offer in _offer(position, market)
        if most is None or _lots_within(offer, most, market).micro > 0
    ]
    large = [offer for offer in found if offer.value_eur >= market.limits.min_sell_value]
    return tuple(sorted(large or found, key=lambda o: (-o.value_eur.minor, o.security.symbol)))


def _offer(position: Position, market: SaleMarket) -> Iterator[Offer]:
    """The holding at its bid; nothing without a fresh price or a rate."""
    security, quote = position.security, market.snapshot.quotes.get(position.security.symbol)
    lot = security.instrument.lot
    assert lot is not None
    if quote is None or quote.bid is None or not _fresh(quote, security, market):
        return
    quantity = position.quantity.floor_to_lot(lot)
    value = market.rates.to_eur(quote.bid.times(quantity, Rounding.FLOOR))
    if value is not None:
        yield Offer(security, quantity, quote.bid, quote.last, value)


def _fresh(quote: Quote, security: Security, market: SaleMarket) -> bool:
    age = market.now - quote.at
    young = timedelta(0) <= age <= market.limits.max_quote_age
    return young and quote.last.currency == security.currency and quote.market_open is True


def plan_sales(
    need: Money,
    market: SaleMarket,
    targets: frozenset[str],
    *,
    margin: Decimal = MARGIN,
    most: Money | None = None,
) -> tuple[Sale, ...]:
    """The sales that bring `need` (EUR) and the margin, net of fees; `most` is that of `offers`."""
    sales: list[Sale] = []
    gathered = Money.zero(BASE)
    for offer in offers(market, targets, most=most):
        missing = need - gathered
        if missing.minor <= 0:
            break
        wanted = market.bound(offer.security.currency, missing)
        sale = _slice(offer, padded(wanted, margin), market)
        if sale is not None and sale.net_eur.minor > 0:
            sales.append(sale)
            gathered += sale.net_eur
    return tuple(sales)


def _slice(offer: Offer, wanted_eur: Money, market: SaleMarket) -> Sale | None:
    """So much of the holding as brings `wanted_eur`, up to a whole lot and at most all of it."""
    lot = offer.security.instrument.lot
    wanted = market.rates.convert(wanted_eur, offer.security.currency, Rounding.CEIL)
    if wanted is None or lot is None:
        return None
    quantity = offer.quantity
    if wanted_eur < offer.value_eur:
        quantity = min(quantity, _units(wanted, offer.bid, Rounding.CEIL).ceil_to_lot(lot))
    return _sale(offer, quantity, market)


def _sale(offer: Offer, quantity: Quantity, market: SaleMarket) -> Sale | None:
    if quantity.micro <= 0:
        return None
    value = offer.bid.times(quantity, Rounding.FLOOR)
    charged = fee(market.fees, value, market.rates)
    fee_eur = market.rates.convert(charged, BASE, Rounding.CEIL) if charged else None
    value_eur = market.rates.convert(value, BASE, Rounding.FLOOR)
    if fee_eur is None or value_eur is None:
        return None
    return Sale(
        security=offer.security,
        quantity=quantity,
        bid=offer.bid,
        last=offer.last,
        value_eur=value_eur,
        net_eur=value_eur - fee_eur,
    )


def within(sale: Sale, bound_eur: Money, market: SaleMarket) -> Sale | None:
    """The sale, or so many whole lots of it as are worth `bound_eur`; None for less than one."""
    offer = Offer(sale.security, sale.quantity, sale.bid, sale.last, sale.value_eur)
    most = _lots_within(offer, bound_eur, market)
    return sale if sale.quantity <= most else _sale(offer, most, market)


def _lots_within(offer: Offer, bound_eur: Money, market: SaleMarket) -> Quantity:
    """So many whole lots as are worth `bound_eur` at the more of bid and last."""
    lot, price = offer.security.instrument.lot, max(offer.bid, offer.last)
    bound = market.rates.convert(bound_eur, offer.security.currency, Rounding.FLOOR)
    if lot is None or bound is None:
        return Quantity(0)
    return _units(bound, price, Rounding.FLOOR).floor_to_lot(lot)


def at_most(sale: Sale, market: SaleMarket) -> Money:
    """What the sale counts against the day's share: the more of bid and last."""
    value = max(sale.bid, sale.last).times(sale.quantity, Rounding.CEIL)
    return market.rates.convert(value, BASE, Rounding.CEIL) or sale.value_eur


def _units(money: Money, price: Price, rounding: Rounding) -> Quantity:
    """How many units `money` is at `price`."""
    return Quantity(
        divide(money.minor * 10 ** (12 - exponent(money.currency)), price.micro, rounding)
    )
