"""What may be asked of the planner besides its next step."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.bucket import Autonomy
from ledger.plan import StoredPlan
from ledger.plan_difference import PlanDifference
from ledger.planner_config import ConfigCheck, StoredConfig
from wire.mailbox import Request


@dataclass(frozen=True, slots=True)
class CreateConfig(Request[StoredConfig]):
    """Raises Refused `planner_config` with every error in the text, Conflict `bucket_taken` when
    the bucket has a configuration already, Missing for a bucket that is not there.
    """

    name: str
    toml: str
    bucket_id: str | None


@dataclass(frozen=True, slots=True)
class UpdateConfig(Request[StoredConfig]):
    """None leaves as it is, an empty bucket takes it away. The bucket goes on planning by what was
    applied last. Raises what CreateConfig raises, Missing, and Conflict `stale_version` when
    `version` is given and no longer the newest.
    """

    config_id: str
    name: str | None
    toml: str | None
    bucket_id: str | None
    version: int | None


@dataclass(frozen=True, slots=True)
class DeleteConfig(Request[None]):
    """With its history. Raises Missing, and Refused `core_config` for the one of core."""

    config_id: str


@dataclass(frozen=True, slots=True)
class ApplyConfig(Request[StoredConfig]):
    """Let the bucket plan by the newest text from its next plan on. Raises Missing, Refused
    `template` without a bucket, Refused `planner_config`.
    """

    config_id: str


@dataclass(frozen=True, slots=True)
class ValidateConfig(Request[ConfigCheck]):
    """Every error and warning; with `dry_run` what it would find in the portfolio as it is."""

    toml: str
    dry_run: bool


@dataclass(frozen=True, slots=True)
class ApprovePlan(Request[StoredPlan]):
    """Let one step leave: the next one, which `step` has to be when it is given.

    Raises Conflict `stale_plan` when the plan is not the current one or the step not its next,
    Missing.
    """

    plan_id: str
    step: int | None
    by: str


@dataclass(frozen=True, slots=True)
class PostponePlan(Request[StoredPlan]):
    """Let nothing of the plan leave before `until` (market time). Raises as ApprovePlan does, and
    Refused `until` when that is over or more than 30 days away.
    """

    plan_id: str
    until: datetime
    by: str


@dataclass(frozen=True, slots=True)
class RejectPlan(Request[StoredPlan]):
    """Give the plan up; its trades are not proposed again until holdings, cash or configuration
    change. Raises as ApprovePlan does.
    """

    plan_id: str
    by: str


@dataclass(frozen=True, slots=True)
class DismissStep(Request[StoredPlan]):
    """Take one step out; its trade is not proposed again until holdings, cash or configuration
    change. The plan around it is given up. Raises as ApprovePlan does.
    """

    plan_id: str
    step: int
    by: str


@dataclass(frozen=True, slots=True)
class SetAutonomy(Request[Autonomy]):
    """Raises Missing for an unknown bucket, Refused `act_below` without a sensible amount."""

    bucket_id: str
    autonomy: Autonomy
    by: str


@dataclass(frozen=True, slots=True)
class PlanAgain(Request[str]):
    """Forget the current plan and make a new one; the reply is the id of the job's run.

    Raises Busy while one is being made.
    """

    bucket_id: str


@dataclass(frozen=True, slots=True)
class ShowDifference(Request[PlanDifference]):
    """What a stored plan changes. Raises Missing; Unavailable when its input was not kept."""

    plan_id: str


@dataclass(frozen=True, slots=True)
class Recomputed:
    """`same`: what came out is the stored plan, byte for byte. `differs` names the first field
    that is not.
    """

    plan_id: str
    input_hash: str
    same: bool
    differs: str | None
    explored: int


@dataclass(frozen=True, slots=True)
class RecomputePlan(Request[Recomputed]):
    """Make a stored plan again from its stored input. Raises Missing; Unavailable when its input
    was not kept.
    """

    plan_id: str
