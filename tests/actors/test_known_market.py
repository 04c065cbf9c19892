"""What is known is worked out when it changes, and is never older than what it is made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from actors.known_market import KnownMarket
from actors.situation import ConfigName
from ledger.regime import UNKNOWN_REGIME
from ledger.score import Scores
from policy.limits import DEFAULTS
from policy.planning.config import DEFAULT_CONFIG
from policy.planning.config_text import config_hash
from tests.policy.accounts import NOON, dozen, eur, snapshot
from wire.messages import Boards
from wire.runner import run_inline

UNIVERSE = dozen()
HELD = {"S00": NOON.date()}


async def test_the_same_market_is_worked_out_once() -> None:
    market = KnownMarket(Boards(), run_inline)
    shot = snapshot(UNIVERSE, prices={s.symbol: "40" for s in UNIVERSE}, cash={"EUR": "9000"})
    first = await market.of(shot, DEFAULTS, HELD)
    again = await market.of(replace(shot, universe=tuple(UNIVERSE)), DEFAULTS, HELD)
    assert again.knowledge.facts is first.knowledge.facts
    assert again.name == first.name


async def test_every_part_of_it_is_noticed() -> None:
    boards = Boards()
    market = KnownMarket(boards, run_inline)
    shot = snapshot(UNIVERSE, prices={s.symbol: "40" for s in UNIVERSE}, cash={"EUR": "9000"})
    seen = [(await market.of(shot, DEFAULTS, HELD)).knowledge.facts]
    boards.scores.publish(Scores(NOON.date(), {}))
    seen.append((await market.of(shot, DEFAULTS, HELD)).knowledge.facts)
    boards.regime.publish(replace(UNKNOWN_REGIME, regime="bear"))
    seen.append((await market.of(shot, DEFAULTS, HELD)).knowledge.facts)
    fewer = replace(shot, universe=UNIVERSE[1:])
    seen.append((await market.of(fewer, DEFAULTS, HELD)).knowledge.facts)
    strict = replace(DEFAULTS, max_position_share=Decimal("0.05"))
    seen.append((await market.of(fewer, strict, HELD)).knowledge.facts)
    seen.append((await market.of(fewer, strict, {})).knowledge.facts)
    assert len({id(facts) for facts in seen}) == len(seen)


async def test_the_reserve_follows_the_total_without_another_look() -> None:
    boards = Boards()
    boards.regime.publish(replace(UNKNOWN_REGIME, regime="bear", stale=False, confidence=1.0))
    market = KnownMarket(boards, run_inline)
    prices = {s.symbol: "40" for s in UNIVERSE}
    small, large = [
        await market.of(snapshot(UNIVERSE, prices=prices, cash={"EUR": cash}), DEFAULTS, HELD)
        for cash in ("1000", "100000")
    ]
    assert small.knowledge.reserve == eur("500")
    assert large.knowledge.reserve == eur("5000")
    assert small.name == large.name


async def test_what_changes_meanwhile_is_seen_by_the_next_look() -> None:
    boards = Boards()

    async def runner(work: Callable[[], Any], /) -> Any:
        boards.regime.publish(replace(UNKNOWN_REGIME, regime="bear"))
        return work()

    market = KnownMarket(boards, runner)
    shot = snapshot(UNIVERSE, prices={s.symbol: "40" for s in UNIVERSE}, cash={"EUR": "9000"})
    assert (await market.of(shot, DEFAULTS, HELD)).regime == UNKNOWN_REGIME
    assert (await market.of(shot, DEFAULTS, HELD)).regime.regime == "bear"


async def test_a_configuration_is_named_when_it_changes() -> None:
    name, deeper = ConfigName(), replace(DEFAULT_CONFIG, max_depth=DEFAULT_CONFIG.max_depth + 1)
    assert name.of(DEFAULT_CONFIG) is name.of(DEFAULT_CONFIG)
    assert name.of(deeper) == config_hash(deeper)
    assert name.of(DEFAULT_CONFIG) == config_hash(DEFAULT_CONFIG)
