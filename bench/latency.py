"""How long a GET of a board-backed route takes for eight clients while plans are made."""

from __future__ import annotations

import threading
import time
from http.client import HTTPConnection
from pathlib import Path

from bench.process import ANSWER_S, HOST, Daemon, Setup, planning, running
from bench.report import Measurement, Section

CLIENTS, REQUESTS, ROUNDS = 8, 45, 3
# Each client asks this often, as dashboards and scrapers do: the server is used, not flooded.
PAUSE_S = 0.1
ROUTE = "/api/portfolio"
FLOOR_MS, GOAL_MS = 20.0, 5.0


def _client(daemon: Daemon, times_ms: list[float], first_s: float) -> None:
    connection = HTTPConnection(HOST, daemon.port, timeout=ANSWER_S)
    try:
        time.sleep(first_s)
        for _ in range(REQUESTS):
            began = time.perf_counter()
            connection.request("GET", ROUTE)
            answer = connection.getresponse()
            answer.read()
            times_ms.append(1e3 * (time.perf_counter() - began))
            if answer.status != 200:
                raise RuntimeError(f"GET {ROUTE}: {answer.status}")
            time.sleep(PAUSE_S)
    finally:
        connection.close()


def _ask(daemon: Daemon) -> list[float]:
    times_ms: list[list[float]] = [[] for _ in range(CLIENTS)]
    threads = [
        threading.Thread(target=_client, args=(daemon, mine, PAUSE_S * number / CLIENTS))
        for number, mine in enumerate(times_ms)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(time_ms for mine in times_ms for time_ms in mine)


def _quantile(ordered: list[float], share: float) -> float:
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def _rounds(daemon: Daemon) -> list[float]:
    """The least disturbed of some rounds, each longer than two syncs."""
    rounds = [_ask(daemon) for _ in range(ROUNDS)]
    if any(len(times) != CLIENTS * REQUESTS for times in rounds):
        raise RuntimeError("a client ended early")
    return min(rounds, key=lambda times: _quantile(times, 0.99))


def measure(folder: Path, market: Path, start: str) -> Section:
    setup = Setup(demo=True, market=market, start=start)
    with running(folder / "latency", setup) as daemon:
        quiet = _rounds(daemon)
        with planning(daemon) as plans:
            busy = _rounds(daemon)
    return Section(
        "Requests",
        f"GET `{ROUTE}` by {CLIENTS} clients on kept connections over loopback, each"
        f" {REQUESTS} times with {PAUSE_S * 1e3:g} ms between, on 100 securities at 600 times real"
        f" time, while one plan is made after the other; the least disturbed of {ROUNDS} rounds."
        " The peer is the same without the plans. The clients share the processor with the"
        " daemon.",
        (
            Measurement("p99, planning", _quantile(busy, 0.99), "ms", FLOOR_MS, GOAL_MS),
            Measurement("p50, planning", _quantile(busy, 0.5), "ms"),
            Measurement("p99, no plans asked for", _quantile(quiet, 0.99), "ms"),
            Measurement("p50, no plans asked for", _quantile(quiet, 0.5), "ms"),
            Measurement("plans made meanwhile", plans.count, ""),
        ),
    )
