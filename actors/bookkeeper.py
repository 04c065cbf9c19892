"""The books against the account: opened once, checked after every read, settled by rule or owner.

Used by sync only. What is compared with the broker is added up again from the postings of the
journal, so a running balance that went wrong shows as our own fault and not as the broker's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from actors.intake import Intake
from ledger.account import AccountSnapshot
from ledger.errors import ActorUnavailable, MalformedAnswer, Missing
from ledger.fact import Adjustment, Opening
from ledger.money import Money, Quantity
from ledger.portfolio import BookDifference
from policy.books import SETTLED_SPAN, SETTLES_AFTER, Difference, compare, settles_itself
from store.books import Books
from store.order_queries import OrderQueries
from store.readd import Readded, WrongSum
from wire.mailbox import AskBox
from wire.messages import RaiseLatch

# Fills may arrive between two reads; a difference has to survive fresh reads of both sides.
LOOKS = 3
LATCH_DEADLINE_S = 5.0


@dataclass(slots=True)
class Bookkeeper:
    """`schedule` is asked for the halt. `sums` are the postings as last added up."""

    intake: Intake
    books: Books
    schedule: AskBox
    orders: OrderQueries
    sums: Readded | None = field(default=None, init=False)
    halted: bool = field(default=False, init=False)

    async def open_books(self) -> None:
        """On an empty ledger: one opening fact per balance that the journal does not explain."""
        intake = self.intake
        if await intake.facts.has_opening():
            return
        await intake.read_streams()
        account = await intake.read_account()
        if await intake.read_streams():
            raise MalformedAnswer("the account moved while the books were opened")
        await intake.record(_openings(account, await self._added_up()))

    async def check(self) -> tuple[AccountSnapshot, tuple[BookDifference, ...]]:
        """Compare books and account; what still differs after fresh reads becomes named items."""
        account = await self.intake.read_account()
        found = _compared(await self._added_up(), account)
        for _ in range(LOOKS - 1):
            if not found:
                break
            await self.intake.read_streams()
            account = await self.intake.read_account()
            found = _compared(await self._added_up(), account)
        wrong = (await self._added_up()).wrong
        open_items = await self._name((*(_ours(item) for item in wrong), *found))
        await self._halt_for(wrong)
        return account, open_items

    async def _added_up(self) -> Readded:
        """All postings added up; again only when there are new ones."""
        newest = await self.intake.facts.last_posting()
        if self.sums is None or self.sums.last_posting != newest:
            self.sums = await self.intake.facts.readd()
        return self.sums

    async def _halt_for(self, wrong: tuple[WrongSum, ...]) -> None:
        """A journal that contradicts itself stops trading; asked again until it was heard."""
        if not wrong:
            self.halted = False
        elif not self.halted:
            keys = ", ".join(f"{one.bucket_id} {one.account} {one.key}" for one in wrong[:5])
            reason = f"the journal does not add up to our balances: {keys}"
            try:
                latch = RaiseLatch("books", reason, by="sync")
                await self.schedule.ask(latch, deadline_s=LATCH_DEADLINE_S)
            except ActorUnavailable:
                return  # the named difference blocks meanwhile
            self.halted = True

    async def _name(self, found: tuple[Difference, ...]) -> tuple[BookDifference, ...]:
        """Open or update an item per difference, close what agrees again.

        Small ones are settled when nothing else can explain them: no difference that blocks, no
        order that moved lately. Until then they stay open and block nothing.
        """
        at = self.intake.clock.market_now()
        standing = {(item.account, item.key) for item in found}
        for known in await self.books.open_items():
            if (known.account, known.key) not in standing:
                await self.books.resolve(known.item_id, at=at, how="books and broker agree again")
        small = [await self._settles_itself(item) for item in found]
        settles = any(small) and all(small) and not await self._under_way(at)
        for item, is_small in zip(found, small, strict=True):
            named = await self.books.found(
                item.account,
                item.key,
                books=item.books,
                broker=item.broker,
                blocking=not is_small,
                at=at,
            )
            if settles:
                await self._book(named, by="sync", reason="difference below one unit")
        return await self.books.open_items()

    async def _under_way(self, at: datetime) -> bool:
        """Whether an order of ours is in flight, or was until a moment ago.

        The account may show what it executed before the list of executions does, fee by fee. That
        explains a difference better than rounding: it waits, open, for what is still reported.
        """
        if await self.orders.in_flight():
            return True
        moved_at = await self.orders.last_moved_at()
        return moved_at is not None and at - moved_at < SETTLES_AFTER

    async def _settles_itself(self, item: Difference) -> bool:
        if item.blocking:
            return False
        since = self.intake.clock.market_now() - SETTLED_SPAN
        return settles_itself(item, await self.books.settled(item.key, since))

    async def _book(self, item: BookDifference, *, by: str, reason: str) -> None:
        """Book a difference to core as a fact that carries the item's id, which closes it."""
        at, missing = self.intake.clock.market_now(), item.broker - item.books
        if item.account == "cash":
            fact = Adjustment(item.item_id, Money(missing, item.key), at, reason, by=by)
        else:
            moved = Quantity(missing)
            fact = Adjustment(item.item_id, None, at, reason, item.key, moved, by)
        await self.intake.record([fact])

    async def adjust(self, item_id: int, *, by: str) -> str:
        """Make the books say what the account says now; returns what was done.

        Raises Missing when there is no such open difference.
        """
        if all(item.item_id != item_id for item in await self.books.open_items()):
            raise Missing(f"there is no open difference {item_id}")
        await self.intake.read_streams()
        _, items = await self.check()
        item = next((item for item in items if item.item_id == item_id), None)
        if item is None:
            return "books and broker agree again; nothing was booked"
        if item.account == "journal":
            return await self._rebuild(item)
        await self._book(item, by=by, reason="decided by the owner")
        return f"booked {_amount(item)} to core"

    async def _rebuild(self, item: BookDifference) -> str:
        await self.intake.facts.rebuild_balances()
        self.sums = None
        at = self.intake.clock.market_now()
        await self.books.resolve(item.item_id, at=at, how="balances added up again")
        return "the balances were added up again from the journal"


def _ours(wrong: WrongSum) -> Difference:
    """A fault of our own, with what the postings add up to as the truth."""
    key = f"{wrong.bucket_id}:{wrong.account}:{wrong.key}"
    return Difference("journal", key, wrong.running, wrong.added)


def _compared(sums: Readded, account: AccountSnapshot) -> tuple[Difference, ...]:
    return compare(sums.cash, sums.holdings, account)


def _openings(account: AccountSnapshot, sums: Readded) -> tuple[Opening, ...]:
    at = account.as_of
    openings = [Opening("account", Money.zero("EUR"), None, None, None, at)]
    for item in _compared(sums, account):
        if item.account == "cash":
            money = Money(item.missing, item.key)
            openings.append(Opening(f"cash:{item.key}", money, None, None, None, at))
        else:
            holding = account.holdings.get(item.key)
            cost = holding.average_cost if holding else None
            quantity = Quantity(item.missing)
            openings.append(Opening(f"holding:{item.key}", None, item.key, quantity, cost, at))
    return tuple(openings)


def _amount(item: BookDifference) -> str:
    missing = item.broker - item.books
    if item.account == "cash":
        return str(Money(missing, item.key))
    return f"{Quantity(missing)} {item.key}"
