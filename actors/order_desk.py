"""The owner's own orders, withdrawals and decisions, as the trader carries them out.

Everything goes through the trader's one path: what is placed here passes the same gates and the
same single submission as any other order.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from actors.desk import Desk, read
from actors.order_watch import OrderWatch
from ledger.currency import is_known
from ledger.decision import kind_of
from ledger.errors import ActorUnavailable, Conflict, Missing, Refused, Unavailable
from ledger.fact import CORE, is_pair
from ledger.halt import LatchName
from ledger.money import Money, Price, Quantity, Rounding
from ledger.order import TERMINAL, UNRESOLVED, Intent, OrderState, Proposal
from ledger.security import Security, find_security
from wire.mailbox import AskBox
from wire.messages import Resume
from wire.order_asks import CancelOrder, PlaceOrder, Resolve

ASK_S = 5.0
LEAST_PRICE, MOST_PRICE = Decimal("0.000001"), Decimal(1_000_000_000)
ESCALATION: LatchName = "order_escalated"


@dataclass(frozen=True, slots=True)
class OrderDesk:
    desk: Desk
    watch: OrderWatch
    schedule: AskBox

    async def propose(self, asked: PlaceOrder) -> Intent:
        """Commit the owner's order; the same key gives the first intent again.

        That goes first: what was sent under a key is told even while nothing else is known.
        """
        _check_limit(asked.limit)
        source = f"key:{asked.key}"
        known = await self.desk.orders.of_source("manual", source)
        if known is not None:
            return _same(known, asked, self._named(asked.symbol, known.proposal.symbol))
        symbol, security = self._instrument(asked.symbol)
        price = await self._price(symbol)
        limit = None if asked.limit is None else Price.of(asked.limit, price.currency)
        intent = await self.desk.orders.propose(
            Proposal(
                order_class="manual",
                source_id=source,
                step=1,
                attempt=1,
                bucket_id=CORE,
                symbol=symbol,
                security_id=security.security_id if security else None,
                side=asked.side,
                quantity=asked.quantity,
                currency=price.currency,
                decision_price=price,
                value_eur=self._value_eur(price, asked.quantity),
                reason=f"asked for by {asked.by}",
                force=asked.force,
                asked_limit=limit,
            ),
            mode=await self.desk.settings.mode(),
            at=self.desk.clock.market_now(),
            key=asked.key,
        )
        return _same(intent, asked, symbol)

    def _value_eur(self, price: Price, quantity: Quantity) -> Money | None:
        """None in a currency that is not known: the gates refuse such an order."""
        if not is_known(price.currency):
            return None
        return self.desk.tradable_rates().to_eur(price.times(quantity, Rounding.HALF_EVEN))

    def _named(self, name: str, known: str) -> str:
        """The symbol that `name` stands for; `known` is one that needs no looking up."""
        return known if name == known else self._instrument(name)[0]

    def _instrument(self, name: str) -> tuple[str, Security | None]:
        """A pair by its symbol, a security by symbol or ISIN."""
        board = self.desk.portfolio.value
        if board is None:
            raise Unavailable("what may be traded is not known yet")
        if is_pair(name):
            if any(pair.symbol == name for pair in board.pairs):
                return name, None
            raise Missing(f"there is no currency pair {name}")
        found = find_security((one for one in board.universe if one.live), name)
        return found.symbol, found

    async def _price(self, symbol: str) -> Price:
        quotes = await read(lambda: self.desk.broker.quotes([symbol]))
        if quotes is None or symbol not in quotes:
            raise Unavailable(f"there is no quote for {symbol} to decide on")
        return quotes[symbol].last

    async def cancel(self, asked: CancelOrder) -> Intent:
        """Ask the broker to withdraw the order; only the broker's word ends it."""
        intent = await self.desk.orders.by_client_order_id(asked.client_order_id)
        if intent is None:
            raise Missing(f"there is no order {asked.client_order_id}")
        if intent.state in TERMINAL:
            raise Conflict(f"order {asked.client_order_id} is {intent.state}", code="final")
        if intent.state in UNRESOLVED or intent.broker_order_id is None:
            text = f"order {asked.client_order_id} is {intent.state}: the broker may not have it"
            raise Conflict(text, code="unresolved")
        note = f"withdrawal asked for by {asked.by}"
        await self.desk.orders.note(intent.intent_id, note, at=self.desk.clock.market_now())
        if not await self.watch.withdraw(intent):
            raise Unavailable(f"the broker did not take the withdrawal of {asked.client_order_id}")
        return await self.desk.orders.get(intent.intent_id)

    async def resolve(self, asked: Resolve) -> str:
        """The owner's word on an escalated order; the latch goes with the last of them."""
        kind, name = kind_of(asked.decision_id)
        if kind != "order" or not name.isascii() or not name.isdigit() or len(name) > 15:
            raise Missing(f"there is no open decision {asked.decision_id}")
        if not asked.confirm:
            raise Refused("deciding needs confirm: true", code="confirmation_required")
        at = self.desk.clock.market_now()
        intent = await self.desk.orders.resolve(int(name), asked.choice, by=asked.by, at=at)
        done = f"order {intent.client_order_id} is {intent.state}"
        self.watch.say(f"{done} by the owner's word")
        flying = await self.desk.orders.in_flight()
        if not any(other.state is OrderState.ESCALATED for other in flying):
            try:
                request = Resume((ESCALATION,), confirm=True, by=asked.by)
                await self.schedule.ask(request, deadline_s=ASK_S)
            except ActorUnavailable:
                return f"{done}; the halt {ESCALATION} is still to be resumed"
        return done


def _check_limit(asked: Decimal | None) -> None:
    if asked is not None and not (asked.is_finite() and LEAST_PRICE <= asked <= MOST_PRICE):
        text = f"limit_price = {asked}: must be {LEAST_PRICE} to {MOST_PRICE}"
        raise Refused(text, code="limit_price")


def _same(known: Intent, asked: PlaceOrder, symbol: str) -> Intent:
    """The intent already made under this key, when it is what is asked for now."""
    wanted = known.proposal
    limit = wanted.asked_limit
    before = (wanted.symbol, wanted.side, wanted.quantity, wanted.force)
    same_limit = (limit is None) == (asked.limit is None) and (
        limit is None or asked.limit is None or limit == Price.of(asked.limit, limit.currency)
    )
    if before != (symbol, asked.side, asked.quantity, asked.force) or not same_limit:
        raise Conflict(f"key {asked.key!r} belongs to another order", code="key_reused")
    return known
