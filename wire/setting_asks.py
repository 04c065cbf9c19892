"""Settings: what may be asked of schedule, their owner, and how one is shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wire.mailbox import Request

SettingKind = Literal["int", "decimal", "bool", "symbols"]


@dataclass(frozen=True, slots=True)
class SettingView:
    """One setting as text in its unit; `low` and `high` are inclusive, None where it has none."""

    key: str
    value: str
    kind: SettingKind
    unit: str
    default: str
    low: str | None
    high: str | None
    description: str


@dataclass(frozen=True, slots=True)
class ListSettings(Request[tuple[SettingView, ...]]):
    """Every setting with its value in force."""


@dataclass(frozen=True, slots=True)
class PutSetting(Request[SettingView]):
    """Change one setting; the reply is how it stands now.

    Raises Missing for an unknown key (with a suggestion), Refused `reserved_key` for what is
    changed elsewhere, Refused `setting_value` naming key, value and bound.
    """

    key: str
    value: str
    by: str
