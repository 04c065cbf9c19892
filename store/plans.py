"""Plans and their steps. Written by the planner."""

from __future__ import annotations

from ledger.plan import Plan, StepState, StoredPlan
from store.engine import Engine


class Plans:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def commit(self, plan: Plan, *, supersede: bool = True) -> StoredPlan:
        """Store a plan; with `supersede` it replaces the bucket's current ones."""
        ...

    async def current(self, bucket_id: str) -> StoredPlan | None:
        """The newest plan of the bucket that was not superseded."""
        ...

    async def get(self, plan_id: str) -> StoredPlan:
        """Raises Missing."""
        ...

    async def move_step(
        self,
        plan_id: str,
        number: int,
        *,
        expected: StepState,
        to: StepState,
        intent_id: int | None = None,
    ) -> bool:
        """Move a step if it still is in `expected`; False when it is not."""
        ...

    async def supersede(self, plan_id: str) -> None: ...
