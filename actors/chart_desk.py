"""Lines of prices for whoever draws them: from the local store, kept until there is a newer bar.

What is missing is asked for, and the answer does not wait for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Protocol

from actors.line_cache import LineCache
from actors.past import PriceStore, SecurityList
from ledger.bar import Coverage
from ledger.security import Security, find_security
from policy import charts
from policy.chart_lines import NOTHING, Drawn, Shape, chart_line, small_lines
from policy.market_hours import Calendars
from wire.chart_asks import (
    ChartView,
    PriceChart,
    PriceLine,
    Sparkline,
    Sparklines,
    SparklineSet,
)
from wire.clock import Clock
from wire.runner import Runner

# What is read before the first day shown, so that its closes are checked like all others.
MARGIN = timedelta(days=60)
AT_ONCE = 32
# A security that was looked at, or asked for, is not asked for again this soon (market time).
PATIENCE = timedelta(hours=6)

Revision = tuple[object, ...]


class SourceStore(Protocol):
    async def days(
        self, security_id: int, /, *, since: date | None = None
    ) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class ChartPorts:
    """`fetch` asks for the bars of a security by its id, at some time and without an answer."""

    securities: SecurityList
    prices: PriceStore
    sources: SourceStore
    calendars: Calendars
    clock: Clock
    runner: Runner
    fetch: Callable[[int], None]


class ChartDesk:
    """Answers `wire.chart_asks`."""

    def __init__(self, ports: ChartPorts) -> None:
        self._p = ports
        self._kept = LineCache()
        self._asked_at: dict[int, datetime] = {}

    async def answer(self, request: object) -> object:
        """The answer to a request of this desk; raises Missing and Conflict."""
        match request:
            case Sparklines():
                return await self.sparklines(request)
            case PriceChart():
                return await self.chart(request)
            case _:
                raise AssertionError(request)

    async def sparklines(self, asked: Sparklines) -> SparklineSet:
        """The small lines of all active securities; what is missing waits for the next sync."""
        today = self._p.clock.market_now().date()
        first = today - timedelta(days=asked.days)
        active = [one for one in await self._p.securities.all() if one.active]
        coverage = await self._p.prices.coverage()
        known = [one for one in active if _reaches(coverage.get(one.security_id), first)]
        revisions = {one.security_id: _revision(coverage[one.security_id]) for one in known}
        drawn = await self._small_lines(known, revisions, first, asked.points)
        complete = all(self._covered(one, coverage.get(one.security_id), today) for one in active)
        lines = tuple(
            Sparkline(
                one.name_now, one.instrument.isin, one.currency, _told(drawn[one.security_id])
            )
            for one in known
            if len(drawn[one.security_id].line)
        )
        names = [(one.name_now, one.instrument.isin, revisions[one.security_id]) for one in known]
        return SparklineSet(_digest(first, asked.points, complete, names), complete, lines)

    async def chart(self, asked: PriceChart) -> ChartView:
        """The chart of one security; its bars are asked for when they are missing or old."""
        security = find_security(await self._p.securities.all(), asked.name)
        coverage = (await self._p.prices.coverage()).get(security.security_id)
        today = self._p.clock.market_now().date()
        covered = self._covered(security, coverage, today)
        if not covered:
            self._ask_for(security, coverage)
        interval = charts.interval_of(asked.span, asked.interval)
        shape = Shape(charts.first_day(asked.span, today), interval, asked.source)
        drawn = await self._line(security, coverage, shape)
        complete = covered and drawn.whole
        revision = None if coverage is None else _revision(coverage)
        return ChartView(
            symbol=security.name_now,
            isin=security.instrument.isin,
            currency=security.currency,
            interval=interval,
            sources=drawn.sources,
            complete=complete,
            version=_digest(security, shape, complete, revision),
            line=_told(drawn),
        )

    async def _small_lines(
        self,
        wanted: Sequence[Security],
        revisions: Mapping[int, Revision],
        first: date,
        points: int,
    ) -> Mapping[int, Drawn]:
        drawn: dict[int, Drawn] = {}
        stale: list[Security] = []
        for one in wanted:
            key = (one.security_id, first, points)
            kept = self._kept.get(key, revisions[one.security_id])
            if kept is None:
                stale.append(one)
            else:
                drawn[one.security_id] = kept
        for start in range(0, len(stale), AT_ONCE):
            for number, line in await self._draw(stale[start : start + AT_ONCE], first, points):
                drawn[number] = line
                self._kept.put((number, first, points), revisions[number], line)
        return drawn

    async def _draw(
        self, batch: Sequence[Security], first: date, points: int
    ) -> Sequence[tuple[int, Drawn]]:
        symbols = {one.security_id: one.symbol for one in batch}
        book = await self._p.prices.read(tuple(symbols), since=first - MARGIN)
        work = partial(small_lines, book, symbols, first=first, points=points)
        return await self._p.runner(work)

    async def _line(self, security: Security, coverage: Coverage | None, shape: Shape) -> Drawn:
        if coverage is None or not coverage.bars:
            return NOTHING
        key, revision = (security.security_id, shape), _revision(coverage)
        drawn = self._kept.get(key, revision)
        if drawn is None:
            number, first = security.security_id, shape.first
            since = None if first is None else first - MARGIN
            book = await self._p.prices.read((number,), since=since)
            days = await self._p.sources.days(number, since=first)
            symbols = {number: security.symbol}
            drawn = await self._p.runner(partial(chart_line, book, symbols, days, shape))
            self._kept.put(key, revision, drawn)
        return drawn

    def _covered(self, security: Security, coverage: Coverage | None, today: date) -> bool:
        """What is not listed any more gets no newer bars."""
        newest = None
        if security.live:
            mic = security.instrument.mic
            newest = charts.newest_session(self._p.calendars, mic, today)
        return charts.covered(coverage, newest)

    def _ask_for(self, security: Security, coverage: Coverage | None) -> None:
        now = self._p.clock.market_now()
        looked = None if coverage is None else coverage.synced_at
        for before in (looked, self._asked_at.get(security.security_id)):
            if before is not None and now - before < PATIENCE:
                return
        self._asked_at[security.security_id] = now
        self._p.fetch(security.security_id)


def _reaches(coverage: Coverage | None, first: date) -> bool:
    return coverage is not None and coverage.last_day is not None and coverage.last_day >= first


def _revision(coverage: Coverage) -> Revision:
    """Changes with the newest bar, and with every look that may have changed an older one."""
    return (coverage.last_day, coverage.bars, coverage.synced_at)


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:20]


def _told(drawn: Drawn) -> PriceLine:
    return PriceLine(tuple(drawn.line.days.tolist()), tuple(drawn.line.values.tolist()))
