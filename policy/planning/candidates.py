"""Candidate trades: one sized, priced and explained order, before anybody chose among them.

The calculators of `policy.planning.calculators` build them here; sequences are made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from ledger.currency import BASE, exponent
from ledger.money import Money, Price, Quantity, Rounding
from ledger.order import Side
from ledger.portfolio import PortfolioSnapshot, Position
from ledger.security import Security
from policy.fees import FeeTerms, fee, min_trade_eur
from policy.funding import MoneyRules, Purse, buy, money_rules
from policy.fx import FxMarket, worst_price
from policy.limits import Limits
from policy.plan_text import whole
from policy.planning.config import DEFAULT_CONFIG, PlannerConfig
from policy.planning.facts import UNKNOWN_FACTS, SecurityFacts
from policy.targets import Targets

Kind = Literal[
    "profit_taking",
    "rebalance_sells",
    "averaging_down",
    "rebalance_buys",
    "opportunity_buys",
    "weight_based",
]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A trade worth considering. `priority` is 0 to 1 within its kind, times the kind's weight.

    `price` is the decision price, `worst` the cost or proceeds at the furthest limit price, and
    `fee` the fee at that value, in the currency in which it is charged. `group` is the group whose
    overweight bounds all sales that name it. What is not `executable` breaks a rule on purpose.
    """

    kind: Kind
    security: Security
    side: Side
    quantity: Quantity
    price: Price
    worst: Money
    fee: Money
    value_eur: Money
    fee_eur: Money
    priority: float
    reason: str
    tags: tuple[str, ...]
    group: str | None = None
    executable: bool = True

    @property
    def symbol(self) -> str:
        return self.security.symbol

    @property
    def key(self) -> bytes:
        """The canonical encoding: candidates with the same key are the same trade."""
        parts = (self.side, self.symbol, self.quantity.micro, self.price.micro, self.value_eur)
        return "|".join(str(part) for part in parts).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What candidates are sized against; `rules.fx` carries limits and tradable rates.

    `markets` are the exchanges whose hours are known; `barred` the (symbol, side) pairs that a
    gate refused lately or that are in a hold or cool-down. `holdings` are the positions by symbol.
    All amounts are EUR.
    """

    snapshot: PortfolioSnapshot
    targets: Targets
    total: Money
    min_trade: Money
    fees: FeeTerms
    markets: frozenset[str]
    barred: frozenset[tuple[str, Side]]
    purse: Purse
    rules: MoneyRules
    config: PlannerConfig = DEFAULT_CONFIG
    facts: Mapping[str, SecurityFacts] = field(default_factory=dict[str, SecurityFacts])
    today: date | None = None
    holdings: Mapping[str, Position] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        holdings = {p.security.symbol: p for p in self.snapshot.positions}
        object.__setattr__(self, "holdings", holdings)

    def known(self, security: Security) -> SecurityFacts:
        return self.facts.get(security.symbol, UNKNOWN_FACTS)

    @property
    def limits(self) -> Limits:
        return self.rules.fx.limits

    def price(self, security: Security) -> Price | None:
        quote = self.snapshot.quotes.get(security.symbol)
        if quote is None or quote.last.currency != security.currency:
            return None
        return quote.last

    def may(self, security: Security, side: Side) -> bool:
        """Whether this side is open to planning at all."""
        instrument = security.instrument
        allowed = security.allow_buy if side == "BUY" else security.allow_sell
        return (
            allowed
            and security.tradable
            and security.confirmed
            and instrument.mic in self.markets
            and (security.symbol, side) not in self.barred
        )

    def value(self, security: Security) -> Money:
        """What is held of it, in EUR."""
        held = self.holdings.get(security.symbol)
        known = held.value_eur if held is not None else None
        return known if known is not None else Money.zero(BASE)

    def weight(self, security: Security) -> Decimal:
        return Decimal(self.value(security).minor) / self.total.minor

    def least(self, side: Side) -> Money:
        """The smallest trade that is worth its fee, and of a sale also its trouble."""
        return max(self.min_trade, self.limits.min_sell_value) if side == "SELL" else self.min_trade

    def free_cash(self) -> Money:
        """All cash less everything that must stay; may be negative."""
        return Money(self.rules.total_eur(self.purse) - self.rules.total_floor, BASE)

    def order_cap(self) -> Money:
        """The largest single order."""
        share = share_of(self.total, self.limits.max_order_share)
        return max(share, self.limits.max_order_floor)


def make_scene(
    snapshot: PortfolioSnapshot,
    targets: Targets,
    fx: FxMarket,
    *,
    fees: FeeTerms,
    markets: frozenset[str],
    barred: frozenset[tuple[str, Side]],
    pots: Iterable[Money],
    reserved: Iterable[Money],
    config: PlannerConfig = DEFAULT_CONFIG,
    facts: Mapping[str, SecurityFacts] | None = None,
    today: date | None = None,
) -> Scene | None:
    """The scene of a valued snapshot; None without a positive total or a rate for the fee.

    `pots` and `reserved` are the cash of unspent dividends and of open orders, per currency.
    """
    least = min_trade_eur(fees, fx.limits, fx.rates)
    if least is not None and config.min_trade_eur is not None:
        # One so small that its fee exceeds its share of the value would be refused.
        least = max(least, config.min_trade_eur)
    if least is None or snapshot.total_eur is None or snapshot.total_eur.minor <= 0:
        return None
    return Scene(
        snapshot=snapshot,
        targets=targets,
        total=snapshot.total_eur,
        min_trade=least,
        fees=fees,
        markets=markets,
        barred=barred,
        purse=Purse({cash.money.currency: cash.money.minor for cash in snapshot.cash}),
        rules=money_rules(snapshot, fx, pots=pots, reserved=reserved),
        config=config,
        facts=facts or {},
        today=today,
    )


def share_of(money: Money, share: Decimal) -> Money:
    """`share` of `money`, rounded down."""
    numerator, denominator = share.as_integer_ratio()
    return Money(money.minor * numerator // denominator, money.currency)


def lots_for(scene: Scene, security: Security, amount: Money, price: Price) -> int:
    """floor(amount ÷ lot cost): whole lots that `amount` EUR pays for at `price`."""
    native = scene.rules.fx.rates.convert(amount, security.currency, Rounding.FLOOR)
    return 0 if native is None else whole_lots(security, native, price)


def whole_lots(security: Security, native: Money, price: Price) -> int:
    """floor(amount ÷ lot cost) of an amount in the security's own currency."""
    lot = security.instrument.lot
    if lot is None or native.minor <= 0:
        return 0
    scale: int = 10 ** (12 - exponent(security.currency))
    return native.minor * scale // (price.micro * lot.micro)


