"""Halt latches: any one of them stops submissions; only resuming it by name clears it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

LatchName = Literal[
    "owner", "file", "broker_silent", "order_escalated", "books", "restore", "actor_failed"
]
LATCHES: tuple[LatchName, ...] = (
    "owner", "file", "broker_silent", "order_escalated", "books", "restore", "actor_failed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Latch:
    name: LatchName
    reason: str
    set_at: datetime
