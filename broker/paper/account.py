"""The balances of the one account: cash, holdings and what of the cash has not settled yet."""

from __future__ import annotations

from dataclasses import dataclass, field

from ledger.money import Rounding, divide


@dataclass(frozen=True, slots=True)
class Stake:
    """A holding: units in millionths, and what one unit cost in millionths (None: unknown)."""

    quantity_micro: int
    cost_micro: int | None


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A change of cash that is available already and settles at `settles_ms`."""

    settles_ms: int
    currency: str
    minor: int


@dataclass(slots=True)
class Account:
    """Mutable; changed by `Books` only, which writes every change down in the same transaction."""

    cash: dict[str, int] = field(default_factory=dict[str, int])
    stakes: dict[str, Stake] = field(default_factory=dict[str, Stake])
    unsettled: list[Unsettled] = field(default_factory=list[Unsettled])

    def balance(self, currency: str) -> int:
        return self.cash.get(currency, 0)

    def held(self, symbol: str) -> int:
        """Units held, in millionths."""
        stake = self.stakes.get(symbol)
        return stake.quantity_micro if stake else 0

    def pay(self, currency: str, minor: int) -> None:
        self.cash[currency] = self.balance(currency) + minor

    def put(self, symbol: str, stake: Stake) -> None:
        """Hold exactly `stake`; nothing at all when it is empty."""
        assert stake.quantity_micro >= 0, f"{symbol} would be sold short"
        if stake.quantity_micro:
            self.stakes[symbol] = stake
        else:
            self.stakes.pop(symbol, None)

    def settled(self, currency: str, now_ms: int) -> int:
        """The balance without what settles after `now_ms`."""
        open_minor = sum(
            row.minor
            for row in self.unsettled
            if row.currency == currency and row.settles_ms > now_ms
        )
        return self.balance(currency) - open_minor

    def settle(self, now_ms: int) -> None:
        """Forget what has settled by `now_ms`."""
        self.unsettled = [row for row in self.unsettled if row.settles_ms > now_ms]


def bought(stake: Stake | None, quantity_micro: int, price_micro: int) -> Stake:
    """The holding after a purchase; its cost is the average price without fees."""
    if stake is None:
        return Stake(quantity_micro, price_micro)
    total = stake.quantity_micro + quantity_micro
    if stake.cost_micro is None:
        return Stake(total, None)
    paid = stake.quantity_micro * stake.cost_micro + quantity_micro * price_micro
    return Stake(total, divide(paid, total, Rounding.HALF_EVEN))


def sold(stake: Stake, quantity_micro: int) -> Stake:
    """The holding after a sale: the average cost of what is left does not change."""
    return Stake(stake.quantity_micro - quantity_micro, stake.cost_micro)


def resized(stake: Stake, *, exact_micro: int, kept_micro: int) -> Stake:
    """After a split: `exact_micro` new units for the old ones, of which `kept_micro` stay."""
    if stake.cost_micro is None or exact_micro == 0:
        return Stake(kept_micro, stake.cost_micro)
    paid = stake.cost_micro * stake.quantity_micro
    return Stake(kept_micro, divide(paid, exact_micro, Rounding.HALF_EVEN))
