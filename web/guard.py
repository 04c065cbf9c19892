"""What happens before and after every request: correlation id, host, rate, access, headers."""

from __future__ import annotations

import itertools
import re
from http import HTTPStatus

from quart import Quart, Response, g, request

from web.access import COOKIE, acts, authorise, cookie_counts, host_name, needs_login
from web.context import Web, here
from web.errors import Problem, too_many
from web.limits import LIMIT, ORDER_LIMIT

CORRELATION = "X-Correlation-ID"
_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")

# Scripts, styles, images and connections to this very origin and nothing else.
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def install(app: Quart, web: Web) -> None:
    numbers = itertools.count(1)

    async def before() -> None:
        given = request.headers.get(CORRELATION, "")
        made = f"{web.boot}-{next(numbers)}"
        g.correlation_id = given if _GIVEN.fullmatch(given) else made
        _check_host(web)
        _check_rate(web)
        _check_access(web)

    app.before_request(before)
    app.after_request(_finish)


def _check_host(web: Web) -> None:
    header = request.headers.get("Host", "")
    if not web.binding.knows(host_name(header)):
        raise Problem(403, "host_not_allowed", "the Host header names another machine")


def _check_rate(web: Web) -> None:
    """Changes and log-in attempts are counted, also those that are refused afterwards."""
    if not acts(request.method, request.path) and not request.path.startswith("/login"):
        return
    wait_s = web.rates.wait_s(request.remote_addr or "", web.clock.monotonic_s())
    if wait_s > 0:
        raise too_many(wait_s, LIMIT)


def check_order_pace() -> None:
    """Called by everything that may place an order, before it looks at the request."""
    web = here()
    wait_s = web.order_rates.wait_s(request.remote_addr or "", web.clock.monotonic_s())
    if wait_s > 0:
        raise too_many(wait_s, ORDER_LIMIT)


def _check_access(web: Web) -> None:
    if needs_login(request.method, request.path, web.binding):
        cookie = request.cookies.get(COOKIE)
        if not cookie_counts(request.method, request.path):
            cookie = None
        g.asked_by = authorise(
            web.access,
            method=request.method,
            headers=request.headers,
            cookie=cookie,
        )


def asked_by() -> str:
    """Who asks for a change, for the audit: kind of credential and address."""
    return f"http:{g.asked_by}@{request.remote_addr}"


async def _finish(response: Response) -> Response:
    web = here()
    for name, value in _HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers[CORRELATION] = g.get("correlation_id", "")
    response.headers["X-Trimtab-Broker"] = web.broker
    if response.status_code == HTTPStatus.NOT_MODIFIED:
        response.headers.pop("Content-Type", None)
    return response
