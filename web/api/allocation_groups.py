"""/api/allocation/groups: the owner's groups and their weights, asked of the analyst.

A group is found by its name whatever the case, a country or industry is in one group at most, and
everything a request says happens at once or not at all.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.allocation import GroupKind
from ledger.errors import Refused
from ledger.placement import available
from web.api.portfolio import current
from web.asking import body
from web.context import here
from web.errors import invalid
from web.guard import asked_by
from web.openapi import describe
from web.reply import from_boards, reply
from wire.allocation_asks import DeleteGroup, GroupView, PutGroup, PutGroupTargets

ASK_DEADLINE_S = 10.0
_PLACES = Decimal("0.000001")
# What the request itself got wrong, by the field that says it.
_FIELDS = {"group_name": "group_name", "weights": "targets", "unknown_groups": "targets"}
bp = Blueprint("allocation_groups", __name__, url_prefix="/api/allocation/groups")

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Names = Annotated[list[Annotated[str, Meta(max_length=200)]], Meta(max_length=1000)]


class CountryGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group with all its countries; the list may be empty."""

    group_name: Name
    country_names: Names


class IndustryGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A group with all its industries; the list may be empty."""

    group_name: Name
    industry_names: Names


class DeletedGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    deleted: str


class WantedBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of each group is wanted, 0 to 1, relative to the others; at least one above 0.

    It replaces what was wanted before: a group that is not named is not wanted any more.
    """

    targets: Annotated[dict[Name, Decimal], Meta(max_length=1000)]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The weights above 0 as fractions that add up to 1."""

    weights: dict[str, Decimal]
    count: int


class CountryNames(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    countries: list[str]


class IndustryNames(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    industries: list[str]


@bp.put("/country")
@describe(body=CountryGroup, answer=CountryGroup)
async def put_country_group() -> Response:
    """Make or change a group of countries; what it holds is replaced, its weight stays."""
    asked = await body(CountryGroup)
    made = await _put("country", asked.group_name, asked.country_names)
    return reply(CountryGroup(made.name, list(made.members)))


@bp.put("/industry")
@describe(body=IndustryGroup, answer=IndustryGroup)
async def put_industry_group() -> Response:
    """Make or change a group of industries; what it holds is replaced, its weight stays."""
    asked = await body(IndustryGroup)
    made = await _put("industry", asked.group_name, asked.industry_names)
    return reply(IndustryGroup(made.name, list(made.members)))


@bp.delete("/country/<path:group_name>")
@describe(answer=DeletedGroup)
async def delete_country_group(group_name: str) -> Response:
    """Remove a group of countries with its weight, whether or not there is one."""
    return await _delete("country", group_name)


@bp.delete("/industry/<path:group_name>")
@describe(answer=DeletedGroup)
async def delete_industry_group(group_name: str) -> Response:
    """Remove a group of industries with its weight, whether or not there is one."""
    return await _delete("industry", group_name)


@bp.get("/available/countries")
@describe(answer=CountryNames)
async def countries() -> Response:
    """Every country of a security, by name."""
    universe = current().universe
    boards = (here().boards.portfolio,)
    return from_boards(
        "countries", boards, lambda: CountryNames(list(available("country", universe)))
    )


@bp.get("/available/industries")
@describe(answer=IndustryNames)
async def industries() -> Response:
    """Every single industry of a security, by name."""
    universe = current().universe
    boards = (here().boards.portfolio,)
    return from_boards(
        "industries", boards, lambda: IndustryNames(list(available("industry", universe)))
    )


@bp.put("/targets/country")
@describe(body=WantedBody, answer=Wanted)
async def put_country_targets() -> Response:
    """Say how much of each group of countries is wanted."""
    return await _put_targets("country")


@bp.put("/targets/industry")
@describe(body=WantedBody, answer=Wanted)
async def put_industry_targets() -> Response:
    """Say how much of each group of industries is wanted."""
    return await _put_targets("industry")


async def _put(kind: GroupKind, name: str, members: list[str]) -> GroupView:
    asked = PutGroup(kind, name, tuple(members), asked_by())
    async with _naming_fields({**_FIELDS, "members": f"{kind}_names"}):
        return await here().asks.analyst.ask(asked, deadline_s=ASK_DEADLINE_S)


async def _delete(kind: GroupKind, name: str) -> Response:
    asked = DeleteGroup(kind, name.removesuffix("/"), asked_by())
    async with _naming_fields(_FIELDS):
        deleted = await here().asks.analyst.ask(asked, deadline_s=ASK_DEADLINE_S)
    return reply(DeletedGroup(deleted))


async def _put_targets(kind: GroupKind) -> Response:
    asked = PutGroupTargets(kind, (await body(WantedBody)).targets, asked_by())
    async with _naming_fields(_FIELDS):
        found = await here().asks.analyst.ask(asked, deadline_s=ASK_DEADLINE_S)
    shown = {name: part.quantize(_PLACES, ROUND_HALF_EVEN) for name, part in found.items()}
    return reply(Wanted(weights=shown, count=len(shown)))


@asynccontextmanager
async def _naming_fields(fields: dict[str, str]) -> AsyncGenerator[None]:
    """Problem 422 with the field for what is wrong about the request, not about the moment."""
    try:
        yield
    except Refused as refused:
        field = fields.get(refused.code)
        if field is None:
            raise
        raise invalid([{"field": field, "value": None, "message": str(refused)}]) from None
