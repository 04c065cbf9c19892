"""What the web needs from others, as small records and protocols it can be tested with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from ledger.money import Money, Price, Quantity
from ledger.order import Intent, Mode, Side
from ledger.run import RunRecord


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """What runs here. `kernel` names the kernels in use, `broker` the kind that is configured."""

    version: str
    commit: str | None
    python: str
    schema_version: int
    kernel: str
    broker: str


class DayValue(Protocol):
    """Value at the end of one market day, in EUR; None when it was not known."""

    @property
    def day(self) -> date: ...
    @property
    def total(self) -> Money | None: ...
    @property
    def cash(self) -> Money | None: ...


class Trade(Protocol):
    """One execution; `value_eur` is None when no rate of its day is known."""

    @property
    def id(self) -> int: ...
    @property
    def symbol(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def isin(self) -> str | None: ...
    @property
    def side(self) -> Side: ...
    @property
    def quantity(self) -> Quantity: ...
    @property
    def price(self) -> Price: ...
    @property
    def currency(self) -> str: ...
    @property
    def value_eur(self) -> Money | None: ...
    @property
    def commission(self) -> Sequence[Money]: ...
    @property
    def executed_at(self) -> datetime: ...
    @property
    def order_id(self) -> str: ...
    @property
    def bucket_id(self) -> str: ...
    @property
    def mode(self) -> Mode: ...


class ReadModels(Protocol):
    """Questions about what was; `limit` bounds every answer. `history` is oldest first."""

    async def trades(
        self,
        limit: int,
        symbol: str | None = None,
        side: Side | None = None,
        *,
        before_id: int | None = None,
    ) -> Sequence[Trade]: ...

    async def history(self, limit: int) -> Sequence[DayValue]: ...

    async def orders(self, limit: int) -> Sequence[Intent]: ...

    async def runs(self, limit: int) -> Sequence[RunRecord]: ...

    async def counts(self) -> Mapping[str, int]:
        """Rows by table; slow, so ask rarely."""
        ...
