"""One plan in full, and the owner's word on it: approve, postpone, reject, dismiss a step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.errors import ActorUnavailable, Missing, Unavailable
from ledger.plan import StoredPlan
from web.api.difference_rows import DifferenceRow, difference_row
from web.api.plan_rows import Recommendations, rows_of
from web.asking import body
from web.context import Web, here
from web.errors import invalid
from web.guard import asked_by, check_order_pace
from web.openapi import describe
from web.reply import reply
from wire.mailbox import Request
from wire.planner_asks import (
    ApprovePlan,
    DismissStep,
    PostponePlan,
    RejectPlan,
    ShowDifference,
)

ASK_DEADLINE_S = 10.0
# The planner may be in the middle of a batch, and what follows an approval is committed first.
DECIDE_DEADLINE_S = 30.0
MOST_STEPS = 99
bp = Blueprint("plans", __name__, url_prefix="/api")


class PlanView(Recommendations, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A plan with what it changes; `no_difference` says why that is not known.

    `superseded`: another one took its place, or it was given up.
    """

    superseded: bool
    difference: DifferenceRow | None
    no_difference: str | None


class ApproveBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The step that is meant; without it the next one."""

    step: Annotated[int, Meta(ge=1, le=MOST_STEPS)] | None = None


class PostponeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Market time, with its offset, at most 30 days ahead."""

    until: Annotated[datetime, Meta(tz=True)]


@bp.get("/planner/plans/<plan_id>")
@describe(answer=PlanView)
async def plan(plan_id: str) -> Response:
    """A plan of whatever age: steps with their states, proof, alternatives and what it changes."""
    web = here()
    stored = await web.views.stored_plan(plan_id)
    difference, missing = await _difference(web, plan_id)
    shown = PlanView(
        **msgspec.structs.asdict(rows_of(web, stored)),
        superseded=stored.superseded,
        difference=difference,
        no_difference=missing,
    )
    return reply(shown)


async def _difference(web: Web, plan_id: str) -> tuple[DifferenceRow | None, str | None]:
    """What the plan changes, or why that cannot be told; the plan itself can be read anyway."""
    try:
        asked = ShowDifference(plan_id)
        found = await web.asks.planner.ask(asked, deadline_s=ASK_DEADLINE_S)
    except (ActorUnavailable, Unavailable) as error:
        return None, str(error)
    return difference_row(found), None


@bp.post("/planner/plans/<plan_id>/approve")
@describe(body=ApproveBody, answer=Recommendations)
async def approve(plan_id: str) -> Response:
    """Let one step leave; whether it does is still up to the gates."""
    check_order_pace()
    step = (await body(ApproveBody, optional=True)).step
    return await _decide(ApprovePlan(plan_id, step, asked_by()))


@bp.post("/planner/plans/<plan_id>/postpone")
@describe(body=PostponeBody, answer=Recommendations)
async def postpone(plan_id: str) -> Response:
    """Let nothing of the plan leave before an instant."""
    until = _in_utc((await body(PostponeBody)).until)
    return await _decide(PostponePlan(plan_id, until, asked_by()))


def _in_utc(instant: datetime) -> datetime:
    """Raises Problem 422 for what is no instant in UTC."""
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        message = "is beyond what a clock can show"
        raise invalid([{"field": "until", "value": None, "message": message}]) from None


@bp.post("/planner/plans/<plan_id>/reject")
@describe(answer=Recommendations)
async def reject(plan_id: str) -> Response:
    """Give the plan up; its trades are not proposed again while everything stays as it is."""
    return await _decide(RejectPlan(plan_id, asked_by()))


@bp.post("/trades/recommendations/<step_id>/dismiss")
@describe(answer=Recommendations)
async def dismiss(step_id: str) -> Response:
    """Take one step out of the plan, which is given up with it."""
    plan_id, step = named(step_id)
    return await _decide(DismissStep(plan_id, step, asked_by()))


def named(step_id: str) -> tuple[str, int]:
    """The plan and the number in the name of a step; raises Missing for what is no such name."""
    plan_id, _, number = step_id.rpartition("-")
    known = (
        plan_id and number.isascii() and number.isdigit() and len(number) <= len(str(MOST_STEPS))
    )
    if not known:
        raise Missing(f"there is no step {step_id[:60]!r}")
    return plan_id, int(number)


async def _decide(request: Request[StoredPlan]) -> Response:
    web = here()
    stored = await web.asks.planner.ask(request, deadline_s=DECIDE_DEADLINE_S)
    return reply(rows_of(web, stored))
