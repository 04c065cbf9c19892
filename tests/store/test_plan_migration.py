"""Plans of a ledger that knew neither the owner's words nor configurations go on where they are."""

from __future__ import annotations

import json
from pathlib import Path

from ledger.plan import StepState
from store.backup import copy_to
from store.codec import to_json, to_ms
from store.engine import Tx
from store.inline import open_inline_engine
from store.migrate import migrate, migrations
from store.store import LEDGER_FILE, open_store
from tests.store.builders import NOW, after, submission
from tests.store.test_plans import plan, step

# What a plan consisted of then.
KNOWN = (
    *("plan_id", "bucket_id", "created_at", "portfolio_hash", "objective", "steps"),
    *("current_score", "end_score", "evaluated", "cash_required_eur", "cash_generated_eur"),
    "narrative",
)
INTENT = """
INSERT INTO intent (intent_id, order_class, source_id, step, attempt, bucket_id, symbol, side,
    quantity_micro, currency, decision_micro, decision_currency, reason, force, mode, state,
    proposed_ms)
VALUES (?, 'planner', ?, 1, 1, 'core', 'AAA.EU', 'BUY', 10000000, 'EUR', 10000000, 'EUR', '',
    '[]', 'live', ?, 0)
"""
FORMER = "before", 1, "refused", 7
OPEN = ("open", 1, "submitting", 8), ("open", 2, "proposed", None)


async def old_rows(tx: Tx) -> None:
    for plan_id, superseded in (("before", 1), ("open", 0)):
        whole = json.loads(to_json(plan(plan_id)))
        kept = json.dumps({name: whole[name] for name in KNOWN} | {"steps": []})
        former = (plan_id, "core", to_ms(NOW), superseded, kept)
        await tx.execute("INSERT INTO plan VALUES (?, ?, ?, ?, ?)", former)
    await tx.execute(INTENT, (7, "before", "refused"))
    await tx.execute(INTENT, (8, "open", "proposed"))
    for plan_id, number, state, intent_id in (FORMER, *OPEN):
        row = (plan_id, number, state, intent_id, to_json(step(number)))
        await tx.execute("INSERT INTO plan_step VALUES (?, ?, ?, ?, ?)", row)


async def test_an_open_plan_and_its_order_go_on(tmp_path: Path) -> None:
    steps = migrations("ledger")
    async with open_inline_engine(tmp_path / LEDGER_FILE) as engine:
        await migrate(engine, "ledger", steps[:13])
        await engine.transaction(old_rows)
    async with open_store(tmp_path, engine="inline") as store:
        await store.settings.set_mode("live", "test", NOW)
        assert await store.ledger.read(lambda tx: tx.all("PRAGMA foreign_key_check")) == []
        (core,) = await store.buckets.all()
        assert core.autonomy is None
        current = await store.plans.current("core")
        assert current is not None
        assert current.plan == plan("open")
        assert [(s.state, s.intent_id) for s in current.steps] == [
            (StepState.SUBMITTING, 8),
            (StepState.PROPOSED, None),
        ]
        assert (await store.plans.get("before")).steps[0].state is StepState.REFUSED
        await copy_to(store.ledger, tmp_path / "copy.db")
        await store.orders.begin_submit(8, **submission())
        await store.orders.accepted(8, "B1", at=after(1))
        assert await store.plans.follow_orders() == 1
        assert (await store.plans.get("open")).steps[0].state is StepState.SUBMITTED
    restored = tmp_path / "restored"
    restored.mkdir()
    (tmp_path / "copy.db").rename(restored / LEDGER_FILE)
    async with open_store(restored, engine="inline") as store:
        assert (await store.plans.get("open")).steps[0].state is StepState.SUBMITTING
