"""Accounts in one line each: securities, quotes, rates and the scene they make together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal

from ledger.money import Money, Price, Quantity
from ledger.order import Side
from ledger.portfolio import BookDifference, PortfolioSnapshot
from ledger.quote import Quote
from ledger.rate import Rate, RateTable
from ledger.security import FxPair, Instrument, ProductType, Security
from policy.fees import FeeTerms
from policy.fx import FxMarket
from policy.limits import DEFAULTS, Limits
from policy.planner import PlanInput
from policy.planning.candidates import Scene, make_scene
from policy.targets import equal_targets
from policy.valuation import Books, MarketView, value_portfolio

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
TODAY = date(2026, 3, 4)
MIC = "XETR"
FEES = FeeTerms(Money(2_00, "EUR"), 2_000, Money(0, "EUR"))
FREE = FeeTerms(Money(0, "EUR"), 0, Money(0, "EUR"))
PER_EUR = {"USD": "1.10", "GBP": "0.85", "HKD": "8.50"}


def eur(amount: str | int) -> Money:
    return Money.of(amount, "EUR")


def security(
    symbol: str,
    *,
    number: int = 1,
    currency: str = "EUR",
    country: str | None = "Germany",
    industry: str | None = "Software",
    lot: str | None = "1",
    mic: str = MIC,
    product: ProductType = "EQUITY",
    buy: bool = True,
    sell: bool = True,
    active: bool = True,
    confirmed: bool = True,
) -> Security:
    instrument = Instrument(
        symbol=symbol,
        isin=f"XX{number:010d}",
        name=f"{symbol} AG",
        currency=currency,
        mic=mic,
        country=country,
        industry=industry,
        product_type=product,
        lot=Quantity.of(lot) if lot else None,
        tick=Price.of("0.01", currency),
    )
    return Security(number, instrument, buy, sell, active, confirmed)


def quote(
    symbol: str, last: str, currency: str = "EUR", *, close: str | None = None, spread: str = "0"
) -> Quote:
    """A two-sided quote; `spread` is (ask − bid) as a fraction of the last price."""
    price = Price.of(last, currency)
    half = Decimal(spread) / 2
    return Quote(
        symbol=symbol,
        bid=price.scaled(1 - half),
        ask=price.scaled(1 + half),
        last=price,
        previous_close=Price.of(close, currency) if close else None,
        at=NOON,
        market_open=True,
    )


def pair(symbol: str, lot: str = "1") -> FxPair:
    base, other = symbol.split("/")
    return FxPair(symbol, base, other, Quantity.of(lot), Price.of("0.0001", other))


PAIRS = (pair("EUR/USD"), pair("EUR/GBP"), pair("GBP/USD"), pair("HKD/EUR"), pair("HKD/USD"))


def rates(per_eur: Mapping[str, str] = PER_EUR) -> RateTable:
    return RateTable({c: Rate("EUR", c, Decimal(v), TODAY, "ecb") for c, v in per_eur.items()})


def snapshot(
    universe: Iterable[Security] = (),
    *,
    prices: Mapping[str, str] | None = None,
    quotes: Iterable[Quote] = (),
    held: Mapping[str, str] | None = None,
    costs: Mapping[str, str] | None = None,
    cash: Mapping[str, str] | None = None,
    per_eur: Mapping[str, str] = PER_EUR,
    pairs: tuple[FxPair, ...] = PAIRS,
    pots: tuple[Money, ...] = (),
    differences: tuple[BookDifference, ...] = (),
    stale: str | None = None,
) -> PortfolioSnapshot:
    known = {one.symbol: one for one in universe}
    plain = (quote(s, p, known[s].currency) for s, p in (prices or {}).items())
    books = Books(
        ledger_seq=7,
        holdings={s: Quantity.of(q).micro for s, q in (held or {}).items()},
        cash={c: Money.of(a, c).minor for c, a in (cash or {}).items()},
        average_costs={s: Price.of(p, known[s].currency) for s, p in (costs or {}).items()},
        pots=pots,
        differences=differences,
    )
    market = MarketView(
        universe=tuple(known.values()),
        pairs=pairs,
        quotes={one.symbol: one for one in (*plain, *quotes)},
        rates=rates(per_eur),
    )
    return value_portfolio(
        books,
        market,
        as_of=NOON,
        read_at_s=1.0,
        days_old=lambda _: 0,
        max_rate_days=3,
        stale=stale,
    )


def fx_market(
    *,
    limits: Limits = DEFAULTS,
    per_eur: Mapping[str, str] = PER_EUR,
    pairs: tuple[FxPair, ...] = PAIRS,
    quotes: Iterable[Quote] = (),
    fees: FeeTerms = FREE,
) -> FxMarket:
    return FxMarket(pairs, {q.symbol: q for q in quotes}, rates(per_eur), fees, limits)


def scene(
    shot: PortfolioSnapshot,
    *,
    limits: Limits = DEFAULTS,
    fees: FeeTerms = FEES,
    fx_fees: FeeTerms = FREE,
    barred: frozenset[tuple[str, Side]] = frozenset(),
    pots: tuple[Money, ...] = (),
    reserved: tuple[Money, ...] = (),
) -> Scene:
    made = make_scene(
        shot,
        equal_targets(shot.universe, limits),
        FxMarket(shot.pairs, shot.quotes, shot.rates, fx_fees, limits),
        fees=fees,
        markets=frozenset({MIC}),
        barred=barred,
        pots=pots,
        reserved=reserved,
    )
    assert made is not None
    return made


def plan_input(
    shot: PortfolioSnapshot,
    *,
    limits: Limits = DEFAULTS,
    fees: FeeTerms = FEES,
    barred: frozenset[tuple[str, Side]] = frozenset(),
) -> PlanInput:
    return PlanInput(
        plan_id="01PLAN",
        bucket_id="core",
        now=NOON,
        portfolio_hash="0" * 32,
        snapshot=shot,
        trade_rates=shot.rates,
        targets=equal_targets(shot.universe, limits),
        fees=fees,
        fx_fees=FREE,
        limits=limits,
        markets=frozenset({MIC}),
        barred=barred,
    )


def dozen(currency: str = "EUR") -> tuple[Security, ...]:
    """Twelve securities over four countries and three industries."""
    countries = ("Germany", "France", "Japan", "Canada")
    industries = ("Software", "Banks", "Pharma")
    return tuple(
        security(
            f"S{i:02d}",
            number=i + 1,
            currency=currency,
            country=countries[i % 4],
            industry=industries[i % 3],
        )
        for i in range(12)
    )
