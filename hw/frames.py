"""What the matrix shows: a pure function of the screen state, the time and the size.

The matrix actor builds a `Screen` from the boards, calls `render`, and sleeps until
`next_change_ms`. Identical input gives an identical frame, so a repeated one can be skipped.

Order of scenes: test pattern, error, trade (three seconds), processing, ticker, idle.
"""

from dataclasses import dataclass
from enum import StrEnum

from hw import scenes
from hw.paint import scale_table, tint
from hw.port import Colour, Frame, Size
from hw.scenes import Pattern
from hw.strip import make_strip

TRADE_SCENE_MS = 3000
DEFAULT_BRIGHTNESS = 150
TICKER_STEP_MS = 50
ERROR_STEP_MS = 30
MIN_STEP_MS, MAX_STEP_MS = 10, 1000
TEST_TEXT = "ABC xyz 0123456789 €£$"

AMBER: Colour = (255, 150, 20)
RED: Colour = (255, 0, 0)
BLUE: Colour = (60, 140, 255)
GREEN: Colour = (40, 255, 80)
ORANGE: Colour = (255, 110, 0)
TEAL: Colour = (0, 200, 255)


class Scene(StrEnum):
    """The picture chosen for an instant."""

    TEST = "test"
    ERROR = "error"
    TRADE = "trade"
    PROCESSING = "processing"
    SYNC = "sync"
    TICKER = "ticker"
    IDLE = "idle"


@dataclass(frozen=True, slots=True)
class Banner:
    """A scrolling text and the instant at which its first column entered."""

    text: str
    since_ms: int


@dataclass(frozen=True, slots=True)
class TradeFlash:
    """An order was filled at this instant."""

    buy: bool
    since_ms: int


@dataclass(frozen=True, slots=True)
class TestRun:
    """A wiring check asked for by the owner; whoever sets it also ends it."""

    __test__ = False  # the name is no invitation to a test collector

    pattern: Pattern
    since_ms: int


@dataclass(frozen=True, slots=True)
class Screen:
    """Everything the picture depends on besides time and size; absent parts are None.

    `brightness` (0–255) is the level of a lit pixel of text; the animations scale with it.
    """

    error: Banner | None = None
    trade: TradeFlash | None = None
    processing: Banner | None = None
    syncing: bool = False
    ticker: Banner | None = None
    test: TestRun | None = None
    night: bool = False
    brightness: int = DEFAULT_BRIGHTNESS
    ticker_step_ms: int = TICKER_STEP_MS
    error_step_ms: int = ERROR_STEP_MS

    def __post_init__(self) -> None:
        if not 0 <= self.brightness <= 255:
            raise ValueError(f"brightness {self.brightness}: must be 0–255")
        for step in (self.ticker_step_ms, self.error_step_ms):
            if not MIN_STEP_MS <= step <= MAX_STEP_MS:
                raise ValueError(f"scroll step {step} ms: must be {MIN_STEP_MS}–{MAX_STEP_MS}")


def scene_of(screen: Screen, t_ms: int) -> Scene:
    """The scene with the highest claim at an instant."""
    claims = (
        (Scene.TEST, screen.test is not None),
        (Scene.ERROR, _speaks(screen.error)),
        (Scene.TRADE, _is_fresh(screen.trade, t_ms)),
        (Scene.PROCESSING, _speaks(screen.processing)),
        (Scene.SYNC, screen.syncing),
        (Scene.TICKER, _speaks(screen.ticker)),
    )
    return next((scene for scene, claimed in claims if claimed), Scene.IDLE)


