"""Whatever the broker and the owner do in turn, a security stays what it is and is found."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.errors import Conflict, Refused
from ledger.security import Instrument, Security, SecurityPatch, find_security
from store.inline import open_inline_engine
from store.migrate import migrate, migrations
from store.securities import Securities
from tests.store.builders import NOW, instrument

ISINS = ("US0378331005", "US5949181045", "DE0007164600")
SYMBOLS = ("A.US", "B.US", "C.EU", "D.EU")
TEXTS = st.sampled_from(["Mine", "Other", None])

# The broker's whole list: what it calls each ISIN, absent when it does not list it.
LISTS = st.permutations(SYMBOLS).flatmap(
    lambda names: st.lists(st.booleans(), min_size=3, max_size=3).map(
        lambda there: {i: n for i, n, yes in zip(ISINS, names, there, strict=False) if yes}
    )
)
PATCHES = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXTS,
        "country": TEXTS,
        "product_type": st.sampled_from(["ETF", "UNKNOWN", None]),
        "symbol": st.sampled_from([*SYMBOLS, "X.EU", "Y.EU", None]),
        "min_target": st.sampled_from([None, Decimal("0.05"), Decimal("0.2")]),
        "max_target": st.sampled_from([None, Decimal("0.04"), Decimal("0.3")]),
        "priority": st.sampled_from([None, Decimal("0.01"), Decimal(2)]),
        "active": st.booleans(),
    },
)
STEPS = st.lists(
    st.tuples(st.just("list"), LISTS) | st.tuples(st.sampled_from(ISINS), PATCHES), max_size=12
)


def _empty() -> bytes:
    """The file of a ledger in which nothing has happened."""

    async def make(path: Path) -> None:
        async with open_inline_engine(path, synchronous="OFF") as engine:
            await migrate(engine, "ledger", migrations("ledger"))

    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        trio.run(make, path)
        return path.read_bytes()


EMPTY = _empty()
QUICK = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


@dataclass
class World:
    """The store beside what it has to remember: symbols and the owner's words."""

    store: Securities
    at: int = 0
    symbols: dict[int, str] = field(default_factory=dict[int, str])
    names: dict[int, str | None] = field(default_factory=dict[int, str | None])

    async def listed(self, names: dict[str, str]) -> None:
        """One refresh; a symbol that moved on to another listing is refused as a whole."""
        self.at += 1
        wanted = [_told(isin, symbol) for isin, symbol in names.items()]
        now = NOW + timedelta(days=self.at)
        before = await self.store.all()
        try:
            found = await self.store.upsert(wanted, allow_trading=True, confirmed=True, at=now)
        except Conflict:
            assert await self.store.all() == before
            return
        await self.store.drop_others([one.security_id for one in found], at=now)
        for one, told in zip(found, wanted, strict=True):
            assert one.instrument.isin == told.isin
            assert (one.broker_symbol or one.symbol) == told.symbol
            assert one.listed
        listed = {one.security_id for one in found}
        assert {one.security_id for one in await self.store.all() if one.listed} == listed

    async def patched(self, isin: str, patch: dict[str, Any]) -> None:
        before = await self.store.all()
        known = next((one for one in before if one.instrument.isin == isin), None)
        if known is None:
            return
        wanted = SecurityPatch(**patch)
        try:
            await self.store.update(known.security_id, wanted, at=NOW)
        except (Conflict, Refused):
            assert await self.store.all() == before
            return
        if "name" in patch:
            self.names[known.security_id] = patch["name"]

    def check(self, securities: tuple[Security, ...]) -> None:
        for one in securities:
            assert self.symbols.setdefault(one.security_id, one.symbol) == one.symbol
            own = self.names.get(one.security_id)
            assert one.instrument.name == (own or f"told {one.instrument.isin}")
            assert not (one.active and one.needs_classification)
            assert (
                one.min_target is None or one.max_target is None or one.min_target <= one.max_target
            )
            assert Decimal("0.1") <= one.priority <= 3
            assert find_security(securities, one.symbol) == one
            assert find_security(securities, one.name_now) == one
            assert find_security(securities, one.instrument.isin) == one
        assert len({one.name_now for one in securities}) == len(securities)


def _told(isin: str, symbol: str) -> Instrument:
    return replace(instrument(symbol), isin=isin, name=f"told {isin}")


@QUICK
@given(STEPS)
def test_a_security_stays_what_it_is_and_every_name_leads_to_one(
    steps: list[tuple[str, dict[str, Any]]],
) -> None:
    async def main(folder: str) -> None:
        path = Path(folder) / "ledger.db"
        path.write_bytes(EMPTY)
        async with open_inline_engine(path, synchronous="OFF") as engine:
            world = World(Securities(engine))
            for what, told in steps:
                if what == "list":
                    await world.listed(told)
                else:
                    await world.patched(what, told)
                world.check(await world.store.all())

    with TemporaryDirectory() as folder:
        trio.run(main, folder)
