"""`trimtab`: the owner's client. It talks to the control socket only; `doctor` looks at the data
folder itself.

| Command of the socket | Arguments | Result |
|---|---|---|
| status | – | version, mode, broker, paper, halted, latches[name, reason, set_at], market_time, total_eur, cash[currency, amount, value_eur], positions[symbol, name, quantity, price, currency, value_eur, profit_eur], stale, actors[actor, rank, state, restarts, note], recovery[text], login_url |
| jobs | – | [job, schedule, next_due, last (a run record or nil), consecutive_failures, progress] |
| run | job | the run record: run_id, job, trigger, status, reason, requested_at, market_at, started_at, ended_at, duration_ms, error, result; it may still be running |
| plan | plan_id? | nil, or plan_id, created_at, superseded, postponed_until, autonomy, awaiting_approval, current_score, end_score, evaluated, narrative, next_step, steps[number, step_id, side, symbol, name, quantity, price, value_eur, fee_eur, state, reason], proof, alternatives[net, score, trades, origins, executable], new_money, robustness, notes, difference (or nil with no_difference) |
| recommend | – | as over HTTP: steps[step, side, symbol, name, quantity, estimated_price, …] |
| plan_report | plan_id? | nil, or plan_id and markdown, the plan as one document |
| execute | plan_id, step | the order: status, state, intent_id, client_order_id, symbol, side, quantity, filled, limit, order_class, mode, reason, proposed_at, submitted_at, retry_after, error, blocked_by[gate, detail, retry_after] |
| approve | plan_id?, step? | the plan |
| reject | plan_id? | the plan |
| postpone | plan_id?, until or minutes | the plan |
| dismiss | step_id | the plan |
| autonomy | mode?, act_below_eur?, bucket_id? | [bucket_id, autonomy, act_below_eur, paper] |
| recompute | plan_id | plan_id, input_hash, same, differs, explored |
| planners | – | [id, name, bucket_id, version, applied, text_hash, applied_hash, created_at, updated_at] |
| planner_show | id | the configuration with its toml |
| planner_history | id, version? | [version, name, summary, saved_at] newest first; with a version that one with its toml |
| planner_validate | toml, dry_run? | valid, errors[path, message, line], warnings, counts, not_run |
| planner_save | id or name, toml, bucket_id?, version? | the configuration |
| planner_apply | id | the configuration |
| planner_delete | id | deleted |
| orders | state?, symbol?, order_class?, key?, before_id?, limit? | [order], newest first |
| order | client_order_id | the order with cancelable, average_price, events[at, before, after, note], verdicts[gate, passed, forced, detail, retry_after], fills[executed_at, quantity, price, value, fees] |
| place | side, symbol, quantity, limit?, force[gate], key | the order and its key; state pending when no answer came in time: the same key asks again |
| cancel | client_order_id | the order as it stands; the broker's word follows |
| decisions | – | [id, kind, title, detail, choices[choice, effect], since] |
| decide | id, choice, confirm | id, choice, result |
| settings | – | [key, value, kind, unit, default, low, high, description] |
| set | key, value | the setting as it stands |
| halt | reason | latches[name, reason, set_at] that now stand |
| resume | reasons[name], confirm | latches that still stand |
| mode | mode?, confirm? | mode |
| led | text?, ttl_s? | the display state: text, mode, driver, rows, columns, pixels (RGB bytes) |
| backup | – | the report of the backup |
| logs | lines, level, before? | lines[text] oldest first, before (cursor of the page before, or nil) |

Exit code 0: done, 1: the daemon or the world said no, 2: the command line was wrong.
"""  # noqa: E501 — a table

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from daemon import client_orders, client_plan_text, client_planners, client_plans, client_settings
from daemon import client_text as text
from daemon.client_link import CallFailed
from daemon.client_session import Failed, Session, as_json, confirm, shared

OK, FAILED, USAGE = 0, 1, 2
TTL_S = 60.0
RUN_TIMEOUT_S = 1800.0
LEVELS = ("debug", "info", "warning", "error", "critical")
JOBS = ("sync", "plan", "rebalance", "drip", "backup", "prices", "score")

timeout = click.option(
    "--timeout", "timeout_s", type=click.FloatRange(1, 86_400), default=RUN_TIMEOUT_S,
    help="Seconds to wait for the end of the run.", show_default=True,
)  # fmt: skip


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@shared
def cli() -> None:
    """Ask and command the portfolio daemon of this board."""


@cli.command()
@shared
@click.pass_obj
def status(session: Session) -> None:
    """Mode, halt, money, positions, actors and the dashboard's address."""
    session.show(session.call("status"), text.status)


@cli.command()
@shared
@timeout
@click.pass_obj
def sync(session: Session, timeout_s: float) -> None:
    """Read the broker now and wait for the end."""
    session.show(session.run("sync", timeout_s), text.run)


@cli.command()
@shared
@timeout
@click.argument("plan_id", required=False)
@click.option("--last", is_flag=True, help="Show the last plan without planning anew.")
@click.pass_obj
def plan(session: Session, plan_id: str | None, timeout_s: float, *, last: bool) -> None:
    """Plan now and show the plan with its proof and what it changes; or show PLAN_ID."""
    if not last and plan_id is None:
        session.run("plan", timeout_s)
    named = {} if plan_id is None else {"plan_id": plan_id}
    session.show(session.call("plan", **named), client_plan_text.plan)


@cli.command()
@shared
@click.pass_obj
def recommend(session: Session) -> None:
    """What the current plan would do next."""
    session.show(session.call("recommend"), text.recommendations)


