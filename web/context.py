"""What every handler may touch, as one record, and how a handler gets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import trio
from quart import current_app

from web.access import Access, Binding
from web.encode import EncodedOnce
from web.idempotency import StepKeys
from web.limits import RateWindow
from web.metrics import Gauges, RowCounts
from web.ports import BuildInfo, ReadModels
from web.sse import StreamSlots
from wire.ask_boxes import AskBoxes
from wire.clock import Clock
from wire.events import EventRing
from wire.health import Health
from wire.messages import Boards

EXTENSION = "trimtab"


@dataclass(frozen=True, slots=True)
class Web:
    """`started_s` is monotonic; `boot` tells this run of the daemon from an earlier one."""

    boards: Boards
    events: EventRing
    asks: AskBoxes
    views: ReadModels
    health: Health
    clock: Clock
    access: Access
    info: BuildInfo
    binding: Binding
    shutdown: trio.Event
    gauges: Gauges
    rows: RowCounts
    streams: StreamSlots
    rates: RateWindow
    order_rates: RateWindow
    step_keys: StepKeys
    encoded: EncodedOnce
    started_s: float
    boot: str

    @property
    def broker(self) -> str:
        """Where orders go: what trading says, or the configuration before it has spoken."""
        trading = self.boards.trading.value
        return self.info.broker if trading is None else trading.broker

    @property
    def paper(self) -> bool:
        return self.broker == "paper"


def here() -> Web:
    """The record of the application that serves the current request."""
    return cast(Web, current_app.extensions[EXTENSION])
