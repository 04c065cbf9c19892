"""What the broker reports, row by row, into the journal.

Used by sync and its bookkeeper. Every step is one read under a deadline followed by one
transaction; a step that fails raises, so that nothing is ever recorded from half an answer. A row
that cannot be booked is kept apart and fails the read of its stream alone: the other rows and the
other streams are booked, and the position in the stream stays until the row can be booked too.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import Literal

import trio

from broker.port import Broker
from ledger.account import AccountSnapshot
from ledger.cash_flow import Divide, FlowRow, as_fact
from ledger.errors import BadData, MalformedAnswer
from ledger.fact import MOST, Fact, Fill, source_key, unbookable
from policy.deposits import divide
from store.buckets import Buckets
from store.facts import Facts
from store.quarantine import Quarantine
from wire.clock import Clock
from wire.events import EventRing
from wire.health import Health

# Less than sync's beats may be late, so that a call that hangs is not taken for a stuck actor.
STEP_DEADLINE_S = 45.0

# No bucket but core has a target yet.
SATELLITE_BUDGET = Decimal(0)

Stream = Literal["fills", "flows", "actions"]
STREAMS: tuple[Stream, ...] = ("fills", "flows", "actions")


@dataclass(slots=True)
class FlowTally:
    """Rows in the broker's last answer, and versions of transactions that were new."""

    read: int = 0
    changed: int = 0


@dataclass(frozen=True, slots=True)
class Intake:
    """`fresh` collects what was new in the journal until somebody takes it, `foreign` the
    executions among it that belong to no order of ours.

    `flows` counts what the reads of cash flows brought until then.
    """

    broker: Broker
    facts: Facts
    quarantine: Quarantine
    clock: Clock
    health: Health
    events: EventRing
    buckets: Buckets
    fresh: list[Fact] = field(default_factory=list[Fact])
    foreign: set[str] = field(default_factory=set[str])
    flows: FlowTally = field(default_factory=FlowTally)

    @contextmanager
    def step(self) -> Generator[None, None, None]:
        """One read of the broker under its deadline; each is a sign of life of sync.

        Numbers in the answer that make no sense are an answer that makes no sense.
        """
        self.health.beat("sync")
        try:
            with trio.fail_after(STEP_DEADLINE_S):
                yield
        except BadData as error:
            raise MalformedAnswer(str(error)) from error

    async def read_streams(self) -> int:
        """Fetch and record fills, cash flows and corporate actions; returns how many were new.

        All three are read; raises MalformedAnswer afterwards, naming what could not be taken.
        """
        count = 0
        failed: list[str] = []
        for stream in STREAMS:
            try:
                count += await self._read_stream(stream)
            except MalformedAnswer as error:
                failed.append(f"{stream}: {error}")
        if failed:
            raise MalformedAnswer("; ".join(failed))
        return count

    async def _read_stream(self, stream: Stream) -> int:
        calls: dict[
            Stream, Callable[[str | None], Awaitable[tuple[Sequence[Fact | FlowRow], str | None]]]
        ]
        calls = {
            "fills": self.broker.fills_since,
            "flows": self.broker.cash_flows_since,
            "actions": self.broker.corporate_actions_since,
        }
        position = await self.facts.cursor(stream)
        with self.step():
            rows, cursor = await calls[stream](position)
        reasons = [unbookable(_fact_of(row)) for row in rows]
        bad = any(reason is not None for reason in reasons)
        versions = await self.facts.last_flow_version()
        count = await self.record(
            [row for row, reason in zip(rows, reasons, strict=True) if reason is None],
            cursor=None if cursor is None or bad else (stream, cursor),
        )
        if stream == "flows":
            self.flows.read = len(rows)
            self.flows.changed += await self.facts.last_flow_version() - versions
        for row, reason in zip(rows, reasons, strict=True):
            if reason is not None:
                await self._hold_back(stream, _key_of(row), row, reason)
        if bad:
            names = [_key_of(row) for row, why in zip(rows, reasons, strict=True) if why]
            raise MalformedAnswer(f"cannot book {', '.join(names)}")
        await self.quarantine.release(stream, at=self.clock.machine_now())
        return count

    async def record(
        self, news: Sequence[Fact | FlowRow], cursor: tuple[str, str] | None = None
    ) -> int:
        """Write what is new, dated now; returns how many facts were."""
        parts: Divide = partial(
            divide, buckets=await self.buckets.all(), satellite_budget=SATELLITE_BUDGET
        )
        fresh = await self.facts.record(
            news,
            at=self.clock.market_now(),
            machine_at=self.clock.machine_now(),
            cursor=cursor,
            divide=parts,
        )
        self.fresh.extend(fresh)
        fills = [fact.fill_id for fact in fresh if isinstance(fact, Fill)]
        if fills:
            self.foreign.update(await self.facts.foreign(fills))
        return len(fresh)

    def take_fresh(self) -> tuple[tuple[Fact, ...], frozenset[str]]:
        """What was recorded since the last time, and which executions of it are foreign."""
        taken = tuple(self.fresh), frozenset(self.foreign)
        self.fresh.clear()
        self.foreign.clear()
        return taken

    async def _hold_back(self, stream: Stream, key: str, row: object, reason: str) -> None:
        """Keep a row that cannot be booked; say so once."""
        now = self.clock.machine_now()
        if await self.quarantine.put(stream, key, row, error=reason, at=now):
            text = f"{key} of the broker cannot be booked: {reason}"
            data = {"error": text, "text": "BROKER ROW NOT BOOKED"}
            self.events.emit("ERROR_OCCURRED", source="sync", at=now, data=data)

    async def read_account(self) -> AccountSnapshot:
        """The account, complete; raises MalformedAnswer when the broker is not ready."""
        with self.step():
            account = await self.broker.snapshot()
        if not account.complete:
            raise MalformedAnswer("the account snapshot is incomplete")
        figures = [balance.available.minor for balance in account.cash.values()]
        figures += [holding.quantity.micro for holding in account.holdings.values()]
        if any(abs(figure) > MOST for figure in figures):
            raise MalformedAnswer(f"a balance of the account is above {MOST}")
        return account


def _fact_of(row: Fact | FlowRow) -> Fact:
    return as_fact(row) if isinstance(row, FlowRow) else row


def _key_of(row: Fact | FlowRow) -> str:
    return source_key(_fact_of(row))
