"""Configurations of the planner: versions, history, one for each bucket, and what is applied."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ledger.errors import Conflict, Missing
from ledger.planner_config import StoredConfig
from store import planner_configs
from store.planner_configs import AppliedText
from store.store import Store
from tests.store.builders import NOW

LATER = NOW + timedelta(hours=1)


async def created(
    store: Store,
    config_id: str = "c1",
    *,
    name: str = "Mine",
    bucket_id: str | None = None,
    applied: bool = False,
) -> StoredConfig:
    return await store.planner_configs.create(
        config_id,
        name=name,
        toml=f"# {config_id}",
        text_hash=f"hash-{config_id}",
        bucket_id=bucket_id,
        at=NOW,
        applied=applied,
    )


async def updated(
    store: Store,
    before: StoredConfig,
    *,
    toml: str | None = None,
    bucket_id: str | None = "as before",
    history_id: str | None = None,
) -> StoredConfig:
    return await store.planner_configs.update(
        before,
        name=before.name,
        toml=before.toml if toml is None else toml,
        text_hash=before.text_hash if toml is None else f"hash of {toml}",
        bucket_id=before.bucket_id if bucket_id == "as before" else bucket_id,
        history_id=history_id or f"{before.config_id}-{before.version}",
        summary=f"change {before.version}",
        at=LATER,
    )


async def add_bucket(store: Store, bucket_id: str) -> None:
    await store.ledger.write(
        "INSERT INTO bucket (bucket_id, name, status) VALUES (?, ?, 'active')",
        (bucket_id, bucket_id.title()),
    )


async def test_a_configuration_comes_back_as_it_was_kept(store: Store) -> None:
    made = await created(store, bucket_id="core")
    assert made == StoredConfig("c1", "Mine", "# c1", "core", 1, "hash-c1", None, NOW, NOW)
    assert await store.views.planner_config("c1") == made
    assert not made.applied


async def test_they_are_listed_by_name(store: Store) -> None:
    for config_id, name in (("1", "Zebra"), ("2", "Aardvark"), ("3", "Moose")):
        await created(store, config_id, name=name)
    assert [one.name for one in await store.views.planner_configs()] == [
        "Aardvark",
        "Moose",
        "Zebra",
    ]


async def test_what_is_not_there_is_missing(store: Store) -> None:
    gone = await created(store)
    await store.planner_configs.delete(gone)
    with pytest.raises(Missing, match="configuration c1"):
        await store.views.planner_config("c1")
    with pytest.raises(Missing):
        await store.views.planner_config_history("c1")
    with pytest.raises(Missing):
        await store.planner_configs.apply(gone)
    with pytest.raises(Missing):
        await store.planner_configs.delete(gone)
    with pytest.raises(Missing):
        await updated(store, gone)
    with pytest.raises(Missing, match="bucket nowhere"):
        await created(store, bucket_id="nowhere")


async def test_a_bucket_has_one_configuration(store: Store) -> None:
    await created(store, "c1", bucket_id="core")
    with pytest.raises(Conflict, match="Mine") as caught:
        await created(store, "c2", bucket_id="core")
    assert caught.value.code == "bucket_taken"
    other = await created(store, "c2")
    with pytest.raises(Conflict) as caught:
        await updated(store, other, bucket_id="core")
    assert caught.value.code == "bucket_taken"
    assert await store.planner_configs.get("c2") == other
    assert await store.planner_configs.history("c2") == ()


async def test_every_change_leaves_what_was_before_in_the_history_newest_first(
    store: Store,
) -> None:
    first = await created(store)
    second = await updated(store, first, toml="two")
    third = await updated(store, second, bucket_id="core")
    assert (second.version, third.version) == (2, 3)
    assert (third.toml, third.bucket_id, third.updated_at) == ("two", "core", LATER)
    assert third.created_at == NOW
    past = await store.views.planner_config_history("c1")
    assert [(one.version, one.toml, one.summary) for one in past] == [
        (2, "two", "change 2"),
        (1, "# c1", "change 1"),
    ]
    assert [(one.text_hash, one.saved_at) for one in past] == [
        ("hash of two", LATER),
        ("hash-c1", LATER),
    ]


async def test_a_change_decided_on_an_older_version_is_refused_whole(store: Store) -> None:
    first = await created(store, bucket_id="core")
    second = await updated(store, first, toml="two")
    for attempt in (
        updated(store, first, toml="three", history_id="other"),
        store.planner_configs.apply(first),
        store.planner_configs.delete(first),
    ):
        with pytest.raises(Conflict, match="version 2") as caught:
            await attempt
        assert caught.value.code == "stale_version"
    assert await store.planner_configs.get("c1") == second
    assert len(await store.planner_configs.history("c1")) == 1


async def test_the_applied_text_runs_on_until_the_next_one_is_applied(store: Store) -> None:
    configs = store.planner_configs
    first = await created(store, bucket_id="core")
    assert await configs.applied() == ()
    applied = await configs.apply(first)
    assert applied.applied
    assert applied.version == 1
    second = await updated(store, applied, toml="two")
    assert not second.applied
    assert await configs.applied() == (AppliedText("core", "c1", "hash-c1", "# c1"),)
    await configs.apply(second)
    assert await configs.applied() == (AppliedText("core", "c1", "hash of two", "two"),)


async def test_what_was_applied_goes_with_the_bucket(store: Store) -> None:
    configs = store.planner_configs
    await add_bucket(store, "sat")
    made = await created(store, bucket_id="core", applied=True)
    assert made.applied
    moved = await updated(store, made, bucket_id="sat")
    assert moved.applied_hash is None
    assert await configs.applied() == ()
    back = await updated(store, await configs.apply(moved), bucket_id=None)
    assert (back.bucket_id, back.applied_hash) == (None, None)


async def test_a_configuration_without_a_bucket_is_never_in_force(store: Store) -> None:
    assert (await created(store, applied=True)).applied_hash is None
    assert await store.planner_configs.applied() == ()


async def test_the_history_goes_with_its_configuration(store: Store) -> None:
    kept = await updated(store, await created(store, "c1"), toml="two")
    gone = await updated(store, await created(store, "c2"), toml="two")
    await store.planner_configs.delete(gone)
    rows = await store.ledger.read(
        lambda tx: tx.all("SELECT config_id FROM planner_config_history")
    )
    assert [row["config_id"] for row in rows] == ["c1"]
    assert await store.planner_configs.all() == (kept,)


async def test_the_oldest_versions_go(inline_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planner_configs, "KEPT", 2)
    config = await created(inline_store)
    for number in range(5):
        config = await updated(inline_store, config, toml=str(number))
    past = await inline_store.planner_configs.history("c1")
    assert [one.version for one in past] == [5, 4]
