"""Run one seeded world again: `python -m tests.sim.replay SEED [--month] [--calm]`."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.sim.campaign import Campaign, calmer, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim.replay", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--month", action="store_true", help="a device-month, not a few days")
    parser.add_argument("--order", type=int, help="another order of tasks")
    parser.add_argument("--calm", action="store_true", help="without faults, crashes and flaws")
    parser.add_argument("--keep", type=Path, help="write the world here and leave it")
    asked = parser.parse_args()
    campaign = (
        Campaign.month(asked.seed, order_seed=asked.order)
        if asked.month
        else Campaign.drawn(asked.seed, order_seed=asked.order)
    )
    campaign = calmer(campaign) if asked.calm else campaign
    with tempfile.TemporaryDirectory(prefix="trimtab-") as place:
        folder = asked.keep or Path(place)
        folder.mkdir(parents=True, exist_ok=True)
        outcome = run(campaign, folder)
    print(campaign)
    print(f"{outcome.lives} lives, {outcome.machine_s:.0f} machine s, {outcome.filled} fills")
    print(f"journal {outcome.journal}")
    print("asked " + ", ".join(f"{name} {times}" for name, times in outcome.asked.items()))
    for problem in outcome.problems:
        print(f"PROBLEM {problem}")
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
