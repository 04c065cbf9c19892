"""A bucket may plan by itself, or only when its owner asks: enable_batch_generation."""

from __future__ import annotations

import pytest
import trio

from policy.planning.config_text import text_hash
from tests.actors.rig import Rig
from wire.messages import Nudge


@pytest.mark.parametrize("enabled", [True, False])
async def test_without_batch_generation_a_plan_is_made_only_when_asked_for(
    rig: Rig, enabled: bool
) -> None:
    toml = f"[planner]\nenable_batch_generation = {'true' if enabled else 'false'}\n"
    await rig.store.planner_configs.create(
        "c1",
        name="Mine",
        toml=toml,
        text_hash=text_hash(toml),
        bucket_id="core",
        at=rig.clock.machine_now(),
        applied=True,
    )
    await rig.start("sync", "planner")
    await rig.settle()
    await trio.sleep(60)
    assert (await rig.store.plans.current("core") is not None) == enabled
    rig.system.nudges["plan"].nudge(Nudge("the owner asks"))
    await trio.sleep(60)
    assert await rig.store.plans.current("core") is not None
