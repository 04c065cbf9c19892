"""How late the event loop is while the daemon reads a first history, scores it, plans, syncs,
trades and writes.

The daemon runs as ever, but as `python -m bench.loop_lag` with the daemon's own arguments: the
same program with a probe in its loop, which leaves its figures in the data folder at the end.
"""

from __future__ import annotations

import json
import sys
import time
from array import array
from pathlib import Path

import trio

import daemon.main
from bench.process import Setup, planning, running
from bench.report import Measurement, Section
from daemon.__main__ import main
from daemon.config import Config
from daemon.watchdog import Notifier

RUN_S, EMPTY_S, PERIOD_S = 30.0, 3.0, 0.002
FLOOR_MS, GOAL_MS = 20.0, 10.0
RESULT = "lag.json"


def measure(folder: Path, market: Path, start: str) -> Section:
    setup = Setup(demo=True, market=market, start=start, module="bench.loop_lag")
    with running(folder / "lag", setup) as watched, planning(watched) as plans:
        time.sleep(RUN_S)
        data = watched.data
    found: dict[str, float] = json.loads((data / RESULT).read_text("utf-8"))
    return Section(
        "Event loop",
        f"Lateness of a timer of {PERIOD_S * 1e3:g} ms in the daemon's own loop over its first"
        f" {RUN_S:g} s: twenty years of 100 securities are read and scored, at 600 times real time,"
        " with a sync every two seconds, orders, and one plan after the other. The peer is the same"
        " timer in an empty loop.",
        (
            Measurement("p99.9", found["p999_ms"], "ms", FLOOR_MS, GOAL_MS),
            Measurement("p99", found["p99_ms"], "ms"),
            Measurement("worst", found["worst_ms"], "ms"),
            Measurement("p99.9, empty loop", found["empty_p999_ms"], "ms"),
            Measurement("plans made meanwhile", plans.count, ""),
        ),
    )


class _ReadyEvent(Notifier):
    """Sets an event when the daemon says that it has started."""

    def __init__(self) -> None:
        super().__init__(None)
        self.event = trio.Event()

    def ready(self) -> None:
        self.event.set()


async def _probe(lags_ms: array[float], *, seconds: float) -> None:
    due = trio.current_time()
    end = due + seconds
    while due < end:
        due = max(due + PERIOD_S, trio.current_time())
        await trio.sleep_until(due)
        lags_ms.append(1e3 * (trio.current_time() - due))


def _quantile(lags_ms: array[float], share: float) -> float:
    ordered = sorted(lags_ms)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


async def _run_probed(config: Config, notifier: Notifier) -> int:  # noqa: ARG001 (its own ready)
    """The daemon's own `run`, with the probe beside it from the moment it is ready."""
    lags_ms, ready = array("d"), _ReadyEvent()

    async def probe() -> None:
        await ready.event.wait()
        await _probe(lags_ms, seconds=RUN_S)

    empty_ms = array("d")
    await _probe(empty_ms, seconds=EMPTY_S)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(probe)
        code = await _run(config, ready)
        nursery.cancel_scope.cancel()
    found = {
        "p999_ms": _quantile(lags_ms, 0.999),
        "p99_ms": _quantile(lags_ms, 0.99),
        "worst_ms": max(lags_ms),
        "empty_p999_ms": _quantile(empty_ms, 0.999),
    }
    (config.data / RESULT).write_text(json.dumps(found), encoding="utf-8")
    return code


if __name__ == "__main__":
    _run = daemon.main.run
    daemon.main.run = _run_probed
    sys.exit(main())
