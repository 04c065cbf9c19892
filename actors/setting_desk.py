"""The owner's settings, kept by schedule: checked, stored, put in force for everybody at once."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.errors import Refused
from policy.limits import Limits
from policy.settings import (
    RESEARCH_CASH,
    SETTINGS,
    Setting,
    find,
    limits_with,
    parse,
    text_of,
)
from store.settings import Settings
from wire.board import Latest, in_force
from wire.clock import Clock
from wire.setting_asks import PutSetting, SettingView


@dataclass(frozen=True, slots=True)
class SettingDesk:
    """`base` is what holds where the owner set nothing; `rules` is what is in force."""

    settings: Settings
    clock: Clock
    base: Limits
    rules: Latest[Limits]

    async def load(self) -> tuple[str, ...]:
        """Put what is stored in force; returns why texts that are no longer valid are left out."""
        valid: dict[str, str] = {}
        ignored: list[str] = []
        for key, value in sorted((await self.settings.stored()).items()):
            try:
                limits_with({**valid, key: value}, self.base)
            except Refused as refused:
                ignored.append(str(refused))
            else:
                valid[key] = value
        self._enforce(limits_with(valid, self.base))
        return tuple(ignored)

    def all(self) -> tuple[SettingView, ...]:
        return tuple(self._view(setting) for setting in SETTINGS)

    async def put(self, asked: PutSetting) -> SettingView:
        """Store a checked value, then put it in force. Raises Missing and Refused."""
        setting = find(asked.key)
        value = parse(setting, asked.value)
        if setting.key == RESEARCH_CASH and value and await self.settings.mode() != "research":
            text = f"{setting.key} = {asked.value!r}: must be 0 unless the mode is research"
            raise Refused(text, code="setting_value")
        stored = {**await self.settings.stored(), setting.key: asked.value}
        limits = limits_with(stored, self.base)
        text = text_of(setting, limits)
        await self.settings.change(setting.key, text, by=asked.by, at=self.clock.machine_now())
        self._enforce(limits)
        return self._view(setting)

    def _enforce(self, limits: Limits) -> None:
        if limits != in_force(self.rules):
            self.rules.publish(limits)

    def _view(self, setting: Setting) -> SettingView:
        return SettingView(
            key=setting.key,
            value=text_of(setting, in_force(self.rules)),
            kind=setting.kind,
            unit=setting.unit,
            default=text_of(setting, self.base),
            low=None if setting.low is None else format(setting.low, "f"),
            high=None if setting.high is None else format(setting.high, "f"),
            description=setting.description,
        )
