"""The large markets of the benchmarks, 30 MB of CSV each, as `tools.make_market` invents them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from tools import make_market
from tools.market_model import Size

LAST = date(2019, 12, 31)
# Nearly all of it is history when a daemon begins to replay it here, just before a session.
START = "2019-06-03T07:55:00Z"
LONG = Size(100, date(2000, 1, 3), LAST)
WIDE = Size(200, date(2010, 1, 4), LAST)
SEED = 1


def write_market(folder: Path, size: Size = LONG) -> None:
    """The whole folder."""
    make_market.write_market(folder, size, seed=SEED)
