"""What may be asked about the past of the portfolio. All of it → analyst, which keeps the answers.

`days` are calendar days, today included; the close before them is what the first return starts
from. The newest day counts once everything that is held has told its close.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.analytics import Attribution, Dimension, Performance, PositionRisk, Review
from wire.mailbox import Request


@dataclass(frozen=True, slots=True)
class ReviewPerformance(Request[Performance]):
    """Time-weighted returns and their risk; unavailable with a reason when data are short."""

    days: int


@dataclass(frozen=True, slots=True)
class AttributeReturns(Request[Attribution]):
    """Which bucket added what; unavailable with a reason when data are short."""

    days: int
    by: Dimension


@dataclass(frozen=True, slots=True)
class ReviewPortfolio(Request[Review]):
    """Performance with its attribution to countries and industries, over the same closes."""

    days: int


@dataclass(frozen=True, slots=True)
class AssessPosition(Request[PositionRisk]):
    """The risk of one security, held or not; unavailable with a reason when data are short.

    `name` is a symbol or an ISIN. Raises Missing when nothing has it, Conflict `ambiguous` when
    several active listings do.
    """

    name: str
    days: int
