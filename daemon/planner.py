"""The planner with its desks, wired."""

from __future__ import annotations

from actors.analyst import Desk
from actors.config_desk import ASKED as CONFIG
from actors.config_desk import ConfigDesk
from actors.hand_over import HandOver
from actors.plan_desk import ASKED as PLANS
from actors.plan_desk import PlanDesk
from actors.plan_run import PlanMaker, PlanMakerPorts
from actors.planner import Planner, PlannerPorts
from actors.rehearsal import Rehearsal
from daemon.analyst import analyst
from daemon.shared import Shared
from wire.board import Latest


def planner(shared: Shared) -> Planner:
    parts, store = shared.parts, shared.parts.store
    maker, hand_over, wake = _maker(shared), _hand_over(shared), Latest[str]()
    plans, configs = _plan_desk(shared, hand_over, maker, wake), _config_desk(shared)
    desks: dict[type, Desk] = {**dict.fromkeys(PLANS, plans), **dict.fromkeys(CONFIG, configs)}
    return Planner(
        PlannerPorts(
            plans=store.plans,
            inputs=store.plan_inputs,
            situation=shared.situation,
            maker=maker,
            hand_over=hand_over,
            desks=desks,
            load=(configs.load, plans.load),
            analyst=analyst(shared),
            boards=shared.boards,
            events=shared.events,
            health=shared.health,
            jobs=shared.jobs,
            clock=parts.clock,
            asks=shared.asks.planner,
            nudges=shared.nudges["plan"],
            wake=wake,
            runner=parts.runner,
        )
    )


def _maker(shared: Shared) -> PlanMaker:
    parts, store = shared.parts, shared.parts.store
    return PlanMaker(
        PlanMakerPorts(
            runs=store.planner_runs,
            inputs=store.plan_inputs,
            plans=store.plans,
            boards=shared.boards,
            events=shared.events,
            clock=parts.clock,
            rng=parts.rng,
            runner=parts.runner,
        )
    )


def _hand_over(shared: Shared) -> HandOver:
    return HandOver(
        words=shared.parts.store.plan_words,
        situation=shared.situation,
        boards=shared.boards,
        intents=shared.send.clone(),
        default=shared.autonomy,
    )


def _plan_desk(
    shared: Shared, hand_over: HandOver, maker: PlanMaker, wake: Latest[str]
) -> PlanDesk:
    parts, store = shared.parts, shared.parts.store
    return PlanDesk(
        plans=store.plans,
        words=store.plan_words,
        inputs=store.plan_inputs,
        buckets=store.buckets,
        hand_over=hand_over,
        maker=maker,
        boards=shared.boards,
        schedule=shared.asks.schedule,
        clock=parts.clock,
        runner=parts.runner,
        wake=wake,
        default=shared.autonomy,
    )


def _config_desk(shared: Shared) -> ConfigDesk:
    parts = shared.parts
    return ConfigDesk(
        configs=parts.store.planner_configs,
        strategies=shared.strategies,
        boards=shared.boards,
        events=shared.events,
        clock=parts.clock,
        rng=parts.rng,
        plan=shared.nudges["plan"],
        runner=parts.runner,
        rehearse=Rehearsal(shared.situation, shared.boards, parts.runner).counts,
    )
