"""Processor time and bytes written while nothing much happens, at the pace of the real world."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.process import Daemon, Setup, running
from bench.report import Measurement, Section

SETTLE_S, SAMPLE_S, SAMPLES = 6.0, 10.0, 3
# After the last close and before the next opening of every exchange; and on an open morning.
CLOSED, OPEN = "2009-01-05T21:30:00Z", "2009-01-05T10:00:00Z"
IDLE_FLOOR, IDLE_GOAL = 1.0, 0.3
SCROLL_FLOOR, SCROLL_GOAL = 5.0, 2.0


@dataclass(frozen=True, slots=True)
class _Reading:
    at_s: float
    cpu_s: float
    frames: int

    @classmethod
    def of(cls, daemon: Daemon) -> _Reading:
        shown: dict[str, Any] = json.loads(daemon.get("/api/display/state"))
        return cls(time.perf_counter(), daemon.watched.cpu_s(), int(shown["driver"]["frames_sent"]))


@dataclass(frozen=True, slots=True)
class _Load:
    """Share of one core in percent, and frames per second."""

    percent: float
    fps: float


def _load(before: _Reading, after: _Reading) -> _Load:
    seconds = after.at_s - before.at_s
    return _Load(
        100.0 * (after.cpu_s - before.cpu_s) / seconds, (after.frames - before.frames) / seconds
    )


def _sample(daemons: dict[str, Daemon]) -> dict[str, _Load]:
    before = {name: _Reading.of(daemon) for name, daemon in daemons.items()}
    time.sleep(SAMPLE_S)
    return {name: _load(before[name], _Reading.of(daemons[name])) for name in daemons}


def measure(folder: Path) -> Section:
    """All at once, as each daemon counts its own processor time."""
    setups = {
        "closed": Setup(rate=1.0, start=CLOSED),
        "open": Setup(rate=1.0, start=OPEN),
        "demo": Setup(demo=True),
    }
    with ExitStack() as stack:
        daemons = {
            name: stack.enter_context(running(folder / f"idle-{name}", setup))
            for name, setup in setups.items()
        }
        time.sleep(SETTLE_S)
        samples = [_sample(daemons) for _ in range(SAMPLES)]
    loads = {
        name: min((sample[name] for sample in samples), key=lambda load: load.percent)
        for name in setups
    }
    return Section(
        "Processor time",
        f"Share of one core on the null driver, the least disturbed of {SAMPLES} times"
        f" {SAMPLE_S:g} s. The ticker's text scrolls all"
        " the time, so the quiet daemon has to keep the budget of an idle one and that of one that"
        " scrolls; the demo lives ten minutes per second.",
        tuple(_lines(loads)),
    )


def _lines(loads: dict[str, _Load]) -> list[Measurement]:
    closed, open_, demo = loads["closed"], loads["open"], loads["demo"]
    return [
        Measurement("idle, markets closed", closed.percent, "%", IDLE_FLOOR, IDLE_GOAL),
        Measurement("ticker scrolling, markets closed", closed.percent, "%", SCROLL_FLOOR,
                    SCROLL_GOAL),
        Measurement("ticker scrolling, markets open", open_.percent, "%", SCROLL_FLOOR,
                    SCROLL_GOAL),
        Measurement("frames meanwhile, markets closed", closed.fps, "1/s"),
        Measurement("demo, 600 × real time", demo.percent, "%"),
    ]  # fmt: skip
