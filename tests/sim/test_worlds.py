"""Random worlds from their seeds, with everything that can happen to them at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sim.campaign import Campaign, Outcome, run

SMOKE = (1, 2, 3, 7, 8, 14, 15, 24, 25, 26)
MANY = range(100, 130)


def check(campaign: Campaign, folder: Path) -> Outcome:
    outcome = run(campaign, folder)
    if outcome.problems:
        print(f"replay: python -m tests.sim.replay {campaign.seed}")
    assert outcome.problems == ()
    return outcome


@pytest.mark.parametrize("seed", SMOKE)
def test_o1_to_o10_c1_to_c9_k1_hold_in_a_random_world(folder: Path, seed: int) -> None:
    check(Campaign.drawn(seed), folder)


@pytest.mark.slow
@pytest.mark.parametrize("seed", MANY)
def test_o1_to_o10_c1_to_c9_k1_hold_in_many_random_worlds(folder: Path, seed: int) -> None:
    check(Campaign.drawn(seed), folder)


def test_a_calm_world_buys_what_it_planned(folder: Path) -> None:
    outcome = check(Campaign(4, days=2, weather="calm", crashes=0), folder)
    assert outcome.filled > 5


def test_the_same_seed_writes_the_same_journal(folder: Path) -> None:
    campaign = Campaign(5, days=1, weather="rough", crashes=1)
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    first, second = run(campaign, folder / "a"), run(campaign, folder / "b")
    assert first == second
    assert first.filled > 0


@pytest.mark.slow
def test_another_order_of_tasks_is_another_world_and_a_valid_one(folder: Path) -> None:
    journals: set[str] = set()
    for order_seed in range(6):
        place = folder / str(order_seed)
        place.mkdir()
        campaign = Campaign(11, days=3, weather="rough", crashes=0, order_seed=order_seed)
        journals.add(check(campaign, place).journal)
    assert len(journals) > 1


@pytest.mark.slow
def test_the_journal_does_not_depend_on_how_a_process_hashes_text(folder: Path) -> None:
    command = [sys.executable, "-m", "tests.sim.replay", "5"]
    printed = {
        subprocess.run(
            command,
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1, printed
