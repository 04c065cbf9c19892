"""Plays the planner: the owner's word changes the plan, a text changes its configuration."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from ledger.errors import Conflict, TrimtabError
from ledger.plan import StepState, StoredPlan, StoredStep
from ledger.planner_config import ConfigCheck, ConfigRefused, PastConfig, StoredConfig
from tests.web.planner_world import RIGHT, WRONG, difference
from tests.web.world import World
from wire.planner_asks import (
    ApplyConfig,
    ApprovePlan,
    CreateConfig,
    DismissStep,
    PostponePlan,
    RejectPlan,
    ShowDifference,
    UpdateConfig,
    ValidateConfig,
)

BAD_KEY = "max_dept "
SAVED = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


async def play_planner(world: World, asked: list[object]) -> None:
    while True:
        ask = await world.asks.planner.receive()
        if not isinstance(ask.request, ShowDifference):
            asked.append(ask.request)
        try:
            ask.slot.answer(_answer(world, ask.request))
        except TrimtabError as error:
            ask.slot.refuse(error)
        world.tell("PLANNING_STATUS_UPDATED")


def _answer(world: World, request: object) -> object:
    match request:
        case ShowDifference(plan_id=plan_id):
            return difference(plan_id)
        case ValidateConfig(toml=toml, dry_run=dry_run):
            return _checked(toml, dry_run=dry_run)
        case CreateConfig() | UpdateConfig() | ApplyConfig():
            return _configured(world, request)
        case _:
            return _decided(world, request)


def _decided(world: World, request: object) -> StoredPlan:
    stored = world.boards.plan.value
    assert stored is not None
    match request:
        case ApprovePlan(step=step):
            said = replace(_step(stored, step or 1), state=StepState.APPROVED)
            stored = replace(stored, steps=(said, *stored.steps[1:]))
        case PostponePlan(until=until):
            stored = replace(stored, postponed_until=until)
        case RejectPlan() | DismissStep():
            stored = replace(stored, superseded=True)
        case other:
            raise AssertionError(other)
    world.boards.plan.publish(stored)
    return stored


def _step(stored: StoredPlan, number: int) -> StoredStep:
    return next(step for step in stored.steps if step.step.number == number)


def _checked(toml: str, *, dry_run: bool) -> ConfigCheck:
    if BAD_KEY in toml:
        return WRONG
    return RIGHT if dry_run else replace(RIGHT, counts=None)


def _configured(world: World, request: CreateConfig | UpdateConfig | ApplyConfig) -> StoredConfig:
    views = world.views
    toml = None if isinstance(request, ApplyConfig) else request.toml
    if toml is not None and BAD_KEY in toml:
        raise ConfigRefused(WRONG.errors)
    if isinstance(request, CreateConfig):
        first = views.configs[0]
        made = replace(first, config_id="c-new", name=request.name, toml=request.toml,
                       bucket_id=request.bucket_id, version=1)  # fmt: skip
        views.configs = (*views.configs, made)
        return made
    before = next(one for one in views.configs if one.config_id == request.config_id)
    after = _changed(world, before, request)
    others = [one for one in views.configs if one.config_id != before.config_id]
    views.configs = (*others, after)
    return after


def _changed(
    world: World, before: StoredConfig, request: UpdateConfig | ApplyConfig
) -> StoredConfig:
    if isinstance(request, ApplyConfig):
        return replace(before, applied_hash=before.text_hash)
    if request.version is not None and request.version != before.version:
        raise Conflict("it was changed since", code="stale_version")
    past = PastConfig(f"h{before.version}", before.config_id, before.version, before.name,
                      before.toml, before.text_hash, "max_depth 5 → 7", SAVED)  # fmt: skip
    world.views.past = (past, *world.views.past)
    toml = before.toml if request.toml is None else request.toml
    return replace(
        before,
        name=request.name or before.name,
        toml=toml,
        version=before.version + 1,
        text_hash=f"hash of {toml}",
    )
