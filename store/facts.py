"""The journal of facts and what follows from it: balances, fills, dividends. Written by sync."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.fact import CorporateAction, Fact, Fill, Opening
from store.engine import Engine


@dataclass(frozen=True, slots=True)
class BucketBalances:
    """Cash in minor units by currency, holdings in millionths of a share by symbol."""

    cash: Mapping[str, int]
    holdings: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Balances:
    """What the books say after the fact `seq`; holdings of zero are left out."""

    seq: int
    cash: Mapping[str, int]
    holdings: Mapping[str, int]
    by_bucket: Mapping[str, BucketBalances]


@dataclass(frozen=True, slots=True)
class LastTrades:
    """Market instants of the last fills of one symbol; a reinvested dividend is no buy here."""

    bought_at: datetime | None
    sold_at: datetime | None


class Facts:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def record(
        self,
        facts: Sequence[Fact],
        *,
        at: datetime,
        machine_at: datetime,
        cursor: tuple[str, str] | None = None,
    ) -> tuple[Fact, ...]:
        """Write what is new and everything that follows from it, in one transaction.

        `at` is the market instant, `machine_at` the machine's. `cursor` is (stream, position) and
        moves in the same transaction. Returns the facts that were not known before, in order.
        """
        ...

    async def cursor(self, stream: str) -> str | None: ...

    async def last_seq(self) -> int:
        """The newest fact's number; 0 when the journal is empty."""
        ...

    async def has_opening(self) -> bool: ...

    async def balances(self) -> Balances: ...

    async def cost_history(
        self, symbols: Sequence[str]
    ) -> Mapping[str, tuple[Fill | Opening | CorporateAction, ...]]:
        """By symbol, every fill, opening and split in order of market time."""
        ...

    async def last_trades(self) -> Mapping[str, LastTrades]:
        """By symbol; pairs are left out."""
        ...
