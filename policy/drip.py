"""Dividends that have arrived buy shares: one order out of one security's pots.

The drip actor calls `reinvest` while markets are open. The pots of a paying security together must
be worth a trade; a high yielding security buys more of itself, the others' money goes to whatever
is furthest below its target. An order never costs more than the pots behind it, fee included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from ledger.currency import BASE
from ledger.dividend import DividendPot, PotShare, PotState
from ledger.fact import CorporateAction
from ledger.money import Money, Price, Rounding
from ledger.order import Proposal
from ledger.rate import RateTable
from ledger.security import Security
from policy.dividend_history import DividendAnalysis, analyse, last_year, payments
from policy.plan_text import percent
from policy.planning.candidates import Candidate, Idea, Scene, buy_lots, largest, limit_of
from policy.targets import is_buyable
from policy.valuation import unfit

# How long an exchange has been open; None while it is closed or its hours are unknown.
OpenFor = Callable[[str], timedelta | None]


@dataclass(frozen=True, slots=True)
class Reinvestment:
    """One purchase and what each pot pays for it, in the currency of the pot."""

    proposal: Proposal
    shares: tuple[PotShare, ...]


@dataclass(frozen=True, slots=True)
class NoReinvestment:
    """Why nothing is bought now, with one reason per paying security."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Group:
    """The waiting pots of one paying security, oldest first."""

    symbol: str
    pots: tuple[DividendPot, ...]
    worth: Money


def dividend_yield(per_share: Iterable[Price], price: Price | None) -> Decimal | None:
    """Dividends per share of the last year ÷ price; None without a price in their currency."""
    paid = tuple(per_share)
    if price is None or any(one.currency != price.currency for one in paid):
        return None
    return Decimal(sum(one.micro for one in paid)) / price.micro


def payer(
    symbol: str, actions: Iterable[CorporateAction], price: Price | None, today: date
) -> DividendAnalysis:
    """What is known of a paying security from what the broker reported for it so far.

    Its yield is that of the last 365 days and unknown when a payment or the price is. What is only
    announced has not moved the price yet.
    """
    paid = payments(action for action in actions if action.ex_date <= today)
    current = None if paid is None else dividend_yield(last_year(paid, today), price)
    return analyse(symbol, paid, current=current, today=today)


def reinvest(
    pots: Iterable[DividendPot],
    scene: Scene,
    *,
    payers: Mapping[str, DividendAnalysis],
    open_for: OpenFor,
    source_id: str,
    attempt: int,
    bucket_id: str,
) -> Reinvestment | NoReinvestment:
    """The first order that the pots allow now, the largest group first.

    `payers` are the analyses by paying symbol; a yield that is unknown counts as low.
    """
    wrong = unfit(scene.snapshot)
    if wrong is not None:
        return NoReinvestment(wrong)
    reasons: list[str] = []
    for group in _groups(pots, scene.rules.fx.rates):
        if group.worth < scene.min_trade:
            reasons.append(f"{group.symbol}: {group.worth} waits for {scene.min_trade}")
            continue
        found = _purchase(group, scene, payers.get(group.symbol), open_for)
        if isinstance(found, str):
            reasons.append(f"{group.symbol}: {found}")
            continue
        shares = _shares(group, found, scene.rules.fx.rates)
        order = _proposal(found, scene, source_id=source_id, attempt=attempt, bucket_id=bucket_id)
        return Reinvestment(order, shares)
    return NoReinvestment("; ".join(reasons) or "no dividend waits for reinvestment")


def _groups(pots: Iterable[DividendPot], rates: RateTable) -> list[_Group]:
    """Pots by paying security; those without a rate wait and are not counted."""
    by_symbol: dict[str, list[DividendPot]] = {}
    for pot in sorted(pots, key=lambda p: (p.paid_at, p.dividend_id)):
        known = rates.to_eur(pot.left) is not None
        if known and pot.state is PotState.ACCUMULATING and pot.left.minor > 0:
            by_symbol.setdefault(pot.symbol, []).append(pot)
    groups = [
        _Group(symbol, tuple(members), _worth(members, BASE, rates))
        for symbol, members in by_symbol.items()
    ]
    return sorted(groups, key=lambda g: (-g.worth.minor, g.symbol))


def _worth(pots: Iterable[DividendPot], currency: str, rates: RateTable) -> Money:
    """The pots in one currency, each rounded down."""
    values = (rates.convert(pot.left, currency, Rounding.FLOOR) for pot in pots)
    return Money(sum(value.minor for value in values if value is not None), currency)


