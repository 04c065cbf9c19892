"""Every test here runs under a clock that jumps when nobody has anything to do."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from policy.limits import Limits
from tests.actors.rig import Rig, open_rig


def _virtually(main: Any, **options: Any) -> Any:
    options["clock"] = trio.testing.MockClock(autojump_threshold=0)
    return trio.run(main, **options)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.parent.name == "actors":
            item.add_marker(pytest.mark.trio(run=_virtually), append=False)


@pytest.fixture
async def rig(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncGenerator[Rig]:
    """One wired world. Its parameter is how many seconds the market lives in one, its limits, or
    a dictionary of both.
    """
    asked = getattr(request, "param", {})
    if isinstance(asked, Limits):
        asked = {"limits": asked}
    elif isinstance(asked, float):
        asked = {"rate": asked}
    async with open_rig(tmp_path, **asked) as opened:
        yield opened
