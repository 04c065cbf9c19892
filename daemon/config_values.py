"""Readers of single configuration values: each returns the value or raises Bad with the bound."""

from __future__ import annotations

import difflib
import ipaddress
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from hw.open import DRIVERS

SOCKET_PATH_MAX = 107  # bytes the kernel keeps for the address of a unix socket
GPIO_LAST = 1023
BROKERS = ("paper", "tradernet")


class Bad(Exception):
    """The value is out of bounds; the text completes 'field = value: …'."""


@dataclass(frozen=True, slots=True)
class Bind:
    """Where HTTP listens; port 0 takes a free one."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def shown(value: object) -> str:
    """A value as its owner wrote it, shortened."""
    text = f'"{value}"' if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise Bad("must be a text in quotes that is not empty")
    return value


def _one_of(value: object, choices: tuple[str, ...]) -> str:
    text = _text(value)
    if text not in choices:
        near = difflib.get_close_matches(text, choices, n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise Bad(f"must be one of {', '.join(choices)}{hint}")
    return text


def base_currency(value: object) -> str:
    if value != "EUR":
        raise Bad("must be EUR, the only base currency there is")
    return "EUR"


def timezone(value: object) -> ZoneInfo:
    try:
        return ZoneInfo(_text(value))
    except (OSError, ValueError, KeyError):  # unknown, or not even a name
        raise Bad("must be the name of a time zone, such as Europe/Athens") from None


def broker_kind(value: object) -> str:
    kind = _one_of(value, BROKERS)
    if kind != "paper":
        raise Bad("this build has the paper broker only")
    return kind


def driver(value: object) -> str:
    return _one_of(value, DRIVERS)


def whole(low: int, high: int, unit: str) -> Callable[[object], int]:
    """A reader of whole numbers from `low` to `high`, counted in `unit`."""

    def parse(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise Bad(f"must be a whole number from {low} to {high} {unit}".rstrip())
        return value

    return parse


def gpio_line(value: object) -> int | None:
    return whole(0, GPIO_LAST, "as the GPIO chip numbers its lines")(value)


def device(*, needs: int | None) -> Callable[[object], Path]:
    """A reader of the chip of the halt button, which says nothing without its pin."""

    def parse(value: object) -> Path:
        found = Path(_text(value))
        if not found.is_absolute():
            raise Bad("must be the whole path of a device, such as /dev/gpiochip0")
        if needs is None:
            raise Bad("needs [halt] pin: without it there is no button")
        return found

    return parse


def number(low: float, high: float, unit: str) -> Callable[[object], float]:
    """A reader of numbers from `low` to `high`, in `unit`."""

    def parse(value: object) -> float:
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        raise Bad(f"must be a number from {low:.12g} to {high:.12g} {unit}".rstrip())

    return parse


def path(folder: Path) -> Callable[[object], Path | None]:
    """A reader of paths; a relative one starts at `folder`, where the file itself is."""

    def parse(value: object) -> Path | None:
        text = _text(value)
        if "\0" in text:
            raise Bad("must be a path")
        return folder / os.path.expanduser(text)  # noqa: PTH111 — keeps an unknown ~user as it is

    return parse


def socket_path(folder: Path) -> Callable[[object], Path]:
    """Like `path`, and short enough to be bound."""

    def parse(value: object) -> Path:
        found = path(folder)(value)
        assert found is not None
        if len(os.fsencode(found)) > SOCKET_PATH_MAX:
            raise Bad(f"must be at most {SOCKET_PATH_MAX} bytes long")
        return found

    return parse


def market(folder: Path, demo: str) -> Callable[[object], Path | None]:
    """The demo market by its name (None), or a folder that exists."""

    def parse(value: object) -> Path | None:
        if value == demo:
            return None
        found = path(folder)(value)
        if found is None or not found.is_dir():
            raise Bad(f'must be "{demo}" or a folder that exists')
        return found

    return parse


def instant(value: object) -> datetime | None:
    """An instant with its offset, or a date (midnight UTC); aware UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value) if len(value) > 10 else date.fromisoformat(value)
        except ValueError:
            raise Bad("must be an instant such as 2009-01-05T08:00:00Z, or a date") from None
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise Bad("must end in Z or in an offset from UTC")
        return value.astimezone(UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), UTC)
    raise Bad("must be an instant such as 2009-01-05T08:00:00Z, or a date")


def https_url(value: object) -> str:
    """https, or http to this machine: keys never travel in the clear."""
    text = _text(value)
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
    except ValueError:
        raise Bad("must be an address that starts with https://") from None
    local = parts.scheme == "http" and host in {"localhost", "127.0.0.1", "::1"}
    if not host or not (parts.scheme == "https" or local):
        raise Bad("must be an address that starts with https://")
    return text.rstrip("/")


def bind(value: object) -> Bind:
    """address:port, the address a number or localhost; [::1]:8000 for IPv6."""
    host, _, port = _text(value).rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        if host != "localhost":
            ipaddress.ip_address(host)
        if not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise Bad("must end in a port from 0 to 65535")
    except ValueError:
        raise Bad("must be address:port, such as 127.0.0.1:8000") from None
    return Bind(host, int(port))
