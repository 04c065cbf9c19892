"""What happens to an order after it was sent: following it, withdrawing it, finding it again.

Called by the trader while it holds the order path; nothing here submits.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import trio

from actors.desk import READ_DEADLINE_S, Desk, read
from ledger.account import AccountSnapshot
from ledger.errors import (
    ActorUnavailable,
    BrokerError,
    BrokerNotFound,
    Conflict,
    NotCancelable,
)
from ledger.fact import Fill, is_pair
from ledger.money import Money
from ledger.order import UNRESOLVED, Intent, OrderState, OrderView
from policy.reconcile import Finding, find, has_fill, judge, missing
from wire.mailbox import AskBox, NudgeBox
from wire.messages import Nudge, RaiseLatch

LOOK_BACK = timedelta(minutes=5)
LATCH_DEADLINE_S = 5.0
# Looks for an order that is missing are noted so often, to spare the card.
LOOK_EVERY_S = 10.0
# A withdrawal that the broker heard and did not carry out is asked for again after this long.
CANCEL_AGAIN_S = 60.0
AFTER_CLOSE = timedelta(minutes=30)
DAY = timedelta(days=1)
RESTING = frozenset({OrderState.ACCEPTED, OrderState.ACTIVE, OrderState.PARTIALLY_FILLED})


@dataclass(slots=True)
class OrderWatch:
    """In monotonic machine seconds of this life: `cancelling` is when the broker last heard of an
    order's withdrawal, `missed` when each accepted order was last not found, `absent` since when
    each order is not found. A clock that is set makes none of these spans longer.
    """

    desk: Desk
    sync: NudgeBox[Nudge]
    schedule: AskBox
    cancelling: dict[int, float] = field(default_factory=dict[int, float])
    missed: dict[int, float] = field(default_factory=dict[int, float])
    absent: dict[int, float] = field(default_factory=dict[int, float])

    async def mark_interrupted(self) -> tuple[str, ...]:
        """Turn `submitting` rows of an earlier life into `unknown`; say what was found."""
        lines: list[str] = []
        for found in await self.desk.orders.in_flight():
            intent = found
            if found.state is OrderState.SUBMITTING:
                intent = await self.desk.orders.unknown(
                    found.intent_id, "the daemon stopped while it was sent", at=self._now()
                )
            lines.append(
                f"order {intent.client_order_id} {intent.proposal.side}"
                f" {intent.proposal.quantity} {intent.proposal.symbol} was {intent.state}"
            )
        return tuple(lines)

    async def look(self) -> bool:
        """One round over everything in flight; True when something changed."""
        intents = await self.desk.orders.in_flight()
        if not intents:
            self.cancelling.clear()
            self.missed.clear()
            self.absent.clear()
            return False
        since = min(i.submitted_at for i in intents if i.submitted_at is not None) - LOOK_BACK
        live = await read(self.desk.broker.open_orders)
        history = await read(lambda: self.desk.broker.orders_since(since))
        if live is None or history is None:
            return False
        views = (*live, *history)
        changed = False
        for intent in intents:
            changed |= await self._look_at(intent, views)
        return changed

    async def _look_at(self, intent: Intent, views: Sequence[OrderView]) -> bool:
        """What the broker shows under its tag or number and cannot be our order is the owner's."""
        try:
            if intent.state in UNRESOLVED:
                return await self._resolve(intent, views)
            return await self._follow(intent, find(intent, views))
        except Conflict as conflict:
            if intent.state is OrderState.ESCALATED:
                return False
            return await self._escalate(intent, f"is contradicted by the broker: {conflict}")

    async def _follow(self, intent: Intent, view: OrderView | None) -> bool:
        """Move a known order along the broker's word, but never ahead of the recorded fills."""
        if view is None:
            return await self._missing(intent)
        if view.live:
            await self._withdraw_if_due(intent)
        if view.filled > intent.filled:
            self.sync.nudge(Nudge(f"order {intent.client_order_id} has fills to record"))
            return False
        moved = await self.desk.orders.apply_view(intent.intent_id, view, at=self._now())
        return moved.state is not intent.state

    async def _withdraw_if_due(self, intent: Intent) -> None:
        """Our unfilled orders do not rest for long, nor into the close."""
        if intent.submitted_at is None:
            return
        now = self._now()
        session = self.desk.exchange_at(intent.proposal, now)
        close = session.next_close if session and session.is_open else None
        limits = self.desk.limits
        # An order that waits for the open has not rested yet.
        opened = session.opens_at if session and session.is_open else None
        rests_since = max(intent.submitted_at, opened) if opened else None
        old = rests_since is not None and now - rests_since >= limits.order_life
        # Cash that is short is worth the last minutes of a session.
        hurried = intent.proposal.order_class != "emergency"
        closing = hurried and close is not None and close - now <= limits.before_close
        if old or closing:
            await self.withdraw(intent)

    async def withdraw(self, intent: Intent) -> bool:
        """Ask the broker to cancel; False when it has not heard, so that it is asked again.

        The final state comes from the order: an execution may win the race.
        """
        if intent.broker_order_id is None:
            return False
        now_s = self.desk.clock.monotonic_s()
        if now_s - self.cancelling.get(intent.intent_id, -CANCEL_AGAIN_S) < CANCEL_AGAIN_S:
            return True
        try:
            with trio.fail_after(READ_DEADLINE_S):
                await self.desk.broker.cancel(intent.broker_order_id)
        except (NotCancelable, BrokerNotFound):
            pass  # asking again at once would not change that
        except (BrokerError, trio.TooSlowError):
            return False
        self.cancelling[intent.intent_id] = now_s
        return True

    async def _missing(self, intent: Intent) -> bool:
        """An order the broker had accepted is in none of its lists.

        Once its day is over it cannot be live any more, and after as many clean looks as prove
        that an order was never placed it has expired; its executions are facts of their own.
        While its day lasts, one that executed nothing becomes the owner's question.
        """
        now_s = self.desk.clock.monotonic_s()
        if now_s - self.missed.get(intent.intent_id, -LOOK_EVERY_S) < LOOK_EVERY_S:
            return False
        self.missed[intent.intent_id] = now_s
        looks, span = await self._note_look(intent)
        finding = missing(
            clean_looks=looks,
            span=span,
            day_over=self._day_over(intent),
            executed=intent.filled.micro > 0,
        )
        if finding is Finding.WAIT:
            return False
        if finding is Finding.ESCALATE:
            return await self._escalate(intent)
        text = "its day is over and the broker does not list it any more"
        await self.desk.orders.expired(intent.intent_id, text, at=self._now())
        return True

    def _day_over(self, intent: Intent) -> bool:
        """Half an hour after the close of the session it was sent in; a day without one is long."""
        assert intent.submitted_at is not None
        session = self.desk.exchange_at(intent.proposal, intent.submitted_at)
        close = session.closes_at if session else None
        over = intent.submitted_at + DAY if close is None else close + AFTER_CLOSE
        return self._now() >= over

    def say(self, text: str) -> None:
        """Wake sync: something about an order changed that the books should follow."""
        self.sync.nudge(Nudge(text))

    async def make_way(self, intent: Intent) -> bool:
        """An emergency order withdraws what rests before it; True when it has to wait for that."""
        if intent.proposal.order_class != "emergency":
            return False
        resting = [
            other
            for other in await self.desk.orders.in_flight()
            if other.state in RESTING and other.proposal.order_class != "emergency"
        ]
        for other in resting:
            await self.withdraw(other)
        return bool(resting)

    async def _resolve(self, intent: Intent, views: Sequence[OrderView]) -> bool:
        """One look for an order of unknown outcome."""
        cursor = await self.desk.facts.cursor("fills")
        fills = await read(lambda: self.desk.broker.fills_since(cursor))
        account = await read(self.desk.broker.snapshot)
        if fills is None or account is None or not account.complete:
            return False
        view = find(intent, views)
        if view is not None:
            await self._adopt(intent, view.broker_order_id)
            return True
        if has_fill(intent, fills[0]):
            await self._adopt(intent, _order_of(intent, fills[0]))
            return True
        if (await self.desk.orders.get(intent.intent_id)).filled.micro:
            return True  # an execution was recorded meanwhile
        if intent.state is OrderState.ESCALATED:
            return False  # the owner's word is awaited, clean looks prove nothing any more
        moved = await self._account_moved(intent, account) or await self._may_be(intent, fills[0])
        return await self._judge(intent, moved)

    async def _adopt(self, intent: Intent, broker_order_id: str) -> None:
        await self.desk.orders.accepted(intent.intent_id, broker_order_id, at=self._now())
        self.sync.nudge(Nudge(f"order {intent.client_order_id} was found"))

    async def _judge(self, intent: Intent, account_moved: bool) -> bool:
        looks, span = await self._note_look(intent)
        since_submitted = self.desk.clock.machine_now() - _submitted_at(intent)
        finding = judge(
            clean_looks=looks,
            span=span,
            since_submitted=max(since_submitted, span),
            account_moved=account_moved,
        )
        if finding is Finding.NOT_PLACED:
            text = f"{looks} clean looks"
            return await _unless_executed(
                self.desk.orders.not_placed(intent.intent_id, text, at=self._now())
            )
        return finding is Finding.ESCALATE and await self._escalate(intent)

    async def _note_look(self, intent: Intent) -> tuple[int, timedelta]:
        """Count a look that did not show the order; how many there were, over what span.

        The looks of earlier lives count, the time that passed between them does not.
        """
        now_s = self.desk.clock.monotonic_s()
        looks = await self.desk.orders.note_look(intent.intent_id, self.desk.clock.machine_now())
        if looks.count == 1:
            self.absent[intent.intent_id] = now_s
        since_s = self.absent.setdefault(intent.intent_id, now_s)
        return looks.count, timedelta(seconds=now_s - since_s)

    async def _escalate(self, intent: Intent, why: str = "cannot be found or excluded") -> bool:
        """Only the owner can say what became of it: stop everything and ask.

        False when the halt was not heard; the order goes on blocking every other until the next
        look asks again.
        """
        text = f"order {intent.client_order_id} {why}"
        try:
            latch = RaiseLatch("order_escalated", text, by="trader")
            await self.schedule.ask(latch, deadline_s=LATCH_DEADLINE_S)
        except ActorUnavailable:
            return False
        return await _unless_executed(
            self.desk.orders.escalated(intent.intent_id, text, at=self._now())
        )

    async def _account_moved(self, intent: Intent, account: AccountSnapshot) -> bool:
        """The account differs from our books by just what the order would have moved."""
        balances = await self.desk.facts.balances()
        proposal = intent.proposal
        if is_pair(proposal.symbol):
            base = proposal.symbol.split("/")[0]
            cash = account.cash.get(base)
            at_broker = cash.available.minor if cash else 0
            delta = at_broker - balances.cash.get(base, 0)
            drafted = Money.half_even(proposal.quantity.units, base).minor
        else:
            held = account.holdings.get(proposal.symbol)
            at_broker = held.quantity.micro if held else 0
            delta = at_broker - balances.holdings.get(proposal.symbol, 0)
            drafted = proposal.quantity.micro
        return delta == (drafted if proposal.side == "BUY" else -drafted)

    async def _may_be(self, intent: Intent, fills: Sequence[Fill]) -> bool:
        """Somebody executed the same since it was sent: perhaps this order, shown without our tag.

        Sync may have recorded that, and then the account agrees with our books again.
        """
        assert intent.submitted_at is not None
        proposal = intent.proposal
        since = intent.submitted_at - self.desk.limits.max_clock_skew
        news = await self.desk.facts.unrecorded(
            fill
            for fill in fills
            if (fill.symbol, fill.side) == (proposal.symbol, proposal.side)
            and fill.client_order_id is None
            and fill.executed_at >= since
        )
        symbol, side = proposal.symbol, proposal.side
        return bool(news) or await self.desk.facts.untagged_since(symbol, side, since)

    def _now(self) -> datetime:
        return self.desk.clock.market_now()


async def _unless_executed(conclusion: Awaitable[Intent]) -> bool:
    """Write what follows from an order's absence, unless sync has recorded an execution by now.

    That says more than any absence; the next look goes on from there. Always True: it moved.
    """
    try:
        await conclusion
    except Conflict as conflict:
        if conflict.code != "filled":
            raise
    return True


def _submitted_at(intent: Intent) -> datetime:
    """Machine instant of the submission."""
    assert intent.submitted_machine_ms is not None
    return datetime.fromtimestamp(intent.submitted_machine_ms / 1000, UTC)


def _order_of(intent: Intent, fills: Sequence[Fill]) -> str:
    return next(f.broker_order_id for f in fills if f.client_order_id == intent.client_order_id)
