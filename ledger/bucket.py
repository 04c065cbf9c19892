"""A bucket: a part of the account that is managed on its own. Core is the one that always is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ledger.money import Money

BucketStatus = Literal["research", "accumulating", "active", "hibernating", "paused", "retired"]
AutonomyMode = Literal["advise", "approve", "act_below", "act"]


@dataclass(frozen=True, slots=True)
class Autonomy:
    """What orders of the planner and of reinvestment may do without their owner.

    advise      nothing leaves, plans are only shown
    approve     each step waits for the owner
    act_below   a step of less than `act_below` EUR leaves by itself, others wait
    act         every step leaves by itself
    """

    mode: AutonomyMode
    act_below: Money | None = None

    def acts_alone(self, value: Money) -> bool:
        """Whether an order of this value in EUR needs nobody's word."""
        if self.mode == "act_below":
            return self.act_below is not None and value < self.act_below
        return self.mode == "act"


@dataclass(frozen=True, slots=True)
class Bucket:
    """`autonomy` None: the owner has said nothing, see `default_autonomy`."""

    bucket_id: str
    name: str
    status: BucketStatus
    autonomy: Autonomy | None = None


def default_autonomy(*, paper: bool) -> Autonomy:
    """Paper orders leave by themselves, real ones wait for their owner."""
    return Autonomy("act" if paper else "approve")
