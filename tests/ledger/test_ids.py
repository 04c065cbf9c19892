"""Identifiers rise with time; a tag rises even when the clock does not."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BadData
from ledger.ids import TAG_LIMIT, next_client_order_id, ulid, uuid4

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
instants = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001 — the strategy adds the zone
    datetime(9999, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(st.lists(instants, min_size=1, max_size=30))
def test_tags_rise_strictly_however_the_clock_steps(clock: list[datetime]) -> None:
    tags = [0]
    for at in clock:
        tags.append(next_client_order_id(tags[-1], at))
    assert all(before < after for before, after in pairwise(tags))
    assert tags[-1] < TAG_LIMIT


def test_a_tag_counts_thousandths_since_2024_and_leaves_room_within_a_second() -> None:
    at = EPOCH + timedelta(seconds=90, milliseconds=700)
    first = next_client_order_id(0, at)
    assert first == 90_000
    assert next_client_order_id(first, at) == 90_001


def test_a_tag_is_exact_where_numbers_are_doubles() -> None:
    with pytest.raises(BadData):
        next_client_order_id(TAG_LIMIT - 1, EPOCH)
    assert next_client_order_id(TAG_LIMIT - 2, EPOCH) == TAG_LIMIT - 1


@given(instants, instants, st.integers())
def test_ulids_sort_as_the_milliseconds_they_were_made_in(
    a: datetime, b: datetime, seed: int
) -> None:
    rng = random.Random(seed)
    first, second = sorted((a, b))
    older, newer = ulid(first, rng), ulid(second, rng)
    if second - first >= timedelta(milliseconds=1):
        assert older < newer
    assert older[:10] <= newer[:10]


@given(instants, st.integers())
def test_a_ulid_is_26_unambiguous_characters(at: datetime, seed: int) -> None:
    made = ulid(at, random.Random(seed))
    assert len(made) == 26
    assert set(made) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert made[0] <= "7"


def test_ulids_of_one_millisecond_differ_and_one_seed_repeats_them() -> None:
    rng = random.Random(1)
    made = [ulid(EPOCH, rng) for _ in range(100)]
    assert len(set(made)) == 100
    again = random.Random(1)
    assert made == [ulid(EPOCH, again) for _ in range(100)]


def test_uuids_of_two_lives_with_the_same_seed_differ() -> None:
    first, second = (uuid4(EPOCH + timedelta(hours=n), random.Random(1)) for n in (0, 1))
    assert first != second
    assert [uuid.UUID(one).version for one in (first, second)] == [4, 4]
    assert uuid4(EPOCH, random.Random(1)) == first
