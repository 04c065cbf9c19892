"""The dashboard's shell, its files, and the log-in link. The only pages made for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response, redirect, render_template, request

from web.access import COOKIE, Session
from web.asking import query
from web.context import here
from web.errors import Problem
from web.openapi import describe, hide
from web.static_files import CHART, Asset


class LoginQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: Annotated[str, Meta(min_length=1, max_length=200)]


def pages(assets: Mapping[str, Asset]) -> Blueprint:
    """The blueprint over the files that were found at start."""
    bp = Blueprint("pages", __name__)

    @bp.get("/")
    @describe(media="text/html")
    async def dashboard() -> str:
        """The dashboard."""
        return await _shell(chart=CHART in assets)

    @bp.get("/login")
    @describe(query=LoginQuery, media="text/html")
    async def login() -> Response:
        """Open a session with a one-time code; the only way to get a cookie."""
        return _login()

    @bp.get("/static/<path:name>")
    @hide
    async def static_file(name: str) -> Response:
        return _serve(assets.get(name))

    return bp


async def _shell(*, chart: bool) -> str:
    web = here()
    session = _session()
    trading = web.boards.trading.value
    return await render_template(
        "dashboard.html",
        csrf="" if session is None else session.csrf,
        logged_in=session is not None,
        paper=web.paper,
        broker=web.broker,
        mode=None if trading is None else trading.mode,
        version=web.info.version,
        chart=chart,
    )


def _session() -> Session | None:
    cookie = request.cookies.get(COOKIE)
    return here().access.session(cookie) if cookie else None


def _login() -> Response:
    session = here().access.redeem(query(LoginQuery).code)
    if session is None:
        raise Problem(
            403, "bad_code", "this link was used or is too old; `trimtab status` prints a new one"
        )
    response = redirect("/", 303)
    assert isinstance(response, Response)
    response.set_cookie(COOKIE, session.session_id, httponly=True, samesite="Strict", path="/")
    return response


def _serve(asset: Asset | None) -> Response:
    if asset is None:
        raise Problem(404, "not_found", "no such file")
    headers = {"ETag": asset.tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if request.headers.get("If-None-Match") == asset.tag:
        return Response(b"", status=304, headers=headers)
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    if packed:
        headers["Content-Encoding"] = "gzip"
    data = asset.packed if packed else asset.data
    return Response(data, headers=headers, content_type=asset.media_type)
