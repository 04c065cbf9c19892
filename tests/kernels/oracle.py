"""Sequence evaluation in plain dictionaries: the independent definition the kernels must meet.

Three ways to take a step (compatibility, strict, on a price path) and two ways to score the end
(plain, and smooth: no floor, no clamp, the quality's parts fixed by the start).

Written for reading: it walks whole portfolios per sequence and shares no arithmetic with the
kernels.  Also the plain-Python side of the benchmark.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kernels.packing import NamedAxis, NamedProblem, Trade


@dataclass(frozen=True, slots=True)
class Expected:
    score: float
    end_cash: float
    cost: float
    feasible: bool


@dataclass(slots=True)
class State:
    positions: dict[str, float]
    countries: dict[str, str] | None
    industries: dict[str, str] | None
    cash: float


def _start(named: NamedProblem) -> State:
    countries, industries = named.country.labels, named.industry.labels
    return State(
        positions=dict(named.positions),
        countries=None if countries is None else dict(countries),
        industries=None if industries is None else dict(industries),
        cash=named.cash,
    )


def _cost(named: NamedProblem, trades: Sequence[Trade]) -> float:
    return sum(named.fee_fixed + named.fee_percent * abs(trade.value) for trade in trades)


def _relabel(state: State, named: NamedProblem, symbol: str) -> None:
    """A purchase creates missing label maps and assigns the labels the record knows."""
    if state.countries is None:
        state.countries = {}
    if state.industries is None:
        state.industries = {}
    country = named.country.records.get(symbol)
    industry = named.industry.records.get(symbol)
    if country is not None:
        state.countries[symbol] = country
    if industry is not None:
        state.industries[symbol] = industry


def _fits(named: NamedProblem, trades: Sequence[Trade]) -> bool:
    cash = named.cash
    for trade in trades:
        if trade.side == "SELL":
            cash += trade.value
        elif trade.value > cash:
            return False
        else:
            cash -= trade.value
    return True


def compatible(
    named: NamedProblem, trades: Sequence[Trade], adjustments: Mapping[str, float] | None = None
) -> Expected:
    """The compatibility mode: fees outside the cash, clamped sales, skipped purchases."""
    cost = _cost(named, trades)
    if not _fits(named, trades):
        return Expected(0.0, named.cash, cost, feasible=False)
    state = _start(named)
    for trade in trades:
        value = trade.value
        if adjustments is not None and trade.symbol in adjustments:
            value = trade.quantity * (trade.price * adjustments[trade.symbol])
        if trade.side == "SELL":
            left = max(0.0, state.positions.get(trade.symbol, 0.0) - value)
            if left <= 0:
                state.positions.pop(trade.symbol, None)
            else:
                state.positions[trade.symbol] = left
            state.cash += value
        elif value <= state.cash:
            state.positions[trade.symbol] = state.positions.get(trade.symbol, 0.0) + value
            _relabel(state, named, trade.symbol)
            state.cash -= value
    return Expected(_score(named, state, cost), state.cash, cost, feasible=True)


def strict(named: NamedProblem, trades: Sequence[Trade], *, smooth: bool = False) -> Expected:
    """The strict mode: fees in cash, no sale above the holding, no step the cash cannot pay."""
    cost = _cost(named, trades)
    refused = Expected(0.0, named.cash, cost, feasible=False)
    state = _start(named)
    for trade in trades:
        fee = named.fee_fixed + named.fee_percent * trade.value
        if trade.side == "SELL":
            if trade.value > state.positions.get(trade.symbol, 0.0) + 1e-6:
                return refused
            if fee - trade.value > max(0.0, state.cash):
                return refused
            _sell(state, trade.symbol, trade.value, fee)
        else:
            if trade.value + fee > state.cash:
                return refused
            _buy(state, named, trade.symbol, trade.value, fee)
    score = _smooth if smooth else _score
    return Expected(score(named, state, cost), state.cash, cost, feasible=True)


def on_path(
    named: NamedProblem,
    trades: Sequence[Trade],
    multipliers: Mapping[str, float],
    cash_change: float,
    *,
    smooth: bool = False,
) -> Expected:
    """Every holding and trade at its moved price, the total with them; what does not fit, not."""
    moved = {symbol: value * multipliers[symbol] for symbol, value in named.positions.items()}
    there = replace(
        named,
        positions=moved,
        cash=named.cash + cash_change,
        total=named.total + sum(moved.values()) - sum(named.positions.values()) + cash_change,
    )
    state, cost = _start(there), 0.0
    for trade in trades:
        value = trade.value * multipliers[trade.symbol]
        fee = named.fee_fixed + named.fee_percent * value
        cost += fee
        if trade.side == "SELL":
            if value > state.positions.get(trade.symbol, 0.0) + 1e-6:
                return Expected(0.0, there.cash, cost, feasible=False)
            if fee - value <= max(0.0, state.cash):
                _sell(state, trade.symbol, value, fee)
        elif value + fee <= state.cash:
            _buy(state, there, trade.symbol, value, fee)
    score = _smooth if smooth else _score
    return Expected(score(there, state, cost), state.cash, cost, feasible=True)


def _sell(state: State, symbol: str, value: float, fee: float) -> None:
    left = state.positions.get(symbol, 0.0) - value
    state.cash += value - fee
    if left <= 1e-6:
        state.positions.pop(symbol, None)
    else:
        state.positions[symbol] = left


def _buy(state: State, named: NamedProblem, symbol: str, value: float, fee: float) -> None:
    state.cash -= value + fee
    state.positions[symbol] = state.positions.get(symbol, 0.0) + value
    _relabel(state, named, symbol)


def _group_sums(
    axis: NamedAxis, labels: Mapping[str, str], positions: Mapping[str, float]
) -> dict[str, float]:
    sums: dict[str, float] = {}
    for symbol, value in positions.items():
        group = axis.groups.get(labels.get(symbol, "OTHER"), "OTHER")
        sums[group] = sums.get(group, 0.0) + value
    return sums


def _shared_sums(
    members: Mapping[str, Sequence[str]], positions: Mapping[str, float]
) -> dict[str, float]:
    """Each symbol in equal parts in all of its groups."""
    sums: dict[str, float] = {}
    for symbol, value in positions.items():
        groups = set(members.get(symbol, ())) or {"OTHER"}
        for group in groups:
            sums[group] = sums.get(group, 0.0) + value / len(groups)
    return sums


def _deviation(
    axis: NamedAxis, labels: Mapping[str, str] | None, positions: Mapping[str, float], total: float
) -> float | None:
    """Mean over the groups with a target of |share - target|; None where the axis is neutral."""
    if not axis.targets or (labels is None and axis.members is None):
        return None
    if axis.members is not None:
        sums = _shared_sums(axis.members, positions)
    else:
        sums = _group_sums(axis, labels or {}, positions)
    deviations = [abs(sums.get(group, 0.0) / total - t) for group, t in axis.targets.items()]
    return sum(deviations) / len(deviations)


def _attainment(
    axis: NamedAxis, labels: Mapping[str, str] | None, positions: Mapping[str, float], total: float
) -> float:
    deviation = _deviation(axis, labels, positions, total)
    return 0.5 if deviation is None else max(0.0, 1.0 - deviation / 0.3)


def _quality(
    named: NamedProblem, positions: Mapping[str, float], *, seen: tuple[bool, bool] | None = None
) -> float:
    """`seen`: whether scores and yields count as there; by default those of these positions."""
    scored = [(named.scores[s], v / named.total) for s, v in positions.items() if s in named.scores]
    paying = [(named.yields[s], v / named.total) for s, v in positions.items() if s in named.yields]
    quality = sum(score * weight for score, weight in scored)
    income = min(1.0, 10.0 * sum(rate * weight for rate, weight in paying))
    has_scores, has_yields = seen or (bool(scored), bool(paying))
    if has_scores and has_yields:
        return 0.6 * quality + 0.4 * income
    if has_scores:
        return quality
    return income if has_yields else 0.5


def _worth(named: NamedProblem, positions: Mapping[str, float]) -> float:
    if named.weights.worth == 0:
        return 0.0
    return sum(named.worth.get(s, 0.0) * (v / named.total) for s, v in positions.items())


def _score(named: NamedProblem, state: State, cost: float) -> float:
    if named.total <= 0:
        return 0.5
    weights = named.weights
    score = min(
        1.0,
        weights.country * _attainment(named.country, state.countries, state.positions, named.total)
        + weights.industry
        * _attainment(named.industry, state.industries, state.positions, named.total)
        + weights.quality * _quality(named, state.positions)
        + weights.worth * _worth(named, state.positions)
        + weights.constant,
    )
    if named.cost_factor > 0:
        score = max(0.0, score - (cost / named.total) * named.cost_factor)
    return min(1.0, score)


def _smooth(named: NamedProblem, state: State, cost: float) -> float:
    """Labels are those of the start: nothing that is bought moves to another group."""
    if named.total <= 0:
        return 0.5
    score = named.weights.constant - (cost / named.total) * named.cost_factor
    for weight, axis in (
        (named.weights.country, named.country),
        (named.weights.industry, named.industry),
    ):
        deviation = _deviation(axis, axis.labels, state.positions, named.total)
        score += weight * (0.5 if deviation is None else 1.0 - deviation / 0.3)
    held = named.positions.keys()
    seen = (bool(held & named.scores.keys()), bool(held & named.yields.keys()))
    score += named.weights.quality * _quality(named, state.positions, seen=seen)
    return score + named.weights.worth * _worth(named, state.positions)
