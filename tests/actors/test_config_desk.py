"""The desk of the planner's configurations: what is seeded, refused, and what is in force."""

from __future__ import annotations

import random
import uuid
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trio

from actors.config_desk import CORE_NAME, INVALID, TEMPLATES, ConfigDesk
from daemon.clock import ReplayClock, simulated_wall
from ledger.correlation import Correlations
from ledger.errors import Conflict, Missing, Refused, Unavailable
from ledger.planner_config import ConfigCheck, ConfigRefused, StageCounts, StoredConfig
from policy.planning.config import DEFAULT_CONFIG, AppliedConfig, PlannerConfig, Strategies
from policy.planning.config_text import config_hash, text_hash
from policy.planning.presets import preset, preset_text
from store.store import Store, open_store
from tests.actors.rig import MACHINE
from tests.support.builders import NOW
from wire.board import Latest
from wire.events import EventRing
from wire.mailbox import NudgeBox, Request
from wire.messages import Boards, Nudge
from wire.planner_asks import ApplyConfig, CreateConfig, DeleteConfig, UpdateConfig, ValidateConfig
from wire.runner import run_inline

COUNTS = StageCounts(9, (("rebalance_buys", 9),), 20, 12, 340, 3, 61.0, 64.5)
DEEP = "[planner]\nmax_depth = 6\n"
NO_CORRELATIONS = Correlations(NOW.date(), 252, (), ())
BROKEN = "[planner]\nmax_depht = 6\nbeam_width = 0\n"


@dataclass
class Office:
    store: Store
    boards: Boards = field(default_factory=Boards)
    strategies: Latest[Strategies] = field(default_factory=Latest[Strategies])
    events: EventRing = field(default_factory=EventRing)
    nudges: NudgeBox[Nudge] = field(default_factory=NudgeBox[Nudge])
    rehearsed: list[PlannerConfig] = field(default_factory=list[PlannerConfig])
    away: bool = False
    clock: ReplayClock = field(
        default_factory=lambda: ReplayClock(NOW, rate=1.0, wall=simulated_wall(MACHINE))
    )

    async def rehearse(self, config: PlannerConfig) -> StageCounts:
        if self.away:
            raise Unavailable("the account has not been read yet")
        self.rehearsed.append(config)
        return COUNTS

    def desk(self) -> ConfigDesk:
        return ConfigDesk(
            configs=self.store.planner_configs,
            strategies=self.strategies,
            boards=self.boards,
            events=self.events,
            clock=self.clock,
            rng=random.Random(7),
            plan=self.nudges,
            runner=run_inline,
            rehearse=self.rehearse,
        )

    def told(self) -> list[tuple[str, dict[str, object]]]:
        return [(event.type, dict(event.data)) for event in self.events.after(0)[0]]

    async def nudged(self) -> str | None:
        found = await self.nudges.receive_within(0)
        return None if found is None else found.reason

    async def core(self) -> StoredConfig:
        found = await self.store.planner_configs.all()
        return next(one for one in found if one.bucket_id == "core")

    def in_force(self) -> AppliedConfig:
        assert self.strategies.value is not None
        return self.strategies.value["core"]


@pytest.fixture
async def office(tmp_path: Path) -> AsyncGenerator[Office]:
    async with open_store(tmp_path, engine="inline") as store:
        yield Office(store)


@pytest.fixture
async def desk(office: Office) -> ConfigDesk:
    made = office.desk()
    await made.load()
    return made


async def stored(desk: ConfigDesk, request: Request[StoredConfig]) -> StoredConfig:
    found = await desk.answer(request)
    assert isinstance(found, StoredConfig)
    return found


def change(
    config: StoredConfig,
    *,
    name: str | None = None,
    toml: str | None = None,
    bucket_id: str | None = None,
    version: int | None = None,
) -> UpdateConfig:
    return UpdateConfig(config.config_id, name, toml, bucket_id, version)


async def test_the_presets_are_there_from_the_first_start_on(
    office: Office, desk: ConfigDesk
) -> None:
    found = await office.store.planner_configs.all()
    assert {one.name: one.bucket_id for one in found} == {
        CORE_NAME: "core",
        **dict.fromkeys(TEMPLATES),
    }
    assert [one.applied for one in found if one.bucket_id == "core"] == [True]
    assert all(uuid.UUID(one.config_id).version == 4 for one in found)
    text = preset_text("default")
    assert office.strategies.value == {"core": AppliedConfig(preset("default"), text_hash(text))}
    assert office.told() == []


async def test_what_its_owner_made_of_the_presets_is_left_alone(
    office: Office, desk: ConfigDesk
) -> None:
    core = await stored(desk, change(await office.core(), name="Ours", toml=DEEP))
    await stored(desk, ApplyConfig(core.config_id))
    before = await office.store.planner_configs.all()
    office.strategies = Latest[Strategies]()
    await office.desk().load()
    assert await office.store.planner_configs.all() == before
    assert office.in_force() == AppliedConfig(office.in_force().config, text_hash(DEEP))
    assert office.in_force().config.max_depth == 6


