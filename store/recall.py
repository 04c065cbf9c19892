"""Orders taken back before they left, inside the transaction of whoever says so.

A committed intent waits for the trader until `submitting` is committed. What its owner says in
between goes first: the order is refused, whatever the gates are about to say, and its step waits
again, with the word it had.
"""

from __future__ import annotations

from datetime import datetime

from ledger.order import OrderState, Verdict
from ledger.plan import StepState
from store.codec import to_json
from store.engine import Params, Tx
from store.moves import move
from store.settle import settle

# Names the owner's later word among the verdicts of an order.
WORD = "WORD"
OF_PLAN = "intent_id IN (SELECT intent_id FROM plan_step WHERE plan_id = ?)"
# Of plans and of reinvestment; a repair of negative cash needs nobody's word.
OF_BUCKET = """
bucket_id = ? AND (order_class = 'drip'
    OR intent_id IN (SELECT intent_id FROM plan_step WHERE state = 'submitting'))
"""
_WAIT_AGAIN = f"""
UPDATE plan_step SET intent_id = NULL, state =
    CASE WHEN decided_ms IS NULL THEN '{StepState.PROPOSED}' ELSE '{StepState.APPROVED}' END
WHERE intent_id = ? AND state = '{StepState.SUBMITTING}'
"""


async def recall(tx: Tx, which: str, params: Params, *, why: str, at: datetime) -> int:
    """Refuse those of the orders `which` that have not left yet; how many."""
    rows = await tx.all(
        f"SELECT intent_id FROM intent WHERE state = 'proposed' AND {which}", params
    )
    for row in rows:
        intent_id, verdict = row["intent_id"], Verdict(WORD, passed=False, detail=why)
        await move(
            tx, intent_id, OrderState.PROPOSED, OrderState.REFUSED,
            at=at, note=why, verdicts=(verdict,), columns={"blocked_by": to_json([verdict])},
        )  # fmt: skip
        await settle(tx, intent_id, at)
        await tx.execute(_WAIT_AGAIN, (intent_id,))
    return len(rows)
