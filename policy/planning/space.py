"""Trade sequences: every set of candidates the account can pay for, conversions included.

A sequence lists sales before purchases, the markets that open soonest first, and no symbol twice;
the order within a set changes nothing about where it ends, only about how soon it can begin.
Three patterns come first (they may be deeper than the sets): buy down the list, the single best,
sell what is too large and reinvest. Then follow all sets of up to three candidates.

Bound: of n candidates, at most MAX_CANDIDATES, there are n + n(n−1)/2 + n(n−1)(n−2)/6 sets, so
575 for fifteen and never more than 10,700, and three patterns per depth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations

from ledger.currency import BASE
from ledger.money import Money
from policy.funding import Funded, MoneyRules, Purse, buy, sell
from policy.fx import Conversion
from policy.planning.candidates import Candidate

MAX_CANDIDATES = 40
SET_DEPTH = 3
MAX_PATTERN_DEPTH = 8
NEVER = datetime.max.replace(tzinfo=UTC)

Combo = tuple[int, ...]
Step = Candidate | Conversion


@dataclass(frozen=True, slots=True)
class TradeSequence:
    """A feasible sequence. `combo` are the candidates' numbers, `encoding` its canonical name.

    `traded` is the value of its trades, `cost` their fees plus fees and spread of conversions.
    """

    combo: Combo
    steps: tuple[Step, ...]
    traded: Money
    cost: Money
    encoding: bytes


@dataclass(frozen=True, slots=True)
class Space:
    """What may be combined: candidates in canonical order, the money, and the sets to try."""

    candidates: tuple[Candidate, ...]
    purse: Purse
    rules: MoneyRules
    combos: tuple[Combo, ...]


def space(
    candidates: tuple[Candidate, ...],
    purse: Purse,
    rules: MoneyRules,
    *,
    max_depth: int,
    opens: Mapping[str, datetime] | None = None,
) -> Space:
    """Order the candidates and list the sets to try, each once.

    `opens` says when each exchange can be traded on next; one that is absent comes last.
    """
    depth = min(max(max_depth, 1), MAX_PATTERN_DEPTH)
    ordered = _canonical(candidates, opens or {})
    bare = Space(ordered, purse, rules, ())
    wanted = (*_patterns(bare, depth), *_sets(ordered, min(depth, SET_DEPTH)))
    return Space(ordered, purse, rules, tuple(dict.fromkeys(wanted)))


def sequences(where: Space, start: int, stop: int) -> tuple[TradeSequence, ...]:
    """The feasible ones among the sets numbered start to stop − 1."""
    memo: dict[Combo, Funded | None] = {(): Funded(where.purse, ())}
    found = (_sequence(where, combo, memo) for combo in where.combos[start:stop])
    return tuple(sequence for sequence in found if sequence is not None)


def _canonical(
    candidates: tuple[Candidate, ...], opens: Mapping[str, datetime]
) -> tuple[Candidate, ...]:
    """Sales first, then what can begin soonest, then by priority; the same trade once, bounded."""

    def soonest(candidate: Candidate) -> datetime:
        return opens.get(candidate.security.instrument.mic, NEVER)

    strongest = _strongest(candidates)
    return tuple(sorted(strongest, key=lambda c: (c.side == "BUY", soonest(c), -c.priority, c.key)))


def _strongest(candidates: tuple[Candidate, ...]) -> list[Candidate]:
    """At most the bound, the first of every kind before the second of any."""
    unique: dict[bytes, Candidate] = {}
    for candidate in sorted(candidates, key=lambda c: (-c.priority, c.key)):
        unique.setdefault(candidate.key, candidate)
    ranks: Counter[str] = Counter()
    ranked: list[tuple[int, Candidate]] = []
    for candidate in unique.values():
        ranked.append((ranks[candidate.kind], candidate))
        ranks[candidate.kind] += 1
    ranked.sort(key=lambda pair: pair[0])
    return [candidate for _, candidate in ranked[:MAX_CANDIDATES]]


def _patterns(where: Space, max_depth: int) -> Iterator[Combo]:
    sells = tuple(i for i, c in enumerate(where.candidates) if c.side == "SELL")
    buys = tuple(i for i, c in enumerate(where.candidates) if c.side == "BUY")
    everything = sorted(
        range(len(where.candidates)), key=lambda i: (-where.candidates[i].priority, i)
    )
    for number in everything:
        if walk(where, (number,), {(): Funded(where.purse, ())}) is not None:
            yield (number,)
            break
    for depth in range(1, max_depth + 1):
        direct = _fill(where, (), buys, depth)
        if direct:
            yield direct
        # Half of the steps are kept for reinvesting what the sales bring.
        if sells:
            yield _fill(where, _fill(where, (), sells, max(1, depth // 2)), buys, depth)


def _fill(where: Space, begin: Combo, numbers: Combo, depth: int) -> Combo:
    """Walk down the list and keep what fits after what is kept, up to `depth` trades."""
    memo: dict[Combo, Funded | None] = {(): Funded(where.purse, ())}
    combo = begin
    for number in numbers:
        if len(combo) >= depth:
            break
        longer = (*combo, number)
        if _distinct(where.candidates, longer) and walk(where, longer, memo) is not None:
            combo = longer
    return combo


def _sets(candidates: tuple[Candidate, ...], depth: int) -> Iterator[Combo]:
    for size in range(1, depth + 1):
        for combo in combinations(range(len(candidates)), size):
            if _distinct(candidates, combo):
                yield combo


def _distinct(candidates: tuple[Candidate, ...], combo: Combo) -> bool:
    return len({candidates[number].symbol for number in combo}) == len(combo)


def walk(where: Space, combo: Combo, memo: dict[Combo, Funded | None]) -> Funded | None:
    """The purse after the whole combination, with the conversions before its last trade; None when
    the account cannot pay for it. `memo` keeps what was found of every prefix; begin with
    `{(): Funded(where.purse, ())}`. What cannot be paid for cannot be paid for with more behind it.
    """
    if combo in memo:
        return memo[combo]
    before = walk(where, combo[:-1], memo)
    after = None
    if before is not None:
        trade = where.candidates[combo[-1]]
        if trade.side == "BUY":
            after = buy(before.purse, where.rules, cost=trade.worst, fee=trade.fee)
        else:
            after = sell(before.purse, where.rules, proceeds=trade.worst, fee=trade.fee)
    memo[combo] = after
    return after


def _sequence(where: Space, combo: Combo, memo: dict[Combo, Funded | None]) -> TradeSequence | None:
    if not combo or walk(where, combo, memo) is None:
        return None
    steps: list[Step] = []
    traded = Money.zero(BASE)
    for depth, number in enumerate(combo, start=1):
        funded = memo[combo[:depth]]
        assert funded is not None
        trade = where.candidates[number]
        steps += (*funded.conversions, trade)
        traded += trade.value_eur
    encoding = b"\n".join(where.candidates[number].key for number in combo)
    cost = Money(sum(step_cost(step).minor for step in steps), BASE)
    return TradeSequence(combo, tuple(steps), traded, cost, encoding)


def step_cost(step: Step) -> Money:
    """What a step costs in EUR: the fee, and for a conversion its spread."""
    return step.fee_eur if isinstance(step, Candidate) else step.cost_eur
