"""What a search found: a sequence that can be executed, and what it is worth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from policy.planning.candidates import Candidate
from policy.planning.space import Combo, TradeSequence


@dataclass(frozen=True, slots=True)
class Found:
    """A sequence that was walked with exact money.

    `net` is what it is worth beyond doing nothing, 0 to 1, after costs and the hurdle of its
    turnover; `score` the score people see at its end, after costs; `origins` what led to it first.
    """

    combo: Combo
    net: float
    score: float
    sequence: TradeSequence
    origins: tuple[str, ...]

    @property
    def rank(self) -> tuple[float, bytes]:
        """Lower is better: the larger net, and among equals the smaller canonical encoding."""
        return -self.net, self.sequence.encoding

    @property
    def shape(self) -> frozenset[tuple[str, str]]:
        """What is traded, whatever the sizes."""
        trades = (step for step in self.sequence.steps if isinstance(step, Candidate))
        return frozenset((trade.side, trade.symbol) for trade in trades)


def best_of(found: Iterable[Found], count: int) -> tuple[Found, ...]:
    """The best `count`, best first, each shape once in its best sizes; what came first keeps its
    origins.
    """
    unique: dict[frozenset[tuple[str, str]], Found] = {}
    for one in sorted(found, key=lambda one: one.rank):
        unique.setdefault(one.shape, one)
    return tuple(unique.values())[:count]
