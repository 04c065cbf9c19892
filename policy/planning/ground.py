"""The ground of a search: what stays the same while it goes on, and exact money where floats end.

The kernel knows neither conversions nor worst prices nor the floor of each currency, so what it
says a set is worth is never too little. Here a set is walked with exact money, held against the
rules, and gets its final worth:

    net    smooth score of its end − smooth score of doing nothing − Σ tolls of its trades
           − cost factor × costs of its conversions ÷ total
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from kernels.checks import Bools, Floats, Ints
from kernels.choose import SearchKernel, SequenceKernel
from kernels.packing import pack_sequences
from kernels.search import Extensions, extend
from kernels.sequences import run
from policy.planning.arrays import ScoreArrays, euros
from policy.planning.found import Found
from policy.planning.frontier import PADDING
from policy.planning.shown import shown_scores
from policy.planning.space import Combo, Memo, Space, fresh_memo, sequence_of, walk

# Walked prefixes kept, about 1 KB each.
MAX_MEMO = 4096


class Rules(Protocol):
    """Which sets may be; see `policy.planning.constraints`."""

    @property
    def blocked(self) -> Bools: ...

    def prefix_ok(self, combo: Combo, /) -> bool: ...

    def accepts(self, combo: Combo, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class Kernels:
    """The back ends; None takes those of the process."""

    sequences: SequenceKernel | None = None
    search: SearchKernel | None = None


class Ground:
    """See the module's docstring. Every answer depends on its arguments alone; what is kept of
    earlier walks only saves time.
    """

    def __init__(
        self, space: Space, arrays: ScoreArrays, rules: Rules, kernels: Kernels | None = None
    ) -> None:
        self.space = space
        self.arrays = arrays
        self.rules = rules
        self.kernels = kernels or Kernels()
        self._memo: Memo = fresh_memo(space)
        self._nothing = float(self._scores(pack_sequences([()]))[0])

    @property
    def actions(self) -> int:
        return len(self.space.candidates)

    @property
    def max_depth(self) -> int:
        return min(self.space.max_depth, self.actions)

    def nets(self, rows: Ints) -> Floats:
        """What the kernel says the sets are worth; -inf where it says they cannot be paid for."""
        tolls = np.zeros(len(rows))
        for column in range(rows.shape[1]):
            action = rows[:, column]
            tolls += np.where(action == PADDING, 0.0, self.arrays.tolls[action])
        return (self._scores(rows) - self._nothing) - tolls

    def extended(self, parents: Ints, *, steps_left: int) -> Extensions:
        """The kernel's extensions of sets by one action each, see `kernels.search`."""
        return extend(
            self.arrays.ranking,
            parents,
            steps_left=steps_left,
            blocked=self.rules.blocked,
            kernel=self.kernels.search,
        )

    def possible(self, combo: Combo) -> bool:
        """Whether the set may be and can be paid for; if not, nothing that begins with it does."""
        return self.rules.prefix_ok(combo) and self._walked(combo)

    def conversions_cost(self, combo: Combo) -> float:
        """What the conversions of a possible set take from its score. More behind it only adds."""
        cost = 0
        for depth in range(1, len(combo) + 1):
            funded = walk(self.space, combo[:depth], self._memo)
            assert funded is not None
            cost += sum(step.cost_eur.minor for step in funded.conversions)
        return cost / 100 * self.arrays.cost_penalty

    def found(self, combos: Sequence[tuple[Combo, tuple[str, ...]]]) -> list[Found]:
        """Those that can be executed, of sets with their origins; the rules are not asked."""
        sequences = [
            (sequence, origins)
            for combo, origins in combos
            if self._walked(combo)
            and (sequence := sequence_of(self.space, combo, self._memo)) is not None
        ]
        if not sequences:
            return []
        combos_of = [sequence.combo for sequence, _ in sequences]
        nets = self.nets(pack_sequences(combos_of))
        scores = shown_scores(
            self.arrays,
            combos_of,
            [sequence.cost for sequence, _ in sequences],
            kernel=self.kernels.sequences,
        )
        return [
            Found(
                combo=sequence.combo,
                net=float(net) - euros(sequence.fx_cost) * self.arrays.cost_penalty,
                score=score,
                sequence=sequence,
                origins=origins,
            )
            for (sequence, origins), net, score in zip(sequences, nets, scores, strict=True)
            if net > -np.inf
        ]

    def _walked(self, combo: Combo) -> bool:
        if len(self._memo) > MAX_MEMO:
            self._memo.clear()
            self._memo.update(fresh_memo(self.space))
        return walk(self.space, combo, self._memo) is not None

    def _scores(self, rows: Ints) -> Floats:
        raw = run(self.arrays.ranking, rows, kernel=self.kernels.sequences)
        return np.where(raw.feasible, raw.score, -np.inf)
