"""`trimtab doctor`: is everything in order on this board? One line per check.

Works without a daemon, then under the lock of the data folder; with one it only reads beside it.
Nothing but the lock is touched. The databases are examined in `doctor_books`.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

from daemon.client_link import Link, NoDaemon
from daemon.clock import machine_wall
from daemon.config import Config, load
from daemon.doctor_books import examine_databases, exchanges
from daemon.doctor_check import Check, fail, ok, warn
from daemon.folders import SOCKET_NAME, data_folder
from daemon.lock import LOCK_NAME, hold
from daemon.names import check_rooms
from daemon.token import TOKEN_NAME
from hw.detect import detect
from ledger.errors import StartError
from policy.market_hours import Calendars

HALT_NAME = "HALT"
GIB = 1024**3
# Too little is what is too little by both measures: a small card is not an error by itself.
DISK_WARN = (0.15, 10 * GIB)
DISK_FAIL = (0.03, GIB // 2)
PROBE_S = 5.0


@dataclass(frozen=True, slots=True)
class Patient:
    """What to examine: as `trimtabd` would be started."""

    config: Path | None
    data: Path | None
    socket: Path | None
    environ: Mapping[str, str]


def examine(patient: Patient) -> Iterator[Check]:
    """Every check, the cheap ones first; stops early when there is nothing to examine."""
    yield from _program()
    config = None
    try:
        config = load(patient.config, data=patient.data, demo=False, environ=patient.environ)
        yield ok("config", str(patient.config or "defaults"))
    except StartError as error:
        for line in str(error).splitlines():
            yield fail("config", line)
    data = config.data if config else patient.data or data_folder(patient.environ)
    if not data.is_dir():
        yield warn("data", f"{data} does not exist yet; the daemon makes it at its first start")
        return
    with ExitStack() as stack:
        yield _holder(data, _socket(patient, config, data), stack)
        yield from _folder(data)
        yield from examine_databases(data)
        yield _disk(data)
        yield from _calendars(exchanges(data))
        if config:
            yield _display(config)


def lines_of(checks: Sequence[Check]) -> list[str]:
    """For people: the state, what was checked, and what was found."""
    width = max(len(check.name) for check in checks)
    return [f"{check.state:<4}  {check.name:<{width}}  {check.detail}" for check in checks]


def _program() -> Iterator[Check]:
    try:
        check_rooms()
        yield ok("program", "all rooms come from one place")
    except StartError as error:
        yield fail("program", str(error))


def _socket(patient: Patient, config: Config | None, data: Path) -> Path:
    return patient.socket or (config.socket if config else data / SOCKET_NAME)


def _holder(data: Path, socket: Path, stack: ExitStack) -> Check:
    """Who holds the folder: nobody (then we do, on `stack`), or a daemon that answers."""
    if not (data / LOCK_NAME).exists():
        return ok("daemon", "has not run here yet")
    try:
        stack.enter_context(hold(data))
    except StartError as error:
        return _answering(socket, str(error))
    return ok("daemon", "not running; the folder is ours while we look")


def _answering(socket: Path, held: str) -> Check:
    try:
        with Link(socket, answer_s=PROBE_S):
            return ok("daemon", f"runs and answers at {socket}")
    except NoDaemon as error:
        return fail("daemon", f"{held}, but {error}")


def _folder(data: Path) -> Iterator[Check]:
    mode = stat.S_IMODE(data.stat().st_mode)
    if mode & 0o002:
        yield fail("data", f"{data}: mode {mode:o} lets anybody write there")
    elif data.stat().st_uid != os.getuid():
        yield warn("data", f"{data} belongs to another user (uid {data.stat().st_uid})")
    else:
        yield ok("data", str(data))
    token = data / TOKEN_NAME
    if token.exists():
        mode = stat.S_IMODE(token.stat().st_mode)
        private = not mode & 0o077
        yield ok("token", "mode 600") if private else fail("token", f"mode {mode:o}; must be 600")
    if (data / HALT_NAME).exists():
        yield warn("halt", f"the file {HALT_NAME} stops all orders")


def _disk(data: Path) -> Check:
    usage = shutil.disk_usage(data)
    share = usage.free / usage.total
    detail = f"{usage.free / GIB:.1f} GiB free ({share:.0%})"
    return _below(share, usage.free)("disk", detail)


def _below(share: float, free: int) -> Callable[[str, str], Check]:
    for (least_share, least_bytes), verdict in ((DISK_FAIL, fail), (DISK_WARN, warn)):
        if share < least_share and free < least_bytes:
            return verdict
    return ok


def _calendars(mics: frozenset[str]) -> Iterator[Check]:
    """`mics` are the exchanges of the universe; empty looks at every calendar there is."""
    table = files("policy").joinpath("calendars.json")
    if not table.is_file():
        yield fail("calendars", "policy/calendars.json is missing")
        return
    today = datetime.fromtimestamp(machine_wall(), UTC).date()
    calendars = Calendars.from_json(table.read_text("utf-8"))
    strangers = sorted(mics.difference(calendars.mics))
    ending = [one for one in calendars.expiring(today) if not mics or one.mic in mics]
    for mic in strangers:
        yield warn("calendars", f"{mic} has no calendar, it counts as closed")
    for expiry in ending:
        verdict = fail if expiry.days_left < 0 else warn
        yield verdict("calendars", f"{expiry.mic} is known until {expiry.valid_until} only")
    if not ending and not strangers:
        yield ok("calendars", "every exchange is known for more than 60 days")


def _display(config: Config) -> Check:
    driver, found = config.display.driver, detect()
    size = f"{config.display.rows} × {config.display.columns}"
    if driver == "auto":
        return ok("display", f"auto chooses {found}, {size}")
    if driver in {"unoq", "spi"} and driver != found:
        return warn("display", f"{driver} is configured, and this board has {found}")
    if driver == "ws281x" and find_spec("rpi_ws281x") is None:
        return warn("display", "ws281x needs the extra: pip install trimtab[ws281x]")
    return ok("display", f"{driver}, {size}")
