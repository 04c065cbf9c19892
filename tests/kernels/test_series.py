"""A series is in order by construction: figures that run backwards cannot be handed to anything."""

import inspect
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import drawdown, indicators, relations, risk, rolling, tail
from kernels.series import Series
from tests.kernels.lines import daily, wandering

EXAMPLES = settings(max_examples=80, deadline=None, derandomize=True)
DAYS = st.lists(st.integers(1, 2_000_000), min_size=2, max_size=40, unique=True)
FRONT_DOORS = (drawdown, indicators, relations, risk, rolling, tail)


@EXAMPLES
@given(days=DAYS)
def test_series_from_new_to_old_cannot_be_built(days: list[int]) -> None:
    ordered = np.array(sorted(days), dtype=np.int32)
    values = np.arange(len(days), dtype=np.float64)
    assert len(Series(ordered, values)) == len(days)
    with pytest.raises(ValueError, match="expected a later one"):
        Series(np.ascontiguousarray(ordered[::-1]), values)


@EXAMPLES
@given(days=DAYS)
def test_series_exists_only_with_its_days_in_order(days: list[int]) -> None:
    array = np.array(days, dtype=np.int32)
    values = np.zeros(len(days))
    if days == sorted(days):
        assert Series(array, values).days.tolist() == days
    else:
        with pytest.raises(ValueError, match="days: "):
            Series(array, values)


def test_no_front_door_takes_prices_without_their_days() -> None:
    for module in FRONT_DOORS:
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ != module.__name__ or name.startswith("_"):
                continue
            kinds = [str(p.annotation) for p in inspect.signature(function).parameters.values()]
            assert not [kind for kind in kinds if "ndarray" in kind], f"{module.__name__}.{name}"


def test_same_day_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="days: 5 is followed by 5, expected a later one"):
        Series(np.array([4, 5, 5], dtype=np.int32), np.zeros(3))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_figure_that_is_not_finite_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="at row 1, expected a finite number"):
        daily([1.0, bad, 2.0])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.zeros(60)[::2], r"values: strides \(16,\), expected a C-contiguous array"),
        (np.zeros(30, dtype=np.float32), "values: dtype float32, expected float64"),
        (np.zeros((6, 5)), "values: 2 dimensions, expected 1"),
        (np.zeros(29), "values: length 29, expected 30"),
    ],
)
def test_unfit_arrays_are_refused(values: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Series(np.arange(30, dtype=np.int32), values)


def test_later_changes_of_the_arrays_do_not_reach_a_series() -> None:
    days, values = np.arange(3, dtype=np.int32), np.ones(3)
    series = Series(days, values)
    days[0], values[0] = 99, np.nan
    assert (series.days[0], series.values[0]) == (0, 1.0)
    with pytest.raises(ValueError, match="read-only"):
        series.values[0] = 2.0


def test_parts_of_a_series_are_series() -> None:
    line = wandering(100)
    assert line.last(30).values.tolist() == line.values[-30:].tolist()
    assert len(line.last(500)) == 100
    first, until = int(line.days[10]), int(line.days[20])
    assert line.between(first, until).days.tolist() == line.days[10:21].tolist()


def test_span_in_years_is_exact_by_the_days() -> None:
    days = [date(2003, 1, 1).toordinal(), date(2007, 1, 1).toordinal()]
    assert Series(np.array(days, dtype=np.int32), np.ones(2)).years == 4.0
    assert daily([1.0]).years == 0.0
