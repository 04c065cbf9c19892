"""Sequence evaluation in plain dictionaries: the independent definition the kernels must meet.

Written for reading: it walks whole portfolios per sequence and shares no arithmetic with the
kernels.  Also the plain-Python side of the benchmark.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


def strict(named: NamedProblem, trades: Sequence[Trade]) -> Expected:
    """The strict mode: fees in cash, no sale above the holding, no step the cash cannot pay."""
    cost = _cost(named, trades)
    refused = Expected(0.0, named.cash, cost, feasible=False)
    state = _start(named)
    for trade in trades:
        fee = named.fee_fixed + named.fee_percent * trade.value
        if trade.side == "SELL":
            holding = state.positions.get(trade.symbol, 0.0)
            if trade.value > holding + 1e-6 or fee - trade.value > max(0.0, state.cash):
                return refused
            state.cash += trade.value - fee
            if holding - trade.value <= 1e-6:
                state.positions.pop(trade.symbol, None)
            else:
                state.positions[trade.symbol] = holding - trade.value
        else:
            if trade.value + fee > state.cash:
                return refused
            state.cash -= trade.value + fee
            state.positions[trade.symbol] = state.positions.get(trade.symbol, 0.0) + trade.value
            _relabel(state, named, trade.symbol)
    return Expected(_score(named, state, cost), state.cash, cost, feasible=True)


def _attainment(
    axis: NamedAxis, labels: Mapping[str, str] | None, positions: Mapping[str, float], total: float
) -> float:
    if labels is None or not axis.targets:
        return 0.5
    sums: dict[str, float] = {}
    for symbol, value in positions.items():
        group = axis.groups.get(labels.get(symbol, "OTHER"), "OTHER")
        sums[group] = sums.get(group, 0.0) + value
    deviations = [abs(sums.get(group, 0.0) / total - t) for group, t in axis.targets.items()]
    return max(0.0, 1.0 - (sum(deviations) / len(deviations)) / 0.3)


def _quality(named: NamedProblem, positions: Mapping[str, float]) -> float:
    scored = [(named.scores[s], v / named.total) for s, v in positions.items() if s in named.scores]
    paying = [(named.yields[s], v / named.total) for s, v in positions.items() if s in named.yields]
    quality = sum(score * weight for score, weight in scored)
    income = min(1.0, 10.0 * sum(rate * weight for rate, weight in paying))
    if scored and paying:
        return 0.6 * quality + 0.4 * income
    if scored:
        return quality
    return income if paying else 0.5


def _score(named: NamedProblem, state: State, cost: float) -> float:
    if named.total <= 0:
        return 0.5
    country = _attainment(named.country, state.countries, state.positions, named.total)
    industry = _attainment(named.industry, state.industries, state.positions, named.total)
    quality = _quality(named, state.positions)
    score = min(1.0, 0.40 * country + 0.30 * industry + 0.30 * quality)
    if named.cost_factor > 0:
        score = max(0.0, score - (cost / named.total) * named.cost_factor)
    return min(1.0, score)
