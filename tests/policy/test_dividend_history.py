"""What makes a payer of dividends reliable, number by number."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.fact import CorporateAction
from ledger.money import Price
from policy.dividend_history import (
    AVERAGE_YIELD,
    Payment,
    analyse,
    annual_totals,
    cut_penalty,
    growth,
    growth_bonus,
    last_year,
    no_cut_bonus,
    payments,
    payout_stability,
    stability,
    verdict,
    years_since_cut,
    yield_bonus,
    yield_class,
)
from tests.policy.accounts import NOON, TODAY


def dec(*values: str | float) -> tuple[Decimal, ...]:
    return tuple(Decimal(str(value)) for value in values)


def paid(day: date, amount: str = "1", currency: str = "EUR") -> Payment:
    return Payment(day, Price.of(amount, currency))


def action(
    day: date, amount: str | None = "1", *, currency: str = "EUR", ratio: str | None = None
) -> CorporateAction:
    return CorporateAction(
        action_id=f"a{day}",
        kind="dividend" if ratio is None else "split",
        symbol="AAA",
        ex_date=day,
        pay_date=None,
        effective_at=NOON,
        ratio=None if ratio is None else Decimal(ratio),
        per_share=None if amount is None or ratio else Price.of(amount, currency),
    )


def test_a_split_is_no_cut() -> None:
    found = payments(
        [
            action(date(2024, 5, 2), "2"),
            action(date(2025, 1, 7), ratio="4"),
            action(date(2025, 5, 2), "0.5"),
        ]
    )
    assert found is not None
    assert [p.per_share for p in found] == [Price.of("0.5", "EUR")] * 2


@pytest.mark.parametrize(
    "actions",
    [
        [],
        [action(date(2025, 1, 7), ratio="2")],
        [action(date(2025, 5, 2)), action(date(2025, 8, 2), None)],
        [action(date(2025, 5, 2)), action(date(2025, 8, 2), currency="USD")],
    ],
)
def test_what_cannot_be_added_up_is_unknown(actions: Sequence[CorporateAction]) -> None:
    assert payments(actions) is None


def test_the_running_year_is_left_out_and_a_year_without_payment_counts() -> None:
    history = [
        paid(date(2022, 5, 2)),
        paid(date(2022, 11, 2), "0.5"),
        paid(date(2024, 5, 2)),
        paid(date(2026, 2, 2), "9"),
    ]
    assert TODAY.year == 2026
    assert annual_totals(history, TODAY) == dec("1.5", 0, 1, 0)
    assert annual_totals(history[-1:], TODAY) == ()


def test_the_last_year_is_365_days_long() -> None:
    days = [date(2025, 3, 4), date(2025, 3, 5), TODAY, date(2026, 3, 5)]
    assert len(last_year([paid(day) for day in days], TODAY)) == 2


@pytest.mark.parametrize(
    ("totals", "since"),
    [
        (dec(1, 1, 1), None),
        (dec(1, 0.8), None),
        (dec(1, 0.79), 1),
        (dec(1, 0.5, 0.6, 0.7), 3),
        # The most recent of two cuts counts.
        (dec(1, 0.5, 1, 0.5, 0.5), 2),
        (dec(0, 1, 2), None),
        (dec(1, 0, 0), 2),
        ((), None),
    ],
)
def test_the_most_recent_big_cut_counts(totals: tuple[Decimal, ...], since: int | None) -> None:
    assert years_since_cut(totals) == since


def test_growth_is_compound_from_the_first_year_that_paid() -> None:
    assert growth(dec(0, 1, 5, "1.21")) == pytest.approx(Decimal("0.1"))
    assert growth(dec(0, 1, 0)) is None
    assert growth(dec(1)) is None
    assert growth(dec(1, 1, 0)) == -1


@pytest.mark.parametrize(
    ("since", "penalty"),
    [(None, "0"), (1, "0.40"), (2, "0.40"), (3, "0.25"), (5, "0.25"), (6, "0.10")],
)
def test_a_cut_costs_less_with_the_years(since: int | None, penalty: str) -> None:
    assert cut_penalty(since) == Decimal(penalty)


def test_years_without_a_cut_are_rewarded() -> None:
    assert no_cut_bonus(dec(1, 1)) == 0
    assert no_cut_bonus(dec(1, 1, 1)) == Decimal("0.10")
    assert no_cut_bonus(dec(1, 1, 1, 1, 1)) == Decimal("0.15")
    assert no_cut_bonus(dec(1, "0.5", 1, 1, 1, 1, 1)) == 0


@pytest.mark.parametrize(
    ("rate", "bonus"),
    [("0.05", "0.30"), ("0.0499", "0.20"), ("0.02", "0.20"), ("0", "0.10"), ("-0.001", "0")],
)
def test_growth_is_rewarded_in_steps(rate: str, bonus: str) -> None:
    assert growth_bonus(Decimal(rate)) == Decimal(bonus)
    assert growth_bonus(None) == 0


@pytest.mark.parametrize(
    ("current", "bonus", "class_"),
    [
        ("0.045", "0.30", "significantly_above_average"),
        ("0.0449", "0.15", "above_average"),
        ("0.03", "0.15", "above_average"),
        ("0.0299", "0", "below_average"),
        ("0", "0", "no_dividend"),
    ],
)
def test_a_yield_is_compared_with_the_portfolio(current: str, bonus: str, class_: str) -> None:
    assert yield_bonus(Decimal(current), AVERAGE_YIELD) == Decimal(bonus)
    assert yield_class(Decimal(current), AVERAGE_YIELD) == class_


def test_an_unknown_yield_is_no_low_one() -> None:
    assert yield_class(None, AVERAGE_YIELD) is None
    assert yield_bonus(None, AVERAGE_YIELD) == 0


def test_stability_adds_up_and_stays_between_0_and_1() -> None:
    steady = dec(1, "1.1", "1.2", "1.3", "1.4")
    assert stability(steady, Decimal("0.05"), AVERAGE_YIELD) == 1
    assert stability(steady, None, AVERAGE_YIELD) == Decimal("0.950")
    assert stability(dec(1, "0.5"), None, AVERAGE_YIELD) == Decimal("0.100")


@given(
    totals=st.lists(st.decimals(0, 100, places=3), max_size=12),
    current=st.none() | st.decimals(0, 1, places=4),
)
def test_stability_is_a_fraction_to_three_decimals(
    totals: list[Decimal], current: Decimal | None
) -> None:
    score = stability(totals, current, AVERAGE_YIELD)
    assert 0 <= score <= 1
    assert score == score.quantize(Decimal("0.001"))


@pytest.mark.parametrize(
    ("payout", "score"),
    [
        (None, "0.5"), ("0.1", "0.5"), ("0.2", "0.7"), ("0.29", "0.7"), ("0.3", "0.85"),
        ("0.6", "0.85"), ("0.61", "0.6"), ("0.8", "0.6"), ("0.81", "0.4"),
    ],
)  # fmt: skip
def test_without_history_the_payout_ratio_is_a_guess(payout: str | None, score: str) -> None:
    ratio = None if payout is None else Decimal(payout)
    assert payout_stability(ratio) == Decimal(score)
    assert analyse("AAA", None, current=None, today=TODAY, payout=ratio).stability_score == Decimal(
        score
    )


def test_the_verdict_has_four_tiers_and_a_caution() -> None:
    words = [verdict(Decimal(score), None) for score in ("0.8", "0.79", "0.59", "0.39")]
    assert len(set(words)) == 4
    assert verdict(Decimal("0.79"), Decimal("0.70")) == words[1]
    assert verdict(Decimal("0.79"), Decimal("0.71")).startswith(words[1])
    assert verdict(Decimal("0.79"), Decimal("0.71")) != words[1]


def test_an_analysis_says_everything_in_fractions() -> None:
    history = [paid(date(year, 5, 2), str(1 + (year - 2020) / 10)) for year in range(2020, 2026)]
    known = analyse("AAA", history, current=Decimal("0.045"), today=TODAY)
    assert known.stability_score == 1
    assert known.consistent
    assert known.above_portfolio_avg
    assert known.current_yield_pct == Decimal("0.045")
    assert known.portfolio_avg_yield_pct == Decimal("0.03")
    assert known.payout_ratio_pct is None
    assert known.recommendation == "a reliable payer"
    assert not analyse("AAA", history, current=None, today=TODAY).consistent
