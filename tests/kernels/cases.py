"""Portfolios the sequence tests share: the golden one, random ones, and hypothesis strategies."""

from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from kernels.checks import Ints
from kernels.packing import NamedAxis, NamedProblem, Trade
from kernels.problem import Actions, Axis, Problem, ScoreWeights

GOLDEN = NamedProblem(
    positions={"AAA": 4000.0, "BBB": 3000.0, "CCC": 2000.0, "DDD": 1000.0},
    country=NamedAxis(
        targets={"EU": 0.5, "US": 0.3, "ASIA": 0.2},
        groups={"Germany": "EU", "France": "EU", "United States": "US", "Japan": "ASIA"},
        labels={"AAA": "Germany", "BBB": "United States", "CCC": "Japan", "DDD": "Brazil"},
        records={
            "AAA": "Germany",
            "BBB": "United States",
            "CCC": "Japan",
            "DDD": "Brazil",
            "EEE": "France",
            "FFF": None,
        },
    ),
    industry=NamedAxis(
        targets={"TECH": 0.4, "HEALTH": 0.3, "FIN": 0.3},
        groups={"Software": "TECH", "Banks": "FIN", "Pharma": "HEALTH"},
        labels={"AAA": "Software", "BBB": "Banks", "CCC": "Pharma", "DDD": "Mining"},
        records={
            "AAA": "Software",
            "BBB": "Banks",
            "CCC": "Pharma",
            "DDD": "Mining",
            "EEE": "Pharma",
            "FFF": "Banks",
        },
    ),
    scores={"AAA": 0.8, "BBB": 0.6, "CCC": 0.7, "EEE": 0.9},
    yields={"AAA": 0.02, "BBB": 0.04, "FFF": 0.06},
    total=10000.0,
    cash=1500.0,
)

GOLDEN_ADJUSTMENTS = {"EEE": 1.6, "BBB": 0.9}


def trade(side: str, symbol: str, quantity: float) -> Trade:
    """All unit prices of the golden portfolio are 100."""
    return Trade(symbol=symbol, side=side, value=quantity * 100, quantity=quantity, price=100.0)


GOLDEN_SEQUENCES: list[list[Trade]] = [
    [],
    [trade("BUY", "EEE", 10)],
    [trade("SELL", "BBB", 10), trade("BUY", "EEE", 20)],
    [trade("BUY", "EEE", 20)],
    [trade("SELL", "DDD", 20), trade("BUY", "AAA", 5)],
    [trade("BUY", "FFF", 15)],
    [trade("SELL", "AAA", 40), trade("SELL", "BBB", 30), trade("SELL", "CCC", 20)],
    [trade("SELL", "ZZZ", 5), trade("BUY", "EEE", 18)],
    [trade("BUY", "EEE", 5), trade("SELL", "AAA", 10)],
]


def flatten(sequences: list[list[Trade]]) -> tuple[list[Trade], list[list[int]]]:
    """One action table for all sequences, and each sequence as numbers into it."""
    table: list[Trade] = []
    rows: list[list[int]] = []
    for sequence in sequences:
        rows.append(list(range(len(table), len(table) + len(sequence))))
        table.extend(sequence)
    return table, rows


def random_axis(rng: np.random.Generator, symbols: int, groups: int) -> Axis:
    return Axis(
        targets=rng.dirichlet(np.ones(groups)) if groups else np.zeros(0),
        group=rng.integers(0, groups + 1, symbols, dtype=np.int32),
        bought=rng.integers(-1, groups + 1, symbols, dtype=np.int32),
        labelled=bool(rng.random() < 0.8),
    )


def _gaps(rng: np.random.Generator, symbols: int, high: float) -> np.ndarray:
    return np.where(rng.random(symbols) < 0.3, np.nan, rng.random(symbols) * high)


