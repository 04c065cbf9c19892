"""How long the daemon needs until it answers, next to its largest libraries alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.process import Setup, Started, running, seconds_to_run
from bench.report import Measurement, Section

PEER = "import trio, quart_trio, hypercorn.trio, numpy"
REPEATS = 5
FLOOR_S, GOAL_S = 1.5, 0.8


def measure(folder: Path) -> Section:
    seconds_to_run("import daemon.main")  # compiles whatever was edited since the last run
    first: list[Started] = []
    again: list[Started] = []
    peer: list[float] = []
    for number in range(REPEATS):
        own = folder / f"start-{number}"
        for starts in (first, again):
            with running(own, Setup(demo=True)) as daemon:
                starts.append(daemon.started)
        peer.append(seconds_to_run(PEER))
    return Section(
        "Start",
        "From the call of the program to the first 200 on `/health`, in the demo: the first start"
        f" on an empty data folder and a later one, the quickest of {REPEATS} (a machine that does"
        " something else makes the others longer). The peer is a process that does nothing but"
        f" `{PEER}`.",
        tuple(_lines(first, again, peer)),
    )


def _lines(first: list[Started], again: list[Started], peer: list[float]) -> Iterator[Measurement]:
    for name, starts in (("first start", first), ("later start", again)):
        times = [started.seconds for started in starts]
        yield Measurement(name, min(times), "s", FLOOR_S, GOAL_S)
        yield Measurement(f"{name}, median", median(times), "s")
        cpu_s = min(started.cpu_s for started in starts)
        yield Measurement(f"{name}, processor time", cpu_s, "s")
    yield Measurement("the libraries alone", min(peer), "s")
    over = min(started.seconds for started in again) / min(peer)
    yield Measurement("later start over the libraries", over, "×")
