"""The rules of a space: what may be combined, and what is accepted in the end.

One set of rules binds patterns, generators and the search alike. Three kinds:

    pairs     two candidates that never stand together: `blocked`
    prefixes  what is wrong stays wrong with more trades behind it: `prefix_ok`
    results   what only the whole sequence can answer for: `accepts`

Each is a bounded number of integer operations on combinations of numbers; nothing is searched.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ledger.correlation import Correlations
from policy.planning import filters
from policy.planning.candidates import Candidate, Scene
from policy.planning.config import PlannerConfig
from policy.planning.space import Combo, Space

Masks = tuple[int, ...]
"""For every candidate the set of others, as bits."""


@dataclass(frozen=True, slots=True, eq=False)
class Constraints:
    """`blocked` is bool (A, A), symmetric, with A candidates: those two never stand together. On
    its diagonal: that one stands in no sequence at all.

    `notes` say in words what could not be checked, and what is left out for what is held.
    """

    blocked: npt.NDArray[np.bool_]
    notes: tuple[str, ...]
    _candidates: tuple[Candidate, ...]
    _config: PlannerConfig
    _alone: tuple[str | None, ...]
    _same: Masks
    _alike: Masks
    _needed: tuple[Masks, ...]
    _budgets: dict[str, int]

    def obstacle(self, combo: Combo) -> str | None:
        """Why neither this combination nor any with more behind it may be; None when it may.

        `combo` is ascending, sales before purchases.
        """
        seen = 0
        for number in combo:
            if self._alone[number] is not None:
                return self._alone[number]
            if self._same[number] & seen:
                return filters.REPEATED
            if self._alike[number] & seen:
                return filters.CORRELATED
            seen |= 1 << number
        for number in combo:
            # Sales come first, so those that would allow a purchase are known when it is reached.
            if not all(sales & seen for sales in self._needed[number]):
                return filters.CORRELATED_HOLDING
        return filters.GROUP_BUDGET if self._over_budget(combo) else None

    def prefix_ok(self, combo: Combo) -> bool:
        """False only if it is false of every combination that begins with this one."""
        return self.obstacle(combo) is None

    def shortfall(self, combo: Combo) -> str | None:
        """Why the whole of it is not good enough; None when it is. More trades may mend it."""
        sequence = tuple(self._candidates[number] for number in combo)
        if not sequence or filters.mean_priority(sequence) < self._config.priority_threshold:
            return filters.LOW_PRIORITY
        rule = self._config.filters.diversity
        if rule.enabled and filters.diversity(sequence) < rule.min_diversity_score:
            return filters.LOW_DIVERSITY
        return None

    def accepts(self, combo: Combo) -> bool:
        """Whether a sequence may be the result; one without trades may not."""
        return self.shortfall(combo) is None

    def _over_budget(self, combo: Combo) -> bool:
        left = dict(self._budgets)
        for number in combo:
            sale = self._candidates[number]
            if sale.group in left and sale.side == "SELL":
                left[sale.group] -= sale.value_eur.minor
                if left[sale.group] < 0:
                    return True
        return False


def constraints(
    space: Space, scene: Scene, *, correlations: Correlations | None, relaxed: bool = False
) -> Constraints:
    """The rules for the candidates of `space`, by the configuration of the scene.

    `relaxed` lets in what breaks a rule on purpose; nothing of that may be executed.
    """
    candidates = space.candidates
    alone = [_alone(scene, one, relaxed=relaxed) for one in candidates]
    same = _same_symbol(candidates)
    alike: list[int] = [0] * len(candidates)
    needed: list[Masks] = [()] * len(candidates)
    left_out: list[str] = []
    rule = scene.config.filters.correlation_aware
    if rule.enabled and correlations is not None:
        buys = [(n, c.symbol) for n, c in enumerate(candidates) if c.side == "BUY"]
        for one, other in filters.alike(buys, correlations, rule.correlation_threshold):
            alike[one] |= 1 << other
            alike[other] |= 1 << one
        for number, symbol in buys:
            holdings = filters.twins(scene, symbol, correlations)
            needed[number] = tuple(_sales_of(candidates, holding) for holding in holdings)
            if alone[number] is None and not all(needed[number]):
                alone[number] = filters.CORRELATED_HOLDING
                left_out.append(_left_out(symbol, holdings))
    return Constraints(
        blocked=_matrix(alone, same, alike),
        notes=(*_notes(scene, candidates, correlations), *dict.fromkeys(left_out)),
        _candidates=candidates,
        _config=scene.config,
        _alone=tuple(alone),
        _same=same,
        _alike=tuple(alike),
        _needed=tuple(needed),
        _budgets=filters.group_budgets(scene, candidates),
    )


def _left_out(symbol: str, holdings: tuple[str, ...]) -> str:
    above = "which is above its target" if len(holdings) == 1 else "which are above their targets"
    return f"{symbol} is left out: it moves like {', '.join(holdings)}, {above}"


def _alone(scene: Scene, one: Candidate, *, relaxed: bool) -> str | None:
    if one.executable:
        return filters.barred_by(scene, one)
    return None if relaxed else filters.NOT_EXECUTABLE


def _same_symbol(candidates: tuple[Candidate, ...]) -> Masks:
    """A candidate has its own symbol, too: it does not stand beside itself."""
    return tuple(
        _bits(n for n, other in enumerate(candidates) if other.symbol == one.symbol)
        for one in candidates
    )


def _sales_of(candidates: tuple[Candidate, ...], symbol: str) -> int:
    return _bits(n for n, c in enumerate(candidates) if c.side == "SELL" and c.symbol == symbol)


def _bits(numbers: Iterable[int]) -> int:
    return sum(1 << number for number in numbers)


def _matrix(alone: list[str | None], same: Masks, alike: list[int]) -> npt.NDArray[np.bool_]:
    count = len(alone)
    matrix = np.zeros((count, count), dtype=np.bool_)
    for one in range(count):
        together = same[one] | alike[one]
        for other in range(count):
            matrix[one, other] = one != other and bool(together >> other & 1)
    never = np.array([cause is not None for cause in alone], dtype=np.bool_)
    matrix[never, :] = True
    matrix[:, never] = True
    return matrix


def _notes(
    scene: Scene, candidates: tuple[Candidate, ...], correlations: Correlations | None
) -> tuple[str, ...]:
    rule = scene.config.filters.correlation_aware
    buys = sorted({c.symbol for c in candidates if c.side == "BUY"})
    if not rule.enabled or len(buys) < 2:
        return ()
    if correlations is None:
        return ("correlations are not known yet: no purchase was left out for moving like another",)
    notes: list[str] = []
    if correlations.days != rule.lookback_days:
        notes.append(
            f"correlations look back {correlations.days} days,"
            f" not the {rule.lookback_days} that are configured"
        )
    missing = [symbol for symbol in buys if symbol not in correlations.index()]
    if missing:
        notes.append(f"without correlations, and not compared: {', '.join(missing)}")
    return tuple(notes)
