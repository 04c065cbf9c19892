"""The trader: what leaves, what never does, and what becomes of it."""

from __future__ import annotations

from ledger.order import OrderState
from tests.actors.rig import Rig
from wire.messages import Decide


async def test_an_order_that_every_gate_lets_pass_is_sent_once(rig: Rig) -> None:
    await rig.start("sync", "trader")
    intent = await rig.propose()
    sent = await rig.system.asks.trader.ask(Decide(intent.intent_id), deadline_s=30)
    assert sent.state is OrderState.ACCEPTED, sent.blocked_by
    again = await rig.system.asks.trader.ask(Decide(intent.intent_id), deadline_s=30)
    assert again.client_order_id == sent.client_order_id
    assert [draft.client_order_id for draft in rig.broker.placed] == [sent.client_order_id]
    rig.broker.fill("B1")
    done = await rig.until_state(intent, OrderState.FILLED)
    assert done.filled == done.proposal.quantity
