"""The only task that may submit an order.

One intent goes through these steps, and nothing else leaves meanwhile:

 1. wait for an intent (or sweep the store for one that was committed while nobody listened)
 2. read open orders, account, executions and quote now, and let every gate speak
 3. refused: write the verdicts, done
 4. commit `submitting` with a fresh client order id: the last write before the network
 5. look at the kill switch, then send once under a deadline
 6. write accepted, rejected or unknown; unknown blocks every other order
 7. watch it: the broker's word moves its state, but only recorded fills make it filled
 8. an unknown order is looked for until it is found, proven absent, or handed to the owner

Start-up runs step 8 for every row left in `submitting` or `unknown`, so recovery and normal
running are the same code.
"""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from functools import partial
from typing import Literal, TypeVar

import trio

from actors.desk import Desk, shielded
from actors.order_desk import OrderDesk
from actors.order_watch import OrderWatch
from ledger.errors import BrokerError, Conflict, Refused, RejectedByBroker, Unavailable
from ledger.halt import Latch
from ledger.order import Intent, Mode, OrderDraft, OrderState, Verdict
from policy import gates
from policy.gate_context import GateContext, worst_cost
from store.recovery import RecoveryLog
from wire.events import EventRing
from wire.health import Health
from wire.kill_switch import BROKER_AWAY, HALTED_BEFORE_SENT, KillSwitch
from wire.mailbox import Ask, AskBox, NudgeBox, serving
from wire.messages import Boards, Decide, IntentReady, Nudge, Recovery
from wire.order_asks import CancelOrder, PlaceOrder, Resolve

Outcome = Literal["accepted", "rejected", "unknown"]

SUBMIT_DEADLINE_S = 20.0
STOP_DEADLINE_S = 5.0
SWEEP_S = 20.0
RECENT = 100
# Asks served at once; another one waits at the door and is told that the trader is busy.
MOST_ASKS = 8
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TraderPorts:
    desk: Desk
    watch: OrderWatch
    owner: OrderDesk
    recovery: RecoveryLog
    boards: Boards
    events: EventRing
    health: Health
    asks: AskBox
    intents: trio.MemoryReceiveChannel[IntentReady]
    sync: NudgeBox[Nudge]
    kill: KillSwitch
    poll_s: float


