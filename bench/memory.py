"""Resident memory of the demo and of a large market, next to a bare interpreter."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from bench.market import WIDE, write_market
from bench.process import ANSWER_S, HOST, Daemon, Setup, interpreter, running
from bench.report import Measurement, Section

LIBRARIES = (
    "import os\n"
    "os.environ['OPENBLAS_NUM_THREADS'] = '1'\n"
    "import trio, quart_trio, hypercorn.trio, numpy, aiosqlite, trio_asyncio, msgpack, msgspec,"
    " quart_schema, structlog, prometheus_client"
)
DEMO_S, LARGE_S = 30.0, 60.0
FLOOR_MIB, GOAL_MIB = 96.0, 64.0
PAGES = (
    "/",
    "/static/js/main.js",
    "/api/system/status",
    "/api/system/jobs",
    "/api/system/markets",
    "/api/portfolio",
    "/api/portfolio/summary",
    "/api/portfolio/history?days=365",
    "/api/trades/recommendations",
    "/api/trades?limit=12",
    "/api/trades/orders?limit=12",
    "/api/planner/status",
    "/api/display/state",
    "/metrics",
)


@contextmanager
def _dashboard(daemon: Daemon) -> Generator[None]:
    """An open event stream, as a browser keeps one; its answer fits the socket's buffer."""
    connection = HTTPConnection(HOST, daemon.port, timeout=ANSWER_S)
    connection.request("GET", "/api/events/stream")
    answer = connection.getresponse()
    try:
        if answer.status != 200:
            raise RuntimeError(f"event stream: {answer.status}")
        yield
    finally:
        answer.close()
        connection.close()


def _used(daemon: Daemon, seconds: float) -> tuple[float, float]:
    """MiB resident now and at the peak, after `seconds` of being looked at."""
    deadline = time.perf_counter() + seconds
    with _dashboard(daemon):
        while time.perf_counter() < deadline:
            for page in PAGES:
                daemon.get(page)
            time.sleep(1.0)
    return daemon.watched.memory_mib()


def _large(folder: Path, name: str, setup: Setup) -> tuple[Measurement, ...]:
    with running(folder / name, setup) as daemon:
        used_mib, peak_mib = _used(daemon, LARGE_S)
        return (
            Measurement(name, used_mib, "MiB", FLOOR_MIB, GOAL_MIB),
            Measurement(f"{name}, peak", peak_mib, "MiB"),
            Measurement(f"{name}, start", daemon.started.seconds, "s"),
        )


def measure(folder: Path, market: Path, start: str) -> Section:
    with interpreter("pass") as bare:
        interpreter_mib, _ = bare.memory_mib()
    with interpreter(LIBRARIES) as libraries:
        libraries_mib, _ = libraries.memory_mib()
    with running(folder / "memory-demo", Setup(demo=True)) as daemon:
        demo_mib, demo_peak_mib = _used(daemon, DEMO_S)
    wide_market = folder / "wide-market"
    write_market(wide_market, WIDE)
    found = [
        measured
        for name, where in (
            ("100 securities × 20 years", market),
            ("200 securities × 10 years", wide_market),
        )
        for measured in _large(folder, name, Setup(demo=True, market=where, start=start))
    ]
    return Section(
        "Memory",
        f"Resident memory with an event stream and the dashboard's requests once a second: the"
        f" demo after {DEMO_S:g} s, and generated markets of 522,000 bars, which are all read and"
        f" scored, after {LARGE_S:g} s. What only a developer has installed is left out, as"
        " everywhere here. The peers are a bare interpreter and one that has imported the same"
        " libraries.",
        (
            Measurement("demo", demo_mib, "MiB", FLOOR_MIB, GOAL_MIB),
            Measurement("demo, peak", demo_peak_mib, "MiB"),
            *found,
            Measurement("the libraries alone", libraries_mib, "MiB"),
            Measurement("a bare interpreter", interpreter_mib, "MiB"),
        ),
    )
