"""The dense records a sequence evaluation works on; the planner builds them once per run.

Symbols, groups and actions are numbers here: the position of the symbol in the arrays, of the
group in the targets, of the action in the table.  `kernels.packing` builds both records from
names.  All arrays are checked and copied at construction and are read-only afterwards.
"""

from dataclasses import dataclass

import numpy as np

from kernels.checks import (
    AMOUNT_LIMIT,
    Bools,
    Floats,
    Ints,
    owned,
    require_amounts,
    require_index,
    require_number,
)

KEEP = -1
"""In `Axis.bought`: the security record has no label, a purchase keeps the present one."""

SMALLEST_TOTAL = 1e-6
RATIO_LIMIT = 1e6


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Axis:
    """One way to group the portfolio (by country or by industry), with G target groups.

    A group number is 0 to G-1 for a group with a target and G for "outside every target".

    targets   (G,) wanted fraction of the total value
    group     (S,) group of each symbol by the labels of the portfolio
    bought    (S,) group by the security's own record, which a purchase assigns; KEEP for none
    labelled  False when the portfolio has no label map at all: the axis is then neutral until
              the first purchase creates the map
    """

    targets: Floats
    group: Ints
    bought: Ints
    labelled: bool = True

    def __post_init__(self) -> None:
        size = len(self.group)
        object.__setattr__(self, "targets", owned("axis.targets", self.targets, dtype=np.float64))
        for field in ("group", "bought"):
            copy = owned(f"axis.{field}", getattr(self, field), dtype=np.int32, length=size)
            object.__setattr__(self, field, copy)
        outside = len(self.targets)
        require_amounts("axis.targets", self.targets, limit=RATIO_LIMIT)
        require_index("axis.group", self.group, low=0, high=outside)
        require_index("axis.bought", self.bought, low=KEEP, high=outside)


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

    def __post_init__(self) -> None:
        size = len(self.value)
        for field in ("value", "score", "income"):
            copy = owned(field, getattr(self, field), dtype=np.float64, length=size)
            object.__setattr__(self, field, copy)
        object.__setattr__(self, "held", owned("held", self.held, dtype=np.bool_, length=size))
        self._check_arrays(size)
        self._check_scalars()

    def _check_arrays(self, size: int) -> None:
        require_amounts("value", self.value)
        require_amounts("score", self.score, limit=RATIO_LIMIT, missing=True)
        require_amounts("income", self.income, limit=RATIO_LIMIT, missing=True)
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
        for field in ("value", "adjusted"):
            copy = owned(field, getattr(self, field), dtype=np.float64, length=size)
            object.__setattr__(self, field, copy)
            require_amounts(field, copy)
