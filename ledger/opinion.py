"""What is thought of the holdings: what speaks for selling each, and how good the whole is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ledger.money import Money, Quantity


@dataclass(frozen=True, slots=True)
class SellOpinion:
    """How much speaks for selling part of a position, from 0 to 1, and how much of it to sell.

    `components` by name, None where not known; `coverage` the part of their weights known.
    `sell_share` is a fraction of the position, `profit` one of its average cost. `quantity` and
    `value_eur` are what to sell; they, `total` and `sell_share` are zero unless `eligible`.
    """

    symbol: str
    eligible: bool
    block_reason: str | None
    components: Mapping[str, float | None]
    total: float | None
    coverage: float
    sell_share: float
    quantity: Quantity
    value_eur: Money
    profit: float | None
    days_held: int | None


@dataclass(frozen=True, slots=True)
class Windfall:
    """A gain beyond what its security usually earns in the time it was held.

    Gains are fractions of the cost. `assumed_growth`: growth was not known and taken as 10 %.
    `sell_share` is the part of the position to sell, None when nothing is.
    """

    gain: float
    years_held: float
    growth: float
    assumed_growth: bool
    expected: float
    excess: float
    score: float
    sell_share: float | None

    @property
    def reason(self) -> str:
        usual = f"{self.expected:.1%} is usual in that time"
        guess = ", if it grows as most do" if self.assumed_growth else ""
        return f"its gain is {self.gain:.1%}, and {usual}{guess}"


@dataclass(frozen=True, slots=True)
class PortfolioHealth:
    """Each 0 to 100 to one decimal; `reasons` say, by name, why a figure was assumed."""

    total: float
    diversification: float
    dividend: float
    quality: float
    reasons: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EndStateComponent:
    score: float
    weight: float

    @property
    def contribution(self) -> float:
        return self.score * self.weight


@dataclass(frozen=True, slots=True)
class EndState:
    """How good a whole portfolio is, from 0 to 1: the sum of what its components contribute.

    `coverage` is the part of the invested value whose three scores are known. `reason` says why
    the score is a neutral 0.5, or why its diversification is.
    """

    score: float
    components: Mapping[str, EndStateComponent]
    coverage: float
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Opinions:
    """What was thought of the portfolio on a market day; `sells` and `windfalls` by security id.

    What was held has a sell opinion, and a windfall where its gain and its time are known. While
    the total value was not known nothing has an opinion: no weight is known without it.
    """

    as_of: date
    sells: Mapping[int, SellOpinion]
    windfalls: Mapping[int, Windfall]
    health: PortfolioHealth | None
    end_state: EndState | None
