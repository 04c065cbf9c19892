"""The owner's other hands: he trades in the broker's own app, behind the daemon's back."""

from __future__ import annotations

import random
from collections import Counter

import trio

from ledger.errors import BrokerError
from ledger.money import Price, Quantity
from ledger.order import OrderDraft, Side
from ledger.quote import Quote
from tests.sim.foreign import MICRO, is_foreign
from tests.sim.life import Life


class App:
    """Orders at the exchange itself; `every_s` is the mean machine time between two ideas.

    A no of the exchange is fine: nothing happened then.
    """

    def __init__(self, life: Life, seed: str, struck: Counter[str], *, every_s: float) -> None:
        self._life = life
        self._rng = random.Random(f"app {seed}")
        self._every_s = every_s
        self._struck = struck

    async def run(self) -> None:
        """Have ideas for ever.

        Not before the books are opened: what they are opened with is either in them or to come,
        and nobody could tell which for an execution that is reported late.
        """
        while True:
            await trio.sleep(self._rng.expovariate(1 / self._every_s))
            if not self._life.ask("SELECT 1 FROM opening LIMIT 1"):
                continue
            try:
                await (self._cancel() if self._rng.random() < 0.2 else self._order())
            except BrokerError:
                self._struck["foreign refused"] += 1

    async def _cancel(self) -> None:
        views = await self._life.exchange.open_orders()
        theirs = [view for view in views if is_foreign(view)]
        if theirs:
            await self._life.exchange.cancel(self._rng.choice(theirs).broker_order_id)
            self._struck["foreign withdrawal"] += 1

    async def _order(self) -> None:
        exchange = self._life.exchange
        lots = {row.symbol: (row.lot, row.tick) for row in await exchange.instruments()}
        lots |= {pair.symbol: (pair.lot, pair.tick) for pair in exchange.capabilities.pairs}
        quotes = await exchange.quotes(sorted(lots))
        open_now = [name for name, quote in sorted(quotes.items()) if quote.market_open]
        shares = [name for name in open_now if "/" not in name]
        names = shares if shares and self._rng.random() < 0.8 else open_now
        if not names:
            return
        side: Side = self._rng.choice(("BUY", "BUY", "SELL"))
        quote = quotes[self._rng.choice(names)]
        lot, tick = lots[quote.symbol]
        if lot is None:
            return
        draft = OrderDraft(
            client_order_id=self._tag(),
            symbol=quote.symbol,
            side=side,
            quantity=await self._quantity(quote, side, lot),
            limit=self._limit(quote, side, tick),
        )
        await exchange.place(draft)
        kind = "conversion" if "/" in draft.symbol else side.lower()
        self._struck[f"foreign {kind}"] += 1

    async def _quantity(self, quote: Quote, side: Side, lot: Quantity) -> Quantity:
        """Tens to thousands of its currency; a sale at most what is held."""
        spent = self._rng.choice((50, 300, 300, 1_000, 3_000)) * MICRO
        price = MICRO if "/" in quote.symbol else quote.last.micro
        micro = max(spent * MICRO // price, lot.micro)
        if side == "SELL" and "/" not in quote.symbol:
            held = (await self._life.exchange.snapshot()).holdings.get(quote.symbol)
            micro = min(micro, held.quantity.micro) if held else micro
        return Quantity(max(micro // lot.micro, 1) * lot.micro)

    def _limit(self, quote: Quote, side: Side, tick: Price) -> Price:
        """One that is met at once, or one that rests."""
        percent = self._rng.choice((101, 101, 99, 95))
        percent = percent if side == "BUY" else 200 - percent
        price = Price(quote.last.micro * percent // 100, quote.last.currency)
        return max(price.floor_to_tick(tick), tick)

    def _tag(self) -> int:
        number = 1 + int(self._life.ask("SELECT count(*) FROM paper.orders")[0][0])
        return self._rng.choice((number, -number))
