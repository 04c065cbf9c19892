"""When an order meets the market, at what price and for how much: pure functions.

The day's bar is all that is known about a day. A buy trades when its limit reaches the day's low,
at the better of limit and open; a sale mirrors it. An order takes at most a tenth of the day's
volume, in up to five slices spread over the session.
"""

from __future__ import annotations

from broker.market_data import Bar
from broker.paper.instants import SECOND_MS, from_ms, to_ms
from broker.paper.orders import MOST_FILLS, PaperOrder
from broker.paper.seeded import draw
from broker.paper.sessions import Intervals, next_open_moment
from ledger.money import MICRO
from ledger.quote import Quote

SHARE_PERCENT = 10  # of the day's volume, for one order
SLICE_PERCENT = SHARE_PERCENT // MOST_FILLS
DELAY_MS = (1 * SECOND_MS, 5 * SECOND_MS)
GAP_MS = (60 * SECOND_MS, 900 * SECOND_MS)
CANCEL_MS = SECOND_MS


def first_try(seed: int, order: PaperOrder, session: Intervals) -> int | None:
    """One to five seconds after acceptance; None when the session is over by then."""
    delay = draw(seed, f"delay {order.number}", low=DELAY_MS[0], high=DELAY_MS[1])
    return _within(session, order.created_ms + delay)


def next_try(seed: int, order: PaperOrder, now_ms: int, session: Intervals) -> int | None:
    """One to fifteen minutes after the last try; None when no try is left in this session."""
    if order.tries >= MOST_FILLS:
        return None
    gap = draw(seed, f"gap {order.number} {order.tries}", low=GAP_MS[0], high=GAP_MS[1])
    return _within(session, now_ms + gap)


def _within(session: Intervals, ms: int) -> int | None:
    moment = next_open_moment(session, from_ms(ms))
    return None if moment is None else to_ms(moment)


def bar_price(order: PaperOrder, bar: Bar) -> int | None:
    """The price of a fill against the day's bar, never beyond the limit; None: not reached."""
    if order.side == "BUY":
        reached = order.limit_micro >= bar.low_micro
        return min(order.limit_micro, max(bar.low_micro, bar.open_micro)) if reached else None
    reached = order.limit_micro <= bar.high_micro
    return max(order.limit_micro, min(bar.high_micro, bar.open_micro)) if reached else None


def pair_price(order: PaperOrder, quote: Quote) -> int | None:
    """A conversion trades at the quote's far side; None when the limit does not reach it."""
    if order.side == "BUY":
        ask = quote.ask
        return ask.micro if ask is not None and order.limit_micro >= ask.micro else None
    bid = quote.bid
    return bid.micro if bid is not None and order.limit_micro <= bid.micro else None


def slice_of(order: PaperOrder, bar: Bar, lot_micro: int) -> int:
    """How much of `order` this try takes: whole lots, within the order's share of the volume."""
    cap = bar.volume * MICRO * SHARE_PERCENT // 100 - order.filled_micro
    share = max(bar.volume * MICRO * SLICE_PERCENT // 100, lot_micro)
    return max(0, min(order.remaining_micro, share, cap)) // lot_micro * lot_micro
