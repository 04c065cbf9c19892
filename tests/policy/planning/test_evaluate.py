"""Scoring: doing nothing competes, every euro pays its hurdle, back ends agree to the bit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from kernels.choose import SequenceKernel, load
from policy.limits import DEFAULTS, Limits
from policy.planning.arrays import UNKNOWN_QUALITY, Quality, ScoreArrays, score_arrays
from policy.planning.calculators import find_candidates
from policy.planning.candidates import Scene
from policy.planning.evaluate import Ranked, best_of, score_nothing, score_steps, shown_nothing
from policy.planning.space import TradeSequence, sequences, space
from tests.policy.accounts import FEES, dozen, eur, scene, security, snapshot

Searched = tuple[Scene, ScoreArrays, tuple[TradeSequence, ...]]


def searched(currency: str = "EUR", quality: Quality = UNKNOWN_QUALITY) -> Searched:
    universe = dozen(currency)
    shot = snapshot(
        universe,
        prices={s.symbol: f"{30 + i}.37" for i, s in enumerate(universe)},
        held={"S00": "100", "S05": "31"},
        costs={"S00": "30"},
        cash={"EUR": "5000", "GBP": "700"},
    )
    where = scene(shot)
    made = space(find_candidates(where), where.purse, where.rules, max_depth=3)
    arrays = score_arrays(where, made.candidates, quality)
    return where, arrays, sequences(made, 0, len(made.combos))


def found(limits: Limits = DEFAULTS, kernel: SequenceKernel | None = None) -> Ranked | None:
    _, arrays, batch = searched()
    nothing = score_nothing(arrays, kernel=kernel)
    return best_of(arrays, batch, nothing=nothing, limits=limits, kernel=kernel)


def test_the_best_beats_nothing_by_its_hurdle_and_its_costs() -> None:
    _, arrays, batch = searched()
    nothing = score_nothing(arrays)
    best = best_of(arrays, batch, nothing=nothing, limits=DEFAULTS)
    assert best is not None
    hurdle = 0.05 * float(best.sequence.traded.amount) / arrays.total
    assert best.net == pytest.approx(best.score - nothing - hurdle, abs=1e-12)
    assert best.net > 0
    others = (best_of(arrays, [one], nothing=nothing, limits=DEFAULTS) for one in batch)
    assert best.net == max(other.net for other in others if other is not None)


def test_nothing_is_done_when_the_hurdle_is_too_high() -> None:
    assert found(replace(DEFAULTS, min_improvement=Decimal(5))) is None


def test_costs_lower_the_score() -> None:
    cheap, dear = found(), found(replace(DEFAULTS, cost_penalty_factor=1.0))
    assert cheap is not None
    assert dear is not None
    assert dear.net < cheap.net


def test_ties_go_to_the_smaller_encoding_in_any_order_of_arrival() -> None:
    _, arrays, batch = searched()
    nothing = score_nothing(arrays)
    best = best_of(arrays, batch, nothing=nothing, limits=DEFAULTS)
    assert best is not None
    twin = replace(best.sequence, encoding=b"\x00" + best.sequence.encoding)
    for order in ([twin, *batch], [*batch, twin]):
        again = best_of(arrays, order, nothing=nothing, limits=DEFAULTS)
        assert again is not None
        assert again.sequence.encoding == twin.encoding


def test_batches_find_what_one_call_finds() -> None:
    _, arrays, batch = searched()
    nothing = score_nothing(arrays)
    best = None
    for begin in range(0, len(batch), 7):
        part = batch[begin : begin + 7]
        best = best_of(arrays, part, nothing=nothing, limits=DEFAULTS, best=best)
    assert best == best_of(arrays, batch, nothing=nothing, limits=DEFAULTS)
    assert best_of(arrays, [], nothing=nothing, limits=DEFAULTS, best=best) is best


@pytest.mark.parametrize("currency", ["EUR", "USD"])
def test_scores_of_both_back_ends_are_the_same_bits(currency: str) -> None:
    try:
        compiled = load("cython").sequences
    except ImportError:
        pytest.skip("the extension is not built")
    plain = load("numpy").sequences
    _, arrays, batch = searched(currency, Quality({"S01": 0.8, "S05": 0.3}, {"S05": 0.04}))
    assert score_nothing(arrays, kernel=compiled) == score_nothing(arrays, kernel=plain)
    for one in batch:
        assert score_steps(arrays, one, DEFAULTS, kernel=compiled) == score_steps(
            arrays, one, DEFAULTS, kernel=plain
        )


def test_steps_lead_from_nothing_to_the_score_of_the_sequence() -> None:
    _, arrays, batch = searched("USD")
    nothing = score_nothing(arrays)
    limits = replace(DEFAULTS, min_improvement=Decimal(-100))
    for one in batch:
        ranked = best_of(arrays, [one], nothing=nothing, limits=limits)
        assert ranked is not None
        steps = score_steps(arrays, one, limits)
        assert len(steps) == len(one.steps) + 1
        assert steps[0] == nothing
        assert steps[-1] == ranked.score


def alike(held: str, cash: str, *, country: str | None, industry: str | None) -> Scene:
    """Twelve securities with one and the same label."""
    universe = tuple(
        security(f"S{i:02d}", number=i, country=country, industry=industry) for i in range(12)
    )
    prices = {s.symbol: "40" for s in universe}
    return scene(snapshot(universe, prices=prices, held={"S00": held}, cash={"EUR": cash}))


@pytest.mark.parametrize("label", ["Germany", None])
def test_far_from_its_targets_a_portfolio_still_finds_its_way(label: str | None) -> None:
    where = alike("0", "9000", country=label, industry=label)
    made = space(find_candidates(where), where.purse, where.rules, max_depth=3)
    arrays = score_arrays(where, made.candidates, UNKNOWN_QUALITY)
    batch = sequences(made, 0, len(made.combos))
    nothing = score_nothing(arrays)
    best = best_of(arrays, batch, nothing=nothing, limits=DEFAULTS)
    assert best is not None
    assert len(best.sequence.combo) == 3
    # Shown scores keep their definition: at the floor they do not rise yet.
    if label:
        assert score_steps(arrays, best.sequence, DEFAULTS)[-1] <= shown_nothing(arrays)


def test_near_its_targets_a_portfolio_is_ranked_by_the_shown_score() -> None:
    _, arrays, _ = searched()
    assert arrays.ranking is arrays.shown
    assert score_nothing(arrays) == shown_nothing(arrays)


def test_quality_and_yields_reach_the_score() -> None:
    plain = score_nothing(searched()[1])
    good = score_nothing(searched(quality=Quality({"S00": 1.0, "S05": 1.0}, {}))[1])
    rich = score_nothing(searched(quality=Quality({}, {"S00": 0.2, "S05": 0.2}))[1])
    assert len({plain, good, rich}) == 3


def test_the_kernel_agrees_that_every_sequence_is_affordable() -> None:
    where, arrays, batch = searched("USD")
    limits = replace(DEFAULTS, min_improvement=Decimal(-100))
    assert where.fees == FEES
    assert eur(0) < where.total
    assert all(best_of(arrays, [one], nothing=0.0, limits=limits) for one in batch)