async def test_a_preset_that_was_deleted_comes_back_at_the_next_start(
    office: Office, desk: ConfigDesk
) -> None:
    found = await office.store.planner_configs.all()
    gone = next(one for one in found if one.bucket_id is None)
    assert await desk.answer(DeleteConfig(gone.config_id)) is None
    await trio.sleep(1)
    await office.desk().load()
    names = [one.name for one in await office.store.planner_configs.all()]
    assert sorted(names) == sorted({CORE_NAME, *TEMPLATES})


async def test_a_new_configuration_is_kept_and_not_in_force(
    office: Office, desk: ConfigDesk
) -> None:
    before = office.strategies.version
    made = await stored(desk, CreateConfig("  Mine ", DEEP, None))
    assert (made.name, made.toml, made.version, made.applied) == ("Mine", DEEP, 1, False)
    assert made.created_at == MACHINE
    assert office.strategies.version == before


@pytest.mark.parametrize("kind", ["create", "update", "apply"])
async def test_a_text_with_mistakes_is_refused_with_all_of_them(
    office: Office, desk: ConfigDesk, kind: str
) -> None:
    core = await office.core()
    requests = {
        "create": CreateConfig("Mine", BROKEN, None),
        "update": change(core, toml=BROKEN),
        "apply": ApplyConfig(core.config_id),
    }
    if kind == "apply":
        await broken_by_hand(office)
    before = await office.store.planner_configs.all()
    with pytest.raises(ConfigRefused, match="line 2: planner") as caught:
        await desk.answer(requests[kind])
    assert caught.value.code == "planner_config"
    assert [(one.path, one.line) for one in caught.value.findings] == [
        ("planner.max_depht", 2),
        ("planner.beam_width", 3),
    ]
    assert await office.store.planner_configs.all() == before


async def test_a_name_has_to_be_one_line(desk: ConfigDesk) -> None:
    for name in (" ", "x" * 101, "a\nb"):
        with pytest.raises(Refused, match="name"):
            await desk.answer(CreateConfig(name, DEEP, None))


async def test_a_bucket_that_is_taken_or_unknown_is_refused(
    office: Office, desk: ConfigDesk
) -> None:
    with pytest.raises(Conflict) as caught:
        await desk.answer(CreateConfig("Mine", DEEP, "core"))
    assert caught.value.code == "bucket_taken"
    with pytest.raises(Missing):
        await desk.answer(CreateConfig("Mine", DEEP, "nowhere"))


async def test_an_update_alone_leaves_the_old_version_running(
    office: Office, desk: ConfigDesk
) -> None:
    running = office.in_force()
    core = await stored(desk, change(await office.core(), toml=DEEP))
    assert (core.version, core.applied) == (2, False)
    assert office.in_force() == running
    assert (office.told(), await office.nudged()) == ([], None)
    (past,) = await office.store.planner_configs.history(core.config_id)
    assert past.summary.startswith("name")
    assert past.summary.endswith("lines")


async def test_an_applied_text_is_in_force_at_once_and_recommendations_are_out_of_date(
    office: Office, desk: ConfigDesk
) -> None:
    core = await stored(desk, change(await office.core(), toml=DEEP))
    applied = await stored(desk, ApplyConfig(core.config_id))
    assert applied.applied
    assert office.in_force().config.max_depth == 6
    assert office.in_force().text_hash == text_hash(DEEP)
    reason = f"{CORE_NAME} was applied to core"
    assert office.told() == [("PLANNER_CONFIG_CHANGED", {"bucket_id": "core", "reason": reason})]
    assert await office.nudged() == reason


async def test_no_plan_is_asked_for_where_only_the_owner_asks(
    office: Office, desk: ConfigDesk
) -> None:
    toml = "[planner]\nenable_batch_generation = false\n"
    core = await stored(desk, change(await office.core(), toml=toml))
    await stored(desk, ApplyConfig(core.config_id))
    assert [kind for kind, _ in office.told()] == ["PLANNER_CONFIG_CHANGED"]
    assert await office.nudged() is None


async def test_a_text_that_means_the_same_makes_no_plan_old(
    office: Office, desk: ConfigDesk
) -> None:
    before = office.in_force()
    core = await stored(desk, change(await office.core(), toml="# mine\n" + preset_text("default")))
    await stored(desk, ApplyConfig(core.config_id))
    assert office.in_force().text_hash == core.text_hash != before.text_hash
    assert config_hash(office.in_force().config) == config_hash(before.config)
    assert (office.told(), await office.nudged()) == ([], None)


