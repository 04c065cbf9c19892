"""What the web needs from others, as small records and protocols it can be tested with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from ledger.decision import Decision
from ledger.dividend import DividendRecord
from ledger.emergency import EmergencySale
from ledger.money import Money
from ledger.order import Intent
from ledger.plan import StoredPlan
from ledger.planner_config import PastConfig, StoredConfig
from ledger.rate import RateTable
from ledger.run import RunRecord
from ledger.score import PastScore
from store.flow_views import CashFlowRow, FlowSummary
from store.order_views import OrderQuery, OrderStory
from store.views import TradeQuery, TradeRow


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
    """One market day at its end, in EUR; None when a figure was not known.

    `invested` is what the positions have cost, `flow` what came and went since the day before.
    """

    @property
    def day(self) -> date: ...
    @property
    def total(self) -> Money | None: ...
    @property
    def cash(self) -> Money | None: ...
    @property
    def invested(self) -> Money | None: ...
    @property
    def profit(self) -> Money | None: ...
    @property
    def flow(self) -> Money | None: ...
    @property
    def positions(self) -> int: ...


class FlowReadModels(Protocol):
    """Cash flows, newest day first."""

    async def recent(
        self,
        limit: int | None,
        *,
        type_: str | None = None,
        first: date | None = None,
        last: date | None = None,
    ) -> Sequence[CashFlowRow]: ...

    async def external(self, limit: int) -> Sequence[CashFlowRow]:
        """Completed deposits and withdrawals."""
        ...

    async def summary(self) -> FlowSummary: ...


class DividendReadModels(Protocol):
    """Dividends, told or paid; `of` takes a symbol or ISIN."""

    async def newest(self, limit: int) -> Sequence[DividendRecord]: ...

    async def one(self, dividend_id: int) -> DividendRecord | None: ...

    async def of(self, symbol: str) -> Sequence[DividendRecord]: ...

    async def all(self) -> Sequence[DividendRecord]:
        """Oldest payment first."""
        ...

    async def rates_on(self, day: date) -> RateTable:
        """The rates by which what was paid on `day` is valued."""
        ...


class ReadModels(Protocol):
    """Questions about what was; `limit` bounds every answer."""

    @property
    def flows(self) -> FlowReadModels: ...

    @property
    def dividends(self) -> DividendReadModels: ...

    async def trades(self, query: TradeQuery) -> Sequence[TradeRow]: ...

    async def history(self, first: date) -> Sequence[DayValue]:
        """The days from `first` on and the one before it, oldest first."""
        ...

    async def orders(self, query: OrderQuery) -> Sequence[Intent]: ...

    async def order(self, number: int) -> OrderStory:
        """By client order id, or by intent id when it was never sent; raises Missing."""
        ...

    async def order_of_step(self, plan_id: str, step: int) -> OrderStory | None:
        """What a step of a plan became; None while it is no order."""
        ...

    async def stored_plan(self, plan_id: str) -> StoredPlan:
        """A plan of whatever age with the states of its steps; raises Missing."""
        ...

    async def planner_configs(self) -> Sequence[StoredConfig]:
        """Every configuration of the planner, by name."""
        ...

    async def planner_config(self, config_id: str) -> StoredConfig:
        """Raises Missing."""
        ...

    async def planner_config_history(self, config_id: str) -> Sequence[PastConfig]:
        """What a configuration was before, newest first."""
        ...

    async def pending_sales(self) -> Sequence[EmergencySale]:
        """What repairs of negative cash recommend now."""
        ...

    async def decisions(self) -> Sequence[Decision]:
        """What waits for the owner's word."""
        ...

    async def scores(self, security_id: int, limit: int) -> Sequence[PastScore]:
        """The changes of one security's score, newest first."""
        ...

    async def runs(self, limit: int) -> Sequence[RunRecord]: ...

    async def counts(self) -> Mapping[str, int]:
        """Rows by table; slow, so ask rarely."""
        ...
