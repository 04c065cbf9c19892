"""The two fronts: HTTP for browsers and programs, the control socket for the client.

Both only read boards and views and ask the owning actors; neither touches the broker.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import cast

import trio
from hypercorn.config import Config as HypercornConfig
from hypercorn.trio import serve  # pyright: ignore[reportUnknownVariableType]

from daemon.commands import Commands
from daemon.config import Config
from daemon.config_values import Bind
from daemon.control import ControlServer
from daemon.paper_world import PaperWorld
from daemon.system import System
from daemon.token import LoginCodes, load_or_create_token, same_secret
from kernels import backend_report
from ledger.errors import StartError
from store.migrate import version as schema_version
from store.store import Store
from web.access import Binding, Session
from web.app import create_app
from web.metrics import Gauges
from web.ports import BuildInfo

# The server types the application more loosely than strict checking takes.
_serve = cast("Callable[..., Awaitable[None]]", serve)

LAG_TICK_S = 1.0
BACKLOG = 64


@contextmanager
def bind_http(bind: Bind) -> Generator[socket.socket, None, None]:
    """Listen on the configured address before anything else happens. Raises StartError."""
    family = socket.AF_INET6 if ":" in bind.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((bind.host, bind.port))
            listening.listen(BACKLOG)
        except OSError as error:
            raise StartError(f"[http] bind = {bind.host}:{bind.port}: {error.strerror}") from error
        yield listening
    finally:
        listening.close()


class DashboardAccess:
    """The bearer token, one-time codes and sessions as the web front asks for them."""

    def __init__(self, token: str, codes: LoginCodes) -> None:
        self._token = token
        self._codes = codes

    def token_ok(self, text: str) -> bool:
        return same_secret(text, self._token)

    def redeem(self, code: str) -> Session | None:
        session_id = self._codes.redeem(code)
        return None if session_id is None else self.session(session_id)

    def session(self, session_id: str) -> Session | None:
        found = self._codes.session(session_id)
        return None if found is None else Session(found.session_id, found.csrf)


@dataclass(frozen=True, slots=True)
class Fronts:
    config: Config
    store: Store
    listening: socket.socket
    redact: Callable[[str], None]

    async def serve(self, system: System, world: PaperWorld, stop: trio.Event) -> None:
        """Serve both fronts until `stop`; returns when they have ended."""
        codes = LoginCodes(now_s=trio.current_time)
        token = load_or_create_token(self.config.data)
        self.redact(token)
        gauges = Gauges()
        link = self._login_link(codes)
        # A code lets anybody in, so it goes to the owner's terminal only, never into a log.
        if sys.stderr.isatty():
            print(f"dashboard: {link()}", file=sys.stderr)
        commands = Commands(system, self.store, world, self.config.data, link)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_watch_lag, gauges)
            await nursery.start(ControlServer(self.config.socket, commands.table()).run)
            app = create_app(
                boards=system.boards,
                events=system.events,
                asks=system.asks,
                views=self.store.views,
                health=system.health,
                clock=world.clock,
                access=DashboardAccess(token, codes),
                info=await self._info(world),
                shutdown=stop,
                binding=Binding(self.config.http.host),
                gauges=gauges,
            )
            await _serve(app, self._hypercorn(), shutdown_trigger=stop.wait, mode="asgi")
            nursery.cancel_scope.cancel()

    def _hypercorn(self) -> HypercornConfig:
        config = HypercornConfig()
        # The server closes the descriptor it was given; ours stays for the lock on the address.
        config.bind = [f"fd://{os.dup(self.listening.fileno())}"]
        config.graceful_timeout = 2.0
        config.shutdown_timeout = 2.0
        config.include_server_header = False
        config.accesslog = None
        config.errorlog = None
        return config

    def _login_link(self, codes: LoginCodes) -> Callable[[], str]:
        bind = self.config.http
        host = "127.0.0.1" if bind.host in ("0.0.0.0", "::") else bind.host  # noqa: S104
        port = self.listening.getsockname()[1]
        return lambda: f"http://{host}:{port}/login?code={codes.issue()}"

    async def _info(self, world: PaperWorld) -> BuildInfo:
        report = backend_report()
        return BuildInfo(
            version=version("trimtab"),
            commit=None,
            python=platform.python_version(),
            schema_version=await schema_version(self.store.ledger, "ledger"),
            kernel=f"{report.used} ({report.reason})",
            broker=world.broker.capabilities.kind,
        )


async def _watch_lag(gauges: Gauges) -> None:
    """How late the loop is, for the metrics."""
    while True:
        due = trio.current_time() + LAG_TICK_S
        await trio.sleep_until(due)
        gauges.set_loop_lag(trio.current_time() - due)
