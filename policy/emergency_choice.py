"""The second step of a repair of negative cash: what to sell, and what a sale has to wait for.

In research the same choice is shown as recommendations and nothing is ordered.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from ledger.currency import BASE
from ledger.emergency import EmergencyRun, EmergencySale, EmergencyState
from ledger.fact import CORE, is_pair
from ledger.money import Money
from ledger.order import Proposal
from policy import emergency_cover, emergency_sales
from policy.emergency import Repair
from policy.emergency_sales import Sale
from policy.emergency_view import (
    PASSES,
    Action,
    AskOwner,
    EmergencyView,
    Recommend,
    Sell,
    Wait,
    end,
)
from policy.fx import padded

# A source that only lacks a rate gets this long (market time) before anything is sold instead.
PATIENCE = timedelta(hours=1)
# What an exchange of the proceeds may cost, and the reserve they leave behind, at the most …
EXCHANGE_LOSS = Decimal("0.05")
# … so a sale after the first aims at a little above that: together they stay within the margin.
LATER_MARGIN = Decimal("0.04")
# The owner is asked for the margin of a sale and for what its exchange may cost.
ASKED_MARGIN = emergency_sales.MARGIN + EXCHANGE_LOSS
REASON = "Emergency rebalancing: negative cash balance"

_S = EmergencyState


def missing(view: EmergencyView, conversions: tuple[Repair, ...]) -> Money:
    """What has to be sold for, in EUR; before a sale, what cannot be exchanged covers nothing."""
    if view.sold_in:
        return emergency_cover.uncovered(
            view.deficits, view.sources, sold=view.sold_in, buffer=EXCHANGE_LOSS
        )
    if conversions:
        return emergency_cover.uncovered(view.deficits, view.sources)
    known = (deficit.need_eur for deficit in view.deficits if deficit.need_eur is not None)
    return sum(known, Money.zero(BASE))


def sell(run: EmergencyRun, view: EmergencyView, need: Money) -> Action:
    """The next sale for `need` (EUR), or what it has to wait for."""
    if sum(not is_pair(order.proposal.symbol) for order in view.orders) >= PASSES:
        return end(run, view, f"{PASSES} sales did not cure it")
    held = emergency_sales.sellable(view.sale_market, view.targets)
    if not held:
        return _patience(run, view) or end(run, view, "nothing that is held may be sold")
    opens = min(emergency_sales.opens_at(position, view.sale_market) for position in held)
    if opens > view.now:
        why = "no exchange of what may be sold is open"
        return Wait(_asking_or(_S.WAITING_MARKET, run), why, opens)
    return _patience(run, view) or _choose(run, view, need)


def _patience(run: EmergencyRun, view: EmergencyView) -> Wait | None:
    """What speaks against selling just yet."""
    kept = emergency_cover.stalled(view.deficits, view.sources)
    patient = run.started_at + PATIENCE
    if kept and view.now < patient:
        return Wait(run.state, f"no trustworthy rate of {', '.join(kept)}", patient)
    if not view.targets <= view.confirmed:
        return Wait(run.state, "a second look has to confirm it", look_again=True)
    if view.pending:
        return Wait(run.state, "another order is in flight", withdraw=True)
    return None


def _choose(run: EmergencyRun, view: EmergencyView, need: Money) -> Action:
    market = view.sale_market
    margin = LATER_MARGIN if view.sold_in else emergency_sales.MARGIN
    bound = view.order_bound
    planned = emergency_sales.plan_sales(need, market, view.targets, margin=margin, most=bound)
    if not planned:
        return _nothing_offered(run, view)
    fitted = (emergency_sales.within(sale, bound, market) for sale in planned)
    sale = next((sale for sale in fitted if sale is not None), None)
    if sale is None:
        return end(run, view, "what may be sold in one order would bring nothing")
    allowed = _allowed(run, view, sale)
    if allowed is not None:
        return _sale_order(run, view, allowed)
    if view.room_today is None:
        return Wait(run.state, "the total value, and so the day's share, is unknown")
    return _ask(view, need, sale)


def _allowed(run: EmergencyRun, view: EmergencyView, sale: Sale) -> Sale | None:
    """So much of the sale as the day's share or the owner's word still covers; None for nothing."""
    market, rooms = view.sale_market, [view.room_today]
    if run.owner == "confirm" and run.asked is not None:
        rooms.append(run.asked - view.sold)
    room = max((room for room in rooms if room is not None), default=Money.zero(BASE))
    allowed = emergency_sales.within(sale, room, market)
    # The last crumbs of it would go to the fee.
    least = min(market.limits.min_sell_value, sale.value_eur)
    if allowed is None or allowed.value_eur < least or allowed.net_eur.minor <= 0:
        return None
    return allowed


def _ask(view: EmergencyView, need: Money, sale: Sale) -> AskOwner:
    """The owner is asked once for all that is missing now, and again if that grows."""
    share = view.market.limits.emergency_max_sell_share
    one = padded(emergency_sales.at_most(sale, view.market), EXCHANGE_LOSS)
    more = max(padded(need, ASKED_MARGIN), one)
    return AskOwner(
        f"selling for up to {more} more: above {share:.0%} of the portfolio in a day that needs"
        " the owner",
        view.sold + more,
    )


def _nothing_offered(run: EmergencyRun, view: EmergencyView) -> Action:
    """Held and allowed, but not to be had now, or too little to be worth it."""
    market = view.sale_market
    if emergency_sales.offers(market, view.targets, most=view.order_bound):
        return end(run, view, "what may be sold would bring nothing")
    if emergency_sales.offers(market, view.targets):
        return end(run, view, "one lot of what may be sold is more than one order may be")
    held = emergency_sales.sellable(market, view.targets)
    waits = [emergency_sales.barred_until(position, market) for position in held]
    until = min((at for at in waits if at is not None), default=None)
    why = "nothing has a fresh price, or its sale was refused lately"
    return Wait(_asking_or(_S.SELLING, run), why, until)


def _asking_or(state: EmergencyState, run: EmergencyRun) -> EmergencyState:
    """The owner has time to answer while nothing can be sold anyway."""
    return run.state if run.state is _S.WAITING_OWNER else state


def _sale_order(run: EmergencyRun, view: EmergencyView, sale: Sale) -> Sell:
    security, step = sale.security, view.next_step
    reason = f"{REASON}: {_short(view)}"
    return Sell(
        Proposal(
            order_class="emergency",
            source_id=run.run_id,
            step=step,
            attempt=1,
            bucket_id=CORE,
            symbol=security.symbol,
            security_id=security.security_id,
            side="SELL",
            quantity=sale.quantity,
            currency=security.currency,
            decision_price=sale.last,
            value_eur=sale.value_eur,
            reason=reason,
        ),
        _recorded(run, step, sale, reason),
    )


def _recorded(run: EmergencyRun, number: int, sale: Sale, reason: str) -> EmergencySale:
    return EmergencySale(
        run_id=run.run_id,
        number=number,
        symbol=sale.security.symbol,
        quantity=sale.quantity,
        price=sale.bid,
        value_eur=sale.value_eur,
        reason=reason,
    )


def _short(view: EmergencyView) -> str:
    return ", ".join(str(deficit.balance) for deficit in view.deficits)


def recommend(
    run: EmergencyRun, view: EmergencyView, conversions: tuple[Repair, ...]
) -> Recommend | Wait:
    """Research: what would be sold beyond what would be exchanged; nothing is ordered."""
    need = missing(view, conversions)
    if not view.targets <= view.confirmed:
        return Wait(run.state, "a second look has to confirm it", look_again=True)
    if need.minor > 0 and not emergency_sales.offers(view.sale_market, view.targets):
        return Wait(run.state, "research: nothing can be sold now")
    planned = emergency_sales.plan_sales(need, view.sale_market, view.targets)
    reason = f"{REASON}: {_short(view)}"
    sales = tuple(
        _recorded(run, number, sale, reason) for number, sale in enumerate(planned, start=1)
    )
    if not sales:
        return Recommend((), "research: an exchange would cure it, nothing is ordered")
    return Recommend(sales, "research: sales are recommended, nothing is ordered")
