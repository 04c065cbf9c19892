"""Everything the daemon is made of, wired on one page: boards, boxes, actors and their ranks.

`main` runs what `wire` returns; the simulation runs the same, with a paper broker, an inline
store and a virtual clock. Reading order: sync → planner → trader → the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import trio

from actors.bookkeeper import Bookkeeper
from actors.desk import Desk
from actors.drip import Drip, DripPorts
from actors.exchange import Exchange
from actors.history import History, HistoryPorts
from actors.intake import Intake
from actors.job import JobDesk
from actors.ledger_desk import LedgerDesk
from actors.matrix import Matrix, MatrixPorts
from actors.order_desk import OrderDesk
from actors.order_watch import OrderWatch
from actors.past_reader import PastReader
from actors.planner import Planner, PlannerPorts
from actors.rebalancer import Rebalancer, RebalancerPorts
from actors.rebalancing import RebalanceDesk, RebalanceDeskPorts
from actors.schedule import Schedule, SchedulePorts
from actors.security_desk import SecurityDesk
from actors.setting_desk import SettingDesk
from actors.situation import Situation
from actors.sync import Sync, SyncPorts
from actors.ticker import Ticker, TickerPorts
from actors.trader import Trader, TraderPorts
from actors.universe import Universe
from actors.upkeep import Upkeep
from broker.port import FeeModel
from broker.renamed import RenamedBroker
from daemon.folders import entry_there
from daemon.fx_routes import routes_in_force
from daemon.halt_button import NAME as HALT_BUTTON
from daemon.halt_button import HaltButton
from daemon.system import Actor, Parts, System
from ledger.run import JOBS, Job
from policy.fees import FeeTerms
from policy.limits import Limits
from wire.ask_boxes import AskBoxes
from wire.board import Latest
from wire.events import EventRing
from wire.health import Health
from wire.kill_switch import KillSwitch
from wire.mailbox import NudgeBox
from wire.messages import Boards, IntentReady, Nudge

INTENTS_BOUND = 16
ORDER_POLL_PAPER_S = 0.5
ORDER_POLL_LIVE_S = 5.0


def wire(parts: Parts) -> System:
    """Build every channel, board and actor."""
    broker = RenamedBroker(parts.broker)
    shared = _share(replace(parts, broker=broker))
    universe = Universe(_intake(shared), parts.store.securities, broker.learn)
    actors = (
        Actor("schedule", "critical", 5.0, _schedule(shared, universe).run),
        Actor("sync", "critical", 20.0, _sync(shared, universe).run),
        Actor("trader", "critical", 20.0, _trader(shared).run),
        Actor("planner", "deciding", 20.0, _planner(shared).run),
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


@dataclass(frozen=True, slots=True)
class _Shared:
    """What more than one actor is built from."""

    parts: Parts
    boards: Boards
    events: EventRing
    health: Health
    asks: AskBoxes
    nudges: dict[Job, NudgeBox[Nudge]]
    jobs: JobDesk
    kill: KillSwitch
    rules: Latest[Limits]
    situation: Situation
    send: trio.MemorySendChannel[IntentReady]
    receive: trio.MemoryReceiveChannel[IntentReady]

    @property
    def paper(self) -> bool:
        return self.parts.broker.capabilities.paper


def _share(parts: Parts) -> _Shared:
    send, receive = trio.open_memory_channel[IntentReady](INTENTS_BOUND)
    events = EventRing()
    capabilities = parts.broker.capabilities
    rules = Latest[Limits]()
    rules.publish(parts.limits)
    boards = Boards()
    situation = Situation(
        orders=parts.store.orders,
        histories=parts.store.histories,
        dividends=parts.store.dividends,
        facts=parts.store.facts,
        emergencies=parts.store.emergency,
        boards=boards,
        clock=parts.clock,
        calendars=parts.calendars,
        rules=rules,
        broker_fees=terms(capabilities.fees),
        fx_fees=terms(capabilities.fx_fees),
        rng=parts.rng,
        zone=parts.zone,
    )
    return _Shared(
        parts=parts,
        boards=boards,
        events=events,
        health=Health(),
        asks=AskBoxes.opened(),
        nudges={job: NudgeBox() for job in JOBS},
        jobs=JobDesk(parts.store.runs, events, parts.clock),
        kill=KillSwitch(partial(entry_there, parts.data / "HALT")),
        rules=rules,
        situation=situation,
        send=send,
        receive=receive,
    )


def _schedule(shared: _Shared, universe: Universe) -> Schedule:
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


def _intake(shared: _Shared) -> Intake:
    parts, store = shared.parts, shared.parts.store
    health, events = shared.health, shared.events
    return Intake(
        parts.broker, store.facts, store.quarantine, parts.clock, health, events, store.buckets
    )


def _sync(shared: _Shared, universe: Universe) -> Sync:
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


def _history(shared: _Shared, universe: Universe) -> History:
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
        )
    )


def _exchange(shared: _Shared) -> Exchange:
    parts, capabilities = shared.parts, shared.parts.broker.capabilities
    return Exchange(
        routes_in_force(parts.routes, capabilities.pairs),
        trusted=capabilities.paper,
        proofs=parts.store.fx_proofs,
        market=parts.store.market,
        rules=shared.rules,
    )


def _trader(shared: _Shared) -> Trader:
    parts, store = shared.parts, shared.parts.store
    desk = Desk(
        broker=parts.broker,
        orders=store.orders,
        facts=store.facts,
        settings=store.settings,
        buckets=store.buckets,
        histories=store.histories,
        equity=store.equity,
        portfolio=shared.boards.portfolio,
        clock=parts.clock,
        calendars=parts.calendars,
        rules=shared.rules,
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


def _planner(shared: _Shared) -> Planner:
    parts = shared.parts
    return Planner(
        PlannerPorts(
            orders=parts.store.orders,
            plans=parts.store.plans,
            situation=shared.situation,
            boards=shared.boards,
            events=shared.events,
            health=shared.health,
            jobs=shared.jobs,
            clock=parts.clock,
            asks=shared.asks.planner,
            nudges=shared.nudges["plan"],
            intents=shared.send.clone(),
            runner=parts.runner,
            autonomous=shared.paper,
        )
    )


def _rebalancer(shared: _Shared) -> Rebalancer:
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


def _drip(shared: _Shared) -> Drip:
    return Drip(
        DripPorts(
            situation=shared.situation,
            boards=shared.boards,
            health=shared.health,
            jobs=shared.jobs,
            asks=shared.asks.drip,
            nudges=shared.nudges["drip"],
            intents=shared.send,
            autonomous=shared.paper,
        )
    )


def _upkeep(shared: _Shared) -> Upkeep:
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


def _ticker(shared: _Shared) -> Ticker:
    return Ticker(
        TickerPorts(
            boards=shared.boards,
            events=shared.events,
            health=shared.health,
            clock=shared.parts.clock,
            asks=shared.asks.ticker,
        )
    )


def _matrix(shared: _Shared) -> Matrix:
    parts = shared.parts
    return Matrix(
        MatrixPorts(
            parts.display, shared.boards, shared.health, parts.clock, parts.zone, parts.brightness
        )
    )


def _halt_button(shared: _Shared) -> tuple[Actor, ...]:
    """Only where the owner has wired one."""
    button = shared.parts.button
    if button is None:
        return ()
    halt = HaltButton(button, shared.kill, shared.asks.schedule, shared.health)
    return (Actor(HALT_BUTTON, "peripheral", 20.0, halt.run),)


def terms(model: FeeModel) -> FeeTerms:
    """A broker's fee model in the words of `policy`."""
    return FeeTerms(model.fixed, model.percent_micro, model.minimum)
