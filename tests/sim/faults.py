"""What goes wrong on the line to the broker in one life of a world, drawn from its seed."""

from __future__ import annotations

import random
from typing import Literal

from broker.paper.faults import Blow, Chance, Fault, FaultPlan

Weather = Literal["calm", "rough", "storm"]

LISTS = (
    "fills_since",
    "cash_flows_since",
    "corporate_actions_since",
    "open_orders",
    "orders_since",
)
READS = (*LISTS, "snapshot", "quotes", "rates", "instruments", "probe")
PAST = ("bars", "splits", "share_dividends", "fundamentals", "rates_since")
# Where an empty answer is one that a broker gives: whoever reads it has to notice.
EMPTYING = ("snapshot", "quotes", "rates", "fills_since", "cash_flows_since")
_SCALE: dict[Weather, float] = {"calm": 0.0, "rough": 1.0, "storm": 3.0}


class Spell(FaultPlan):
    """A plan whose faults are cast and lifted while the world runs."""

    def __init__(self) -> None:
        super().__init__()
        self.cast: dict[str, tuple[Blow, ...]] = {}

    def next(self, method: str) -> tuple[Blow, ...]:
        return self.cast.get(method, ())


def fault_plan(seed: str, weather: Weather, *, rate: float) -> FaultPlan:
    """Chances for every method; `rate` is market seconds per machine second."""
    rng = random.Random(f"faults {seed}")
    scale = _SCALE[weather]
    chances: dict[str, list[Chance]] = {name: [] for name in (*READS, "place", "cancel")}

    def strike(method: str, fault: Fault, most: float, *, seconds: float = 0.0) -> None:
        probability = min(0.6, rng.uniform(0, most) * scale)
        chances[method].append(Chance(Blow(fault, seconds), probability))

    for method in READS:
        strike(method, Fault.UNAVAILABLE, 0.02)
        strike(method, Fault.MALFORMED, 0.02)
        strike(method, Fault.LATENCY, 0.03, seconds=rng.choice((0.05, 1.0, 12.0, 70.0)))
    for method in LISTS:
        strike(method, Fault.DUPLICATE, 0.3)
        strike(method, Fault.REORDER, 0.3)
    for method in EMPTYING:
        strike(method, Fault.EMPTY, 0.02)
    strike("snapshot", Fault.PARTIAL, 0.06)
    # Not longer than an overlap of two market days, and far below the time a proof takes.
    strike("fills_since", Fault.LATE_FILLS, 0.1, seconds=rng.uniform(60, 6 * 3600))
    strike("cash_flows_since", Fault.OPEN_FLOWS, 0.1, seconds=rng.uniform(600, 20 * 3600))
    for fault in (Fault.UNAVAILABLE, Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.MALFORMED):
        strike("place", fault, 0.1)
        strike("cancel", fault, 0.1)
    strike("place", Fault.LATENCY, 0.1, seconds=rng.choice((0.2, 4.0, 30.0)))
    strike("place", Fault.HIDDEN_ORDER, 0.1, seconds=rate * rng.uniform(1, 60))
    seeded = rng.randrange(1 << 30)
    chances |= {name: [] for name in PAST}
    for method in PAST:
        for fault in (Fault.UNAVAILABLE, Fault.MALFORMED, Fault.EMPTY):
            strike(method, fault, 0.05)
        strike(method, Fault.LATENCY, 0.05, seconds=rng.choice((0.05, 1.0, 70.0)))
        strike(method, Fault.DUPLICATE, 0.3)
        strike(method, Fault.REORDER, 0.3)
    return FaultPlan(seed=seeded, chances=chances)
