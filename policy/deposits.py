"""How a deposit is divided between core and the satellites, to the minor unit.

Core is filled up to its share of the account first, the satellites get what they lack of their
targets, and whatever is left goes to core. Everything is counted in the currency of the deposit,
and what buckets get always adds up to it. Sync divides every deposit with `divide`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor

from ledger.bucket import Bucket, BucketStatus
from ledger.cash_flow import Arrival, Share
from ledger.fact import CORE
from ledger.money import Money

FUNDED: frozenset[BucketStatus] = frozenset({"accumulating", "active"})


@dataclass(frozen=True, slots=True)
class BucketNeed:
    """A bucket as a deposit sees it: its `value` in the deposit's currency and its target.

    `target` is a fraction of the account. None in either means that it is not known.
    """

    bucket_id: str
    status: BucketStatus
    target: Decimal | None
    value: Money | None


def allocate(
    deposit: Money, buckets: Sequence[BucketNeed], *, satellite_budget: Decimal
) -> tuple[Share, ...]:
    """(bucket id, minor units) for every bucket that gets a part; the sum is the deposit.

    With an unknown value nothing can be said about shares, so that all of it goes to core.
    """
    values = {b.bucket_id: b.value.minor for b in buckets if b.value is not None}
    if deposit.minor <= 0 or len(values) < len(buckets) or CORE not in values:
        return ((CORE, deposit.minor),)
    if any(b.value is not None and b.value.currency != deposit.currency for b in buckets):
        return ((CORE, deposit.minor),)
    total = deposit.minor + sum(values.values())
    wanted = total * (1 - _fraction(satellite_budget)) - values[CORE]
    core = min(max(-floor(-wanted), 0), deposit.minor)
    deficits = {
        b.bucket_id: max(floor(total * _fraction(b.target)) - values[b.bucket_id], 0)
        for b in buckets
        if b.bucket_id != CORE and b.status in FUNDED
    }
    parts = _proportionally(min(deposit.minor - core, sum(deficits.values())), deficits)
    return _with_rest_to_core(deposit.minor, parts)


def take_back(money: Money, given: Mapping[str, int]) -> tuple[Share, ...]:
    """Divide a correction of a deposit (negative) like what the buckets got of it.

    No bucket gives more than it got; what nobody got is core's to give.
    """
    received = {bucket: max(minor, 0) for bucket, minor in given.items()}
    asked = min(-money.minor, sum(received.values()))
    parts = {b: -minor for b, minor in _proportionally(asked, received).items()}
    return _with_rest_to_core(money.minor, parts)


def divide(
    arrival: Arrival, buckets: Sequence[Bucket], *, satellite_budget: Decimal
) -> tuple[Share, ...]:
    """The division of a deposit, or of its correction, between `buckets` as they stand.

    A bucket's value is its cash in the deposit's currency. No satellite has a target yet.
    """
    if arrival.money.minor < 0:
        return take_back(arrival.money, arrival.given)

    def need(bucket: Bucket) -> BucketNeed:
        value = Money(arrival.balances.get(bucket.bucket_id, 0), arrival.money.currency)
        return BucketNeed(bucket.bucket_id, bucket.status, Decimal(0), value)

    needs = [need(bucket) for bucket in buckets]
    return allocate(arrival.money, needs, satellite_budget=satellite_budget)


def _fraction(value: Decimal | None) -> Fraction:
    """A share of the account between 0 and 1; 0 for one that is not known."""
    if value is None or not value.is_finite():
        return Fraction(0)
    return Fraction(min(max(value, Decimal(0)), Decimal(1)))


def _proportionally(amount: int, weights: Mapping[str, int]) -> dict[str, int]:
    """`amount` divided like `weights`, the largest remainders rounded up; no part above its weight.

    `amount` must not exceed the sum of the weights.
    """
    total = sum(weights.values())
    if amount <= 0 or total <= 0:
        return {}
    parts = {name: amount * weight // total for name, weight in weights.items()}
    remainders = sorted(weights, key=lambda name: (-(amount * weights[name] % total), name))
    for name in remainders[: amount - sum(parts.values())]:
        parts[name] += 1
    return parts


def _with_rest_to_core(amount: int, parts: Mapping[str, int]) -> tuple[Share, ...]:
    """`parts` without empty ones, core first with whatever is left of `amount`."""
    others = {name: minor for name, minor in parts.items() if name != CORE and minor}
    core = amount - sum(others.values())
    first = ((CORE, core),) if core or not others else ()
    return (*first, *sorted(others.items()))
