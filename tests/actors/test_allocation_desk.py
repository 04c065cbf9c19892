"""The desk of groups: committed before it is shown, shown before it is answered."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from actors.allocation_desk import AllocationDesk
from daemon.clock import ReplayClock, simulated_wall
from ledger.allocation import AllocationBook, GroupKind, Groups
from ledger.errors import Conflict, Refused
from store.allocation import AllocationStore
from store.store import Store, open_store
from tests.actors.rig import MACHINE
from tests.support.builders import NOW
from wire.allocation_asks import AllocationAsk, DeleteGroup, GroupView, PutGroup, PutGroupTargets
from wire.board import Latest


@dataclass
class Office:
    store: Store
    desk: AllocationDesk
    seen: list[AllocationBook | None] = field(default_factory=list[AllocationBook | None])
    """What the board held each time a change was told of."""

    async def __call__(self, request: AllocationAsk) -> Any:
        answer = await self.desk.answer(request)
        assert await self.store.allocation.book() == self.desk.board.value
        return answer


@pytest.fixture
async def office(tmp_path: Path) -> AsyncGenerator[Office]:
    clock = ReplayClock(NOW, rate=1.0, wall=simulated_wall(MACHINE))
    board = Latest[AllocationBook]()
    async with open_store(tmp_path, engine="inline") as store:
        made = Office(
            store,
            AllocationDesk(
                store.allocation, board, clock, changed=lambda: made.seen.append(board.value)
            ),
        )
        await made.desk.load()
        yield made


def put(name: str, *members: str) -> PutGroup:
    return PutGroup("country", name, members, "owner")


def want(**texts: str) -> PutGroupTargets:
    return PutGroupTargets("country", {k: Decimal(v) for k, v in texts.items()}, "owner")


async def test_what_is_stored_is_shown_at_the_start_and_asks_for_no_plan(office: Office) -> None:
    assert office.desk.board.value == AllocationBook()
    await office(put("Europe", "Spain"))
    again = AllocationDesk(
        office.store.allocation, Latest[AllocationBook](), office.desk.clock, int
    )
    await again.load()
    assert again.board.value == office.desk.board.value
    assert len(office.seen) == 1


async def test_a_group_is_answered_as_it_was_stored(office: Office) -> None:
    assert await office(put("  Europe ", "Spain ", "", "spain", "France")) == GroupView(
        "Europe", ("Spain", "France")
    )
    assert office.seen == [AllocationBook(Groups({"Europe": ("France", "Spain")}))]


async def test_targets_are_answered_as_shares_without_those_of_nothing(office: Office) -> None:
    for name in ("A", "B", "C"):
        await office(put(name))
    assert await office(want(a="0.2", B="0.6", C="0")) == {
        "A": Decimal("0.25"),
        "B": Decimal("0.75"),
    }
    assert office.seen[-1] == office.desk.board.value


async def test_a_group_may_be_removed_any_number_of_times(office: Office) -> None:
    await office(put("Europe", "Spain"))
    assert await office(DeleteGroup("country", " EUROPE ", "owner")) == "EUROPE"
    assert office.seen[-1] == AllocationBook()
    told = len(office.seen)
    assert await office(DeleteGroup("country", "Europe", "owner")) == "Europe"
    assert len(office.seen) == told


async def test_what_changes_nothing_asks_for_no_plan(office: Office) -> None:
    await office(put("Europe", "Spain"))
    version = office.desk.board.version
    await office(put("Europe", "Spain"))
    assert (office.desk.board.version, len(office.seen)) == (version, 1)


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (put(" "), "group_name"),
        (DeleteGroup("country", " ", "owner"), "group_name"),
        (put("Europe", "\x00"), "members"),
        (put("South", "SPAIN"), "member_taken"),
        (want(Europe="1.1"), "weights"),
        (want(Asia="0.5"), "unknown_groups"),
        (PutGroupTargets("industry", {"Tech": Decimal(1)}, "owner"), "no_groups"),
    ],
)
async def test_what_is_refused_changes_and_tells_nothing(
    office: Office, request_: AllocationAsk, code: str
) -> None:
    await office(put("Europe", "Spain"))
    version = office.desk.board.version
    with pytest.raises((Refused, Conflict)) as refused:
        await office(request_)
    assert isinstance(refused.value, Refused | Conflict)
    assert refused.value.code == code
    assert (office.desk.board.version, len(office.seen)) == (version, 1)


class LateStore(AllocationStore):
    """One that tells of the group A long after it was committed."""

    async def put_group(
        self, kind: GroupKind, name: str, members: Sequence[str], *, by: str, at: datetime
    ) -> AllocationBook:
        book = await super().put_group(kind, name, members, by=by, at=at)
        await trio.sleep(10 if name == "A" else 0)
        return book


async def test_of_two_changes_at_once_the_board_shows_both(office: Office) -> None:
    late = replace(office.desk, store=LateStore(office.store.ledger))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(late.answer, put("A", "Spain"))
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(late.answer, put("B", "France"))
    assert late.board.value == await office.store.allocation.book()
    assert set(office.seen[-1].country.members if office.seen[-1] else ()) == {"A", "B"}
