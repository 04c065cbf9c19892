"""New money first: deposits and released dividends buy what is furthest below its target.

No sale is considered here. The planner lets these purchases compete with everything else it finds,
and tells beside every plan how much was free, how much it spends, and what deposit would make
sales unnecessary altogether.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal

from ledger.currency import BASE
from ledger.money import Money
from ledger.plan import NewMoney
from ledger.security import Security
from policy.funding import buy
from policy.plan_text import percent, whole
from policy.planning.calculators.trades import buyable, gain, group_weights
from policy.planning.candidates import (
    Candidate,
    Idea,
    Scene,
    affordable,
    largest,
    share_of,
    worthwhile_lots,
)
from policy.planning.drift_deposit import drift_deposit
from policy.planning.space import TradeSequence, step_cost

ZERO = Money.zero(BASE)
SHARE_STEP = Decimal("0.0001")


def new_money_fill(scene: Scene, depth: int) -> tuple[Candidate, ...]:
    """Up to `depth` purchases, the largest gap to target first, each paid after those before it.

    A gap is filled as far as cash, the largest position and the largest order allow, in whole lots
    and with fees; one that is somewhat too small to trade gets the fewest lots worth a trade. It
    ends when less than the smallest worthwhile trade is free. Priorities fall from 1 with the gap.
    """
    if not scene.config.allow_buy:
        return ()
    bought: list[Candidate] = []
    now, gaps = scene, _gaps(scene)
    for security, gap in gaps:
        if len(bought) >= depth or now.free_cash() < scene.min_trade:
            break
        wanted = _purchase(now, security, gap, strength=float(gap / gaps[0][1]))
        if wanted is None:
            continue
        paid = buy(now.purse, now.rules, cost=wanted.worst, fee=wanted.fee)
        assert paid is not None  # it was sized by what can be paid
        bought.append(wanted)
        now = replace(now, purse=paid.purse)
    return tuple(bought)


def new_money_report(scene: Scene, sequence: TradeSequence | None) -> NewMoney:
    """What was free before `sequence` (None: nothing is done), what it spends of that, and the
    deposit after which purchases alone reach every target.

    Spent is what its purchases and all costs take beyond the proceeds of its sales.
    """
    steps = sequence.steps if sequence else ()
    trades = [step for step in steps if isinstance(step, Candidate)]
    cost = sum(step_cost(step).minor for step in steps)
    flows = [(t.symbol, t.value_eur.minor * (1 if t.side == "BUY" else -1)) for t in trades]
    taken = cost + sum(flow for _, flow in flows)
    values = _values(scene, flows)
    found = drift_deposit(
        scene,
        values,
        total=scene.total.minor - cost,
        free=scene.free_cash().minor - taken,
    )
    free = max(scene.free_cash(), ZERO)
    spent = min(max(Money(taken, BASE), ZERO), free)
    share = _share(found.deposit, scene.total.minor - cost)
    return NewMoney(free, spent, found.deposit, found.blocked_by, share)


def _share(deposit: Money | None, total: int) -> Decimal | None:
    """How large a deposit is beside what there is, to a ten-thousandth."""
    if deposit is None or total <= 0:
        return None
    return (Decimal(deposit.minor) / total).quantize(SHARE_STEP)


def _values(scene: Scene, flows: Iterable[tuple[str, int]]) -> dict[str, int]:
    """What is held of each security after the flows, in EUR cents."""
    values = {
        position.security.symbol: position.value_eur.minor
        for position in scene.snapshot.positions
        if position.value_eur is not None
    }
    for symbol, minor in flows:
        values[symbol] = values.get(symbol, 0) + minor
    return values


def _gaps(scene: Scene) -> list[tuple[Security, Decimal]]:
    """What may be bought now and is below its target, the largest distance first."""
    targets = scene.targets.weights
    gaps = (
        (security, targets[security.symbol] - scene.weight(security))
        for security in buyable(scene)
        if security.symbol in targets
    )
    short = [(security, gap) for security, gap in gaps if gap > 0]
    return sorted(short, key=lambda pair: (-pair[1], pair[0].symbol))


def _purchase(
    scene: Scene, security: Security, gap: Decimal, *, strength: float
) -> Candidate | None:
    idea = _idea(scene, security, gap, strength)
    lots = worthwhile_lots(scene, security, share_of(scene.total, gap), idea)
    return largest(scene, security, lots, idea, lambda wanted: affordable(scene, wanted))


def _idea(scene: Scene, security: Security, gap: Decimal, strength: float) -> Idea:
    weight = scene.weight(security)
    missing, cap = share_of(scene.total, gap), scene.order_cap()
    capped = f", one order {whole(cap)} at most" if missing > cap else ""
    words = f"{percent(weight)} of the portfolio, target {percent(weight + gap)}"
    held = scene.holdings.get(security.symbol)
    gained = gain(scene, held) if held is not None else None
    return Idea(
        "rebalance_buys",
        strength,
        lambda value: (
            f"{security.symbol} is {words}, {whole(missing)} short of it:"
            f" free cash buys {value}{capped}"
        ),
        (
            "new_money",
            "averaging_down" if gained is not None and gained < 0 else "rebalance",
            "optimizer_target" if scene.targets.optimized else "equal_target",
            *_underweight_country(scene, security),
        ),
    )


def _underweight_country(scene: Scene, security: Security) -> tuple[str, ...]:
    """A tag that names the country's group, when all of it together is below its target."""
    group = scene.targets.country_of.get(security.symbol, "")
    target = scene.targets.countries.get(group, Decimal(0))
    weight = group_weights(scene).get(group, Decimal(0))
    return (f"underweight_{group.lower()}",) if weight < target else ()
