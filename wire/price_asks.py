"""What may be asked about the prices of the past. FetchBars → sync"""

from __future__ import annotations

from dataclasses import dataclass

from wire.mailbox import Request


@dataclass(frozen=True, slots=True)
class FetchBars(Request[int]):
    """Read the past of these securities again soon, due or not; the reply is how many wait.

    The answer comes at once; the run of the job `prices` that does it tells how it went. Raises
    Missing for a security that is not in the universe and Busy when too many wait already.
    """

    security_ids: tuple[int, ...]
