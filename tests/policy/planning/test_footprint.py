"""What planning takes of a small board beside its time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
ONE_PLAN = """
import sys
from policy import planner
from tests.policy.accounts import dozen, plan_input, snapshot

universe = dozen()
shot = snapshot(universe, prices={s.symbol: "40" for s in universe}, cash={"EUR": "9000"})
run = planner.start(plan_input(shot))
while not run.done:
    run = planner.step(run)
assert planner.finish(run).steps
print("numpy.ma" in sys.modules)
"""


def test_a_plan_loads_no_masked_arrays() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ONE_PLAN], cwd=TOP, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
