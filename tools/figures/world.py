"""What every check works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeVar

from tools.figures.daemon import Daemon, NoAnswerError
from tools.figures.market import Market
from tools.figures.sheet import Sheet

TRIES = 8
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class World:
    daemon: Daemon
    market: Market
    sheet: Sheet

    def attempt(self, name: str, work: Callable[..., None], *arguments: Any) -> None:
        """Do a part of a check; when a route does not answer as it should, the others go on."""
        try:
            work(self, *arguments)
        except NoAnswerError as error:
            self.sheet.failed(name, str(error))
        except (KeyError, TypeError, ValueError, ZeroDivisionError, IndexError) as error:
            self.sheet.failed(name, f"an answer that cannot be read: {error!r}")

    def setting(self, key: str, default: float) -> float:
        """A setting in force; `default` where there is none of that name."""
        value = self.daemon.get("/api/settings").get(key, default)
        return float(value)

    def today(self) -> date:
        """The day of the daemon's market clock, in UTC."""
        told: str = self.daemon.get("/api/system/markets")["market_time"]
        return instant(told).date()

    def dated(self, path: str, **query: str | int) -> tuple[date, Any]:
        """The answer of `path` with the market day on which it was given."""
        before = self.today()
        for _ in range(TRIES):
            told = self.daemon.get(path, **query)
            after = self.today()
            if after == before:
                break
            before = after
        return before, told

    def still(self, work: Callable[[], T]) -> T:
        """What `work` reads while neither a bar nor anything in the journal came.

        From now on no newer bars than those are known. After TRIES rounds it is the last one's.
        """
        before = self._standing()
        for _ in range(TRIES):
            found = work()
            after = self._standing()
            if after == before:
                break
            before = after
        self.market.bars_known = before[0]
        return found

    def _standing(self) -> tuple[dict[str, date], list[int]]:
        """The newest bar of every security, and the newest trade and flow."""
        rows = self.daemon.get("/api/charts/sparklines", days=730, points=10)
        bars = {symbol: day_of(row["points"][-1]["time"]) for symbol, row in rows.items()}
        newest = [self.daemon.get(path, limit=1) for path in ("/api/trades", "/api/cash-flows")]
        return bars, [row["id"] for rows in newest for row in rows]

    def together(self, *paths: str) -> list[Any]:
        """The answers of `paths` while the portfolio stood still, with its summary first.

        After TRIES rounds in which it moved, those of the last one.
        """
        found: list[Any] = []
        for _ in range(TRIES):
            before = self.daemon.get("/api/portfolio/summary")
            found = [before, *(self.daemon.get(path) for path in paths)]
            if self.daemon.get("/api/portfolio/summary")["as_of"] == before["as_of"]:
                break
        return found


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def day_of(text: str) -> date:
    return date.fromisoformat(text[:10])
