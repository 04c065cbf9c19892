"""A run of the planner: one bucket, one input, from its candidates to a committed plan."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PlannerRunState(StrEnum):
    GENERATING = "generating"
    EVALUATING = "evaluating"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"


OPEN_RUNS = frozenset({PlannerRunState.GENERATING, PlannerRunState.EVALUATING})


@dataclass(frozen=True, slots=True)
class PlannerRun:
    """`fingerprint` names bucket, portfolio and market planned for, `input_hash` the stored input.

    `checkpoint` is how far the search got, in the words of the search alone; a run that was
    interrupted goes on from there. Instants are machine time.
    """

    run_id: str
    bucket_id: str
    fingerprint: str
    input_hash: str
    state: PlannerRunState
    explored: int
    checkpoint: bytes | None
    started_at: datetime
    updated_at: datetime
    plan_id: str | None = None
    error: str | None = None
