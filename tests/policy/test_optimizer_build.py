"""From a snapshot to the input of a run, to targets; and that every setting reaches the result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from kernels.series import Series
from ledger.allocation import AllocationBook, Groups
from ledger.errors import Unavailable
from ledger.money import Quantity
from ledger.optimization import OptimizerRun
from ledger.portfolio import PortfolioSnapshot
from ledger.regime import UNKNOWN_REGIME
from ledger.score import Score, Scores
from ledger.security import Security
from policy.limits import DEFAULTS, Limits
from policy.optimizer.build import optimizer_input
from policy.optimizer.given import Member, OptimizerInput
from policy.optimizer.run import optimize
from policy.settings import limits_with
from policy.targets import optimized_targets
from tests.policy.accounts import TODAY, dozen, eur, security, snapshot
from tests.policy.optimizer_cases import MACHINE, account, history

BOOK = AllocationBook(
    country=Groups(
        {"Europe": ("Germany", "France"), "Far": ("Japan", "Canada")},
        {"Europe": Decimal("0.6"), "Far": Decimal("0.6")},
    )
)


def histories(universe: tuple[Security, ...]) -> Mapping[int, Series]:
    """Each its own drift, so that returns differ."""
    return {
        one.security_id: history(one.security_id, drift=0.0001 * one.security_id)
        for one in universe
    }


def built(
    shot: PortfolioSnapshot | None = None, *, limits: Limits = DEFAULTS, **changes: object
) -> OptimizerInput:
    used = account() if shot is None else shot
    given: dict[str, object] = {"book": AllocationBook(), "scores": None, "regime": UNKNOWN_REGIME}
    given |= {"histories": histories(used.universe), **changes}
    return optimizer_input(used, limits=limits, machine_at=MACHINE, **given)  # type: ignore[arg-type]


def run_with(limits: Limits, shot: PortfolioSnapshot | None = None) -> OptimizerRun:
    run = optimize(built(shot, limits=limits, book=BOOK))
    assert run.success
    return run


def one(case: OptimizerInput, symbol: str) -> Member:
    return next(member for member in case.members if member.symbol == symbol)


def test_weights_are_parts_of_positions_and_cash_together() -> None:
    case = built()
    assert case.total == eur(32_000)
    assert one(case, "S00").current == Decimal("0.0625")
    assert one(case, "S06").current == 0
    assert one(case, "S00").lot_share == Decimal("0.001563")
    assert case.reserve == Decimal("0.03")


def test_members_are_sorted_and_the_order_of_the_universe_does_not_matter() -> None:
    shot = account()
    turned = replace(shot, universe=shot.universe[::-1], positions=shot.positions[::-1])
    assert [m.symbol for m in built(shot).members] == sorted(s.symbol for s in shot.universe)
    assert built(shot).inputs_hash == built(turned).inputs_hash


def test_groups_scores_and_waiting_dividends_reach_their_security() -> None:
    universe = (security("A", industry="Software, Banks"), security("B", number=2, country=None))
    shot = snapshot(
        universe, prices={"A": "10", "B": "10"}, held={"A": "100"}, cash={"EUR": "1000"}
    )
    score = Score(
        security_id=1, symbol="A", total=0.7, coverage=1.0, groups={}, parts={}, metrics={},
        history_years=5.0, last_bar=TODAY,
    )  # fmt: skip
    book = replace(BOOK, industry=Groups({"Tech": ("software",)}, {"Tech": Decimal(1)}))
    case = built(
        shot, book=book, scores=Scores(TODAY, {1: score}), bonuses={"A": eur(20), "B": eur(20)}
    )
    first, second = case.members
    assert (first.score, first.bonus, first.country) == (0.7, 0.02, "Europe")
    assert first.industries == ("Tech", "OTHER")
    assert (second.score, second.bonus, second.country) == (None, 0.0, "OTHER")
    assert case.countries == {"Europe": Decimal("0.5"), "Far": Decimal("0.5")}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"active": False}, "not active"),
        ({"confirmed": False}, "not confirmed yet"),
        ({"lot": None}, "not tradable"),
        ({"product": "INDEX"}, "not tradable"),
    ],
)
def test_what_may_not_be_traded_is_there_only_while_it_is_held(
    changes: dict[str, object], why: str
) -> None:
    odd = security("ODD", number=99, **changes)  # type: ignore[arg-type]
    universe = (*dozen(), odd)
    prices = {each.symbol: "50" for each in universe}
    held = snapshot(universe, prices=prices, held={"ODD": "10"}, cash={"EUR": "500"})
    assert one(built(held), "ODD").idle == why
    bare = snapshot(universe, prices=prices, cash={"EUR": "500"})
    assert "ODD" not in {member.symbol for member in built(bare).members}


def test_an_unknown_value_is_not_guessed() -> None:
    shot = snapshot(dozen(), held={"S01": "5"}, cash={"EUR": "500"})
    with pytest.raises(Unavailable, match="S01"):
        built(shot)


def test_one_lot_is_told_from_more() -> None:
    shot = snapshot(
        dozen(), prices={"S00": "50", "S01": "50"}, held={"S00": "1", "S01": "2"},
        cash={"EUR": "500"},
    )  # fmt: skip
    case = built(shot)
    assert one(case, "S00").single_lot
    assert not one(case, "S01").single_lot
    assert not one(case, "S02").single_lot


def test_an_account_with_nothing_but_cash_gets_weights() -> None:
    shot = snapshot(dozen(), prices={"S00": "50"}, cash={"EUR": "5000"})
    run = run_with(DEFAULTS, shot)
    assert run.cash_share == pytest.approx(Decimal("0.1"), abs=Decimal("0.0001"))


def test_no_history_is_an_error_and_leaves_the_choice_to_others() -> None:
    run = optimize(built(histories={}))
    assert run.error == "No expected returns data"
    assert run.weights == {}


OTHERS = {
    "optimizer_blend": "1",
    "optimizer_target_return": "0.25",
    "max_position_share": "0.09",
    "transaction_cost_fixed": "40",
    "transaction_cost_percent": "0.02",
    "min_cash_reserve": "9000",
    "market_regime_sideways_cash_reserve": "0.2",
    "market_regime_detection_enabled": "false",
}


@pytest.mark.parametrize(("key", "text"), OTHERS.items())
def test_every_setting_the_optimizer_reads_changes_its_weights(key: str, text: str) -> None:
    assert run_with(limits_with({key: text})).weights != run_with(DEFAULTS).weights


@pytest.mark.parametrize(
    "changes",
    [
        {"priority": Decimal(3)},
        {"min_target": Decimal("0.14")},
        {"max_target": Decimal("0.01")},
        {"allow_buy": False},
    ],
)
def test_what_the_owner_says_of_a_security_changes_its_weight(changes: dict[str, object]) -> None:
    universe = dozen()
    told = (*universe[:6], replace(universe[6], **changes), *universe[7:])  # type: ignore[arg-type]
    demanding = replace(DEFAULTS, optimizer_target_return=Decimal("0.19"))
    before, after = (run_with(demanding, account(u)).weights["S06"] for u in (universe, told))
    assert before != after


def test_targets_are_the_run_s_weights_and_the_owner_s_groups_of_what_is_invested() -> None:
    run, universe = run_with(DEFAULTS), dozen()
    invested = 1 - run.cash_share
    targets = optimized_targets(run, universe, BOOK)
    assert targets.weights == run.weights
    assert targets.countries == {"Europe": invested / 2, "Far": invested / 2}
    assert sum(targets.industries.values()) == invested
    assert set(targets.industries) == {"Software", "Banks", "Pharma"}
    plain = optimized_targets(run, universe, AllocationBook())
    assert plain.countries["Japan"] == sum(run.weights[s] for s in ("S02", "S06", "S10"))


def test_a_position_in_a_currency_without_a_rate_has_no_lot_share() -> None:
    universe = (*dozen(), security("US", number=50, currency="USD"))
    shot = snapshot(
        universe, prices={one_.symbol: "50" for one_ in universe}, cash={"EUR": "500"}, per_eur={}
    )
    assert one(built(shot), "US").lot_share is None


def test_a_holding_keeps_its_last_lot() -> None:
    universe = (security("A"), *(replace(s, security_id=s.security_id + 1) for s in dozen()))
    large = tuple(
        replace(s, instrument=replace(s.instrument, lot=Quantity.of(20))) if s.symbol == "A" else s
        for s in universe
    )
    shot = snapshot(
        large, prices={s.symbol: "50" for s in large}, held={"A": "40"}, cash={"EUR": "18000"}
    )
    run = optimize(built(shot, histories={
        s.security_id: history(s.security_id, drift=-0.002 if s.symbol == "A" else 0.0006)
        for s in large
    }))  # fmt: skip
    assert run.weights["A"] >= Decimal("0.05")


def test_the_newest_day_of_the_snapshot_is_not_looked_past() -> None:
    shot = account()
    ahead = {
        key: Series(
            np.append(series.days, date(2026, 6, 1).toordinal()).astype(np.int32),
            np.append(series.values, 1e6),
        )
        for key, series in histories(shot.universe).items()
    }
    assert built(shot, histories=ahead).inputs_hash == built(shot).inputs_hash