def _purchase(
    group: _Group, scene: Scene, known: DividendAnalysis | None, open_for: OpenFor
) -> Candidate | str:
    """The purchase, or why there is none now."""
    own = None if known is None else known.current_yield_pct
    for security, why in _choices(group, scene, own):
        found = _sized(group, security, f"{why}{_told(known)}", scene)
        if found is None:
            continue
        opened = open_for(security.instrument.mic)
        if opened is None:
            return f"{security.symbol} waits for its market to open"
        if opened < scene.limits.drip_after_open:
            return f"{security.symbol} waits for the end of its opening"
        return found
    return f"{group.worth} does not buy a lot of anything below its target"


def _told(known: DividendAnalysis | None) -> str:
    """What the decision knew of the payer, for its reason."""
    if known is None or known.yield_assessment is None:
        return ""
    compared = known.yield_assessment.replace("_", " ")
    return f"; {known.symbol}: {compared}, stability {known.stability_score}"


def _choices(group: _Group, scene: Scene, own: Decimal | None) -> Iterator[tuple[Security, str]]:
    """The paying security when it yields enough, then the others by distance below target.

    What has reached the largest share of the portfolio is no choice: no lot of it fits.
    """
    weights = scene.targets.weights
    buyable = [s for s in scene.snapshot.universe if is_buyable(s) and scene.may(s, "BUY")]
    if own is not None and own >= scene.limits.drip_same_yield:
        for security in (s for s in buyable if s.symbol == group.symbol):
            yield security, f"it yields {percent(own)}"
    gaps = [(weights[s.symbol] - scene.weight(s), s) for s in buyable if s.symbol in weights]
    for gap, security in sorted(gaps, key=lambda pair: (-pair[0], pair[1].symbol)):
        if gap > 0:
            yield security, f"it is {percent(gap)} of the portfolio below its target"


def _sized(group: _Group, security: Security, why: str, scene: Scene) -> Candidate | None:
    """The most whole lots whose worst cost and fee the pots cover, when the cash is really there.

    What is bought is paid in its own currency: with pots of another one, only cash that the
    reserves and the other pots leave free may be used, and the pots give up the same value.
    """
    idea = Idea(
        "weight_based",
        1.0,
        lambda value: f"reinvest {value} of dividends of {group.symbol}: {why}",
        ("drip",),
    )
    lots = buy_lots(scene, security, group.worth)
    return largest(scene, security, lots, idea, lambda wanted: _covered(group, wanted, scene))


def _covered(group: _Group, wanted: Candidate, scene: Scene) -> bool:
    rates = scene.rules.fx.rates
    cost = _cost(wanted, rates)
    if cost is None or cost > _worth(group.pots, cost.currency, rates):
        return False
    needs = {wanted.worst.currency: wanted.worst.minor}
    needs[wanted.fee.currency] = needs.get(wanted.fee.currency, 0) + wanted.fee.minor
    return all(need <= _usable(group, currency, scene) for currency, need in needs.items())


def _cost(wanted: Candidate, rates: RateTable) -> Money | None:
    """Worst cost and fee together, in the currency of the trade."""
    charged = rates.convert(wanted.fee, wanted.worst.currency, Rounding.CEIL)
    return None if charged is None else wanted.worst + charged


def _usable(group: _Group, currency: str, scene: Scene) -> int:
    """Free cash of a currency and this group's own pots in it; the floors contain all pots."""
    own = sum(pot.left.minor for pot in group.pots if pot.left.currency == currency)
    return scene.rules.surplus(scene.purse, currency) + own


def _shares(group: _Group, wanted: Candidate, rates: RateTable) -> tuple[PotShare, ...]:
    """Split the whole cost over the pots, oldest first; never more than a pot has left."""
    cost = _cost(wanted, rates)
    assert cost is not None
    shares: list[PotShare] = []
    for pot in group.pots:
        if cost.minor <= 0:
            break
        holds = rates.convert(pot.left, cost.currency, Rounding.FLOOR)
        part = rates.convert(cost, pot.left.currency, Rounding.CEIL)
        assert holds is not None
        assert part is not None
        shares.append(PotShare(pot.dividend_id, min(part, pot.left)))
        cost -= min(holds, cost)
    return tuple(shares)


def _proposal(
    wanted: Candidate, scene: Scene, *, source_id: str, attempt: int, bucket_id: str
) -> Proposal:
    """No dearer than the pots were asked to pay for, however the price has moved meanwhile."""
    return Proposal(
        order_class="drip",
        source_id=source_id,
        step=1,
        attempt=attempt,
        bucket_id=bucket_id,
        symbol=wanted.symbol,
        security_id=wanted.security.security_id,
        side="BUY",
        quantity=wanted.quantity,
        currency=wanted.price.currency,
        decision_price=wanted.price,
        value_eur=wanted.value_eur,
        reason=wanted.reason,
        asked_limit=limit_of(scene, wanted.security, "BUY", wanted.price),
    )
