"""Colour arithmetic on rows of bytes."""

from hypothesis import given
from hypothesis import strategies as st

from hw.paint import luminance, scale_table, tint


@given(levels=st.binary(max_size=64), colour=st.tuples(*[st.integers(0, 255)] * 3))
def test_tinting_scales_each_channel_by_its_colour(
    levels: bytes, colour: tuple[int, int, int]
) -> None:
    painted = tint(levels, colour)
    assert painted == bytes(level * part // 255 for level in levels for part in colour)


def test_a_table_saturates_instead_of_wrapping() -> None:
    assert scale_table(510)[200] == 255


def test_luminance_is_the_brightest_channel() -> None:
    assert luminance(bytes((1, 9, 3, 0, 0, 7))) == bytes((9, 7))
