"""Every store test that asks for an engine runs on both of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from store.aio import open_aio_engine
from store.inline import open_inline_engine
from store.store import Store, open_store
from tests.store.builders import NOW, OpenEngine

ENGINES: dict[str, OpenEngine] = {"aio": open_aio_engine, "inline": open_inline_engine}


@pytest.fixture(params=["aio", "inline"])
def open_engine(request: pytest.FixtureRequest) -> OpenEngine:
    return ENGINES[request.param]


@pytest.fixture(params=["aio", "inline"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Store]:
    """An empty store in live mode."""
    async with open_store(tmp_path, engine=request.param) as opened:
        await opened.settings.set_mode("live", "test", NOW)
        yield opened


@pytest.fixture
async def inline_store(tmp_path: Path) -> AsyncGenerator[Store]:
    """An empty store in live mode, on the fast engine: for what no engine can change."""
    async with open_store(tmp_path, engine="inline") as opened:
        await opened.settings.set_mode("live", "test", NOW)
        yield opened
