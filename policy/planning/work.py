"""What one plan is searched among: candidates, rules, and whether new money goes first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ledger.money import Money
from policy.plan_text import whole
from policy.planning.arrays import score_arrays
from policy.planning.calculators import find_candidates
from policy.planning.candidates import Candidate, Scene
from policy.planning.constraints import constraints
from policy.planning.found import Found
from policy.planning.generators import partial_candidates, relaxed_candidates
from policy.planning.ground import Ground, Kernels
from policy.planning.new_money import new_money_fill
from policy.planning.plan_input import PlanInput
from policy.planning.search import SAME, Terms
from policy.planning.seeds import Seeding, Seeds
from policy.planning.space import Combo, space

NEW_MONEY = "new_money"
# What a portion of seeds is made of at least, but for the last: sequences looked at.
PORTION = 64


class Sowing:
    """Seeds in portions. What was made once is not made again, so a portion can be repeated."""

    def __init__(self, seeding: Seeding) -> None:
        self._seeding = seeding
        self._made = 0
        self._seeds: Seeds | None = None

    def after(self, portions: int) -> Seeds | None:
        """All seeds, when so many portions are all there are; None while there are more."""
        while self._made < portions and not self._seeding.done:
            self._sow()
        if not self._seeding.done or portions <= self._made:
            return None
        if self._seeds is None:
            self._seeds = self._seeding.result()
        return self._seeds

    def all(self) -> Seeds:
        """The seeds, however long it takes."""
        while not self._seeding.done:
            self._sow()
        seeds = self.after(self._made + 1)
        assert seeds is not None
        return seeds

    def _sow(self) -> None:
        """One portion: most patterns make too little to be worth a trip off the loop each."""
        enough = self._seeding.looked + PORTION
        while not self._seeding.done and self._seeding.looked < enough:
            self._seeding.advance()
        self._made += 1


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What the search of one run works on.

    `fill` are the purchases that new money is spent on before any sale is considered: they are the
    plan, and the search among purchases says how good they are. None: everything is searched.
    """

    scene: Scene
    ground: Ground
    terms: Terms
    fill: Found | None
    notes: tuple[str, ...]
    sowing: Sowing

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        return self.ground.space.candidates


def make_work(given: PlanInput, scene: Scene, kernels: Kernels | None = None) -> Work:
    """Find the candidates and lay out the search; new money goes first where that is wanted."""
    found = find_candidates(scene)
    everything = (
        *found,
        *partial_candidates(scene, found),
        *relaxed_candidates(scene, found, find=find_candidates),
    )
    if scene.config.new_money_first:
        filled = _new_money(given, scene, everything, kernels)
        if filled is not None:
            return filled
    ground = _ground(given, scene, everything, frozenset(), kernels)
    return _work(given, scene, ground, None)


def _work(given: PlanInput, scene: Scene, ground: Ground, fill: Found | None) -> Work:
    terms = Terms(budget=scene.config.node_budget, beam_width=scene.config.beam_width)
    out = ground.space.left_out
    notes = (f"{out} candidates were too many and left out",) if out else ()
    seeding = Seeding(
        ground.space,
        scene,
        correlations=given.correlations,
        regime=given.regime,
        seed=given.seed,
    )
    return Work(scene, ground, terms, fill, notes, Sowing(seeding))


def _ground(
    given: PlanInput,
    scene: Scene,
    candidates: tuple[Candidate, ...],
    wanted: frozenset[bytes],
    kernels: Kernels | None,
) -> Ground:
    where = space(
        candidates,
        scene.purse,
        scene.rules,
        max_depth=scene.config.max_depth,
        opens=given.opens,
        wanted=wanted,
    )
    rules = constraints(where, scene, correlations=given.correlations)
    arrays = score_arrays(scene, where.candidates, never=rules.blocked.diagonal())
    return Ground(where, arrays, rules, kernels)


def _new_money(
    given: PlanInput,
    scene: Scene,
    candidates: tuple[Candidate, ...],
    kernels: Kernels | None,
) -> Work | None:
    """The search among purchases, when what new money buys is worth more than doing nothing."""
    fill = new_money_fill(scene, scene.config.max_depth)
    if not fill:
        return None
    keys = frozenset(one.key for one in fill)
    others = (one for one in candidates if one.side == "BUY" and one.key not in keys)
    ground = _ground(given, scene, (*fill, *others), keys, kernels)
    combo = _placed(ground, fill)
    if not ground.rules.accepts(combo):
        return None
    found = ground.found([(combo, (NEW_MONEY,))])
    return _work(given, scene, ground, found[0]) if found and found[0].net > SAME else None


def _placed(ground: Ground, fill: Iterable[Candidate]) -> Combo:
    """The purchases as a set of the space, without those that must not stand with the others."""
    numbers = {one.key: number for number, one in enumerate(ground.space.candidates)}
    combo: Combo = ()
    for one in fill:
        longer = tuple(sorted((*combo, numbers[one.key])))
        if len(longer) <= ground.space.max_depth and ground.possible(longer):
            combo = longer
    return combo


def nothing_better(scene: Scene) -> str:
    """Why none of the candidates is worth it; below its reserve, cash pays for no purchase."""
    short = -scene.free_cash()
    missing = f"{whole(short)} of cash is missing from the reserve, and " if short.minor > 0 else ""
    return f"{missing}no affordable trade that the rules allow improves the portfolio enough"


def nothing_found(scene: Scene) -> str:
    """Why there is no candidate."""
    free = scene.free_cash()
    if free < scene.min_trade:
        spare = max(free, Money.zero(free.currency))
        return (
            f"{whole(spare)} of cash above the reserve is less than the smallest worthwhile trade,"
            f" {whole(scene.min_trade)}, and no position is far above its target"
        )
    return "no security that may be traded now is far enough from its target"
