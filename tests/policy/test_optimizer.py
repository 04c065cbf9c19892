"""Runs of the optimizer: what always holds of their weights, and what a small universe gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.money import Money
from ledger.optimization import OptimizerRun
from policy.optimizer import run as runs
from policy.optimizer.bounds import bounds
from policy.optimizer.given import Member, OptimizerInput
from policy.optimizer.outlook import Outlook
from policy.optimizer.run import optimize
from tests.policy.optimizer_cases import given_of, many, member, weekly_returns

THIRDS = {"East": "0.4", "West": "0.3", "North": "0.3"}
QUARTERS = dict.fromkeys(("Iron", "Cloth", "Salt", "Wine"), "0.25")
EXACT = Decimal("0.000001")


def total(weights: Sequence[Decimal]) -> Decimal:
    return sum(weights, Decimal(0))


@st.composite
def universes(draw: st.DrawFn) -> OptimizerInput:
    """Anything an owner may have: bans, minima, maxima, missing figures, holdings too large."""
    count = draw(st.integers(1, 14))
    seed = draw(st.integers(0, 2**20))
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(count + 1, 0.5))[:count] * draw(st.sampled_from((0.0, 0.5, 1.0)))
    members = tuple(
        replace(
            one,
            current=Decimal(f"{share:.6f}"),
            allow_buy=bool(rng.random() < 0.8),
            allow_sell=bool(rng.random() < 0.7),
            single_lot=bool(rng.random() < 0.1),
            min_target=Decimal("0.03") if rng.random() < 0.2 else None,
            max_target=Decimal("0.08") if rng.random() < 0.2 else None,
            growth=None if rng.random() < 0.1 else one.growth,
            idle="not active" if rng.random() < 0.1 else None,
            column=None if rng.random() < 0.1 else one.column,
        )
        for one, share in zip(many(count, held=0, seed=seed), shares, strict=True)
    )
    returns = weekly_returns(count, seed=seed)
    for column in range(count):
        if rng.random() < 0.2:
            returns[: int(rng.integers(0, 261)), column] = np.nan
    return given_of(
        members,
        returns,
        countries=THIRDS if draw(st.booleans()) else None,
        industries=QUARTERS if draw(st.booleans()) else None,
        reserve=Decimal(draw(st.sampled_from(("0", "0.03", "0.4", "1")))),
        blend=draw(st.sampled_from((0.0, 0.5, 1.0))),
        target_return=draw(st.sampled_from((0.01, 0.11, 0.5))),
    )


@settings(max_examples=120)
@given(universes())
def test_weights_and_cash_are_everything_and_no_bound_is_left(case: OptimizerInput) -> None:
    run = optimize(case)
    assert run == optimize(case)
    if run.error is not None:
        assert run.weights == {}
        return
    assert run.achieved_volatility == pytest.approx(sum(run.risk_shares.values()))
    assert total([*run.weights.values(), run.cash_share]) == 1
    for one in case.members:
        weight = run.weights.get(one.symbol, Decimal(0))
        if one.symbol not in run.expected:
            assert weight == one.current
            continue
        allowed = bounds(one, case.max_position)
        wished = replace(allowed, lower=allowed.floor)
        assert min(wished.lower, one.current) <= weight <= max(wished.upper, one.current)
        if not one.allow_sell:
            assert weight >= one.current
        if not one.allow_buy:
            assert weight <= one.current
        if allowed.lower == 0 and weight and one.current < EXACT:
            assert weight >= Decimal("0.004999")


@settings(max_examples=60)
@given(universes())
def test_the_reserve_stays_unless_a_sale_that_it_takes_is_barred(case: OptimizerInput) -> None:
    run = optimize(case)
    if run.error is None and run.cash_share < case.reserve - EXACT:
        assert any("reserve cannot be reached" in note for note in run.notes)


@settings(max_examples=25)
@given(st.integers(2, 12), st.randoms(use_true_random=False))
def test_the_order_of_the_columns_does_not_matter(count: int, random: object) -> None:
    members, returns = many(count), weekly_returns(count)
    order = list(range(count))
    random.shuffle(order)  # type: ignore[attr-defined]
    moved = tuple(replace(one, column=order.index(one.column or 0)) for one in members)
    first = optimize(given_of(members, returns, countries=THIRDS))
    second = optimize(given_of(moved, np.ascontiguousarray(returns[:, order]), countries=THIRDS))
    for symbol, weight in first.weights.items():
        assert abs(second.weights[symbol] - weight) <= 2 * EXACT


@pytest.mark.parametrize(("count", "cash"), [(1, "0.85"), (2, "0.70"), (3, "0.55"), (6, "0.10")])
def test_what_a_few_securities_may_not_hold_stays_cash(count: int, cash: str) -> None:
    run = optimize(given_of(many(count, held=0)))
    assert run.success
    assert set(run.weights.values()) == {Decimal("0.15")}
    assert run.cash_share == Decimal(cash)


def test_ten_securities_are_invested_up_to_the_reserve() -> None:
    run = optimize(given_of(many(10), reserve=Decimal("0.05")))
    assert Decimal("0.05") <= run.cash_share < Decimal("0.0501")
    assert max(run.weights.values()) <= Decimal("0.15")


def errors_of(*members: Member, **changes: object) -> tuple[str | None, OptimizerRun]:
    run = optimize(given_of(members, **changes))  # type: ignore[arg-type]
    return run.error, run


def test_each_failure_has_its_name_and_no_weights() -> None:
    assert errors_of()[0] == runs.NO_SECURITIES
    assert errors_of(member(idle="not active"))[0] == runs.NO_SECURITIES
    assert errors_of(member(growth=None))[0] == runs.NO_RETURNS
    assert errors_of(member(column=None))[0] == runs.NO_HISTORY
    assert errors_of(member(), returns=weekly_returns(1, rows=59))[0] == runs.NO_HISTORY
    error, run = errors_of(member(), total=Money(0, "EUR"))
    assert (error, run.weights, run.success, run.cash_share) == (runs.NO_VALUE, {}, False, 1)
    assert errors_of(member(), returns=weekly_returns(1, rows=60))[0] is None


def test_what_is_not_known_is_held_and_told() -> None:
    members = (
        *many(8, held=4),
        member("T1", "0.07", growth=None, column=8),
        member("T2", "0.03", idle="not active", column=9),
        member("T3", "0.04", column=None),
        member("T4", "0.05", column=10),
        member("T5", "0", growth=None, column=11),
    )
    returns = weekly_returns(12)
    returns[:-59, 10] = np.nan
    run = optimize(given_of(members, returns))
    for symbol, weight in {"T1": "0.07", "T2": "0.03", "T3": "0.04", "T4": "0.05"}.items():
        assert run.weights[symbol] == Decimal(weight)
        assert symbol in run.held_without_data
        assert any(note.startswith(f"{symbol} keeps its weight: ") for note in run.notes)
    assert "T5" not in run.weights
    assert total([*run.weights.values(), run.cash_share]) == 1


def test_minima_survive_the_cut_and_crumbs_do_not() -> None:
    members = tuple(
        replace(one, min_target=Decimal("0.004")) if one.symbol == "S029" else one
        for one in many(30, held=0)
    )
    run = optimize(given_of(members, blend=0.0))
    assert run.weights["S029"] >= Decimal("0.004")
    others = [weight for symbol, weight in run.weights.items() if symbol != "S029" and weight]
    assert min(others) >= Decimal("0.005")
    assert Decimal(0) in run.weights.values()


def test_minima_that_do_not_fit_are_lowered_together_and_told() -> None:
    members = tuple(replace(one, min_target=Decimal("0.15")) for one in many(10, held=0))
    run = optimize(given_of(members, reserve=Decimal("0.04")))
    assert set(run.weights.values()) == {Decimal("0.096")}
    assert any("minima" in note for note in run.notes)


def test_a_large_change_is_made_in_halves() -> None:
    members = (member("BIG", "0.80", column=0), *(replace(m, column=n + 1) for n, m in enumerate(
        many(9, held=0)
    )))  # fmt: skip
    run = optimize(given_of(members))
    assert Decimal("0.40") < run.weights["BIG"] <= Decimal("0.475")
    assert any("half of the way" in note for note in run.notes)
    assert run.cash_share < Decimal("0.0001")


def test_a_group_that_cannot_be_filled_reports_its_slack() -> None:
    members = tuple(replace(one, country="East" if number else "West") for number, one in enumerate(
        many(8, held=0)
    ))  # fmt: skip
    run = optimize(given_of(members, countries={"East": "0.3", "West": "0.7"}))
    west = next(band for band in run.bands if band.name == "West")
    assert west.low == pytest.approx(0.6)
    assert west.slack == pytest.approx(0.45, abs=1e-5)
    assert run.weights["S000"] == Decimal("0.15")
    assert run.level == "full"
    assert run.success


def test_bands_are_kept_when_they_can_be() -> None:
    run = optimize(given_of(many(24), countries=THIRDS, industries=QUARTERS))
    assert [band.slack for band in run.bands] == pytest.approx([0.0] * 7, abs=1e-5)
    assert {band.kind for band in run.bands} == {"country", "industry"}


def test_a_return_that_is_out_of_reach_ends_with_the_least_variance() -> None:
    free = {"cost_fixed": 0.0, "cost_percent": 0.0}
    reached = optimize(given_of(many(20), blend=0.0, target_return=0.10, **free))
    assert reached.fallback is None
    assert reached.achieved_return is not None
    assert reached.achieved_return >= 0.10 - 1e-4
    calm = optimize(given_of(many(20), blend=0.0, target_return=0.60, **free))
    assert calm.fallback == "min_volatility"
    assert calm.notes[-1] == "a return of 0.6 is out of reach here: min volatility instead"
    assert calm.achieved_volatility is not None
    assert calm.achieved_volatility <= (reached.achieved_volatility or 0.0)


def test_a_solver_that_fails_leaves_risk_parity(monkeypatch: pytest.MonkeyPatch) -> None:
    members = many(12, held=0)
    monkeypatch.setattr(runs, "mean_variance", lambda *_: None)
    run = optimize(given_of(members))
    assert (run.fallback, run.blend, run.success) == ("hrp", 1.0, True)
    assert run.notes[-1] == "mean and variance found no weights: risk parity alone"
    monkeypatch.setattr(runs, "_parity", lambda _: None)
    assert optimize(given_of(members)).error == runs.NO_SOLUTION


def test_the_nearest_pairs_are_told() -> None:
    returns = weekly_returns(4)
    returns[:, 1] = returns[:, 0] + np.random.default_rng(5).normal(0.0, 0.001, len(returns))
    returns[:, 3] = -returns[:, 2]
    run = optimize(given_of(many(4), returns))
    assert [(c.symbol1, c.symbol2) for c in run.correlations] == [
        ("S002", "S003"),
        ("S000", "S001"),
    ]
    assert run.correlations[0].correlation == pytest.approx(-1.0)


def test_inputs_are_named_by_their_hash_and_times_are_not_among_them() -> None:
    case = given_of(many(5))
    later = replace(case, machine_at=case.market_at, market_at=case.machine_at)
    assert later.inputs_hash == case.inputs_hash
    assert optimize(later).run_id != optimize(case).run_id
    returns = case.returns.copy()
    returns[7, 2] += 1e-12
    changed = (
        replace(case, returns=returns),
        replace(case, blend=0.51),
        replace(case, reserve=Decimal("0.01")),
        replace(case, outlook=Outlook(vix=40.0)),
        replace(case, countries={"East": Decimal(1)}),
        replace(case, members=(replace(case.members[0], allow_sell=False), *case.members[1:])),
    )
    assert len({case.inputs_hash, *(one.inputs_hash for one in changed)}) == len(changed) + 1


def test_turnover_costs_keep_weights_where_they_are() -> None:
    members = many(10, held=10)
    cheap = optimize(
        given_of(members, blend=0.0, target_return=0.01, cost_fixed=0.0, cost_percent=0.0)
    )
    dear = optimize(given_of(members, blend=0.0, target_return=0.01, cost_fixed=50.0))
    moved = [total([abs(a.change) for a in run.adjustments]) for run in (cheap, dear)]
    assert moved[1] < moved[0]
