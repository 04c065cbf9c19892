"""Whatever is asked of the desk in turn, it keeps what was said, and the right text is in force."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import trio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors.config_desk import ConfigDesk
from daemon.clock import ReplayClock, simulated_wall
from ledger.errors import TrimtabError
from ledger.planner_config import StageCounts, StoredConfig
from policy.planning.config import PlannerConfig, Strategies
from policy.planning.config_text import read_config, text_hash
from store.inline import open_inline_engine
from store.migrate import migrate, migrations
from store.planner_configs import PlannerConfigs
from tests.actors.rig import MACHINE
from tests.support.builders import NOW
from wire.board import Latest
from wire.events import EventRing
from wire.mailbox import NudgeBox
from wire.messages import Boards, Nudge
from wire.planner_asks import ApplyConfig, CreateConfig, DeleteConfig, UpdateConfig
from wire.runner import run_inline

TEXTS = ("", "# the same", "[planner]\nmax_depth = 3", "[planner]\nmax_depth = 30")
BUCKETS = ("core", "sat", "nowhere", "")
CREATE = st.tuples(st.just("create"), st.sampled_from(TEXTS), st.sampled_from(BUCKETS))
UPDATE = st.tuples(
    st.just("update"),
    st.integers(0, 3),
    st.sampled_from((None, *TEXTS)),
    st.sampled_from((None, *BUCKETS)),
)
OTHERS = st.tuples(st.sampled_from(("apply", "delete")), st.integers(0, 3))
STEPS = st.lists(CREATE | UPDATE | OTHERS, min_size=4, max_size=12)


@dataclass
class World:
    """The desk beside what it has to remember: of every configuration its texts, and by bucket the
    text that was applied last.
    """

    desk: ConfigDesk
    configs: PlannerConfigs
    strategies: Latest[Strategies]
    texts: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    applied: dict[str, str] = field(default_factory=dict[str, str])

    async def take(self, step: tuple[object, ...]) -> None:
        """Ask for one thing, rather of those with a bucket; what is refused changes nothing."""
        known = await self.configs.all()
        ordered = sorted(known, key=lambda one: one.bucket_id is None)
        before = None if step[0] == "create" else ordered[int(str(step[1])) % len(ordered)]
        try:
            await self._ask(step, before)
        except TrimtabError:
            assert await self.configs.all() == known
        await self.check()

    async def _ask(self, step: tuple[object, ...], before: StoredConfig | None) -> None:
        match step:
            case ("create", str(toml), str(bucket)):
                made = await self.desk.create(CreateConfig("Mine", toml, bucket))
                self.texts[made.config_id] = [toml]
            case ("update", _, toml, bucket):
                assert before is not None
                asked = UpdateConfig(before.config_id, None, toml, bucket, before.version)  # type: ignore[arg-type]
                after = await self.desk.update(asked)
                if after != before:
                    self.texts[before.config_id].append(after.toml)
                if after.bucket_id != before.bucket_id and before.bucket_id:
                    self.applied.pop(before.bucket_id, None)
            case ("apply", _):
                assert before is not None
                after = await self.desk.apply(ApplyConfig(before.config_id))
                assert after.bucket_id is not None
                self.applied[after.bucket_id] = after.toml
            case _:
                assert before is not None
                await self.desk.delete(DeleteConfig(before.config_id))
                del self.texts[before.config_id]
                self.applied.pop(before.bucket_id or "", None)

    async def check(self) -> None:
        found = await self.configs.all()
        buckets = [one.bucket_id for one in found if one.bucket_id is not None]
        assert len(buckets) == len(set(buckets))
        for one in found:
            past = await self.configs.history(one.config_id)
            assert [p.version for p in past] == list(range(one.version - 1, 0, -1))
            assert [*(p.toml for p in reversed(past)), one.toml] == self.texts[one.config_id]
            assert one.text_hash == text_hash(one.toml)
            in_force = self.applied.get(one.bucket_id or "")
            assert one.applied == (in_force is not None and in_force == one.toml)
        assert self.strategies.value is not None
        assert {b: s.text_hash for b, s in self.strategies.value.items()} == {
            bucket: text_hash(toml) for bucket, toml in self.applied.items()
        }
        for bucket, toml in self.applied.items():
            assert self.strategies.value[bucket].config == read_config(toml).config


def _with_two_buckets() -> bytes:
    """The file of a ledger with core and one more bucket."""

    async def make(path: Path) -> None:
        async with open_inline_engine(path, synchronous="OFF") as engine:
            await migrate(engine, "ledger", migrations("ledger"))
            await engine.write("INSERT INTO bucket VALUES ('sat', 'Sat', 'active', NULL, NULL)")

    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        trio.run(make, path)
        return path.read_bytes()


LEDGER = _with_two_buckets()


async def _play(path: Path, steps: list[tuple[object, ...]]) -> None:
    async with open_inline_engine(path, synchronous="OFF") as engine:
        configs = PlannerConfigs(engine)
        strategies = Latest[Strategies]()
        desk = ConfigDesk(
            configs=configs,
            strategies=strategies,
            boards=Boards(),
            events=EventRing(),
            clock=ReplayClock(NOW, rate=1.0, wall=simulated_wall(MACHINE)),
            rng=random.Random(3),
            plan=NudgeBox[Nudge](),
            runner=run_inline,
            rehearse=_never,
        )
        await desk.load()
        world = World(desk, configs, strategies)
        for one in await configs.all():
            world.texts[one.config_id] = [one.toml]
            if one.bucket_id is not None:
                world.applied[one.bucket_id] = one.toml
        await world.check()
        for step in steps:
            await world.take(step)
        before = strategies.value
        await desk.load()
        if "core" in world.applied:
            assert strategies.value == before


async def _never(_: PlannerConfig) -> StageCounts:
    raise AssertionError("nobody asked for a dry run")


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
async def test_the_desk_keeps_what_was_said_and_the_applied_text_is_in_force(
    steps: list[tuple[object, ...]],
) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.db"
        path.write_bytes(LEDGER)
        await _play(path, steps)
