"""The client's commands about plans: the owner's word on them, and making one again."""

from __future__ import annotations

import os
from datetime import datetime
from decimal import Decimal
from typing import Any

import click

from daemon import client_plan_text as plan_text
from daemon import client_text as text
from daemon.client_link import CallFailed, NoDaemon
from daemon.client_orders import Amount
from daemon.client_session import Failed, Session, confirm, shared
from daemon.folders import data_folder

MODES = ("advise", "approve", "act_below", "act")
FREE = frozenset({"act_below", "act"})


def _current(session: Session) -> text.Row:
    answer = text.row_of(session.call("plan"))
    if answer is None:
        raise CallFailed("not_found", "there is no plan yet")
    return answer


@click.command()
@shared
@click.argument("step", required=False, type=click.IntRange(1, 99))
@click.option("--plan", "plan_id", help="The plan that is meant, when not the current one.")
@click.option("--yes", is_flag=True, help="Do not ask before the next step may leave.")
@click.pass_obj
def approve(session: Session, step: int | None, plan_id: str | None, *, yes: bool) -> None:
    """Let STEP of the plan leave, or the next one; the gates still decide."""
    args: dict[str, Any] = {"step": step, "plan_id": plan_id}
    if step is None:
        args = _next_one(session, plan_id, yes=yes)
    named = {name: value for name, value in args.items() if value is not None}
    session.show(session.call("approve", **named), plan_text.plan)


def _next_one(session: Session, plan_id: str | None, *, yes: bool) -> dict[str, Any]:
    """The step that waits, once the owner has seen and agreed to it."""
    plan = _current(session)
    number = plan.get("next_step")
    if number is None or (plan_id is not None and plan_id != plan["plan_id"]):
        raise CallFailed("not_found", "no step of the plan waits to be approved")
    step = next(one for one in text.rows_of(plan, "steps") if one.get("number") == number)
    line = f"{step.get('side')} {step.get('quantity')} {step.get('symbol')}"
    confirm(f"Approve step {number}: {line}, about {step.get('value_eur')} EUR?", yes=yes)
    return {"step": number, "plan_id": plan["plan_id"]}


@click.command()
@shared
@click.argument("plan_id", required=False)
@click.pass_obj
def reject(session: Session, plan_id: str | None) -> None:
    """Give the plan up; its trades are not proposed again while everything stays as it is."""
    named = {} if plan_id is None else {"plan_id": plan_id}
    session.show(session.call("reject", **named), plan_text.plan)


@click.command()
@shared
@click.argument("until", metavar="UNTIL|MINUTES")
@click.option("--plan", "plan_id", help="The plan that is meant, when not the current one.")
@click.pass_obj
def postpone(session: Session, until: str, plan_id: str | None) -> None:
    """Let nothing of the plan leave for MINUTES, or before UNTIL, as 2026-03-02T09:00:00Z.

    Both are market time.
    """
    args: dict[str, Any] = _later(until)
    if plan_id is not None:
        args["plan_id"] = plan_id
    session.show(session.call("postpone", **args), plan_text.plan)


def _later(until: str) -> dict[str, Any]:
    if until.isascii() and until.isdigit() and len(until) < 7 and int(until):
        return {"minutes": int(until)}
    try:
        if datetime.fromisoformat(until).tzinfo is not None:
            return {"until": until}
    except ValueError:
        pass
    raise click.UsageError(f"{until!r} is neither minutes nor an instant with its offset")


@click.command()
@shared
@click.argument("step_id")
@click.pass_obj
def dismiss(session: Session, step_id: str) -> None:
    """Take one step out, named PLAN-NUMBER, or by its NUMBER in the current plan."""
    if step_id.isascii() and step_id.isdigit():
        step_id = f"{_current(session)['plan_id']}-{step_id}"
    session.show(session.call("dismiss", step_id=step_id), plan_text.plan)


@click.command()
@shared
@click.argument("mode", required=False, type=click.Choice(MODES))
@click.option("--below", type=Amount(), help="With act_below: EUR an order has to stay below.")
@click.option("--bucket", "bucket_id", help="The bucket, when not core.")
@click.option("--yes", is_flag=True, help="Do not ask before real orders may leave alone.")
@click.pass_obj
def autonomy(
    session: Session, mode: str | None, below: Decimal | None, bucket_id: str | None, *, yes: bool
) -> None:
    """Show what orders may do without you, or set it."""
    if mode is None:
        session.show(session.call("autonomy"), plan_text.autonomy)
        return
    if (mode == "act_below") != (below is not None):
        raise click.UsageError("--below goes with act_below, and with it alone")
    if mode in FREE and not all(row.get("paper") for row in session.call("autonomy")):
        confirm("Let orders with real money leave without you?", yes=yes)
    args: dict[str, Any] = {"mode": mode, "bucket_id": bucket_id}
    args["act_below_eur"] = None if below is None else f"{below:f}"
    named = {name: value for name, value in args.items() if value is not None}
    session.show(session.call("autonomy", **named), plan_text.autonomy)


@click.command()
@shared
@click.argument("plan_id", required=False)
@click.pass_obj
def report(session: Session, plan_id: str | None) -> None:
    """Show the current plan, or PLAN_ID, as one Markdown document to read or keep."""
    named = {} if plan_id is None else {"plan_id": plan_id}
    session.show(session.call("plan_report", **named), plan_text.report)


@click.command()
@shared
@click.argument("plan_id")
@click.pass_obj
def recompute(session: Session, plan_id: str) -> None:
    """Make a stored plan again from its stored input, and say whether it is the same.

    Works on the data folder when no daemon runs.
    """
    try:
        answer = session.call("recompute", plan_id=plan_id)
    except NoDaemon:
        from daemon.recompute import recompute_offline  # noqa: PLC0415 — loads the daemon's rooms

        answer = recompute_offline(session.data or data_folder(os.environ), plan_id)
    session.show(answer, plan_text.recomputed)
    if not answer.get("same"):
        raise Failed


COMMANDS = (report, approve, reject, postpone, dismiss, autonomy, recompute)
