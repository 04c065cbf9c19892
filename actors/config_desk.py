"""The planner's configurations: kept, checked, and put in force for the bucket they belong to.

What a bucket plans by changes only when a text is applied or its bucket is taken away; the board
then changes at once, recommendations are told to be out of date, and a new plan is asked for,
unless the bucket plans only when its owner asks.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from ledger.errors import Conflict, Refused, TrimtabError
from ledger.fact import CORE
from ledger.ids import uuid4
from ledger.planner_config import ConfigCheck, ConfigRefused, StageCounts, StoredConfig
from policy.planning.config import AppliedConfig, PlannerConfig, Strategies
from policy.planning.config_changes import change_summary
from policy.planning.config_text import (
    ConfigCheckResult,
    config_hash,
    read_config,
    text_hash,
)
from policy.planning.presets import PresetName, preset, preset_text
from store.planner_configs import PlannerConfigs
from wire.board import Latest
from wire.clock import Clock
from wire.events import EventRing, EventType
from wire.mailbox import NudgeBox
from wire.messages import Boards, Nudge
from wire.planner_asks import ApplyConfig, CreateConfig, DeleteConfig, UpdateConfig, ValidateConfig
from wire.runner import Runner

ASKED = (CreateConfig, UpdateConfig, DeleteConfig, ApplyConfig, ValidateConfig)
Rehearse = Callable[[PlannerConfig], Awaitable[StageCounts]]
"""What a configuration finds in the portfolio as it is; raises a TrimtabError when it cannot."""

CORE_NAME = "Core Portfolio Strategy"
TEMPLATES: Mapping[str, PresetName] = {
    "Conservative Strategy (Template)": "conservative",
    "Aggressive Strategy (Template)": "aggressive",
}
NAME_LENGTH = 100
INVALID = "A STRATEGY IS NOT VALID"


class ConfigDesk:
    """`load` comes before anything is asked."""

    def __init__(
        self,
        *,
        configs: PlannerConfigs,
        strategies: Latest[Strategies],
        boards: Boards,
        events: EventRing,
        clock: Clock,
        rng: random.Random,
        plan: NudgeBox[Nudge],
        runner: Runner,
        rehearse: Rehearse,
    ) -> None:
        self._configs = configs
        self._strategies = strategies
        self._boards = boards
        self._events = events
        self._clock = clock
        self._rng = rng
        self._plan = plan
        self._runner = runner
        self._rehearse = rehearse
        self._invalid: tuple[str, ...] = ()

    async def load(self) -> None:
        """Keep the presets that are missing, and show what every bucket plans by."""
        stored = await self._configs.all()
        if all(one.bucket_id != CORE for one in stored):
            await self._keep(CORE_NAME, preset_text("default"), CORE, applied=True)
        names = {one.name for one in stored}
        for name, which in TEMPLATES.items():
            if name not in names:
                await self._keep(name, preset_text(which), None)
        await self._show()

    async def answer(self, request: object) -> object:
        match request:
            case CreateConfig():
                return await self.create(request)
            case UpdateConfig():
                return await self.update(request)
            case DeleteConfig():
                await self.delete(request)
                return None
            case ApplyConfig():
                return await self.apply(request)
            case ValidateConfig():
                return await self.validate(request)
            case other:
                raise AssertionError(f"the configuration desk does not answer {other!r}")

    async def create(self, asked: CreateConfig) -> StoredConfig:
        await self._check(asked.toml)
        return await self._keep(_named(asked.name), asked.toml, asked.bucket_id or None)

    async def update(self, asked: UpdateConfig) -> StoredConfig:
        """What changes nothing is no new version."""
        before = await self._configs.get(asked.config_id)
        if asked.version is not None and asked.version != before.version:
            text = f"the configuration is at version {before.version}, not {asked.version}"
            raise Conflict(text, code="stale_version")
        name = before.name if asked.name is None else _named(asked.name)
        toml = before.toml if asked.toml is None else asked.toml
        bucket = before.bucket_id if asked.bucket_id is None else asked.bucket_id or None
        if (name, toml, bucket) == (before.name, before.toml, before.bucket_id):
            return before
        if asked.toml is not None:
            await self._check(toml)
        summary = await self._runner(
            partial(change_summary, before, name=name, toml=toml, bucket_id=bucket)
        )
        after = await self._configs.update(
            before,
            name=name,
            toml=toml,
            text_hash=text_hash(toml),
            bucket_id=bucket,
            history_id=self._new_id(),
            summary=summary,
            at=self._clock.machine_now(),
        )
        await self._show(f"{name} is not the strategy of {before.bucket_id} any more")
        return after

    async def delete(self, asked: DeleteConfig) -> None:
        before = await self._configs.get(asked.config_id)
        if before.bucket_id == CORE:
            text = f"{before.name} is the strategy of core: take its bucket away first"
            raise Refused(text, code="core_config")
        await self._configs.delete(before)
        await self._show(f"{before.name} was deleted")

    async def apply(self, asked: ApplyConfig) -> StoredConfig:
        before = await self._configs.get(asked.config_id)
        if before.bucket_id is None:
            text = f"{before.name} is a template: it has no bucket to plan for"
            raise Refused(text, code="template")
        await self._check(before.toml)
        after = await self._configs.apply(before)
        await self._show(f"{after.name} was applied to {after.bucket_id}")
        return after

    async def validate(self, asked: ValidateConfig) -> ConfigCheck:
        """A dry run that cannot be made says why; the text is checked all the same."""
        result = await self._read(asked.toml)
        if result.config is None or not asked.dry_run:
            return ConfigCheck(result.errors, result.warnings)
        try:
            counts = await self._rehearse(result.config)
        except TrimtabError as error:
            return ConfigCheck(result.errors, result.warnings, not_run=str(error))
        return ConfigCheck(result.errors, result.warnings, counts)

    async def _check(self, toml: str) -> None:
        result = await self._read(toml)
        if result.errors:
            raise ConfigRefused(result.errors)

    async def _read(self, toml: str) -> ConfigCheckResult:
        known = self._boards.correlations.value is not None
        return await self._runner(partial(read_config, toml, correlations=known))

    async def _keep(
        self, name: str, toml: str, bucket_id: str | None, *, applied: bool = False
    ) -> StoredConfig:
        return await self._configs.create(
            self._new_id(),
            name=name,
            toml=toml,
            text_hash=text_hash(toml),
            bucket_id=bucket_id,
            at=self._clock.machine_now(),
            applied=applied,
        )

    def _new_id(self) -> str:
        return uuid4(self._clock.machine_now(), self._rng)

    # What is in force

    async def _show(self, reason: str = "strategies were read again") -> None:
        """Publish what every bucket plans by, and tell whom it concerns when it has changed."""
        found: dict[str, AppliedConfig] = {}
        invalid: list[str] = []
        for text in await self._configs.applied():
            config = (await self._read(text.toml)).config
            if config is None:
                invalid.append(text.bucket_id)
                found[text.bucket_id] = _default()
            else:
                found[text.bucket_id] = AppliedConfig(config, text.text_hash)
        before = self._strategies.value
        if found != before:
            self._strategies.publish(found)
        self._tell_invalid(tuple(invalid))
        if before is not None:
            self._tell_changed(before, found, reason)

    def _tell_changed(self, before: Strategies, after: Strategies, reason: str) -> None:
        """Only what changes how a bucket plans; the same with other comments is nobody's news."""
        for bucket in sorted({*before, *after}):
            new = after.get(bucket, AppliedConfig())
            old = before.get(bucket, AppliedConfig())
            if config_hash(new.config) != config_hash(old.config):
                self._emit("PLANNER_CONFIG_CHANGED", bucket_id=bucket, reason=reason)
                if new.config.enable_batch_generation:
                    self._plan.nudge(Nudge(reason))

    def _tell_invalid(self, buckets: tuple[str, ...]) -> None:
        """Of a text that only an earlier version accepted; the default preset holds instead."""
        if buckets == self._invalid:
            return
        self._invalid = buckets
        if buckets:
            error = f"what was applied to {', '.join(buckets)} cannot be read: the default holds"
            self._emit("ERROR_OCCURRED", text=INVALID, error=error)
        else:
            self._emit("ERROR_CLEARED", text=INVALID)

    def _emit(self, type_: EventType, **data: str) -> None:
        self._events.emit(type_, source="planner", at=self._clock.machine_now(), data=data)


def _default() -> AppliedConfig:
    return AppliedConfig(preset("default"), text_hash(preset_text("default")))


def _named(name: str) -> str:
    """Raises Refused `name`."""
    found = name.strip()
    if not 1 <= len(found) <= NAME_LENGTH or not found.isprintable():
        raise Refused(f"name: must be 1 to {NAME_LENGTH} characters on one line", code="name")
    return found