class Trader:
    """See the module's docstring; `run` never returns."""

    def __init__(self, ports: TraderPorts) -> None:
        self._ports = ports
        self._desk = ports.desk
        self._orders = ports.desk.orders
        self._clock = ports.desk.clock
        self._path = trio.Lock()
        self._showing = trio.Lock()
        self._wake = trio.Event()

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        await self._recover()
        task_status.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve_asks)
            nursery.start_soon(self._serve_intents)
            nursery.start_soon(self._watch)

    async def _recover(self) -> None:
        """Whatever an earlier life left open is first marked unknown, then looked for."""
        lines = await self._ports.watch.mark_interrupted()
        if lines:
            await self._ports.recovery.add(self._clock.market_now(), lines)
        self._ports.boards.recovery.publish(Recovery(self._clock.machine_now(), lines))
        await self._publish()

    async def _serve_asks(self) -> None:
        """Side by side, so that a withdrawal never waits behind a submission."""
        hands = trio.Semaphore(MOST_ASKS)
        async with trio.open_nursery() as nursery:
            while True:
                await hands.acquire()
                nursery.start_soon(self._serve, await self._ports.asks.receive(), hands)

    async def _serve(self, ask: Ask, hands: trio.Semaphore) -> None:
        try:
            async with serving(ask):
                ask.slot.answer(await self._answer(ask))
        finally:
            hands.release()

    async def _answer(self, ask: Ask) -> object:
        match ask.request:
            case Decide(intent_id):
                return await self.decide(intent_id)
            case PlaceOrder():
                intent = await self._ports.owner.propose(ask.request)
                return await self.decide(intent.intent_id)
            case CancelOrder():
                return await self._shown(self._ports.owner.cancel(ask.request))
            case Resolve():
                async with self._path:  # a look that is under way may be finding that very order
                    return await self._shown(self._ports.owner.resolve(ask.request))
            case other:
                raise AssertionError(f"the trader does not answer {other!r}")

    async def _shown(self, change: Awaitable[T]) -> T:
        """What `change` brought, once the board shows it."""
        result = await change
        await self._publish()
        self._wake.set()
        return result

    async def _serve_intents(self) -> None:
        async for ready in self._ports.intents:
            await self.decide(ready.intent_id)

    async def _watch(self) -> None:
        """Follow what is in flight; sweep the store for intents nobody announced.

        Fills are recorded by sync, so an order may end between two rounds: what the board shows
        in flight is shown again until it has ended there, too.
        """
        while True:
            self._ports.health.beat("trader")
            async with self._path:
                await self._ports.watch.look()
            busy = bool(await self._orders.in_flight())
            for intent in await self._orders.ready():
                if busy:
                    await self._make_way(intent)
                else:
                    await self.decide(intent.intent_id)
            if busy or self._shows_flight():
                await self._publish()
            with trio.move_on_after(self._ports.poll_s if busy else SWEEP_S):
                await self._wake.wait()
            self._wake = trio.Event()

    def _shows_flight(self) -> bool:
        return any(intent.in_flight for intent in self._ports.boards.orders.value or ())

    async def _make_way(self, intent: Intent) -> None:
        """An emergency that waits withdraws what rests again, until the broker has heard."""
        async with self._path:
            await self._ports.watch.make_way(intent)

    async def decide(self, intent_id: int) -> Intent:
        """Steps 2 to 6 for one intent; returns what became of it."""
        self._ports.health.beat("trader")
        async with self._path:
            intent = await self._orders.get(intent_id)
            if intent.state is OrderState.PROPOSED:
                intent = await self._take(intent)
        await self._publish()
        self._wake.set()
        return intent

    async def _take(self, intent: Intent) -> Intent:
        if await self._ports.watch.make_way(intent):
            return intent
        mode = await self._desk.settings.mode()
        latches = await self._standing_latches()
        context = await self._desk.context(intent, mode=mode, latches=latches)
        if context.unbooked:
            self._ports.sync.nudge(Nudge("there are executions to record"))
        verdicts = gates.evaluate(context)
        blocked = gates.blocked_by(verdicts)
        if gates.simulates(context, verdicts):
            assert context.limit.price is not None
            return await self._orders.simulate(
                intent.intent_id,
                limit=context.limit.price,
                verdicts=verdicts,
                at=self._clock.market_now(),
            )
        if blocked:
            return await self._refuse(intent, verdicts)
        return await self._submit(intent, context, verdicts, mode)

    async def _standing_latches(self) -> tuple[Latch, ...]:
        latches = await self._desk.settings.latches()
        if self._ports.kill.engaged and not latches:
            now = self._clock.machine_now()
            return (Latch("file", "the HALT file is there, or a halt is being written", now),)
        return latches

    async def _refuse(self, intent: Intent, verdicts: tuple[Verdict, ...]) -> Intent:
        now = self._clock.market_now()
        return await self._orders.refuse(
            intent.intent_id,
            verdicts=verdicts,
            retry_after=gates.retry_after(verdicts, now),
            at=now,
        )

    async def _submit(
        self,
        intent: Intent,
        context: GateContext,
        verdicts: tuple[Verdict, ...],
        mode: Mode,
    ) -> Intent:
        """Steps 4 to 6. From the commit on, cancellation cannot lose the outcome."""
        limit, fee = context.limit.price, context.fee
        assert limit is not None
        assert fee is not None
        begin = partial(
            self._orders.begin_submit,
            intent.intent_id,
            limit=limit,
            reserved=worst_cost(intent.proposal, limit),
            reserved_fee=fee,
            verdicts=verdicts,
            at=self._clock.market_now(),
            machine_at=self._clock.machine_now(),
            mode=mode,
        )
        try:
            committed = await shielded(begin)
        except Refused as refusal:
            last = Verdict("COMMIT", passed=False, detail=str(refusal))
            return await self._refuse(intent, (*verdicts, last))
        return await self._send(committed)

    async def _send(self, intent: Intent) -> Intent:
        assert intent.client_order_id is not None
        assert intent.limit is not None
        draft = OrderDraft(
            client_order_id=intent.client_order_id,
            symbol=intent.proposal.symbol,
            side=intent.proposal.side,
            quantity=intent.proposal.quantity,
            limit=intent.limit,
        )
        outcome: tuple[Outcome, str] = "unknown", "no outcome was learned"
        try:
            async with trio.open_nursery() as nursery:
                scope = trio.CancelScope(
                    shield=True, deadline=trio.current_time() + SUBMIT_DEADLINE_S
                )
                nursery.start_soon(_hurry_when_cancelled, scope)
                nursery.start_soon(self._publish)  # shows it as leaving while it leaves
                with scope:
                    outcome = await self._place(draft)
                if scope.cancelled_caught:
                    outcome = "unknown", "no answer within the deadline"
                nursery.cancel_scope.cancel()
        finally:
            settled = await self._settle(intent, *outcome)
        return settled

    async def _place(self, draft: OrderDraft) -> tuple[Outcome, str]:
        """One submission and what it came to; the text is the broker's number or its reason."""
        if self._ports.kill.engaged:  # nothing is awaited between this look and the call
            return "rejected", HALTED_BEFORE_SENT
        try:
            accepted = await self._desk.broker.place(draft)
        except RejectedByBroker as error:
            return "rejected", str(error)
        except Unavailable as error:
            return "rejected", f"{BROKER_AWAY}{error}"
        except (BrokerError, trio.TooSlowError) as error:
            # Whatever else went wrong, the order may be there.
            return "unknown", str(error) or "no answer in time"
        return "accepted", accepted.broker_order_id

    async def _settle(self, intent: Intent, outcome: Outcome, text: str) -> Intent:
        """Write the outcome, whatever is being cancelled around us.

        What executed meanwhile, or was answered with another order's number, is as good as
        unknown: the executions or the next look tell the rest.
        """
        now = self._clock.market_now()
        write = {
            "accepted": self._orders.accepted,
            "rejected": self._orders.rejected,
            "unknown": self._orders.unknown,
        }[outcome]
        try:
            settled = await shielded(partial(write, intent.intent_id, text, at=now))
        except Conflict as conflict:
            doubt = f"{outcome} ({text}), but {conflict}"
            settled = await shielded(partial(self._orders.unknown, intent.intent_id, doubt, at=now))
        self._ports.sync.nudge(Nudge(f"order {intent.client_order_id} is {settled.state}"))
        return settled

    async def _publish(self) -> None:
        """One at a time, so that a slow read never puts an older picture over a newer one."""
        async with self._showing:
            self._show(await self._orders.recent(RECENT))

    def _show(self, recent: tuple[Intent, ...]) -> None:
        before = self._ports.boards.orders.value
        if recent == before:
            return
        known = {intent.intent_id: intent for intent in before or ()}
        self._ports.boards.orders.publish(recent)
        for intent in reversed(recent):
            if known.get(intent.intent_id) != intent:
                self._announce(intent)

    def _announce(self, intent: Intent) -> None:
        self._ports.events.emit(
            "ORDER_CHANGED",
            source="trader",
            at=self._clock.machine_now(),
            data={
                "intent_id": intent.intent_id,
                "client_order_id": intent.client_order_id,
                "symbol": intent.proposal.symbol,
                "side": intent.proposal.side,
                "state": intent.state.value,
                "blocked_by": ", ".join(verdict.gate for verdict in intent.blocked_by) or None,
            },
        )


async def _hurry_when_cancelled(scope: trio.CancelScope) -> None:
    try:
        await trio.sleep_forever()
    except trio.Cancelled:
        scope.deadline = min(scope.deadline, trio.current_time() + STOP_DEADLINE_S)
        raise
