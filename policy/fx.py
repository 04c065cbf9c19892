"""Currency exchange as orders on pairs: which pair, which side, how much of the base.

Planner and emergency repair size every conversion here. The routes are data: the pairs passed in.
The side follows from the pair (sell the base when it is the source, else buy it) and a quantity is
always in units of the base, so it cannot be the wrong way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from ledger.currency import BASE, exponent, is_known
from ledger.money import Money, Price, Quantity, Rounding, divide
from ledger.order import Side
from ledger.quote import Quote
from ledger.rate import RateTable
from ledger.security import FxPair
from policy.fees import FeeTerms, fee
from policy.fx_rates import inconsistent
from policy.limits import Limits
from policy.pricing import drift, spread

# A price in millionths below this has too few digits to size an order with.
LEAST_PRICE = Decimal("0.001")


class NoFx(StrEnum):
    """Why there is no conversion."""

    SAME_CURRENCY = "same_currency"
    AMOUNT_NOT_POSITIVE = "amount_not_positive"
    UNKNOWN_CURRENCY = "unknown_currency"
    NO_ROUTE = "no_route"
    NO_PRICE = "no_price"
    NO_SURPLUS = "no_surplus"
    BELOW_LOT = "below_lot"
    BELOW_MINIMUM = "below_minimum"
    NOTHING_ARRIVES = "nothing_arrives"


@dataclass(frozen=True, slots=True)
class FxRefusal:
    code: NoFx
    detail: str


@dataclass(frozen=True, slots=True)
class Leg:
    """One order on one pair that turns `source` into `target`."""

    pair: FxPair
    source: str
    target: str

    @property
    def side(self) -> Side:
        return "SELL" if self.source == self.pair.base else "BUY"


@dataclass(frozen=True, slots=True)
class FxMarket:
    """What conversions are sized with; `rates` holds only rates fresh enough to trade on.

    `inconsistent` are the pairs whose quotes contradict those of other pairs: not converted on.
    """

    pairs: tuple[FxPair, ...]
    quotes: Mapping[str, Quote]
    rates: RateTable
    fees: FeeTerms
    limits: Limits
    inconsistent: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        wrong = inconsistent(self.pairs, self.quotes, self.limits)
        object.__setattr__(self, "inconsistent", wrong)

    @property
    def unproven(self) -> frozenset[str]:
        """The pairs on which no conversion of ours was seen to move the money the right way."""
        return frozenset(pair.symbol for pair in self.pairs if not pair.proven)


@dataclass(frozen=True, slots=True)
class Conversion:
    """A sized leg: `quantity` in base, `price` in quote per base as of the decision.

    `spend` and `receive` are the worst case at the limit price, without the fee, which is in its
    own currency. `value_eur` is what arrives at the decision price, `cost_eur` the fee and the
    expected spread.
    """

    leg: Leg
    quantity: Quantity
    price: Price
    spend: Money
    receive: Money
    fee: Money
    value_eur: Money
    cost_eur: Money

    def outlay(self, currency: str) -> int:
        """Minor units that leave the balance of `currency`, what is received not counted."""
        spent = self.spend.minor if self.spend.currency == currency else 0
        return spent + (self.fee.minor if self.fee.currency == currency else 0)


def reserve(currency: str, rates: RateTable, limits: Limits) -> Money | None:
    """What a currency should keep: the reserve in EUR at today's rate; None without a rate."""
    return rates.convert(limits.min_currency_reserve, currency, Rounding.CEIL)


def route(source: str, target: str, pairs: Iterable[FxPair]) -> tuple[Leg, ...] | FxRefusal:
    """One leg on a direct pair, else two legs by way of EUR."""
    for currency in (source, target):
        if not is_known(currency):
            return FxRefusal(NoFx.UNKNOWN_CURRENCY, f"{currency} cannot be exchanged")
    if source == target:
        return FxRefusal(NoFx.SAME_CURRENCY, f"{source} is {target} already")
    known = tuple(pairs)
    direct = _direct(source, target, known)
    if direct is not None:
        return (direct,)
    first, second = _direct(source, BASE, known), _direct(BASE, target, known)
    if first is None or second is None:
        return FxRefusal(NoFx.NO_ROUTE, f"no pair leads from {source} to {target}")
    return first, second


