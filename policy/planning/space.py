"""Trade sequences: which sets of candidates the account can pay for, conversions included.

A set is an ascending row of candidate numbers. Candidates are numbered sales first, then those
whose market opens soonest: the order within a set changes nothing about where it ends, only about
how soon it can begin, so a set stands for one sequence and each is looked at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ledger.currency import BASE
from ledger.money import Money
from policy.funding import Funded, MoneyRules, Purse, buy, sell
from policy.fx import Conversion
from policy.planning.candidates import Candidate

# More than six calculators find at their most generous.
MAX_CANDIDATES = 120
# The longest sequence there is, whatever is configured.
MAX_DEPTH = 10
NEVER = datetime.max.replace(tzinfo=UTC)

Combo = tuple[int, ...]
Step = Candidate | Conversion
Memo = dict[Combo, Funded | None]


@dataclass(frozen=True, slots=True)
class TradeSequence:
    """A feasible sequence. `combo` are the candidates' numbers, `encoding` its canonical name.

    `traded` is the value of its trades, `cost` their fees plus fees and spread of conversions;
    `fx_cost` is the part of the conversions.
    """

    combo: Combo
    steps: tuple[Step, ...]
    traded: Money
    cost: Money
    encoding: bytes
    fx_cost: Money = Money(0, BASE)


@dataclass(frozen=True, slots=True)
class Space:
    """What may be combined: candidates in canonical order, the money, and how many at most.

    `left_out` counts the candidates that were too many.
    """

    candidates: tuple[Candidate, ...]
    purse: Purse
    rules: MoneyRules
    max_depth: int
    left_out: int = 0


def space(
    candidates: tuple[Candidate, ...],
    purse: Purse,
    rules: MoneyRules,
    *,
    max_depth: int,
    opens: Mapping[str, datetime] | None = None,
    wanted: Container[bytes] = frozenset(),
) -> Space:
    """Number the candidates: each trade once, at most MAX_CANDIDATES.

    `opens` says when each exchange can be traded on next; one that is absent comes last. What is
    left out when there are too many are the weakest of the most frequent kinds, but never those
    whose keys are `wanted`.
    """
    times = opens or {}

    def soonest(candidate: Candidate) -> datetime:
        return times.get(candidate.security.instrument.mic, NEVER)

    unique = _unique(candidates)
    kept = _strongest(unique, wanted)[:MAX_CANDIDATES]
    ordered = sorted(kept, key=lambda c: (c.side == "BUY", soonest(c), -c.priority, c.key))
    depth = min(max(max_depth, 1), MAX_DEPTH)
    return Space(tuple(ordered), purse, rules, depth, len(unique) - len(kept))


def _unique(candidates: tuple[Candidate, ...]) -> list[Candidate]:
    """Each trade once, as its most urgent kind proposes it; strongest first.

    One that may be executed stands for one that may not.
    """
    found: dict[bytes, Candidate] = {}
    for one in sorted(candidates, key=lambda c: (not c.executable, -c.priority, c.key, c.kind)):
        found.setdefault(one.key, one)
    return sorted(found.values(), key=lambda c: (-c.priority, c.key))


def _strongest(unique: list[Candidate], wanted: Container[bytes]) -> list[Candidate]:
    """The wanted, then the first of every kind before the second of any."""
    ranks: Counter[tuple[str, bool]] = Counter()
    ranked: list[tuple[bool, bool, int, Candidate]] = []
    for one in unique:
        kind = (one.kind, one.executable)
        ranked.append((one.key not in wanted, not one.executable, ranks[kind], one))
        ranks[kind] += 1
    ranked.sort(key=lambda entry: entry[:3])
    return [one for *_, one in ranked]


def fresh_memo(where: Space) -> Memo:
    """What `walk` begins with: the purse before anything is traded."""
    return {(): Funded(where.purse, ())}


def walk(where: Space, combo: Combo, memo: Memo) -> Funded | None:
    """The purse after the whole combination, with the conversions before its last trade; None when
    the account cannot pay for it. `memo` keeps what was found of every prefix; begin with
    `fresh_memo`. What cannot be paid for cannot be paid for with more behind it.
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


def sequence_of(where: Space, combo: Combo, memo: Memo) -> TradeSequence | None:
    """The whole sequence with its conversions; None when it is empty or cannot be paid for."""
    if not combo or walk(where, combo, memo) is None:
        return None
    steps: list[Step] = []
    for depth, number in enumerate(combo, start=1):
        funded = walk(where, combo[:depth], memo)
        assert funded is not None
        steps += (*funded.conversions, where.candidates[number])
    trades = [where.candidates[number] for number in combo]
    fx = sum(step.cost_eur.minor for step in steps if isinstance(step, Conversion))
    return TradeSequence(
        combo=combo,
        steps=tuple(steps),
        traded=Money(sum(trade.value_eur.minor for trade in trades), BASE),
        cost=Money(fx + sum(trade.fee_eur.minor for trade in trades), BASE),
        encoding=b"\n".join(trade.key for trade in trades),
        fx_cost=Money(fx, BASE),
    )


def step_cost(step: Step) -> Money:
    """What a step costs in EUR: the fee, and for a conversion its spread."""
    return step.fee_eur if isinstance(step, Candidate) else step.cost_eur
