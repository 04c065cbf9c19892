"""The client's commands about configurations of the planner."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import click

from daemon import client_plan_text as plan_text
from daemon import client_text as text
from daemon.client_link import CallFailed
from daemon.client_session import Failed, Session, confirm, shared

WRONG = 2
toml_file = click.argument(
    "file", type=click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True)
)


@click.group(invoke_without_command=True)
@shared
@click.pass_context
def planners(ctx: click.Context) -> None:
    """Configurations of the planner; without a command the list of them."""
    if ctx.invoked_subcommand is None:
        session: Session = ctx.obj
        session.show(session.call("planners"), plan_text.configs)


def _known(session: Session, name: str) -> str:
    """The id of the configuration that is called so, or has this id or the start of it."""
    rows: list[text.Row] = session.call("planners")
    exact = [row for row in rows if name in {row.get("id"), row.get("name")}]
    found = exact or [row for row in rows if str(row.get("id")).startswith(name)]
    if len(found) != 1:
        what = "several configurations are" if found else "no configuration is"
        raise CallFailed("not_found", f"{what} called {name!r}")
    return str(found[0]["id"])


@planners.command()
@shared
@click.argument("name")
@click.option("--history", is_flag=True, help="What it was before, newest first.")
@click.option("--version", type=click.IntRange(min=1), help="An earlier version's text.")
@click.pass_obj
def show(session: Session, name: str, version: int | None, *, history: bool) -> None:
    """The text of the configuration NAME, which may also be its id."""
    config_id = _known(session, name)
    if history:
        session.show(session.call("planner_history", id=config_id), plan_text.past)
        return
    if version is None:
        session.show(session.call("planner_show", id=config_id), _text)
        return
    earlier: list[text.Row] = session.call("planner_history", id=config_id, version=version)
    if not earlier:
        raise CallFailed("not_found", f"{name!r} has no earlier version {version}")
    session.show(earlier[0], _text)


def _text(answer: text.Row) -> text.Lines:
    return str(answer.get("toml")).splitlines()


@planners.command()
@shared
@toml_file
@click.option("--dry-run", is_flag=True, help="Also try it on the portfolio as it is.")
@click.pass_obj
def validate(session: Session, file: Path, *, dry_run: bool) -> None:
    """Check FILE: every mistake with its line. Nothing is kept."""
    answer = session.call("planner_validate", toml=_read(file), dry_run=dry_run)
    session.show(answer, partial(plan_text.checked, source=str(file)))
    if not answer.get("valid"):
        raise Failed(WRONG)


@planners.command()
@shared
@toml_file
@click.argument("name")
@click.option("--bucket", "bucket_id", help="Whose it is from now on; empty for a template.")
@click.option("--new", is_flag=True, help="Keep it as another one instead of a change.")
@click.pass_obj
def save(session: Session, file: Path, name: str, bucket_id: str | None, *, new: bool) -> None:
    """Keep FILE as the text of NAME; its bucket plans by it once it is applied."""
    args: dict[str, Any] = {"name": name} if new else {"id": _known(session, name)}
    if bucket_id is not None:
        args["bucket_id"] = bucket_id
    toml = _read(file)
    try:
        answer = session.call("planner_save", toml=toml, **args)
    except CallFailed as error:
        if error.code != "planner_config":
            raise
        found = session.call("planner_validate", toml=toml, dry_run=False)
        session.show(found, partial(plan_text.checked, source=str(file)))
        raise Failed(WRONG) from error
    session.show(answer, plan_text.config)


@planners.command()
@shared
@click.argument("name")
@click.pass_obj
def apply(session: Session, name: str) -> None:
    """Let the bucket of NAME plan by its newest text."""
    answer = session.call("planner_apply", id=_known(session, name))
    session.show(answer, plan_text.config)


@planners.command()
@shared
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
@click.pass_obj
def delete(session: Session, name: str, *, yes: bool) -> None:
    """Remove NAME with its history."""
    config_id = _known(session, name)
    confirm(f"Delete {name} with its history?", yes=yes)
    session.show(session.call("planner_delete", id=config_id), text.record)


def _read(file: Path) -> str:
    """The text of a file, or of the standard input for a dash."""
    try:
        with click.open_file(str(file), encoding="utf-8") as stream:
            return str(stream.read())
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file}: {error}") from error


COMMANDS = (planners,)