def random_case(seed: int, *, rows: int, strict: bool) -> tuple[Problem, Actions, Ints]:
    """A dense random portfolio with every kind of gap, and random padded sequences."""
    rng = np.random.default_rng(seed)
    symbols, actions, depth = (int(n) for n in rng.integers(1, [40, 60, 8]))
    held = rng.random(symbols) < 0.5
    value = np.where(held, rng.random(symbols) * 5000, 0.0)
    problem = Problem(
        value=value,
        held=held,
        score=_gaps(rng, symbols, 1.0),
        income=_gaps(rng, symbols, 0.1),
        country=random_axis(rng, symbols, int(rng.integers(0, 6))),
        industry=random_axis(rng, symbols, int(rng.integers(0, 9))),
        total=float(value.sum() + 2000.0) if rng.random() < 0.9 else 0.0,
        cash=2000.0,
        fee_fixed=2.0,
        fee_percent=0.002,
        cost_factor=float(rng.integers(0, 2)) * 0.1,
    )
    amount = rng.random(actions) * 1500
    shift = np.ones(actions) if strict else rng.uniform(0.5, 2.0, actions)
    table = Actions(
        symbol=rng.integers(0, symbols, actions, dtype=np.int32),
        sell=rng.random(actions) < 0.5,
        value=amount,
        adjusted=amount * shift,
    )
    sequences = rng.integers(0, actions, (rows, depth), dtype=np.int32)
    lengths = rng.integers(0, depth + 1, (rows, 1))
    sequences[np.arange(depth) >= lengths] = -1
    return problem, table, sequences


SYMBOLS = st.sampled_from(["A", "B", "C", "D", "E", "F"])
LABELS = st.sampled_from(["x", "y", "z", "", "OTHER"])
GROUPS = st.sampled_from(["G1", "G2", "G3", "OTHER"])
AMOUNTS = st.integers(0, 500_000).map(lambda cents: cents / 100)
FRACTIONS = st.floats(0, 1, allow_nan=False)


@st.composite
def named_axes(draw: st.DrawFn) -> NamedAxis:
    return NamedAxis(
        targets=draw(st.dictionaries(GROUPS, FRACTIONS)),
        groups=draw(st.dictionaries(LABELS, GROUPS)),
        labels=draw(st.none() | st.dictionaries(SYMBOLS, LABELS)),
        records=draw(st.dictionaries(SYMBOLS, st.none() | LABELS)),
    )


@st.composite
def steady_axes(draw: st.DrawFn) -> NamedAxis:
    """One where no purchase moves anything to another group: its records say what it shows."""
    axis = draw(named_axes())
    if draw(st.booleans()):
        members = st.dictionaries(SYMBOLS, st.lists(GROUPS, max_size=3))
        return replace(axis, members=draw(members))
    return replace(axis, records=axis.labels or {})


@st.composite
def named_problems(
    draw: st.DrawFn, axes: st.SearchStrategy[NamedAxis] | None = None
) -> NamedProblem:
    """Null and empty maps, zero and negative totals, labels and records that miss symbols."""
    axis = named_axes() if axes is None else axes
    return NamedProblem(
        positions=draw(st.dictionaries(SYMBOLS, AMOUNTS)),
        country=draw(axis),
        industry=draw(axis),
        scores=draw(st.dictionaries(SYMBOLS, FRACTIONS)),
        yields=draw(st.dictionaries(SYMBOLS, st.floats(0, 0.2, allow_nan=False))),
        total=draw(st.sampled_from([0.0, -5.0]) | st.floats(100, 50_000)),
        cash=draw(AMOUNTS | st.just(-50.0)),
        fee_fixed=draw(st.sampled_from([0.0, 2.0])),
        fee_percent=draw(st.sampled_from([0.0, 0.002])),
        cost_factor=draw(st.sampled_from([0.0, 0.1, 1.0])),
    )


@st.composite
def weighted_problems(draw: st.DrawFn, *, steady: bool = False) -> NamedProblem:
    """Of any weights, with worth, and with symbols that stand in several groups."""
    named = draw(named_problems(steady_axes() if steady else named_axes() | steady_axes()))
    return replace(
        named,
        total=draw(st.floats(100, 50_000)) if steady else named.total,
        worth=draw(st.dictionaries(SYMBOLS, FRACTIONS)),
        weights=draw(
            st.builds(
                ScoreWeights,
                country=FRACTIONS,
                industry=FRACTIONS,
                quality=FRACTIONS,
                worth=FRACTIONS,
                constant=st.floats(-0.1, 0.5),
            )
        ),
    )


@st.composite
def trades(draw: st.DrawFn) -> Trade:
    quantity = draw(st.integers(0, 30))
    price = draw(st.integers(1, 20_000)) / 100
    return Trade(
        symbol=draw(SYMBOLS),
        side=draw(st.sampled_from(["BUY", "SELL"])),
        value=quantity * price,
        quantity=float(quantity),
        price=price,
    )


SEQUENCES = st.lists(st.lists(trades(), max_size=6), min_size=1, max_size=4)
ADJUSTMENTS = st.none() | st.dictionaries(SYMBOLS, st.floats(0.5, 2.0))
