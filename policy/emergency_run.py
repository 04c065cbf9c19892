"""What a repair of negative cash does next: exchange, sell, wait, ask the owner, or end.

A pure step: the run as it is written down and the world as it is now give one action. The
rebalancer carries it out and comes back with the next portfolio.

    1  exchange   every currency that can spare something, one order at a time
    2  sell       only what no exchange can bring, and only when two looks at the account agree
    3  exchange   what the sales brought, when it came in another currency

Nothing is decided while an order is under way, so nothing has to be subtracted for it, and the
same shortfall seen again and again sells once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from ledger.emergency import UNCURED, EmergencyRun, EmergencyState
from ledger.fact import CORE, is_pair
from ledger.order import Intent, Side
from ledger.portfolio import PortfolioSnapshot
from policy import emergency, emergency_cover
from policy.emergency import Repair
from policy.emergency_choice import missing, recommend, sell
from policy.emergency_view import (
    PASSES,
    Action,
    Blind,
    EmergencyView,
    Exchange,
    Finish,
    Wait,
    end,
)

# Two looks at the account must be this far apart (machine time) to confirm a balance below zero.
LOOKS_APART_S = 10.0
# Market time from the end of a run that did not cure the shortfall to the next one for it.
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 20, 30))

_S = EmergencyState


def sightings(before: Mapping[str, float], snapshot: PortfolioSnapshot) -> dict[str, float]:
    """Since which read (monotonic seconds) each currency was below zero in every snapshot."""
    return {
        cash.money.currency: before.get(cash.money.currency, snapshot.read_at_s)
        for cash in snapshot.cash
        if cash.money.minor < 0
    }


def confirmed(seen: Mapping[str, float], snapshot: PortfolioSnapshot) -> frozenset[str]:
    """Currencies seen below zero in two reads far enough apart."""
    return frozenset(c for c, at in seen.items() if snapshot.read_at_s - at >= LOOKS_APART_S)


def pause_until(
    recent: Sequence[EmergencyRun], currencies: frozenset[str], now: datetime
) -> datetime | None:
    """Until when no new run may begin for the same shortfall; None when one may begin now.

    `recent` are earlier runs, newest first. After runs that cured nothing the pauses grow; after
    the owner's word to sell nothing the rest of the market day is quiet.
    """
    uncured = 0
    for run in recent:
        if run.state not in UNCURED or not currencies <= run.currencies:
            break
        uncured += 1
    newest = recent[0] if recent else None
    if newest is None or newest.ended_at is None:
        return None
    until = None
    if uncured:
        until = newest.ended_at + BACK_OFF[min(uncured, len(BACK_OFF)) - 1]
    elif newest.owner == "abort" and currencies <= newest.currencies:
        midnight = datetime.combine(newest.ended_at.date(), time(), tzinfo=UTC)
        until = midnight + timedelta(days=1)
    return until if until is not None and until > now else None


def next_action(run: EmergencyRun, view: EmergencyView | Blind) -> Action:
    """The one thing to do now."""
    if view.mode != run.mode:
        return Finish(_S.ABORTED, f"the mode changed from {run.mode} to {view.mode}")
    if isinstance(view, Blind):
        return Wait(run.state, f"the situation is unknown: {view.reason}")
    under_way = next((o for o in view.pending if o.proposal.order_class == "emergency"), None)
    if under_way is not None:
        return _await(run, under_way)
    if not view.deficits:
        return Finish(_S.RESOLVED, "no balance is below zero")
    if run.mode == "research":
        return recommend(run, view, emergency.repair(view.deficits, view.sources))
    return _obstacle(run, view) or _act(run, view)


def _obstacle(run: EmergencyRun, view: EmergencyView) -> Wait | Finish | None:
    """Why no order may be decided on this view."""
    if view.halted:
        return Wait(run.state, "trading is halted")
    if view.age_s > view.market.limits.max_snapshot_age_s:
        return Wait(run.state, "the account has to be read again", look_again=True)
    if _moved_wrongly(run, view):
        return end(run, view, "the last conversion did not move the balances the right way")
    return None


def _await(run: EmergencyRun, order: Intent) -> Wait:
    wanted = order.proposal
    own_sale = wanted.source_id == run.run_id and not is_pair(wanted.symbol)
    state = _S.AWAITING_FILL if own_sale and run.state is not _S.FINAL_EXCHANGE else run.state
    return Wait(state, f"{wanted.side} {wanted.quantity} {wanted.symbol} is under way")


def _act(run: EmergencyRun, view: EmergencyView) -> Action:
    """Live, on a fresh account, with nothing of ours under way."""
    final = run.state is _S.FINAL_EXCHANGE
    sold = bool(view.sold_in)
    conversions = emergency.repair(view.deficits, view.sources)
    need = missing(view, conversions)
    sure = view.targets <= view.confirmed
    # An order of ours that rests would be withdrawn for it: not on a single look.
    if view.pending and not (conversions and sure):
        return Wait(run.state, "another order is in flight", look_again=not sure, withdraw=sure)
    if not final and need.minor > 0 and (sold or not conversions):
        sale = sell(run, view, need)
        if not (isinstance(sale, Finish) and conversions):
            return sale
    if conversions:
        return _exchange(run, view, conversions, _S.FINAL_EXCHANGE if sold or final else None)
    if final or sold:
        return _left_over(run, view)
    unknown = ", ".join(d.currency for d in view.deficits if d.need_eur is None)
    return Wait(run.state, f"no rate of {unknown} that is fit for trading")


def _left_over(run: EmergencyRun, view: EmergencyView) -> Wait | Finish:
    """What sales brought waits for its rate: the end of the run would let it be sold for again."""
    kept = view.sold_in.intersection(emergency_cover.stalled(view.deficits, view.sources))
    if kept:
        return Wait(run.state, f"no trustworthy rate of {', '.join(sorted(kept))}")
    return end(run, view, "what is left cannot be exchanged")


def _exchange(
    run: EmergencyRun,
    view: EmergencyView,
    conversions: tuple[Repair, ...],
    final: EmergencyState | None,
) -> Action:
    """The first conversion that may be tried now, no larger than one order may be."""
    if _conversions_made(view.orders) >= PASSES:
        return end(run, view, f"{PASSES} conversions did not cure it")
    state, now = final or _S.EXCHANGING, view.now
    barred = {key: until for key, until in view.market.barred.items() if until > now}
    allowed = emergency.repair(view.deficits, replace(view.sources, barred=frozenset(barred)))
    if not allowed:
        waits = [barred[key] for key in map(_key, conversions) if key in barred]
        return Wait(state, "every conversion was refused lately", min(waits, default=None))
    if view.fx_opens is None or view.fx_opens > now:
        return Wait(final or _S.WAITING_MARKET, "the currency market is closed", view.fx_opens)
    for found in allowed:
        fitted = emergency.within(found, view.order_bound, view.sources.market)
        if fitted is not None:
            return _order(run, view, fitted, state)
    return end(run, view, "no conversion is small enough for one order")


def _key(found: Repair) -> tuple[str, Side]:
    leg = found.conversion.leg
    return leg.pair.symbol, leg.side


def _order(
    run: EmergencyRun, view: EmergencyView, found: Repair, state: EmergencyState
) -> Exchange:
    leg = found.conversion.leg
    made = emergency.proposal(
        found,
        source_id=run.run_id,
        step=view.next_step,
        attempt=1,
        bucket_id=CORE,
        order_class="emergency",
    )
    cash = view.snapshot.cash_in
    return Exchange(made, state, (cash(leg.source), cash(leg.target)))


def _conversions_made(orders: tuple[Intent, ...]) -> int:
    """Conversions tried in this phase: since the last sale."""
    count = 0
    for order in reversed(orders):
        if not is_pair(order.proposal.symbol):
            break
        count += 1
    return count


def _moved_wrongly(run: EmergencyRun, view: EmergencyView) -> bool:
    """The newest order was a conversion that executed, and its money did not go where it should."""
    if run.state not in {_S.EXCHANGING, _S.FINAL_EXCHANGE} or not (view.orders and run.before):
        return False
    newest = view.orders[-1]
    source, target = run.before
    pair = set(newest.proposal.symbol.split("/"))
    if not newest.filled.micro or pair != {source.currency, target.currency}:
        return False
    cash = view.snapshot.cash_in
    return cash(target.currency) <= target or cash(source.currency) >= source
