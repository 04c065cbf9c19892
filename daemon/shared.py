"""What more than one actor is built from, made once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import trio

from actors.holding_times import HoldingTimes
from actors.job import JobDesk
from actors.known_market import KnownMarket
from actors.situation import Situation
from broker.port import FeeModel
from daemon.folders import entry_there
from daemon.system import Parts
from ledger.bucket import Autonomy, default_autonomy
from ledger.run import JOBS, Job
from policy.fees import FeeTerms
from policy.limits import Limits
from policy.planning.config import Strategies
from wire.ask_boxes import AskBoxes
from wire.board import Latest
from wire.events import EventRing
from wire.health import Health
from wire.kill_switch import KillSwitch
from wire.mailbox import NudgeBox
from wire.messages import Boards, IntentReady, Nudge

INTENTS_BOUND = 16


@dataclass(frozen=True, slots=True)
class Shared:
    """The parts, and what connects the actors."""

    parts: Parts
    boards: Boards
    events: EventRing
    health: Health
    asks: AskBoxes
    nudges: dict[Job, NudgeBox[Nudge]]
    jobs: JobDesk
    kill: KillSwitch
    rules: Latest[Limits]
    strategies: Latest[Strategies]
    situation: Situation
    send: trio.MemorySendChannel[IntentReady]
    receive: trio.MemoryReceiveChannel[IntentReady]

    @property
    def paper(self) -> bool:
        return self.parts.broker.capabilities.paper

    @property
    def autonomy(self) -> Autonomy:
        """What may leave a bucket whose owner has said nothing."""
        return default_autonomy(paper=self.paper)


def share(parts: Parts) -> Shared:
    send, receive = trio.open_memory_channel[IntentReady](INTENTS_BOUND)
    events = EventRing()
    capabilities = parts.broker.capabilities
    rules = Latest[Limits]()
    rules.publish(parts.limits)
    strategies = Latest[Strategies]()
    boards = Boards()
    situation = Situation(
        orders=parts.store.orders,
        histories=parts.store.histories,
        dividends=parts.store.dividends,
        facts=parts.store.facts,
        emergencies=parts.store.emergency,
        dismissals=parts.store.dismissals,
        holding_times=HoldingTimes(parts.store.facts),
        known_market=KnownMarket(boards, parts.runner),
        boards=boards,
        clock=parts.clock,
        calendars=parts.calendars,
        rules=rules,
        strategies=strategies,
        broker_fees=terms(capabilities.fees),
        fx_fees=terms(capabilities.fx_fees),
        rng=parts.rng,
        zone=parts.zone,
    )
    return Shared(
        parts=parts,
        boards=boards,
        events=events,
        health=Health(),
        asks=AskBoxes.opened(),
        nudges={job: NudgeBox() for job in JOBS},
        jobs=JobDesk(parts.store.runs, events, parts.clock),
        kill=KillSwitch(partial(entry_there, parts.data / "HALT")),
        rules=rules,
        strategies=strategies,
        situation=situation,
        send=send,
        receive=receive,
    )


def terms(model: FeeModel) -> FeeTerms:
    """A broker's fee model in the words of `policy`."""
    return FeeTerms(model.fixed, model.percent_micro, model.minimum)
