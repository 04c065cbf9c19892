"""How every actor says that it is alive, and what the watchdog and the screens read."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

import trio

ActorState = Literal["starting", "up", "restarting", "failed", "stopped"]
Rank = Literal["critical", "deciding", "peripheral"]


@dataclass(frozen=True, slots=True)
class Beat:
    """State of one actor. `last_beat_s` is monotonic; `period_s` how often a beat is promised."""

    actor: str
    rank: Rank
    state: ActorState
    since: datetime
    period_s: float
    last_beat_s: float
    restarts: int = 0
    note: str = ""

    def late(self, now_s: float) -> bool:
        """No beat for three periods while it claims to be up."""
        return self.state == "up" and now_s - self.last_beat_s > 3 * self.period_s


class Health:
    """The beats of all actors; written by supervisors and actors, read by anybody."""

    def __init__(self) -> None:
        self._beats: dict[str, Beat] = {}

    def put(self, beat: Beat) -> None:
        self._beats[beat.actor] = beat

    def beat(self, actor: str, note: str | None = None) -> None:
        """`actor` is alive now."""
        known = self._beats.get(actor)
        if known is not None:
            self._beats[actor] = replace(
                known,
                last_beat_s=trio.current_time(),
                note=known.note if note is None else note,
            )

    def all(self) -> tuple[Beat, ...]:
        return tuple(self._beats.values())

    def get(self, actor: str) -> Beat | None:
        return self._beats.get(actor)

    def critical_ok(self) -> bool:
        """No critical actor is stuck. One that crashed is being restarted, or halts trading."""
        now_s = trio.current_time()
        return not any(beat.late(now_s) for beat in self._beats.values() if beat.rank == "critical")

    def critical_up(self) -> bool:
        """Every critical actor runs and none is stuck."""
        critical = [beat for beat in self._beats.values() if beat.rank == "critical"]
        return self.critical_ok() and all(beat.state == "up" for beat in critical)
