"""A broker that says nothing through a quarter of an hour of open session halts trading."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import trio

from actors.silence import SILENT_AFTER_S, Silence
from ledger.errors import Unavailable
from policy.limits import DEFAULTS
from tests.actors.rig import Rig, open_rig
from tests.support.builders import NOW
from wire.messages import BrokerLink

UP = BrokerLink(True, NOW, None, 0)
DOWN = BrokerLink(False, NOW, "away", 3)


async def test_only_open_session_counts_as_silence() -> None:
    silence = Silence()
    for second in range(0, 3600, 60):
        assert not silence.observe(DOWN, market_open=False, now_s=float(second))
    last = 3540 + int(SILENT_AFTER_S)
    for second in range(3600, last, 60):
        assert not silence.observe(DOWN, market_open=True, now_s=float(second))
    assert silence.observe(DOWN, market_open=True, now_s=float(last))


async def test_one_word_of_the_broker_ends_the_silence() -> None:
    silence = Silence()
    silence.observe(DOWN, market_open=True, now_s=0.0)
    silence.observe(UP, market_open=True, now_s=800.0)
    assert not silence.observe(DOWN, market_open=True, now_s=1600.0)


async def test_a_broker_silent_for_fifteen_minutes_of_open_session_latches_and_alarms(
    rig: Rig,
) -> None:
    await rig.start("schedule", "sync")
    began_s = rig.clock.monotonic_s()
    rig.broker.errors["fills_since"] = Unavailable("the line is down")
    with trio.fail_after(SILENT_AFTER_S + 900):
        while not rig.boards.trading.value.latches:
            await rig.boards.trading.wait_newer(rig.boards.trading.version)
    assert [latch.name for latch in await rig.store.settings.latches()] == ["broker_silent"]
    assert rig.clock.monotonic_s() - began_s >= SILENT_AFTER_S
    assert any(e.data["text"] == "BROKER SILENT" for e in rig.events("ERROR_OCCURRED"))
    rig.broker.errors.clear()
    await rig.sync()
    assert rig.system.kill.engaged, "only the owner resumes"


async def test_a_broker_that_is_silent_from_the_start_of_a_life_latches_too(
    tmp_path: Path,
) -> None:
    async with open_rig(tmp_path) as rig:
        await rig.start("sync")
    async with open_rig(tmp_path) as rig:
        rig.broker.errors["fills_since"] = Unavailable("the line is down")
        await rig.start("schedule", "sync")
        await trio.sleep(SILENT_AFTER_S + 60)
        assert rig.boards.portfolio.value is None
        assert [latch.name for latch in await rig.store.settings.latches()] == ["broker_silent"]


async def test_one_bad_read_is_no_silence_however_seldom_the_broker_is_asked(
    tmp_path: Path,
) -> None:
    limits = replace(DEFAULTS, sync_every=timedelta(hours=1))
    async with open_rig(tmp_path, limits=limits) as rig:
        rig.broker.errors["fills_since"] = Unavailable("the line is down")
        await rig.start("schedule", "sync")
        await trio.sleep(60)
        rig.broker.errors.clear()
        await trio.sleep(SILENT_AFTER_S)
        assert await rig.store.settings.latches() == ()
        assert rig.boards.link.value.connected


async def test_a_closed_market_may_be_silent(tmp_path: Path) -> None:
    async with open_rig(tmp_path, at=NOW + timedelta(days=5)) as rig:
        await rig.start("schedule", "sync")
        rig.broker.errors["fills_since"] = Unavailable("the line is down")
        await trio.sleep(SILENT_AFTER_S * 2)
        assert await rig.store.settings.latches() == ()
