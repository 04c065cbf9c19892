"""Which text the display shows, and the colours of the two lamps.

Three pools rank error > processing > next actions. Each holds entries keyed by their source,
so that clearing one leaves the others: an error never vanishes because another job said
something. The ticker actor owns the state and applies these pure functions to it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

MAX_TEXT_CHARACTERS = 200
MAX_ENTRIES = 256  # per pool; beyond it the oldest goes, far more sources than there are jobs


class Pool(StrEnum):
    """The pools, highest first."""

    ERROR = "error"
    PROCESSING = "processing"
    NEXT_ACTIONS = "next_actions"


@dataclass(frozen=True, slots=True)
class Entry:
    """One source's text. `run_id` ties a processing entry to the run it reports on."""

    source: str
    text: str
    since: datetime
    expires_at: datetime | None = None
    run_id: str | None = None

    def is_live(self, now: datetime) -> bool:
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True)
class Pools:
    """All entries, each pool in the order in which its texts arose."""

    error: tuple[Entry, ...] = ()
    processing: tuple[Entry, ...] = ()
    next_actions: tuple[Entry, ...] = ()

    def of(self, pool: Pool) -> tuple[Entry, ...]:
        match pool:
            case Pool.ERROR:
                return self.error
            case Pool.PROCESSING:
                return self.processing
            case Pool.NEXT_ACTIONS:
                return self.next_actions


@dataclass(frozen=True, slots=True)
class Shown:
    """The text on display; `pool` is None and the text empty when no pool has anything."""

    pool: Pool | None
    text: str
    since: datetime | None


NOTHING = Shown(None, "", None)


def set_entry(
    pools: Pools,
    pool: Pool,
    *,
    source: str,
    text: str,
    now: datetime,
    expires_at: datetime | None = None,
    run_id: str | None = None,
) -> Pools:
    """Say something in a pool; an empty text takes the source's entry back.

    A source that repeats itself keeps its place and its first `since`.
    """
    cleaned = clean(text)
    if not cleaned:
        return clear_entry(pools, pool, source=source)
    entries = tuple(entry for entry in pools.of(pool) if entry.is_live(now))
    said = next((one for one in entries if (one.source, one.text) == (source, cleaned)), None)
    if said is not None:
        renewed = replace(said, expires_at=expires_at, run_id=run_id)
        fresh = tuple(renewed if entry is said else entry for entry in entries)
    else:
        entry = Entry(source, cleaned, now, expires_at, run_id)
        fresh = (*(one for one in entries if one.source != source), entry)
    return _with(pools, pool, fresh[-MAX_ENTRIES:])


def clear_entry(pools: Pools, pool: Pool, *, source: str) -> Pools:
    """Take back what one source said in a pool."""
    return _keep(pools, pool, lambda entry: entry.source != source)


def clear_pool(pools: Pools, pool: Pool) -> Pools:
    """Empty a pool: the owner acknowledged its errors."""
    return _with(pools, pool, ())


def end_run(pools: Pools, *, run_id: str) -> Pools:
    """A run is over, so nothing it reported as being processed is true any more."""
    return _keep(pools, Pool.PROCESSING, lambda entry: entry.run_id != run_id)


def expire(pools: Pools, *, now: datetime) -> Pools:
    """Drop what has outlived its time."""
    for pool in Pool:
        pools = _keep(pools, pool, lambda entry: entry.is_live(now))
    return pools


def next_expiry(pools: Pools) -> datetime | None:
    """When the shown text may change without anybody saying anything."""
    instants = [one.expires_at for pool in Pool for one in pools.of(pool) if one.expires_at]
    return min(instants, default=None)


def shown(pools: Pools, *, now: datetime) -> Shown:
    """The newest live text of the highest pool that has one; errors tell how many more stand."""
    for pool in Pool:
        live = [entry for entry in pools.of(pool) if entry.is_live(now)]
        if live:
            newest = live[-1]
            more = f" (+{len(live) - 1})" if pool is Pool.ERROR and len(live) > 1 else ""
            return Shown(pool, newest.text + more, newest.since)
    return NOTHING


def clean(text: str) -> str:
    """A text fit for a one-line display: no control characters, bounded length."""
    printable = "".join(one if one.isprintable() else " " for one in text)
    return " ".join(printable.split())[:MAX_TEXT_CHARACTERS].rstrip()


def _keep(pools: Pools, pool: Pool, wanted: Callable[[Entry], bool]) -> Pools:
    entries = pools.of(pool)
    kept = tuple(entry for entry in entries if wanted(entry))
    return pools if len(kept) == len(entries) else _with(pools, pool, kept)


def _with(pools: Pools, pool: Pool, entries: tuple[Entry, ...]) -> Pools:
    match pool:
        case Pool.ERROR:
            return replace(pools, error=entries)
        case Pool.PROCESSING:
            return replace(pools, processing=entries)
        case Pool.NEXT_ACTIONS:
            return replace(pools, next_actions=entries)


Rgb = tuple[int, int, int]

DARK: Rgb = (0, 0, 0)
RED: Rgb = (255, 0, 0)
GREEN: Rgb = (0, 255, 0)
DIM_GREEN: Rgb = (0, 40, 0)
BLUE: Rgb = (0, 0, 255)
BUY_BLUE: Rgb = (0, 100, 255)
SELL_ORANGE: Rgb = (255, 165, 0)


class Work(StrEnum):
    """Kinds of run the lamps tell apart."""

    SYNC = "sync"
    TRADING = "trading"


@dataclass(frozen=True, slots=True)
class Activity:
    """What is going on: open runs by id, unresolved sync errors by source, standing facts."""

    sync_runs: frozenset[str] = field(default_factory=frozenset[str])
    trading_runs: frozenset[str] = field(default_factory=frozenset[str])
    sync_errors: frozenset[str] = field(default_factory=frozenset[str])
    is_halted: bool = False
    has_failed_order: bool = False
    has_pending_buy: bool = False
    has_pending_sell: bool = False


@dataclass(frozen=True, slots=True)
class LampColours:
    """LED3 speaks of the sync, LED4 of trading."""

    led3: Rgb
    led4: Rgb


def open_run(activity: Activity, work: Work, *, run_id: str) -> Activity:
    """A run began; opening it twice counts once."""
    if work is Work.SYNC:
        return replace(activity, sync_runs=activity.sync_runs | {run_id})
    return replace(activity, trading_runs=activity.trading_runs | {run_id})


def close_run(activity: Activity, *, run_id: str) -> Activity:
    """A run ended, of whatever kind; closing an unknown one changes nothing."""
    return replace(
        activity,
        sync_runs=activity.sync_runs - {run_id},
        trading_runs=activity.trading_runs - {run_id},
    )


def lamp_colours(activity: Activity, *, beat: int) -> LampColours:
    """The colours at a beat; beats count seconds, and pending orders blink on the odd ones."""
    return LampColours(_led3(activity), _led4(activity, beat))


def _led3(activity: Activity) -> Rgb:
    if activity.sync_errors:
        return RED
    return BLUE if activity.sync_runs else DIM_GREEN


def _led4(activity: Activity, beat: int) -> Rgb:
    if activity.is_halted or activity.has_failed_order:
        return RED
    if activity.trading_runs:
        return GREEN
    is_odd = beat % 2 == 1
    if activity.has_pending_buy and activity.has_pending_sell:
        return BUY_BLUE if is_odd else SELL_ORANGE
    if activity.has_pending_buy:
        return BUY_BLUE if is_odd else DARK
    if activity.has_pending_sell:
        return SELL_ORANGE if is_odd else DARK
    return DARK
