"""The record of an input says everything, the same way for ever."""

from __future__ import annotations

import zlib
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.correlation import Correlations
from ledger.errors import BadData
from ledger.money import Money
from policy.planner import PlanInput
from policy.planning.config import PlannerConfig
from policy.planning.facts import SecurityFacts
from policy.planning.record import decode, encode, input_hash, record
from policy.scoring.end_state import EndStateParts
from tests.policy.accounts import dozen, eur, plan_input, snapshot

UNIVERSE = dozen()


def given_input() -> PlanInput:
    shot = snapshot(
        UNIVERSE,
        prices={s.symbol: "40.123456" for s in UNIVERSE},
        held={"S01": "5", "S00": "3"},
        costs={"S00": "20"},
        cash={"EUR": "1000", "USD": "-3"},
    )
    return replace(
        plan_input(shot),
        barred=frozenset({("S01", "SELL"), ("S00", "BUY"), ("S03", "BUY")}),
        pots=(eur("12.34"),),
        config=PlannerConfig(min_improvement=Decimal("0.010"), seed=7),
        facts={
            "S00": SecurityFacts(
                quality=0.1 + 0.2,
                parts=EndStateParts(0.5, None, 1 / 3),
                returns=(None, 0.07, None),
                bought_on=date(2020, 2, 29),
            )
        },
        correlations=Correlations(date(2020, 1, 1), 252, ("S00", "S01"), ((), (0.25,))),
        market_hash="market",
    )


def test_what_is_written_is_read() -> None:
    assert decode(encode(given_input())) == given_input()


def test_the_same_input_has_the_same_bytes_in_whatever_order_it_was_made() -> None:
    one = given_input()
    quotes = dict(reversed(list(one.snapshot.quotes.items())))
    barred = frozenset(sorted(one.barred, reverse=True))
    other = replace(one, snapshot=replace(one.snapshot, quotes=quotes), barred=barred)
    assert encode(other) == encode(one)
    assert input_hash(other) == input_hash(one) == record(one).input_hash


def test_what_was_read_is_written_as_it_was() -> None:
    assert encode(decode(encode(given_input()))) == encode(given_input())


def test_every_field_counts() -> None:
    one = given_input()
    changed = [
        replace(one, plan_id="other"),
        replace(one, pots=()),
        replace(one, config=PlannerConfig(min_improvement=Decimal("0.010"), seed=8)),
        replace(one, facts={}),
        replace(one, correlations=None),
        replace(one, regime="bear"),
    ]
    assert len({input_hash(one), *map(input_hash, changed)}) == len(changed) + 1


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"not compressed",
        encode(given_input())[:-5],
        encode(given_input()) + b"more",
        zlib.compress(b'{"plan_id": 1}'),
        zlib.compress(zlib.decompress(encode(given_input())).replace(b"market", b"m\xffrket")),
    ],
)
def test_a_damaged_record_is_found_out(payload: bytes) -> None:
    with pytest.raises(BadData):
        decode(payload)


def test_another_input_under_its_name_is_found_out() -> None:
    kept = record(given_input())
    assert decode(kept.payload, named=kept.input_hash) == given_input()
    other = encode(replace(given_input(), regime="bear"))
    with pytest.raises(BadData, match="the one it was stored as"):
        decode(other, named=kept.input_hash)


WRITTEN = encode(given_input())
MINUTES = st.integers(-14 * 60, 14 * 60)


@settings(max_examples=40, deadline=None)
@given(
    number=st.decimals(allow_nan=False, allow_infinity=False),
    minor=st.integers(-(2**80), 2**80),
    at=st.datetimes(timezones=MINUTES.map(lambda offset: timezone(timedelta(minutes=offset)))),
    part=st.floats(allow_nan=False, allow_infinity=False),
)
def test_every_number_and_moment_comes_back_as_it_was_written(
    number: Decimal, minor: int, at: datetime, part: float
) -> None:
    one = replace(
        given_input(),
        now=at,
        pots=(Money(minor, "EUR"),),
        targets=replace(given_input().targets, weights={"S00": number}),
        facts={"S00": SecurityFacts(quality=part)},
    )
    read = decode(encode(one))
    assert read == one
    # 1E+3 stays so, and trailing zeros stay.
    assert str(read.targets.weights["S00"]) == str(number)
    assert encode(read) == encode(one)


@settings(max_examples=60, deadline=None)
@given(place=st.integers(min_value=0), bit=st.integers(0, 7))
def test_no_damage_makes_another_input(place: int, bit: int) -> None:
    damaged = bytearray(WRITTEN)
    damaged[place % len(damaged)] ^= 1 << bit
    with suppress(BadData):
        assert decode(bytes(damaged)) == given_input()
