"""create_app: the web front, built from exactly what it may touch.

It reads boards for what is now, views for what was, and changes things only by asking the actor
that owns them; tests build it without any actor.
"""

from __future__ import annotations

import trio
from quart_trio import QuartTrio

from web import errors, guard, openapi
from web.access import Access, Binding
from web.api import (
    allocation,
    allocation_groups,
    allocation_views,
    analytics,
    autonomy,
    cash_flows,
    charts,
    decisions,
    display,
    dividends,
    execute,
    halt,
    lots,
    optimization,
    orders,
    planner,
    planners,
    plans,
    portfolio,
    portfolio_analytics,
    portfolio_cash,
    probes,
    rebalancing,
    recommendations,
    scoring,
    securities,
    settings,
    system,
    trades,
    trading_mode,
)
from web.api import events as event_streams
from web.body_limits import BODY_LIMIT, SizedRequest
from web.connection import Connection
from web.context import EXTENSION, Web
from web.encode import EncodedOnce
from web.idempotency import StepKeys
from web.limits import ORDER_LIMIT, RateWindow
from web.metrics import Gauges, RowCounts
from web.pages import pages
from web.ports import BuildInfo, ReadModels
from web.rules import MatchedRule
from web.sse import StreamSlots
from web.static_files import load
from wire.ask_boxes import AskBoxes
from wire.clock import Clock
from wire.events import EventRing
from wire.health import Health
from wire.messages import Boards

BODY_TIMEOUT_S = 10.0


def create_app(
    *,
    boards: Boards,
    events: EventRing,
    asks: AskBoxes,
    views: ReadModels,
    health: Health,
    clock: Clock,
    access: Access,
    info: BuildInfo,
    shutdown: trio.Event,
    binding: Binding | None = None,
    gauges: Gauges | None = None,
) -> QuartTrio:
    """The application; `shutdown` ends every stream. Call it inside the trio run."""
    web = Web(
        boards=boards,
        events=events,
        asks=asks,
        views=views,
        health=health,
        clock=clock,
        access=access,
        info=info,
        binding=binding or Binding(),
        shutdown=shutdown,
        gauges=gauges or Gauges(),
        rows=RowCounts(views.counts),
        streams=StreamSlots(),
        rates=RateWindow(),
        order_rates=RateWindow(limit=ORDER_LIMIT),
        step_keys=StepKeys(),
        encoded=EncodedOnce(),
        started_s=clock.monotonic_s(),
        boot=f"{int(clock.machine_now().timestamp() * 1000):x}",
    )
    return _assemble(web)


def _assemble(web: Web) -> QuartTrio:
    app = QuartTrio("web", static_folder=None)
    app.asgi_http_class = Connection
    app.request_class = SizedRequest
    app.url_rule_class = MatchedRule
    app.extensions[EXTENSION] = web
    app.config["MAX_CONTENT_LENGTH"] = BODY_LIMIT
    app.config["BODY_TIMEOUT"] = BODY_TIMEOUT_S
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    # Both spellings of a path answer themselves; nothing is ever redirected.
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    guard.install(app, web)
    errors.install(app)
    openapi.extension(web.info.version).init_app(app)
    for module in (
        probes,
        system,
        halt,
        portfolio,
        portfolio_cash,
        securities,
        portfolio_analytics,
        analytics,
        lots,
        trades,
        orders,
        execute,
        allocation,
        optimization,
        allocation_views,
        allocation_groups,
        decisions,
        recommendations,
        rebalancing,
        planner,
        plans,
        planners,
        autonomy,
        scoring,
        settings,
        trading_mode,
        cash_flows,
        dividends,
        charts,
        display,
        event_streams,
    ):
        app.register_blueprint(module.bp)
    app.register_blueprint(pages(load()))
    return app
