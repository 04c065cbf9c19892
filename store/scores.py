"""Scores as the planner made them last, and how they came to be. Written by the planner alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import msgspec

from ledger.score import PastScore, Score, Scores
from store.codec import from_json, to_json
from store.engine import Engine, Row, Tx, Value

_MICRO = 1_000_000
# More than any chart shows: one row per day on which something changed.
HISTORY_LIMIT = 3_650

_PUT = """
INSERT INTO score (security_id, day, payload) VALUES (:security_id, :day, :payload)
ON CONFLICT (security_id) DO UPDATE SET day = excluded.day, payload = excluded.payload
WHERE day <> excluded.day OR payload <> excluded.payload
"""
_FORGET_OTHERS = "DELETE FROM score WHERE security_id NOT IN (SELECT value FROM json_each(?))"
_PUT_HISTORY = """
INSERT INTO score_history (security_id, day, total_micro, coverage_micro, groups)
VALUES (:security_id, :day, :total, :coverage, :groups)
ON CONFLICT (security_id, day) DO UPDATE SET total_micro = excluded.total_micro,
    coverage_micro = excluded.coverage_micro, groups = excluded.groups
WHERE total_micro IS NOT excluded.total_micro OR coverage_micro <> excluded.coverage_micro
    OR groups <> excluded.groups
"""
# With max() the other columns come from the row that holds the maximum.
_BEFORE = """
SELECT security_id, max(day) AS day, total_micro, coverage_micro, groups FROM score_history
WHERE day < ? GROUP BY security_id
"""
_FORGET_SAME = "DELETE FROM score_history WHERE security_id = ? AND day = ?"
_HISTORY = """
SELECT day, total_micro, coverage_micro, groups FROM score_history
WHERE security_id = ? ORDER BY day DESC LIMIT ?
"""


class _Payload(msgspec.Struct, frozen=True):
    """A Score as it is stored."""

    security_id: int
    symbol: str
    total: float | None
    coverage: float
    groups: dict[str, float | None]
    parts: dict[str, dict[str, float | None]]
    metrics: dict[str, float | None]
    history_years: float | None
    last_bar: date | None
    reason: str | None


class ScoreStore:
    """Over the market file: scores can be computed again from what is in there."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def put(self, scores: Scores) -> None:
        """Keep the scores of a whole refresh, all or none; securities not in it have none any more.

        What is there already is not written again, and a day's row of the history only when it
        differs from the one before.
        """
        day = scores.as_of.toordinal()
        rows = [_values(score, day) for score in scores.by_id.values()]

        async def work(tx: Tx) -> None:
            await tx.execute(_FORGET_OTHERS, (to_json([row["security_id"] for row in rows]),))
            await tx.execute_many(_PUT, rows)
            before = {row["security_id"]: _shown(row) for row in await tx.all(_BEFORE, (day,))}
            changed, same = _split(rows, before)
            await tx.execute_many(_PUT_HISTORY, changed)
            await tx.execute_many(_FORGET_SAME, ((row["security_id"], day) for row in same))

        await self._engine.transaction(work)

    async def newest(self) -> Scores | None:
        """The scores of the last refresh; None before the first."""
        rows = await self._engine.read(lambda tx: tx.all("SELECT day, payload FROM score"))
        if not rows:
            return None
        as_of = date.fromordinal(max(row["day"] for row in rows))
        found = (_score_of(row["payload"]) for row in rows)
        return Scores(as_of, {score.security_id: score for score in found})

    async def history(self, security_id: int, *, limit: int = HISTORY_LIMIT) -> list[PastScore]:
        """The changes of one security's score, newest first."""
        count = max(0, min(limit, HISTORY_LIMIT))
        rows = await self._engine.read(lambda tx: tx.all(_HISTORY, (security_id, count)))
        return [_past_of(row) for row in rows]


def _split(
    rows: Iterable[Mapping[str, Value]], before: Mapping[Any, tuple[Value, ...]]
) -> tuple[list[Mapping[str, Value]], list[Mapping[str, Value]]]:
    """What changed since the day before, and what did not."""
    changed: list[Mapping[str, Value]] = []
    same: list[Mapping[str, Value]] = []
    for row in rows:
        shown = (row["total"], row["coverage"], row["groups"])
        (same if before.get(row["security_id"]) == shown else changed).append(row)
    return changed, same


def _values(score: Score, day: int) -> dict[str, Value]:
    groups = {name: _micro(value) for name, value in sorted(score.groups.items())}
    return {
        "security_id": score.security_id,
        "day": day,
        "payload": to_json(_payload(score)),
        "total": _micro(score.total),
        "coverage": _micro(score.coverage),
        "groups": to_json(groups),
    }


def _payload(score: Score) -> _Payload:
    return _Payload(
        security_id=score.security_id,
        symbol=score.symbol,
        total=score.total,
        coverage=score.coverage,
        groups=dict(score.groups),
        parts={name: dict(parts) for name, parts in score.parts.items()},
        metrics=dict(score.metrics),
        history_years=score.history_years,
        last_bar=score.last_bar,
        reason=score.reason,
    )


def _score_of(text: str) -> Score:
    return Score(**msgspec.structs.asdict(from_json(text, _Payload)))


def _shown(row: Row) -> tuple[Value, ...]:
    return (row["total_micro"], row["coverage_micro"], row["groups"])


def _past_of(row: Row) -> PastScore:
    groups = from_json(row["groups"], dict[str, int | None])
    return PastScore(
        day=date.fromordinal(row["day"]),
        total=_share(row["total_micro"]),
        coverage=row["coverage_micro"] / _MICRO,
        groups={name: _share(value) for name, value in groups.items()},
    )


def _micro(value: float | None) -> int | None:
    return None if value is None else round(value * _MICRO)


def _share(value: int | None) -> float | None:
    return None if value is None else value / _MICRO
