"""Recomputes the figures of a running daemon from its market folder, and tells where they differ.

    python -m tools.check_figures --url http://127.0.0.1:8080 --token DATA/api.token \
        --market broker/demo [--only charts,securities] [--wait 120]

Prices, dividends, splits and rates come from the folder alone; what was traded, paid in and paid
out from the daemon's own journal. One line per figure: how many were compared, the largest absolute
and relative difference, and whether that is within what is stated for it. The exit code is 1 when
something differs or a route does not answer. An optimizer run is started; nothing else is changed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tools.figures import (
    allocation,
    analytics,
    charts,
    opinions,
    optimization,
    portfolio,
    position_risk,
    regime,
    scoring,
    securities,
)
from tools.figures.daemon import Daemon, NoAnswerError
from tools.figures.market import Market
from tools.figures.sheet import Sheet
from tools.figures.world import World

CHECKS: dict[str, Callable[[World], None]] = {
    "charts": charts.check,
    "securities": securities.check,
    "scoring": scoring.check,
    "opinions": opinions.check,
    "allocation": allocation.check,
    "portfolio": portfolio.check,
    "regime": regime.check,
    "analytics": analytics.check,
    "position_risk": position_risk.check,
    "optimization": optimization.check,
}
PAUSE_S = 2.0


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when every figure agrees."""
    options = _options(arguments)
    world = World(Daemon(options.url, options.token), Market(options.market), Sheet())
    _wait(world, options.wait)
    for name in options.only:
        world.market.forget()
        world.attempt(name, CHECKS[name])
    sys.stdout.write(world.sheet.text() + "\n")
    return 0 if world.sheet.good else 1


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="check_figures", description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", type=Path, required=True, help="the file with the token")
    parser.add_argument("--market", type=Path, required=True, help="the market folder it replays")
    parser.add_argument("--only", type=_names, default=list(CHECKS), metavar=",".join(CHECKS))
    parser.add_argument("--wait", type=int, default=0, help="seconds to wait for the first scores")
    return parser.parse_args(arguments)


def _names(text: str) -> list[str]:
    names = text.split(",")
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: known are {', '.join(CHECKS)}")
    return names


def _wait(world: World, seconds: int) -> None:
    """Until securities have scores, at most so long; the checks tell what is missing then."""
    for _ in range(max(0, round(seconds / PAUSE_S))):
        try:
            rows = world.daemon.get("/api/securities")
        except NoAnswerError:
            rows = []
        if any(row["total_score"] is not None for row in rows):
            return
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    sys.exit(main())