def render(screen: Screen, *, t_ms: int, size: Size) -> Frame:
    """The frame of an instant."""
    scene = scene_of(screen, t_ms)
    text = _text_of(screen, scene)
    if text is not None:
        return text.window(t_ms, level=text_level(screen), size=size)
    if scene is Scene.TEST and screen.test is not None:
        return _pattern(screen.test, t_ms, level=text_level(screen), size=size)
    levels, colour = _animation_of(screen, scene, t_ms=t_ms, size=size)
    # The peaks of the animations are made for the default brightness.
    dimmed = levels.translate(scale_table(text_level(screen), DEFAULT_BRIGHTNESS))
    return Frame(size.columns, size.rows, tint(dimmed, colour))


def next_change_ms(screen: Screen, *, t_ms: int) -> int:
    """The next instant at which the picture may differ, as an absolute time: no drift."""
    start, period = _beat(screen, t_ms)
    return start + ((t_ms - start) // period + 1) * period


def text_level(screen: Screen) -> int:
    """The level of a lit pixel; at night three tenths, but never dark by that alone."""
    if not screen.night or screen.brightness == 0:
        return screen.brightness
    return max(1, screen.brightness * 3 // 10)


@dataclass(frozen=True, slots=True)
class _Text:
    """A banner with the colour and pace of its scene."""

    banner: Banner
    colour: Colour
    step_ms: int

    def window(self, t_ms: int, *, level: int, size: Size) -> Frame:
        strip = make_strip(self.banner.text, colour=self.colour, level=level, size=size)
        return strip.window(max(0, t_ms - self.banner.since_ms) // self.step_ms)


def _text_of(screen: Screen, scene: Scene) -> _Text | None:
    """The scrolling text of a scene; None when the scene has none."""
    if scene is Scene.TEST and screen.test is not None and screen.test.pattern is Pattern.TEXT:
        banner = Banner(TEST_TEXT, screen.test.since_ms)
        return _Text(banner, scenes.WHITE, screen.ticker_step_ms)
    spoken = {
        Scene.ERROR: (screen.error, RED, screen.error_step_ms),
        Scene.PROCESSING: (screen.processing, BLUE, screen.ticker_step_ms),
        Scene.TICKER: (screen.ticker, AMBER, screen.ticker_step_ms),
    }
    chosen, colour, step_ms = spoken.get(scene, (None, AMBER, 1))
    return None if chosen is None else _Text(chosen, colour, step_ms)


def _animation_of(screen: Screen, scene: Scene, *, t_ms: int, size: Size) -> tuple[bytes, Colour]:
    if scene is Scene.TRADE and screen.trade is not None:
        levels = scenes.ring_levels(t_ms - screen.trade.since_ms, size)
        return levels, GREEN if screen.trade.buy else ORANGE
    if scene is Scene.SYNC:
        return scenes.sync_levels(t_ms, size), BLUE
    return scenes.idle_levels(t_ms, size), TEAL


def _pattern(run: TestRun, t_ms: int, *, level: int, size: Size) -> Frame:
    elapsed = max(0, t_ms - run.since_ms)
    pixels = scenes.pattern_pixels(run.pattern, elapsed, size=size, level=level)
    return Frame(size.columns, size.rows, pixels)


def _beat(screen: Screen, t_ms: int) -> tuple[int, int]:
    """Origin and period, both in ms, of the changes of the scene shown."""
    scene = scene_of(screen, t_ms)
    text = _text_of(screen, scene)
    if text is not None:
        return text.banner.since_ms, text.step_ms
    if scene is Scene.TEST and screen.test is not None:
        return screen.test.since_ms, scenes.TEST_FRAME_MS
    if scene is Scene.TRADE and screen.trade is not None:
        return screen.trade.since_ms, scenes.RING_FRAME_MS
    return 0, scenes.SYNC_FRAME_MS if scene is Scene.SYNC else scenes.IDLE_FRAME_MS


def _speaks(banner: Banner | None) -> bool:
    return banner is not None and banner.text != ""


def _is_fresh(trade: TradeFlash | None, t_ms: int) -> bool:
    return trade is not None and 0 <= t_ms - trade.since_ms < TRADE_SCENE_MS
