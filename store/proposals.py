"""One decision committed as an intent, inside the transaction of whoever decided it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ledger.dividend import PotShare
from ledger.order import Intent, Mode, OrderState, Proposal
from store.engine import Tx
from store.moves import note_event
from store.order_guards import check_key, check_not_stale, keep_key, reserve_share
from store.order_queries import intents
from store.order_rows import insert_intent, load_intent


@dataclass(frozen=True, slots=True)
class Circumstances:
    """In which mode and when a decision is committed.

    `seen_seq` is the newest fact the decision knew of: Conflict `stale_portfolio` when there is a
    newer one, so that what was just executed is never decided again. `key` is what the owner sent
    with it: Conflict `key_reused` when it became another order.
    """

    mode: Mode
    at: datetime
    seen_seq: int | None = None
    key: str | None = None


async def propose(
    tx: Tx, proposal: Proposal, how: Circumstances, shares: Sequence[PotShare] = ()
) -> Intent:
    """The intent of a decision; the same (class, source, step, attempt) returns the first one.

    `shares` are reserved with it; Conflict `pot_spent` when a pot has less.
    """
    known = await intents(
        tx,
        "WHERE order_class = ? AND source_id = ? AND step = ? AND attempt = ?",
        (proposal.order_class, proposal.source_id, proposal.step, proposal.attempt),
    )
    await check_key(tx, how.key, known[0].intent_id if known else None)
    if known:
        await keep_key(tx, how.key, known[0].intent_id)
        return known[0]
    await check_not_stale(tx, how.seen_seq)
    intent_id = await insert_intent(tx, proposal, how.mode, how.at)
    await note_event(
        tx, intent_id, before=None, after=OrderState.PROPOSED, at=how.at, note=proposal.reason
    )
    await keep_key(tx, how.key, intent_id)
    for share in shares:
        await reserve_share(tx, intent_id, share)
    return await load_intent(tx, intent_id)