def ways(
    surplus: Mapping[str, Money], target: str, market: FxMarket
) -> tuple[tuple[Leg, ...], ...]:
    """Routes into `target`, direct ones first, then the most valuable surplus, then the code.

    A path over EUR comes last: EUR that is there already, or came by its first leg, goes first.
    Pairs that are not proven yet are used only where proven ones do not lead, and after those.
    """
    ranked: list[tuple[bool, int, int, str, tuple[Leg, ...]]] = []
    proven = tuple(pair for pair in market.pairs if pair.proven)
    for currency, money in surplus.items():
        value = market.rates.to_eur(money)
        if currency == target or value is None or value.minor <= 0:
            continue
        legs = route(currency, target, proven)
        trial = isinstance(legs, FxRefusal)
        if trial:
            legs = route(currency, target, market.pairs)
        if not isinstance(legs, FxRefusal):
            ranked.append((trial, len(legs), -value.minor, currency, legs))
    return tuple(legs for *_, legs in sorted(ranked, key=lambda way: way[:4]))


def _direct(source: str, target: str, pairs: tuple[FxPair, ...]) -> Leg | None:
    for pair in pairs:
        if {pair.base, pair.quote} == {source, target}:
            return Leg(pair, source, target)
    return None


def pair_price(pair: FxPair, market: FxMarket) -> Price | None:
    """Quote units per base: the pair's quote, or the reference rate while there is no quote.

    None without a reference rate, or when the quote is too far from it or from the quotes of
    other pairs to be believed.
    """
    if pair.symbol in market.inconsistent:
        return None
    rate = market.rates.rate(pair.base, pair.quote)
    if rate is None or rate.value < LEAST_PRICE:
        return None
    reference = Price.of(rate.value, pair.quote)
    quote = market.quotes.get(pair.symbol)
    if quote is None:
        return reference
    if quote.last.currency != pair.quote:
        return None
    believed = drift(reference, quote.last) <= market.limits.max_fx_deviation
    return quote.last if believed else None


def worst_price(price: Price, side: Side, quote: Quote | None, limits: Limits) -> Price:
    """The furthest a limit order decided at `price` may reach: the band, wide when spreads are."""
    width = None if quote is None else spread(quote)
    band = limits.band if width is not None and width <= limits.wide_spread else limits.wide_band
    if side == "BUY":
        return price.scaled(1 + band, Rounding.CEIL)
    return price.scaled(1 - band, Rounding.FLOOR)


def need_at_least(leg: Leg, need: Money, market: FxMarket) -> Conversion | FxRefusal:
    """Enough base to receive `need` of the target at the decision price, up to a whole lot."""
    if need.minor <= 0:
        return FxRefusal(NoFx.AMOUNT_NOT_POSITIVE, f"{need} is nothing to convert")
    price = pair_price(leg.pair, market)
    if price is None:
        return _no_price(leg)
    buying = leg.side == "BUY"
    exact = _as_base(need) if buying else _base_for(need, price, Rounding.CEIL)
    return _sized(leg, exact.ceil_to_lot(leg.pair.lot), price, market)


def spend_up_to(leg: Leg, budget: Money, market: FxMarket) -> Conversion | FxRefusal:
    """As much as `budget` of the source pays for at the worst price, down to a whole lot."""
    if budget.minor <= 0:
        return FxRefusal(NoFx.NO_SURPLUS, f"{budget} is nothing to spend")
    price = pair_price(leg.pair, market)
    if price is None:
        return _no_price(leg)
    if leg.side == "SELL":
        exact = _as_base(budget)
    else:
        worst = worst_price(price, "BUY", market.quotes.get(leg.pair.symbol), market.limits)
        exact = _base_for(budget, worst, Rounding.FLOOR)
    return _sized(leg, exact.floor_to_lot(leg.pair.lot), price, market)


def convert(leg: Leg, need: Money, *, surplus: Money, market: FxMarket) -> Conversion | FxRefusal:
    """`need` of the target, or as much of it as the source's surplus pays, its fee included."""
    wanted = need_at_least(leg, need, market)
    if isinstance(wanted, FxRefusal) or wanted.outlay(leg.source) <= surplus.minor:
        return wanted
    own_fee = wanted.outlay(leg.source) - wanted.spend.minor
    return spend_up_to(leg, Money(surplus.minor - own_fee, leg.source), market)


