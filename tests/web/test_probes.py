"""Liveness, readiness, version and metrics."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import trio
from prometheus_client.parser import text_string_to_metric_families

from ledger.errors import StoreFailed
from tests.web.world import World, display, empty_world, full_world, late, owner_latch, trading
from web.context import EXTENSION
from web.metrics import COUNTS_KEPT_S, RowCounts
from wire.messages import BrokerLink


async def read(world: World, path: str) -> tuple[int, Any]:
    response = await world.app().test_client().get(path)
    return response.status_code, json.loads(await response.get_data())


async def test_health_does_no_reading_at_all() -> None:
    world = empty_world()
    world.views.error = RuntimeError("the store is gone")
    assert (await read(world, "/health"))[0] == 200


async def test_health_fails_when_a_critical_actor_is_silent() -> None:
    world = full_world()
    beat = world.health.get("trader")
    assert beat is not None
    world.health.put(late(beat))
    assert (await read(world, "/health"))[0] == 503
    assert (await read(world, "/api/system/status"))[1]["status"] == "degraded"


async def test_health_forgives_a_silent_peripheral_actor() -> None:
    world = full_world()
    beat = world.health.get("matrix")
    assert beat is not None
    world.health.put(late(beat))
    assert (await read(world, "/health"))[0] == 200


async def test_ready_is_ok_when_everything_works() -> None:
    status, answer = await read(full_world(), "/health/ready")
    assert (status, answer["status"]) == (200, "ok")
    assert set(answer["checks"]) == {
        "db", "broker", "market_data", "calendars", "scheduler", "display", "disk",
    }  # fmt: skip


async def test_a_broken_display_or_broker_is_degraded_and_200() -> None:
    world = full_world()
    world.boards.display.publish(replace(display(), connected=False, last_error="no device"))
    world.boards.link.publish(BrokerLink(False, None, "timed out", 4))
    status, answer = await read(world, "/health/ready")
    assert (status, answer["status"]) == (200, "degraded")
    assert answer["checks"]["display"]["detail"] == "no device"
    assert answer["checks"]["broker"]["state"] == "degraded"


async def test_a_calendar_that_ends_soon_is_degraded_and_named() -> None:
    world = full_world()
    markets = world.boards.markets.value
    assert markets is not None
    ending = (replace(markets[0], calendar_ends=date(2026, 12, 31)), *markets[1:])
    world.boards.markets.publish(ending)
    status, answer = await read(world, "/health/ready")
    assert (status, answer["status"]) == (200, "degraded")
    assert answer["checks"]["calendars"]["state"] == "degraded"
    assert "XETR until 2026-12-31" in answer["checks"]["calendars"]["detail"]


async def test_an_exchange_without_a_calendar_is_degraded_and_named() -> None:
    world = full_world()
    markets = world.boards.markets.value
    assert markets is not None
    stranger = replace(markets[0], mic="XXXX", is_open=False, known=False)
    world.boards.markets.publish((*markets, stranger))
    status, answer = await read(world, "/health/ready")
    assert (status, answer["status"]) == (200, "degraded")
    assert answer["checks"]["calendars"]["state"] == "degraded"
    assert "XXXX" in answer["checks"]["calendars"]["detail"]


async def test_a_database_that_cannot_be_read_is_503() -> None:
    world = full_world()
    world.views.error = StoreFailed("disk full at /var/lib")
    status, answer = await read(world, "/health/ready")
    assert (status, answer["checks"]["db"]) == (
        503,
        {"state": "failed", "detail": "StoreFailed", "since": None},
    )


async def test_a_database_that_does_not_answer_is_503(
    autojump_clock: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang(_: int) -> None:
        await trio.sleep_forever()

    world = full_world()
    monkeypatch.setattr(world.views, "runs", hang)
    assert (await read(world, "/health/ready"))[0] == 503


async def test_a_failed_scheduler_is_503_and_a_starting_daemon_is_not() -> None:
    world = full_world()
    beat = world.health.get("schedule")
    assert beat is not None
    world.health.put(replace(beat, state="failed", note="gave up"))
    assert (await read(world, "/health/ready"))[0] == 503
    assert (await read(empty_world(), "/health/ready"))[0] == 200


async def test_version_names_the_build() -> None:
    _, answer = await read(full_world(), "/version")
    assert answer == {
        "version": "2026.11.0",
        "commit": "abc1234",
        "python": "3.11",
        "schema_version": 7,
        "kernel": "compiled",
    }


async def scrape(world: World) -> dict[tuple[str, ...], float]:
    app = world.app()
    app.extensions[EXTENSION].gauges.set_loop_lag(0.0125)
    text = await (await app.test_client().get("/metrics")).get_data(as_text=True)
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_metrics_parse_and_carry_the_figures() -> None:
    world = full_world()
    world.tell("PORTFOLIO_CHANGED")
    found = await scrape(world)
    assert found[("trimtab_portfolio_value_eur",)] == 19216.60
    assert found[("trimtab_actor_state", "trader", "up")] == 1
    assert found[("trimtab_actor_state", "trader", "failed")] == 0
    assert found[("trimtab_orders", "active")] == 1
    assert found[("trimtab_event_seq",)] == 1
    assert found[("trimtab_loop_lag_seconds",)] == 0.0125
    assert found[("trimtab_sequences_evaluated",)] == 28412
    assert found[("trimtab_job_consecutive_failures", "plan")] == 1
    assert found[("trimtab_store_rows", "facts")] == 12
    assert found[("trimtab_halted",)] == 0


async def test_metrics_leave_out_what_is_not_known() -> None:
    found = await scrape(empty_world())
    assert ("trimtab_portfolio_value_eur",) not in found
    assert ("trimtab_halted",) not in found


async def test_metrics_show_a_halt() -> None:
    world = full_world()
    world.boards.trading.publish(trading(owner_latch()))
    assert (await scrape(world))[("trimtab_halted",)] == 1


async def test_row_counts_are_read_rarely() -> None:
    reads = 0

    async def count() -> dict[str, int]:
        nonlocal reads
        reads += 1
        return {"facts": reads}

    rows = RowCounts(count)
    seen = [(await rows.get(now_s))["facts"] for now_s in (0.0, 60.0, COUNTS_KEPT_S, 601.0)]
    assert seen == [1, 1, 2, 2]
