"""Worlds in which every step waits for its owner, who answers at random, between crashes."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trio

from broker.market_data import OpeningCash
from ledger.bucket import Autonomy
from ledger.errors import BadData, TrimtabError
from ledger.plan import StoredPlan
from tests.sim import invariants
from tests.sim.crash import Bomb, Fuse
from tests.sim.life import Life
from tests.sim.market import small_market
from tests.sim.test_submission import finish
from tests.sim.world import World
from wire.mailbox import Request
from wire.messages import ProposeStep
from wire.order_asks import Resolve
from wire.planner_asks import (
    ApprovePlan,
    DismissStep,
    PlanAgain,
    PostponePlan,
    RejectPlan,
    SetAutonomy,
)

LIVES = 3
WORDS = 60
WORDING = (
    *("approve",) * 4,
    *("autonomy",) * 2,
    *("reject", "postpone", "dismiss", "again", "execute"),
)
# Every order of a plan that was not taken back, and what its owner said of its step.
SILENT = """
SELECT count(*) FROM intent i LEFT JOIN plan_step s USING (intent_id)
WHERE (i.order_class = 'planner' OR i.source_id IN (SELECT plan_id FROM plan))
    AND s.decided_by IS NOT 'owner' AND i.blocked_by NOT LIKE '%"WORD"%'
"""
UNASKED = """
SELECT count(*) FROM intent i LEFT JOIN reinvestment_ask a USING (intent_id)
WHERE i.order_class = 'drip' AND a.answer IS NOT 'approve'
"""
DOUBLED = """
SELECT intent_id FROM plan_step WHERE intent_id IS NOT NULL GROUP BY intent_id HAVING count(*) > 1
"""
PLANNED = "SELECT count(*) FROM intent WHERE order_class = 'planner'"


def talkative_world(folder: Path, seed: int) -> World:
    cash = (OpeningCash("EUR", 100_000_00),)
    market = small_market(seed, days=40, mics=("XETR", "XPAR"), opening_cash=cash)
    return World(folder, market, seed=seed, rate=1200.0, autonomy=Autonomy("approve"))


async def say(life: Life, request: Request[Any], box: str = "planner") -> None:
    """A no is an answer, and so is an actor that is busy."""
    try:
        await getattr(life.system.asks, box).ask(request, deadline_s=30)
    except BadData:
        raise
    except TrimtabError:
        return


async def a_word(life: Life, stored: StoredPlan, rng: random.Random) -> str:
    """Something about the plan that is shown, which may be an older one by now."""
    plan_id, now = stored.plan.plan_id, life.clock.market_now()
    step = 1 + rng.randrange(max(len(stored.steps), 1))
    word = rng.choice(WORDING)
    requests: dict[str, Request[Any]] = {
        "approve": ApprovePlan(plan_id, rng.choice((None, step)), "owner"),
        "reject": RejectPlan(plan_id, "owner"),
        "postpone": PostponePlan(plan_id, now + timedelta(minutes=rng.randrange(1, 90)), "owner"),
        "dismiss": DismissStep(plan_id, step, "owner"),
        "again": PlanAgain("core"),
        "execute": ProposeStep(plan_id, step, "owner"),
        "autonomy": SetAutonomy("core", Autonomy(rng.choice(("advise", "approve"))), "owner"),
    }
    await say(life, requests[word])
    return word


async def talk(life: Life, rng: random.Random, said: Counter[str]) -> None:
    for _ in range(WORDS):
        await trio.sleep(rng.expovariate(1 / 2))
        stored = life.system.boards.plan.value
        if stored is not None:
            said[await a_word(life, stored, rng)] += 1
        for decision in await life.store.views.decisions():
            choice = rng.choice(("approve", "reject"))
            if decision.kind == "reinvest":
                asked = Resolve(decision.decision_id, choice, confirm=True, by="owner")
                await say(life, asked, "drip")


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))]
)
def test_nothing_leaves_without_the_owners_word(folder: Path, seed: int) -> None:
    world, rng, said = talkative_world(folder, seed), random.Random(seed), Counter[str]()

    async def script(life: Life) -> None:
        await talk(life, rng, said)

    for _ in range(LIVES):
        world.live(script, bomb=Bomb(Fuse("after_commit", rng.randrange(100, 1500))))
    world.live(script)
    finish(world)
    assert invariants.rows(folder, SILENT) == [(0,)]
    assert invariants.rows(folder, UNASKED) == [(0,)]
    assert invariants.rows(folder, DOUBLED) == []
    ((planned,),) = invariants.rows(folder, PLANNED)
    assert planned > 1
    assert {"approve", "reject", "postpone", "dismiss"} <= {*said}
