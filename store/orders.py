"""Intents and what became of them. Written by the proposing actors and the trader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.dividend import PotShare
from ledger.money import Money, Price
from ledger.order import Intent, Mode, OrderClass, OrderState, OrderView, Proposal, Side, Verdict
from store.engine import Engine


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One step of an order's life; `before` equals `after` for a note. `at` is market time."""

    at: datetime
    before: OrderState | None
    after: OrderState
    note: str
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class Looks:
    """Complete looks at the broker that did not show an order of unknown fate (machine time)."""

    count: int
    first_at: datetime | None
    last_at: datetime | None


class Orders:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def propose(
        self, proposal: Proposal, *, mode: Mode, at: datetime, shares: Sequence[PotShare] = ()
    ) -> Intent:
        """Commit a decision; the same (class, source, step, attempt) returns the first one.

        `shares` are reserved in the same transaction; Conflict `pot_spent` when a pot has less.
        """
        ...

    async def get(self, intent_id: int) -> Intent:
        """Raises Missing."""
        ...

    async def by_client_order_id(self, client_order_id: int) -> Intent | None: ...

    async def ready(self) -> tuple[Intent, ...]:
        """Proposed ones: emergency first, then currency exchange, then the oldest."""
        ...

    async def in_flight(self) -> tuple[Intent, ...]: ...

    async def refuse(
        self,
        intent_id: int,
        *,
        verdicts: Sequence[Verdict],
        retry_after: datetime | None,
        at: datetime,
    ) -> Intent: ...

    async def simulate(
        self, intent_id: int, *, limit: Price, verdicts: Sequence[Verdict], at: datetime
    ) -> Intent: ...

    async def begin_submit(
        self,
        intent_id: int,
        *,
        limit: Price,
        reserved: Money,
        reserved_fee: Money,
        verdicts: Sequence[Verdict],
        at: datetime,
        machine_at: datetime,
        mode: Mode,
    ) -> Intent:
        """The last commit before the network: tag, reservation and state `submitting`.

        Raises Refused and changes nothing when the intent is not proposed any more
        (`not_proposed`), a latch stands (`halted`), the mode is not live now, was not live when
        decided or is not `mode` (`mode`), or another order is in flight (`in_flight`).
        """
        ...

    async def accepted(self, intent_id: int, broker_order_id: str, *, at: datetime) -> Intent: ...

    async def rejected(self, intent_id: int, text: str, *, at: datetime) -> Intent: ...

    async def unknown(self, intent_id: int, text: str, *, at: datetime) -> Intent: ...

    async def not_placed(self, intent_id: int, text: str, *, at: datetime) -> Intent:
        """Raises Conflict `filled` when an execution of this order is known."""
        ...

    async def escalated(self, intent_id: int, text: str, *, at: datetime) -> Intent: ...

    async def apply_view(self, intent_id: int, view: OrderView, *, at: datetime) -> Intent:
        """Follow the broker's view along the allowed moves and link its order id.

        An older view than what is known changes nothing. IllegalMove when the broker shows an
        order that was never sent, was not placed or was rejected.
        """
        ...

    async def note_look(self, intent_id: int, at_machine: datetime) -> Looks: ...

    async def looks(self, intent_id: int) -> Looks: ...

    async def reserved_cash(self) -> Mapping[str, int]:
        """Minor units by currency that the rest of live orders may still cost, fees included."""
        ...

    async def barred(
        self, at: datetime, *, source_id: str | None = None
    ) -> Mapping[tuple[str, Side], datetime]:
        """Until when (symbol, side) must not be proposed again, from refusals in today's mode.

        With `source_id` also what was refused to that source without a date: barred for ever.
        """
        ...

    async def last_attempt(self, order_class: OrderClass, source_id: str, step: int) -> int:
        """0 when nothing was proposed yet."""
        ...

    async def submitted_since(self, at: datetime) -> tuple[Intent, ...]:
        """Intents sent to the broker at or after the market instant `at`, oldest first."""
        ...

    async def recent(self, limit: int) -> tuple[Intent, ...]:
        """Newest first."""
        ...

    async def events(self, intent_id: int) -> tuple[OrderEvent, ...]: ...
