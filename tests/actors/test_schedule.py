"""Schedule: the calendar of jobs, and the owner of mode, latches and the HALT file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trio

from ledger.errors import Busy, Conflict, Refused
from ledger.halt import Latch, LatchName
from ledger.order import OrderState
from tests.actors.rig import Rig, open_rig
from tests.support.builders import NOW
from wire.messages import RaiseLatch, Resume, RunJob, SetMode
from wire.setting_asks import ListSettings, PutSetting


async def _latches(rig: Rig) -> list[str]:
    return [latch.name for latch in await rig.store.settings.latches()]


async def _resume(rig: Rig, *names: LatchName, confirm: bool = True) -> None:
    await rig.system.asks.schedule.ask(Resume(names, confirm, "test"), deadline_s=5)


async def _setting(rig: Rig, key: str) -> str:
    views = await rig.system.asks.schedule.ask(ListSettings(), deadline_s=5)
    return next(view.value for view in views if view.key == key)


class TestMode:
    async def test_going_live_needs_a_confirmation(self, rig: Rig) -> None:
        await rig.start("schedule")
        ask = rig.system.asks.schedule.ask
        assert await ask(SetMode("research", confirm=False, by="test"), deadline_s=5) == "research"
        with pytest.raises(Refused) as refused:
            await ask(SetMode("live", confirm=False, by="test"), deadline_s=5)
        assert refused.value.code == "confirmation_required"
        assert rig.boards.trading.value.mode == "research"
        await ask(SetMode("live", confirm=True, by="test"), deadline_s=5)
        assert rig.boards.trading.value.mode == "live"

    async def test_going_live_waits_for_orders_in_flight(self, rig: Rig) -> None:
        await rig.start("schedule", "sync", "trader")
        intent = await rig.propose()
        await rig.until_state(intent, OrderState.ACTIVE)
        ask = rig.system.asks.schedule.ask
        await ask(SetMode("research", confirm=False, by="test"), deadline_s=5)
        with pytest.raises(Conflict):
            await ask(SetMode("live", confirm=True, by="test"), deadline_s=5)

    async def test_money_to_try_orders_with_ends_with_research(self, rig: Rig) -> None:
        await rig.start("schedule")
        ask = rig.system.asks.schedule.ask
        put = PutSetting("virtual_test_cash", "5000", "test")
        with pytest.raises(Refused, match=r"virtual_test_cash = '5000': must be 0") as refused:
            await ask(put, deadline_s=5)
        assert refused.value.code == "setting_value"
        await ask(SetMode("research", confirm=False, by="test"), deadline_s=5)
        assert (await ask(put, deadline_s=5)).value == "5000"
        await ask(SetMode("live", confirm=True, by="test"), deadline_s=5)
        assert await _setting(rig, put.key) == "0"
        assert await rig.store.settings.stored() == {}

    async def test_going_live_that_fails_keeps_it(self, rig: Rig) -> None:
        await rig.start("schedule", "sync", "trader")
        intent = await rig.propose()
        await rig.until_state(intent, OrderState.ACTIVE)
        ask = rig.system.asks.schedule.ask
        await ask(SetMode("research", confirm=False, by="test"), deadline_s=5)
        await ask(PutSetting("virtual_test_cash", "5000", "test"), deadline_s=5)
        with pytest.raises(Conflict):
            await ask(SetMode("live", confirm=True, by="test"), deadline_s=5)
        assert await _setting(rig, "virtual_test_cash") == "5000"


class TestHalt:
    async def test_a_latch_is_committed_before_it_is_answered(self, rig: Rig) -> None:
        await rig.start("schedule")
        request = RaiseLatch("owner", "holiday", by="test")
        standing = await rig.system.asks.schedule.ask(request, deadline_s=5)
        assert [latch.name for latch in standing] == ["owner"] == await _latches(rig)
        assert rig.boards.trading.value.halted

    async def test_resuming_clears_the_named_latches_only(self, rig: Rig) -> None:
        await rig.start("schedule")
        names: tuple[LatchName, ...] = ("owner", "books")
        for name in names:
            request = RaiseLatch(name, "because", by="test")
            await rig.system.asks.schedule.ask(request, deadline_s=5)
        with pytest.raises(Refused):
            await _resume(rig, "owner", confirm=False)
        await _resume(rig, "owner")
        assert await _latches(rig) == ["books"]

    async def test_a_halt_file_that_is_a_dead_link_counts_as_there(self, rig: Rig) -> None:
        halt = rig.folder / "HALT"
        assert not rig.system.kill.engaged
        halt.symlink_to("nowhere")
        assert rig.system.kill.engaged

    async def test_the_halt_file_becomes_a_latch_within_a_second(self, rig: Rig) -> None:
        await rig.start("schedule")
        (rig.folder / "HALT").touch()
        await trio.sleep(1.1)
        assert await _latches(rig) == ["file"]
        assert rig.boards.trading.value.halted

    async def test_the_latch_of_the_file_stands_until_the_file_is_gone(self, rig: Rig) -> None:
        await rig.start("schedule")
        (rig.folder / "HALT").touch()
        await trio.sleep(1.1)
        with pytest.raises(Conflict) as caught:
            await _resume(rig, "file")
        assert caught.value.code == "halt_file_present"
        (rig.folder / "HALT").unlink()
        await trio.sleep(5)
        assert await _latches(rig) == ["file"]
        await _resume(rig, "file")
        assert await _latches(rig) == []

    async def test_latches_outlive_the_daemon(self, rig: Rig) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(rig.actor("schedule"))
            request = RaiseLatch("owner", "holiday", by="test")
            await rig.system.asks.schedule.ask(request, deadline_s=5)
            nursery.cancel_scope.cancel()
        rig.publish_trading()
        await rig.start("schedule")
        assert rig.boards.trading.value.halted


class TestCalendar:
    async def test_sync_is_due_every_five_minutes_of_the_market(self, rig: Rig) -> None:
        await rig.start("schedule", "sync")
        first = rig.boards.portfolio.version
        await trio.sleep(60)
        early = rig.boards.portfolio.version
        await trio.sleep(10 * 60)
        assert rig.boards.portfolio.version == early + 2
        assert early == first + 1

    @pytest.mark.parametrize("rig", [6000.0], indirect=True)
    async def test_on_a_fast_replay_the_machine_rests_between_two_syncs(self, rig: Rig) -> None:
        await rig.start("schedule", "sync")
        await trio.sleep(20)
        cycles = rig.boards.portfolio.version
        assert 6 <= cycles <= 12

    async def test_the_nightly_backup_is_made_once(self, rig: Rig) -> None:
        await rig.start("schedule", "upkeep")
        assert rig.clock.jump_to(datetime(2009, 1, 6, 1, 29, tzinfo=UTC))
        await trio.sleep(30)
        assert len(rig.backups) == 0
        await trio.sleep(120)
        assert len(rig.backups) == 1  # half past three in Athens
        await trio.sleep(600)
        assert len(rig.backups) == 1

    async def test_a_missed_backup_is_made_up_for_once(self, rig: Rig) -> None:
        await rig.open_run("backup", "OLD")
        assert rig.clock.jump_to(rig.clock.market_now() + timedelta(days=5))
        await rig.start("schedule", "upkeep")
        await trio.sleep(30)
        assert len(rig.backups) == 1

    @pytest.mark.parametrize(
        ("before", "following"),
        [
            # Clocks in Athens go from three to four o'clock on 29 March 2009 …
            (datetime(2009, 3, 28, 12, tzinfo=UTC), datetime(2009, 3, 29, 12, tzinfo=UTC)),
            # … and live the hour before four o'clock twice on 25 October.
            (datetime(2009, 10, 24, 12, tzinfo=UTC), datetime(2009, 10, 25, 12, tzinfo=UTC)),
        ],
    )
    async def test_a_night_of_changing_clocks_has_one_backup(
        self, tmp_path: Path, before: datetime, following: datetime
    ) -> None:
        async with open_rig(tmp_path, at=before, rate=3600) as rig:
            await rig.start("schedule", "upkeep")
            await trio.sleep((following - before).total_seconds() / 3600)
            assert len(rig.backups) == 1

    async def test_a_job_that_runs_cannot_be_asked_for(self, rig: Rig) -> None:
        await rig.start("schedule", "sync")
        await trio.sleep(2)
        rig.broker.hung.add("rates")
        ask = rig.system.asks.schedule.ask
        run = await ask(RunJob("sync", "api"), deadline_s=5)
        await trio.sleep(1)
        with pytest.raises(Busy) as busy:
            await ask(RunJob("sync", "api"), deadline_s=5)
        assert busy.value.run_id == run.run_id
        ended = await rig.until_run_ends(run.run_id)
        assert ended.status.value == "failed"

    async def test_the_boards_show_jobs_and_markets(self, rig: Rig) -> None:
        await rig.start("schedule", "sync")
        await trio.sleep(2)
        jobs = {view.job: view for view in rig.boards.jobs.value}
        assert jobs["sync"].last is not None
        assert jobs["backup"].next_due is not None
        (market,) = rig.boards.markets.value
        assert (market.mic, market.is_open) == ("XETR", True)
        assert (market.name, market.strict, market.early_close) == ("XETRA", False, False)
        assert market.known
        assert (market.has_securities, market.broker_open, market.lunch) == (True, True, None)
        assert market.opens_at < rig.clock.market_now() < market.closes_at == market.next_close


class TestSettings:
    async def test_a_setting_is_in_force_for_everybody_as_soon_as_it_is_answered(
        self, rig: Rig
    ) -> None:
        await rig.start("schedule")
        ask = rig.system.asks.schedule.ask
        view = await ask(PutSetting("buy_cooldown_days", "7", "test"), deadline_s=5)
        assert (view.value, view.default) == ("7", "30")
        listed = await ask(ListSettings(), deadline_s=5)
        assert view in listed
        assert await rig.store.settings.stored() == {"buy_cooldown_days": "7"}

    async def test_a_change_is_told_once_and_what_changes_nothing_is_not(self, rig: Rig) -> None:
        await rig.start("schedule")
        ask = rig.system.asks.schedule.ask
        for _ in range(2):
            await ask(PutSetting("buy_cooldown_days", "7", "test"), deadline_s=5)
        for _ in range(2):
            await ask(SetMode("research", confirm=False, by="test"), deadline_s=5)
        assert [dict(event.data) for event in rig.events("SETTINGS_CHANGED")] == [
            {"key": "buy_cooldown_days", "value": "7"},
            {"key": "trading_mode", "value": "research"},
        ]

    async def test_a_bad_value_changes_nothing(self, rig: Rig) -> None:
        await rig.start("schedule")
        ask = rig.system.asks.schedule.ask
        with pytest.raises(Refused, match="buy_cooldown_days = '400'"):
            await ask(PutSetting("buy_cooldown_days", "400", "test"), deadline_s=5)
        assert await rig.store.settings.stored() == {}

    async def test_settings_outlive_the_daemon_and_invalid_ones_are_named(self, rig: Rig) -> None:
        now = rig.clock.machine_now()
        await rig.store.settings.change("sell_cooldown_days", "1", by="test", at=now)
        await rig.store.settings.change("buy_cooldown_days", "9999", by="test", at=now)
        await rig.start("schedule")
        listed = await rig.system.asks.schedule.ask(ListSettings(), deadline_s=5)
        values = {view.key: view.value for view in listed}
        assert (values["sell_cooldown_days"], values["buy_cooldown_days"]) == ("1", "30")
        (event,) = rig.events("ERROR_OCCURRED")
        assert "buy_cooldown_days" in str(event.data["error"])


async def test_a_latch_set_beside_the_schedule_is_in_force_within_a_second(rig: Rig) -> None:
    await rig.start("schedule")
    assert not rig.system.kill.engaged
    latch = Latch("books", "an order that was proved absent has executed", NOW)
    await rig.store.settings.set_latch(latch, by="test")
    await trio.sleep(1.5)
    assert rig.system.kill.engaged
    assert rig.boards.trading.value.latches == (latch,)
