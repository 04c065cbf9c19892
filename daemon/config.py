"""One TOML file into one frozen record; read once, when the daemon starts.

Every key has a default, so an empty file runs the paper broker. A key that nobody reads is an
error with a suggestion, and all errors are reported together, each with its line, its value and
its bound. The readers of single values are in `config_values`.

[account]    base_currency (EUR), timezone (of wall-clock jobs)
[broker]     kind: paper
[paper]      market: "demo" or a folder · start: the market instant at which the daemon begins ·
             rate: market seconds per second · seed · opening: a file in place of the folder's
[tradernet]  base_url · keys_file
[http]       bind: address:port
[control]    socket
[display]    driver · rows · columns · brightness (0–255)
[halt]       pin: the line of a push button that halts trading (none: no button) · chip
[storage]    dir
[[fx.route]] instrument · base · quote · lot · min_quantity: see `fx_routes`
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from daemon import config_values as read
from daemon.config_values import Bad, Bind
from daemon.folders import control_socket, data_folder
from daemon.fx_routes import FxRoute, read_routes, rows
from hw.button import CHIP
from ledger.errors import StartError
from policy.toml_lines import Lines, near

T = TypeVar("T")

DEMO_RATE = 600.0
DEMO_MARKET = "demo"


@dataclass(frozen=True, slots=True)
class PaperConfig:
    """`market` None is the demo market that ships with the program; `rate` is market s per s.

    `start` None leaves the first market instant to the wiring; `opening` None takes the market
    folder's own opening balances.
    """

    market: Path | None
    start: datetime | None
    rate: float
    seed: int
    opening: Path | None


@dataclass(frozen=True, slots=True)
class TradernetConfig:
    base_url: str
    keys_file: Path | None


@dataclass(frozen=True, slots=True)
class DisplayConfig:
    """`brightness` is the ceiling of the panel, 0–255."""

    driver: str
    rows: int
    columns: int
    brightness: int


@dataclass(frozen=True, slots=True)
class HaltConfig:
    """A button on line `pin` of the GPIO device `chip`; None: there is none."""

    pin: int | None
    chip: Path


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that is fixed while the daemon runs."""

    base_currency: str
    timezone: ZoneInfo
    broker: str
    paper: PaperConfig
    tradernet: TradernetConfig
    http: Bind
    socket: Path
    display: DisplayConfig
    halt: HaltConfig
    routes: tuple[FxRoute, ...]
    data: Path
    demo: bool


def load(path: Path | None, *, data: Path | None, demo: bool, environ: Mapping[str, str]) -> Config:
    """Read `path` (None: defaults only); `data` replaces the storage folder, `demo` the pace.

    Raises StartError with one line per mistake.
    """
    if path is None:
        return _build(_Reader({}, "", "the defaults", Path.cwd()), data, demo, environ)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StartError(f"{path}: cannot be read: {error}") from error
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StartError(f"{path}: not valid TOML: {error}") from error
    reader = _Reader(tables, text, str(path), path.absolute().parent)
    return _build(reader, data, demo, environ)


def _build(reader: _Reader, data: Path | None, demo: bool, environ: Mapping[str, str]) -> Config:
    stored = reader.get("storage", "dir", read.path(reader.folder), None)
    named = data or stored
    folder = (named or data_folder(environ)).absolute()
    default_socket = control_socket(folder, environ, data_named=named is not None)
    config = Config(
        base_currency=reader.get("account", "base_currency", read.base_currency, "EUR"),
        timezone=reader.get("account", "timezone", read.timezone, ZoneInfo("UTC")),
        broker=reader.get("broker", "kind", read.broker_kind, "paper"),
        paper=_paper(reader, demo),
        tradernet=TradernetConfig(
            base_url=reader.get("tradernet", "base_url", read.https_url, "https://freedom24.com"),
            keys_file=reader.get("tradernet", "keys_file", read.path(reader.folder), None),
        ),
        http=reader.get("http", "bind", read.bind, Bind("127.0.0.1", 8000)),
        socket=reader.get("control", "socket", read.socket_path(reader.folder), default_socket),
        display=DisplayConfig(
            driver=reader.get("display", "driver", read.driver, "auto"),
            rows=reader.get("display", "rows", read.whole(1, 256, "rows"), 8),
            columns=reader.get("display", "columns", read.whole(1, 256, "columns"), 13),
            brightness=reader.get("display", "brightness", read.whole(0, 255, "levels"), 150),
        ),
        halt=_halt(reader),
        routes=read_routes(reader.get("fx", "route", rows, ()), reader.note_row),
        data=folder,
        demo=demo,
    )
    reader.finish()
    return config


