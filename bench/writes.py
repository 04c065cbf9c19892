"""What the card has to take on a day on which nothing happens."""

from __future__ import annotations

import time
from pathlib import Path

from bench.idle import CLOSED
from bench.process import Daemon, Setup, running
from bench.report import Measurement, Section
from daemon.client_link import Link
from daemon.folders import SOCKET_NAME

SETTLE_S, QUIET_S, SYNCS = 5.0, 10.0, 100
SYNCS_PER_DAY, DAY_S = 288, 86_400
FLOOR_MB, GOAL_MB = 50.0, 10.0


def _written_by_syncs(daemon: Daemon) -> float:
    """Bytes per sync; enough of them that the log of the database is folded back meanwhile."""
    before = daemon.watched.written_bytes()
    with Link(daemon.data / SOCKET_NAME) as link:
        for _ in range(SYNCS):
            link.call("sync")
    return (daemon.watched.written_bytes() - before) / SYNCS


def measure(folder: Path) -> Section:
    with running(folder / "writes", Setup(rate=1.0, start=CLOSED)) as daemon:
        time.sleep(SETTLE_S)
        before = daemon.watched.written_bytes()
        time.sleep(QUIET_S)
        quiet_per_s = (daemon.watched.written_bytes() - before) / QUIET_S
        per_sync = _written_by_syncs(daemon)
    day_mb = (DAY_S * quiet_per_s + SYNCS_PER_DAY * per_sync) / 1e6
    return Section(
        "Writing",
        f"Bytes handed to the disk by a daemon whose markets are closed: {QUIET_S:g} s between two"
        f" syncs, and {SYNCS} syncs one after the other, for {SYNCS_PER_DAY} syncs a day."
        " More than the truth: a sync that was asked for also keeps the record of its run, which"
        " one of the calendar does not.",
        (
            Measurement("an idle day", day_mb, "MB", FLOOR_MB, GOAL_MB),
            Measurement("an idle hour", day_mb / 24, "MB"),
            Measurement(
                "one sync that was asked for and finds nothing new", per_sync / 1024, "KiB"
            ),
            Measurement("between two syncs", 3600 * quiet_per_s / 1024, "KiB/h"),
        ),
    )
