"""What the control socket answers about configurations of the planner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from daemon.command_args import ASK_S, Args, Command, number, required, text
from daemon.control_errors import BadArgument
from daemon.plan_answers import check_of, config_of, past_of
from store.views import Views
from wire.mailbox import AskBox
from wire.planner_asks import (
    ApplyConfig,
    CreateConfig,
    DeleteConfig,
    UpdateConfig,
    ValidateConfig,
)

# A dry run looks for candidates and searches a little.
DRY_RUN_S = 60.0
# An answer with a text has to fit into one frame.
TOML_MAX = 60_000
PAST_MAX = 50


@dataclass(frozen=True, slots=True)
class PlannerConfigCommands:
    planner: AskBox
    views: Views

    def table(self) -> dict[str, Command]:
        return {
            "planners": self.configs,
            "planner_show": self.show,
            "planner_history": self.history,
            "planner_validate": self.validate,
            "planner_save": self.save,
            "planner_apply": self.apply,
            "planner_delete": self.delete,
        }

    async def configs(self, _: Args) -> list[dict[str, Any]]:
        """By name."""
        rows = await self.views.planner_configs()
        return [config_of(one) for one in sorted(rows, key=lambda one: one.name)]

    async def show(self, args: Args) -> dict[str, Any]:
        stored = await self.views.planner_config(required(args, "id"))
        return {**config_of(stored), "toml": stored.toml}

    async def history(self, args: Args) -> list[dict[str, Any]]:
        """The newest versions before this one; with `version` that one with its text."""
        config_id = required(args, "id")
        await self.views.planner_config(config_id)
        past = await self.views.planner_config_history(config_id)
        version = int(number(args, "version", 0, low=1, high=2**31))
        if version:
            return [{**past_of(one), "toml": one.toml} for one in past if one.version == version]
        return [past_of(one) for one in past[:PAST_MAX]]

    async def validate(self, args: Args) -> dict[str, Any]:
        dry_run = bool(args.get("dry_run"))
        request = ValidateConfig(_toml(args), dry_run)
        check = await self.planner.ask(request, deadline_s=DRY_RUN_S if dry_run else ASK_S)
        return check_of(check)

    async def save(self, args: Args) -> dict[str, Any]:
        """Change the configuration `id`, or keep a new one under `name`."""
        config_id, name, bucket_id = (text(args, one, None) for one in ("id", "name", "bucket_id"))
        if config_id is None:
            request = CreateConfig(required(args, "name"), _toml(args), bucket_id or None)
            return config_of(await self.planner.ask(request, deadline_s=ASK_S))
        toml = _toml(args) if args.get("toml") is not None else None
        version = int(number(args, "version", 0, low=1, high=2**31)) or None
        change = UpdateConfig(config_id, name, toml, bucket_id, version)
        return config_of(await self.planner.ask(change, deadline_s=ASK_S))

    async def apply(self, args: Args) -> dict[str, Any]:
        request = ApplyConfig(required(args, "id"))
        return config_of(await self.planner.ask(request, deadline_s=ASK_S))

    async def delete(self, args: Args) -> dict[str, Any]:
        config_id = required(args, "id")
        await self.planner.ask(DeleteConfig(config_id), deadline_s=ASK_S)
        return {"deleted": config_id}


def _toml(args: Args) -> str:
    given = args.get("toml")
    if not isinstance(given, str) or len(given) > TOML_MAX:
        raise BadArgument("toml", f"must be a text of at most {TOML_MAX} characters")
    return given
