"""The choice among the best: portfolios on which moving prices, or more objectives, turn it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Context, Decimal
from hashlib import blake2b
from typing import Any

import numpy as np
import pytest

from kernels.checks import Floats
from kernels.choose import load
from kernels.packing import NamedAxis, NamedProblem, Packed, Trade, pack, pack_sequences
from kernels.problem import ScoreWeights
from kernels.scenarios import summary
from kernels.sequences import run
from kernels.workload import Workload, prepare
from ledger.correlation import Correlations
from ledger.money import Money
from policy.planning.config import PlannerConfig
from policy.planning.facts import SecurityFacts
from policy.planning.price_paths import cholesky, exponential, price_paths
from policy.planning.robust import Outlook, choose
from policy.planning.space import Combo
from policy.scoring.end_state import EndStateParts
from tests.kernels.conftest import needs_extension

SHIFTED = PlannerConfig(enable_stochastic_scenarios=True)
SEEDED = PlannerConfig(enable_monte_carlo_paths=True, monte_carlo_path_count=200)
BLENDED = PlannerConfig(enable_multi_objective=True)


@dataclass(frozen=True)
class Named:
    cost: Money
    encoding: bytes


@dataclass(frozen=True)
class Tried:
    combo: Combo
    net: float
    sequence: Named


def packed_world(trades: Sequence[Trade], *, worth: Mapping[str, float], cash: float) -> Packed:
    """10,000 EUR: 6,000 in OLD, of group x, the target of which is 0.6; y has 0.4 and nothing."""
    members = {"OLD": ["x"], **{trade.symbol: ["y"] for trade in trades if trade.side == "BUY"}}
    named = NamedProblem(
        positions={"OLD": 6000.0},
        country=NamedAxis(targets={"x": 0.6, "y": 0.4}, members=members),
        industry=NamedAxis(targets={}, members={}),
        total=10_000.0,
        cash=cash,
        cost_factor=0.0,
        worth=worth,
        weights=ScoreWeights(country=0.25, industry=0.0, quality=0.0, worth=1.0),
    )
    return pack(named, trades)


def bought(symbol: str, value: float) -> Trade:
    return Trade(symbol=symbol, side="BUY", value=value)


class World:
    """Options on a packed world: each a set of trades, at a hurdle of what it says it costs."""

    def __init__(
        self, trades: Sequence[Trade], *, worth: Mapping[str, float], cash: float = 4000.0
    ) -> None:
        packed = packed_world(trades, worth=worth, cash=cash)
        self.symbols = packed.symbols
        self.work: Workload = prepare(packed.problem, packed.actions, mode="strict", smooth=True)

    def option(self, combo: Combo, *, toll: float = 0.0, cost: int = 400) -> Tried:
        start, end = run(self.work, pack_sequences([(), combo])).score
        name = Named(Money(cost, "EUR"), ",".join(map(str, combo)).encode())
        return Tried(combo, float(end - start) - toll, name)

    def outlook(self, config: PlannerConfig, **known: Any) -> Outlook:
        facts: Mapping[str, SecurityFacts] = known.get("facts", {})
        correlations: Correlations | None = known.get("correlations")
        seed: int = known.get("seed", 7)
        return Outlook(
            config=config,
            symbols=self.symbols,
            facts=facts,
            correlations=correlations,
            seed=seed,
        )

    def chosen(self, options: Sequence[Tried], config: PlannerConfig, **known: Any) -> Combo | None:
        return combo_of(choose(options, self.work, self.outlook(config, **known))[0])


def combo_of(option: Tried | None) -> Combo | None:
    return None if option is None else option.combo


@pytest.fixture
def tight() -> World:
    """TIGHT takes all the cash there is: when prices rise it is not bought at all."""
    trades = [bought("EASY", 3000.0), bought("TIGHT", 3985.0)]
    return World(trades, worth={"OLD": 0.5, "EASY": 0.5, "TIGHT": 0.5})


def test_without_options_of_its_own_the_largest_net_wins(tight: World) -> None:
    options = [tight.option((0,)), tight.option((1,))]
    found, robustness = choose(options, tight.work, tight.outlook(PlannerConfig()))
    assert combo_of(found) == (1,)
    assert robustness is None


def test_shifts_turn_to_the_purchase_that_still_fits_when_prices_rise(tight: World) -> None:
    options = [tight.option((0,)), tight.option((1,))]
    found, robustness = choose(options, tight.work, tight.outlook(SHIFTED))
    assert combo_of(found) == (0,)
    assert robustness is not None
    assert (robustness.method, robustness.scenarios, robustness.horizon_days) == (
        "stochastic",
        5,
        0,
    )
    assert robustness.standard_error is None
    assert robustness.final == robustness.mean
    assert robustness.worst == robustness.p10 <= robustness.mean <= robustness.p90


def test_paths_turn_to_the_purchase_that_still_fits_when_prices_rise(tight: World) -> None:
    options = [tight.option((0,)), tight.option((1,))]
    found, robustness = choose(options, tight.work, tight.outlook(SEEDED))
    assert combo_of(found) == (0,)
    assert robustness is not None
    assert (robustness.method, robustness.scenarios) == ("monte_carlo", 200)
    assert robustness.horizon_days == SEEDED.scenario_horizon_days
    assert robustness.standard_error is not None
    assert robustness.standard_error > 0.0
    blend = 0.4 * robustness.worst + 0.3 * robustness.p10 + 0.3 * robustness.mean
    assert robustness.final == pytest.approx(blend)


def test_paths_prefer_the_calm_one_of_two_that_are_worth_the_same() -> None:
    trades = [bought("CALM", 3500.0), bought("WILD", 3500.0)]
    world = World(trades, worth={"OLD": 0.5, "CALM": 0.500, "WILD": 0.505})
    options = [world.option((0,)), world.option((1,))]
    volatility = {"CALM": 0.10, "WILD": 0.90, "OLD": 0.10}
    facts = {name: SecurityFacts(volatility=value) for name, value in volatility.items()}
    assert world.chosen(options, PlannerConfig(), facts=facts) == (1,)
    assert world.chosen(options, SEEDED, facts=facts) == (0,)


def test_paths_win_over_shifts(tight: World) -> None:
    both = replace(SEEDED, enable_stochastic_scenarios=True)
    _, robustness = choose([tight.option((0,))], tight.work, tight.outlook(both))
    assert robustness is not None
    assert robustness.method == "monte_carlo"


@pytest.mark.parametrize("config", [SHIFTED, SEEDED])
def test_what_only_pays_at_the_present_prices_is_no_plan(
    tight: World, config: PlannerConfig
) -> None:
    gain = tight.option((1,)).net
    option = tight.option((1,), toll=0.9 * gain)
    assert option.net > 0.0
    found, robustness = choose([option], tight.work, tight.outlook(config))
    assert found is None
    assert robustness is not None
    assert robustness.final <= 0.0


@pytest.mark.parametrize("config", [PlannerConfig(), SHIFTED, SEEDED, BLENDED])
def test_what_does_not_beat_doing_nothing_now_is_never_chosen(
    tight: World, config: PlannerConfig
) -> None:
    gain = tight.option((0,)).net
    assert tight.chosen([tight.option((0,), toll=1.1 * gain)], config) is None
    assert choose([], tight.work, tight.outlook(config)) == (None, None)


@pytest.mark.parametrize("config", [PlannerConfig(), SHIFTED, SEEDED, BLENDED])
def test_choice_does_not_depend_on_the_order_and_ties_go_to_the_smaller_encoding(
    config: PlannerConfig,
) -> None:
    trades = [bought("B", 1000.0), bought("C", 1000.0)]
    world = World(trades, worth={"OLD": 0.5, "B": 0.5, "C": 0.5})
    facts = {name: SecurityFacts(volatility=0.2) for name in ("B", "C", "OLD")}
    options = [world.option((0,)), world.option((1,))]
    one, other = (world.chosen(order, config, facts=facts) for order in (options, options[::-1]))
    assert one == other
    # On seeded paths the two do not move alike.
    assert one == (0,) if config is not SEEDED else one is not None


@needs_extension
@pytest.mark.parametrize("config", [SHIFTED, SEEDED, BLENDED])
def test_both_back_ends_choose_with_the_same_bits(tight: World, config: PlannerConfig) -> None:
    options = [tight.option((0,)), tight.option((1,))]
    one, other = (
        choose(options, tight.work, tight.outlook(config), kernel=load(name).sequences)
        for name in ("cython", "numpy")
    )
    assert one == other


def test_seed_and_horizon_matter_and_repeat(tight: World) -> None:
    def final(config: PlannerConfig, seed: int) -> float:
        outlook = tight.outlook(config, seed=seed)
        robustness = choose([tight.option((0,))], tight.work, outlook)[1]
        assert robustness is not None
        return robustness.final

    assert final(SEEDED, 1) == final(SEEDED, 1)
    assert final(SEEDED, 1) != final(SEEDED, 2)
    assert final(SEEDED, 1) > final(replace(SEEDED, scenario_horizon_days=252), 1)


def with_stability(**known: float) -> Mapping[str, SecurityFacts]:
    return {
        name: SecurityFacts(parts=EndStateParts(None, None, value)) for name, value in known.items()
    }


def test_objectives_turn_to_the_more_stable_one() -> None:
    trades = [bought("FIRM", 2000.0), bought("LOOSE", 2000.0)]
    world = World(trades, worth={"OLD": 0.5, "FIRM": 0.50, "LOOSE": 0.51})
    options = [world.option((0,)), world.option((1,))]
    facts = with_stability(FIRM=0.9, LOOSE=0.1)
    assert world.chosen(options, PlannerConfig(), facts=facts) == (1,)
    assert world.chosen(options, BLENDED, facts=facts) == (0,)


def test_objectives_turn_to_the_cheaper_one() -> None:
    trades = [bought("CHEAP", 2000.0), bought("DEAR", 2000.0)]
    world = World(trades, worth={"OLD": 0.5, "CHEAP": 0.50, "DEAR": 0.51})
    options = [world.option((0,), cost=4_00), world.option((1,), cost=60_00)]
    assert world.chosen(options, PlannerConfig()) == (1,)
    assert world.chosen(options, BLENDED) == (0,)


def test_objectives_turn_to_the_better_spread_one() -> None:
    """Selling was to be worth more, buying brings the groups to their targets."""
    trades = [Trade(symbol="OLD", side="SELL", value=2000.0), bought("HIGH", 3000.0)]
    world = World(trades, worth={"OLD": 0.1, "HIGH": 0.1})
    sale, purchase = world.option((0,)), world.option((1,))
    assert purchase.net > sale.net
    ahead = replace(sale, net=purchase.net + 0.01)
    assert world.chosen([ahead, purchase], PlannerConfig()) == (0,)
    assert world.chosen([ahead, purchase], BLENDED) == (1,)


def test_what_is_worse_in_every_objective_drops_out_whatever_its_blend() -> None:
    trades = [bought("GOOD", 2000.0), bought("LESS", 2000.0)]
    world = World(trades, worth={"OLD": 0.5, "GOOD": 0.50, "LESS": 0.49})
    options = [world.option((1,), cost=5_00), world.option((0,), cost=4_00)]
    assert world.chosen(options, BLENDED, facts=with_stability(GOOD=0.6, LESS=0.5)) == (0,)


def test_objectives_take_what_the_scenarios_say_for_worth(tight: World) -> None:
    both = replace(SHIFTED, enable_multi_objective=True)
    options = [tight.option((0,), cost=4_00), tight.option((1,), cost=60_00)]
    assert tight.chosen(options, BLENDED) == (1,)
    assert tight.chosen(options, both) == (0,)


# Price paths


def correlations(*rows: tuple[float | None, ...]) -> Correlations:
    return Correlations(date(2026, 1, 2), 252, ("A", "B", "C")[: len(rows)], rows)


def moves(found: Correlations | None, *, count: int = 4000) -> np.ndarray:
    logs: Floats = np.log(multipliers(found, count=count))
    return logs


def multipliers(found: Correlations | None, *, count: int) -> np.ndarray:
    return price_paths(
        ("A", "B", "C"),
        np.array([0, 1, 2]),
        facts={},
        correlations=found,
        count=count,
        horizon_days=63,
        seed=3,
    )


def test_prices_move_together_as_correlations_say() -> None:
    measured = np.corrcoef(moves(correlations((), (0.8,), (None, -0.5))), rowvar=False)
    assert measured[1, 0] == pytest.approx(0.8, abs=0.03)
    assert measured[2, 1] == pytest.approx(-0.5, abs=0.03)
    assert measured[2, 0] == pytest.approx(0.0, abs=0.05)
    alone = np.corrcoef(moves(None), rowvar=False)
    assert abs(alone - np.eye(3)).max() < 0.05


def test_expected_price_is_the_present_one_and_spread_is_that_of_the_horizon() -> None:
    found = moves(None, count=20_000)
    assert np.exp(found).mean(axis=0) == pytest.approx([1.0] * 3, abs=0.01)
    assert found.std(axis=0) == pytest.approx([0.20 * (63 / 252) ** 0.5] * 3, rel=0.03)


def test_correlations_that_do_not_fit_together_are_drawn_towards_independence() -> None:
    impossible = correlations((), (0.9,), (0.9, -0.9))
    measured = np.corrcoef(moves(impossible), rowvar=False)
    assert 0.2 < measured[1, 0] < 0.9
    assert -0.9 < measured[2, 1] < -0.2


def test_perfect_correlation_still_has_a_factor() -> None:
    measured = np.corrcoef(moves(correlations((), (1.0,), (1.0, 1.0))), rowvar=False)
    assert measured.min() > 0.97


def test_what_does_not_move_stays_and_no_price_falls_to_nothing() -> None:
    paths = price_paths(
        ("A", "B"),
        np.array([1]),
        facts={"B": SecurityFacts(volatility=5.0)},
        correlations=None,
        count=50,
        horizon_days=1260,
        seed=0,
    )
    assert (paths[:, 0] == 1.0).all()
    assert (paths > 0.0).all()


def test_paths_are_the_same_bits_on_every_machine() -> None:
    # Found alike on x86-64 and on ARM; with a library's exponential they would not be.
    made = multipliers(correlations((), (0.8,), (None, -0.5)), count=5_000)
    assert blake2b(made.tobytes(), digest_size=8).hexdigest() == "a9a182436f525efa"


def test_own_exponential_rounds_as_single_operations_do_and_is_that_of_mathematics() -> None:
    powers = np.random.default_rng(2).uniform(-20.0, 20.0, 500)
    for power, found in zip(powers.tolist(), exponential(powers).tolist(), strict=True):
        exact = Decimal(power).exp(Context(prec=40))
        assert abs(Decimal(found) - exact) < Decimal(1.1 * math.ulp(found))
    assert exponential(np.zeros(1)) == 1.0


def test_own_factor_is_that_of_a_library() -> None:
    rows = np.random.default_rng(5).normal(size=(40, 8))
    matrix: Floats = np.asarray(np.corrcoef(rows, rowvar=False))
    assert cholesky(matrix) == pytest.approx(np.linalg.cholesky(matrix), abs=1e-12)
    assert cholesky(np.array([[1.0, 2.0], [2.0, 1.0]])) is None


def test_sixteen_times_the_paths_leave_a_quarter_of_the_standard_error() -> None:
    few, many = (
        summary(multipliers(None, count=count)[:, 0].copy()).standard_error
        for count in (1_000, 16_000)
    )
    assert few / many == pytest.approx(4.0, rel=0.1)
