"""What the control socket answers: reads from boards and views, everything else by asking.

The client makes its texts from these answers, so every command returns plain values: money as
decimal text, instants in RFC 3339. Arguments are checked here; a wrong one is refused by name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import trio

from daemon.answers import (
    actor_of,
    display_of,
    instant_of,
    job_of,
    latch_of,
    portfolio_of,
    run_of,
)
from daemon.command_args import ASK_S, BY, TEXT_MAX, Args, Command, number, text
from daemon.control import report
from daemon.control_errors import BadArgument
from daemon.log_tail import LEVELS, tail
from daemon.logs import LOG_FOLDER, LOG_NAME
from daemon.order_commands import OrderCommands
from daemon.paper_world import PaperWorld
from daemon.plan_commands import PlanCommands
from daemon.planner_config_commands import PlannerConfigCommands
from daemon.setting_commands import SettingCommands
from daemon.system import System
from ledger.errors import Conflict
from ledger.halt import LATCHES, LatchName
from ledger.order import Mode
from ledger.run import JOBS, Job, RunStatus
from store.store import Store
from wire.messages import (
    JobView,
    RaiseLatch,
    Resume,
    RunJob,
    SetMode,
    ShowText,
)

RUN_POLL_S = 0.2
RUN_WAIT_S = 600.0
TTL_MAX_S = 3600.0
LOG_LINES_MAX = 10_000
DONE = frozenset(RunStatus) - {RunStatus.QUEUED, RunStatus.RUNNING}


@dataclass(frozen=True, slots=True)
class Commands:
    """Every command of the control socket by name, over one wired system."""

    system: System
    store: Store
    world: PaperWorld
    data: Path
    login_link: Callable[[], str]

    def table(self) -> dict[str, Command]:
        views, capabilities = self.store.views, self.world.broker.capabilities
        return {
            "status": self.status,
            "sync": self._job("sync"),
            "halt": self.halt,
            "resume": self.resume,
            "mode": self.mode,
            "jobs": self.jobs,
            "run": self.run,
            "led": self.led,
            "backup": self._job("backup"),
            "logs": self.logs,
            **PlanCommands(self.system, views, self.world.clock, capabilities.paper).table(),
            **PlannerConfigCommands(self.system.asks.planner, views).table(),
            **OrderCommands(self.system, views).table(),
            **SettingCommands(self.system.asks.schedule).table(),
        }

    async def status(self, _: Args) -> dict[str, Any]:
        boards = self.system.boards
        trading, recovery = boards.trading.value, boards.recovery.value
        capabilities = self.world.broker.capabilities
        return {
            "version": version("trimtab"),
            "broker": capabilities.kind,
            "paper": capabilities.paper,
            "mode": trading.mode if trading else None,
            "halted": bool(trading and trading.halted),
            "latches": [latch_of(latch) for latch in trading.latches] if trading else [],
            "market_time": instant_of(self.world.clock.market_now()),
            **portfolio_of(boards.portfolio.value),
            "actors": [actor_of(beat) for beat in self.system.health.all()],
            "recovery": list(recovery.lines) if recovery else [],
            "login_url": self.login_link(),
        }

    async def halt(self, args: Args) -> dict[str, Any]:
        reason = text(args, "reason", "halted by the owner") or "halted by the owner"
        standing = await self.system.asks.schedule.ask(
            RaiseLatch("owner", reason[:TEXT_MAX], BY), deadline_s=ASK_S
        )
        return {"halted": True, "latches": [latch_of(latch) for latch in standing]}

    async def resume(self, args: Args) -> dict[str, Any]:
        trading = self.system.boards.trading.value
        names = args.get("reasons") or [x.name for x in (trading.latches if trading else ())]
        unknown = [name for name in names if name not in LATCHES]
        if unknown:
            raise BadArgument("reasons", f"{unknown[0]!r} is none of {', '.join(LATCHES)}")
        standing = await self.system.asks.schedule.ask(
            Resume(tuple(cast("list[LatchName]", names)), bool(args.get("confirm")), BY),
            deadline_s=ASK_S,
        )
        return {"halted": bool(standing), "latches": [latch_of(latch) for latch in standing]}

    async def mode(self, args: Args) -> dict[str, Any]:
        trading = self.system.boards.trading.value
        wanted = text(args, "mode", None)
        if wanted is None:
            return {"mode": trading.mode if trading else None}
        if wanted not in ("live", "research"):
            raise BadArgument("mode", f"{wanted!r} is neither live nor research")
        chosen: Mode = "live" if wanted == "live" else "research"
        mode = await self.system.asks.schedule.ask(
            SetMode(chosen, bool(args.get("confirm")), BY), deadline_s=ASK_S
        )
        return {"mode": mode}

    async def jobs(self, _: Args) -> list[dict[str, Any]]:
        return [job_of(view) for view in self.system.boards.jobs.value or ()]

    async def run(self, args: Args) -> dict[str, Any]:
        job = args.get("job")
        if job not in JOBS:
            raise BadArgument("job", f"{job!r} is none of {', '.join(JOBS)}")
        return await self._run_job(job)

    async def led(self, args: Args) -> dict[str, Any]:
        """What the matrix shows; with `text`, show that for `ttl_s` seconds first."""
        says = text(args, "text", None)
        if says is not None:
            ttl_s = number(args, "ttl_s", 60, low=1, high=TTL_MAX_S)
            await self.system.asks.ticker.ask(ShowText(says, ttl_s), deadline_s=ASK_S)
        shown = self.system.boards.display.value
        if shown is None:
            raise Conflict("the matrix has not shown anything yet", code="not_ready")
        return display_of(shown)

    async def logs(self, args: Args) -> dict[str, Any]:
        lines = number(args, "lines", 100, low=1, high=LOG_LINES_MAX)
        level = text(args, "level", "info") or "info"
        if level not in LEVELS:
            raise BadArgument("level", f"{level!r} is none of {', '.join(LEVELS)}")
        before = number(args, "before", 0, low=0, high=2**53)
        read = partial(
            tail,
            self.data / LOG_FOLDER / LOG_NAME,
            lines=int(lines),
            level=level,
            before=int(before) or None,
        )
        page = await trio.to_thread.run_sync(read)
        return {"lines": list(page.lines), "before": page.before, "truncated": page.truncated}

    def _job(self, job: Job) -> Command:
        async def run_it(_: Args) -> dict[str, Any]:
            return await self._run_job(job)

        return run_it

    async def _run_job(self, job: Job) -> dict[str, Any]:
        """Start a job and follow it to its end, telling the caller how far it is."""
        asked = await self.system.asks.schedule.ask(RunJob(job, "socket"), deadline_s=ASK_S)
        said = ""
        with trio.move_on_after(RUN_WAIT_S):
            while (record := await self.store.runs.get(asked.run_id)).status not in DONE:
                view = self._view(job)
                if view is not None and view.progress != said:
                    said = view.progress
                    await report({"run_id": asked.run_id, "label": said})
                await trio.sleep(RUN_POLL_S)
            return run_of(record)
        return run_of(await self.store.runs.get(asked.run_id))

    def _view(self, job: Job) -> JobView | None:
        return next((v for v in self.system.boards.jobs.value or () if v.job == job), None)
