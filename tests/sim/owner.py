"""An owner with whims: orders, withdrawals, halts, another mode, another setting, at any moment.

What the daemon refuses is fine, and so is an actor that is just being restarted; only the
invariants say whether something went wrong.
"""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from typing import Any

import trio

from ledger.errors import BadData, TrimtabError
from ledger.fact import CORE
from ledger.money import Price, Quantity
from ledger.order import Proposal, Side
from ledger.portfolio import PortfolioSnapshot
from ledger.security import Security
from tests.sim.life import Life
from tests.sim.line import Injected
from wire.mailbox import Request
from wire.messages import Decide, RaiseLatch, Resume, SetMode
from wire.order_asks import CancelOrder, PlaceOrder
from wire.setting_asks import PutSetting

PATIENCE_S = 30.0
FORCED = frozenset({"L2", "L4", "G1", "G6", "G7", "G8", "G11"})
MICRO = 1_000_000
# Kept to what the oracle knows of: the rules of trading stay as they were drawn.
SETTINGS = (
    ("min_fx_amount_eur", ("10", "25")),
    ("fx_buffer_pct", ("0.02", "0.03")),
    ("rebalance_position_drift_threshold", ("0.05", "0.08")),
)


class Owner:
    """`every_s` is the mean time between two whims, in machine seconds; `struck` counts them."""

    def __init__(self, life: Life, seed: str, struck: Counter[str], *, every_s: float) -> None:
        self._life = life
        self._asks = life.system.asks
        self._name = seed
        self._rng = random.Random(f"owner {seed}")
        self._every_s = every_s
        self._keys = 0
        self._struck = struck

    async def run(self) -> None:
        """Have whims for ever."""
        while True:
            await trio.sleep(self._rng.expovariate(1 / self._every_s))
            whim = self._rng.choices(
                (self._order, self._withdraw, self._halt, self._mode, self._setting, self._strange),
                (5, 2, 1, 1, 1, 1),
            )[0]
            self._struck[f"whim {whim.__name__.strip('_')}"] += 1
            await whim()

    async def _say(self, request: Request[Any], box: str = "schedule") -> None:
        with trio.move_on_after(PATIENCE_S):
            try:
                await getattr(self._asks, box).ask(request, deadline_s=PATIENCE_S)
            except BadData:
                raise
            except TrimtabError:
                return  # a no is an answer

    async def _order(self) -> None:
        """Sensible or not, sometimes twice under one key, sometimes by two hands at once."""
        board = self._life.system.boards.portfolio.value
        if board is None or not board.universe:
            return
        side: Side = self._rng.choice(("BUY", "BUY", "SELL"))
        held = [position.security for position in board.positions]
        known = side == "SELL" and held and self._rng.random() < 0.7
        security = self._rng.choice(held if known else board.universe)
        micro = self._quantity(board, security, side)
        if self._rng.random() > 0.3:
            self._keys += 1
        force = FORCED if self._rng.random() < 0.5 else frozenset[str]()
        limit = None if self._rng.random() < 0.8 else Decimal(self._rng.randrange(1, 100))
        request = PlaceOrder(
            symbol=security.symbol,
            side=side,
            quantity=Quantity(micro),
            limit=limit,
            force=force,
            key=f"whim {self._keys}",
            by="owner",
        )
        async with trio.open_nursery() as nursery:
            for _ in range(self._rng.choice((1, 1, 2))):
                nursery.start_soon(self._say, request, "trader")

    def _quantity(self, board: PortfolioSnapshot, security: Security, side: Side) -> int:
        """A few lots, or all that is there and a little more, or no whole number of lots."""
        lot = security.instrument.lot.micro if security.instrument.lot else 1
        few = lot * self._rng.choice((1, 1, 2, 5, 40, 100_000))
        kind = self._rng.random()
        if kind < 0.1:
            return few + self._rng.choice((1, 500_000, few // 2))
        if kind < 0.5:
            return few
        position, quote = board.held(security.symbol), board.quotes.get(security.symbol)
        most = position.quantity.micro if position else 0
        if side == "BUY" and quote is not None:
            cash = board.cash_in(security.currency).minor
            most = max(cash, 0) * 10_000 * MICRO // quote.last.micro
        return max(most // lot + self._rng.choice((-1, 0, 0, 1)), 1) * lot

    async def _strange(self) -> None:
        """Decided by somebody who does not know what may be traded here, or in which currency."""
        board = self._life.system.boards.portfolio.value
        if board is None or not board.universe:
            return
        security = self._rng.choice(board.universe)
        self._keys += 1
        symbol, currency = self._rng.choice(
            (("NOBODY.EUR", "EUR"), ("ZZZ/EUR", "EUR"), (security.symbol, "DKK"))
        )
        strange = Proposal(
            order_class="manual",
            source_id=f"strange {self._name} {self._keys}",
            step=1,
            attempt=1,
            bucket_id=CORE,
            symbol=symbol,
            security_id=None,
            side=self._rng.choice(("BUY", "SELL")),
            quantity=Quantity(security.instrument.lot.micro if security.instrument.lot else 1),
            currency=currency,
            decision_price=Price.of(20, "EUR"),
            value_eur=None,
            reason="a stranger",
            force=FORCED,
        )
        try:
            intent = await self._life.store.orders.propose(
                strange, mode="live", at=self._life.clock.market_now()
            )
        except Injected:
            return
        await self._say(Decide(intent.intent_id), "trader")

    async def _withdraw(self) -> None:
        sql = "SELECT client_order_id FROM intent WHERE client_order_id IS NOT NULL"
        numbers = [int(row[0]) for row in self._life.ask(f"{sql} ORDER BY intent_id DESC LIMIT 3")]
        if numbers:
            await self._say(CancelOrder(self._rng.choice(numbers), "owner"), "trader")

    async def _halt(self) -> None:
        if self._rng.random() < 0.3:
            (self._life.folder / "HALT").touch()
        else:
            await self._say(RaiseLatch("owner", "a whim", "owner"))
        await trio.sleep(self._rng.uniform(0, 8))
        (self._life.folder / "HALT").unlink(missing_ok=True)
        await self._say(Resume(("owner", "file"), True, "owner"))

    async def _mode(self) -> None:
        """Research for a while, with an order that is decided then and may be carried out later."""
        await self._say(SetMode("research", True, "owner"))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._order)
            await trio.sleep(self._rng.choice((0.0, self._rng.uniform(0, 8))))
            for _ in range(5):
                await self._say(SetMode("live", True, "owner"))
                await trio.sleep(1)

    async def _setting(self) -> None:
        key, values = self._rng.choice(SETTINGS)
        await self._say(PutSetting(key, self._rng.choice(values), "owner"))
