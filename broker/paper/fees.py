"""What a trade costs: a percentage of every fill, and a fixed part with the first one.

Fees are in EUR whatever the trade's currency. Only a sale that meets too little EUR pays them out
of its own proceeds instead, so that an account without EUR can still sell its way out.
"""

from __future__ import annotations

from broker.port import FeeModel
from ledger.currency import BASE
from ledger.errors import BadData
from ledger.money import MICRO, Money, Rounding, divide
from ledger.rate import RateTable

FEES = FeeModel(fixed=Money(2_00, BASE), percent_micro=2_000, minimum=Money(0, BASE))
FX_FEES = FeeModel(fixed=Money(0, BASE), percent_micro=0, minimum=Money(0, BASE))


def fee_of(gross: Money, *, first: bool, rates: RateTable, model: FeeModel = FEES) -> Money:
    """The fee of one fill in the model's currency, rounded up. Raises BadData without a rate."""
    value = in_currency(gross, model.currency, rates)
    percent = divide(value.minor * model.percent_micro, MICRO, Rounding.CEIL)
    if not first:
        return Money(percent, model.currency)
    return Money(max(model.fixed.minor + percent, model.minimum.minor), model.currency)


def in_currency(money: Money, currency: str, rates: RateTable) -> Money:
    """`money` converted at the reference rate, rounded up. Raises BadData without a rate."""
    converted = rates.convert(money, currency, Rounding.CEIL)
    if converted is None:
        raise BadData(f"no reference rate between {money.currency} and {currency}")
    return converted