def limit_of(scene: Scene, security: Security, side: Side, price: Price) -> Price:
    quote = scene.snapshot.quotes.get(security.symbol)
    return worst_price(price, side, quote, scene.limits)


@dataclass(frozen=True, slots=True)
class Idea:
    """Why a calculator wants a trade: its kind, its raw strength, and its words for an amount.

    `group` is the one whose overweight a sale is to cure.
    """

    kind: Kind
    strength: float
    reason: Callable[[str], str]
    tags: tuple[str, ...]
    group: str | None = None


def candidate(
    scene: Scene, security: Security, side: Side, lots: int, idea: Idea
) -> Candidate | None:
    """The candidate of `lots` lots; None below the smallest trade or without price, rate or lot."""
    price, lot = scene.price(security), security.instrument.lot
    if price is None or lot is None or lots <= 0:
        return None
    quantity = Quantity(lot.micro * lots)
    rates = scene.rules.fx.rates
    rounding = Rounding.CEIL if side == "BUY" else Rounding.FLOOR
    worst = limit_of(scene, security, side, price).times(quantity, rounding)
    native = price.times(quantity, Rounding.HALF_EVEN)
    charged = fee(scene.fees, max(worst, native), rates)
    value_eur = rates.to_eur(native)
    fee_eur = rates.convert(charged, BASE, Rounding.CEIL) if charged is not None else None
    if charged is None or value_eur is None or fee_eur is None or value_eur < scene.least(side):
        return None
    return Candidate(
        kind=idea.kind,
        security=security,
        side=side,
        quantity=quantity,
        price=price,
        worst=worst,
        fee=charged,
        value_eur=value_eur,
        fee_eur=fee_eur,
        priority=idea.strength,
        reason=idea.reason(whole(value_eur)),
        tags=idea.tags,
        group=idea.group,
    )


def buy_lots(scene: Scene, security: Security, amount: Money) -> int:
    """Lots that `amount` EUR pays for, within the largest position and the largest order."""
    price = scene.price(security)
    if price is None:
        return 0
    room = share_of(scene.total, _largest_share(scene, security)) - scene.value(security)
    limit = limit_of(scene, security, "BUY", price)
    bounded = lots_for(scene, security, min(room, scene.order_cap()), limit)
    return min(lots_for(scene, security, amount, price), bounded)


def _largest_share(scene: Scene, security: Security) -> Decimal:
    """What the position may weigh at most: the owner's word on a security only lowers it."""
    most = scene.limits.max_position_share
    return most if security.max_target is None else min(most, security.max_target)


def worthwhile_lots(scene: Scene, security: Security, gap: Money, idea: Idea) -> int:
    """Lots that close `gap`; for a gap somewhat too small to trade, the fewest worth a trade.

    Those overshoot the target, but end nearer to it than without them. 0 when a lot is dearer
    than the amount.
    """
    lots, price = buy_lots(scene, security, gap), scene.price(security)
    if price is None or not lots_for(scene, security, max(gap, scene.min_trade), price):
        return 0
    fewest = _smallest(scene, security, idea)
    twice = Money(2 * gap.minor, BASE)
    return fewest if lots < fewest <= buy_lots(scene, security, twice) else lots


def largest(
    scene: Scene, security: Security, lots: int, idea: Idea, fits: Callable[[Candidate], bool]
) -> Candidate | None:
    """The purchase of the most lots, up to `lots`, that `fits`; None when not even the smallest.

    `fits` must hold for fewer lots when it holds for more.
    """

    def tried(count: int) -> Candidate | None:
        found = candidate(scene, security, "BUY", count, idea)
        return found if found is not None and fits(found) else None

    if lots <= 0 or scene.price(security) is None:
        return None
    low, high = _smallest(scene, security, idea), lots
    best = tried(high) if low <= high else None
    if best is not None or low > high or (best := tried(low)) is None:
        return best
    while high - low > 1:
        middle = (low + high) // 2
        found = tried(middle)
        low, high, best = (middle, high, found) if found is not None else (low, middle, best)
    return best


def affordable(scene: Scene, wanted: Candidate) -> bool:
    """Whether the present cash pays for it with every reserve kept, conversions included."""
    return buy(scene.purse, scene.rules, cost=wanted.worst, fee=wanted.fee) is not None


def _smallest(scene: Scene, security: Security, idea: Idea) -> int:
    """The fewest lots that are worth the smallest trade."""
    price = scene.price(security)
    assert price is not None
    below = max(1, lots_for(scene, security, scene.min_trade, price))
    return below if candidate(scene, security, "BUY", below, idea) is not None else below + 1
