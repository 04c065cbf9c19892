"""How long the broker has said nothing while a market was open; too long halts trading."""

from __future__ import annotations

from dataclasses import dataclass

from wire.messages import BrokerLink

# Machine seconds of open session without one successful read.
SILENT_AFTER_S = 15 * 60.0


@dataclass(slots=True)
class Silence:
    """Counts machine seconds; only those in which a market is open."""

    silent_s: float = 0.0
    _seen_s: float | None = None

    def observe(self, link: BrokerLink | None, *, market_open: bool, now_s: float) -> bool:
        """Take note of this moment; True when the broker has been silent for too long.

        Before the first read nothing is known of the link: that counts as silence, too.
        """
        since, self._seen_s = self._seen_s, now_s
        if link is not None and link.connected:
            self.silent_s = 0.0
        elif market_open and since is not None:
            self.silent_s += now_s - since
        return self.silent_s >= SILENT_AFTER_S
