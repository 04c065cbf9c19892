"""The client's commands about settings."""

from __future__ import annotations

from collections.abc import Sequence

import click

from daemon import client_text as text
from daemon.client_session import Session, shared

COLUMNS = ("key", "value", "unit", "default", "low", "high", "description")


@click.command()
@shared
@click.pass_obj
def settings(session: Session) -> None:
    """Every setting with its value, default and bounds."""
    session.show(session.call("settings"), _listed)


def _listed(answer: Sequence[text.Row]) -> text.Lines:
    return text.table(answer, COLUMNS)


@click.command("set")
@shared
@click.argument("key")
@click.argument("value")
@click.pass_obj
def put(session: Session, key: str, value: str) -> None:
    """Change the setting KEY to VALUE."""
    session.show(session.call("set", key=key, value=value), text.record)


COMMANDS = (settings, put)
