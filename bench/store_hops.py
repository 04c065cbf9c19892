"""What a statement costs when a transaction crosses to the database's thread loop once, or each
time: the twin is the same engine, used one statement per call."""

from __future__ import annotations

import time
from pathlib import Path

import trio

from bench.report import Measurement, Section
from store.aio import open_aio_engine
from store.engine import Engine, Tx

STATEMENTS, ROUNDS = 50, 6
INSERT = "INSERT INTO bench (value) VALUES (?)"
COUNT = "SELECT count(*) FROM bench"


async def _one_hop(engine: Engine) -> None:
    async def work(tx: Tx) -> None:
        for _ in range(STATEMENTS):
            await tx.one(COUNT)

    await engine.read(work)


async def _hop_each(engine: Engine) -> None:
    for _ in range(STATEMENTS):
        await engine.read(lambda tx: tx.one(COUNT))


async def _one_commit(engine: Engine) -> None:
    async def work(tx: Tx) -> None:
        for number in range(STATEMENTS):
            await tx.insert(INSERT, (number,))

    await engine.transaction(work)


async def _commit_each(engine: Engine) -> None:
    for number in range(STATEMENTS):
        await engine.write(INSERT, (number,))


async def _best_us(engine: Engine) -> dict[str, float]:
    """Microseconds per statement, best round; the ways take turns."""
    ways = {
        "one_hop": _one_hop,
        "hop_each": _hop_each,
        "one_commit": _one_commit,
        "commit_each": _commit_each,
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.perf_counter()
            await way(engine)
            best[name] = min(best[name], 1e6 * (time.perf_counter() - began) / STATEMENTS)
    return best


async def _measured(path: Path) -> dict[str, float]:
    async with open_aio_engine(path) as engine:
        await engine.write("CREATE TABLE bench (id INTEGER PRIMARY KEY, value INTEGER) STRICT")
        return await _best_us(engine)


def measure(folder: Path) -> Section:
    best = trio.run(_measured, folder / "bench.db")
    return Section(
        "Store",
        f"{STATEMENTS} statements on the engine of the device, all in one transaction that crosses"
        f" to the database's loop once, and one transaction per statement; best of {ROUNDS}.",
        (
            Measurement("read, one hop for all", best["one_hop"], "µs each"),
            Measurement("read, one hop each", best["hop_each"], "µs each"),
            Measurement("read, each over one", best["hop_each"] / best["one_hop"], "×"),
            Measurement("write, one commit for all", best["one_commit"], "µs each"),
            Measurement("write, one commit each", best["commit_each"], "µs each"),
            Measurement("write, each over one", best["commit_each"] / best["one_commit"], "×"),
        ),
    )
