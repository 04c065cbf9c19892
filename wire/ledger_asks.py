"""What may be asked about lots. Lots, ChooseLots → sync, which keeps the journal."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.lot import LotReport, Pick
from wire.mailbox import Request


@dataclass(frozen=True, slots=True)
class Lots(Request[LotReport]):
    """The lots and sales of one symbol under every method; a symbol never held has none.

    `symbol` may be an ISIN; raises Conflict `ambiguous` when several active listings have it.
    """

    symbol: str


@dataclass(frozen=True, slots=True)
class ChooseLots(Request[LotReport]):
    """Name the lots that a sale took; no picks take an earlier choice back.

    `trade_id` is the number under which the sale is shown among the trades. The reply is its
    symbol's report after the change. Raises Missing when there is no such sale, Refused
    `confirmation_required` without `confirm`, Refused `lots` with field, value and bound for what
    the sale cannot have taken.
    """

    trade_id: int
    picks: tuple[Pick, ...]
    confirm: bool
    by: str
