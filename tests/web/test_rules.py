"""Putting the application together compiles no code that nobody runs."""

from __future__ import annotations

import pytest

from tests.web.world import full_world


async def test_no_route_can_build_a_path() -> None:
    rules = list(full_world().app().url_map.iter_rules())
    assert rules
    for rule in rules:
        with pytest.raises(RuntimeError, match="not built"):
            rule.build({})
