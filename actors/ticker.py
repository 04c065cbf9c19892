"""Decides what the matrix says: the ticker line, what is being done, and what went wrong.

It follows the event ring, keeps the three display pools, and publishes one text with its colours.
Error and processing texts are keyed by their source, so that each is taken back by what ended it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

import trio

from ledger.fact import is_pair
from ledger.order import TERMINAL, Intent, OrderState
from ledger.plan import OPEN_STEPS, StoredPlan
from policy.display_pools import Activity, Pool, Pools, clear_entry, expire, lamp_colours, set_entry
from policy.display_pools import shown as shown_text
from policy.ticker import (
    FOREIGN,
    MAX_TEXT_BYTES,
    SEPARATOR,
    TickerAction,
    TickerInput,
    amount_text,
    cash_text,
    compose,
    fill_text,
    short_symbol,
)
from wire.clock import Clock
from wire.events import Event, EventRing, EventType, Scalar
from wire.health import Health
from wire.mailbox import AskBox, serving
from wire.messages import Boards, ShowText, TickerText

BEAT_S = 1.0
DEBOUNCE_S = 0.25
NEWS_LIFE = timedelta(seconds=30)
MAX_NEWS = 4
OWNER = "owner"
LINE = "ticker"

JOB_ERRORS = {"backup": "BACKUP FAILED", "drip": "DIVIDEND REINVESTMENT FAILED"}
JOB_TEXTS = {"backup": "BACKING UP DATABASE...", "drip": "REINVESTING DIVIDENDS..."}


@dataclass(frozen=True, slots=True)
class TickerPorts:
    boards: Boards
    events: EventRing
    health: Health
    clock: Clock
    asks: AskBox


class Ticker:
    """See the module's docstring; `run` never returns."""

    def __init__(self, ports: TickerPorts) -> None:
        self._p = ports
        self._pools = Pools()
        self._activity = Activity()
        self._news: list[tuple[str, float]] = []
        self._trade: tuple[float, bool] | None = None
        self._seq = 0

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        self._publish()
        task_status.started()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._serve)
            nursery.start_soon(self._follow)

    async def _serve(self) -> None:
        while True:
            ask = await self._p.asks.receive()
            async with serving(ask):
                assert isinstance(ask.request, ShowText)
                ask.slot.answer(self._show(ask.request))

    def _show(self, wanted: ShowText) -> str:
        """The owner's own text, for a while; an empty one takes it back."""
        expires = self._p.clock.machine_now() + timedelta(seconds=wanted.ttl_s)
        self._set(Pool.NEXT_ACTIONS, OWNER, wanted.text, expires=expires)
        self._publish()
        return wanted.text

    async def _follow(self) -> None:
        while True:
            self._p.health.beat("ticker")
            events, _ = self._p.events.after(self._seq)
            for event in events:
                self._take(event)
                self._seq = event.seq
            self._publish()
            with trio.move_on_after(BEAT_S):
                await self._p.events.wait_after(self._seq)
                await trio.sleep(DEBOUNCE_S)

    # What events mean for the pools

    def _take(self, event: Event) -> None:
        takers: Mapping[EventType, Callable[[Mapping[str, Scalar]], None]] = {
            "TRADE_EXECUTED": self._traded,
            "DEPOSIT_PROCESSED": self._deposited,
            "ERROR_OCCURRED": self._failed,
            "ERROR_CLEARED": self._mended,
            "JOB_STARTED": self._job_started,
            "JOB_COMPLETED": self._job_ended,
            "JOB_FAILED": self._job_failed,
        }
        take = takers.get(event.type)
        if take is not None:
            take(event.data)

    def _traded(self, data: Mapping[str, Scalar]) -> None:
        symbol, side, foreign = str(data["symbol"]), data["side"], data["foreign"] is True
        if is_pair(symbol):
            base, quote = symbol.split("/")
            source, target = (base, quote) if side == "SELL" else (quote, base)
            self._say(f"{FOREIGN if foreign else ''}CONVERTED {source} TO {target}")
            return
        text = fill_text(
            "BUY" if side == "BUY" else "SELL",
            quantity=Decimal(str(data["quantity"])),
            symbol=symbol,
            value=Decimal(str(data["value"])),
            currency=str(data["currency"]),
            foreign=foreign,
        )
        self._say(text)
        self._trade = (trio.current_time(), side == "BUY")

    def _deposited(self, data: Mapping[str, Scalar]) -> None:
        amount, currency = Decimal(str(data["amount"])), str(data["currency"])
        self._say(cash_text("DEPOSIT", amount=amount, currency=currency))

    def _failed(self, data: Mapping[str, Scalar]) -> None:
        text = str(data["text"])
        self._set(Pool.ERROR, text, text)
        self._activity = replace(self._activity, sync_errors=frozenset({text}))

    def _mended(self, data: Mapping[str, Scalar]) -> None:
        self._pools = clear_entry(self._pools, Pool.ERROR, source=str(data["text"]))
        self._activity = replace(self._activity, sync_errors=frozenset())

    def _job_started(self, data: Mapping[str, Scalar]) -> None:
        job = str(data["job"])
        self._set(Pool.PROCESSING, job, JOB_TEXTS.get(job, ""))
        if job == "sync":
            self._activity = replace(self._activity, sync_runs=frozenset({job}))

    def _job_ended(self, data: Mapping[str, Scalar]) -> None:
        job = str(data["job"])
        self._pools = clear_entry(self._pools, Pool.PROCESSING, source=job)
        self._pools = clear_entry(self._pools, Pool.ERROR, source=job)
        if job == "sync":
            self._activity = replace(self._activity, sync_runs=frozenset())

    def _job_failed(self, data: Mapping[str, Scalar]) -> None:
        self._job_ended(data)
        job = str(data["job"])
        self._set(Pool.ERROR, job, JOB_ERRORS.get(job, ""))

    def _say(self, text: str) -> None:
        self._news = [*self._news, (text, trio.current_time())][-MAX_NEWS:]

    def _set(self, pool: Pool, source: str, text: str, expires: datetime | None = None) -> None:
        self._pools = set_entry(
            self._pools,
            pool,
            source=source,
            text=text,
            now=self._p.clock.machine_now(),
            expires_at=expires,
        )

    # What the boards add

    def _orders(self) -> None:
        """An order in flight is being processed; one that went wrong is an error for a while."""
        orders = self._p.boards.orders.value or ()
        flying = [intent for intent in orders if intent.in_flight]
        for intent in orders:
            source = f"order:{intent.intent_id}"
            if intent.in_flight and intent.state is not OrderState.UNKNOWN:
                self._set(Pool.PROCESSING, source, _order_text(intent))
            elif intent.state in TERMINAL:
                self._pools = clear_entry(self._pools, Pool.PROCESSING, source=source)
        doubtful = [i for i in flying if i.state in (OrderState.UNKNOWN, OrderState.ESCALATED)]
        self._set(Pool.ERROR, "doubt", "ORDER STATE UNKNOWN" if doubtful else "")
        newest = orders[0] if orders else None
        rejected = newest is not None and newest.state is OrderState.REJECTED
        self._set(Pool.ERROR, "rejected", "ORDER PLACEMENT FAILED" if rejected else "")
        self._activity = replace(
            self._activity,
            trading_runs=frozenset(str(intent.intent_id) for intent in flying),
            has_failed_order=bool(doubtful) or rejected,
        )

    def _trading(self) -> None:
        trading = self._p.boards.trading.value
        latches = trading.latches if trading else ()
        names = ", ".join(latch.name.upper().replace("_", " ") for latch in latches)
        self._set(Pool.ERROR, "halt", f"HALTED: {names}" if latches else "")
        self._activity = replace(self._activity, is_halted=bool(latches))

    def _line(self) -> str:
        """News first, then value, cash and the next steps of the plan."""
        horizon = trio.current_time() - NEWS_LIFE.total_seconds()
        self._news = [item for item in self._news if item[1] >= horizon]
        portfolio, trading = self._p.boards.portfolio.value, self._p.boards.trading.value
        actions = _actions(self._p.boards.plan.value)
        news = [text.upper() for text, _ in reversed(self._news)]
        room = MAX_TEXT_BYTES - sum(len(text.encode()) + len(SEPARATOR) for text in news)
        total = portfolio.total_eur if portfolio else None
        cash = portfolio.cash_eur if portfolio else None
        standing = compose(
            TickerInput(
                total_value_eur=total.amount if total else None,
                cash_eur=cash.amount if cash else None,
                actions=actions,
                research=trading is not None and trading.mode == "research",
            ),
            max_bytes=max(room, 0),
        )
        return SEPARATOR.join([*news, standing] if standing else news)

    def _publish(self) -> None:
        now = self._p.clock.machine_now()
        self._orders()
        self._trading()
        plan = _actions(self._p.boards.plan.value)
        self._activity = replace(
            self._activity,
            has_pending_buy=any(action.side == "BUY" for action in plan),
            has_pending_sell=any(action.side == "SELL" for action in plan),
        )
        self._set(Pool.NEXT_ACTIONS, LINE, self._line())
        self._pools = expire(self._pools, now=now)
        shown = shown_text(self._pools, now=now)
        own = self._newest(Pool.NEXT_ACTIONS)
        lamps = lamp_colours(self._activity, beat=int(trio.current_time()))
        text = TickerText(
            text=own if shown.pool is Pool.NEXT_ACTIONS else shown.text,
            pool=shown.pool.value if shown.pool else "none",
            error_text=self._newest(Pool.ERROR),
            processing_text=self._newest(Pool.PROCESSING),
            next_actions_text=own,
            led3=lamps.led3,
            led4=lamps.led4,
            since=shown.since or now,
            syncing=False,
            trade_at_s=self._trade[0] if self._trade else None,
            trade_buy=self._trade[1] if self._trade else True,
        )
        if text != self._p.boards.ticker.value:
            self._announce(text)
            self._p.boards.ticker.publish(text)

    def _newest(self, pool: Pool) -> str:
        """What a pool would show; the owner's own text goes before the ticker line."""
        entries = self._pools.of(pool)
        own = [entry for entry in entries if entry.source == OWNER]
        chosen = own or list(entries)
        return chosen[-1].text if chosen else ""

    def _announce(self, text: TickerText) -> None:
        before = self._p.boards.ticker.value
        if before is None or (before.text, before.pool) != (text.text, text.pool):
            self._p.events.emit(
                "DISPLAY_STATE_CHANGED",
                source="ticker",
                at=self._p.clock.machine_now(),
                data={"text": text.text, "pool": text.pool},
            )


def _actions(stored: StoredPlan | None) -> tuple[TickerAction, ...]:
    """The trades of the current plan that still wait."""
    if stored is None or stored.superseded:
        return ()
    return tuple(
        TickerAction(item.step.side, item.step.symbol, item.step.value_eur.amount)
        for item in stored.steps
        if item.state in OPEN_STEPS and item.step.kind == "trade"
    )


def _order_text(intent: Intent) -> str:
    proposal = intent.proposal
    if is_pair(proposal.symbol):
        base, quote = proposal.symbol.split("/")
        source, target = (base, quote) if proposal.side == "SELL" else (quote, base)
        return f"CONVERTING {source} TO {target}..."
    text = f"{proposal.side} {short_symbol(proposal.symbol)}"
    value = proposal.value_eur
    return f"{text} {amount_text(value.amount)}".upper() if value else text.upper()
