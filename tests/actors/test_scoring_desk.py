"""The scoring desk: what it computes with, what it keeps, and when it publishes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from actors.scoring_desk import ScoringDesk
from ledger.score import Score, Scores
from ledger.security import Security
from policy.limits import DEFAULTS, Limits
from policy.price_history import PriceHistory
from policy.scoring.buy_score import Figures
from policy.scoring.context import NO_PORTFOLIO, Subject
from tests.policy import accounts
from tests.policy.scoring.histories import LAST, REPORT, history, walk
from wire.board import Latest
from wire.runner import run_inline
from wire.scoring_asks import ScoreSeries


@dataclass
class Clock:
    def market_now(self) -> datetime:
        return datetime(2026, 3, 2, 10, 0, tzinfo=UTC)

    machine_now = market_now

    def monotonic_s(self) -> float:
        return 0.0

    async def wait_until_market(self, instant: datetime) -> None:
        raise AssertionError(f"the desk never waits ({instant})")


@dataclass
class Source:
    """The same past for everything; remembers what was read."""

    read: list[str] = field(default_factory=list[str])

    async def figures(self, security: Security) -> Figures:
        self.read.append(security.symbol)
        reported = REPORT if security.security_id == 1 else ()
        return Figures(Subject.of(security, ()), history(walk(600)), reported)


@dataclass
class Keeper:
    kept: list[Scores] = field(default_factory=list[Scores])

    async def put(self, scores: Scores) -> None:
        self.kept.append(scores)

    async def newest(self) -> Scores | None:
        return self.kept[-1] if self.kept else None


def desk(limits: Limits = DEFAULTS) -> ScoringDesk:
    rules = Latest[Limits]()
    rules.publish(limits)
    return ScoringDesk(Source(), Keeper(), Latest[Scores](), rules, Clock(), run_inline)


def universe(count: int) -> tuple[Security, ...]:
    return tuple(accounts.security(f"S{n:02d}.EU", number=n) for n in range(1, count + 1))


async def refreshed(
    one: ScoringDesk, securities: tuple[Security, ...], seen: list[str] | None = None
) -> list[tuple[int, int]]:
    told: list[tuple[int, int]] = []

    def watch(security: Security, history: PriceHistory | None) -> None:
        assert history is not None
        (seen if seen is not None else []).append(security.symbol)

    def progress(done: int, of: int) -> None:
        told.append((done, of))

    await one.refresh(securities, NO_PORTFOLIO, as_of=LAST, progress=progress, watch=watch)
    return told


async def test_a_refresh_scores_one_by_one_keeps_all_together_and_publishes() -> None:
    one = desk()
    watched: list[str] = []
    told = await refreshed(one, universe(3), watched)
    assert isinstance(one.source, Source)
    assert isinstance(one.store, Keeper)
    assert one.source.read == ["S01.EU", "S02.EU", "S03.EU"] == watched
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]
    (scores,) = one.store.kept
    assert one.board.value == scores
    assert scores.as_of == LAST
    assert scores.by_id.keys() == {1, 2, 3}
    assert all(score.total is not None for score in scores.by_id.values())
    assert scores.by_id[1].metrics["PE_RATIO"] == 18.0
    assert scores.by_id[2].metrics["PE_RATIO"] is None


async def test_what_is_not_followed_is_not_scored() -> None:
    one = desk()
    first, second = universe(2)
    await refreshed(one, (replace(first, active=False), second))
    assert one.board.value is not None
    assert one.board.value.by_id.keys() == {2}


async def test_it_names_what_has_bars_that_cannot_be_used_and_nothing_else() -> None:
    @dataclass
    class Spoilt(Source):
        async def figures(self, security: Security) -> Figures:
            found = await super().figures(security)
            assert found.history is not None
            spoilt = {
                2: replace(found.history, unusable="400 of 600 bars had to be repaired"),
                3: None,
            }
            return replace(found, history=spoilt.get(security.security_id, found.history))

    one = replace(desk(), source=Spoilt())
    first, second, third = universe(3)
    given = (first, replace(second, alias="NEW.EU"), third)
    done = await one.refresh(
        given, NO_PORTFOLIO, as_of=LAST, progress=lambda *_: None, watch=lambda *_: None
    )
    assert done.unusable == ("NEW.EU",)
    assert done.scores.by_id[2].reason == "400 of 600 bars had to be repaired"
    assert done.scores.by_id[3].reason == "there are no bars of it"


async def test_an_earlier_life_is_published_and_no_life_is_not() -> None:
    one = desk()
    await one.load()
    assert one.board.value is None
    await one.store.put(Scores(LAST, {}))
    await one.load()
    assert one.board.value == Scores(LAST, {})


async def asked(one: ScoringDesk, **changes: Any) -> Score:
    request = ScoreSeries(
        symbol="XYZ", daily=tuple(walk(600, drift=0.001).tolist()), figures={"PE_RATIO": 20.0}
    )
    found = await one.answer(replace(request, **changes))
    assert isinstance(found, Score)
    return found


async def test_bare_prices_are_scored_by_the_settings_unless_the_asker_says_otherwise() -> None:
    usual = await asked(desk())
    set_ = await asked(desk(replace(DEFAULTS, market_avg_pe=Decimal(30))))
    said = await asked(desk(), market_avg_pe=Decimal(30))
    aim = await asked(desk(), target_annual_return=Decimal("0.3"))
    assert usual.groups["opportunity"] != said.groups["opportunity"] == set_.groups["opportunity"]
    assert usual.groups["long_term"] != aim.groups["long_term"]


async def test_scoring_bare_prices_keeps_nothing() -> None:
    one = desk()
    await asked(one)
    assert isinstance(one.store, Keeper)
    assert one.store.kept == []
    assert one.board.value is None
