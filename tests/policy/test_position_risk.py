"""One security by itself and within the portfolio: risk shares add up, and gaps have reasons."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.series import Series
from ledger.analytics import PositionRisk
from policy.benchmark import equal_mix
from policy.position_risk import Surroundings, position_risk
from tests.policy.account_days import START, day, series, weekdays

DAYS = weekdays(500)


def walk(seed: int, *, count: int = 300, like: Series | None = None, part: float = 0.0) -> Series:
    """`count` levels from the first day on; `part` of every return is that of `like`."""
    moves = np.random.default_rng(seed).normal(0.0004, 0.012, count)
    if like is not None:
        theirs = np.concatenate(([0.0], like.values[1:] / like.values[:-1] - 1.0))
        moves = part * theirs[:count] + (1 - part) * moves
    days = np.array([one.toordinal() for one in DAYS[:count]], dtype=np.int32)
    return Series(days, 100.0 * (1.0 + moves).cumprod())


def risk(levels: Series, around: Surroundings | None = None, **changes: object) -> PositionRisk:
    asked: dict[str, object] = {"first": START, "days": 365, "risk_free": 0.0, **changes}
    return position_risk("AAA", levels, around or Surroundings(), **asked)  # type: ignore[arg-type]


def held(*names: str, **weights: float) -> Surroundings:
    levels = {name: walk(number) for number, name in enumerate(names)}
    even = dict.fromkeys(names, 0.8 / len(names))
    return Surroundings(weights={**even, **weights}, levels=levels, benchmark=walk(99))


@settings(max_examples=25)
@given(st.integers(0, 1_000), st.lists(st.floats(0.01, 0.3), min_size=4, max_size=4))
def test_the_risk_of_all_parts_adds_up_to_the_portfolios(seed: int, parts: list[float]) -> None:
    names = ("AAA", "BBB", "CCC", "DDD")
    around = Surroundings(
        weights=dict(zip(names, parts, strict=True)),
        levels={name: walk(seed + number) for number, name in enumerate(names)},
    )
    found = [
        position_risk(n, around.levels[n], around, first=START, days=365, risk_free=0.0)
        for n in names
    ]
    volatility = found[0].portfolio_volatility
    assert volatility is not None
    assert math.fsum(one.risk_contribution or 0 for one in found) == pytest.approx(volatility)
    assert math.fsum(one.risk_share or 0 for one in found) == pytest.approx(1)
    volatilities = [one.portfolio_volatility for one in found]
    assert volatilities == pytest.approx([volatility] * 4)
    assert found[0].concentration == pytest.approx(sum(part * part for part in parts))


def test_a_security_that_is_half_the_benchmark_has_half_its_beta() -> None:
    benchmark = walk(1)
    half = Series(
        benchmark.days,
        np.concatenate(
            ([1.0], (1 + 0.5 * (benchmark.values[1:] / benchmark.values[:-1] - 1)).cumprod())
        ),
    )
    found = risk(half, Surroundings(benchmark=benchmark))
    assert found.beta == pytest.approx(0.5)
    assert found.benchmark_correlation == pytest.approx(1)


def test_what_is_not_held_adds_no_risk_but_is_compared_all_the_same() -> None:
    found = risk(walk(7), held("BBB", "CCC"))
    assert (found.weight, found.risk_contribution, found.risk_share) == (0.0, 0.0, 0.0)
    assert found.portfolio_correlation is not None
    assert abs(found.portfolio_correlation) < 0.3


def test_the_rest_of_the_portfolio_is_without_the_security_itself() -> None:
    around = held("AAA", "BBB")
    found = risk(around.levels["AAA"], around)
    assert found.portfolio_correlation is not None
    assert abs(found.portfolio_correlation) < 0.3
    alone = Surroundings(weights={"AAA": 1.0}, levels={"AAA": walk(0)})
    lone = risk(walk(0), alone)
    assert lone.portfolio_correlation is None
    assert dict(lone.missing)["portfolio_correlation"] == "nothing else is held"
    assert lone.risk_share == pytest.approx(1)


def test_close_relatives_are_named_the_closest_first() -> None:
    own = walk(0)
    against = Series(own.days, 1e4 / own.values)
    around = Surroundings(
        weights=dict.fromkeys(("BBB", "CCC", "DDD", "EEE", "FFF"), 0.2),
        levels={
            "BBB": walk(1, like=own, part=0.7),
            "CCC": against,
            "DDD": walk(2, like=own, part=0.9),
            "EEE": walk(3),
            "FFF": walk(4, like=own, part=0.45),
        },
    )
    found = risk(own, around).high_correlations
    assert [one.symbol for one in found] == ["CCC", "DDD", "BBB"]
    assert found[0].correlation < -0.99


def test_a_holding_with_too_few_prices_is_left_out_and_named() -> None:
    around = held("AAA", "BBB")
    young = Series(walk(5).days[-50:], walk(5).values[-50:])
    with_young = Surroundings(
        weights={"AAA": 0.4, "BBB": 0.4, "NEW": 0.1, "BARE": 0.1},
        levels={**around.levels, "NEW": young},
        benchmark=around.benchmark,
    )
    found = risk(around.levels["AAA"], with_young)
    assert found.left_out == ("BARE", "NEW")
    assert found.portfolio_volatility == risk(around.levels["AAA"], around).portfolio_volatility


def test_prices_that_ended_in_the_year_before_are_too_few() -> None:
    own = walk(0, count=357)
    around = Surroundings(
        weights={"AAA": 0.5, "OLD": 0.5}, levels={"AAA": own, "OLD": walk(1, count=164)}
    )
    assert risk(own, around).left_out == ("OLD",)
    longer = Surroundings(around.weights, {"AAA": own, "OLD": walk(1, count=165)})
    assert risk(own, longer).left_out == ()


def test_the_year_looked_back_does_not_depend_on_the_days_asked_for() -> None:
    around = held("AAA", "BBB")
    long, short = (risk(around.levels["AAA"], around, first=first) for first in (START, DAYS[270]))
    assert (long.beta, long.portfolio_correlation) == (short.beta, short.portfolio_correlation)
    assert (long.observations, short.observations) == (299, 29)
    assert (short.first, short.last) == (DAYS[270], DAYS[299])
    assert long.risk.volatility != short.risk.volatility


def test_too_little_says_what_is_missing() -> None:
    found = risk(walk(0, count=40), Surroundings(benchmark=walk(1)))
    reasons = dict(found.missing)
    assert found.beta is found.benchmark_correlation is found.portfolio_volatility is None
    assert reasons["beta"] == "fewer than 60 returns with the benchmark, or none deviates"
    assert reasons["risk_contribution"] == (
        "fewer than 60 days on which everything held has a price"
    )
    assert dict(risk(walk(0)).missing)["beta"] == "there is no series of a benchmark"


def test_weights_of_an_account_whose_value_is_not_known_are_unknown() -> None:
    found = risk(walk(0), Surroundings(weights=None))
    reasons = dict(found.missing)
    assert found.weight is found.concentration is found.risk_contribution is None
    assert reasons["weight"] == "the value of the account at the last closes is not known"


def test_a_security_without_closes_in_the_range_is_not_available() -> None:
    found = risk(walk(0), first=DAYS[299])
    assert (found.available, found.beta, found.last) == (False, None, None)
    assert found.reason == f"1 closes since {DAYS[299]} that are known in EUR, 2 needed"


def test_an_equal_mix_is_the_mean_of_the_returns_of_common_days() -> None:
    one = series({day(0): 10.0, day(1): 11.0, day(2): 5.0, day(3): 22.0})
    two = series({day(0): 10.0, day(1): 10.0, day(3): 5.0, day(4): 9.0})
    mixed = equal_mix([one, two])
    assert mixed is not None
    assert [date.fromordinal(d) for d in mixed.days.tolist()] == [day(0), day(1), day(3)]
    assert mixed.values.tolist() == pytest.approx([1, 1.05, 1.05 * 1.25])
    assert equal_mix([]) is None
    assert equal_mix([one, series({day(9): 1.0})]) is None
    alone = equal_mix([one])
    assert alone is not None
    assert alone.values.tolist() == pytest.approx([1, 1.1, 0.5, 2.2])