def padded(need: Money, buffer: Decimal) -> Money:
    """`need` × (1 + buffer), rounded up."""
    numerator, denominator = (1 + buffer).as_integer_ratio()
    return Money(divide(need.minor * numerator, denominator, Rounding.CEIL), need.currency)


def _no_price(leg: Leg) -> FxRefusal:
    return FxRefusal(NoFx.NO_PRICE, f"no trustworthy price of {leg.pair.symbol}")


def _as_base(money: Money) -> Quantity:
    return Quantity(money.minor * 10 ** (6 - exponent(money.currency)))


def _base_for(money: Money, price: Price, rounding: Rounding) -> Quantity:
    """How much base `money` of the quote currency is at `price`."""
    return Quantity(
        divide(money.minor * 10 ** (12 - exponent(money.currency)), price.micro, rounding)
    )


def _sized(leg: Leg, quantity: Quantity, price: Price, market: FxMarket) -> Conversion | FxRefusal:
    """The conversion of `quantity`, or of what a first conversion on the pair may be."""
    if not leg.pair.proven:
        quantity = min(quantity, _first_quantity(leg.pair, market))
    if quantity.micro <= 0:
        return FxRefusal(NoFx.BELOW_LOT, f"less than one lot of {leg.pair.symbol}")
    least = leg.pair.min_quantity
    if least is not None and quantity < least:
        detail = f"{quantity} {leg.pair.base} is below the minimum of {leg.pair.symbol}, {least}"
        return FxRefusal(NoFx.BELOW_MINIMUM, detail)
    quote = market.quotes.get(leg.pair.symbol)
    worst = worst_price(price, leg.side, quote, market.limits)
    buying = leg.side == "BUY"
    base_paid = _base_money(quantity, leg.pair.base, Rounding.CEIL)
    base_got = _base_money(quantity, leg.pair.base, Rounding.FLOOR)
    expected = base_got if buying else price.times(quantity, Rounding.FLOOR)
    charged = fee(market.fees, max(price, worst).times(quantity, Rounding.CEIL), market.rates)
    value_eur = market.rates.to_eur(expected)
    lost_eur = market.rates.convert(_half_spread(quantity, price, quote), BASE, Rounding.CEIL)
    fee_eur = market.rates.convert(charged, BASE, Rounding.CEIL) if charged else None
    if charged is None or fee_eur is None or value_eur is None or lost_eur is None:
        return _no_price(leg)
    receive = base_got if buying else worst.times(quantity, Rounding.FLOOR)
    if receive.minor <= (charged.minor if charged.currency == leg.target else 0):
        return FxRefusal(NoFx.NOTHING_ARRIVES, f"{quantity} {leg.pair.symbol} brings nothing")
    return Conversion(
        leg=leg,
        quantity=quantity,
        price=price,
        spend=worst.times(quantity, Rounding.CEIL) if buying else base_paid,
        receive=receive,
        fee=charged,
        value_eur=value_eur,
        cost_eur=fee_eur + lost_eur,
    )


def _first_quantity(pair: FxPair, market: FxMarket) -> Quantity:
    """The largest conversion on a pair that is not proven yet; zero without a rate."""
    most = market.rates.convert(market.limits.fx_first_amount, pair.base, Rounding.FLOOR)
    return Quantity(0) if most is None else _as_base(most).floor_to_lot(pair.lot)


def _base_money(quantity: Quantity, base: str, rounding: Rounding) -> Money:
    return Money(divide(quantity.micro, 10 ** (6 - exponent(base)), rounding), base)


def _half_spread(quantity: Quantity, price: Price, quote: Quote | None) -> Money:
    """What half the spread takes of a conversion, in the quote currency."""
    if quote is None or quote.bid is None or quote.ask is None or quote.ask <= quote.bid:
        return Money.zero(price.currency)
    half = Price((quote.ask.micro - quote.bid.micro + 1) // 2, price.currency)
    return half.times(quantity, Rounding.CEIL)
