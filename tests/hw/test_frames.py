"""What is shown when, and that a picture depends on nothing but its inputs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw.frames import (
    TRADE_SCENE_MS,
    Banner,
    Scene,
    Screen,
    TestRun,
    TradeFlash,
    next_change_ms,
    render,
    scene_of,
    text_level,
)
from hw.port import Frame, Size
from hw.scenes import IDLE_PERIOD_MS, SYNC_PERIOD_MS, Pattern
from hw.strip import make_strip

SIZES = [Size(8, 13), Size(8, 8), Size(16, 16), Size(8, 32)]

texts = st.text(max_size=60)
banners = st.none() | st.builds(Banner, text=texts, since_ms=st.integers(0, 10_000))
screens = st.builds(
    Screen,
    error=banners,
    trade=st.none() | st.builds(TradeFlash, buy=st.booleans(), since_ms=st.integers(0, 10_000)),
    processing=banners,
    syncing=st.booleans(),
    ticker=banners,
    test=st.none()
    | st.builds(TestRun, pattern=st.sampled_from(Pattern), since_ms=st.integers(0, 10_000)),
    night=st.booleans(),
    brightness=st.integers(0, 255),
    ticker_step_ms=st.integers(10, 1000),
)


def art(frame: Frame) -> list[str]:
    """The frame as text: `#` where anything is lit."""
    lit = [any(frame.pixels[at : at + 3]) for at in range(0, len(frame.pixels), 3)]
    return [
        "".join("#" if lit[y * frame.width + x] else "." for x in range(frame.width))
        for y in range(frame.height)
    ]


@given(
    screen=screens,
    t_ms=st.integers(0, 100_000),
    size=st.builds(Size, rows=st.integers(1, 20), columns=st.integers(1, 40)),
)
def test_every_frame_has_the_size_asked_for_and_repeats_exactly(
    screen: Screen, t_ms: int, size: Size
) -> None:
    frame = render(screen, t_ms=t_ms, size=size)
    assert (frame.width, frame.height) == (size.columns, size.rows)
    assert len(frame.pixels) == 3 * size.rows * size.columns
    make_strip.cache_clear()
    assert render(screen, t_ms=t_ms, size=size) == frame


@given(text=texts, offset=st.integers(0, 500), size=st.sampled_from(SIZES))
def test_the_scroll_is_periodic(text: str, offset: int, size: Size) -> None:
    strip = make_strip(text, colour=(255, 0, 0), level=9, size=size)
    assert strip.period == 6 * len(text) + size.columns
    assert strip.window(offset) == strip.window(offset + strip.period)


@given(screen=screens, t_ms=st.integers(0, 100_000))
def test_the_next_change_lies_ahead_and_nothing_changes_before_it(
    screen: Screen, t_ms: int
) -> None:
    size = Size(8, 13)
    upcoming = next_change_ms(screen, t_ms=t_ms)
    assert upcoming > t_ms
    if scene_of(screen, upcoming - 1) is scene_of(screen, t_ms):
        shown = render(screen, t_ms=t_ms, size=size)
        assert render(screen, t_ms=upcoming - 1, size=size) == shown


def test_text_enters_from_the_right_and_is_legible() -> None:
    screen = Screen(ticker=Banner("H1", 0))
    assert art(render(screen, t_ms=12 * 50, size=Size(8, 13))) == [
        ".#...#...#...",
        ".#...#..##...",
        ".#...#...#...",
        ".#####...#...",
        ".#...#...#...",
        ".#...#...#...",
        ".#...#..###..",
        ".............",
    ]


def test_text_stands_in_the_middle_of_a_taller_panel() -> None:
    lines = art(render(Screen(ticker=Banner("I", 0)), t_ms=10 * 50, size=Size(16, 16)))
    assert [row for row, line in enumerate(lines) if "#" in line] == list(range(4, 11))


def test_a_text_starts_dark_at_its_first_instant() -> None:
    screen = Screen(ticker=Banner("X", 5_000))
    assert render(screen, t_ms=5_000, size=Size(8, 8)) == Frame.dark(Size(8, 8))
    assert render(screen, t_ms=5_050, size=Size(8, 8)) != Frame.dark(Size(8, 8))


def test_error_outranks_trade_processing_ticker_and_idle_in_that_order() -> None:
    now = Banner("A", 0)
    trade = TradeFlash(buy=True, since_ms=0)
    ranked = [
        (Screen(error=now, trade=trade, processing=now, ticker=now), Scene.ERROR),
        (Screen(trade=trade, processing=now, syncing=True, ticker=now), Scene.TRADE),
        (Screen(processing=now, syncing=True, ticker=now), Scene.PROCESSING),
        (Screen(syncing=True, ticker=now), Scene.SYNC),
        (Screen(ticker=now), Scene.TICKER),
        (Screen(), Scene.IDLE),
    ]
    assert [scene_of(screen, 100) for screen, _ in ranked] == [scene for _, scene in ranked]


def test_an_empty_text_claims_nothing() -> None:
    assert scene_of(Screen(error=Banner("", 0)), 0) is Scene.IDLE


def test_the_trade_ring_lasts_three_seconds() -> None:
    screen = Screen(trade=TradeFlash(buy=False, since_ms=1_000))
    assert scene_of(screen, 1_000 + TRADE_SCENE_MS - 1) is Scene.TRADE
    assert scene_of(screen, 1_000 + TRADE_SCENE_MS) is Scene.IDLE
    assert scene_of(screen, 999) is Scene.IDLE


def test_an_error_scrolls_in_red_only() -> None:
    pixels = render(Screen(error=Banner("E", 0)), t_ms=300, size=Size(8, 13)).pixels
    assert any(pixels[0::3])
    assert not any(pixels[1::3])
    assert not any(pixels[2::3])


def test_night_dims_to_three_tenths_and_never_below_visible() -> None:
    assert text_level(Screen(night=True)) == 45
    assert text_level(Screen(night=True, brightness=1)) == 1
    assert text_level(Screen(night=True, brightness=0)) == 0
    day = render(Screen(error=Banner("E", 0)), t_ms=300, size=Size(8, 13))
    night = render(Screen(error=Banner("E", 0), night=True), t_ms=300, size=Size(8, 13))
    assert (max(day.pixels), max(night.pixels)) == (150, 45)


@pytest.mark.parametrize("size", SIZES)
def test_the_waves_repeat_and_keep_their_peaks(size: Size) -> None:
    for screen, period_ms, peak in [
        (Screen(), IDLE_PERIOD_MS, 80),
        (Screen(syncing=True), SYNC_PERIOD_MS, 150),
    ]:
        first = render(screen, t_ms=0, size=size)
        assert render(screen, t_ms=period_ms, size=size) == first
        assert max(first.pixels) == peak
        assert first.pixels[: 3 * size.columns] * size.rows == first.pixels


def test_the_idle_wave_moves_to_the_right() -> None:
    size = Size(8, 32)
    brightest: list[int] = []
    for t_ms in (0, 1_000, 2_000):
        blue = render(Screen(), t_ms=t_ms, size=size).pixels[2 : 3 * 32 : 3]
        brightest.append(blue.index(max(blue)))
    assert brightest == sorted(set(brightest))


def test_the_trade_ring_grows_from_the_centre() -> None:
    size = Size(8, 8)
    screen = Screen(trade=TradeFlash(buy=True, since_ms=0))
    early = art(render(screen, t_ms=150, size=size))
    late = art(render(screen, t_ms=800, size=size))
    assert early[3][3] == "#"
    assert early[0][0] == "."
    assert late[3][3] == "."
    assert late[0][0] == "#"


@pytest.mark.parametrize("pattern", list(Pattern))
@pytest.mark.parametrize("size", SIZES)
def test_every_test_pattern_lights_something(pattern: Pattern, size: Size) -> None:
    screen = Screen(error=Banner("E", 0), test=TestRun(pattern, 0))
    assert scene_of(screen, 400) is Scene.TEST
    assert any(render(screen, t_ms=400, size=size).pixels)


def test_the_pixel_pattern_visits_every_light_once() -> None:
    size = Size(2, 3)
    screen = Screen(test=TestRun(Pattern.PIXEL, 0))
    seen = [render(screen, t_ms=250 * step, size=size).pixels for step in range(6)]
    assert len(set(seen)) == 6
    assert all(sum(map(bool, pixels)) == 3 for pixels in seen)


def test_a_screen_out_of_bounds_is_refused() -> None:
    for brightness in (-1, 256):
        with pytest.raises(ValueError, match="must be 0–255"):
            Screen(brightness=brightness)
    with pytest.raises(ValueError, match="must be 10–1000"):
        Screen(ticker_step_ms=0)