def _paper(reader: _Reader, demo: bool) -> PaperConfig:
    return PaperConfig(
        market=reader.get("paper", "market", read.market(reader.folder, DEMO_MARKET), None),
        start=reader.get("paper", "start", read.instant, None),
        rate=reader.get(
            "paper",
            "rate",
            read.number(0.001, 1_000_000, "market seconds per second"),
            DEMO_RATE if demo else 1.0,
        ),
        seed=reader.get("paper", "seed", read.whole(0, 2**32 - 1, ""), 1),
        opening=reader.get("paper", "opening", read.path(reader.folder), None),
    )


def _halt(reader: _Reader) -> HaltConfig:
    pin = reader.get("halt", "pin", read.gpio_line, None)
    return HaltConfig(pin, reader.get("halt", "chip", read.device(needs=pin), CHIP))


@dataclass(slots=True)
class _Reader:
    """Hands out values and remembers what was asked for and what was wrong."""

    tables: Mapping[str, Any]
    text: str
    name: str
    folder: Path
    asked: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    errors: dict[str, None] = field(default_factory=dict[str, None])

    def get(self, table: str, key: str, parse: Callable[[object], T], default: T) -> T:
        """The value of [table] key, or `default` when it is absent or wrong (and noted)."""
        self.asked.setdefault(table, set()).add(key)
        section = self.tables.get(table)
        if not isinstance(section, Mapping) or key not in section:
            return default
        value = cast("Mapping[str, object]", section)[key]
        try:
            return parse(value)
        except Bad as error:
            self._note(table, key, f"[{table}] {key} = {read.shown(value)}: {error}")
            return default

    def finish(self) -> None:
        """Raise StartError with everything that was wrong or that nobody asked for."""
        for table, section in self.tables.items():
            if table not in self.asked:
                kind = f"table [{table}]" if isinstance(section, Mapping) else f"key {table}"
                self._note(table, None, f"unknown {kind}{near(table, self.asked)}")
            elif not isinstance(section, Mapping):
                self._note(table, None, f"{table} = {read.shown(section)}: must be a table")
            else:
                self._unknown_keys(table, cast("Mapping[str, object]", section))
        if self.errors:
            raise StartError("\n".join(self.errors))

    def _unknown_keys(self, table: str, section: Mapping[str, object]) -> None:
        for key in section:
            if key not in self.asked[table]:
                hint = near(key, self.asked[table])
                self._note(table, key, f"unknown key [{table}] {key}{hint}")

    def _note(self, table: str, key: str | None, message: str) -> None:
        self._note_at(Lines(self.text).of(table, *(() if key is None else (key,))), message)

    def note_row(self, row: int, key: str, message: str) -> None:
        """Note a mistake in the table number `row` of [[fx.route]]."""
        lines = Lines(self.text)
        line = lines.of_row(("fx", "route"), row, key) or lines.of("fx", "route")
        self._note_at(line, f"[[fx.route]] {key}: {message}")

    def _note_at(self, line: int | None, message: str) -> None:
        place = self.name if line is None else f"{self.name}:{line}"
        self.errors[f"{place}: {message}"] = None
