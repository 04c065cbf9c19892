"""The page that Prometheus scrapes: everything is read from boards at the moment of the scrape."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ledger.money import Money
from ledger.run import RunStatus
from wire.events import EventRing
from wire.health import Health
from wire.messages import Boards

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
COUNTS_KEPT_S = 600.0
_ACTOR_STATES = ("starting", "up", "restarting", "failed", "stopped")


class Gauges:
    """Figures that only the daemon's main task can measure; it sets them, a scrape reads them."""

    def __init__(self) -> None:
        self.loop_lag_s = 0.0

    def set_loop_lag(self, seconds: float) -> None:
        """How late a timer of the event loop fired last."""
        self.loop_lag_s = seconds


class RowCounts:
    """The store's row counts, read again after ten minutes: counting scans whole tables."""

    def __init__(self, read: Callable[[], Awaitable[Mapping[str, int]]]) -> None:
        self._read = read
        self._kept: Mapping[str, int] = {}
        self._until_s = -math.inf

    async def get(self, now_s: float) -> Mapping[str, int]:
        if now_s >= self._until_s:
            self._until_s = now_s + COUNTS_KEPT_S
            self._kept = await self._read()
        return self._kept


@dataclass(frozen=True, slots=True)
class Scrape:
    """Everything one scrape reads. `counts` are the store's row counts by name."""

    boards: Boards
    health: Health
    events: EventRing
    gauges: Gauges
    streams: int
    uptime_s: float
    now_s: float
    version: str
    counts: Mapping[str, int]

    def page(self) -> bytes:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Families(self))
        return generate_latest(registry)


class _Families(Collector):
    def __init__(self, scrape: Scrape) -> None:
        self._scrape = scrape

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        scrape = self._scrape
        yield from _daemon(scrape)
        yield from _actors(scrape)
        yield from _orders(scrape)
        yield from _portfolio(scrape.boards)
        yield from _planner(scrape.boards)
        yield from _jobs(scrape.boards)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"trimtab_{name}", text, value=value)


def _labelled(
    name: str, text: str, label: str, rows: Iterable[tuple[str, float]]
) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"trimtab_{name}", text, labels=[label])
    for key, value in rows:
        family.add_metric([key], value)
    return family


def _daemon(scrape: Scrape) -> Iterable[Metric]:
    yield _labelled("build_info", "Version of the daemon.", "version", [(scrape.version, 1.0)])
    yield _gauge("uptime_seconds", "Seconds since the web front started.", scrape.uptime_s)
    yield _gauge("loop_lag_seconds", "Lateness of the last event-loop timer.",
                 scrape.gauges.loop_lag_s)  # fmt: skip
    yield _gauge("event_seq", "Number of the newest event.", scrape.events.last_seq)
    yield _gauge("event_streams", "Open event streams.", scrape.streams)
    yield _labelled("store_rows", "Rows kept, by table.", "table", sorted(scrape.counts.items()))


def _actors(scrape: Scrape) -> Iterable[Metric]:
    state = GaugeMetricFamily(
        "trimtab_actor_state", "1 for the state an actor is in.", labels=["actor", "state"]
    )
    beats = scrape.health.all()
    for beat in beats:
        for name in _ACTOR_STATES:
            state.add_metric([beat.actor, name], float(beat.state == name))
    yield state
    restarts = ((beat.actor, float(beat.restarts)) for beat in beats)
    yield _labelled("actor_restarts", "Restarts of an actor.", "actor", restarts)
    ages = ((beat.actor, scrape.now_s - beat.last_beat_s) for beat in beats)
    yield _labelled("actor_beat_age_seconds", "Seconds since the last beat.", "actor", ages)


def _orders(scrape: Scrape) -> Iterable[Metric]:
    counts: dict[str, int] = {}
    for intent in scrape.boards.orders.value or ():
        counts[intent.state] = counts.get(intent.state, 0) + 1
    yield _labelled("orders", "Orders the trader watches, by state.", "state",
                    sorted(counts.items()))  # fmt: skip
    trading = scrape.boards.trading.value
    if trading is not None:
        yield _gauge("halted", "1 while any halt latch stands.", trading.halted)
        yield _labelled("trading_mode", "1 for the mode in force.", "mode", [(trading.mode, 1.0)])


def _portfolio(boards: Boards) -> Iterable[Metric]:
    portfolio = boards.portfolio.value
    if portfolio is None:
        return
    yield from _euros("portfolio_value_eur", "Positions and cash in EUR.", portfolio.total_eur)
    yield from _euros("portfolio_cash_eur", "Cash in EUR.", portfolio.cash_eur)
    yield _gauge("positions", "Positions held.", len(portfolio.positions))
    yield _gauge("book_differences", "Open differences between books and broker.",
                 len(portfolio.differences))  # fmt: skip


def _euros(name: str, text: str, money: Money | None) -> Iterable[Metric]:
    if money is not None:
        yield _gauge(name, text, float(money.amount))


def _planner(boards: Boards) -> Iterable[Metric]:
    planner = boards.planner.value
    if planner is None:
        return
    yield _gauge("sequences_total", "Sequences of the current planning run.", planner.total)
    yield _gauge("sequences_evaluated", "Sequences scored in the current run.", planner.evaluated)


def _jobs(boards: Boards) -> Iterable[Metric]:
    jobs = boards.jobs.value or ()
    failures = ((job.job, float(job.consecutive_failures)) for job in jobs)
    yield _labelled("job_consecutive_failures", "Failures in a row.", "job", failures)
    running = (
        (job.job, float(job.last is not None and job.last.status is RunStatus.RUNNING))
        for job in jobs
    )
    yield _labelled("job_running", "1 while a job runs.", "job", running)
