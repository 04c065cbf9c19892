"""What the control socket answers about orders and decisions: told from the views, done by asking.

An order that was handed over is never reported as if it had not been: without an answer in time
the result says `pending`, and the same key asks for the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast, get_args

from daemon.answers import decision_of, order_of, story_of
from daemon.command_args import (
    BY,
    Args,
    Command,
    amount,
    number,
    one_of,
    required,
    text,
    texts,
)
from daemon.control_errors import BadArgument
from daemon.system import System
from ledger.decision import kind_of
from ledger.errors import ActorUnavailable, Missing, Unanswered
from ledger.money import Quantity
from ledger.order import OrderClass, OrderState, Side
from store.order_views import OrderQuery
from store.views import Views
from wire.mailbox import AskBox
from wire.messages import Decide, ProposeStep
from wire.order_asks import FORCEABLE, MOST_PRICE, MOST_UNITS, CancelOrder, PlaceOrder, Resolve

DECIDE_S = 30.0
# The planner may be in the middle of planning.
PROPOSE_S = 30.0
ROWS_MAX = 200
LARGEST_ID = 2**53
STATES = tuple(state.value for state in OrderState)
CLASSES: tuple[str, ...] = get_args(OrderClass)


@dataclass(frozen=True, slots=True)
class OrderCommands:
    system: System
    views: Views

    def table(self) -> dict[str, Command]:
        return {
            "orders": self.orders,
            "order": self.order,
            "place": self.place,
            "cancel": self.cancel,
            "execute": self.execute,
            "decisions": self.decisions,
            "decide": self.decide,
        }

    async def orders(self, args: Args) -> list[dict[str, Any]]:
        """Newest first."""
        state, symbol = one_of(args, "state", STATES), text(args, "symbol", None)
        before = int(number(args, "before_id", 0, low=0, high=LARGEST_ID))
        query = OrderQuery(
            limit=int(number(args, "limit", 20, low=1, high=ROWS_MAX)),
            state=None if state is None else OrderState(state),
            symbol=None if symbol is None else symbol.strip().upper(),
            order_class=cast("OrderClass | None", one_of(args, "order_class", CLASSES)),
            key=text(args, "key", None),
            before_id=before or None,
        )
        return [order_of(intent) for intent in await self.views.orders(query)]

    async def order(self, args: Args) -> dict[str, Any]:
        """One order with everything that happened to it."""
        return story_of(await self.views.order(_order_id(args)))

    async def place(self, args: Args) -> dict[str, Any]:
        """The owner's own order, once per key."""
        side, quantity = one_of(args, "side", get_args(Side)), amount(args, "quantity", MOST_UNITS)
        if side is None or quantity is None:
            raise BadArgument("side" if side is None else "quantity", "is missing")
        request = PlaceOrder(
            symbol=required(args, "symbol").strip().upper(),
            side=cast("Side", side),
            quantity=Quantity.of(quantity),
            limit=amount(args, "limit", MOST_PRICE),
            force=texts(args, "force", FORCEABLE),
            key=required(args, "key"),
            by=BY,
        )
        try:
            intent = await self.system.asks.trader.ask(request, deadline_s=DECIDE_S)
        except Unanswered as error:
            return {
                "status": "pending",
                "state": "pending",
                "key": request.key,
                "error": str(error),
            }
        return {**order_of(intent), "key": request.key}

    async def cancel(self, args: Args) -> dict[str, Any]:
        request = CancelOrder(_order_id(args), BY)
        return order_of(await self.system.asks.trader.ask(request, deadline_s=DECIDE_S))

    async def execute(self, args: Args) -> dict[str, Any]:
        """Hand one step of the current plan to the trader and wait for its decision."""
        stored = self.system.boards.plan.value
        step = stored.next_step if stored else None
        plan_id = text(args, "plan_id", stored.plan.plan_id if stored else None)
        chosen = number(args, "step", step.step.number if step else 1, low=1, high=99)
        if plan_id is None:
            raise Missing("there is no plan with a step to execute")
        intent = await self.system.asks.planner.ask(
            ProposeStep(plan_id, int(chosen), BY), deadline_s=PROPOSE_S
        )
        try:
            request = Decide(intent.intent_id)
            intent = await self.system.asks.trader.ask(request, deadline_s=DECIDE_S)
        except ActorUnavailable:
            pass  # the trader is busy and takes it by itself as soon as it can
        return order_of(intent)

    async def decisions(self, _: Args) -> list[dict[str, Any]]:
        """What waits for the owner's word."""
        return [decision_of(decision) for decision in await self.views.decisions()]

    async def decide(self, args: Args) -> dict[str, Any]:
        decision_id, choice = required(args, "id"), required(args, "choice")
        request = Resolve(decision_id, choice, confirm=bool(args.get("confirm")), by=BY)
        result = await self._owner(decision_id).ask(request, deadline_s=DECIDE_S)
        return {"id": decision_id, "choice": choice, "result": result}

    def _owner(self, decision_id: str) -> AskBox:
        """Whoever owns what is decided about."""
        asks, (kind, _) = self.system.asks, kind_of(decision_id)
        owners = {
            "order": asks.trader,
            "books": asks.sync,
            "sale": asks.rebalancer,
            "reinvest": asks.drip,
        }
        if kind not in owners:
            raise Missing(f"there is no open decision {decision_id}")
        return owners[kind]


def _order_id(args: Args) -> int:
    given = number(args, "client_order_id", 0, low=0, high=LARGEST_ID)
    if given != int(given) or given < 1:
        raise BadArgument("client_order_id", "is missing, or no whole number")
    return int(given)
