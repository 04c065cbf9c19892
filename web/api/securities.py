"""/api/securities: the universe, what the owner says of it, and its refreshes.

`{isin}` takes an ISIN, a symbol or a former symbol everywhere; 409 when an ISIN has several active
listings.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.errors import Missing, Refused
from ledger.isin import is_isin, looks_like_isin
from ledger.portfolio import PortfolioSnapshot
from ledger.run import Job
from ledger.security import Security, SecurityPatch, find_security
from web.api.portfolio import current
from web.api.security_bodies import AddBody, IdentifierBody, UpdateBody
from web.api.security_rows import SecurityChanged, SecurityDetail, SecurityRow, Shelf
from web.asking import body, query
from web.context import Web, here
from web.errors import Problem
from web.guard import asked_by
from web.openapi import describe
from web.reply import from_boards, reply
from wire.board import Latest
from wire.messages import RunJob
from wire.security_asks import (
    AddSecurity,
    DeleteSecurity,
    FoundSecurity,
    SearchSecurities,
    SecurityChange,
    UpdateSecurity,
)

# Longer than sync waits for its turn and then for the broker.
ASK_DEADLINE_S = 25.0
RUN_DEADLINE_S = 10.0
PAST_SCORES = 90
bp = Blueprint("securities", __name__, url_prefix="/api/securities")


class ListQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`inactive` adds what was taken out and what waits to be classified."""

    inactive: bool = False


class SearchQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    q: Annotated[str, Meta(min_length=1, max_length=100)]


class FoundRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An instrument that the broker lists."""

    symbol: str
    isin: str | None
    name: str
    currency: str
    exchange: str
    product_type: str
    in_universe: bool


class Started(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A run that was started; /api/system/runs and the event stream tell how it goes.

    `symbol` is the one security it is about, null when it is about all.
    """

    status: str
    message: str
    job: str
    run_id: str
    symbol: str | None


@bp.get("")
@describe(query=ListQuery, answer=list[SecurityRow])
async def securities() -> Response:
    """Every active security with its scores and what is held of it."""
    asked = query(ListQuery)
    web, snapshot = here(), current()
    name = "securities-all" if asked.inactive else "securities"
    return from_boards(
        name, _boards(web), lambda: Shelf.now(web, snapshot).rows(inactive=asked.inactive)
    )


@bp.get("/search")
@describe(query=SearchQuery, answer=list[FoundRow])
async def search() -> Response:
    """What the broker lists under a symbol, a name or an ISIN."""
    asked = query(SearchQuery)
    request = SearchSecurities(asked.q.strip())
    found = await here().asks.sync.ask(request, deadline_s=ASK_DEADLINE_S)
    return reply([_found(one) for one in found])


@bp.post("")
@describe(body=AddBody, created=SecurityChanged)
async def add() -> Response:
    """Add, or confirm, a security by the broker's symbol; inactive while its kind is not known."""
    asked = await body(AddBody)
    return await _added(
        AddSecurity(asked.symbol, asked.patch(), asked_by(), asked.currency, isin=asked.isin)
    )


@bp.post("/add-by-identifier")
@describe(body=IdentifierBody, created=SecurityChanged)
async def add_by_identifier() -> Response:
    """Add a security by the broker's symbol or its ISIN."""
    asked = await body(IdentifierBody)
    return await _added(
        AddSecurity(asked.identifier, asked.patch(), asked_by(), asked.currency, mic=asked.exchange)
    )


@bp.post("/refresh-all")
@describe(accepted=Started)
async def refresh_all() -> Response:
    """Fetch the data of every security, then score them all."""
    return await _run("prices", None, "data is fetched and scored")


@bp.get("/<isin>")
@describe(answer=SecurityDetail)
async def security(isin: str) -> Response:
    """One security with its position, what its scores are made of and how they changed."""
    web, snapshot = here(), current()
    found = _named(snapshot, isin)
    past = await web.views.scores(found.security_id, PAST_SCORES)
    return reply(Shelf.now(web, snapshot).detail(found, past))


@bp.put("/<isin>")
@describe(body=UpdateBody, answer=SecurityChanged)
async def update(isin: str) -> Response:
    """Change what the owner says of a security; null or an empty text takes it back."""
    patch = (await body(UpdateBody)).patch()
    if patch == SecurityPatch():
        raise Refused("nothing was given to change", code="no_updates")
    return await _changed(UpdateSecurity(_name(isin), patch, asked_by()), "it was changed")


@bp.delete("/<isin>")
@describe(answer=SecurityChanged)
async def delete(isin: str) -> Response:
    """Take a security out: what is held stays and is valued, and is neither bought nor sold."""
    return await _changed(DeleteSecurity(_name(isin), asked_by()), "it was taken out")


@bp.post("/<isin>/refresh-data")
@describe(accepted=Started)
async def refresh_data(isin: str) -> Response:
    """Fetch the data of one security, then score it."""
    return await _run("prices", _named(current(), isin), "data is fetched and scored")


@bp.post("/<isin>/refresh")
@describe(accepted=Started)
async def refresh(isin: str) -> Response:
    """Score one security again with the data that is there."""
    return await _run("score", _named(current(), isin), "it is scored")


def _boards(web: Web) -> tuple[Latest[Any], ...]:
    """What the rows are made from."""
    boards = web.boards
    return (boards.portfolio, boards.scores, boards.opinions, boards.listings, boards.trading)


async def _added(request: AddSecurity) -> Response:
    made = await here().asks.sync.ask(request, deadline_s=ASK_DEADLINE_S)
    message = f"{made.name_now} was added"
    if made.needs_classification:
        message += "; give its product_type before it can be active"
    return reply(_shelf().changed(made, message), status=201)


async def _changed(request: SecurityChange, message: str) -> Response:
    made = await here().asks.sync.ask(request, deadline_s=ASK_DEADLINE_S)
    return reply(_shelf().changed(made, message))


async def _run(job: Job, about: Security | None, message: str) -> Response:
    web = here()
    link = web.boards.link.value
    if job == "prices" and link is not None and not link.connected:
        raise Problem(503, "broker_unavailable", link.last_error or "the broker does not answer")
    only = None if about is None else about.security_id
    run = await web.asks.schedule.ask(RunJob(job, "api", only), deadline_s=RUN_DEADLINE_S)
    symbol = None if about is None else about.name_now
    return reply(Started("accepted", message, run.job, run.run_id, symbol), status=202)


def _shelf() -> Shelf:
    return Shelf.now(here(), current())


def _name(text: str) -> str:
    """What a path names; Refused `isin` for what has the form of one and a wrong check digit."""
    name = text.strip().upper()
    if looks_like_isin(name) and not is_isin(name):
        raise Refused(f"{name} is no ISIN: its check digit is wrong", code="isin")
    return name


def _named(snapshot: PortfolioSnapshot, text: str) -> Security:
    try:
        return find_security(snapshot.universe, text.strip().upper())
    except Missing:
        _name(text)
        raise


def _found(one: FoundSecurity) -> FoundRow:
    told = one.instrument
    return FoundRow(
        symbol=told.symbol,
        isin=told.isin or None,
        name=told.name,
        currency=told.currency,
        exchange=told.mic,
        product_type=told.product_type,
        in_universe=one.known is not None,
    )
