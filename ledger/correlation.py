"""How alike securities move: correlations of their daily returns, as of a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Correlations:
    """`rows` holds for each symbol, in the order of `symbols`, its correlation with every one
    before it; None where too few days are common to both. `days` is how far back they look.
    """

    as_of: date
    days: int
    symbols: tuple[str, ...]
    rows: tuple[tuple[float | None, ...], ...]

    def index(self) -> Mapping[str, int]:
        return {symbol: number for number, symbol in enumerate(self.symbols)}

    def between(self, one: int, other: int) -> float | None:
        """The correlation of the symbols numbered `one` and `other`."""
        if one == other:
            return 1.0
        return self.rows[max(one, other)][min(one, other)]
