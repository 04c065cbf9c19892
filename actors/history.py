"""Keeps the past of every security complete: sync's task beside its cycles, on the job `prices`.

It works when it is asked to, at start, and once after every session of each exchange: first the
exchange rates of past days, then security by security splits, dividends, reported figures and bars.
A security that fails is named and tried again later, the others go on; a broker that does not
answer at all ends the run. It never holds sync's turn.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import NoReturn

import trio

from actors.job import JobDesk, Report
from actors.past_reader import PastReader
from ledger.bar import Coverage
from ledger.errors import BrokerError, BrokerNotFound, Busy, Missing, Unavailable
from ledger.run import RunStatus
from ledger.security import Listing, Security
from policy.listing_state import last_session, listing_state
from policy.market_hours import Calendars
from wire.board import Latest
from wire.clock import Clock
from wire.mailbox import NudgeBox
from wire.messages import Nudge, nudge_for
from wire.price_asks import FetchBars

MOST_ASKED = 500
# A source needs a moment to publish the day that has just ended.
SETTLED = timedelta(minutes=15)
RETRY = timedelta(minutes=15)
# On a replay a quarter of an hour passes in a second, in which no broker gets well.
RETRY_FLOOR_S = 30.0
# Somebody may have joined the universe meanwhile.
LOOK_AGAIN_S = 60.0
# So many calls in a row without an answer mean that there will be none.
SILENT_AFTER = 3
SHOWN_FAILURES = 5
STEPS_TOLD = 20
DAY = timedelta(days=1)
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class HistoryPorts:
    """`universe` is everything that is known; `score` is told when there are new bars.

    `listings` shows how far the bars of each security reach.
    """

    reader: PastReader
    universe: Callable[[], Sequence[Security]]
    jobs: JobDesk
    clock: Clock
    calendars: Calendars
    nudges: NudgeBox[Nudge]
    score: NudgeBox[Nudge]
    listings: Latest[Mapping[int, Listing]]


@dataclass(slots=True)
class _Tally:
    """What became of one run; `unanswered` calls were the last ones."""

    done: int = 0
    fresh: int = 0
    failed: dict[str, str] = field(default_factory=dict[str, str])
    unanswered: int = 0

    @property
    def silent(self) -> bool:
        return self.unanswered >= SILENT_AFTER


class History:
    """See the module's docstring; `run` never returns."""

    def __init__(self, ports: HistoryPorts) -> None:
        self._p = ports
        self._asked: dict[int, None] = {}
        self._known: dict[int, Coverage] = {}
        # When the broker said last that it does not list a security.
        self._unlisted_at: dict[int, datetime] = {}
        self._rates_known = False
        self._retry_at: datetime | None = None
        self._rested_s = 0.0

    async def run(self) -> NoReturn:
        self._known = dict(await self._p.reader.bars.coverage())
        nudge: Nudge | None = None
        while True:
            self._show()
            await self._work(nudge)
            self._show()
            nudge = await self._wait()

    def request(self, asked: FetchBars) -> int:
        """Answer FetchBars; raises Missing and Busy."""
        known = {security.security_id for security in self._p.universe()}
        strangers = [number for number in asked.security_ids if number not in known]
        if strangers:
            raise Missing(f"there is no security {strangers[0]}")
        waiting = {**self._asked, **dict.fromkeys(asked.security_ids)}
        if len(waiting) > MOST_ASKED:
            raise Busy(f"{len(self._asked)} securities wait to be read already")
        self._asked = waiting
        self._p.nudges.nudge(Nudge("asked for single securities"))
        return len(waiting)

    def _show(self) -> None:
        now = self._p.clock.market_now()
        shown = {one.security_id: self._listing(one, now) for one in self._p.universe()}
        if shown != self._p.listings.value:
            self._p.listings.publish(shown)

    def _listing(self, security: Security, now: datetime) -> Listing:
        known = self._known.get(security.security_id)
        last = None if known is None else known.last_day
        mic, calendars = security.instrument.mic, self._p.calendars
        listed = security.listed
        return Listing(
            listing_state(last, listed=listed, mic=mic, calendars=calendars, now=now), last
        )

    # When there is something to do

    async def _wait(self) -> Nudge | None:
        """The nudge that came; None when something is due, or when it is time to look."""
        taken: list[Nudge] = []

        async def nudged(scope: trio.CancelScope) -> None:
            taken.append(await self._p.nudges.receive())
            scope.cancel()

        async def due(scope: trio.CancelScope) -> None:
            await trio.sleep(max(self._rested_s - self._p.clock.monotonic_s(), 0.0))
            await self._p.clock.wait_until_market(self._next_instant())
            scope.cancel()

        with trio.move_on_after(LOOK_AGAIN_S):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(nudged, nursery.cancel_scope)
                nursery.start_soon(due, nursery.cancel_scope)
        return taken[0] if taken else None

    def _next_instant(self) -> datetime:
        """When a failure is tried again, or the next session will have settled."""
        if self._retry_at is not None:
            return self._retry_at
        now = self._p.clock.market_now()
        mics = {security.instrument.mic for security in self._p.universe()}
        closes = (self._p.calendars.state(mic, now - SETTLED).closes_at for mic in mics)
        return min((bell + SETTLED for bell in closes if bell is not None), default=now + DAY)

    def _due(self) -> dict[int, Security]:
        """Who was not read since the last session of its exchange settled."""
        now = self._p.clock.market_now()
        live = [s for s in self._p.universe() if s.live]
        settled = {mic: self._settled(mic, now) for mic in {s.instrument.mic for s in live}}
        return {
            security.security_id: security
            for security in live
            if self._read_at(security.security_id) < settled[security.instrument.mic]
        }

    def _settled(self, mic: str, now: datetime) -> datetime:
        """Since when the newest session is known; without a calendar, since midnight."""
        session = last_session(mic, self._p.calendars, now - SETTLED)
        if session is not None:
            return session.closes_at + SETTLED
        return now.replace(hour=0, minute=0, second=0, microsecond=0)

    def _read_at(self, number: int) -> datetime:
        known = self._known.get(number)
        read = NEVER if known is None else known.synced_at
        return max(read, self._unlisted_at.get(number, NEVER))

    # A run

    async def _work(self, nudge: Nudge | None) -> None:
        now = self._p.clock.market_now()
        if nudge is None and self._retry_at is not None and now < self._retry_at:
            return
        retry, self._retry_at = self._retry_at is not None, None
        only = None if nudge is None else nudge.only
        asked, self._asked = {**self._asked, **({} if only is None else {only: None})}, {}
        wanted = self._due() if only is None else {}
        wanted |= {s.security_id: s for s in self._p.universe() if s.security_id in asked}
        if not wanted and not retry and nudge is None:
            return
        async with self._p.jobs.run("prices", nudge or Nudge("a session is over")) as report:
            fresh = False
            if wanted or retry:
                fresh = await self._read_all(tuple(wanted.values()), report)
            else:
                report.skip("every security was read since its last session")
            # Whoever asks for prices by hand wants to see what comes of them.
            if fresh or (nudge is not None and not asked) or only is not None:
                nudge_for(self._p.score, "prices were read", only)

    async def _read_all(self, securities: Sequence[Security], report: Report) -> bool:
        """Whether there are new bars."""
        tally, count = _Tally(), len(securities)
        await self._attempt("exchange rates", self._read_rates, tally)
        for number, security in enumerate(securities):
            if tally.silent:
                break
            if number % max(count // STEPS_TOLD, 1) == 0:
                self._p.jobs.say("prices", f"{number} of {count}")
            await self._attempt(security.name_now, partial(self._read, security, tally), tally)
        if tally.failed:
            self._retry_at = self._p.clock.market_now() + RETRY
            self._rested_s = self._p.clock.monotonic_s() + RETRY_FLOOR_S
        _conclude(tally, count, report)
        return tally.fresh > 0

    async def _attempt(self, name: str, read: Callable[[], Awaitable[None]], tally: _Tally) -> None:
        """Read one thing; why it failed is noted under its name."""
        try:
            await read()
        except (BrokerError, trio.TooSlowError) as error:
            tally.failed[name] = str(error) or "no answer in time"
            silent = isinstance(error, (Unavailable, trio.TooSlowError))
            tally.unanswered = tally.unanswered + 1 if silent else 0
        else:
            tally.unanswered = 0

    async def _read_rates(self) -> None:
        await self._p.reader.rates(everything=not self._rates_known)
        self._rates_known = True

    async def _read(self, security: Security, tally: _Tally) -> None:
        number = security.security_id
        asked_at = self._p.clock.market_now()
        try:
            covered, fresh = await self._p.reader.security(security, self._known.get(number))
        except BrokerNotFound:
            # It will not be listed again before the next session.
            self._unlisted_at[number] = asked_at
            raise
        self._known[number] = covered
        tally.done += 1
        tally.fresh += fresh


def _conclude(tally: _Tally, count: int, report: Report) -> None:
    """Say how it went, with the first of what failed."""
    shown = [f"{name}: {why}" for name, why in tally.failed.items()][:SHOWN_FAILURES]
    more = len(tally.failed) - len(shown)
    told = [f"{tally.done} of {count} read", *shown]
    told += [f"and {more} more"] if more else []
    told += ["the broker does not answer"] if tally.silent else []
    report.result = "; ".join(told)
    if tally.failed and not tally.done:
        report.fail(report.result)
    elif tally.failed:
        report.status = RunStatus.PARTIAL
