"""Deposits: every minor unit goes to exactly one bucket, whatever is known about them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.bucket import Bucket, BucketStatus
from ledger.cash_flow import Arrival
from ledger.money import Money
from policy.deposits import BucketNeed, allocate, divide, take_back

BUDGET = Decimal("0.30")
STATUSES: tuple[BucketStatus, ...] = (
    "research", "accumulating", "active", "hibernating", "paused", "retired",
)  # fmt: skip


def need(
    bucket: str, value: int | None, target: str | None = None, status: BucketStatus = "active"
) -> BucketNeed:
    money = None if value is None else Money(value, "EUR")
    return BucketNeed(bucket, status, None if target is None else Decimal(target), money)


def parts(deposit: int, *buckets: BucketNeed, budget: Decimal = BUDGET) -> dict[str, int]:
    return dict(allocate(Money(deposit, "EUR"), buckets, satellite_budget=budget))


def test_without_satellites_everything_goes_to_core() -> None:
    assert parts(100_00, need("core", 0)) == {"core": 100_00}
    assert parts(100_00, need("core", 50_00), budget=Decimal(0)) == {"core": 100_00}


def test_core_is_filled_up_first() -> None:
    assert parts(100_00, need("core", 0), need("sat-1", 100_00, "0.3")) == {"core": 100_00}


def test_satellites_share_what_core_does_not_need_like_their_deficits() -> None:
    # 1,100 in all: core wants 770 and has 750; of the 80 left, deficits are 110 and 210.
    given = parts(
        100_00, need("core", 750_00), need("sat-1", 0, "0.1"), need("sat-2", 250_00, "0.4182")
    )
    assert given["core"] == 20_00
    assert sum(given.values()) == 100_00
    wanted = {"sat-1": Fraction(110_00), "sat-2": Fraction(210_02)}
    share = Fraction(80_00) / sum(wanted.values())
    assert {name: round(value * share) for name, value in wanted.items()} == {
        name: minor for name, minor in given.items() if name != "core"
    }


def test_a_satellite_gets_no_more_than_it_lacks_and_core_the_rest() -> None:
    assert parts(100_00, need("core", 900_00), need("sat-1", 95_00, "0.10")) == {
        "core": 85_50, "sat-1": 14_50
    }  # fmt: skip


@pytest.mark.parametrize("status", [s for s in STATUSES if s not in {"accumulating", "active"}])
def test_only_accumulating_and_active_satellites_are_funded(status: BucketStatus) -> None:
    assert parts(100_00, need("core", 900_00), need("sat-1", 0, "0.3", status)) == {"core": 100_00}


@pytest.mark.parametrize("target", [None, "0", "NaN", "-1"])
def test_a_satellite_without_a_target_gets_nothing(target: str | None) -> None:
    assert parts(100_00, need("core", 900_00), need("sat-1", 0, target)) == {"core": 100_00}


def test_an_unknown_value_leaves_everything_to_core() -> None:
    assert parts(100_00, need("core", 900_00), need("sat-1", None, "0.3")) == {"core": 100_00}
    assert parts(100_00, need("core", None), need("sat-1", 0, "0.3")) == {"core": 100_00}
    assert parts(100_00, need("sat-1", 0, "0.3")) == {"core": 100_00}


def test_a_value_in_another_currency_is_as_good_as_unknown() -> None:
    dollars = BucketNeed("sat-1", "active", Decimal("0.3"), Money(0, "USD"))
    assert parts(100_00, need("core", 900_00), dollars) == {"core": 100_00}


def test_remainders_go_to_the_largest_first_and_then_by_name() -> None:
    needs = [need(f"sat-{i}", 0, "0.1") for i in (3, 1, 2)]
    assert parts(2, need("core", 1_000), *needs) == {"sat-1": 1, "sat-2": 1}


minors = st.integers(-10_000, 10_000_000) | st.none()
targets = st.none() | st.decimals(allow_nan=True, allow_infinity=True) | st.decimals(0, 1, places=4)
needs = st.lists(
    st.builds(
        need, st.sampled_from(["core", "a", "b", "c", "d"]), minors, st.none(),
        st.sampled_from(STATUSES),
    ).flatmap(
        lambda made: targets.map(
            lambda target: BucketNeed(made.bucket_id, made.status, target, made.value)
        )
    ),
    max_size=6,
    unique_by=lambda made: made.bucket_id,
)  # fmt: skip


@given(
    deposit=st.integers(0, 10**12),
    buckets=needs,
    budget=st.decimals(0, 1, places=3) | st.decimals(),
)
def test_k4_allocations_add_up_to_the_deposit(
    deposit: int, buckets: list[BucketNeed], budget: Decimal
) -> None:
    found = allocate(Money(deposit, "EUR"), buckets, satellite_budget=budget)
    assert sum(minor for _, minor in found) == deposit
    assert all(minor >= 0 for _, minor in found)
    assert len({bucket for bucket, _ in found}) == len(found) > 0


@given(
    asked=st.integers(1, 10**9),
    given_=st.dictionaries(st.sampled_from(["core", "a", "b"]), st.integers(-5, 10**9)),
)
def test_k4_what_is_taken_back_adds_up_and_no_satellite_gives_more_than_it_got(
    asked: int, given_: dict[str, int]
) -> None:
    found = take_back(Money(-asked, "EUR"), given_)
    assert sum(minor for _, minor in found) == -asked
    assert all(
        -max(given_.get(bucket, 0), 0) <= minor <= 0 for bucket, minor in found if bucket != "core"
    )


def test_a_deposit_that_is_taken_back_leaves_every_bucket_as_it_was() -> None:
    given_ = {"core": 20_00, "sat-1": 27_51, "sat-2": 52_49}
    back = dict(take_back(Money(-100_00, "EUR"), given_))
    assert back == {bucket: -minor for bucket, minor in given_.items()}


BUCKETS = (Bucket("core", "Core", "active"), Bucket("sat-1", "One", "active"))


def test_a_deposit_is_divided_and_its_correction_follows_the_division() -> None:
    arrived = Arrival(Money(100_00, "USD"), {"core": 5_00}, {})
    assert divide(arrived, BUCKETS, satellite_budget=Decimal(0)) == (("core", 100_00),)
    back = Arrival(Money(-40_00, "USD"), {}, {"core": 50_00, "sat-1": 50_00})
    assert divide(back, BUCKETS, satellite_budget=Decimal(0)) == (
        ("core", -20_00), ("sat-1", -20_00)
    )  # fmt: skip
