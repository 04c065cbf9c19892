"""Series are derived from raw bars and corporate actions, and say the same whatever was split."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernels.checks import Floats
from ledger.bar import BarColumns, PriceBook, StoredPrices
from policy.fx_history import FxHistory
from policy.price_history import PriceHistory
from policy.prices import derive, derive_all
from tests.support.past import (
    columns,
    dividend,
    packed,
    rate_columns,
    split,
    stored,
    weekdays,
)

NO_FX = FxHistory({})
DAYS = weekdays(80)
STEPS = st.lists(st.floats(0.9, 1.1), min_size=3, max_size=60)


def history(past: StoredPrices, fx: FxHistory = NO_FX) -> PriceHistory:
    return derive(past, fx, symbol="A")


def path(steps: list[float], start: float = 100.0) -> list[float]:
    return [round(price, 4) for price in start * np.cumprod(steps)]


def returns(values: Floats) -> Floats:
    return values[1:] / values[:-1] - 1


def test_a_split_divides_what_was_before_it() -> None:
    past = stored(columns([100, 110, 55, 56]), splits=[split(DAYS[2], "2")])
    assert history(past).close.values == pytest.approx([50, 55, 55, 56])


def test_two_splits_are_both_felt_before_the_first() -> None:
    past = stored(columns([120, 60, 20, 21]), splits=[split(DAYS[1], "2"), split(DAYS[2], "3")])
    assert history(past).close.values == pytest.approx([20, 20, 20, 21])


def test_a_split_that_came_after_the_last_bar_is_in_force_already() -> None:
    past = stored(columns([100, 110]), splits=[split(DAYS[2], "4")])
    assert history(past).close.values == pytest.approx([25, 27.5])


def test_a_dividend_is_reinvested_at_the_close_of_its_ex_date() -> None:
    past = stored(columns([100, 98, 99]), dividends=[dividend(DAYS[1], "2")])
    made = history(past)
    assert made.close.values == pytest.approx([100, 98, 99])
    assert returns(made.total.values) == pytest.approx([0.0, 99 / 98 - 1])


def test_dividends_of_one_day_add_up_and_one_without_a_bar_counts_on_the_next() -> None:
    saturday = DAYS[4] + timedelta(days=1)
    past = stored(
        columns([100.0] * 8),
        dividends=[dividend(DAYS[1], "1"), dividend(DAYS[1], "2"), dividend(saturday, "4")],
    )
    expected = [0.03, 0, 0, 0, 0.04, 0, 0]
    assert returns(history(past).total.values) == pytest.approx(expected)


def test_a_dividend_on_the_day_of_a_split_is_told_in_the_shares_before_it() -> None:
    past = stored(
        columns([100, 49, 49]),
        splits=[split(DAYS[1], "2")],
        dividends=[dividend(DAYS[1], "2"), dividend(DAYS[2], "0.49")],
    )
    assert returns(history(past).total.values) == pytest.approx([0.0, 0.01])


def test_a_dividend_before_the_second_bar_or_after_the_last_changes_nothing() -> None:
    plain = history(stored(columns([100, 101, 102])))
    paid = [dividend(DAYS[0], "1"), dividend(DAYS[5], "1")]
    assert list(history(stored(columns([100, 101, 102]), dividends=paid)).total.values) == list(
        plain.total.values
    )


@given(STEPS, st.data())
def test_inserting_a_split_changes_no_return(steps: list[float], data: st.DataObject) -> None:
    close = path(steps)
    at = data.draw(st.integers(1, len(close) - 1))
    ratio = data.draw(st.sampled_from(["2", "10", "0.5", "1.5", "0.05"]))
    paid_at = data.draw(st.integers(1, len(close) - 1))
    factor = float(ratio)
    plain = stored(columns(close), dividends=[dividend(DAYS[paid_at], "1.5")])
    after = [price if n < at else price / factor for n, price in enumerate(close)]
    amount = 1.5 if paid_at <= at else 1.5 / factor
    cut = stored(
        columns(after),
        splits=[split(DAYS[at], ratio)],
        dividends=[dividend(DAYS[paid_at], f"{amount:.6f}")],
    )
    for name in ("close", "total"):
        old, new = (returns(getattr(history(past), name).values) for past in (plain, cut))
        assert new == pytest.approx(old, abs=2e-5)


@given(STEPS)
def test_a_further_bar_changes_no_return_before_it(steps: list[float]) -> None:
    close = path(steps)
    paid = [dividend(DAYS[1], "1")]
    shorter = history(stored(columns(close[:-1]), dividends=paid)).total.values
    longer = history(stored(columns(close), dividends=paid)).total.values
    assert list(longer[:-1]) == list(shorter)


def test_bars_from_new_to_old_are_refused() -> None:
    with pytest.raises(ValueError, match="expected a later one"):
        history(stored(columns([1, 2, 3], days=DAYS[2::-1])))


def test_what_was_received_adjusted_is_made_raw_first() -> None:
    """The same bars, once as they were traded and once divided by their source."""
    raw = stored(columns([100, 110, 55]), splits=[split(DAYS[2], "2")])
    received = replace(columns([50, 55, 55]), numerators=packed([2, 2, 1]), denominators="1,1,1")
    again = history(replace(raw, columns=received))
    assert again.close.values == pytest.approx(history(raw).close.values)


def test_without_bars_there_is_no_history_and_it_says_so() -> None:
    empty = history(StoredPrices(1, "", BarColumns("", "", "", "", ""), (), ()))
    assert (len(empty.close), empty.unusable) == (0, "no bars are stored")
    assert empty.close_eur is None
    broken = history(stored(columns([0, 0, -1])))
    assert (len(broken.total), broken.unusable) == (0, "no close of it can be believed")


# Currencies


def dollars(count: int, value: str = "1.25") -> FxHistory:
    return FxHistory({"USD": rate_columns(dict.fromkeys(weekdays(count), value))})


def test_a_euro_series_is_its_own() -> None:
    made = history(stored(columns([100, 101])))
    assert made.close_eur is not None
    assert list(made.close_eur.values) == list(made.close.values)


def test_prices_become_euros_at_the_rate_of_their_day() -> None:
    fx = FxHistory({"USD": rate_columns({DAYS[0]: "1.25", DAYS[1]: "1.6", DAYS[2]: "2"})})
    made = history(stored(columns([100, 100, 100]), currency="USD", dividends=[]), fx)
    assert made.close_eur is not None
    assert made.close_eur.values == pytest.approx([80, 62.5, 50])


def test_a_rate_lasts_for_three_days_of_the_payment_system_and_then_days_are_left_out() -> None:
    made = history(stored(columns([100.0] * 10), currency="USD"), dollars(2))
    assert made.close_eur is not None
    known = [date.fromordinal(day) for day in made.close_eur.days.tolist()]
    assert known == DAYS[:5]  # the rate of Tuesday is three days old on Friday
    assert len(made.close) == 10


def test_a_day_before_the_first_rate_is_left_out_and_without_rates_there_is_no_euro() -> None:
    fx = FxHistory({"USD": rate_columns({DAYS[1]: "1.25"})})
    made = history(stored(columns([100, 100]), currency="USD"), fx)
    assert made.close_eur is not None
    assert made.close_eur.days.tolist() == [DAYS[1].toordinal()]
    nothing = history(stored(columns([100, 100]), currency="HKD"), fx)
    assert (nothing.close_eur, nothing.total_eur) == (None, None)


def test_a_dividend_in_another_currency_is_converted_at_its_ex_date() -> None:
    past = stored(columns([100, 100, 100]), dividends=[dividend(DAYS[1], "2.5", "USD")])
    made = history(past, dollars(3))
    assert returns(made.total.values) == pytest.approx([0.02, 0])
    assert made.notes == ()


def test_a_dividend_without_a_rate_is_left_out_and_named() -> None:
    past = stored(columns([100, 100]), dividends=[dividend(DAYS[1], "2.5", "USD")])
    made = history(past)
    assert list(made.total.values) == list(made.close.values)
    assert made.notes == (f"the dividend of {DAYS[1]} is left out: no rate is known",)


def test_a_dividend_above_the_price_is_left_out_and_named() -> None:
    made = history(stored(columns([100, 100]), dividends=[dividend(DAYS[1], "120")]))
    assert made.notes == (f"the dividend of {DAYS[1]} is left out: it is more than the price",)


def test_a_whole_book_is_derived_in_its_order() -> None:
    one, other = stored(columns([1, 2])), replace(stored(columns([3, 4])), security_id=7)
    made = derive_all(PriceBook((other, one), {}), {1: "A", 7: "B"})
    assert [(h.security_id, h.symbol) for h in made] == [(7, "B"), (1, "A")]


PRICES = st.sampled_from([-1.0, 0.0, 1e-6, 8.0, 9.0, 10.0, 11.0, 200.0])


@given(st.lists(st.tuples(PRICES, PRICES, PRICES, PRICES), min_size=1, max_size=20))
def test_whatever_comes_in_lows_and_highs_span_the_close(
    rows: list[tuple[float, float, float, float]],
) -> None:
    close, opened, high, low = zip(*rows, strict=True)
    made = history(stored(columns(close, opened=opened, high=high, low=low)))
    assert (made.low.values <= made.close.values).all()
    assert (made.close.values <= made.high.values).all()
    assert (made.close.values > 0).all()
    assert made.repaired == len(made.flagged)
    assert all(a < b for a, b in pairwise(made.close.days.tolist()))
