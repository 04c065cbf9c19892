"""The whole store, opened once by the daemon around everything that needs it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ledger.errors import StartError, Unavailable
from store.aio import open_aio_engine
from store.allocation import AllocationStore
from store.backup import copy_to
from store.bar_sources import BarSources
from store.bars import Bars
from store.books import Books
from store.buckets import Buckets
from store.dismissals import Dismissals
from store.dividends import Dividends
from store.emergency import Emergencies
from store.engine import Checkpoint, Engine, Synchronous
from store.equity import Equity
from store.facts import Facts
from store.fx_proofs import FxProofs
from store.holdings_history import HoldingsHistories
from store.inline import open_inline_engine
from store.lots import Lots
from store.market import MarketStore
from store.migrate import Migration, migrate, migrations, version
from store.optimizer_runs import OptimizerRuns
from store.orders import Orders
from store.plan_inputs import PlanInputs
from store.plan_words import PlanWords
from store.planner_configs import PlannerConfigs
from store.planner_runs import PlannerRuns
from store.plans import Plans
from store.quarantine import Quarantine
from store.recovery import RecoveryLog
from store.reinvestment_asks import ReinvestmentAsks
from store.runs import Runs
from store.scores import ScoreStore
from store.securities import Securities
from store.settings import Settings
from store.snapshots import Snapshots
from store.trade_history import TradeHistories
from store.views import Views

LEDGER_FILE = "ledger.db"
MARKET_FILE = "market.db"
BACKUP_FOLDER = "backups"


@dataclass(frozen=True, slots=True)
class Store:
    """Every aggregate and the two engines under them."""

    ledger: Engine
    prices: Engine
    facts: Facts
    securities: Securities
    orders: Orders
    plans: Plans
    planner_configs: PlannerConfigs
    plan_words: PlanWords
    plan_inputs: PlanInputs
    planner_runs: PlannerRuns
    dismissals: Dismissals
    reinvestments: ReinvestmentAsks
    dividends: Dividends
    emergency: Emergencies
    optimizer_runs: OptimizerRuns
    runs: Runs
    settings: Settings
    snapshots: Snapshots
    equity: Equity
    histories: TradeHistories
    holdings_history: HoldingsHistories
    market: MarketStore
    bars: Bars
    bar_sources: BarSources
    scores: ScoreStore
    fx_proofs: FxProofs
    books: Books
    buckets: Buckets
    lots: Lots
    quarantine: Quarantine
    recovery: RecoveryLog
    allocation: AllocationStore
    views: Views

    @classmethod
    def over(cls, ledger: Engine, prices: Engine) -> Store:
        return cls(
            ledger=ledger,
            prices=prices,
            facts=Facts(ledger),
            securities=Securities(ledger),
            orders=Orders(ledger),
            plans=Plans(ledger),
            planner_configs=PlannerConfigs(ledger),
            plan_words=PlanWords(ledger),
            plan_inputs=PlanInputs(ledger),
            planner_runs=PlannerRuns(ledger),
            dismissals=Dismissals(ledger),
            reinvestments=ReinvestmentAsks(ledger),
            dividends=Dividends(ledger),
            emergency=Emergencies(ledger),
            optimizer_runs=OptimizerRuns(ledger),
            runs=Runs(ledger),
            settings=Settings(ledger),
            snapshots=Snapshots(ledger),
            equity=Equity(ledger),
            histories=TradeHistories(ledger),
            holdings_history=HoldingsHistories(ledger),
            market=MarketStore(prices),
            bars=Bars(prices),
            bar_sources=BarSources(prices),
            scores=ScoreStore(prices),
            fx_proofs=FxProofs(ledger),
            books=Books(ledger),
            buckets=Buckets(ledger),
            lots=Lots(ledger),
            quarantine=Quarantine(ledger),
            recovery=RecoveryLog(ledger),
            allocation=AllocationStore(ledger),
            views=Views(ledger, prices),
        )


@asynccontextmanager
async def open_store(
    directory: Path,
    *,
    engine: Literal["aio", "inline"],
    checkpoint: Checkpoint | None = None,
) -> AsyncGenerator[Store]:
    """Both files of the data folder, created and migrated as needed; raises StartError.

    `checkpoint` (inline only) is awaited with "before_commit" and "after_commit" around every
    commit. A ledger is copied into `backups/` before a migration changes it.
    """
    _make_folder(directory)

    def opened(name: str, synchronous: Synchronous) -> AbstractAsyncContextManager[Engine]:
        path = directory / name
        if engine == "aio":
            return open_aio_engine(path, synchronous=synchronous)
        return open_inline_engine(path, synchronous=synchronous, checkpoint=checkpoint)

    async with opened(LEDGER_FILE, "FULL") as ledger, opened(MARKET_FILE, "NORMAL") as prices:
        await migrate_ledger(ledger, migrations("ledger"), directory / BACKUP_FOLDER)
        await migrate(prices, "market", migrations("market"))
        yield Store.over(ledger, prices)


async def migrate_ledger(ledger: Engine, steps: Sequence[Migration], backups: Path) -> None:
    """Migrate the ledger; one that holds data is copied first. Raises StartError."""
    before = await version(ledger, "ledger")
    if 0 < before < len(steps):
        try:
            await copy_to(ledger, backups / f"ledger-version-{before}.db")
        except Unavailable as error:
            raise StartError(f"cannot migrate {ledger.path}: {error}") from error
    await migrate(ledger, "ledger", steps)


def _make_folder(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"cannot use the data folder {directory}: {error.strerror}") from error
