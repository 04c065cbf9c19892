"""The wire of a panel passes every light exactly once, however it is mounted."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.layout import Layout, usual_layout, wire_order, wire_table
from hw.port import Size

layouts = st.builds(
    Layout,
    order=st.sampled_from(["rows", "columns"]),
    serpentine=st.booleans(),
    origin=st.sampled_from(["top-left", "top-right", "bottom-left", "bottom-right"]),
    rotation=st.sampled_from([0, 90, 180, 270]),
    mirror=st.booleans(),
    tiles_across=st.sampled_from([1, 2]),
    tiles_down=st.sampled_from([1, 2]),
    tiles_serpentine=st.booleans(),
)
sizes = st.sampled_from([Size(8, 8), Size(8, 32), Size(16, 16), Size(4, 6)])


@given(layout=layouts, size=sizes)
def test_every_layout_is_a_bijection(layout: Layout, size: Size) -> None:
    table = wire_table(layout, size)
    assert sorted(table) == list(range(size.rows * size.columns))


@given(layout=layouts, size=sizes)
def test_reordered_pixels_stand_where_the_table_says(layout: Layout, size: Size) -> None:
    count = size.rows * size.columns
    pixels = bytes(itertools.chain.from_iterable((n % 256, n // 256, 7) for n in range(count)))
    wire = wire_order(layout, size)(pixels)
    for pixel, place in enumerate(wire_table(layout, size)):
        assert wire[3 * place : 3 * place + 3] == pixels[3 * pixel : 3 * pixel + 3]


@pytest.mark.parametrize(
    ("layout", "table"),
    [
        (Layout(), (0, 1, 2, 3, 4, 5)),
        (Layout(serpentine=True), (0, 1, 2, 5, 4, 3)),
        (Layout(order="columns"), (0, 2, 4, 1, 3, 5)),
        (Layout(order="columns", serpentine=True), (0, 3, 4, 1, 2, 5)),
        (Layout(mirror=True), (2, 1, 0, 5, 4, 3)),
        (Layout(origin="bottom-right"), (5, 4, 3, 2, 1, 0)),
        (Layout(rotation=180), (5, 4, 3, 2, 1, 0)),
        (Layout(rotation=90), (4, 2, 0, 5, 3, 1)),
        (Layout(rotation=270), (1, 3, 5, 0, 2, 4)),
    ],
)
def test_a_panel_of_two_by_three(layout: Layout, table: tuple[int, ...]) -> None:
    assert wire_table(layout, Size(2, 3)) == table


def test_tiles_are_chained_one_after_the_other() -> None:
    table = wire_table(Layout(tiles_across=2), Size(2, 4))
    assert table == (0, 1, 4, 5, 2, 3, 6, 7)


def test_a_chain_of_tiles_may_turn_back() -> None:
    layout = Layout(tiles_across=2, tiles_down=2, tiles_serpentine=True)
    assert wire_table(layout, Size(2, 2)) == (0, 1, 3, 2)


def test_tiles_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="does not divide"):
        wire_table(Layout(tiles_across=3), Size(8, 8))


def test_a_long_panel_is_usually_wired_by_columns() -> None:
    assert usual_layout(Size(8, 32)) == Layout(order="columns", serpentine=True)
    assert usual_layout(Size(16, 16)) == Layout(serpentine=True)
    assert usual_layout(Size(8, 8)) == Layout()
