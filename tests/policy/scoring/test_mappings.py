"""The mapping library: its golden values, and what must hold for every figure there is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.scoring import mappings, sell_score, windfall
from policy.scoring.mappings import Corners, along

GOLDEN = 5e-5


@pytest.mark.parametrize(
    ("rate", "score"),
    [
        (-0.02, 0.15), (0.02, 0.4260), (0.05, 0.6656), (0.08, 0.9001), (0.11, 1.0),
        (0.15, 0.9346), (0.21, 0.6656), (0.30, 0.2898),
    ],
)  # fmt: skip
def test_growth_per_year_scores_its_golden_values(rate: float, score: float) -> None:
    assert mappings.cagr(rate, target=0.11) == pytest.approx(score, abs=GOLDEN)


@pytest.mark.parametrize(
    ("rate", "score"),
    [(0.02, 0.3619), (0.05, 0.5804), (0.08, 0.8306), (0.11, 0.9883), (0.15, 0.9738), (0.3, 0.4260)],
)
def test_total_return_scores_its_golden_values(rate: float, score: float) -> None:
    assert mappings.total_return(rate) == pytest.approx(score, abs=GOLDEN)


@pytest.mark.parametrize(
    ("move", "score"),
    [
        (-0.20, 0.2), (-0.10, 0.5), (-0.05, 0.55), (0.0, 0.6), (0.02, 0.76), (0.10, 1.0),
        (0.20, 0.9333), (0.30, 0.8), (0.40, 0.6), (0.50, 0.5),
    ],
)  # fmt: skip
def test_momentum_scores_its_golden_values(move: float, score: float) -> None:
    assert mappings.momentum(move, None) == pytest.approx(score, abs=GOLDEN)
    assert mappings.momentum(move, move) == pytest.approx(score, abs=GOLDEN)


@pytest.mark.parametrize(
    ("depth", "score"),
    [(0.05, 1.0), (0.15, 0.9), (0.25, 0.7), (0.40, 0.4), (0.55, 0.15), (0.75, 0.0)],
)
def test_drawdowns_score_their_golden_values(depth: float, score: float) -> None:
    assert mappings.drawdown(-depth) == pytest.approx(score, abs=GOLDEN)


@pytest.mark.parametrize(
    ("ratio", "score"),
    [(15.0, 1.0), (18.0, 0.9455), (20.0, 0.6818), (22.0, 0.5), (24.0, 0.3636), (26.4, 0.2)],
)
def test_price_earnings_ratios_score_their_golden_values(ratio: float, score: float) -> None:
    assert mappings.price_earnings(ratio, None, market=22) == pytest.approx(score, abs=GOLDEN)
    assert mappings.price_earnings(ratio, ratio, market=22) == pytest.approx(score, abs=GOLDEN)
    assert mappings.price_earnings(ratio, -3.0, market=22) == pytest.approx(score, abs=GOLDEN)


def test_a_loss_has_no_price_of_its_earnings_and_scores_low() -> None:
    assert mappings.price_earnings(-4.0, 12.0, market=22) == 0.3


# Corners, and whether more is better (1), worse (-1) or best in the middle (0).
CHAINS: dict[str, tuple[Corners, int]] = {
    "sharpe": (mappings.SHARPE, 1),
    "sortino": (mappings.SORTINO, 1),
    "margin": (mappings.MARGIN, 1),
    "leverage": (mappings.LEVERAGE, -1),
    "liquidity": (mappings.LIQUIDITY, 1),
    "consistency": (mappings.CONSISTENCY, -1),
    "below high": (mappings.BELOW_HIGH, 1),
    "cheapness": (mappings.CHEAPNESS, -1),
    "dividend yield": (mappings.DIVIDEND_YIELD, 1),
    "dividend habit": (mappings.DIVIDEND_HABIT, 1),
    "dividend growth": (mappings.DIVIDEND_GROWTH, 1),
    "payout": (mappings.PAYOUT, 0),
    "momentum": (mappings.MOMENTUM, 0),
    "drawdown": (mappings.DRAWDOWN, -1),
    "rsi": (mappings.RSI, -1),
    "ema distance": (mappings.EMA_DISTANCE, -1),
    "price target": (mappings.PRICE_TARGET, 1),
    "volatility": (mappings.VOLATILITY, -1),
    "averaging": (mappings.AVERAGING, 1),
    "cost bonus": (mappings.COST_BONUS, 0),
    "concentration": (mappings.CONCENTRATION, -1),
    "windfall": (windfall.SCORE, 1),
    "sell: underperformance": (sell_score.UNDERPERFORMANCE, 0),
    "sell: time held": (sell_score.TIME_HELD, 1),
    "sell: country": (sell_score.COUNTRY, 1),
    "sell: industry": (sell_score.INDUSTRY, 1),
    "sell: concentration": (sell_score.CONCENTRATION, 1),
    "sell: rate": (sell_score.RATE, 1),
    "sell: volatility spike": (sell_score.VOLATILITY_SPIKE, 1),
    "sell: stretch": (sell_score.STRETCH, 1),
    "sell: profit floor": (sell_score.PROFIT_FLOOR, 1),
    "sell: drawdown at 20 %": (sell_score.DRAWDOWN_AT_20, 1),
}


def grid(corners: Corners) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    first, last = corners[0][0], corners[-1][0]
    reach = last - first
    return np.linspace(first - reach, last + reach, 3001)


@pytest.mark.parametrize("name", CHAINS)
def test_every_chain_stays_within_0_and_1_and_never_jumps(name: str) -> None:
    corners, _ = CHAINS[name]
    assert [x for x, _ in corners] == sorted({x for x, _ in corners})
    scores = np.array([along(corners, x) for x in grid(corners)])
    assert scores.min() >= 0
    assert scores.max() <= 1
    # A chain of any kind moves by its steepest line at most; a jump would be a thousand times that.
    assert np.abs(np.diff(scores)).max() < 0.02


@pytest.mark.parametrize("name", CHAINS)
def test_every_chain_is_monotone_or_has_one_top(name: str) -> None:
    corners, way = CHAINS[name]
    steps = np.diff([along(corners, x) for x in grid(corners)])
    if way:
        assert (steps * way >= -1e-12).all()
        return
    # Up to one turn: a payout, a momentum or a bonus is best in the middle, and worst is the same
    # for what speaks for a sale.
    signs = np.sign(steps[np.abs(steps) > 1e-12])
    assert np.count_nonzero(np.diff(signs)) == 1


@pytest.mark.parametrize("name", CHAINS)
def test_a_chain_meets_its_corners(name: str) -> None:
    corners, _ = CHAINS[name]
    assert all(along(corners, x) == pytest.approx(y, abs=1e-12) for x, y in corners)


BELLS: dict[str, Callable[[float], float]] = {
    "cagr": lambda rate: mappings.cagr(rate, target=0.11),
    "cagr, low target": lambda rate: mappings.cagr(rate, target=0.01),
    "total return": mappings.total_return,
}


@pytest.mark.parametrize("name", BELLS)
def test_growth_rises_to_its_target_and_falls_beyond_without_a_jump(name: str) -> None:
    bell = BELLS[name]
    rates = np.linspace(-0.5, 1.0, 15001)
    scores = np.array([bell(float(rate)) for rate in rates])
    assert ((scores >= 0.15) & (scores <= 1)).all()
    assert np.abs(np.diff(scores)).max() < 0.005
    top = int(scores.argmax())
    assert (np.diff(scores[: top + 1]) >= -1e-12).all()
    assert (np.diff(scores[top:]) <= 1e-12).all()


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.5), st.floats(-2, 0.9))
def test_averaging_is_a_score_and_prefers_quality_and_smaller_positions(
    quality: float, cheap: float, weight: float, below: float
) -> None:
    score = mappings.averaging(quality, cheap, weight=weight, below_cost=below)
    assert 0 <= score <= 1
    assert mappings.averaging(1.0, cheap, weight=weight, below_cost=below) >= score
    assert mappings.averaging(quality, cheap, weight=0.0, below_cost=below) >= score


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_group_below_its_target_scores_above_one_half(target: float, current: float) -> None:
    score = mappings.group_gap(target, current)
    assert 0.1 <= score <= 0.9
    assert (score - 0.5) * (target - current) >= 0
    assert mappings.group_gap(target, target) == 0.5


def test_negative_equity_is_the_worst_leverage_and_no_debt_the_best() -> None:
    assert mappings.leverage(-3.0) == 0.0
    assert mappings.leverage(0.0) == 1.0


@given(st.floats(-1, 1), st.floats(0, 0.4))
def test_a_dividend_cut_never_raises_the_record(rate: float, penalty: float) -> None:
    assert 0 <= mappings.dividend_record(rate, penalty) <= mappings.dividend_record(rate, 0.0) <= 1
