"""Where the search begins: sequences of patterns and generators, each once, the strongest first.

`seeds` runs everything the configuration enables, at every depth D = 1 … max_depth that its own
bound allows, and keeps what the rules accept: no more than (14 + m + n) × max_depth sequences, with
m and n the `max_combinations` of the two generators. The diversity filter keeps `max_sequences`.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from math import fsum
from random import Random
from typing import Final, get_args

from ledger.correlation import Correlations
from policy.planning import filters
from policy.planning.candidates import Candidate, Scene
from policy.planning.config import PATTERNS, Combinatorial, PlannerConfig, RegimeName
from policy.planning.constraints import Constraints, constraints
from policy.planning.generators import combinatorial, enhanced_combinatorial
from policy.planning.menu import Menu, make_menu
from policy.planning.patterns import MAKERS
from policy.planning.space import Combo, Space

DIGEST_BYTES: Final = 16
FORM: Final = b"\x01"
OVER_LIMIT: Final = "max_sequences"
REGIMES: Final = frozenset(get_args(RegimeName))

# What makes sequences, and how.
Portion = tuple[str, Callable[[], tuple[Combo, ...]]]


@dataclass(frozen=True, slots=True)
class Seed:
    """An ascending combination of candidates; `origins` name all that made it, sorted."""

    combo: Combo
    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Seeds:
    """`seeds` can be executed; `relaxed` break a rule on purpose and never may.

    `counts`: how many were `generated`, `duplicate` and `kept`, and by the name of each rule how
    many combinations it refused. `notes` say in words what could not be done or checked.
    """

    seeds: tuple[Seed, ...]
    relaxed: tuple[Seed, ...]
    counts: Mapping[str, int]
    notes: tuple[str, ...]


def seeds(
    space: Space, scene: Scene, *, correlations: Correlations | None, regime: str, seed: int
) -> Seeds:
    """All sequences to begin with, by the configuration of the scene.

    `regime` is the state of the market that was detected; `seed` drives the sampling.
    """
    work = Seeding(space, scene, correlations=correlations, regime=regime, seed=seed)
    while not work.done:
        work.advance()
    return work.result()


class Seeding:
    """The same in portions for whoever has other things to do: `advance` until `done`, then
    `result`. A portion is one pattern or generator at one depth.
    """

    def __init__(
        self,
        space: Space,
        scene: Scene,
        *,
        correlations: Correlations | None,
        regime: str,
        seed: int,
    ) -> None:
        config = scene.config
        self._space, self._scene, self._correlations = space, scene, correlations
        self._bounds = constraints(space, scene, correlations=correlations)
        self._menu = make_menu(space, scene, self._bounds, regime=_regime(config, regime))
        self._portions = _portions(self._menu, config, seed)
        self._next = next(self._portions, None)
        self._merged = _Merged(space.candidates)
        self._notes = (*self._bounds.notes, *_notes(config, regime))

    @property
    def done(self) -> bool:
        return self._next is None

    @property
    def looked(self) -> int:
        """How many sequences were looked at or made so far."""
        return len(self._menu.verdicts) + self._merged.generated

    def advance(self) -> None:
        """Make the next portion; nothing when it is done."""
        if self._next is not None:
            origin, make = self._next
            for combo in make():
                self._merged.add(origin, combo)
            self._next = next(self._portions, None)

    def result(self) -> Seeds:
        """What was made so far, filtered and in order."""
        merged, config = self._merged, self._scene.config
        counts = Counter(generated=merged.generated, duplicate=merged.duplicates)
        kept = _kept(self._space, config, self._bounds, merged, counts)
        counts.update(self._menu.refusals())
        counts["kept"] = len(kept)
        return Seeds(
            seeds=kept,
            relaxed=_relaxed(self._space, self._scene, self._correlations),
            counts=dict(sorted(counts.items())),
            notes=self._notes,
        )


def digest(candidates: tuple[Candidate, ...], combo: Combo) -> bytes:
    """The name of a sequence: BLAKE2b-128 of side, symbol, quantity, price and value of each trade,
    in order. Sequences of the same name are the same trades.
    """
    name = blake2b(FORM, digest_size=DIGEST_BYTES)
    for number in combo:
        trade = candidates[number]
        symbol = trade.symbol.encode()
        name.update(trade.side[:1].encode() + struct.pack(">H", len(symbol)) + symbol)
        figures = (trade.quantity.micro, trade.price.micro, trade.value_eur.minor)
        name.update(struct.pack(">3q", *figures))
    return name.digest()


class _Merged:
    """Sequences by name, each with everything that made it."""

    def __init__(self, candidates: tuple[Candidate, ...]) -> None:
        self.candidates = candidates
        self.generated = 0
        self.found: dict[bytes, tuple[Combo, set[str]]] = {}

    def add(self, origin: str, combo: Combo) -> None:
        self.generated += 1
        _, origins = self.found.setdefault(digest(self.candidates, combo), (combo, set()))
        origins.add(origin)

    @property
    def duplicates(self) -> int:
        return self.generated - len(self.found)

    def seeds(self) -> Iterator[Seed]:
        for combo, origins in self.found.values():
            yield Seed(combo, tuple(sorted(origins)))


def _portions(menu: Menu, config: PlannerConfig, seed: int) -> Iterator[Portion]:
    """Everything enabled, at every depth that it is for."""
    for name in PATTERNS:
        pattern = config.pattern(name)
        deepest = min(config.max_depth, pattern.max_depth) if pattern.enabled else 0
        for depth in range(1, deepest + 1):
            yield name, partial(MAKERS[name], menu, depth)
    every = config.generators.combinatorial
    for depth in _depths(config, every):
        yield "combinatorial", partial(combinatorial, menu, every, depth)
    sampled = config.generators.enhanced_combinatorial
    rng = Random(seed)
    for depth in _depths(config, sampled):
        yield "enhanced_combinatorial", partial(enhanced_combinatorial, menu, sampled, depth, rng)


def _depths(config: PlannerConfig, rule: Combinatorial) -> range:
    return range(1, min(config.max_depth, rule.max_steps) + 1 if rule.enabled else 1)


def _kept(
    space: Space,
    config: PlannerConfig,
    bounds: Constraints,
    merged: _Merged,
    counts: Counter[str],
) -> tuple[Seed, ...]:
    """What is accepted, cut to the most diverse, the strongest first; refusals are counted."""
    accepted: list[Seed] = []
    for seed in merged.seeds():
        cause = bounds.shortfall(seed.combo)
        if cause is None:
            accepted.append(seed)
        else:
            counts[cause] += 1
    rule = config.filters.diversity
    if rule.enabled and len(accepted) > rule.max_sequences:
        accepted.sort(key=lambda s: (-filters.blended(_trades(space, s), rule), s.combo))
        counts[OVER_LIMIT] += len(accepted) - rule.max_sequences
        accepted = accepted[: rule.max_sequences]
    return tuple(sorted(accepted, key=lambda s: _strongest(space, s)))


def _trades(space: Space, seed: Seed) -> tuple[Candidate, ...]:
    return tuple(space.candidates[number] for number in seed.combo)


def _strongest(space: Space, seed: Seed) -> tuple[float, Combo]:
    return -fsum(c.priority for c in _trades(space, seed)), seed.combo


def _relaxed(space: Space, scene: Scene, correlations: Correlations | None) -> tuple[Seed, ...]:
    """Each candidate that breaks a rule, alone and with the purchases that go with it."""
    wanted = [n for n, c in enumerate(space.candidates) if not c.executable]
    if not wanted:
        return ()
    bounds = constraints(space, scene, correlations=correlations, relaxed=True)
    menu = make_menu(space, scene, bounds, regime="")
    merged = _Merged(space.candidates)
    for number in wanted:
        alone = menu.plus((), number)
        funded = alone or menu.plus(menu.fill((), menu.sells, 1), number)
        for combo in (alone, funded and menu.fill(funded, menu.buys, scene.config.max_depth)):
            if combo:
                merged.add("constraint_relaxation", combo)
    return tuple(sorted(merged.seeds(), key=lambda s: _strongest(space, s)))


def _regime(config: PlannerConfig, detected: str) -> str:
    """What the market is taken for: without a known state, what the owner says."""
    known = config.enable_market_regime_scenarios and detected in REGIMES
    return detected if known else config.market_regime


def _notes(config: PlannerConfig, detected: str) -> tuple[str, ...]:
    asked = config.enable_market_regime_scenarios and config.pattern("market_regime").enabled
    if not asked or detected in REGIMES:
        return ()
    return (f"the state of the market is not known: it is taken for {config.market_regime}",)
