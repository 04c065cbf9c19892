"""What one step of a repair of negative cash looks at, and the actions it can end in.

Shared by the step itself (policy.emergency_run), its sales (policy.emergency_choice) and the
rebalancer, which gathers the view and carries the action out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from ledger.currency import BASE
from ledger.emergency import EmergencyRun, EmergencySale, EmergencyState
from ledger.fact import is_pair
from ledger.money import Money, Rounding, divide
from ledger.order import Intent, Mode, Proposal
from ledger.portfolio import PortfolioSnapshot
from policy import emergency_cover
from policy.emergency import Deficit, Sources
from policy.emergency_sales import MARGIN, SaleMarket
from policy.fx import padded
from policy.gate_checks import order_cap

# Orders of one phase after which it has failed.
PASSES = 20
# Room for the price to move until the order is judged by its size.
ORDER_ROOM = Decimal("0.98")


@dataclass(frozen=True, slots=True)
class Blind:
    """The account cannot be judged now; that is never taken for: all is well."""

    mode: Mode
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyView:
    """Everything one step looks at.

    `deficits` are the negative ones only. `orders` are the run's own in their steps, `pending` all
    that are proposed or in flight. `confirmed` are the currencies below zero in two looks.
    `age_s` is the age of the account in machine seconds, `fx_opens` when currencies trade next.
    """

    mode: Mode
    halted: bool
    age_s: float
    deficits: tuple[Deficit, ...]
    sources: Sources
    market: SaleMarket
    orders: tuple[Intent, ...]
    pending: tuple[Intent, ...]
    confirmed: frozenset[str]
    fx_opens: datetime | None
    sold_today: Money

    @property
    def now(self) -> datetime:
        return self.market.now

    @property
    def snapshot(self) -> PortfolioSnapshot:
        return self.market.snapshot

    @property
    def sale_market(self) -> SaleMarket:
        """The market, with what the money of each sale could cure."""
        held = {position.security.currency for position in self.snapshot.positions}
        known = (deficit.need_eur for deficit in self.deficits if deficit.need_eur is not None)
        more = padded(sum(known, Money.zero(BASE)), MARGIN)
        curable = emergency_cover.curable(held, self.deficits, self.sources, more_eur=more)
        return replace(self.market, curable=curable)

    @property
    def targets(self) -> frozenset[str]:
        return frozenset(deficit.currency for deficit in self.deficits)

    @property
    def sold_in(self) -> frozenset[str]:
        """The currencies in which sales of the run brought money."""
        return frozenset(
            order.proposal.currency
            for order in self.orders
            if order.filled.micro and not is_pair(order.proposal.symbol)
        )

    @property
    def sold(self) -> Money:
        """What sales of the run executed for, in EUR at the prices decided on."""
        total = Money.zero(BASE)
        for order in self.orders:
            wanted = order.proposal
            if wanted.value_eur is not None and not is_pair(wanted.symbol):
                part = wanted.value_eur.minor * order.filled.micro
                total += Money(divide(part, wanted.quantity.micro, Rounding.CEIL), BASE)
        return total

    @property
    def next_step(self) -> int:
        return 1 + max((order.proposal.step for order in self.orders), default=0)

    @property
    def order_bound(self) -> Money:
        """What one order may be worth, with some room for the price to move."""
        limits, total = self.market.limits, self.snapshot.total_eur
        cap = limits.max_order_floor
        if total is not None:
            cap = order_cap(total, limits, conversion=False)
        return Money.half_even(cap.amount * ORDER_ROOM, BASE)

    @property
    def room_today(self) -> Money | None:
        """What may still be sold today without the owner; None while the total is unknown."""
        total = self.snapshot.total_eur
        if total is None:
            return None
        share = Money.half_even(total.amount * self.market.limits.emergency_max_sell_share, BASE)
        return max(share - self.sold_today, Money.zero(BASE))


@dataclass(frozen=True, slots=True)
class Exchange:
    """Commit this conversion; `before` are the balances of source and target now."""

    proposal: Proposal
    state: EmergencyState
    before: tuple[Money, Money]


@dataclass(frozen=True, slots=True)
class Sell:
    proposal: Proposal
    sale: EmergencySale


@dataclass(frozen=True, slots=True)
class Recommend:
    """Show what would be sold; nothing is ordered."""

    sales: tuple[EmergencySale, ...]
    why: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing can be done now.

    `look_again`: a fresh portfolio is wanted soon. `withdraw`: other resting orders have to make
    way, because what they may still take or bring cannot be told.
    """

    state: EmergencyState
    why: str
    until: datetime | None = None
    look_again: bool = False
    withdraw: bool = False


@dataclass(frozen=True, slots=True)
class AskOwner:
    """Whether it may sell for `most` in all, what it has sold for already included."""

    why: str
    most: Money


@dataclass(frozen=True, slots=True)
class Finish:
    state: EmergencyState
    why: str


Action = Exchange | Sell | Recommend | Wait | AskOwner | Finish


def end(run: EmergencyRun, view: EmergencyView, why: str) -> Finish:
    """Partial when a balance is better than at the start, failed when none is."""
    free = view.sources.free
    better = any(free.get(d.currency, d.balance) > d.balance for d in run.deficits)
    return Finish(EmergencyState.PARTIAL if better else EmergencyState.FAILED, why)
