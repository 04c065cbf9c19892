"""Makes the display that the configuration names; called once, by the wiring."""

import difflib
from pathlib import Path

from hw.detect import detect
from hw.layout import Layout
from hw.null import NullDisplay
from hw.picture import PngDisplay
from hw.port import Display, HardwareError, Size
from hw.strip_child import Options
from hw.terminal import TerminalDisplay
from hw.uno_q import UnoQDisplay
from hw.ws281x import StripDisplay, StripSettings

DRIVERS = ("auto", "null", "terminal", "png", "unoq", "spi", "ws281x")


def make_display(
    driver: str,
    *,
    rows: int,
    columns: int,
    brightness: int = 255,
    layout: Layout | None = None,
    pin: int = 18,
    limit_ma: int = 1000,
    png_path: Path | None = None,
) -> Display:
    """A closed display of the kind `driver` (one of DRIVERS).

    `brightness` (0–255) is the ceiling of the panel, on top of how bright the frames are;
    it matters to real lights only. `layout`, `pin` and `limit_ma` describe a strip of lights.
    """
    size = Size(rows, columns)
    match detect() if driver == "auto" else driver:
        case "null":
            return NullDisplay(size)
        case "terminal":
            return TerminalDisplay(size)
        case "png":
            if png_path is None:
                raise HardwareError("the driver 'png' needs the path of its picture")
            return PngDisplay(size, path=png_path)
        case "unoq":
            return UnoQDisplay(size, brightness=brightness)
        case "spi" | "ws281x" as kind:
            options = Options(kind=kind, count=rows * columns, pin=pin)
            settings = StripSettings(layout=layout, brightness=brightness, limit_ma=limit_ma)
            return StripDisplay(size, options=options, settings=settings)
        case unknown:
            raise HardwareError(f"unknown display driver {unknown!r}{_suggestion(unknown)}")


def _suggestion(name: str) -> str:
    near = difflib.get_close_matches(name, DRIVERS, n=1)
    return f", did you mean {near[0]!r}?" if near else f"; one of {', '.join(DRIVERS)}"
