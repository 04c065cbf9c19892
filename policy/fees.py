"""What an order costs at the broker: planned for, reserved for, and too large for small trades.

The sizing of candidates, plans, conversions and reinvested dividends all ask here.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.currency import BASE, exponent
from ledger.money import MICRO, Money, Rounding, divide
from ledger.rate import RateTable
from policy.limits import Limits

# What counts as worthwhile when the percentage alone already exceeds the share a fee may take.
FALLBACK_TRADE = Money(1_000_00, BASE)


@dataclass(frozen=True, slots=True)
class FeeTerms:
    """fixed + percent × value, at least `minimum`, all charged in the currency of `fixed`.

    `percent_micro` is in millionths: 2,000 is 0.2 %.
    """

    fixed: Money
    percent_micro: int
    minimum: Money

    @property
    def currency(self) -> str:
        return self.fixed.currency


def no_less_than(limits: Limits, broker: FeeTerms) -> FeeTerms:
    """The broker's terms, raised to what the owner reckons with where that is dearer.

    The owner's fixed part is in EUR; it says nothing of one that is charged in another currency.
    """
    percent = int(limits.transaction_cost_percent * MICRO)
    same = broker.currency == BASE
    return FeeTerms(
        max(broker.fixed, limits.transaction_cost_fixed) if same else broker.fixed,
        max(broker.percent_micro, percent),
        broker.minimum,
    )


def fee(terms: FeeTerms, value: Money, rates: RateTable) -> Money | None:
    """The fee of a trade of `value`, rounded against us; None when no rate is known.

    For the worst case pass the value at the limit price: the fee never falls when a value rises.
    """
    charged = rates.convert(value, terms.currency, Rounding.CEIL)
    if charged is None:
        return None
    percent = divide(charged.minor * terms.percent_micro, MICRO, Rounding.CEIL)
    return max(Money(terms.fixed.minor + percent, terms.currency), terms.minimum)


def min_trade_eur(terms: FeeTerms, limits: Limits, rates: RateTable) -> Money | None:
    """The smallest trade whose fee stays within `max_fee_share` of its value, in EUR.

    fixed ÷ (share − percent), or minimum ÷ share when that is more: 250 EUR for 2 EUR + 0.2 %
    and a share of 1 %. None when the fee's currency has no known rate.
    """
    fixed = rates.convert(terms.fixed, BASE, Rounding.CEIL)
    minimum = rates.convert(terms.minimum, BASE, Rounding.CEIL)
    if fixed is None or minimum is None:
        return None
    share, one = limits.max_fee_share.as_integer_ratio()
    room = share * MICRO - terms.percent_micro * one
    if room <= 0:
        return FALLBACK_TRADE
    from_fixed = divide(fixed.minor * one * MICRO, room, Rounding.CEIL)
    from_minimum = divide(minimum.minor * one, share, Rounding.CEIL)
    return Money(max(from_fixed, from_minimum), BASE)


def as_floats(terms: FeeTerms, rates: RateTable) -> tuple[float, float] | None:
    """(fixed part in EUR, percent as a fraction) for the scoring arrays."""
    fixed = rates.convert(terms.fixed, BASE, Rounding.CEIL)
    if fixed is None:
        return None
    return fixed.minor / 10 ** exponent(BASE), terms.percent_micro / MICRO
