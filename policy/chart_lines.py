"""From stored bars to lines that can be drawn. Computing: called through the runner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from kernels.series import Series
from ledger.bar import PriceBook
from ledger.chart import ChartInterval, ChartSource
from policy.charts import of_days, price_line, sparkline
from policy.fx_history import unpacked
from policy.prices import derive_all


@dataclass(frozen=True, slots=True)
class Shape:
    """What is drawn of a security: from which day on, what a point stands for, of which source."""

    first: date | None
    interval: ChartInterval
    source: ChartSource


@dataclass(frozen=True, slots=True)
class Drawn:
    """A line, where its closes come from, and whether no close of another source is left out."""

    line: Series
    sources: tuple[str, ...] = ()
    whole: bool = True


NOTHING = Drawn(Series(np.zeros(0, np.int32), np.zeros(0)))


def small_lines(
    book: PriceBook, symbols: Mapping[int, str], *, first: date, points: int
) -> Sequence[tuple[int, Drawn]]:
    """The sparkline of every security of `book` by its id, in its order."""
    return [
        (history.security_id, Drawn(sparkline(history.close, first=first, points=points)))
        for history in derive_all(book, symbols)
    ]


def chart_line(
    book: PriceBook, symbols: Mapping[int, str], days: Mapping[str, str], shape: Shape
) -> Drawn:
    """The chart of the one security of `book`; `days` are those each source told of, as texts."""
    (history,) = derive_all(book, symbols)
    close, shown = history.close, days
    if shape.source != "auto":
        shown = {name: of for name, of in days.items() if name == shape.source}
        close = of_days(close, unpacked(",".join(shown.values())).astype(np.int32))
    line = price_line(close, first=shape.first, interval=shape.interval)
    return Drawn(line, tuple(shown), whole=len(shown) == len(days))
