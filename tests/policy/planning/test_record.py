"""The record of an input says everything, the same way for ever."""

from __future__ import annotations

import zlib
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ledger.correlation import Correlations
from ledger.errors import BadData
from policy.planner import PlanInput
from policy.planning.config import PlannerConfig
from policy.planning.facts import SecurityFacts
from policy.planning.record import decode, encode, input_hash, record
from policy.scoring.end_state import EndStateParts
from tests.policy.accounts import dozen, eur, plan_input, snapshot

UNIVERSE = dozen()


def given() -> PlanInput:
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
    assert decode(encode(given())) == given()


def test_the_same_input_has_the_same_bytes_in_whatever_order_it_was_made() -> None:
    one = given()
    quotes = dict(reversed(list(one.snapshot.quotes.items())))
    barred = frozenset(sorted(one.barred, reverse=True))
    other = replace(one, snapshot=replace(one.snapshot, quotes=quotes), barred=barred)
    assert encode(other) == encode(one)
    assert input_hash(other) == input_hash(one) == record(one).input_hash


def test_what_was_read_is_written_as_it_was() -> None:
    assert encode(decode(encode(given()))) == encode(given())


def test_every_field_counts() -> None:
    one = given()
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
    [b"", b"not compressed", encode(given())[:-5], zlib.compress(b'{"plan_id": 1}')],
)
def test_a_damaged_record_is_found_out(payload: bytes) -> None:
    with pytest.raises(BadData):
        decode(payload)
