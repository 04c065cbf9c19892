"""A series is in order by construction: figures that run backwards cannot be handed to anything."""

import inspect
from collections.abc import Callable
from datetime import date
from typing import get_type_hints

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels import drawdown, indicators, relations, risk, rolling, tail
from kernels.series import Series, distinct
from tests.kernels.lines import FIRST, daily, wandering

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


@pytest.mark.parametrize("ends", [(2**31 - 1, -(2**31)), (2**31 - 1, -5), (7, -(2**31))])
def test_days_too_far_apart_for_their_difference_are_still_in_order(ends: tuple[int, int]) -> None:
    later, earlier = ends
    values = np.zeros(2)
    assert len(Series(np.array([earlier, later], dtype=np.int32), values)) == 2
    with pytest.raises(ValueError, match="expected a later one"):
        Series(np.array([later, earlier], dtype=np.int32), values)


def front_doors() -> list[Callable[..., object]]:
    """Every public function that takes a series."""
    return [
        function
        for module in FRONT_DOORS
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and Series in parameters(function).values()
    ]


def parameters(function: Callable[..., object]) -> dict[str, object]:
    """What each parameter is declared to be."""
    kinds = get_type_hints(function)
    return {name: kinds[name] for name in inspect.signature(function).parameters}


@pytest.mark.parametrize("function", front_doors(), ids=lambda f: f"{f.__module__}.{f.__name__}")
def test_no_front_door_takes_prices_without_their_days(function: Callable[..., object]) -> None:
    kinds = parameters(function)
    assert not [name for name, kind in kinds.items() if "ndarray" in str(kind)]
    needed = [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty
    ]
    ordered = wandering(400)
    given = {name: ordered if kinds[name] is Series else 60 for name in needed}
    assert function(**given) is not None
    for name in (name for name in needed if kinds[name] is Series):
        for bare in (ordered.values, ordered.values[::-1]):
            with pytest.raises(AttributeError, match=r"'numpy\.ndarray' object has no"):
                function(**given | {name: bare})


def test_figures_turned_around_under_their_days_are_refused() -> None:
    line = wandering(30)
    with pytest.raises(ValueError, match=r"values: strides \(-8,\), expected a C-contiguous array"):
        Series(line.days, line.values[::-1])


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


@EXAMPLES
@given(rows=st.integers(0, 40), wanted=st.integers(-3, 60), first=st.integers(-5, 45))
def test_parts_of_a_series_are_in_order_and_read_only(rows: int, wanted: int, first: int) -> None:
    line = daily(np.arange(float(rows)))
    for part in (line.last(wanted), line.between(FIRST + first, FIRST + first + wanted)):
        assert Series(part.days, part.values).days.tolist() == part.days.tolist()
        assert (part.values == part.days - FIRST).all()
        assert not part.values.flags.writeable
        assert not part.days.flags.writeable


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


@pytest.mark.parametrize("days", [[], [3], [5, 3, 5, 4, 3], [2**31 - 1, -(2**31), 0]])
def test_distinct_days_are_each_day_once_in_order(days: list[int]) -> None:
    assert distinct(np.array(days, dtype=np.int32)).tolist() == sorted(set(days))
