"""Drawn lines that are kept until there is something newer to draw."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

from policy.chart_lines import Drawn

MOST_POINTS = 200_000


class LineCache:
    """At most `most_points` points, those that were asked for last; one line is always kept."""

    def __init__(self, most_points: int = MOST_POINTS) -> None:
        self._most = most_points
        self._points = 0
        self._kept: OrderedDict[Hashable, tuple[Hashable, Drawn]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Hashable, revision: Hashable) -> Drawn | None:
        """What was drawn from this very `revision` of the data."""
        kept = self._kept.get(key)
        if kept is None or kept[0] != revision:
            return None
        self._kept.move_to_end(key)
        return kept[1]

    def put(self, key: Hashable, revision: Hashable, drawn: Drawn) -> None:
        """Keep `drawn` instead of what was kept under `key`."""
        self._drop(key)
        self._kept[key] = (revision, drawn)
        self._points += len(drawn.line)
        while self._points > self._most and len(self._kept) > 1:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._points -= len(kept[1].line)
