"""How good a payer of dividends a security is: growth, cuts, stability and a verdict.

DRIP puts the result into the reason of its decisions. All amounts are per share of today, so that
a split is no cut, and all ratios are fractions. The running year is left out: it is not over, and
estimating its rest would hide a cut that is just being made.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

from ledger.fact import CorporateAction
from ledger.money import Price

YieldClass = Literal[
    "significantly_above_average", "above_average", "below_average", "no_dividend"
]  # fmt: skip

# What a broad portfolio yields when nothing better is known.
AVERAGE_YIELD = Decimal("0.03")
YEAR = timedelta(days=365)
BIG_CUT = Decimal("-0.20")
# Years without a cut, and what they are worth.
NO_CUT_BONUSES = ((5, Decimal("0.15")), (3, Decimal("0.10")))
# Years since the last big cut, and what it costs.
CUT_PENALTIES = ((2, Decimal("0.40")), (5, Decimal("0.25")))
OLD_CUT_PENALTY = Decimal("0.10")
GROWTH_BONUSES = (
    (Decimal("0.05"), Decimal("0.30")),
    (Decimal("0.02"), Decimal("0.20")),
    (Decimal(0), Decimal("0.10")),
)
YIELD_BONUSES = ((Decimal("1.5"), Decimal("0.30")), (Decimal(1), Decimal("0.15")))
BASE_STABILITY = Decimal("0.5")
CONSISTENT_FROM = Decimal("0.60")
HIGH_PAYOUT = Decimal("0.70")
PLACES = Decimal("0.001")


@dataclass(frozen=True, slots=True)
class Payment:
    """One dividend per share of today, on its ex date."""

    ex_date: date
    per_share: Price


@dataclass(frozen=True, slots=True)
class DividendAnalysis:
    """What is known of a security as a payer; ratios are fractions, an unknown yield is None."""

    symbol: str
    current_yield_pct: Decimal | None
    portfolio_avg_yield_pct: Decimal
    payout_ratio_pct: Decimal | None
    stability_score: Decimal
    consistent: bool
    yield_assessment: YieldClass | None
    above_portfolio_avg: bool
    recommendation: str


def payments(actions: Iterable[CorporateAction]) -> tuple[Payment, ...] | None:
    """The dividends of one security, oldest first, with later splits taken out.

    None when nothing was reported, when one of them does not tell its amount per share, or when
    they came in more than one currency: then nothing can be added up.
    """
    known = sorted(actions, key=lambda action: (action.ex_date, action.action_id))
    splits = [a for a in known if a.kind == "split" and a.ratio is not None]
    found: list[Payment] = []
    for action in known:
        if action.kind != "dividend":
            continue
        if action.per_share is None:
            return None
        factor = Decimal(1)
        for split in splits:
            if split.ex_date > action.ex_date and split.ratio is not None:
                factor *= split.ratio
        found.append(Payment(action.ex_date, action.per_share.scaled(1 / factor)))
    currencies = {payment.per_share.currency for payment in found}
    return tuple(found) if len(currencies) == 1 else None


def last_year(paid: Iterable[Payment], today: date) -> tuple[Price, ...]:
    """What was paid per share in the 365 days up to `today`."""
    return tuple(p.per_share for p in paid if today - YEAR < p.ex_date <= today)


def annual_totals(paid: Iterable[Payment], today: date) -> tuple[Decimal, ...]:
    """Per share and calendar year, oldest first, from the first payment to the last full year.

    A year without a payment counts as 0; the running year is left out.
    """
    totals: dict[int, Decimal] = {}
    for payment in paid:
        year = payment.ex_date.year
        if year < today.year:
            totals[year] = totals.get(year, Decimal(0)) + payment.per_share.value
    if not totals:
        return ()
    return tuple(totals.get(year, Decimal(0)) for year in range(min(totals), today.year))


def years_since_cut(totals: Sequence[Decimal]) -> int | None:
    """Years since the most recent fall of more than 20 %: 1 for the last year; None without one."""
    for index in range(len(totals) - 1, 0, -1):
        before = totals[index - 1]
        if before > 0 and totals[index] / before - 1 < BIG_CUT:
            return len(totals) - index
    return None


def growth(totals: Sequence[Decimal]) -> Decimal | None:
    """Compound growth per year from the first year that paid to the last one.

    None with fewer than two years that paid.
    """
    paying = [index for index, total in enumerate(totals) if total > 0]
    if len(paying) < 2:
        return None
    first, last = paying[0], len(totals) - 1
    return (totals[last] / totals[first]) ** (Decimal(1) / (last - first)) - 1


def cut_penalty(since: int | None) -> Decimal:
    if since is None:
        return Decimal(0)
    return next((cost for years, cost in CUT_PENALTIES if since <= years), OLD_CUT_PENALTY)


def no_cut_bonus(totals: Sequence[Decimal]) -> Decimal:
    if years_since_cut(totals) is not None:
        return Decimal(0)
    return next((worth for years, worth in NO_CUT_BONUSES if len(totals) >= years), Decimal(0))


def growth_bonus(rate: Decimal | None) -> Decimal:
    if rate is None:
        return Decimal(0)
    return next((worth for least, worth in GROWTH_BONUSES if rate >= least), Decimal(0))


def yield_bonus(current: Decimal | None, average: Decimal) -> Decimal:
    if current is None:
        return Decimal(0)
    return next((worth for k, worth in YIELD_BONUSES if current >= k * average), Decimal(0))


def stability(totals: Sequence[Decimal], current: Decimal | None, average: Decimal) -> Decimal:
    """0 to 1, to three decimals."""
    raw = (
        BASE_STABILITY
        - cut_penalty(years_since_cut(totals))
        + no_cut_bonus(totals)
        + growth_bonus(growth(totals))
        + yield_bonus(current, average)
    )
    return min(max(raw, Decimal(0)), Decimal(1)).quantize(PLACES)


def payout_stability(payout: Decimal | None) -> Decimal:
    """The estimate for a security without history, from the share of earnings it pays out."""
    if payout is None or payout < Decimal("0.20"):
        return Decimal("0.500")
    if payout < Decimal("0.30"):
        return Decimal("0.700")
    if payout <= Decimal("0.60"):
        return Decimal("0.850")
    return Decimal("0.600") if payout <= Decimal("0.80") else Decimal("0.400")


def yield_class(current: Decimal | None, average: Decimal) -> YieldClass | None:
    """How a yield compares with the portfolio's; None while it is unknown."""
    if current is None:
        return None
    if current <= 0:
        return "no_dividend"
    if current >= Decimal("1.5") * average:
        return "significantly_above_average"
    return "above_average" if current >= average else "below_average"


def verdict(score: Decimal, payout: Decimal | None) -> str:
    if score >= Decimal("0.80"):
        return "a reliable payer"
    if score >= CONSISTENT_FROM:
        strained = payout is not None and payout > HIGH_PAYOUT
        return "a sound payer that pays out much of its earnings" if strained else "a sound payer"
    return "an uncertain payer" if score >= Decimal("0.40") else "no payer to rely on"


def analyse(
    symbol: str,
    paid: Sequence[Payment] | None,
    *,
    current: Decimal | None,
    today: date,
    average: Decimal = AVERAGE_YIELD,
    payout: Decimal | None = None,
) -> DividendAnalysis:
    """The whole picture; without a full year of history stability is estimated from `payout`."""
    totals = annual_totals(paid or (), today)
    score = stability(totals, current, average) if totals else payout_stability(payout)
    return DividendAnalysis(
        symbol=symbol,
        current_yield_pct=current,
        portfolio_avg_yield_pct=average,
        payout_ratio_pct=payout,
        stability_score=score,
        consistent=current is not None and current > 0 and score >= CONSISTENT_FROM,
        yield_assessment=yield_class(current, average),
        above_portfolio_avg=current is not None and current >= average,
        recommendation=verdict(score, payout),
    )
