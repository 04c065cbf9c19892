"""What it takes to score a universe: from histories in memory, and from bars in the store.

Processor time, since the budget is that of one core.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import trio

from actors.figures import FigureReader
from actors.scoring_desk import ScoringDesk
from bench.report import Measurement, Section
from ledger.bar import Bar, BarRead, ShareDividend
from ledger.money import MICRO, Price
from ledger.score import Scores
from ledger.security import Security
from policy.limits import DEFAULTS, Limits
from policy.scoring.buy_score import Figures, score_security
from policy.scoring.context import NO_PORTFOLIO, Subject
from store.bars import Bars, Fetched
from store.inline import open_inline_engine
from store.migrate import migrate, migrations
from store.scores import ScoreStore
from tests.policy import accounts
from tests.policy.scoring.histories import LAST, REPORT, history, walk, weekdays
from wire.board import Latest
from wire.runner import ThreadRunner

SECURITIES, BARS = 200, 2520
REPEATS = 5
STORE_REPEATS = 2
PAID_EVERY = 63
MEMORY_FLOOR_S, STORE_FLOOR_S = 0.5, 1.0
SPREAD = 0.01
AT = datetime(2025, 12, 31, 18, tzinfo=UTC)


class _Clock:
    """The market stands still at AT."""

    def market_now(self) -> datetime:
        return AT

    def machine_now(self) -> datetime:
        return AT

    def monotonic_s(self) -> float:
        return 0.0

    async def wait_until_market(self, instant: datetime) -> None:
        raise AssertionError(f"nothing here waits ({instant})")


def _closes(number: int) -> list[float]:
    return [round(close, 2) for close in walk(BARS, seed=number).tolist()]


def _paid() -> list[date]:
    return [date.fromordinal(int(day)) for day in weekdays(BARS)[::PAID_EVERY]]


def _figures(number: int) -> Figures:
    paid = history(_closes(number), dividends=dict.fromkeys(_paid(), 0.25), security_id=number)
    return Figures(Subject(number, f"S{number}"), paid, REPORT)


def _in_memory() -> float:
    """Seconds for every security, best of a few rounds."""
    given = [_figures(number) for number in range(SECURITIES)]

    def work() -> None:
        for figures in given:
            score_security(figures, NO_PORTFOLIO, limits=DEFAULTS, as_of=LAST)

    return min(_timed(work) for _ in range(REPEATS))


def _timed(work: Callable[[], None]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def _fetched(number: int) -> Fetched:
    days = [date.fromordinal(int(day)) for day in weekdays(BARS)]
    bars = tuple(
        Bar(
            day,
            round(close * MICRO),
            round(close * (1 + SPREAD) * MICRO),
            round(close * (1 - SPREAD) * MICRO),
            round(close * MICRO),
            1000,
        )
        for day, close in zip(days, _closes(number), strict=True)
    )
    dividends = [ShareDividend(day, None, Price.of(Decimal("0.25"), "EUR")) for day in _paid()]
    return Fetched(BarRead(f"S{number}", "EUR", "bench", bars), (), dividends, REPORT)


async def _from_store(folder: Path) -> float:
    """Seconds for a whole refresh: read, derive, score, keep; best of a few."""
    async with open_inline_engine(folder / "scoring.db", synchronous="NORMAL") as engine:
        await migrate(engine, "market", migrations("market"))
        bars = Bars(engine)
        universe = tuple(
            accounts.security(f"S{number}", number=number) for number in range(1, SECURITIES + 1)
        )
        for security in universe:
            await bars.record(security.security_id, _fetched(security.security_id), at=AT)
        runner = ThreadRunner()
        rules, board = Latest[Limits](), Latest[Scores]()
        rules.publish(DEFAULTS)
        reader = FigureReader(bars, runner)
        desk = ScoringDesk(reader, ScoreStore(engine), board, rules, _Clock(), runner)
        return min([await _refresh(desk, universe) for _ in range(STORE_REPEATS)])


async def _refresh(desk: ScoringDesk, universe: tuple[Security, ...]) -> float:
    began = time.process_time()
    await desk.refresh(
        universe,
        NO_PORTFOLIO,
        as_of=LAST,
        progress=_unheard,
        watch=lambda _security, _history: None,
    )
    return time.process_time() - began


def _unheard(done: int, of: int) -> None:
    """Nobody watches."""
    del done, of


def measure(folder: Path) -> Section:
    in_memory, from_store = _in_memory(), trio.run(_from_store, folder)
    return Section(
        "Scoring",
        f"{SECURITIES} securities of {BARS:,} bars each with four dividends a year and reported"
        " figures: all figures and the score of each. Once from histories in memory, once as the"
        " daemon does it, from reading the bars to keeping the scores. Processor time of all"
        " threads, best of a few rounds.",
        (
            Measurement("from memory", in_memory * 1e3, "ms", floor=MEMORY_FLOOR_S * 1e3),
            Measurement("from the store", from_store * 1e3, "ms", floor=STORE_FLOOR_S * 1e3),
            Measurement("per security, from memory", in_memory / SECURITIES * 1e6, "µs"),
        ),
    )
