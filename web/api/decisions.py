"""/api/system/decisions: what only the owner can answer, and his answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.decision import Decision
from ledger.errors import Missing
from web.asking import body
from web.context import Web, here
from web.errors import invalid
from web.guard import asked_by
from web.openapi import describe
from web.reply import reply
from wire.mailbox import AskBox
from wire.order_asks import Resolve

RESOLVE_DEADLINE_S = 30.0
bp = Blueprint("decisions", __name__, url_prefix="/api/system/decisions")


class ChoiceRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One possible answer and what it does."""

    choice: str
    effect: str


class DecisionRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An open question; `since` is market time."""

    id: str
    kind: str
    title: str
    detail: str
    choices: list[ChoiceRow]
    since: datetime
    broker: str
    paper: bool


class DecideBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One of the choices offered; `confirm` must be true."""

    choice: Annotated[str, Meta(min_length=1, max_length=40)]
    confirm: bool = False


class Decided(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was done."""

    id: str
    choice: str
    result: str
    broker: str
    paper: bool


@bp.get("")
@describe(answer=list[DecisionRow])
async def decisions() -> Response:
    """Every question that waits for the owner."""
    web = here()
    return reply([_row(one, web) for one in await web.views.decisions()])


@bp.post("/<decision_id>")
@describe(body=DecideBody, answer=Decided)
async def decide(decision_id: str) -> Response:
    """Answer one open question."""
    asked = await body(DecideBody)
    web = here()
    decision = await _open(web, decision_id)
    offered = [choice.choice for choice in decision.choices]
    if asked.choice not in offered:
        message = f"one of {', '.join(offered)}"
        raise invalid([{"field": "choice", "value": asked.choice, "message": message}])
    if not asked.confirm:
        raise invalid([{"field": "confirm", "value": False, "message": "deciding needs true"}])
    result = await _box(web, decision).ask(
        Resolve(decision_id, asked.choice, confirm=True, by=asked_by()),
        deadline_s=RESOLVE_DEADLINE_S,
    )
    return reply(
        Decided(
            id=decision_id,
            choice=asked.choice,
            result=result,
            broker=web.broker,
            paper=web.paper,
        )
    )


async def _open(web: Web, decision_id: str) -> Decision:
    for decision in await web.views.decisions():
        if decision.decision_id == decision_id:
            return decision
    raise Missing(f"there is no open decision {decision_id[:60]}")


def _box(web: Web, decision: Decision) -> AskBox:
    """Whoever owns what is decided about."""
    return {
        "order": web.asks.trader,
        "books": web.asks.sync,
        "sale": web.asks.rebalancer,
        "reinvest": web.asks.drip,
    }[decision.kind]


def _row(decision: Decision, web: Web) -> DecisionRow:
    return DecisionRow(
        id=decision.decision_id,
        kind=decision.kind,
        title=decision.title,
        detail=decision.detail,
        choices=[ChoiceRow(choice=one.choice, effect=one.effect) for one in decision.choices],
        since=decision.since,
        broker=web.broker,
        paper=web.paper,
    )
