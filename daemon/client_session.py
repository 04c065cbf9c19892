"""What every command of the client shares: its options, its connection, how it answers and asks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from daemon import client_text as text
from daemon.client_link import CallFailed, Link
from daemon.client_wait import Bar, Record, run_job
from daemon.folders import SYSTEM_SOCKET, socket_to_call

F = TypeVar("F", bound=Callable[..., Any])

UNSUCCESSFUL = frozenset({"failed", "interrupted", "cancelled"})


class Session:
    """What the options say, and the connection once it is needed."""

    def __init__(self) -> None:
        self.json = False
        self.socket: Path | None = None
        self.data: Path | None = None
        self._link: Link | None = None

    @property
    def link(self) -> Link:
        if self._link is None:
            self._link = Link(self.path)
        return self._link

    @property
    def path(self) -> Path:
        return socket_to_call(
            socket=self.socket, data=self.data, environ=os.environ, system=SYSTEM_SOCKET
        )

    def call(self, cmd: str, **args: Any) -> Any:
        return self.link.call(cmd, args)

    def run(self, job: str, timeout_s: float) -> Record:
        """The record of a run that has ended; raises Failed, having shown it, when it failed."""
        bar = Bar(sys.stderr, shown=sys.stderr.isatty() and not self.json)
        record = run_job(self.link, job, bar=bar, timeout_s=timeout_s)
        if record.get("status") in UNSUCCESSFUL:
            self.show(record, text.run)
            raise Failed
        return record

    def show(self, result: Any, render: text.Render) -> None:
        click.echo(as_json(result) if self.json else "\n".join(render(result)))

    def close(self) -> None:
        if self._link is not None:
            self._link.__exit__(None, None, None)


class Failed(Exception):
    """The outcome has been shown; only the exit code is left to say."""

    def __init__(self, exit_code: int = 1) -> None:
        super().__init__(exit_code)
        self.exit_code = exit_code


def as_json(result: object) -> str:
    """One line of JSON; bytes (pixels) in base64."""
    return msgspec.json.encode(result).decode()


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    session: Session = ctx.find_root().ensure_object(Session)
    if value:
        setattr(session, param.name, value)


def shared(command: F) -> F:
    """The options that may stand before or after the name of the command."""
    for option in (
        click.option("--json", is_flag=True, help="Answer in JSON, for programs."),
        click.option("--socket", type=click.Path(path_type=Path), help="The control socket."),
        click.option("--data", type=click.Path(path_type=Path), help="The daemon's data folder."),
    ):
        command = _unexposed(option, command)
    return command


def _unexposed(option: Callable[[F], F], command: F) -> F:
    command = option(command)
    parameters: list[click.Parameter] = command.__click_params__  # type: ignore[attr-defined]
    parameters[-1].expose_value = False
    parameters[-1].callback = _keep
    return command


def confirm(question: str, *, yes: bool) -> None:
    """Ask the owner; without a terminal to ask at, --yes is needed."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("needs --yes when nobody can be asked")
    if not click.confirm(question, err=True):
        raise CallFailed("declined", "nothing was done")
