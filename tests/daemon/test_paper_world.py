"""Where the market clock of the paper exchange begins."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from daemon.config import PaperConfig
from daemon.paper_world import PaperWorld, open_paper_world

START = datetime(2009, 1, 5, 8, tzinfo=UTC)
SLOW = 0.001
TOLERANCE = timedelta(seconds=1)


@asynccontextmanager
async def opened(data: Path, recorded: datetime | None) -> AsyncGenerator[PaperWorld, None]:
    config = PaperConfig(market=None, start=START, rate=SLOW, seed=1, opening=None)
    world = await open_paper_world(config, data, recorded=recorded)
    try:
        yield world
    finally:
        await world.broker.close()


async def test_a_first_start_begins_at_the_configured_instant(tmp_path: Path) -> None:
    async with opened(tmp_path, None) as world:
        assert START <= world.clock.market_now() < START + TOLERANCE


async def test_market_time_never_resumes_before_what_the_ledger_recorded(tmp_path: Path) -> None:
    async with opened(tmp_path, None):
        pass
    later = START + timedelta(minutes=9)
    async with opened(tmp_path, later) as world:
        assert later <= world.clock.market_now() < later + TOLERANCE
        await world.broker.probe()
    async with opened(tmp_path, START) as world:
        assert world.clock.market_now() >= later