@cli.command()
@shared
@click.argument("reason", nargs=-1)
@click.pass_obj
def halt(session: Session, reason: tuple[str, ...]) -> None:
    """Stop all orders at once, until `resume`."""
    answer = session.call("halt", reason=" ".join(reason) or "asked by the owner")
    session.show(answer, text.latches)


@cli.command()
@shared
@click.argument("reasons", nargs=-1)
@click.option("--yes", "--confirm", "yes", is_flag=True, help="Do not ask.")
@click.pass_obj
def resume(session: Session, reasons: tuple[str, ...], *, yes: bool) -> None:
    """Clear the named latches, or every one that stands but the file HALT."""
    standing = [str(latch["name"]) for latch in text.latched(session.call("status"))]
    names = list(reasons) or [name for name in standing if name != "file"]
    if not names:
        session.show({"latches": []} if not standing else session.call("status"), text.latches)
        return
    confirm(f"Let orders leave again: clear {', '.join(names)}?", yes=yes)
    session.show(session.call("resume", reasons=names, confirm=True), text.latches)


@cli.command()
@shared
@click.argument("mode", required=False, type=click.Choice(["research", "live"]))
@click.option("--yes", "--confirm", "yes", is_flag=True, help="Do not ask before going live.")
@click.pass_obj
def mode(session: Session, mode: str | None, *, yes: bool) -> None:
    """Show the trading mode, or set it."""
    if mode is None:
        session.show(session.call("mode"), text.mode)
        return
    if mode == "live":
        confirm("Let orders go to the broker?", yes=yes)
    session.show(session.call("mode", mode=mode, confirm=True), text.mode)


@cli.command()
@shared
@click.pass_obj
def jobs(session: Session) -> None:
    """Every job: its schedule, its last run and its next one."""
    session.show(session.call("jobs"), text.jobs)


@cli.command()
@shared
@timeout
@click.argument("job", type=click.Choice(JOBS))
@click.pass_obj
def run(session: Session, job: str, timeout_s: float) -> None:
    """Run JOB now and wait for its end."""
    session.show(session.run(job, timeout_s), text.run)


@cli.command()
@shared
@click.argument("words", nargs=-1)
@click.option("--ttl", "ttl_s", type=click.FloatRange(1, 3600), default=TTL_S, show_default=True)
@click.option("--clear", is_flag=True, help="Take the text of the owner away.")
@click.pass_obj
def led(session: Session, words: tuple[str, ...], ttl_s: float, *, clear: bool) -> None:
    """Show what the LED matrix shows, or let it say WORDS for a while."""
    says = {"text": " ".join(words), "ttl_s": ttl_s} if words or clear else {}
    session.show(session.call("led", **says), _painted)


def _painted(answer: text.Row) -> list[str]:
    """The display state with its pixels as half blocks, where a terminal can show colours."""
    lines = text.display(answer)
    pixels = answer.get("pixels") or b""
    if not pixels or not sys.stdout.isatty():
        return lines
    from hw.port import Frame  # noqa: PLC0415 — the other commands start faster without
    from hw.terminal import half_block_lines  # noqa: PLC0415

    frame = Frame(width=answer["columns"], height=answer["rows"], pixels=pixels)
    return [*half_block_lines(frame), *lines]


@cli.command()
@shared
@click.pass_obj
def backup(session: Session) -> None:
    """Copy the ledger now and check the copy."""
    session.show(session.call("backup"), text.record)


@cli.command()
@shared
@click.option("--lines", "-n", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--level", type=click.Choice(LEVELS), default="info", show_default=True)
@click.pass_obj
def logs(session: Session, lines: int, level: str) -> None:
    """The last lines of the daemon's log, at LEVEL or above."""
    found: list[str] = []
    before: dict[str, int] = {}
    while len(found) < lines:
        page = session.call("logs", lines=lines - len(found), level=level, **before)
        found = [*page["lines"], *found]
        if page.get("before") is None or not page["lines"]:
            break
        before = {"before": page["before"]}
    session.show(found, list)


@cli.command()
@shared
@click.option("--config", type=click.Path(path_type=Path), help="The daemon's configuration.")
@click.pass_obj
def doctor(session: Session, config: Path | None) -> None:
    """Check folder, files, databases, books, disk, calendars and display."""
    from daemon.doctor import Patient, examine, lines_of  # noqa: PLC0415 — loads the daemon's rooms

    patient = Patient(config=config, data=session.data, socket=session.socket, environ=os.environ)
    checks = list(examine(patient))
    session.show(checks, lines_of)
    if any(check.state == "fail" for check in checks):
        raise Failed


for _command in (
    *client_orders.COMMANDS,
    *client_plans.COMMANDS,
    *client_planners.COMMANDS,
    *client_settings.COMMANDS,
):
    cli.add_command(_command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    session = Session()
    try:
        cli.main(args=argv, prog_name="trimtab", standalone_mode=False, obj=session)
    except click.ClickException as error:
        _say(error.format_message())
        return USAGE
    except CallFailed as error:
        if session.json:
            click.echo(as_json({"error": error.body}))
        else:
            _say(str(error))
        return USAGE if error.usage else FAILED
    except Failed as outcome:
        return outcome.exit_code
    except (click.Abort, KeyboardInterrupt):
        return FAILED
    finally:
        session.close()
    return OK


def _say(detail: str) -> None:
    """One line on the error stream."""
    click.echo(f"trimtab: {' '.join(detail.split())}", err=True)


if __name__ == "__main__":
    sys.exit(main())
