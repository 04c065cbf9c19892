"""Lines of prices to draw. All of it is answered by the analyst, from what is stored."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.chart import ChartInterval, ChartRange, ChartSource
from wire.mailbox import Request


@dataclass(frozen=True, slots=True)
class PriceLine:
    """Closes in the currency of the security, adjusted for splits, oldest first.

    `days` are proleptic ordinals, one for each of `closes`.
    """

    days: tuple[int, ...]
    closes: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Sparkline:
    """The small line of one active security."""

    symbol: str
    isin: str
    currency: str
    line: PriceLine


@dataclass(frozen=True, slots=True)
class SparklineSet:
    """In the order of their symbols; securities without closes have none.

    `complete`: every active security is covered for the whole window. `version` changes when any
    of it may have changed.
    """

    version: str
    complete: bool
    lines: tuple[Sparkline, ...]


@dataclass(frozen=True, slots=True)
class Sparklines(Request[SparklineSet]):
    """The lines of the last `days` calendar days, at most `points` points each."""

    days: int
    points: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartView:
    """The chart of one security; `sources` name where its closes come from.

    `complete`: from the first day asked for, or the first there is, to the newest session.
    """

    symbol: str
    isin: str
    currency: str
    interval: ChartInterval
    sources: tuple[str, ...]
    complete: bool
    version: str
    line: PriceLine


@dataclass(frozen=True, slots=True)
class PriceChart(Request[ChartView]):
    """The chart of the security `name`, a symbol or an ISIN.

    Without `interval` it is that of `span`. What is missing is fetched later, not for this answer.
    Raises Missing, and Conflict `ambiguous` for an ISIN with several active listings.
    """

    name: str
    span: ChartRange
    interval: ChartInterval | None
    source: ChartSource
