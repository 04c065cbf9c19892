"""What the control socket answers about the owner's settings."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from daemon.command_args import ASK_S, BY, Args, Command, required
from wire.mailbox import AskBox
from wire.setting_asks import ListSettings, PutSetting


@dataclass(frozen=True, slots=True)
class SettingCommands:
    schedule: AskBox

    def table(self) -> dict[str, Command]:
        return {"settings": self.settings, "set": self.put}

    async def settings(self, _: Args) -> list[dict[str, Any]]:
        """Every setting with its bounds, all as texts."""
        views = await self.schedule.ask(ListSettings(), deadline_s=ASK_S)
        return [asdict(view) for view in views]

    async def put(self, args: Args) -> dict[str, Any]:
        request = PutSetting(required(args, "key"), required(args, "value"), BY)
        view = await self.schedule.ask(request, deadline_s=ASK_S)
        return asdict(view)
