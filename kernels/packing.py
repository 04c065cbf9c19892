"""Builds the dense records of the sequence kernel from mappings of names.

The policy room hands over plain dictionaries; here names become numbers, symbols in ascending
order, so that equal portfolios always give equal arrays and therefore equal bits.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from kernels.checks import Floats, Ints
from kernels.problem import COMPATIBILITY_WEIGHTS, KEEP, Actions, Axis, Problem, ScoreWeights

OTHER = "OTHER"
"""The label of a symbol without one, and the group of a label without one."""

SELL = "SELL"


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedAxis:
    """One way to group the portfolio, by names.

    targets  group -> wanted fraction of the total value
    groups   label -> group
    labels   symbol -> label of the portfolio; None = there is no such map (not: an empty one)
    records  symbol -> label of the security record, None = unknown; a purchase assigns it
    members  symbol -> the groups it stands in, in equal parts; with it the three above are not
             used, and no purchase moves anything to another group
    """

    targets: Mapping[str, float]
    groups: Mapping[str, str] = field(default_factory=dict[str, str])
    labels: Mapping[str, str] | None = None
    records: Mapping[str, str | None] = field(default_factory=dict[str, str | None])
    members: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedProblem:
    """A portfolio by names: amounts in EUR, scores 0-1, yields as fractions.

    `worth` is what the whole total in a symbol would add to the score, 0 where it is absent.
    """

    positions: Mapping[str, float]
    country: NamedAxis
    industry: NamedAxis
    scores: Mapping[str, float] = field(default_factory=dict[str, float])
    yields: Mapping[str, float] = field(default_factory=dict[str, float])
    total: float
    cash: float
    fee_fixed: float = 2.0
    fee_percent: float = 0.002
    cost_factor: float = 0.1
    worth: Mapping[str, float] = field(default_factory=dict[str, float])
    weights: ScoreWeights = COMPATIBILITY_WEIGHTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One candidate action; every side but "SELL" is a purchase.

    `quantity` and `price` (EUR) matter under adjusted prices only.
    """

    symbol: str
    side: str
    value: float
    quantity: float = 0.0
    price: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """The dense records; `symbols[i]` is the name of symbol i."""

    problem: Problem
    actions: Actions
    symbols: tuple[str, ...]


def pack(
    named: NamedProblem, trades: Sequence[Trade], *, adjustments: Mapping[str, float] | None = None
) -> Packed:
    """Number every symbol of the positions, records and trades, and fill the arrays.

    `adjustments` multiply the price of a symbol; symbols without one keep their plain value.
    """
    symbols = tuple(
        sorted(
            {
                *named.positions,
                *named.country.records,
                *named.industry.records,
                *(trade.symbol for trade in trades),
            }
        )
    )
    problem = Problem(
        value=_column(symbols, named.positions, absent=0.0),
        held=np.array([symbol in named.positions for symbol in symbols], dtype=np.bool_),
        score=_column(symbols, named.scores, absent=np.nan),
        income=_column(symbols, named.yields, absent=np.nan),
        country=_axis(symbols, named.country),
        industry=_axis(symbols, named.industry),
        total=named.total,
        cash=named.cash,
        fee_fixed=named.fee_fixed,
        fee_percent=named.fee_percent,
        cost_factor=named.cost_factor,
        worth=_column(symbols, named.worth, absent=0.0),
        weights=named.weights,
    )
    return Packed(problem, _actions(symbols, trades, adjustments or {}), symbols)


def pack_sequences(sequences: Sequence[Sequence[int]]) -> Ints:
    """Rows of action numbers as one matrix, padded with -1 behind the shorter ones."""
    depth = max((len(sequence) for sequence in sequences), default=0)
    matrix = np.full((len(sequences), depth), -1, dtype=np.int32)
    for row, sequence in enumerate(sequences):
        matrix[row, : len(sequence)] = sequence
    return matrix


def _column(symbols: Iterable[str], values: Mapping[str, float], *, absent: float) -> Floats:
    return np.array([values.get(symbol, absent) for symbol in symbols], dtype=np.float64)


def _axis(symbols: Sequence[str], named: NamedAxis) -> Axis:
    number = {group: index for index, group in enumerate(named.targets)}
    labels: Mapping[str, str] = named.labels or {}

    def group_of(label: str) -> int:
        return number.get(named.groups.get(label, OTHER), len(number))

    def bought(label: str | None) -> int:
        return KEEP if label is None else group_of(label)

    return Axis(
        targets=np.array(list(named.targets.values()), dtype=np.float64),
        group=np.array([group_of(labels.get(s, OTHER)) for s in symbols], dtype=np.int32),
        bought=np.array([bought(named.records.get(s)) for s in symbols], dtype=np.int32),
        labelled=named.labels is not None or named.members is not None,
        shares=None if named.members is None else _shares(symbols, number, named.members),
    )


def _shares(
    symbols: Sequence[str], number: Mapping[str, int], members: Mapping[str, Sequence[str]]
) -> Floats:
    """Equal parts; a group without a target, and the lack of any group, is outside every target."""
    outside = len(number)
    shares = np.zeros((len(symbols), outside + 1))
    for row, symbol in enumerate(symbols):
        groups = sorted(set(members.get(symbol, ()))) or (OTHER,)
        for group in groups:
            shares[row, number.get(group, outside)] += 1.0 / len(groups)
    return shares


def _actions(
    symbols: Sequence[str], trades: Sequence[Trade], adjustments: Mapping[str, float]
) -> Actions:
    number = {symbol: index for index, symbol in enumerate(symbols)}

    def adjusted(trade: Trade) -> float:
        if trade.symbol not in adjustments:
            return trade.value
        return trade.quantity * (trade.price * adjustments[trade.symbol])

    return Actions(
        symbol=np.array([number[trade.symbol] for trade in trades], dtype=np.int32),
        sell=np.array([trade.side == SELL for trade in trades], dtype=np.bool_),
        value=np.array([trade.value for trade in trades], dtype=np.float64),
        adjusted=np.array([adjusted(trade) for trade in trades], dtype=np.float64),
    )
