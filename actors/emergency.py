"""The recovery of negative cash, carried out: the open run, its next action, and what it leaves.

The rebalancer brings every portfolio here. What to do is decided in policy.emergency_run; here the
view for it is gathered, orders are committed and every move is written down before the next look.
A restart needs nothing of its own: the run and its orders are in the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NoReturn

import trio

from actors.situation import Situation
from ledger.decision import kind_of
from ledger.emergency import EmergencyRun, EmergencyState, OwnerWord, Shortfall
from ledger.errors import ActorUnavailable, Conflict, Missing, Refused, Unavailable
from ledger.ids import ulid
from ledger.money import Money
from ledger.order import Intent, Mode, OrderState, Proposal, Side
from ledger.portfolio import PortfolioSnapshot
from policy import windows
from policy.emergency import Deficit, Sources
from policy.emergency_run import (
    LOOKS_APART_S,
    confirmed,
    next_action,
    pause_until,
    sightings,
)
from policy.emergency_sales import SaleMarket
from policy.emergency_view import (
    Action,
    AskOwner,
    Blind,
    EmergencyView,
    Exchange,
    Finish,
    Recommend,
    Sell,
    Wait,
)
from policy.market_hours import FX
from store.emergency import Emergencies
from wire.events import EventRing, EventType
from wire.mailbox import AskBox, NudgeBox
from wire.messages import Boards, IntentReady, Nudge
from wire.order_asks import CancelOrder, Resolve

# Earlier runs that decide how long the next one has to wait.
REMEMBERED = 10
WITHDRAW_DEADLINE_S = 5.0
RESTING = frozenset({OrderState.ACCEPTED, OrderState.ACTIVE, OrderState.PARTIALLY_FILLED})
WORDS: dict[str, OwnerWord] = {"confirm": "confirm", "abort": "abort"}


@dataclass(frozen=True, slots=True)
class EmergencyPorts:
    situation: Situation
    emergency: Emergencies
    boards: Boards
    events: EventRing
    intents: trio.MemorySendChannel[IntentReady]
    sync: NudgeBox[Nudge]
    trader: AskBox


@dataclass(frozen=True, slots=True)
class Account:
    """One portfolio with what was read for it: negative deficits, sources and pending orders."""

    portfolio: PortfolioSnapshot
    deficits: tuple[Deficit, ...]
    sources: Sources
    pending: tuple[Intent, ...]


class EmergencyDesk:
    """See the module's docstring."""

    def __init__(self, ports: EmergencyPorts) -> None:
        self._p = ports
        self._s = ports.situation
        self._store = ports.emergency
        self._seen: dict[str, float] = {}
        self._again = trio.Event()
        # A look and the owner's word change the same run.
        self._lock = trio.Lock()

    async def restore(self) -> None:
        """Show the newest run of an earlier life."""
        newest = await self._store.recent(1)
        if newest:
            self._p.boards.emergency.publish(newest[0])

    async def look_again(self) -> NoReturn:
        """Ask for a fresh portfolio whenever a run waits for one, far enough from the last."""
        while True:
            await self._again.wait()
            await trio.sleep(LOOKS_APART_S + 2)
            self._again = trio.Event()
            self._p.sync.nudge(Nudge("a balance below zero is looked at again"))

    async def blind(self, reason: str) -> None:
        """The account cannot be judged: the open run keeps its state and says so."""
        async with self._lock:
            run = await self._store.current()
            if run is not None:
                await self._carry_out(run, next_action(run, Blind(self._mode(run), reason)), 0)

    async def attend(self, account: Account) -> str | None:
        """One step of the recovery; None when there is nothing to recover from."""
        async with self._lock:
            self._seen = sightings(self._seen, account.portfolio)
            await self._settle_sales()
            run = await self._store.current()
            if run is None:
                if not account.deficits:
                    return None
                opened = await self._open(account.deficits)
                if isinstance(opened, str):
                    return opened
                run = opened
            view = await self._view(run, account)
            action = next_action(run, view)
            return await self._carry_out(run, action, account.portfolio.ledger_seq)

    async def resolve(self, asked: Resolve) -> str:
        """The owner's word on selling beyond the day's share."""
        kind, run_id = kind_of(asked.decision_id)
        if kind != "sale" or not run_id:
            raise Missing(f"there is no open decision {asked.decision_id}")
        async with self._lock:
            run = await self._store.current()
            if run is None or run.run_id != run_id or run.state is not EmergencyState.WAITING_OWNER:
                raise Missing(f"there is no open decision {asked.decision_id}")
            if asked.choice not in WORDS:
                raise Refused(f"choice {asked.choice!r}: confirm or abort", code="choice")
            if not asked.confirm:
                raise Refused("deciding needs confirm: true", code="confirmation_required")
            after = await self._store.answer(
                run_id, WORDS[asked.choice], by=asked.by, at=self._s.clock.market_now()
            )
        self._publish(after)
        self._p.sync.nudge(Nudge("the owner decided about a sale"))
        if after.active:
            return "it sells what the shortfall needs"
        return "nothing is sold"

    # Gathering

    async def _settle_sales(self) -> None:
        if await self._store.pending_sales():
            await self._store.catch_up(at=self._s.clock.market_now())

    async def _open(self, deficits: tuple[Deficit, ...]) -> EmergencyRun | str:
        """A new run, or why there is none yet."""
        trading, now = self._p.boards.trading.value, self._s.clock.market_now()
        if trading is None:
            return "the trading mode is not known yet"
        currencies = frozenset(deficit.currency for deficit in deficits)
        until = pause_until(await self._store.recent(REMEMBERED), currencies, now)
        if until is not None:
            return f"the last repair did not succeed, the next begins at {until:%Y-%m-%d %H:%M}"
        run = EmergencyRun(
            run_id=ulid(self._s.clock.machine_now(), self._s.rng),
            mode=trading.mode,
            state=EmergencyState.DETECTED,
            started_at=now,
            updated_at=now,
            deficits=tuple(Shortfall(d.balance, d.need, d.need_eur) for d in deficits),
            note=", ".join(str(deficit.balance) for deficit in deficits),
        )
        opened = await self._store.open(run)
        self._publish(opened)
        self._emit("REBALANCE_START", opened)
        return opened

    async def _view(self, run: EmergencyRun, account: Account) -> EmergencyView | Blind:
        """Everything one step looks at; blind when the portfolio is older than what was read."""
        trading, clock, portfolio = self._p.boards.trading.value, self._s.clock, account.portfolio
        orders = await self._store.orders(run.run_id)
        sold = await self._store.sold_today(clock.market_now().date())
        barred = await self._barred()
        lag = await self._s.lag(portfolio)
        if lag is not None or trading is None:
            return Blind(self._mode(run), lag or "the trading mode is not known yet")
        # One instant for the whole view: market time runs on between two readings of the clock.
        now = clock.market_now()
        return EmergencyView(
            mode=trading.mode,
            halted=trading.halted,
            age_s=clock.monotonic_s() - portfolio.read_at_s,
            deficits=account.deficits,
            sources=account.sources,
            market=SaleMarket(
                now=now,
                snapshot=portfolio,
                rates=account.sources.market.rates,
                fees=self._s.fees,
                limits=self._s.limits,
                opens=self._opens(portfolio, now),
                barred=barred,
            ),
            orders=orders,
            pending=account.pending,
            confirmed=confirmed(self._seen, portfolio),
            fx_opens=self._opens_at(FX, now),
            sold_today=sold,
        )

    async def _barred(self) -> Mapping[tuple[str, Side], datetime]:
        """Until when an order would only be refused: it was lately, or the same just left."""
        now, guard = self._s.clock.market_now(), self._s.limits.repeat_guard
        barred = dict(await self._s.orders.barred(now))
        history = await self._s.histories.since(now - guard)
        for trade in history.trades:
            key = trade.symbol, trade.side
            again = windows.repeat_until(history, *key, guard=guard, now=now)
            if again is not None:
                barred[key] = max(again, barred.get(key, again))
        return barred

    def _mode(self, run: EmergencyRun) -> Mode:
        """The mode now; while nobody knows it, the one the run began in."""
        trading = self._p.boards.trading.value
        return run.mode if trading is None else trading.mode

    def _opens(self, portfolio: PortfolioSnapshot, now: datetime) -> dict[str, datetime]:
        mics = {position.security.instrument.mic for position in portfolio.positions}
        opens = {mic: self._opens_at(mic, now) for mic in sorted(mics)}
        return {mic: at for mic, at in opens.items() if at is not None}

    def _opens_at(self, mic: str, now: datetime) -> datetime | None:
        """When orders may leave for this market next: now, while it is open."""
        state = self._s.trading(mic)
        return now if state.is_open else state.next_open

    # Acting

    async def _carry_out(self, run: EmergencyRun, action: Action, seen_seq: int) -> str:
        until: datetime | None = None
        asked: Money | None = None
        match action:
            case Exchange() | Sell():
                return await self._order(run, action, seen_seq)
            case Recommend(sales, why):
                await self._store.recommend(run.run_id, sales, at=self._s.clock.market_now())
                state = EmergencyState.SELLING if sales else run.state
            case Wait(state, why, until, look_again, withdraw):
                if until is not None:
                    why = f"{why}, until {until.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
                if look_again:
                    self._again.set()
                if withdraw:
                    await self._clear_way()
            case AskOwner(why, asked):
                state = EmergencyState.WAITING_OWNER
            case Finish(state, why):
                pass
        return await self._move(run, state, why, until=until, asked=asked)

    async def _order(self, run: EmergencyRun, action: Exchange | Sell, seen_seq: int) -> str:
        """Commit the order, then move; a crash in between leaves an order that is waited for."""
        wanted = action.proposal
        if isinstance(action, Sell):
            await self._store.recommend(run.run_id, (action.sale,), at=self._s.clock.market_now())
        refused = await self._propose(wanted, run.mode, seen_seq)
        if refused is not None:
            return refused
        note = f"order {wanted.step}: {wanted.side} {wanted.quantity} {wanted.symbol}"
        if isinstance(action, Sell):
            return await self._move(run, EmergencyState.AWAITING_FILL, note)
        return await self._move(run, action.state, note, before=action.before)

    async def _clear_way(self) -> None:
        """Ask the trader to withdraw what rests; what it cannot do now is asked again."""
        for order in await self._s.orders.in_flight():
            number = order.client_order_id
            if order.state in RESTING and number is not None:
                asked = CancelOrder(number, "the repair of negative cash")
                with suppress(ActorUnavailable, Conflict, Missing, Unavailable):
                    await self._p.trader.ask(asked, deadline_s=WITHDRAW_DEADLINE_S)

    async def _propose(self, wanted: Proposal, mode: Mode, seen_seq: int) -> str | None:
        """Commit the order and tell the trader; why not, when the world has moved on."""
        try:
            intent = await self._s.orders.propose(
                wanted, mode=mode, at=self._s.clock.market_now(), seen_seq=seen_seq
            )
        except Conflict as conflict:
            return str(conflict)
        if intent.state is OrderState.PROPOSED:
            await self._p.intents.send(IntentReady(intent.intent_id))
        return None

    async def _move(
        self,
        run: EmergencyRun,
        state: EmergencyState,
        note: str,
        *,
        until: datetime | None = None,
        before: tuple[Money, ...] = (),
        asked: Money | None = None,
    ) -> str:
        """Write down where the run stands now, and show it when that is new."""
        now = self._s.clock.market_now()
        after = await self._store.move(
            run.run_id, state, at=now, note=note, waits_until=until, before=before, asked=asked
        )
        if after != run:
            self._publish(after)
        return f"{after.state}: {note}"

    def _publish(self, run: EmergencyRun) -> None:
        self._p.boards.emergency.publish(run)
        if not run.active:
            self._emit("REBALANCE_COMPLETE", run)

    def _emit(self, type_: EventType, run: EmergencyRun) -> None:
        self._p.events.emit(
            type_,
            source="rebalancer",
            at=self._s.clock.machine_now(),
            data={
                "run_id": run.run_id,
                "state": run.state.value,
                "mode": run.mode,
                "currencies": ", ".join(sorted(run.currencies)),
                "note": run.note,
            },
        )
