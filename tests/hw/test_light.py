"""Gamma never hides a light, and the supply is never asked for more than it gives."""

from hypothesis import given
from hypothesis import strategies as st

from hw.light import current_ma, gamma_table, limit_current


@given(brightness=st.integers(1, 255))
def test_gamma_rises_and_keeps_everything_lit_visible(brightness: int) -> None:
    table = gamma_table(brightness)
    assert list(table) == sorted(table)
    assert table[0] == 0
    assert all(table[1:])


def test_full_brightness_spans_the_whole_range_and_none_is_dark() -> None:
    assert gamma_table(255)[255] == 255
    assert gamma_table(0) == bytes(256)


@given(pixels=st.binary(min_size=3, max_size=768), limit_ma=st.integers(1, 4000))
def test_the_current_stays_within_the_limit(pixels: bytes, limit_ma: int) -> None:
    whole = pixels[: len(pixels) // 3 * 3]
    quiet_ma = len(whole) // 3
    limited = limit_current(whole, limit_ma=limit_ma)
    assert current_ma(limited) <= max(limit_ma, quiet_ma)


def test_a_frame_within_the_limit_is_untouched() -> None:
    pixels = bytes(range(192))
    assert limit_current(pixels, limit_ma=4000) is pixels


def test_a_white_panel_is_dimmed_evenly_and_uses_what_it_may() -> None:
    limited = limit_current(b"\xff" * 768, limit_ma=1000)
    assert len(set(limited)) == 1
    assert 900 < current_ma(limited) <= 1000


def test_one_full_light_takes_sixty_milliamperes_and_its_own_electronics() -> None:
    assert current_ma(b"\xff\xff\xff") == 61
