"""Configurations of the planner with their past. Written by the planner's desk.

Every change is one transaction that checks the version it was decided on; what was there before
goes into the history first. A bucket has one configuration at most.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.errors import Conflict, Missing
from ledger.planner_config import PastConfig, StoredConfig
from store.codec import from_ms, to_ms
from store.engine import Engine, Row, Tx

KEPT = 500
"""Past versions kept of one configuration."""

_INSERT = """
INSERT INTO planner_config (config_id, name, toml, bucket_id, version, text_hash, applied_hash,
    applied_toml, created_ms, updated_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
# What the bucket plans by goes with the bucket.
_UPDATE = """
UPDATE planner_config SET name = :name, toml = :toml, text_hash = :text_hash,
    version = version + 1, updated_ms = :at,
    applied_hash = CASE WHEN bucket_id IS :bucket THEN applied_hash END,
    applied_toml = CASE WHEN bucket_id IS :bucket THEN applied_toml END,
    bucket_id = :bucket
WHERE config_id = :id
"""
_REMEMBER = """
INSERT INTO planner_config_history (history_id, config_id, version, name, toml, text_hash, summary,
    saved_ms)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_FORGET = "DELETE FROM planner_config_history WHERE config_id = ? AND version <= ?"
_HISTORY = "SELECT * FROM planner_config_history WHERE config_id = ? ORDER BY version DESC"


@dataclass(frozen=True, slots=True)
class AppliedText:
    """The text a bucket plans by; it may be older than that of its configuration."""

    bucket_id: str
    config_id: str
    text_hash: str
    toml: str


class PlannerConfigs:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def all(self) -> tuple[StoredConfig, ...]:
        """By name."""
        rows = await self._engine.read(
            lambda tx: tx.all("SELECT * FROM planner_config ORDER BY name, config_id")
        )
        return tuple(_config_of(row) for row in rows)

    async def get(self, config_id: str) -> StoredConfig:
        """Raises Missing."""
        return await self._engine.read(lambda tx: _config(tx, config_id))

    async def history(self, config_id: str) -> tuple[PastConfig, ...]:
        """The versions that were replaced, newest first. Raises Missing for the configuration."""

        async def work(tx: Tx) -> tuple[PastConfig, ...]:
            await _config(tx, config_id)
            return tuple(_past_of(row) for row in await tx.all(_HISTORY, (config_id,)))

        return await self._engine.read(work)

    async def applied(self) -> tuple[AppliedText, ...]:
        """What every bucket plans by that had a configuration applied, by bucket."""
        rows = await self._engine.read(
            lambda tx: tx.all(
                "SELECT * FROM planner_config WHERE bucket_id IS NOT NULL"
                " AND applied_toml IS NOT NULL ORDER BY bucket_id"
            )
        )
        return tuple(
            AppliedText(r["bucket_id"], r["config_id"], r["applied_hash"], r["applied_toml"])
            for r in rows
        )

    async def create(
        self,
        config_id: str,
        *,
        name: str,
        toml: str,
        text_hash: str,
        bucket_id: str | None,
        at: datetime,
        applied: bool = False,
    ) -> StoredConfig:
        """Keep a new configuration, in force at once when `applied`.

        Raises Missing for an unknown bucket, Conflict `bucket_taken`.
        """
        now, in_force = to_ms(at), applied and bucket_id is not None
        running = (text_hash, toml) if in_force else (None, None)
        values = (config_id, name, toml, bucket_id, 1, text_hash, *running, now, now)

        async def work(tx: Tx) -> StoredConfig:
            await _check_bucket(tx, bucket_id, config_id)
            await tx.execute(_INSERT, values)
            return await _config(tx, config_id)

        return await self._engine.transaction(work)

    async def update(
        self,
        before: StoredConfig,
        *,
        name: str,
        toml: str,
        text_hash: str,
        bucket_id: str | None,
        history_id: str,
        summary: str,
        at: datetime,
    ) -> StoredConfig:
        """Replace what is still as `before` says; `summary` tells what changes.

        The applied text stays, unless the bucket is another one. Raises Missing for the
        configuration or an unknown bucket, Conflict `stale_version` and `bucket_taken`.
        """
        saved = to_ms(at)
        params = {
            "id": before.config_id, "name": name, "toml": toml, "text_hash": text_hash,
            "bucket": bucket_id, "at": saved,
        }  # fmt: skip

        async def work(tx: Tx) -> StoredConfig:
            now = await _unchanged(tx, before)
            await _check_bucket(tx, bucket_id, now.config_id)
            past = (now.name, now.toml, now.text_hash, summary, saved)
            await tx.execute(_REMEMBER, (history_id, now.config_id, now.version, *past))
            await tx.execute(_FORGET, (now.config_id, now.version - KEPT))
            await tx.execute(_UPDATE, params)
            return await _config(tx, now.config_id)

        return await self._engine.transaction(work)

    async def apply(self, before: StoredConfig) -> StoredConfig:
        """Let its bucket plan by its text, which is still as `before` says.

        Raises Missing, Conflict `stale_version`.
        """

        async def work(tx: Tx) -> StoredConfig:
            now = await _unchanged(tx, before)
            await tx.execute(
                "UPDATE planner_config SET applied_hash = text_hash, applied_toml = toml"
                " WHERE config_id = ?",
                (now.config_id,),
            )
            return await _config(tx, now.config_id)

        return await self._engine.transaction(work)

    async def delete(self, before: StoredConfig) -> None:
        """With its history. Raises Missing, Conflict `stale_version`."""

        async def work(tx: Tx) -> None:
            now = await _unchanged(tx, before)
            await tx.execute("DELETE FROM planner_config WHERE config_id = ?", (now.config_id,))

        await self._engine.transaction(work)


async def _config(tx: Tx, config_id: str) -> StoredConfig:
    row = await tx.one("SELECT * FROM planner_config WHERE config_id = ?", (config_id,))
    if row is None:
        raise Missing(f"there is no planner configuration {config_id}")
    return _config_of(row)


async def _unchanged(tx: Tx, before: StoredConfig) -> StoredConfig:
    now = await _config(tx, before.config_id)
    if now.version != before.version:
        text = f"the configuration is at version {now.version}, not {before.version} any more"
        raise Conflict(text, code="stale_version")
    return now


async def _check_bucket(tx: Tx, bucket_id: str | None, config_id: str) -> None:
    if bucket_id is None:
        return
    if await tx.one("SELECT 1 FROM bucket WHERE bucket_id = ?", (bucket_id,)) is None:
        raise Missing(f"there is no bucket {bucket_id}")
    other = await tx.one(
        "SELECT name FROM planner_config WHERE bucket_id = ? AND config_id <> ?",
        (bucket_id, config_id),
    )
    if other is not None:
        text = f"{bucket_id} is planned by {other['name']!r}; take its bucket away first"
        raise Conflict(text, code="bucket_taken")


def _config_of(row: Row) -> StoredConfig:
    return StoredConfig(
        config_id=row["config_id"],
        name=row["name"],
        toml=row["toml"],
        bucket_id=row["bucket_id"],
        version=row["version"],
        text_hash=row["text_hash"],
        applied_hash=row["applied_hash"],
        created_at=from_ms(row["created_ms"]),
        updated_at=from_ms(row["updated_ms"]),
    )


def _past_of(row: Row) -> PastConfig:
    return PastConfig(
        history_id=row["history_id"],
        config_id=row["config_id"],
        version=row["version"],
        name=row["name"],
        toml=row["toml"],
        text_hash=row["text_hash"],
        summary=row["summary"],
        saved_at=from_ms(row["saved_ms"]),
    )
