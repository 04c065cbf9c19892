"""How often one client may trigger something: a sliding window per client."""

from __future__ import annotations

from collections import OrderedDict, deque

LIMIT = 60
# Whatever may place an order is asked for by people, and people are slow.
ORDER_LIMIT = 10
WINDOW_S = 60.0
CLIENTS = 1024


class RateWindow:
    """At most `limit` calls per client in any `window_s` seconds; remembers CLIENTS clients."""

    def __init__(self, *, limit: int = LIMIT, window_s: float = WINDOW_S) -> None:
        self._limit = limit
        self._window_s = window_s
        self._calls: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, client: str, now_s: float) -> float:
        """Count one call; 0 when it is allowed, else the seconds until the next one would be."""
        calls = self._of(client)
        while calls and now_s - calls[0] >= self._window_s:
            calls.popleft()
        if len(calls) >= self._limit:
            return calls[0] + self._window_s - now_s
        calls.append(now_s)
        return 0.0

    def _of(self, client: str) -> deque[float]:
        calls = self._calls.setdefault(client, deque(maxlen=self._limit))
        self._calls.move_to_end(client)
        if len(self._calls) > CLIENTS:
            self._calls.popitem(last=False)
        return calls