async def test_an_update_that_changes_nothing_is_no_new_version(
    office: Office, desk: ConfigDesk
) -> None:
    core = await office.core()
    assert await stored(desk, change(core, name=core.name, toml=core.toml)) == core
    assert await office.store.planner_configs.history(core.config_id) == ()


async def test_a_change_of_an_older_version_is_refused(office: Office, desk: ConfigDesk) -> None:
    core = await office.core()
    await stored(desk, change(core, name="Ours", version=1))
    with pytest.raises(Conflict) as caught:
        await desk.answer(change(core, name="Theirs", version=1))
    assert caught.value.code == "stale_version"


async def test_a_bucket_whose_configuration_is_taken_away_plans_by_the_default(
    office: Office, desk: ConfigDesk
) -> None:
    core = await stored(desk, change(await office.core(), toml=DEEP))
    await stored(desk, ApplyConfig(core.config_id))
    await office.nudged()
    free = await stored(desk, change(core, bucket_id=""))
    assert free.bucket_id is None
    assert office.strategies.value == {}
    assert await office.nudged() == f"{CORE_NAME} is not the strategy of core any more"
    mine = await stored(desk, CreateConfig("Mine", DEEP, "core"))
    assert office.strategies.value == {}
    await stored(desk, ApplyConfig(mine.config_id))
    assert office.in_force().config.max_depth == 6


async def test_a_template_cannot_be_applied_and_core_keeps_its_strategy(
    office: Office, desk: ConfigDesk
) -> None:
    made = await stored(desk, CreateConfig("Mine", DEEP, None))
    with pytest.raises(Refused) as caught:
        await desk.answer(ApplyConfig(made.config_id))
    assert caught.value.code == "template"
    core = await office.core()
    with pytest.raises(Refused) as caught:
        await desk.answer(DeleteConfig(core.config_id))
    assert caught.value.code == "core_config"
    assert await office.core() == core


@pytest.mark.parametrize(
    "request_of",
    [ApplyConfig, DeleteConfig, lambda gone: UpdateConfig(gone, "x", None, None, None)],
)
async def test_what_is_not_there_is_missing(desk: ConfigDesk, request_of: type) -> None:
    with pytest.raises(Missing):
        await desk.answer(request_of("gone"))


# Checking a text


async def checked(desk: ConfigDesk, toml: str, *, dry_run: bool = False) -> ConfigCheck:
    found = await desk.answer(ValidateConfig(toml, dry_run))
    assert isinstance(found, ConfigCheck)
    return found


async def test_a_check_tells_every_error_and_warning(office: Office, desk: ConfigDesk) -> None:
    broken = await checked(desk, BROKEN, dry_run=True)
    assert not broken.valid
    assert len(broken.errors) == 2
    assert office.rehearsed == []
    fine = await checked(desk, DEEP)
    assert fine.valid
    assert [one.path for one in fine.warnings] == ["filters.correlation_aware.enabled"]
    office.boards.correlations.publish(NO_CORRELATIONS)
    assert (await checked(desk, DEEP)).warnings == ()


async def test_a_dry_run_counts_what_it_would_find(office: Office, desk: ConfigDesk) -> None:
    assert (await checked(desk, DEEP)).counts is None
    assert (await checked(desk, DEEP, dry_run=True)).counts == COUNTS
    assert [one.max_depth for one in office.rehearsed] == [6]


async def test_a_dry_run_that_cannot_be_made_says_why(office: Office, desk: ConfigDesk) -> None:
    office.away = True
    found = await checked(desk, DEEP, dry_run=True)
    assert (found.valid, found.counts) == (True, None)
    assert found.not_run == "the account has not been read yet"


# Texts of an earlier version


async def broken_by_hand(office: Office) -> None:
    """As if an earlier version of the program had accepted it."""
    await office.store.ledger.write(
        "UPDATE planner_config SET toml = ?, applied_toml = ? WHERE bucket_id = 'core'",
        (BROKEN, BROKEN),
    )


async def test_an_applied_text_that_is_valid_no_more_gives_way_to_the_default(
    office: Office, desk: ConfigDesk
) -> None:
    await broken_by_hand(office)
    office.strategies = Latest[Strategies]()
    again = office.desk()
    await again.load()
    assert config_hash(office.in_force().config) == config_hash(DEFAULT_CONFIG)
    ((kind, data),) = office.told()
    assert (kind, data["text"]) == ("ERROR_OCCURRED", INVALID)
    assert "core" in str(data["error"])
    core = await stored(again, change(await office.core(), toml=DEEP))
    assert len(office.told()) == 1
    await stored(again, ApplyConfig(core.config_id))
    assert [kind for kind, _ in office.told()] == [
        "ERROR_OCCURRED",
        "ERROR_CLEARED",
        "PLANNER_CONFIG_CHANGED",
    ]
