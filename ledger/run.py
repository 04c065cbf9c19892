"""A job's run record: the truth about work that was asked for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal

Trigger = Literal["schedule", "api", "socket", "event", "startup"]
Job = Literal["sync", "plan", "rebalance", "drip", "backup", "prices", "score"]
JOBS: tuple[Job, ...] = ("sync", "plan", "rebalance", "drip", "backup", "prices", "score")


class RunStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class RunRecord:
    """Instants are machine time; `market_at` is the market instant of the request."""

    run_id: str
    job: Job
    trigger: Trigger
    status: RunStatus
    reason: str | None
    requested_at: datetime
    market_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    duration_ms: int | None
    error: str | None
    result: str | None
