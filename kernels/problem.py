"""The dense records a sequence evaluation works on; the planner builds them once per run.

Symbols, groups and actions are numbers here: the position of the symbol in the arrays, of the
group in the targets, of the action in the table.  `kernels.packing` builds both records from
names.  All arrays are checked and copied at construction and are read-only afterwards.
"""

from dataclasses import dataclass, field
from functools import partial

import numpy as np

from kernels.checks import (
    AMOUNT_LIMIT,
    Bools,
    Floats,
    Ints,
    owned,
    owned_table,
    require_amounts,
    require_index,
    require_number,
)

KEEP = -1
"""In `Axis.bought`: the security record has no label, a purchase keeps the present one."""

SMALLEST_TOTAL = 1e-6
RATIO_LIMIT = 1e6
WHOLE_SLACK = 1e-9
"""How far the shares of one symbol may be from adding up to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreWeights:
    """What a score is made of; the defaults are those of the compatibility mode.

        country A(country) + industry A(industry) + quality Q + worth Σ worth_s v_s/T + constant

    Each part counts 0 to 1; the constant, -1 to 1, is what every portfolio has.
    """

    country: float = 0.40
    industry: float = 0.30
    quality: float = 0.30
    worth: float = 0.0
    constant: float = 0.0

    def __post_init__(self) -> None:
        for name in ("country", "industry", "quality", "worth"):
            require_number(f"weights.{name}", getattr(self, name), low=0, high=1)
        require_number("weights.constant", self.constant, low=-1, high=1)


COMPATIBILITY_WEIGHTS = ScoreWeights()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Axis:
    """One way to group the portfolio (by country or by industry), with G target groups.

    A group number is 0 to G-1 for a group with a target and G for "outside every target".

    targets   (G,) wanted fraction of the total value
    group     (S,) group of each symbol by the labels of the portfolio
    bought    (S,) group by the security's own record, which a purchase assigns; KEEP for none
    labelled  False when the portfolio has no label map at all: the axis is then neutral until
              the first purchase creates the map
    shares    (S, G+1) part of each symbol in each group, every row adding up to 1, for symbols
              that stand in several groups at once; then `group` and `bought` are not used and a
              purchase moves nothing to another group
    """

    targets: Floats
    group: Ints
    bought: Ints
    labelled: bool = True
    shares: Floats | None = None

    def __post_init__(self) -> None:
        size = len(self.group)
        object.__setattr__(self, "targets", owned("axis.targets", self.targets, dtype=np.float64))
        for name in ("group", "bought"):
            copy = owned(f"axis.{name}", getattr(self, name), dtype=np.int32, length=size)
            object.__setattr__(self, name, copy)
        outside = len(self.targets)
        require_amounts("axis.targets", self.targets, limit=RATIO_LIMIT)
        require_index("axis.group", self.group, low=0, high=outside)
        require_index("axis.bought", self.bought, low=KEEP, high=outside)
        if self.shares is not None:
            shares = owned_table("axis.shares", self.shares, shape=(size, outside + 1))
            object.__setattr__(self, "shares", shares)
            _require_shares(shares)


def _require_shares(shares: Floats) -> None:
    if not (shares >= 0).all():
        raise ValueError(f"axis.shares: {shares.min()}, expected 0 or more")
    for symbol, whole in enumerate(shares.sum(axis=1).tolist()):
        if not abs(whole - 1) <= WHOLE_SLACK:
            raise ValueError(f"axis.shares: {whole} in all for symbol {symbol}, expected 1")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """A portfolio and everything a sequence of trades can touch, over S symbols.

    value        (S,) EUR held now; 0 where nothing is held
    held         (S,) whether the symbol is a position; a position may be worth 0
    score        (S,) quality 0-1, NaN = missing
    income       (S,) dividend yield as a fraction, NaN = missing
    total        EUR of positions and cash, constant through a sequence; not positive = neutral
    cash         EUR available for purchases
    fee_fixed, fee_percent   fee of a trade = fixed + percent x |value|
    cost_factor  weight 0-1 of (costs / total) as a penalty on the score
    worth        (S,) what the whole total in this symbol would add to the score; empty = 0
    weights      how the parts of the score are weighted

    A portfolio without any score or yield map is one whose `score` or `income` is NaN throughout.
    """

    value: Floats
    held: Bools
    score: Floats
    income: Floats
    country: Axis
    industry: Axis
    total: float
    cash: float
    fee_fixed: float
    fee_percent: float
    cost_factor: float
    worth: Floats = field(default_factory=partial(np.zeros, 0))
    weights: ScoreWeights = COMPATIBILITY_WEIGHTS

    def __post_init__(self) -> None:
        size = len(self.value)
        if not len(self.worth):
            object.__setattr__(self, "worth", np.zeros(size))
        for name in ("value", "score", "income", "worth"):
            copy = owned(name, getattr(self, name), dtype=np.float64, length=size)
            object.__setattr__(self, name, copy)
        object.__setattr__(self, "held", owned("held", self.held, dtype=np.bool_, length=size))
        self._check_arrays(size)
        self._check_scalars()

    def _check_arrays(self, size: int) -> None:
        require_amounts("value", self.value)
        require_amounts("score", self.score, limit=RATIO_LIMIT, missing=True)
        require_amounts("income", self.income, limit=RATIO_LIMIT, missing=True)
        require_amounts("worth", self.worth, limit=RATIO_LIMIT)
        loose = self.value[~self.held]
        if loose.any():
            raise ValueError(f"value: {loose[loose != 0][0]} where nothing is held, expected 0")
        for name, axis in (("country", self.country), ("industry", self.industry)):
            if len(axis.group) != size:
                raise ValueError(f"{name}.group: length {len(axis.group)}, expected {size}")

    def _check_scalars(self) -> None:
        require_number("cash", self.cash, low=-AMOUNT_LIMIT, high=AMOUNT_LIMIT)
        require_number("total", self.total, low=-AMOUNT_LIMIT, high=AMOUNT_LIMIT)
        if 0 < self.total < SMALLEST_TOTAL:
            raise ValueError(f"total: {self.total}, expected {SMALLEST_TOTAL:g} or more when > 0")
        require_number("fee_fixed", self.fee_fixed, low=0, high=AMOUNT_LIMIT)
        require_number("fee_percent", self.fee_percent, low=0, high=1)
        require_number("cost_factor", self.cost_factor, low=0, high=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Actions:
    """The trades a sequence may contain, over A actions.

    symbol    (A,) index into the symbols of the problem
    sell      (A,) True = sale, False = purchase
    value     (A,) EUR traded
    adjusted  (A,) EUR traded under adjusted prices (quantity x price x multiplier), equal to
              `value` where the symbol has no adjustment; used in compatibility mode only
    """

    symbol: Ints
    sell: Bools
    value: Floats
    adjusted: Floats

    def __post_init__(self) -> None:
        size = len(self.symbol)
        object.__setattr__(self, "symbol", owned("symbol", self.symbol, dtype=np.int32))
        object.__setattr__(self, "sell", owned("sell", self.sell, dtype=np.bool_, length=size))
        for name in ("value", "adjusted"):
            copy = owned(name, getattr(self, name), dtype=np.float64, length=size)
            object.__setattr__(self, name, copy)
            require_amounts(name, copy)
