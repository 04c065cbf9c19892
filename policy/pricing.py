"""The limit price of an order: close to the quote, never beyond a band, rounded to our side."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ledger.money import Price, Rounding
from ledger.order import OrderClass, Side
from ledger.quote import Quote
from policy.limits import Limits

# A day's move to more than so many times the last close, or to less than its inverse, is an error
# of the feed: a price in pence, or of something else.
MOST_RISE, MOST_FALL = 11, 10


@dataclass(frozen=True, slots=True)
class LimitPrice:
    """The limit, or why there is none."""

    price: Price | None
    detail: str


def spread(quote: Quote) -> Decimal | None:
    """(ask − bid) ÷ last as a fraction; None when a side is missing or crossed."""
    if quote.bid is None or quote.ask is None or quote.ask < quote.bid:
        return None
    return Decimal(quote.ask.micro - quote.bid.micro) / quote.last.micro


def limit_price(
    side: Side, quote: Quote, tick: Price, *, order_class: OrderClass, limits: Limits
) -> LimitPrice:
    """BUY min(ask, last × (1 + band)) rounded down, SELL max(bid, last × (1 − band)) rounded up.

    The band is wide when the spread is, or when the order is an emergency one.
    """
    width = spread(quote)
    if width is None:
        return LimitPrice(None, f"{quote.symbol} has no two-sided quote")
    if width > limits.max_spread:
        return LimitPrice(None, f"spread {width:.2%} is above {limits.max_spread:.2%}")
    wide = order_class == "emergency" or width > limits.wide_spread
    band = limits.wide_band if wide else limits.band
    assert quote.ask is not None
    assert quote.bid is not None
    if side == "BUY":
        price = min(quote.ask, quote.last.scaled(1 + band, Rounding.FLOOR)).floor_to_tick(tick)
    else:
        price = max(quote.bid, quote.last.scaled(1 - band, Rounding.CEIL)).ceil_to_tick(tick)
    if price.micro <= 0:
        return LimitPrice(None, f"no positive limit on a tick of {tick}")
    return LimitPrice(price, f"limit {price}, last {quote.last}, spread {width:.2%}")


def drift(decided: Price, now: Price) -> Decimal:
    """How far the price moved since the decision, as a fraction of the decided price."""
    return abs(Decimal(now.micro - decided.micro) / decided.micro)


def day_move_absurd(quote: Quote) -> bool:
    """Whether the price moved by more than +1000 % or −90 % since the last close."""
    close = quote.previous_close
    if close is None:
        return False
    if close.currency != quote.last.currency:
        return True
    return quote.last.micro > MOST_RISE * close.micro or quote.last.micro * MOST_FALL < close.micro
