"""Everything the daemon is made of, wired on one page: boards, boxes, actors and their ranks.

`main` runs what `wire` returns; the simulation runs the same, with a paper broker, an inline
store and a virtual clock. Reading order: sync → planner → trader → the rest.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from actors.bookkeeper import Bookkeeper
from actors.desk import Desk
from actors.drip import Drip, DripPorts
from actors.exchange import Exchange
from actors.history import History, HistoryPorts
from actors.intake import Intake
from actors.ledger_desk import LedgerDesk
from actors.matrix import Matrix, MatrixPorts
from actors.order_desk import OrderDesk
from actors.order_watch import OrderWatch
from actors.past_reader import PastReader
from actors.rebalancer import Rebalancer, RebalancerPorts
from actors.rebalancing import RebalanceDesk, RebalanceDeskPorts
from actors.schedule import Schedule, SchedulePorts
from actors.security_desk import SecurityDesk
from actors.setting_desk import SettingDesk
from actors.sync import Sync, SyncPorts
from actors.ticker import Ticker, TickerPorts
from actors.trader import Trader, TraderPorts
from actors.universe import Universe
from actors.upkeep import Upkeep
from broker.renamed import RenamedBroker
from daemon.folders import entry_there
from daemon.fx_routes import routes_in_force
from daemon.halt_button import NAME as HALT_BUTTON
from daemon.halt_button import HaltButton
from daemon.planner import planner
from daemon.shared import Shared, share
from daemon.system import Actor, Parts, System
from policy.metrics import check_metrics

ORDER_POLL_PAPER_S = 0.5
ORDER_POLL_LIVE_S = 5.0


def wire(parts: Parts) -> System:
    """Build every channel, board and actor. Raises StartError when a figure has no producer."""
    check_metrics()
    broker = RenamedBroker(parts.broker)
    shared = share(replace(parts, broker=broker))
    universe = Universe(_intake(shared), parts.store.securities, broker.learn)
    actors = (
        Actor("schedule", "critical", 5.0, _schedule(shared, universe).run),
        Actor("sync", "critical", 20.0, _sync(shared, universe).run),
        Actor("trader", "critical", 20.0, _trader(shared).run),
        Actor("planner", "deciding", 20.0, planner(shared).run),
        Actor("rebalancer", "deciding", 20.0, _rebalancer(shared).run),
        Actor("drip", "deciding", 20.0, _drip(shared).run),
        Actor("upkeep", "peripheral", 20.0, _upkeep(shared).run),
        Actor("ticker", "peripheral", 20.0, _ticker(shared).run),
        Actor("matrix", "peripheral", 5.0, _matrix(shared).run),
        *_halt_button(shared),
    )
    return System(
        shared.boards, shared.events, shared.health, shared.asks, shared.nudges, shared.kill, actors
    )


def _schedule(shared: Shared, universe: Universe) -> Schedule:
    parts = shared.parts
    return Schedule(
        SchedulePorts(
            runs=parts.store.runs,
            settings=parts.store.settings,
            jobs=shared.jobs,
            boards=shared.boards,
            events=shared.events,
            health=shared.health,
            clock=parts.clock,
            calendars=parts.calendars,
            mics=lambda: universe.mics(shared.boards.portfolio.value),
            asks=shared.asks.schedule,
            nudges=shared.nudges,
            zone=parts.zone,
            broker=parts.broker.capabilities.kind,
            halt_file=partial(entry_there, parts.data / "HALT"),
            kill=shared.kill,
            desk=SettingDesk(parts.store.settings, parts.clock, parts.limits, shared.rules),
            rng=parts.rng,
        )
    )


def _intake(shared: Shared) -> Intake:
    parts, store = shared.parts, shared.parts.store
    health, events = shared.health, shared.events
    return Intake(
        parts.broker, store.facts, store.quarantine, parts.clock, health, events, store.buckets
    )


def _sync(shared: Shared, universe: Universe) -> Sync:
    store, intake = shared.parts.store, universe.intake
    keeper = Bookkeeper(intake, store.books, shared.asks.schedule, store.orders)
    return Sync(
        SyncPorts(
            intake=intake,
            keeper=keeper,
            desk=LedgerDesk(keeper, store.facts, store.lots),
            securities=SecurityDesk(universe, store.buckets, shared.boards, shared.nudges),
            exchange=_exchange(shared),
            universe=universe,
            dividends=store.dividends,
            market=store.market,
            snapshots=store.snapshots,
            jobs=shared.jobs,
            boards=shared.boards,
            events=shared.events,
            health=shared.health,
            nudges=shared.nudges["sync"],
            asks=shared.asks.sync,
            rules=shared.rules,
            history=_history(shared, universe),
        )
    )


def _history(shared: Shared, universe: Universe) -> History:
    parts, store = shared.parts, shared.parts.store
    return History(
        HistoryPorts(
            reader=PastReader(parts.broker, store.bars, store.market, parts.clock, parts.runner),
            universe=lambda: universe.securities,
            jobs=shared.jobs,
            clock=parts.clock,
            calendars=parts.calendars,
            nudges=shared.nudges["prices"],
            score=shared.nudges["score"],
            listings=shared.boards.listings,
        )
    )


def _exchange(shared: Shared) -> Exchange:
    parts, capabilities = shared.parts, shared.parts.broker.capabilities
    return Exchange(
        routes_in_force(parts.routes, capabilities.pairs),
        trusted=capabilities.paper,
        proofs=parts.store.fx_proofs,
        market=parts.store.market,
        rules=shared.rules,
    )


def _trader(shared: Shared) -> Trader:
    parts, store = shared.parts, shared.parts.store
    desk = Desk(
        broker=parts.broker,
        orders=store.orders,
        facts=store.facts,
        settings=store.settings,
        buckets=store.buckets,
        histories=store.histories,
        bars=store.bars,
        equity=store.equity,
        portfolio=shared.boards.portfolio,
        clock=parts.clock,
        calendars=parts.calendars,
        rules=shared.rules,
        strategies=shared.strategies,
        broker_fees=shared.situation.broker_fees,
        fx_fees=shared.situation.fx_fees,
        zone=parts.zone,
    )
    watch = OrderWatch(desk, shared.nudges["sync"], shared.asks.schedule)
    return Trader(
        TraderPorts(
            desk=desk,
            watch=watch,
            owner=OrderDesk(desk, watch, shared.asks.schedule),
            recovery=store.recovery,
            boards=shared.boards,
            events=shared.events,
            health=shared.health,
            asks=shared.asks.trader,
            intents=shared.receive,
            sync=shared.nudges["sync"],
            kill=shared.kill,
            poll_s=ORDER_POLL_PAPER_S if shared.paper else ORDER_POLL_LIVE_S,
        )
    )


def _rebalancer(shared: Shared) -> Rebalancer:
    return Rebalancer(
        RebalancerPorts(
            situation=shared.situation,
            emergency=shared.parts.store.emergency,
            boards=shared.boards,
            events=shared.events,
            health=shared.health,
            jobs=shared.jobs,
            asks=shared.asks.rebalancer,
            nudges=shared.nudges["rebalance"],
            sync=shared.nudges["sync"],
            trader=shared.asks.trader,
            intents=shared.send.clone(),
            desk=RebalanceDesk(
                RebalanceDeskPorts(
                    shared.situation, shared.boards, shared.asks.schedule, shared.nudges["plan"]
                )
            ),
        )
    )


def _drip(shared: Shared) -> Drip:
    return Drip(
        DripPorts(
            situation=shared.situation,
            boards=shared.boards,
            health=shared.health,
            jobs=shared.jobs,
            asks=shared.asks.drip,
            nudges=shared.nudges["drip"],
            intents=shared.send,
            purchases=shared.parts.store.reinvestments,
            default=shared.autonomy,
        )
    )


def _upkeep(shared: Shared) -> Upkeep:
    return Upkeep(
        shared.parts.backup,
        shared.jobs,
        shared.events,
        shared.health,
        shared.parts.clock,
        shared.nudges["backup"],
        shared.parts.store.runs,
        shared.parts.store.plans,
    )


def _ticker(shared: Shared) -> Ticker:
    return Ticker(
        TickerPorts(
            boards=shared.boards,
            events=shared.events,
            health=shared.health,
            clock=shared.parts.clock,
            asks=shared.asks.ticker,
        )
    )


def _matrix(shared: Shared) -> Matrix:
    parts = shared.parts
    return Matrix(
        MatrixPorts(
            parts.display, shared.boards, shared.health, parts.clock, parts.zone, parts.brightness
        )
    )


def _halt_button(shared: Shared) -> tuple[Actor, ...]:
    """Only where the owner has wired one."""
    button = shared.parts.button
    if button is None:
        return ()
    halt = HaltButton(button, shared.kill, shared.asks.schedule, shared.health)
    return (Actor(HALT_BUTTON, "peripheral", 20.0, halt.run),)
