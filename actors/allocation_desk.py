"""Keeps the owner's groups: checks what is asked, stores it, shows it, has a new plan made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

import trio

from ledger.allocation import AllocationBook
from policy.allocation import group_name, member_names, plain_name, wanted_weights
from store.allocation import AllocationStore
from wire.allocation_asks import (
    AllocationAsk,
    DeleteGroup,
    GroupView,
    PutGroup,
    PutGroupTargets,
)
from wire.board import Latest, in_force
from wire.clock import Clock


@dataclass(frozen=True, slots=True)
class AllocationDesk:
    """`changed` is called after every change, once it is committed and on the board.

    May be asked several things at once: they are done one after the other, so that the board
    never goes back to an older book.
    """

    store: AllocationStore
    board: Latest[AllocationBook]
    clock: Clock
    changed: Callable[[], object]
    turn: trio.Lock = field(default_factory=trio.Lock)

    async def load(self) -> None:
        """Show what is stored; before anything is asked."""
        self.board.publish(await self.store.book())

    async def answer(self, request: AllocationAsk) -> object:
        async with self.turn:
            match request:
                case PutGroup():
                    return await self._put_group(request)
                case DeleteGroup():
                    return await self._delete_group(request)
                case PutGroupTargets():
                    return await self._put_targets(request)

    async def _put_group(self, asked: PutGroup) -> GroupView:
        name = group_name(asked.name, in_force(self.board).of(asked.kind))
        members = member_names(asked.members)
        book = await self.store.put_group(
            asked.kind, name, members, by=asked.by, at=self.clock.machine_now()
        )
        self._show(book)
        return GroupView(name, members)

    async def _delete_group(self, asked: DeleteGroup) -> str:
        name = plain_name(asked.name)
        book = await self.store.delete_group(
            asked.kind, name, by=asked.by, at=self.clock.machine_now()
        )
        self._show(book)
        return name

    async def _put_targets(self, asked: PutGroupTargets) -> Mapping[str, Decimal]:
        weights = wanted_weights(asked.weights)
        book = await self.store.put_wanted(
            asked.kind, weights, by=asked.by, at=self.clock.machine_now()
        )
        self._show(book)
        return book.of(asked.kind).targets

    def _show(self, book: AllocationBook) -> None:
        if book != self.board.value:
            self.board.publish(book)
            self.changed()
