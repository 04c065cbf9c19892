"""One seeded world from its opening to its settling: faults, crashes, restarts, flaws.

Everything follows from the seed, so a world that failed is run again by its number alone.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import trio

from policy.limits import Limits
from store.backup import back_up
from store.inline import open_inline_engine
from store.order_queries import OrderQueries
from tests.sim import invariants
from tests.sim.app import App
from tests.sim.crash import WHERE, Bomb, Fuse, Where
from tests.sim.faults import Weather, fault_plan
from tests.sim.life import Life, Trouble
from tests.sim.limits import LOOSE, drawn
from tests.sim.market import small_market
from tests.sim.owner import Owner
from tests.sim.world import EPOCH, World
from wire.messages import Nudge

MOST_LIVES = 12
LONG_DAYS = 20
# Long enough for the proof that an order was not placed, and for the end of one that rests.
SETTLE_S = 900.0
# How far a fuse of each kind usually burns within a market day.
_BURNS: dict[Where, int] = {
    "before_commit": 150,
    "after_commit": 150,
    "before_call": 300,
    "after_call": 300,
    "before_place": 5,
    "after_place": 5,
    "step": 4000,
}


@dataclass(frozen=True, slots=True)
class Campaign:
    """What a world is put through. `crashes`: at most so many lives end in one."""

    seed: int
    days: int = 3
    weather: Weather = "rough"
    crashes: int = 2
    flaws: float = 0.0
    order_seed: int | None = None
    limits: Limits = field(default=LOOSE, repr=False)
    skew: float = 0.0
    # Mean machine seconds between two whims of the owner; None: he is away.
    whims_s: float | None = None
    withdrawals: bool = False
    silent_rates: bool = False
    # Mean machine seconds between two dealings in the broker's own app; None: nobody uses it.
    app_s: float | None = None

    @classmethod
    def month(cls, seed: int, *, order_seed: int | None = None) -> Campaign:
        """A device's month with all that can happen in one, under lax or strict rules."""
        rng = random.Random(f"month {seed}")
        return cls(
            seed,
            days=30,
            weather=rng.choice(("calm", "rough", "rough", "storm")),
            crashes=rng.choice((0, 2, 5, 10)),
            flaws=rng.choice((0.0, 0.0, 0.0002)),
            limits=rng.choice((LOOSE, drawn(seed), drawn(seed))),
            skew=rng.choice((0.0, 0.0, 0.15)),
            whims_s=rng.choice((None, 20.0, 60.0)),
            withdrawals=rng.random() < 0.7,
            silent_rates=rng.random() < 0.35,
            app_s=rng.choice((None, None, 10.0, 40.0)),
            order_seed=order_seed,
        )

    @classmethod
    def drawn(cls, seed: int, *, order_seed: int | None = None) -> Campaign:
        rng = random.Random(f"campaign {seed}")
        return cls(
            seed,
            days=rng.choice((2, 3, 3, 4)),
            weather=rng.choice(("calm", "rough", "rough", "storm")),
            crashes=rng.choice((0, 1, 3, 6)),
            flaws=rng.choice((0.0, 0.0, 0.0005)),
            order_seed=order_seed,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """`problems` must be empty; the counts show that something happened at all."""

    problems: tuple[str, ...]
    filled: int
    lives: int
    journal: str
    machine_s: float
    # How much there was of what each invariant speaks of, never of what was not there.
    asked: Mapping[str, int]
    # How often each gate refused an order.
    refused: Mapping[str, int]
    # How often each kind of fault, crash and whim struck.
    struck: Mapping[str, int]


def run(campaign: Campaign, folder: Path) -> Outcome:
    """Live the whole campaign in `folder`, which must be empty."""
    rng = random.Random(f"lives {campaign.seed}")
    market = small_market(
        campaign.seed,
        days=campaign.days,
        withdrawals=campaign.withdrawals,
        silent_rates=campaign.silent_rates,
    )
    rate = rng.choice((600.0, 1200.0, 2400.0, 4800.0))
    world = World(
        folder,
        market,
        campaign.seed,
        rate=rate,
        hops=rng.choice((0, 1, 2)),
        limits=campaign.limits,
        skew=campaign.skew,
        rivals=campaign.days >= LONG_DAYS,
    )
    order = campaign.order_seed
    end = market.start + timedelta(days=campaign.days)
    problems: list[str] = []
    struck = Counter[str]()

    async def days(life: Life) -> None:
        async with trio.open_nursery() as nursery:
            if campaign.whims_s is not None:
                name = f"{campaign.seed} {world.lives}"
                nursery.start_soon(Owner(life, name, struck, every_s=campaign.whims_s).run)
            if campaign.app_s is not None:
                name = f"{campaign.seed} {world.lives}"
                nursery.start_soon(App(life, name, struck, every_s=campaign.app_s).run)
            await life.until(end)
            nursery.cancel_scope.cancel()

    for number in range(MOST_LIVES):
        bomb = Bomb(_fuse(rng) if number < campaign.crashes else None)
        plan = fault_plan(f"{campaign.seed} {number}", campaign.weather, rate=rate)
        trouble = Trouble(f"{campaign.seed} {number}", chance=campaign.flaws)
        world.live(days, plan=plan, bomb=bomb, trouble=trouble, order_seed=order)
        problems += invariants.broken(folder)
        struck.update({f"line {fault}": times for fault, times in plan.struck.items()})
        struck["flaw in an actor"] += trouble.struck
        if not bomb.exploded:
            break
        assert bomb.fuse is not None
        struck[f"crash {bomb.fuse.where}"] += 1
    world.skew = 0.0
    world.live(settle, order_seed=order)
    trio.run(_inspect, world)
    problems += [*invariants.broken(folder), *invariants.unsettled(folder)]
    problems += [*world.violations, *_sent_twice(world), *world.crashed_actors]
    struck.update(world.saw)
    struck["foreign fill"] = invariants.count(
        folder, f"SELECT count(*) FROM paper.fills WHERE {invariants.FOREIGN}"
    )
    return Outcome(
        problems=tuple(dict.fromkeys(problems)),
        filled=invariants.count(folder, "SELECT count(*) FROM fill"),
        lives=world.lives,
        journal=invariants.journal_hash(folder),
        machine_s=world.machine_s,
        asked=dict(sorted((world.asked + invariants.subjects(folder)).items())),
        refused=dict(sorted(invariants.refusals(folder).items())),
        struck=dict(sorted(struck.items())),
    )


async def _inspect(world: World) -> None:
    """K10: a backup holds every table of the ledger, row for row; nobody writes meanwhile.

    O9 as well: no cash is promised to orders that have ended.
    """
    path = world.folder / "ledger.db"
    async with open_inline_engine(path, synchronous="OFF") as ledger:
        report = await back_up(ledger, world.folder / "proof", EPOCH)
        promised = await OrderQueries(ledger).reserved_cash()
    if promised and not invariants.count(world.folder, invariants.FLYING):
        world.violations.append(f"O9: {dict(promised)} is reserved, and nothing is in flight")
    world.asked["K10"] += 1
    world.violations += invariants.differ(path, report.path)


async def settle(life: Life) -> None:
    """On a good line and halted, follow what is in flight to its end and the books to agreement."""
    life.line.mend()
    life.trouble.armed = False
    await life.halt()
    with trio.move_on_after(SETTLE_S):
        while invariants.unsettled(life.folder):
            life.system.nudges["sync"].nudge(Nudge("settling"))
            await trio.sleep(2.0)


def _fuse(rng: random.Random) -> Fuse:
    where = rng.choice(WHERE)
    return Fuse(where, 1 + int(rng.random() ** 2 * _BURNS[where]))


def _sent_twice(world: World) -> list[str]:
    """O1, O3: over all lives no order left more than once."""
    tags = [departure.tag for departure in world.departures]
    return [f"O3: order {tag} was sent again" for tag in sorted(tags) if tags.count(tag) > 1]


def calmer(campaign: Campaign) -> Campaign:
    """The same world without faults, crashes and flaws."""
    return replace(campaign, weather="calm", crashes=0, flaws=0.0)
