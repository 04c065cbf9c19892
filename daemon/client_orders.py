"""The client's commands about orders and decisions."""

from __future__ import annotations

import uuid
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import click

from daemon import client_order_text as order_text
from daemon import client_text as text
from daemon.client_link import CallFailed
from daemon.client_session import Failed, Session, confirm, shared
from wire.order_asks import FORCEABLE, MOST_PRICE, fault_in

# After these nobody knows yet whether the order was taken.
LOST = frozenset({"timeout", "disconnected", "protocol"})
WAITING = frozenset({"proposed", "approved"})
STOPPED = frozenset({"refused", "rejected", "not_placed"})


class Amount(click.ParamType[Decimal]):
    """A positive decimal number, kept exact."""

    name = "number"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Decimal:
        try:
            number = Decimal(str(value))
        except InvalidOperation:
            self.fail(f"{value!r} is not a number", param, ctx)
        fault = fault_in(number, MOST_PRICE)
        if fault is not None:
            self.fail(f"{value!r} {fault}", param, ctx)
        return number


def _outcome(session: Session, answer: Any) -> None:
    session.show(answer, text.order)
    if answer.get("state") in STOPPED:
        raise Failed


@click.command()
@shared
@click.argument("plan_id", required=False)
@click.argument("step", required=False, type=click.IntRange(min=1))
@click.option("--yes", is_flag=True, help="Do not ask before the next step is sent.")
@click.pass_obj
def execute(session: Session, plan_id: str | None, step: int | None, *, yes: bool) -> None:
    """Send one step of a plan through all gates: STEP of PLAN_ID, or the next one."""
    if plan_id is None or step is None:
        if plan_id is not None:
            raise click.UsageError("name the step too: execute PLAN_ID STEP")
        plan_id, step = _next_step(session, yes=yes)
    answer = session.call("execute", plan_id=plan_id, step=step)
    _outcome(session, answer)


def _next_step(session: Session, *, yes: bool) -> tuple[str, int]:
    """The step that waits in the current plan, once the owner has agreed to it."""
    answer = text.row_of(session.call("plan")) or {}
    steps = text.rows_of(answer, "steps")
    waiting = [step for step in steps if step.get("state") in WAITING]
    if not waiting:
        raise CallFailed("not_found", "no step of a plan waits to be executed")
    step = waiting[0]
    line = f"{step.get('side')} {step.get('quantity')} {step.get('symbol')}"
    confirm(f"Send step {step['number']}: {line}, about {step.get('value_eur')} EUR?", yes=yes)
    return str(answer["plan_id"]), int(step["number"])


@click.command()
@shared
@click.argument("client_order_id", required=False, type=click.IntRange(min=1))
@click.option("--state", help="Only orders in this state, as refused or filled.")
@click.option("--symbol", help="Only orders on this symbol or ISIN.")
@click.option("--class", "order_class", help="planner, drip, manual, emergency or fx.")
@click.option("--limit", type=click.IntRange(1, 200), default=20, show_default=True)
@click.pass_obj
def orders(
    session: Session, /, client_order_id: int | None, limit: int, **filters: str | None
) -> None:
    """The newest orders, or everything about CLIENT_ORDER_ID.

    An order that was never sent goes by its intent id.
    """
    if client_order_id is not None:
        answer = session.call("order", client_order_id=client_order_id)
        session.show(answer, order_text.story)
        return
    named = {name: value for name, value in filters.items() if value is not None}
    session.show(session.call("orders", limit=limit, **named), order_text.orders)


@click.command()
@shared
@click.argument("client_order_id", type=click.IntRange(min=1))
@click.pass_obj
def cancel(session: Session, client_order_id: int) -> None:
    """Ask the broker to withdraw an order."""
    session.show(session.call("cancel", client_order_id=client_order_id), text.order)


def _plain(value: Any) -> Any:
    """Decimals as exact texts, tuples as lists."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    return list(cast("tuple[str, ...]", value)) if isinstance(value, tuple) else value


def _sent(session: Session, **order: Any) -> Any:
    """The daemon's answer; when it was lost, the way to learn of it."""
    try:
        return session.call("place", **order)
    except CallFailed as error:
        if error.code not in LOST:
            raise
        again = f"{error}; the same command with --key {order['key']} tells what became of it"
        raise CallFailed(error.code, again) from error


def _placing(side: str) -> click.Command:
    """`buy` or `sell`."""

    @click.command(side.lower())
    @shared
    @click.argument("symbol")
    @click.argument("quantity", type=Amount())
    @click.option("--limit", type=Amount(), help="The worst price accepted.")
    @click.option(
        "--force", multiple=True, type=click.Choice(FORCEABLE), help="A gate to overrule, by name."
    )
    @click.option("--key", help="Send the same order once only, however often this is run.")
    @click.option("--yes", is_flag=True, help="Do not ask before it is sent.")
    @click.pass_obj
    def place(session: Session, /, *, yes: bool, key: str | None, **order: Any) -> None:
        key = key or uuid.uuid4().hex
        args = {name: _plain(value) for name, value in order.items() if value is not None}
        if session.call("mode").get("mode") == "live":
            confirm(f"{side} {args['quantity']} {args['symbol']}?", yes=yes)
        _outcome(session, _sent(session, side=side, key=key, **args))

    place.help = f"{side.capitalize()} QUANTITY of SYMBOL (or an ISIN), through every gate."
    return place


@click.command()
@shared
@click.pass_obj
def decisions(session: Session) -> None:
    """What waits for your word."""
    session.show(session.call("decisions"), order_text.decisions)


@click.command()
@shared
@click.argument("decision_id", metavar="ID")
@click.argument("choice")
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
@click.pass_obj
def decide(session: Session, decision_id: str, choice: str, *, yes: bool) -> None:
    """Answer the open question ID with CHOICE."""
    confirm(f"{decision_id}: {choice}?", yes=yes)
    answer = session.call("decide", id=decision_id, choice=choice, confirm=True)
    session.show(answer, text.record)


COMMANDS = (execute, orders, cancel, _placing("BUY"), _placing("SELL"), decisions, decide)
