"""Every message between tasks.

Nudge          schedule, web, control, actors → sync, planner, rebalancer, drip, upkeep
IntentReady    planner, rebalancer, drip → trader (the row already exists in the store)
asks           web, control → the one owner of what they change
    SetMode, RaiseLatch, Resume, RunJob → schedule
    ProposeStep → planner          Decide → trader          ShowText → ticker
boards         one owner → anybody: see Boards
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from ledger.allocation import AllocationBook
from ledger.bucket import Bucket
from ledger.correlation import Correlations
from ledger.emergency import EmergencyRun
from ledger.halt import Latch, LatchName
from ledger.opinion import Opinions
from ledger.optimization import OptimizerRun
from ledger.order import Intent, Mode
from ledger.plan import StoredPlan
from ledger.portfolio import PortfolioSnapshot
from ledger.regime import Regime
from ledger.run import Job, RunRecord, Trigger
from ledger.score import Scores
from ledger.security import Listing
from wire.board import Latest
from wire.mailbox import NudgeBox, Request


@dataclass(frozen=True, slots=True)
class Nudge:
    """Do your job once, for one security alone when `only` is its id.

    A newer nudge replaces one that still waits.
    """

    reason: str
    only: int | None = None


def nudge_for(box: NudgeBox[Nudge], reason: str, only: int | None) -> None:
    """Ask for work on one security, or for all of it when something else waits already."""
    if not box.nudge(Nudge(reason, only)) and only is not None:
        box.nudge(Nudge(reason))


@dataclass(frozen=True, slots=True)
class IntentReady:
    intent_id: int


@dataclass(frozen=True, slots=True)
class SetMode(Request[Mode]):
    mode: Mode
    confirm: bool
    by: str


@dataclass(frozen=True, slots=True)
class RaiseLatch(Request[tuple[Latch, ...]]):
    """Halt: set a latch. The reply is every latch that now stands."""

    name: LatchName
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Resume(Request[tuple[Latch, ...]]):
    """Clear the named latches; the reply is every latch that still stands."""

    names: tuple[LatchName, ...]
    confirm: bool
    by: str


@dataclass(frozen=True, slots=True)
class RunJob(Request[RunRecord]):
    """Start a job; the reply is its run record. Raises Busy when it is already running.

    `only` is the id of the one security that "prices" or "score" is asked for; the run is for all
    when other work of that job waits already.
    """

    job: Job
    trigger: Trigger
    only: int | None = None


@dataclass(frozen=True, slots=True)
class ProposeStep(Request[Intent]):
    """Turn the next step of the current plan into an intent; the reply is that intent.

    Raises Conflict when `plan_id` is not current or `step` is not its next one, or when `key`, the
    one the request came with, became another order before; Missing without a plan.
    """

    plan_id: str
    step: int
    by: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Decide(Request[Intent]):
    """Take this intent now; the reply is the intent after the gates and the one submission."""

    intent_id: int


@dataclass(frozen=True, slots=True)
class ShowText(Request[str]):
    """Show a text for `ttl_s` seconds; an empty text clears it. The reply is the text shown."""

    text: str
    ttl_s: float


@dataclass(frozen=True, slots=True)
class TradingState:
    """Whether orders may leave, and where they would go."""

    mode: Mode
    broker: str
    latches: tuple[Latch, ...]

    @property
    def halted(self) -> bool:
        return bool(self.latches)


@dataclass(frozen=True, slots=True)
class PlannerStatus:
    """What the planner is doing; `total` and `evaluated` count sequences of this run.

    `total` is the most the run may evaluate, it may be done with fewer. `best_score` is the score,
    0 to 100, at the end of the best that was found; `gap` is how far it may be from the best there
    is, in points. `notes` say what it plans without.
    """

    state: str  # idle | generating | evaluating | complete | failed
    bucket_id: str
    portfolio_hash: str
    total: int
    evaluated: int
    best_score: float | None
    updated_at: datetime
    error: str | None = None
    run_id: str | None = None
    phase: str = ""
    gap: float | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetWeights:
    """What the last plan aimed at: fractions of the total value by symbol.

    `max_position_share` is the largest weight one position may reach.
    """

    weights: Mapping[str, Decimal]
    max_position_share: Decimal


@dataclass(frozen=True, slots=True)
class JobView:
    """A job with its last run and when the calendar will start it next (market time)."""

    job: Job
    schedule: str
    next_due: datetime | None
    last: RunRecord | None
    consecutive_failures: int
    progress: str = ""


@dataclass(frozen=True, slots=True)
class MarketView:
    """An exchange of the universe now; `calendar_ends` is named in its last 60 days only.

    `opens_at`, `closes_at` and `lunch` are those of the running session or, when none is running,
    of the next one; the next bells may be those of a lunch break. `strict`: it takes no order
    while it is closed. `broker_open` is the broker's own word, None while it does not say.
    Without `known` hours it counts as closed.
    """

    mic: str
    phase: str
    is_open: bool
    next_open: datetime | None
    next_close: datetime | None
    timezone: str
    calendar_ends: date | None = None
    known: bool = True
    name: str = ""
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    lunch: tuple[datetime, datetime] | None = None
    strict: bool = False
    early_close: bool = False
    has_securities: bool = False
    broker_open: bool | None = None


@dataclass(frozen=True, slots=True)
class BrokerLink:
    """The state of the line to the broker, from the last calls."""

    connected: bool
    last_success_at: datetime | None
    last_error: str | None
    consecutive_failures: int


@dataclass(frozen=True, slots=True)
class DisplayState:
    """What the LEDs show; `pixels` is RGB, row by row."""

    text: str
    pool: str
    mode: str
    error_text: str
    processing_text: str
    next_actions_text: str
    led3: tuple[int, int, int]
    led4: tuple[int, int, int]
    rows: int
    columns: int
    pixels: bytes
    driver: str
    connected: bool
    frames_sent: int
    last_error: str | None
    since: datetime


@dataclass(frozen=True, slots=True)
class TickerText:
    """What the ticker wants shown: text, its pool, and the two status colours.

    `trade_at_s` is the monotonic instant of the newest fill.
    """

    text: str
    pool: str
    error_text: str
    processing_text: str
    next_actions_text: str
    led3: tuple[int, int, int]
    led4: tuple[int, int, int]
    since: datetime
    syncing: bool = False
    trade_at_s: float | None = None
    trade_buy: bool = True


@dataclass(frozen=True, slots=True)
class Recovery:
    """What start-up found unfinished and what became of it."""

    at: datetime
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Boards:
    """Every topic. One owner publishes each; the owner is named beside it."""

    portfolio: Latest[PortfolioSnapshot] = field(default_factory=Latest[PortfolioSnapshot])  # sync
    link: Latest[BrokerLink] = field(default_factory=Latest[BrokerLink])  # sync
    # By security id.
    listings: Latest[Mapping[int, Listing]] = field(
        default_factory=Latest[Mapping[int, Listing]]
    )  # sync
    orders: Latest[tuple[Intent, ...]] = field(default_factory=Latest[tuple[Intent, ...]])  # trader
    recovery: Latest[Recovery] = field(default_factory=Latest[Recovery])  # trader
    plan: Latest[StoredPlan] = field(default_factory=Latest[StoredPlan])  # planner
    planner: Latest[PlannerStatus] = field(default_factory=Latest[PlannerStatus])  # planner
    targets: Latest[TargetWeights] = field(default_factory=Latest[TargetWeights])  # planner
    scores: Latest[Scores] = field(default_factory=Latest[Scores])  # planner
    opinions: Latest[Opinions] = field(default_factory=Latest[Opinions])  # planner
    regime: Latest[Regime] = field(default_factory=Latest[Regime])  # planner
    allocation: Latest[AllocationBook] = field(default_factory=Latest[AllocationBook])  # planner
    optimizer: Latest[OptimizerRun] = field(default_factory=Latest[OptimizerRun])  # planner
    correlations: Latest[Correlations] = field(default_factory=Latest[Correlations])  # planner
    buckets: Latest[tuple[Bucket, ...]] = field(
        default_factory=Latest[tuple[Bucket, ...]]
    )  # planner
    # The newest repair of negative cash, open or ended; of an earlier life, too.
    emergency: Latest[EmergencyRun] = field(default_factory=Latest[EmergencyRun])  # rebalancer
    trading: Latest[TradingState] = field(default_factory=Latest[TradingState])  # schedule
    jobs: Latest[tuple[JobView, ...]] = field(
        default_factory=Latest[tuple[JobView, ...]]
    )  # schedule
    markets: Latest[tuple[MarketView, ...]] = field(
        default_factory=Latest[tuple[MarketView, ...]]
    )  # schedule
    ticker: Latest[TickerText] = field(default_factory=Latest[TickerText])  # ticker
    display: Latest[DisplayState] = field(default_factory=Latest[DisplayState])  # matrix
