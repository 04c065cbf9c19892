"""Whole planning cycles as the planner actor runs them: input read, planned, proved, told."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from math import comb

from bench.planning_case import SIZES, Size, situation
from bench.report import Measurement, Section
from kernels.choose import load
from ledger.plan import Plan, Proof
from policy import planner
from policy.planner import PlanInput
from policy.planning.config import Generators, PartialExecution, PlannerConfig
from policy.planning.ground import Kernels
from policy.planning.record import decode, encode

REPEATS = 3
WHOLE_FLOOR_MS, MEMORY_FLOOR_MIB = 2000.0, 20.0
# A batch holds the worker thread of the kernels; the daemon does nothing else there meanwhile.
BATCH_FLOOR_MS, PROOF_GOAL_MS = 50.0, 1000.0
STANDARD = PlannerConfig()
# Sales and purchases together, which is the larger search.
WHOLE = PlannerConfig(new_money_first=False)
# As many candidates as there may be, and all sets of three of them: 280,840 for 120.
WIDEST = PlannerConfig(
    new_money_first=False,
    max_depth=3,
    max_opportunities_per_category=20,
    priority_threshold=0.0,
    node_budget=1_000_000,
    generators=Generators(partial_execution=PartialExecution(enabled=True)),
)


@dataclass(frozen=True, slots=True)
class Cycle:
    """One cycle: its plan, and the seconds of reading the input and of every batch."""

    plan: Plan
    read_s: float
    batches_s: tuple[float, ...]

    @property
    def whole_ms(self) -> float:
        return 1e3 * (self.read_s + sum(self.batches_s))

    @property
    def search_ms(self) -> float:
        """Without finding the candidates and telling the plan."""
        return 1e3 * sum(self.batches_s[1:-1])

    @property
    def proof(self) -> Proof:
        assert self.plan.proof is not None
        return self.plan.proof


def cycle(stored: bytes, kernels: Kernels | None = None) -> Cycle:
    """From the stored input to the plan, one batch after the other."""
    began = time.perf_counter()
    given = decode(stored)
    read = time.perf_counter() - began
    times: list[float] = []
    began = time.perf_counter()
    run = planner.start(given, kernels=kernels)
    times.append(time.perf_counter() - began)
    while not run.done:
        began = time.perf_counter()
        run = planner.step(run)
        times.append(time.perf_counter() - began)
    began = time.perf_counter()
    plan = planner.finish(run)
    times.append(time.perf_counter() - began)
    return Cycle(plan, read, tuple(times))


def best_of(stored: bytes, kernels: Kernels | None = None) -> Cycle:
    """The least disturbed of several."""
    return min((cycle(stored, kernels) for _ in range(REPEATS)), key=lambda one: one.whole_ms)


def measure() -> Section:
    return Section(
        "Planning",
        "One plan from its stored input: reading it, candidates of six calculators, seeds, beam,"
        " proof, funding with conversions to the cent, scores, the plan's text. Sizes are positions"
        " held and securities, in four currencies; depth 5 and the default preset, where new money"
        " goes first, and once more with sales and purchases together. The first batch finds the"
        " candidates. The three-step plan is the"
        " best of as many candidates as there may be. Best of three runs each.",
        (
            *(line for size in SIZES for line in _sizes(size)),
            *_twin(SIZES[0]),
            *_three_steps(SIZES[-1]),
        ),
    )


def _sizes(size: Size) -> Iterator[Measurement]:
    for name, config in (("new money", STANDARD), ("all trades", WHOLE)):
        given = situation(size, config)
        stored = encode(given)
        found = best_of(stored)
        told = _told(found.proof)
        floor = WHOLE_FLOOR_MS if size == SIZES[0] else None
        yield Measurement(f"whole cycle {size}, {name} ({told})", found.whole_ms, "ms", floor=floor)
        first, *later = (1e3 * seconds for seconds in found.batches_s)
        yield Measurement(f"first batch {size}, {name}", first, "ms", floor=BATCH_FLOOR_MS)
        yield Measurement(
            f"longest later batch {size}, {name}", max(later), "ms", floor=BATCH_FLOOR_MS
        )
        if config is STANDARD:
            yield Measurement(f"reading the input {size}", 1e3 * found.read_s, "ms")
            yield Measurement(
                f"memory of a run {size}", _memory_mib(given), "MiB", floor=MEMORY_FLOOR_MIB
            )


def _told(proof: Proof) -> str:
    how = "proved" if proof.proved else f"gap {proof.gap:.2f}"
    return f"{proof.candidates} candidates, {how}"


def _memory_mib(given: PlanInput) -> float:
    """What a run has in use at its most, beyond its input."""
    gc.collect()
    tracemalloc.start()
    try:
        run = planner.start(given)
        while not run.done:
            run = planner.step(run)
        planner.finish(run)
        return tracemalloc.get_traced_memory()[1] / 2**20
    finally:
        tracemalloc.stop()


def _twin(size: Size) -> Iterator[Measurement]:
    """The same with the kernels' numpy twins, which must arrive at the same plan."""
    stored = encode(situation(size, WHOLE))
    loaded = load("numpy")
    twins = Kernels(sequences=loaded.sequences, search=loaded.search)
    compiled, plain = best_of(stored), best_of(stored, twins)
    if compiled.plan != plain.plan:
        raise RuntimeError("the back ends disagree about the best plan")
    yield Measurement(f"whole cycle {size}, all trades, numpy twin", plain.whole_ms, "ms")
    yield Measurement(
        "compiled over numpy twin, same plan", plain.whole_ms / compiled.whole_ms, "×"
    )


def _three_steps(size: Size) -> Iterator[Measurement]:
    found = best_of(encode(situation(size, WIDEST)))
    proof = found.proof
    how = "proved" if proof.proved else f"gap {proof.gap:.2f}"
    yield Measurement(
        f"best 3-step plan of {proof.candidates} candidates,"
        f" {comb(proof.candidates, 3):,} sets of three ({how})",
        found.search_ms,
        "ms",
        goal=PROOF_GOAL_MS,
    )
    yield Measurement("sets evaluated for it, all others ruled out", proof.explored, "sets")
    yield Measurement("the whole cycle around it", found.whole_ms, "ms")
