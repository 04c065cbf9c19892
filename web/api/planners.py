"""/api/planners: configurations of the planner; every change is asked of the planner.

The version of a configuration is its ETag: a change that names an older one in If-Match is refused.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response, request

from ledger.planner_config import ConfigRefused, StoredConfig
from web.api.planner_config_rows import (
    AppliedRow,
    CheckRow,
    ConfigRow,
    PastRow,
    applied_row,
    check_row,
    config_row,
    past_row,
)
from web.asking import body
from web.context import here
from web.encode import Json
from web.errors import Problem
from web.openapi import describe
from web.reply import reply
from wire.planner_asks import (
    ApplyConfig,
    CreateConfig,
    DeleteConfig,
    UpdateConfig,
    ValidateConfig,
)

ASK_DEADLINE_S = 10.0
# A dry run looks for candidates and searches a little.
DRY_RUN_DEADLINE_S = 60.0
_TAG = re.compile(r'"([0-9]{1,15})"')
bp = Blueprint("planners", __name__, url_prefix="/api/planners")

Name = Annotated[str, Meta(min_length=1, max_length=100)]
Toml = Annotated[str, Meta(max_length=60_000)]
# Empty or null: of no bucket, as a template is.
BucketId = Annotated[str, Meta(max_length=64)]


class CreateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    toml_config: Toml
    bucket_id: BucketId | None = None


class UpdateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is absent or null stays as it is; an empty `bucket_id` takes the bucket away."""

    name: Name | None = None
    toml_config: Toml | None = None
    bucket_id: BucketId | None = None


class ValidateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`dry_run` also looks what it would find in the portfolio as it is."""

    toml: Toml
    dry_run: bool = False


@bp.get("")
@describe(answer=list[ConfigRow])
async def configs() -> Response:
    """Every configuration, by name."""
    rows = await here().views.planner_configs()
    return reply([config_row(one) for one in sorted(rows, key=lambda one: one.name)])


@bp.post("")
@describe(body=CreateBody, created=ConfigRow)
async def create() -> Response:
    """Keep a new configuration; its bucket plans by it once it is applied."""
    asked = await body(CreateBody)
    wanted = CreateConfig(asked.name, asked.toml_config, asked.bucket_id or None)
    with _naming_lines():
        made = await here().asks.planner.ask(wanted, deadline_s=ASK_DEADLINE_S)
    response = _tagged(made, status=201)
    response.headers["Location"] = f"/api/planners/{made.config_id}"
    return response


@bp.post("/validate")
@describe(body=ValidateBody, answer=CheckRow)
async def validate() -> Response:
    """Every error and warning of a text, whatever it is; nothing is kept."""
    asked = await body(ValidateBody)
    deadline_s = DRY_RUN_DEADLINE_S if asked.dry_run else ASK_DEADLINE_S
    wanted = ValidateConfig(asked.toml, asked.dry_run)
    return reply(check_row(await here().asks.planner.ask(wanted, deadline_s=deadline_s)))


@bp.get("/<config_id>")
@describe(answer=ConfigRow)
async def config(config_id: str) -> Response:
    """One configuration."""
    return _tagged(await here().views.planner_config(config_id))


@bp.put("/<config_id>")
@describe(body=UpdateBody, answer=ConfigRow)
async def update(config_id: str) -> Response:
    """Change a configuration; its bucket goes on by what was applied last."""
    asked = await body(UpdateBody)
    wanted = UpdateConfig(
        config_id, asked.name, asked.toml_config, asked.bucket_id, version=_expected()
    )
    with _naming_lines():
        changed = await here().asks.planner.ask(wanted, deadline_s=ASK_DEADLINE_S)
    return _tagged(changed)


@bp.delete("/<config_id>")
@describe(empty=True)
async def delete(config_id: str) -> Response:
    """Remove a configuration with its history; that of core has to stay."""
    await here().asks.planner.ask(DeleteConfig(config_id), deadline_s=ASK_DEADLINE_S)
    return Response(b"", status=204)


@bp.get("/<config_id>/history")
@describe(answer=list[PastRow])
async def history(config_id: str) -> Response:
    """What a configuration was before, newest first; putting a text back is a change of its own."""
    views = here().views
    await views.planner_config(config_id)
    return reply([past_row(past) for past in await views.planner_config_history(config_id)])


@bp.post("/<config_id>/apply")
@describe(answer=AppliedRow)
async def apply(config_id: str) -> Response:
    """Let the bucket plan by the newest text."""
    await here().views.planner_config(config_id)
    with _naming_lines():
        applied = await here().asks.planner.ask(ApplyConfig(config_id), deadline_s=ASK_DEADLINE_S)
    return reply(applied_row(applied, applied.bucket_id or ""))


def _tagged(stored: StoredConfig, *, status: int = 200) -> Response:
    response = reply(config_row(stored), status=status)
    response.headers["ETag"] = f'"{stored.version}"'
    return response


def _expected() -> int | None:
    """The version the client means to change; None when it takes any. Raises Problem 412."""
    tag = request.headers.get("If-Match", "*").strip()
    if tag == "*":
        return None
    found = _TAG.fullmatch(tag)
    if found is None:
        raise Problem(412, "stale_version", "If-Match names no version of this configuration")
    return int(found[1])


@contextmanager
def _naming_lines() -> Generator[None]:
    """Every finding with its line for a refused text: 400 when it is no TOML at all, else 422."""
    try:
        yield
    except ConfigRefused as refused:
        errors: list[Json] = [
            {"field": "toml_config", "path": one.path, "message": one.message, "line": one.line}
            for one in refused.findings
        ]
        # What is wrong with the text as a whole stands at no path: it is no TOML.
        whole = any(one.path == "" for one in refused.findings)
        status, code = (400, "not_toml") if whole else (422, refused.code)
        raise Problem(status, code, str(refused), extra={"errors": errors}) from None
