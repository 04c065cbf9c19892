"""What is known is worked out when it changes, and is never older than what it is made from."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from actors.known_market import KnownMarket
from ledger.regime import UNKNOWN_REGIME
from ledger.score import Scores
from policy.limits import DEFAULTS
from tests.policy.accounts import NOON, dozen, eur, snapshot
from wire.messages import Boards

UNIVERSE = dozen()
HELD = {"S00": NOON.date()}


async def test_the_same_market_is_worked_out_once() -> None:
    market = KnownMarket(Boards())
    shot = snapshot(UNIVERSE, prices={s.symbol: "40" for s in UNIVERSE}, cash={"EUR": "9000"})
    first = market.of(shot, DEFAULTS, HELD)
    again = market.of(replace(shot, universe=tuple(UNIVERSE)), DEFAULTS, HELD)
    assert again.knowledge.facts is first.knowledge.facts
    assert again.name == first.name


async def test_every_part_of_it_is_noticed() -> None:
    boards = Boards()
    market = KnownMarket(boards)
    shot = snapshot(UNIVERSE, prices={s.symbol: "40" for s in UNIVERSE}, cash={"EUR": "9000"})
    seen = [market.of(shot, DEFAULTS, HELD).knowledge.facts]
    boards.scores.publish(Scores(NOON.date(), {}))
    seen.append(market.of(shot, DEFAULTS, HELD).knowledge.facts)
    boards.regime.publish(replace(UNKNOWN_REGIME, regime="bear"))
    seen.append(market.of(shot, DEFAULTS, HELD).knowledge.facts)
    fewer = replace(shot, universe=UNIVERSE[1:])
    seen.append(market.of(fewer, DEFAULTS, HELD).knowledge.facts)
    strict = replace(DEFAULTS, max_position_share=Decimal("0.05"))
    seen.append(market.of(fewer, strict, HELD).knowledge.facts)
    seen.append(market.of(fewer, strict, {}).knowledge.facts)
    assert len({id(facts) for facts in seen}) == len(seen)


async def test_the_reserve_follows_the_total_without_another_look() -> None:
    boards = Boards()
    boards.regime.publish(replace(UNKNOWN_REGIME, regime="bear", stale=False, confidence=1.0))
    market = KnownMarket(boards)
    prices = {s.symbol: "40" for s in UNIVERSE}
    small, large = (
        market.of(snapshot(UNIVERSE, prices=prices, cash={"EUR": cash}), DEFAULTS, HELD)
        for cash in ("1000", "100000")
    )
    assert small.knowledge.reserve == eur("500")
    assert large.knowledge.reserve == eur("5000")
    assert small.name == large.name
