"""Runs of the optimizer are kept whole, once, and the newest few hundred."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ledger.optimization import OptimizerRun
from policy.optimizer.run import optimize
from store import optimizer_runs
from store.store import Store
from tests.policy.optimizer_cases import given_of, many, member

FOUND = optimize(given_of((*many(8), member("T", "0.1", growth=None)), countries={"East": "1"}))
FAILED = optimize(given_of(()))


def later(run: OptimizerRun, minutes: int) -> OptimizerRun:
    at = run.machine_at + timedelta(minutes=minutes)
    return replace(run, run_id=f"run-{minutes}", machine_at=at)


async def test_a_run_comes_back_as_it_was(store: Store) -> None:
    assert await store.optimizer_runs.last() is None
    await store.optimizer_runs.put(FOUND)
    assert await store.optimizer_runs.last() == FOUND


async def test_the_newest_run_is_the_last_whatever_came_of_it(store: Store) -> None:
    await store.optimizer_runs.put(later(FOUND, 5))
    await store.optimizer_runs.put(later(FAILED, 9))
    await store.optimizer_runs.put(later(FOUND, 7))
    assert await store.optimizer_runs.last() == later(FAILED, 9)
    assert await store.optimizer_runs.last(successful=True) == later(FOUND, 7)


async def test_a_run_that_is_made_again_is_kept_once_as_the_newest(store: Store) -> None:
    again = replace(FOUND, machine_at=later(FOUND, 9).machine_at)
    for run in (FOUND, later(FOUND, 5), again):
        await store.optimizer_runs.put(run)
    assert await store.optimizer_runs.last() == again
    rows = await store.ledger.read(lambda tx: tx.all("SELECT run_id FROM optimizer_run"))
    assert len(rows) == 2


async def test_old_runs_go(inline_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimizer_runs, "KEPT", 3)
    for minutes in range(6):
        await inline_store.optimizer_runs.put(later(FOUND, minutes))
    rows = await inline_store.ledger.read(
        lambda tx: tx.all("SELECT run_id FROM optimizer_run ORDER BY run_id")
    )
    assert [row["run_id"] for row in rows] == ["run-3", "run-4", "run-5"]
