"""What may be asked about rebalancing; the rebalancer answers all of it.

All of them raise Unavailable while the broker or a sound portfolio is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ledger.money import Money
from ledger.plan import PlanStep
from ledger.rebalancing import CashShortfalls, Triggers
from ledger.run import RunRecord
from wire.mailbox import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckTriggers(Request[Triggers]):
    """Would it rebalance now? What is None comes from the settings in force."""

    enabled: bool | None = None
    drift: Decimal | None = None
    cash_multiplier: Decimal | None = None
    min_trade_eur: Money | None = None


@dataclass(frozen=True, slots=True)
class CalculateTrades(Request[tuple[PlanStep, ...]]):
    """The purchases of the current plan that `available_cash` (EUR; None: all of it) pays for."""

    available_cash: Money | None


@dataclass(frozen=True, slots=True)
class CheckNegative(Request[CashShortfalls]):
    """How far the cash of each currency is below its reserve; changes nothing."""


@dataclass(frozen=True, slots=True)
class ExecuteRebalance(Request[RunRecord]):
    """Start a rebalancing; the reply is its run record.

    Of the cash only `available_cash` (EUR; None: all of it) counts as idle. Raises Refused `halted`
    while a latch stands, Conflict `research_mode`, Busy when one is running.
    """

    available_cash: Money | None
    by: str
