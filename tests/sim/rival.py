"""Another writer of the same ledger, who often thinks better of it: K8."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import trio

from store.engine import Tx
from tests.sim.life import Life
from tests.sim.line import Injected

MEAN_S = 15.0


class Regret(Exception):
    """Thrown inside a transaction: nothing of it may stay."""


@dataclass(slots=True)
class Rival:
    """Writes marks beside everybody else; half of its transactions end in regret."""

    life: Life
    name: str
    asked: Counter[str]
    violations: list[str] = field(default_factory=list[str])

    async def run(self) -> None:
        rng = random.Random(f"rival {self.name}")
        number = 0
        while True:
            await trio.sleep(rng.expovariate(1 / MEAN_S))
            number += 1
            await self._write(f"rival.{self.name}.{number}", regret=rng.random() < 0.5)

    async def _write(self, key: str, *, regret: bool) -> None:
        async def work(tx: Tx) -> None:
            await tx.execute("INSERT INTO setting VALUES (?, 'here')", (key,))
            await trio.lowlevel.checkpoint()
            if regret:
                raise Regret

        try:
            with suppress(Regret):
                await self.life.store.ledger.transaction(work)
        except Injected:
            return  # a flaw around the commit: either is right
        self.asked["K8"] += 1
        found = bool(self.life.ask("SELECT 1 FROM setting WHERE key = ?", key))
        if found is regret:
            self.violations.append(f"K8: {key} is {'there' if found else 'gone'}")
