"""The past of every security is read once after each session, whatever fails of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
import trio

from actors.history import RETRY_FLOOR_S, SILENT_AFTER
from actors.past_reader import CALL_S
from broker.port import RATE_DAYS
from ledger.bar import Bar, Fundamental, ShareDividend, Split
from ledger.errors import Busy, MalformedAnswer, Missing, Unavailable
from ledger.money import Price
from ledger.rate import Rate
from ledger.security import Listing
from tests.actors.rig import Rig
from tests.support.builders import NOW, security
from wire.messages import Nudge
from wire.price_asks import FetchBars

A, B = "DEMO-A.EU", "DEMO-B.EU"
TODAY = NOW.date()  # a Monday, and Frankfurt is open until 16:30 UTC
FRIDAY = TODAY - timedelta(days=3)
TONIGHT = NOW + timedelta(hours=6, minutes=46)  # the session has ended and settled
READS = ["splits", "share_dividends", "fundamentals", "bars"]


def bars(count: int, *, last: date = FRIDAY, scale: int = 1, first_close: int = 100) -> list[Bar]:
    """Bars of `count` days up to `last`, closing at 100, 101, …, each divided by `scale`."""
    made: list[Bar] = []
    for number in range(count):
        close = (first_close + number) * 1_000_000 // scale
        day = last - timedelta(days=count - 1 - number)
        made.append(Bar(day, close, close, close, close, 7))
    return made


def calls(rig: Rig) -> list[str]:
    return [call for call in rig.broker.calls if call in ("rates_since", *READS)]


async def begin(rig: Rig, *others: str) -> None:
    """Sync at work, with `others` listed beside the one security there is."""
    rig.broker.listed += [
        replace(security(name).instrument, isin=f"XF000000000{number}")
        for number, name in enumerate(others, 2)
    ]
    await rig.start("sync")
    await rig.settle()


async def last_run(rig: Rig) -> tuple[object, object]:
    """Status and result of the last run of the job, once nobody has anything to do."""
    await rig.settle()
    events, _ = rig.system.events.after(0)
    ended = [e.data for e in events if e.type in {"JOB_COMPLETED", "JOB_FAILED"}]
    newest = [data for data in ended if data["job"] == "prices"][-1]
    return newest["status"], newest["result"]


async def ask(rig: Rig, *numbers: int) -> int:
    return await rig.system.asks.sync.ask(FetchBars(numbers), deadline_s=5)


async def closes(rig: Rig, number: int = 1) -> list[int]:
    """In whole units."""
    column = (await rig.store.bars.read([number])).prices[0].columns.close
    return [int(micro) // 1_000_000 for micro in column.split(",") if micro]


async def test_everything_is_read_at_start_and_rates_first(rig: Rig) -> None:
    rig.broker.past[A] = bars(3)
    rig.broker.split[A] = [Split(TODAY, Decimal(2))]
    rig.broker.paying[A] = [ShareDividend(TODAY, None, Price.of("1", "EUR"))]
    rig.broker.reported[A] = [Fundamental("pe", TODAY, Decimal(12))]
    await begin(rig)
    assert calls(rig) == ["rates_since", *READS]
    found = (await rig.store.bars.read([1])).prices[0]
    assert await closes(rig) == [100, 101, 102]
    assert (len(found.splits), len(found.dividends)) == (1, 1)
    assert (await rig.store.bars.fundamentals([1]))[1] == tuple(rig.broker.reported[A])
    assert await last_run(rig) == ("succeeded", "1 of 1 read")
    assert rig.system.nudges["score"].waiting


async def test_nothing_is_read_again_before_another_session_is_over(rig: Rig) -> None:
    rig.broker.past[A] = bars(3)
    await begin(rig)
    before = len(calls(rig))
    rig.clock.jump_to(TONIGHT - timedelta(minutes=2))
    await trio.sleep(60)
    assert len(calls(rig)) == before
    rig.broker.past[A] = bars(6, last=TODAY)
    await trio.sleep(61)
    assert calls(rig)[before:] == ["rates_since", *READS]
    assert await closes(rig) == [100, 101, 102, 103, 104, 105]
    await trio.sleep(7200)
    assert len(calls(rig)) == before + 5


async def test_how_far_the_bars_reach_is_shown(rig: Rig) -> None:
    rig.broker.past[A] = bars(3)
    await begin(rig, B)
    assert rig.boards.listings.value == {1: Listing("ok", FRIDAY), 2: Listing("no_data", None)}
    rig.clock.jump_to(NOW + timedelta(days=9))
    await trio.sleep(61)
    assert rig.boards.listings.value[1] == Listing("stale", FRIDAY)
    rig.broker.listed = [one for one in rig.broker.listed if one.symbol != A]
    rig.clock.jump_to(NOW + timedelta(days=10))
    await rig.sync()
    await trio.sleep(61)
    assert rig.boards.listings.value[1] == Listing("delisted", FRIDAY)


async def test_bars_are_asked_for_with_an_overlap(rig: Rig) -> None:
    rig.broker.past[A] = bars(8)
    await begin(rig)
    await ask(rig, 1)
    await rig.settle()
    assert rig.broker.since == [None, FRIDAY - timedelta(days=4)]


async def test_without_new_bars_nobody_is_asked_to_score(rig: Rig) -> None:
    rig.broker.past[A] = bars(8)
    await begin(rig)
    await rig.system.nudges["score"].receive()
    await ask(rig, 1)
    assert await last_run(rig) == ("succeeded", "1 of 1 read")
    assert not rig.system.nudges["score"].waiting


async def test_a_series_on_another_basis_is_read_anew_as_a_whole(rig: Rig) -> None:
    rig.broker.past[A] = bars(8)
    await begin(rig)
    rig.broker.past[A] = bars(9, last=FRIDAY + timedelta(days=1), scale=2)
    await ask(rig, 1)
    await rig.settle()
    assert await closes(rig) == [50, 50, 51, 51, 52, 52, 53, 53, 54]
    assert rig.broker.since[-2:] == [FRIDAY - timedelta(days=4), None]


async def test_a_split_that_the_source_has_worked_in_is_no_other_basis(rig: Rig) -> None:
    """All prices are given in new shares now; raw they are what they were."""
    rig.broker.past[A] = bars(8)
    await begin(rig)
    rig.broker.split[A] = [Split(TODAY, Decimal(2))]
    rig.broker.adjusted_to = TODAY
    rig.broker.past[A] = bars(9, last=FRIDAY + timedelta(days=1), scale=2)
    await ask(rig, 1)
    await rig.settle()
    assert None not in rig.broker.since[1:]
    raw = await rig.store.bars.newest(1, 3)
    assert [bar.close_micro // 1_000_000 for bar in raw] == [106, 107, 108]


async def test_a_corrected_bar_is_no_other_basis(rig: Rig) -> None:
    rig.broker.past[A] = bars(8)
    await begin(rig)
    rig.broker.past[A][-2] = replace(rig.broker.past[A][-2], close_micro=90_000_000)
    await ask(rig, 1)
    await rig.settle()
    assert await closes(rig) == [100, 101, 102, 103, 104, 105, 90, 107]


async def test_a_stump_never_takes_the_place_of_a_history(rig: Rig) -> None:
    rig.broker.past[A] = bars(20)
    await begin(rig)
    rig.broker.past[A] = bars(6, first_close=114, scale=4)
    await ask(rig, 1)
    status, result = await last_run(rig)
    assert status == "failed"
    assert "only 6 bars came where 20 are stored" in str(result)
    assert len(await closes(rig)) == 20


async def test_what_makes_no_sense_is_not_stored(rig: Rig) -> None:
    rig.broker.past[A] = bars(3, last=TODAY + timedelta(days=2))
    await begin(rig)
    status, result = await last_run(rig)
    assert status == "failed"
    assert "a day to come" in str(result)
    assert await closes(rig) == []


async def test_rows_that_come_twice_and_in_another_order_are_put_right(rig: Rig) -> None:
    rig.broker.past[A] = [*bars(3)[::-1], *bars(3)]
    await begin(rig)
    assert await closes(rig) == [100, 101, 102]


async def test_a_security_that_fails_is_named_and_the_others_go_on(rig: Rig) -> None:
    rig.broker.past = {A: bars(3), B: bars(4)}
    rig.broker.broken[A] = MalformedAnswer("an error page came back")
    await begin(rig, B)
    assert await last_run(rig) == (
        "partial",
        f"1 of 2 read; {A}: an error page came back",
    )
    assert await closes(rig, 2) == [100, 101, 102, 103]
    assert rig.system.nudges["score"].waiting
    # Only what failed is tried again.
    del rig.broker.broken[A]
    rig.clock.jump_to(NOW + timedelta(minutes=16))
    await trio.sleep(RETRY_FLOOR_S + 1)
    assert await last_run(rig) == ("succeeded", "1 of 1 read")
    assert await closes(rig) == [100, 101, 102]


async def test_a_call_that_hangs_ends_at_its_deadline(rig: Rig) -> None:
    rig.broker.past = {A: bars(3)}
    rig.broker.hung = {"fundamentals"}
    await begin(rig)
    portfolio = rig.boards.portfolio.version
    await rig.sync()  # sync's own work is not held up
    assert rig.boards.portfolio.version == portfolio + 1
    await trio.sleep(CALL_S + 1)
    assert await last_run(rig) == ("failed", f"0 of 1 read; {A}: no answer in time")


async def test_a_broker_that_does_not_answer_ends_the_run_and_is_asked_again(rig: Rig) -> None:
    names = [f"DEMO-{letter}.EU" for letter in "BCDEF"]
    rig.broker.errors = {
        name: Unavailable("the line is down") for name in ("rates_since", "splits")
    }
    await begin(rig, *names)
    assert len(calls(rig)) == SILENT_AFTER
    status, result = await last_run(rig)
    assert status == "failed"
    assert str(result).endswith("the broker does not answer")
    rig.broker.errors.clear()
    rig.clock.jump_to(NOW + timedelta(minutes=16))
    await trio.sleep(RETRY_FLOOR_S + 1)
    assert await last_run(rig) == ("succeeded", "6 of 6 read")


async def test_rates_that_failed_are_read_again_when_nothing_else_is_due(rig: Rig) -> None:
    rig.broker.errors = {"rates_since": MalformedAnswer("an error page came back")}
    await begin(rig)
    assert (await last_run(rig))[0] == "partial"
    rig.broker.errors.clear()
    rig.clock.jump_to(NOW + timedelta(minutes=16))
    await trio.sleep(RETRY_FLOOR_S + 1)
    assert await last_run(rig) == ("succeeded", "0 of 0 read")


async def test_past_rates_fill_in_what_is_not_known_and_judge_nothing(rig: Rig) -> None:
    def rate(days_ago: int, value: str) -> Rate:
        return Rate("EUR", "USD", Decimal(value), TODAY - timedelta(days=days_ago), "ecb")

    rig.broker.past_rates = [
        rate(6, "1.3"),
        rate(5, "13"),  # a slip of the comma
        rate(4, "1.31"),
        rate(3, "1.32"),
        rate(0, "9"),  # sync believes another one of today
    ]
    await begin(rig)
    rig.broker.past[A] = bars(1)
    rig.broker.paying[A] = [ShareDividend(TODAY, None, Price.of("1", "USD"))]
    await ask(rig, 1)
    await rig.settle()
    rates = (await rig.store.bars.read([1])).rates["USD"]
    assert rates.values == "1.3,1.31,1.32,1.25"


async def test_rates_of_many_years_are_read_a_year_at_a_time_and_judged_as_one(rig: Rig) -> None:
    # Slips of the comma on the last day of a year that is read, and on the first of another.
    slips = (2 * RATE_DAYS, RATE_DAYS - 1)
    days_ago = range(3 * RATE_DAYS - 1, 0, -1)
    rig.broker.past_rates = [
        Rate("EUR", "USD", Decimal("13" if n in slips else "1.3"), TODAY - timedelta(n), "ecb")
        for n in days_ago
    ]
    await begin(rig)
    assert calls(rig).count("rates_since") == 3
    rates = (await rig.store.bars.rates(["USD"]))["USD"].values.split(",")
    assert "13" not in rates
    assert rates.count("1.3") == len(days_ago) - len(slips)


async def test_a_broker_that_goes_on_about_the_same_days_is_left(rig: Rig) -> None:
    old = Rate("EUR", "USD", Decimal("1.3"), TODAY - timedelta(days=2 * RATE_DAYS), "ecb")
    rig.broker.past_rates = [old]
    rig.broker.deaf_to_since = True
    await begin(rig)
    status, detail = await last_run(rig)
    assert status == "partial"
    assert f"rates up to {old.as_of} came for" in str(detail)


async def test_one_security_is_read_when_it_is_asked_for(rig: Rig) -> None:
    await begin(rig, B)
    before = len(calls(rig))
    rig.system.nudges["prices"].nudge(Nudge("asked by api", only=2))
    assert await last_run(rig) == ("succeeded", "1 of 1 read")
    assert calls(rig)[before:] == ["rates_since", *READS]
    assert (await rig.system.nudges["score"].receive()).only == 2


async def test_when_nothing_is_due_a_run_that_was_asked_for_is_skipped(rig: Rig) -> None:
    await begin(rig)
    before = len(calls(rig))
    rig.system.nudges["prices"].nudge(Nudge("asked by api"))
    status, result = await last_run(rig)
    assert (status, len(calls(rig))) == ("skipped", before)
    assert result == "every security was read since its last session"


async def test_requests_are_counted_once_and_bounded(rig: Rig) -> None:
    await begin(rig, B)
    rig.broker.hung = {"splits"}
    assert await ask(rig, 1) == 1
    await rig.settle()  # it is being read, and never will be
    assert [await ask(rig, 2), await ask(rig, 2, 1), await ask(rig, 1)] == [1, 2, 2]
    with pytest.raises(Missing):
        await ask(rig, 3)


async def test_too_many_requests_are_refused(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.history.MOST_ASKED", 1)
    await begin(rig, B)
    with pytest.raises(Busy):
        await ask(rig, 1, 2)


async def test_what_the_broker_does_not_know_is_asked_for_again_after_the_next_session(
    rig: Rig,
) -> None:
    await begin(rig, B)
    rig.broker.listed = rig.broker.listed[:1]
    rig.clock.jump_to(TONIGHT)
    await trio.sleep(1)
    assert await last_run(rig) == ("partial", f"1 of 2 read; {B}: {B} is not listed")
    before = len(calls(rig))
    rig.clock.jump_to(TONIGHT + timedelta(hours=2))
    await trio.sleep(RETRY_FLOOR_S + 61)
    assert calls(rig)[before:] == ["rates_since"]
