"""Whatever is sent, the answer is one that is documented, and never 500."""

from __future__ import annotations

import json
from typing import Any

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.web.world import BEARER, World, full_world, owner_latch

POSTS = ("/api/system/halt", "/api/system/resume", "/api/settings/trading-mode")
GETS = (
    "/api/trades", "/api/trades/orders", "/api/portfolio/history", "/api/system/runs",
    "/api/events/stream", "/login", "/api/cash-flows", "/api/cash-flows/summary",
)  # fmt: skip
WORDS = st.sampled_from(
    ["reason", "reasons", "confirm", "trading_mode", "live", "research", "owner", "books", "x"]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=20)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
NAMES = st.sampled_from(
    ["limit", "days", "symbol", "side", "before_id", "types", "code", "start_date", "end_date"]
)
DOCUMENTED = {200, 303, 400, 401, 403, 404, 405, 409, 413, 422, 423, 429, 503}
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


async def _answer_asks(world: World) -> None:
    while True:
        ask = await world.asks.schedule.receive()
        ask.slot.answer((owner_latch(),) if "mode" not in type(ask.request).__name__ else "live")


async def _send(method: str, path: str, **kwargs: Any) -> int:
    world = full_world()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_answer_asks, world)
        world.shutdown.set()
        response = await world.app().test_client().open(path, method=method, **kwargs)
        await response.get_data()
        nursery.cancel_scope.cancel()
    return response.status_code


def send(method: str, path: str, **kwargs: Any) -> int:
    async def main() -> int:
        return await _send(method, path, **kwargs)

    return trio.run(main)


@QUICK
@given(path=st.sampled_from(POSTS), value=VALUES)
def test_no_json_body_is_a_fault_of_ours(path: str, value: Any) -> None:
    headers = {**BEARER, "Content-Type": "application/json"}
    assert send("POST", path, headers=headers, data=json.dumps(value)) in DOCUMENTED


@QUICK
@given(path=st.sampled_from(POSTS), data=st.binary(max_size=200))
def test_no_bytes_are_a_fault_of_ours(path: str, data: bytes) -> None:
    headers = {**BEARER, "Content-Type": "application/json"}
    assert send("POST", path, headers=headers, data=data) in DOCUMENTED


@QUICK
@given(
    path=st.sampled_from(GETS),
    query=st.dictionaries(NAMES, st.text(max_size=30) | st.integers().map(str), max_size=4),
)
def test_no_query_is_a_fault_of_ours(path: str, query: dict[str, str]) -> None:
    assert send("GET", path, query_string=query) in DOCUMENTED


def test_a_body_nested_beyond_reason_is_refused() -> None:
    headers = {**BEARER, "Content-Type": "application/json"}
    for data in (b'{"reason":' + b"[" * 30_000, b"[" * 60_000, b'{"x":' * 9_000):
        assert send("POST", "/api/system/halt", headers=headers, data=data) in {400, 422}
