"""`trimtab recompute` without a daemon: on the data folder, under its lock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import trio

from actors.recompute import recompute
from daemon.client_link import CallFailed
from daemon.control_errors import body_of
from daemon.lock import hold
from daemon.plan_answers import recomputed_of
from ledger.errors import StartError, TrimtabError
from store.store import LEDGER_FILE, open_store
from wire.runner import run_inline


def recompute_offline(data: Path, plan_id: str) -> dict[str, Any]:
    """What the daemon would answer. Raises CallFailed."""
    try:
        if not (data / LEDGER_FILE).is_file():
            raise StartError(f"no trimtabd answers, and {data} holds no ledger")
        with hold(data):
            return trio.run(_recompute, data, plan_id)
    except TrimtabError as error:
        known = body_of(error)
        raise CallFailed(known.code if known else "failed", str(error)) from error


async def _recompute(data: Path, plan_id: str) -> dict[str, Any]:
    async with open_store(data, engine="inline") as store:
        return recomputed_of(await recompute(store.plans, store.plan_inputs, run_inline, plan_id))
