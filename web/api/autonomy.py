"""/api/planner/autonomy: what orders of each bucket may do without their owner."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.bucket import Autonomy, AutonomyMode
from ledger.currency import BASE
from ledger.fact import CORE
from ledger.money import Money
from web.api.plan_rows import autonomy_of
from web.asking import body
from web.context import Web, here
from web.encode import amount
from web.errors import invalid
from web.guard import asked_by
from web.openapi import describe
from web.reply import reply
from wire.order_asks import MOST_PRICE, fault_in
from wire.planner_asks import SetAutonomy

ASK_DEADLINE_S = 30.0
_CENT = Decimal("0.01")
bp = Blueprint("autonomy", __name__, url_prefix="/api/planner/autonomy")


class AutonomyRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`autonomy` is advise, approve, act_below or act.

    With act_below an order worth less than `act_below_eur` leaves by itself.
    """

    bucket_id: str
    name: str
    autonomy: str
    act_below_eur: Decimal | None
    broker: str
    paper: bool


class AutonomyBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`act_below_eur` goes with act_below, and is the value of one order."""

    autonomy: AutonomyMode
    act_below_eur: Decimal | None = None
    bucket_id: Annotated[str, Meta(min_length=1, max_length=64)] = CORE


@bp.get("")
@describe(answer=list[AutonomyRow])
async def autonomy() -> Response:
    """Every bucket with what its orders may do."""
    web = here()
    buckets = web.boards.buckets.value or ()
    rows = [_row(web, one.bucket_id, one.name, one.autonomy) for one in buckets]
    return reply(rows or [_row(web, CORE, CORE, None)])


@bp.put("")
@describe(body=AutonomyBody, answer=AutonomyRow)
async def set_autonomy() -> Response:
    """Change what the orders of a bucket may do without their owner."""
    asked = await body(AutonomyBody)
    wanted = Autonomy(asked.autonomy, _limit(asked.act_below_eur))
    request = SetAutonomy(asked.bucket_id, wanted, asked_by())
    web = here()
    said = await web.asks.planner.ask(request, deadline_s=ASK_DEADLINE_S)
    return reply(_row(web, asked.bucket_id, _name(web, asked.bucket_id), said))


def _limit(value: Decimal | None) -> Money | None:
    """Whole cents above 0; raises Problem 422."""
    if value is None:
        return None
    fault = fault_in(value, MOST_PRICE)
    if fault is None and value != value.quantize(_CENT):
        fault = "must not be finer than a cent"
    if fault is not None:
        raise invalid([{"field": "act_below_eur", "value": str(value)[:100], "message": fault}])
    return Money.of(value, BASE)


def _name(web: Web, bucket_id: str) -> str:
    buckets = web.boards.buckets.value or ()
    return next((one.name for one in buckets if one.bucket_id == bucket_id), bucket_id)


def _row(web: Web, bucket_id: str, name: str, said: Autonomy | None) -> AutonomyRow:
    holds = said or autonomy_of(web, bucket_id)
    return AutonomyRow(
        bucket_id=bucket_id,
        name=name,
        autonomy=holds.mode,
        act_below_eur=amount(holds.act_below),
        broker=web.broker,
        paper=web.paper,
    )
