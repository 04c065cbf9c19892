"""In which order the lights of a panel hang on their wire.

Panels differ: by rows or by columns, straight or turning back at each end, from any corner,
mounted rotated or mirrored, or as tiles in a chain. The table is built once at start.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal

from hw.port import Size

Order = Literal["rows", "columns"]
Corner = Literal["top-left", "top-right", "bottom-left", "bottom-right"]
Rotation = Literal[0, 90, 180, 270]

Permutation = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Layout:
    """The wiring of a panel.

    `rotation` is how far the panel is turned clockwise from the picture; `mirror` flips the
    picture left to right before that. `origin` is the corner of the panel, in its own
    orientation, where the wire starts. Tiles are equal parts of the panel, chained by rows.
    """

    order: Order = "rows"
    serpentine: bool = False
    origin: Corner = "top-left"
    rotation: Rotation = 0
    mirror: bool = False
    tiles_across: int = 1
    tiles_down: int = 1
    tiles_serpentine: bool = False


def usual_layout(size: Size) -> Layout:
    """What most panels of a shape use: check it with the `pixel` test pattern."""
    if size.columns > 2 * size.rows:
        return Layout(order="columns", serpentine=True)
    return Layout(serpentine=size.rows >= 16)


def wire_table(layout: Layout, size: Size) -> tuple[int, ...]:
    """For each pixel of the picture, row by row, its place on the wire (a permutation)."""
    panel = size if layout.rotation in {0, 180} else Size(size.columns, size.rows)
    if panel.columns % layout.tiles_across or panel.rows % layout.tiles_down:
        raise ValueError(
            f"a panel of {panel.rows}×{panel.columns} does not divide into "
            f"{layout.tiles_down}×{layout.tiles_across} tiles"
        )
    return tuple(
        _wire_index(*_on_panel(x, y, layout=layout, panel=panel), layout=layout, panel=panel)
        for y in range(size.rows)
        for x in range(size.columns)
    )


def wire_order(layout: Layout, size: Size) -> Permutation:
    """A function that puts the triples of a frame into the order of the wire."""
    source = [0] * (size.rows * size.columns)
    for pixel, place in enumerate(wire_table(layout, size)):
        source[place] = pixel
    pick = itemgetter(*(3 * pixel + channel for pixel in source for channel in range(3)))
    return lambda pixels: bytes(pick(pixels))


def _on_panel(x: int, y: int, *, layout: Layout, panel: Size) -> tuple[int, int]:
    """Picture coordinates to panel coordinates, counted from the corner of the wire."""
    across, down = panel.columns - 1, panel.rows - 1
    if layout.mirror:
        x = (across if layout.rotation in {0, 180} else down) - x
    match layout.rotation:
        case 0:
            u, v = x, y
        case 90:
            u, v = y, down - x
        case 180:
            u, v = across - x, down - y
        case 270:
            u, v = across - y, x
    vertical, horizontal = layout.origin.split("-")
    return (across - u if horizontal == "right" else u), (down - v if vertical == "bottom" else v)


def _wire_index(u: int, v: int, *, layout: Layout, panel: Size) -> int:
    tile = Size(panel.rows // layout.tiles_down, panel.columns // layout.tiles_across)
    tile_u, inner_u = divmod(u, tile.columns)
    tile_v, inner_v = divmod(v, tile.rows)
    number = _along(tile_v, tile_u, length=layout.tiles_across, serpentine=layout.tiles_serpentine)
    if layout.order == "rows":
        inner = _along(inner_v, inner_u, length=tile.columns, serpentine=layout.serpentine)
    else:
        inner = _along(inner_u, inner_v, length=tile.rows, serpentine=layout.serpentine)
    return number * tile.rows * tile.columns + inner


def _along(line: int, position: int, *, length: int, serpentine: bool) -> int:
    """Index on a path made of lines; a serpentine runs back on every second one."""
    return line * length + (length - 1 - position if serpentine and line % 2 else position)
