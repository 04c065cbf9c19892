"""Errors outlive the ticker, sources clear only themselves, and lamps are derived."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.display_pools import (
    BLUE,
    BUY_BLUE,
    DARK,
    DIM_GREEN,
    GREEN,
    MAX_ENTRIES,
    MAX_TEXT_CHARACTERS,
    NOTHING,
    RED,
    SELL_ORANGE,
    Activity,
    Pool,
    Pools,
    Work,
    clean,
    clear_entry,
    clear_pool,
    close_run,
    end_run,
    expire,
    lamp_colours,
    next_expiry,
    open_run,
    set_entry,
    shown,
)

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


def at(seconds: int) -> datetime:
    return START + timedelta(seconds=seconds)


def say(
    pools: Pools, pool: Pool, source: str, text: str, *, second: int = 0, until: int | None = None
) -> Pools:
    expires_at = None if until is None else at(until)
    return set_entry(pools, pool, source=source, text=text, now=at(second), expires_at=expires_at)


def text_of(pools: Pools, second: int = 0) -> str:
    return shown(pools, now=at(second)).text


def test_nothing_said_is_nothing_shown() -> None:
    assert shown(Pools(), now=START) == NOTHING


def test_an_error_outlives_the_next_ticker_text() -> None:
    pools = say(Pools(), Pool.ERROR, "sync", "PORTFOLIO SYNC FAILED")
    pools = say(pools, Pool.PROCESSING, "planner", "GETTING RECOMMENDATION...", second=1)
    pools = say(pools, Pool.NEXT_ACTIONS, "ticker", "CASH €5", second=2)
    assert text_of(pools) == "PORTFOLIO SYNC FAILED"
    pools = clear_entry(pools, Pool.ERROR, source="sync")
    assert text_of(pools) == "GETTING RECOMMENDATION..."
    pools = clear_entry(pools, Pool.PROCESSING, source="planner")
    assert text_of(pools) == "CASH €5"


def test_a_source_clears_only_its_own_error() -> None:
    pools = say(Pools(), Pool.ERROR, "sync", "BROKER CONNECTION FAILED")
    pools = say(pools, Pool.ERROR, "backup", "BACKUP FAILED", second=5)
    assert text_of(pools) == "BACKUP FAILED (+1)"
    assert text_of(clear_entry(pools, Pool.ERROR, source="backup")) == "BROKER CONNECTION FAILED"
    assert clear_entry(pools, Pool.ERROR, source="unknown") is pools


def test_the_same_error_again_keeps_its_first_instant_and_its_place() -> None:
    pools = say(Pools(), Pool.ERROR, "sync", "PRICE SYNC FAILED")
    pools = say(pools, Pool.ERROR, "backup", "BACKUP FAILED", second=5)
    pools = say(pools, Pool.ERROR, "sync", "PRICE SYNC FAILED", second=60)
    assert text_of(pools) == "BACKUP FAILED (+1)"
    assert [entry.since for entry in pools.error] == [at(0), at(5)]


def test_another_error_of_the_same_source_is_a_new_one() -> None:
    pools = say(Pools(), Pool.ERROR, "sync", "PRICE SYNC FAILED")
    pools = say(pools, Pool.ERROR, "sync", "BROKER CONNECTION FAILED", second=9)
    assert shown(pools, now=at(9)).since == at(9)
    assert len(pools.error) == 1


def test_an_error_that_expired_and_returns_starts_anew() -> None:
    pools = say(Pools(), Pool.ERROR, "manual", "HELLO", until=10)
    pools = say(pools, Pool.ERROR, "manual", "HELLO", second=20)
    assert shown(pools, now=at(20)).since == at(20)


def test_acknowledging_empties_the_error_pool_only() -> None:
    pools = say(Pools(), Pool.ERROR, "sync", "PRICE SYNC FAILED")
    pools = say(pools, Pool.NEXT_ACTIONS, "ticker", "CASH €5")
    assert text_of(clear_pool(pools, Pool.ERROR)) == "CASH €5"


def test_a_run_takes_its_texts_with_it() -> None:
    pools = set_entry(
        Pools(),
        Pool.PROCESSING,
        source="sync.prices",
        text="SYNCING PRICES...",
        now=START,
        run_id="r1",
    )
    pools = set_entry(
        pools, Pool.PROCESSING, source="planner", text="EVALUATING...", now=START, run_id="r2"
    )
    assert text_of(end_run(pools, run_id="r2")) == "SYNCING PRICES..."
    assert text_of(end_run(end_run(pools, run_id="r2"), run_id="r1")) == ""


def test_a_text_with_a_term_goes_by_itself() -> None:
    pools = say(Pools(), Pool.NEXT_ACTIONS, "manual", "HELLO", until=60)
    assert text_of(pools, 59) == "HELLO"
    assert text_of(pools, 60) == ""
    assert next_expiry(pools) == at(60)
    assert expire(pools, now=at(60)) == Pools()
    assert expire(pools, now=at(59)) is pools
    assert next_expiry(Pools()) is None


def test_an_empty_text_takes_the_entry_back() -> None:
    pools = say(Pools(), Pool.NEXT_ACTIONS, "ticker", "CASH €5")
    assert say(pools, Pool.NEXT_ACTIONS, "ticker", "\n") == Pools()


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [("A\x1b[31mB", "A [31mB"), ("  A\r\n B ", "A B"), ("x" * 500, "x" * MAX_TEXT_CHARACTERS)],
)
def test_texts_are_made_fit_for_one_line(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


def test_a_pool_is_bounded_and_keeps_the_newest() -> None:
    pools = Pools()
    for number in range(MAX_ENTRIES + 5):
        pools = say(pools, Pool.ERROR, f"job{number}", "FAILED", second=number)
    assert len(pools.error) == MAX_ENTRIES
    assert pools.error[-1].source == f"job{MAX_ENTRIES + 4}"


steps = st.lists(
    st.tuples(
        st.sampled_from(Pool),
        st.sampled_from("abc"),
        st.sampled_from(["", "ONE", "TWO", "THREE"]),
        st.none() | st.integers(1, 5),
    ),
    max_size=25,
)


@given(steps=steps)
def test_the_shown_text_is_always_the_highest_live_entry(
    steps: list[tuple[Pool, str, str, int | None]],
) -> None:
    pools = Pools()
    said: dict[tuple[Pool, str], tuple[str, int, int | None]] = {}
    for second, (pool, source, text, term) in enumerate(steps):
        until = None if term is None else second + term
        pools = say(pools, pool, source, text, second=second, until=until)
        before = said.pop((pool, source), None)
        if text:
            is_same = before is not None and before[0] == text and _lives(before[2], second)
            since = before[1] if before is not None and is_same else second
            said[pool, source] = (text, since, until)
        assert text_of(pools, second) == _expected(said, second)
        assert expire(pools, now=at(second)) == expire(pools, now=at(second))
        assert text_of(expire(pools, now=at(second)), second) == text_of(pools, second)


def _lives(until: int | None, second: int) -> bool:
    return until is None or second < until


def _expected(said: dict[tuple[Pool, str], tuple[str, int, int | None]], second: int) -> str:
    for pool in (Pool.ERROR, Pool.PROCESSING, Pool.NEXT_ACTIONS):
        live = [
            (since, text)
            for (where, _), (text, since, until) in said.items()
            if where is pool and _lives(until, second)
        ]
        if live:
            more = f" (+{len(live) - 1})" if pool is Pool.ERROR and len(live) > 1 else ""
            return max(live)[1] + more
    return ""


def test_led3_tells_of_the_sync() -> None:
    idle = Activity()
    syncing = open_run(idle, Work.SYNC, run_id="r1")
    failed = Activity(sync_runs=frozenset({"r1"}), sync_errors=frozenset({"prices"}))
    colours = [lamp_colours(one, beat=0).led3 for one in (idle, syncing, failed)]
    assert colours == [DIM_GREEN, BLUE, RED]


def test_two_open_runs_need_two_ends() -> None:
    activity = open_run(Activity(), Work.SYNC, run_id="r1")
    activity = open_run(open_run(activity, Work.SYNC, run_id="r2"), Work.SYNC, run_id="r1")
    activity = close_run(activity, run_id="r1")
    assert lamp_colours(activity, beat=0).led3 == BLUE
    assert lamp_colours(close_run(activity, run_id="r2"), beat=0).led3 == DIM_GREEN


def test_led4_tells_of_trading_trouble_first() -> None:
    busy = open_run(Activity(has_pending_buy=True), Work.TRADING, run_id="r1")
    assert lamp_colours(busy, beat=1).led4 == GREEN
    for trouble in (Activity(is_halted=True), Activity(has_failed_order=True)):
        halted = open_run(trouble, Work.TRADING, run_id="r1")
        assert lamp_colours(halted, beat=1).led4 == RED


@pytest.mark.parametrize(
    ("buy", "sell", "even", "odd"),
    [
        (False, False, DARK, DARK),
        (True, False, DARK, BUY_BLUE),
        (False, True, DARK, SELL_ORANGE),
        (True, True, SELL_ORANGE, BUY_BLUE),
    ],
)
def test_pending_orders_blink(
    buy: bool, sell: bool, even: tuple[int, int, int], odd: tuple[int, int, int]
) -> None:
    activity = Activity(has_pending_buy=buy, has_pending_sell=sell)
    assert [lamp_colours(activity, beat=beat).led4 for beat in (10, 11)] == [even, odd]
