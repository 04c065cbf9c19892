"""Waiting for a run to end, with a bar for people while it lasts."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TextIO

from daemon.client_link import CallFailed, Link

POLL_S = 0.3
BAR = 28
RUNNING = frozenset({"queued", "running"})

Record = Mapping[str, Any]


class Bar:
    """One line that is drawn over again on a terminal, and nothing anywhere else."""

    def __init__(self, stream: TextIO, *, shown: bool) -> None:
        self._stream = stream
        self._shown = shown
        self._drawn = False

    def draw(self, label: str, progress: str) -> None:
        """`progress` is a text; `done/total` or `done of total` in it becomes a bar."""
        if self._shown:
            self._stream.write(f"\r\x1b[K{label} {filled(progress)}")
            self._stream.flush()
            self._drawn = True

    def clear(self) -> None:
        if self._drawn:
            self._stream.write("\r\x1b[K")
            self._stream.flush()


def filled(progress: str) -> str:
    """The text of a bar, or the progress itself when it names no total."""
    found = re.search(r"(\d+)\s*(?:/|of)\s*(\d+)", progress)
    total = int(found[2]) if found else 0
    if found is None or total == 0:
        return progress or "…"
    done = min(int(found[1]), total)
    full = BAR * done // total
    return f"[{'█' * full}{'·' * (BAR - full)}] {100 * done // total:3d} % {progress}"


def run_job(
    link: Link,
    job: str,
    *,
    bar: Bar,
    timeout_s: float,
    sleep: Callable[[float], None] = time.sleep,
) -> Record:
    """Start `job` and return its run record once it has ended.

    Follows progress events of the call, and polls the job list when the call only starts the run.
    Raises CallFailed, also when the run lasts longer than `timeout_s`.
    """

    def on_event(event: Record) -> None:
        done, total = event.get("done"), event.get("total")
        text = f"{done}/{total} {event.get('label') or ''}" if total else event.get("label")
        bar.draw(job, str(text or "").strip())

    try:
        record: Record = link.call("run", {"job": job}, on_event=on_event)
        for _ in range(int(timeout_s / POLL_S)):
            if record.get("status") not in RUNNING:
                return record
            sleep(POLL_S)
            record = _poll(link, job, record, bar)
    finally:
        bar.clear()
    raise CallFailed("timeout", f"{job} still runs after {timeout_s:g} s (run {record['run_id']})")


def _poll(link: Link, job: str, record: Record, bar: Bar) -> Record:
    """The newest record of our run; a run that was overtaken by another one has ended."""
    jobs: Sequence[Record] = link.call("jobs")
    nothing: Record = {}
    view = next((view for view in jobs if view.get("job") == job), nothing)
    last: Record = view.get("last") or nothing
    if last.get("run_id") == record.get("run_id"):
        bar.draw(job, str(view.get("progress") or ""))
        return last
    if last:
        return {**record, "status": "ended", "reason": "another run of the job has begun"}
    return record
