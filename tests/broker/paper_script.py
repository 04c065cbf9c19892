"""A fixed week of orders on the lively market, for tests that interrupt it."""

from __future__ import annotations

from contextlib import suppress

from ledger.errors import BrokerError
from ledger.order import Side
from tests.broker.paper_rig import EU, NOON, THIN, US, Rig

# Hours to wait before each order: side, symbol, quantity, limit.
SCRIPT: tuple[tuple[float, Side, str, int, str], ...] = (
    (0, "BUY", US, 7, "105"),
    (0.1, "BUY", THIN, 12, "11"),
    (18, "BUY", EU, 30, "55"),
    (1, "SELL", EU, 11, "40"),
    (4, "SELL", "EUR/USD", 300, "1.0500"),
    (100, "SELL", US, 5, "50"),
    (150, "BUY", US, 3, "150"),
)


def follow(rig: Rig) -> None:
    """The script from where the exchange has come to; a tag that is known is refused again."""
    rig.now = NOON
    for number, (hours, side, symbol, quantity, limit) in enumerate(SCRIPT):
        rig.wait(hours=hours)
        rig.tag = number
        if rig.now >= rig.broker.last_instant():
            with suppress(BrokerError):
                rig.place(side, symbol, quantity, limit)
    rig.wait(days=3)
    rig.held(US)
