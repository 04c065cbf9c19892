"""What a plan changes, as JSON: weights, cash, costs and risk before and after it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec

from ledger.plan_difference import CashChange, PlanDifference, RiskChange, WeightChange
from web.encode import score

_SHARE = Decimal("0.000001")


class WeightRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fractions of the total value; null without a target."""

    name: str
    before: Decimal
    after: Decimal
    target: Decimal | None


class CashRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Balances in `currency`."""

    currency: str
    before: Decimal
    after: Decimal


class RiskRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Yearly volatility, the largest position and the drift from target, all as fractions.

    Volatilities are null where they are not known; `covered` is the share of the holdings' value
    for which they are.
    """

    volatility_before: float | None
    volatility_after: float | None
    covered: float
    largest_before: Decimal
    largest_after: Decimal
    drift_before: Decimal
    drift_after: Decimal


class DifferenceRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`turnover` is what is traded as a fraction of the total value."""

    securities: list[WeightRow]
    countries: list[WeightRow]
    industries: list[WeightRow]
    cash: list[CashRow]
    fees_eur: Decimal
    traded_eur: Decimal
    turnover: Decimal
    score_before: float
    score_after: float
    risk: RiskRow


def difference_row(found: PlanDifference) -> DifferenceRow:
    return DifferenceRow(
        securities=_weights(found.securities),
        countries=_weights(found.countries),
        industries=_weights(found.industries),
        cash=[_cash(one) for one in found.cash],
        fees_eur=found.fees_eur.amount,
        traded_eur=found.traded_eur.amount,
        turnover=_share(found.turnover),
        score_before=round(found.score_before, 2),
        score_after=round(found.score_after, 2),
        risk=_risk(found.risk),
    )


def _weights(changes: Sequence[WeightChange]) -> list[WeightRow]:
    return [
        WeightRow(
            name=one.name,
            before=_share(one.before),
            after=_share(one.after),
            target=None if one.target is None else _share(one.target),
        )
        for one in changes
    ]


def _share(part: Decimal) -> Decimal:
    return part.quantize(_SHARE, ROUND_HALF_EVEN)


def _cash(one: CashChange) -> CashRow:
    return CashRow(one.currency, one.before.amount, one.after.amount)


def _risk(risk: RiskChange) -> RiskRow:
    return RiskRow(
        volatility_before=score(risk.volatility_before, 6),
        volatility_after=score(risk.volatility_after, 6),
        covered=round(risk.covered, 4),
        largest_before=_share(risk.largest_before),
        largest_after=_share(risk.largest_after),
        drift_before=_share(risk.drift_before),
        drift_after=_share(risk.drift_after),
    )
