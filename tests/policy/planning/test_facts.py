"""What is known of a security: read from its score, and worth something to an end state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ledger.score import Score
from policy.planning.config import DEFAULT_CONFIG
from policy.planning.facts import UNKNOWN_FACTS, SecurityFacts, facts_of, worth_of
from policy.scoring.end_state import EndStateParts
from policy.scoring.mappings import total_return
from tests.policy.accounts import TODAY

METRICS: Mapping[str, float | None] = {
    "CAGR_1Y": 0.20, "CAGR_3Y": 0.05, "CAGR_5Y": 0.08, "CAGR_10Y": 0.09, "DIVIDEND_YIELD": 0.02,
    "TOTAL_RETURN": 0.10, "LONG_TERM_PROMISE": 0.7, "STABILITY_SCORE": 0.6,
    "VOLATILITY_ANNUAL": 0.18,
}  # fmt: skip


def score(**changes: float | None) -> Score:
    return Score(
        security_id=1,
        symbol="S0",
        total=0.6,
        coverage=0.8,
        groups={"long_term": 0.8, "fundamentals": 0.6},
        parts={},
        metrics={**METRICS, **changes},
        history_years=9.0,
        last_bar=TODAY,
    )


def test_facts_are_read_from_the_score() -> None:
    found = facts_of(score(), TODAY)
    assert found == SecurityFacts(
        quality=pytest.approx(0.7),
        dividend_yield=0.02,
        parts=EndStateParts(total_return(0.10), 0.7, 0.6),
        growth=0.08,
        returns=(pytest.approx(0.22), pytest.approx(0.07), pytest.approx(0.10)),
        volatility=0.18,
        bought_on=TODAY,
    )


def test_what_the_score_does_not_know_stays_unknown() -> None:
    assert facts_of(None, None) == UNKNOWN_FACTS
    assert facts_of(score(CAGR_5Y=None), None).growth == 0.09
    assert facts_of(score(CAGR_3Y=None), None).returns[1] is None
    assert facts_of(score(DIVIDEND_YIELD=None), None).returns == (None, None, None)
    # A score of before these figures were kept has none of them.
    old = replace(score(), metrics={"CAGR_5Y": 0.08})
    assert facts_of(old, None).returns == (None, None, None)


PARTS = EndStateParts(total_return=0.9, promise=0.6, stability=0.2)


@pytest.mark.parametrize(
    ("profile", "worth"),
    [
        ("conservative", 0.25 * 0.9 + 0.20 * 0.6 + 0.20 * 0.2),
        ("balanced", 0.35 * 0.9 + 0.20 * 0.6 + 0.15 * 0.2),
        ("aggressive", 0.45 * 0.9 + 0.25 * 0.6 + 0.05 * 0.2),
    ],
)
def test_a_security_is_worth_its_parts_by_the_weights_of_the_profile(
    profile: str, worth: float
) -> None:
    config = replace(DEFAULT_CONFIG, risk_profile=profile)  # type: ignore[arg-type]
    assert worth_of(SecurityFacts(parts=PARTS), config) == pytest.approx(worth)


def test_what_is_not_known_is_worth_half() -> None:
    assert worth_of(UNKNOWN_FACTS, DEFAULT_CONFIG) == pytest.approx(0.5 * (0.35 + 0.20 + 0.15))
    several = replace(DEFAULT_CONFIG, enable_multi_timeframe=True)
    assert worth_of(UNKNOWN_FACTS, several) == worth_of(UNKNOWN_FACTS, DEFAULT_CONFIG)


def test_over_several_timeframes_the_return_is_their_mean_by_weight() -> None:
    several = replace(DEFAULT_CONFIG, enable_multi_timeframe=True)
    one, three, five = 0.20, 0.02, 0.10

    def worth(*returns: float | None) -> float:
        first, second, third = returns
        return worth_of(SecurityFacts(parts=PARTS, returns=(first, second, third)), several)

    rest = 0.20 * 0.6 + 0.15 * 0.2
    mixed = 0.2 * total_return(one) + 0.3 * total_return(three) + 0.5 * total_return(five)
    assert worth(one, three, five) == pytest.approx(0.35 * mixed + rest)
    # What is missing leaves its weight to the others.
    fewer = (0.2 * total_return(one) + 0.3 * total_return(three)) / 0.5
    assert worth(one, three, None) == pytest.approx(0.35 * fewer + rest)
    # The same return throughout is what five years alone say.
    assert worth(five, five, five) == pytest.approx(0.35 * total_return(five) + rest)
