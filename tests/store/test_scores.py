"""Scores as stored: a refresh is whole, nothing of a score is lost, and history holds changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from ledger.score import PastScore, Score, Scores
from store.engine import Tx, scalar
from store.store import Store

DAY = date(2026, 3, 2)


def score(security_id: int = 1, **changes: Any) -> Score:
    given = Score(
        security_id=security_id,
        symbol=f"S{security_id}.EU",
        total=0.6123456789,
        coverage=0.75,
        groups={"long_term": 0.7, "opinion": None},
        parts={"long_term": {"cagr": 0.9, "sortino": None}},
        metrics={"CAGR_5Y": 0.1 + 0.2, "DIVIDEND_YIELD": 0.0, "PE_RATIO": None},
        history_years=9.75,
        last_bar=DAY,
    )
    return replace(given, **changes)


def refresh(*scores: Score, day: date = DAY) -> Scores:
    return Scores(day, {one.security_id: one for one in scores})


def days(past: list[PastScore]) -> list[date]:
    return [one.day for one in past]


async def test_what_was_put_comes_back_to_the_last_bit(store: Store) -> None:
    given = refresh(score(1), score(2, total=None, last_bar=None, reason="there are no bars of it"))
    assert await store.scores.newest() is None
    await store.scores.put(given)
    assert await store.scores.newest() == given


async def test_a_refresh_replaces_the_one_before_with_all_it_holds(inline_store: Store) -> None:
    await inline_store.scores.put(refresh(score(1), score(2)))
    later = refresh(score(2, total=0.5), day=DAY + timedelta(days=1))
    await inline_store.scores.put(later)
    assert await inline_store.scores.newest() == later
    assert days(await inline_store.scores.history(1)) == [DAY]


async def test_history_holds_a_row_per_day_of_change_newest_first(inline_store: Store) -> None:
    for offset, total in enumerate([0.6, 0.6, 0.7, 0.7, 0.6]):
        given = refresh(score(total=total), day=DAY + timedelta(days=offset))
        await inline_store.scores.put(given)
    past = await inline_store.scores.history(1)
    assert [(one.day, one.total) for one in past] == [
        (DAY + timedelta(days=4), 0.6),
        (DAY + timedelta(days=2), 0.7),
        (DAY, 0.6),
    ]
    assert past[-1].coverage == 0.75
    assert past[-1].groups == {"long_term": 0.7, "opinion": None}
    assert days(await inline_store.scores.history(1, limit=1)) == [DAY + timedelta(days=4)]


async def test_a_second_refresh_of_a_day_leaves_one_row_and_none_without_a_change(
    inline_store: Store,
) -> None:
    await inline_store.scores.put(refresh(score(total=0.6)))
    next_day = DAY + timedelta(days=1)
    await inline_store.scores.put(refresh(score(total=0.8), day=next_day))
    await inline_store.scores.put(refresh(score(total=0.7), day=next_day))
    past = await inline_store.scores.history(1)
    assert [(one.day, one.total) for one in past] == [(next_day, 0.7), (DAY, 0.6)]
    await inline_store.scores.put(refresh(score(total=0.6), day=next_day))
    assert days(await inline_store.scores.history(1)) == [DAY]


async def test_the_same_scores_again_write_nothing(inline_store: Store) -> None:
    given = refresh(score(1), score(2))
    await inline_store.scores.put(given)

    async def changes() -> int:
        async def work(tx: Tx) -> int:
            return await scalar(tx, "SELECT total_changes()")

        return await inline_store.prices.transaction(work)

    before = await changes()
    await inline_store.scores.put(given)
    assert await changes() == before
    await inline_store.scores.put(refresh(score(1), score(2, total=0.1)))
    assert await changes() == before + 2


async def test_losing_its_score_is_a_change(inline_store: Store) -> None:
    await inline_store.scores.put(refresh(score()))
    gone = score(total=None, coverage=0.0, groups={}, reason="its last bar is too old")
    await inline_store.scores.put(refresh(gone, day=DAY + timedelta(days=1)))
    past = await inline_store.scores.history(1)
    assert [one.total for one in past] == [None, 0.612346]
