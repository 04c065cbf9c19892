"""Rates of past days: known for as long as a rate counts, and without slips."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ledger.rate import Rate
from policy.fx_history import MOST_SPIKE, MOST_TARGET_DAYS, FxHistory, SpikeFilter
from policy.target_days import is_target_day, target_days_between
from tests.support.past import rate_columns

DAY = date(2015, 1, 12)


def rate(days: int, value: str, currency: str = "CHF") -> Rate:
    return Rate("EUR", currency, Decimal(value), DAY + timedelta(days=days), "ecb")


@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=10, unique=True),
    st.lists(st.integers(0, 60), min_size=1, max_size=20, unique=True),
)
def test_a_rate_is_the_newest_of_at_most_three_target_days_ago(
    published: list[int], asked: list[int]
) -> None:
    days = sorted(day for n in published if is_target_day(day := DAY + timedelta(days=n)))
    fx = FxHistory({"CHF": rate_columns({day: str(1 + n) for n, day in enumerate(days)})})
    wanted = sorted(DAY + timedelta(days=n) for n in asked)
    values, known = fx.per_eur("CHF", np.array([d.toordinal() for d in wanted], dtype=np.int32))
    for day, value, is_known in zip(wanted, values, known, strict=True):
        newest = max((d for d in days if d <= day), default=None)
        young = newest is not None and target_days_between(newest, day) <= MOST_TARGET_DAYS
        assert is_known == young
        assert (value == 1 + days.index(newest)) if young and newest else np.isnan(value)


def test_the_euro_is_always_one_and_a_currency_without_rates_is_unknown() -> None:
    days = np.array([DAY.toordinal()], dtype=np.int32)
    assert FxHistory({}).per_eur("EUR", days)[0].tolist() == [1.0]
    assert FxHistory({}).per_eur("CHF", days)[1].tolist() == [False]


def believed(*stretches: list[Rate]) -> list[Rate]:
    """By currency and day, as the stretches came in."""
    spikes = SpikeFilter()
    found = [sound for stretch in stretches for sound in spikes.take(stretch)]
    return sorted((*found, *spikes.rest()), key=lambda rate: (rate.quote, rate.as_of))


def test_a_slip_between_two_days_is_left_out_and_a_new_level_is_kept() -> None:
    slip = [rate(0, "1.20"), rate(1, "12.0"), rate(2, "1.21")]
    assert believed(slip) == [slip[0], slip[2]]
    franc = [rate(0, "1.20"), rate(3, "1.20"), rate(4, "1.03"), rate(5, "1.01")]
    assert believed(franc) == franc


def test_rates_come_out_once_by_currency_and_day() -> None:
    rows = [rate(1, "1.2"), rate(0, "1.2"), rate(0, "1.1", "USD"), rate(1, "1.2")]
    assert believed(rows) == [rows[1], rows[0], rows[2]]
    # The last of one currency and the first of another are no neighbours.
    assert len(believed([rate(0, "1"), rate(1, "1"), rate(0, "8", "HKD")])) == 3


@given(
    st.lists(st.sampled_from(["1", "1.05", "1.3", "9"]), min_size=1, max_size=12),
    st.lists(st.integers(0, 12), max_size=4),
)
def test_what_is_believed_is_the_same_however_rates_are_cut_into_stretches(
    values: list[str], cuts: list[int]
) -> None:
    rows = [rate(day, value) for day, value in enumerate(values)]
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    inner = zip(rows, rows[1:], rows[2:], strict=False)
    errors = [
        middle
        for before, middle, after in inner
        if all(abs(middle.value / one.value - 1) > MOST_SPIKE for one in (before, after))
    ]
    wanted = [row for row in rows if row not in errors]
    assert believed(*(rows[a:b] for a, b in pairwise(edges))) == wanted
