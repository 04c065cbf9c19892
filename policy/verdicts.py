"""How a gate says yes or no; used by every gate."""

from __future__ import annotations

from datetime import datetime

from ledger.order import Verdict


def passed(gate: str, detail: str) -> Verdict:
    return Verdict(gate, True, detail)


def failed(gate: str, detail: str, retry_after: datetime | None = None) -> Verdict:
    return Verdict(gate, False, detail, retry_after)


def until(gate: str, end: datetime | None, *, waits: str, free: str) -> Verdict:
    """No until `end`, with the reason `waits`; yes, with the reason `free`, without an end."""
    if end is None:
        return passed(gate, free)
    return failed(gate, f"{waits} until {end:%Y-%m-%d %H:%M} UTC", end)
