"""Facts from the broker into the journal, and the check of the books against the account.

Used by sync only. Every step is one read under a deadline followed by one transaction; a step that
fails raises, so that nothing is ever recorded from half an answer.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import trio

from broker.port import Broker
from ledger.account import AccountSnapshot
from ledger.errors import MalformedAnswer
from ledger.fact import Adjustment, Fact, Opening
from ledger.money import Money, Quantity
from ledger.portfolio import BookDifference
from policy.books import Difference, compare
from store.books import Books
from store.facts import Balances, Facts
from wire.clock import Clock
from wire.health import Health

# Less than sync's beats may be late, so that a call that hangs is not taken for a stuck actor.
STEP_DEADLINE_S = 45.0
# Fills may arrive between two reads; a difference has to survive fresh reads of both sides.
LOOKS = 3

Stream = Literal["fills", "flows", "actions"]
STREAMS: tuple[Stream, ...] = ("fills", "flows", "actions")


@dataclass(frozen=True, slots=True)
class Intake:
    broker: Broker
    facts: Facts
    books: Books
    clock: Clock
    health: Health

    @contextmanager
    def step(self) -> Generator[None, None, None]:
        """One read of the broker under its deadline; each is a sign of life of sync."""
        self.health.beat("sync")
        with trio.fail_after(STEP_DEADLINE_S):
            yield

    async def read_streams(self) -> tuple[Fact, ...]:
        """Fetch and record fills, cash flows and corporate actions; returns what was new."""
        fresh: list[Fact] = []
        for stream in STREAMS:
            fresh += await self._read_stream(stream)
        return tuple(fresh)

    async def _read_stream(self, stream: Stream) -> tuple[Fact, ...]:
        calls: dict[Stream, Callable[[str | None], Awaitable[tuple[Sequence[Fact], str | None]]]]
        calls = {
            "fills": self.broker.fills_since,
            "flows": self.broker.cash_flows_since,
            "actions": self.broker.corporate_actions_since,
        }
        with self.step():
            rows, cursor = await calls[stream](await self.facts.cursor(stream))
        return await self.facts.record(
            rows,
            at=self.clock.market_now(),
            machine_at=self.clock.machine_now(),
            cursor=None if cursor is None else (stream, cursor),
        )

    async def read_account(self) -> AccountSnapshot:
        """The account, complete; raises MalformedAnswer when the broker is not ready."""
        with self.step():
            account = await self.broker.snapshot()
        if not account.complete:
            raise MalformedAnswer("the account snapshot is incomplete")
        return account

    async def open_books(self) -> tuple[Fact, ...]:
        """On an empty ledger: one opening fact per balance that the journal does not explain."""
        if await self.facts.has_opening():
            return ()
        recorded: list[Fact] = list(await self.read_streams())
        account = await self.read_account()
        if await self.read_streams():
            raise MalformedAnswer("the account moved while the books were opened")
        openings = self._openings(account, await self.facts.balances())
        recorded += await self.facts.record(
            openings, at=self.clock.market_now(), machine_at=self.clock.machine_now()
        )
        return tuple(recorded)

    def _openings(self, account: AccountSnapshot, books: Balances) -> tuple[Opening, ...]:
        at = account.as_of
        openings = [Opening("account", Money.zero("EUR"), None, None, None, at)]
        for item in compare(books.cash, books.holdings, account):
            missing = item.broker - item.books
            if item.account == "cash":
                money = Money(missing, item.key)
                openings.append(Opening(f"cash:{item.key}", money, None, None, None, at))
            else:
                holding = account.holdings.get(item.key)
                cost = holding.average_cost if holding else None
                quantity = Quantity(missing)
                openings.append(Opening(f"holding:{item.key}", None, item.key, quantity, cost, at))
        return tuple(openings)

    async def check_books(self) -> tuple[AccountSnapshot, tuple[BookDifference, ...], list[Fact]]:
        """Compare books and account; what still differs after fresh reads becomes named items."""
        fresh: list[Fact] = []
        account = await self.read_account()
        found = compare_balances(await self.facts.balances(), account)
        for _ in range(LOOKS - 1):
            if not found:
                break
            fresh += await self.read_streams()
            account = await self.read_account()
            found = compare_balances(await self.facts.balances(), account)
        return account, await self._name(found), fresh

    async def _name(self, found: tuple[Difference, ...]) -> tuple[BookDifference, ...]:
        """Open or update an item per difference; settle the small ones; close what agrees again."""
        at = self.clock.market_now()
        standing = {(item.account, item.key) for item in found}
        for known in await self.books.open_items():
            if (known.account, known.key) not in standing:
                await self.books.resolve(known.item_id, at=at, how="books and broker agree again")
        for item in found:
            named = await self.books.found(
                item.account,
                item.key,
                books=item.books,
                broker=item.broker,
                blocking=item.blocking,
                at=at,
            )
            if not item.blocking:
                await self._settle(named)
        return tuple(await self.books.open_items())

    async def _settle(self, item: BookDifference) -> None:
        """Book a rounding difference to core as a fact that carries the item's id."""
        at = self.clock.market_now()
        money = Money(item.broker - item.books, item.key)
        fact = Adjustment(item.item_id, money, at, "difference below one unit")
        await self.facts.record([fact], at=at, machine_at=self.clock.machine_now())
        await self.books.resolve(item.item_id, at=at, how="adjusted")


def compare_balances(books: Balances, account: AccountSnapshot) -> tuple[Difference, ...]:
    return compare(books.cash, books.holdings, account)
