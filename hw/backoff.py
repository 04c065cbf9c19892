"""When to try a lost device again: soon at first, then ever more slowly."""

from dataclasses import dataclass


@dataclass(slots=True, kw_only=True)
class Backoff:
    """Delays double from `first_s` to `last_s`.

    They start over once the device has worked for `last_s` without a failure; one that comes
    up and fails again at once keeps its long delay.
    """

    first_s: float
    last_s: float
    _due_at: float = 0.0
    _failures: int = 0
    _failed_at: float = 0.0

    def is_due(self, now: float) -> bool:
        return now >= self._due_at

    def failed(self, now: float) -> None:
        # The exponent is bounded: past 2^16 any first delay has reached the last one.
        delay_s = min(self.last_s, self.first_s * 2 ** min(self._failures, 16))
        self._failures += 1
        self._failed_at = now
        self._due_at = now + delay_s

    def worked(self, now: float) -> None:
        if now - self._failed_at >= self.last_s:
            self._failures = 0
