"""The optimizer: what may be asked of the analyst about it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ledger.money import Money
from ledger.optimization import OptimizerRun
from wire.mailbox import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class OptimizerState:
    """The settings in force, the newest run, and whether one is being computed.

    `blend` and `target_return` are fractions; `min_trade` is None without a rate for its fee.
    """

    blend: Decimal
    target_return: Decimal
    min_cash_reserve: Money
    min_trade: Money | None
    last: OptimizerRun | None
    running: bool


@dataclass(frozen=True, slots=True)
class ShowOptimizer(Request[OptimizerState]):
    """How the optimizer stands; computes nothing."""


@dataclass(frozen=True, slots=True)
class RunOptimizer(Request[OptimizerRun]):
    """Optimize now; the reply is the run, kept and shown, also when it found no weights.

    Raises Busy while one is running, Refused `no_securities` when the universe is empty,
    Unavailable while the account is not known.
    """
