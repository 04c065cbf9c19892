"""The halt button: a press stops every order at once and leaves a latch for the owner to clear.

Wired beside the actors and supervised like one. The switch is thrown first and held: a store that
is slow or an actor that is down must not let an order out between the press and the latch.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
import trio

from daemon.config import HaltConfig
from hw.button import Button, open_button
from hw.port import HardwareError
from ledger.errors import StartError, StoreFailed, TrimtabError
from wire.health import Health
from wire.kill_switch import KillSwitch
from wire.mailbox import AskBox
from wire.messages import RaiseLatch

NAME = "halt_button"
BEAT_S = 5.0
ASK_S = 2.0
TRIES = 20
PAUSE_S = 0.5

log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(__name__)


@contextmanager
def open_configured(config: HaltConfig) -> Generator[Button | None]:
    """The owner's halt button; None without a pin. Raises StartError when it cannot be heard."""
    if config.pin is None:
        yield None
        return
    try:
        button = open_button(config.pin, chip=config.chip)
    except HardwareError as error:
        raise StartError(f"[halt] pin = {config.pin}: {error}") from error
    try:
        yield button
    finally:
        button.close()


@dataclass(slots=True)
class HaltButton:
    """`owed` is true from a press until its latch is committed, also across a restart of this."""

    button: Button
    kill: KillSwitch
    schedule: AskBox
    health: Health
    owed: bool = False

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        task_status.started()
        while True:
            if self.owed:
                await self._latch()
            with trio.move_on_after(BEAT_S):
                await self.button.pressed()
                self.kill.hold()
                self.owed = True
                log.warning("halt button pressed")
            self.health.beat(NAME)

    async def _latch(self) -> None:
        """Ask until the latch is committed; the last refusal is left to the supervisor."""
        latch = RaiseLatch("owner", "the halt button was pressed", by="button")
        for attempt in range(1, TRIES + 1):
            self.health.beat(NAME)
            try:
                await self.schedule.ask(latch, deadline_s=ASK_S)
            except TrimtabError as error:
                log.warning("halt not committed yet", attempt=attempt, error=str(error))
                if attempt == TRIES or isinstance(error, StoreFailed):
                    raise
                await trio.sleep(PAUSE_S)
            else:
                self.owed = False
                self.kill.let_go()
                return
