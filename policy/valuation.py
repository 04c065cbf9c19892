"""Values the account: from balances, quotes and rates to the one snapshot everybody decides on.

Sync calls it after every read. A price or rate that is not known makes a value None and the
totals None: a missing rate is unknown, never 1.0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ledger.currency import BASE, is_known
from ledger.money import Money, Price, Quantity, Rounding
from ledger.portfolio import BookDifference, Cash, PortfolioSnapshot, Position
from ledger.quote import Quote
from ledger.rate import Rate, RateTable
from ledger.security import FxPair, Security


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What our own facts say: holdings in millionths by symbol, cash in minor units by currency.

    `pots` is dividend money kept for reinvestment, in the currencies in which it arrived.
    """

    ledger_seq: int
    holdings: Mapping[str, int]
    cash: Mapping[str, int]
    average_costs: Mapping[str, Price]
    pots: tuple[Money, ...] = ()
    differences: tuple[BookDifference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketView:
    """What the market says, as last read. `quotes` by symbol, currency pairs included.

    `ended` are the last quotes of what is not quoted any more: good for valuing, not for trading.
    """

    universe: tuple[Security, ...]
    pairs: tuple[FxPair, ...]
    quotes: Mapping[str, Quote]
    rates: RateTable
    ended: Mapping[str, Quote] = field(default_factory=dict[str, Quote])


def known_rates(rates: RateTable, days_old: Callable[[Rate], int], *, most: int) -> RateTable:
    """The rates at most `most` TARGET days old; an older one is as good as none."""
    return RateTable({c: rate for c, rate in rates.per_eur.items() if days_old(rate) <= most})


def ended_quotes(
    stored: Mapping[str, Quote], quotes: Mapping[str, Quote], *, now: datetime, most: timedelta
) -> dict[str, Quote]:
    """The stored quotes of what is not among `quotes`, at most `most` of market time old."""
    return {
        symbol: quote
        for symbol, quote in stored.items()
        if symbol not in quotes and now - quote.at <= most
    }


def value_portfolio(
    books: Books,
    market: MarketView,
    *,
    as_of: datetime,
    read_at_s: float,
    days_old: Callable[[Rate], int],
    max_rate_days: int,
    stale: str | None = None,
) -> PortfolioSnapshot:
    """The snapshot of `books` at the prices of `market`.

    Its rate table holds only the rates fit for valuation; a holding without a quote counts at its
    last one, and `price_at` tells how old that is. `unvalued` lists the symbols and
    currencies without a value, held symbols outside the universe among them.
    """
    rates = known_rates(market.rates, days_old, most=max_rate_days)
    prices = {**market.ended, **market.quotes}
    securities = {security.symbol: security for security in market.universe}
    positions = tuple(
        _position(securities[symbol], Quantity(micro), books, prices, rates)
        for symbol, micro in sorted(books.holdings.items())
        if micro and symbol in securities
    )
    cash = tuple(
        _cash(Money(minor, currency), rates) for currency, minor in sorted(books.cash.items())
    )
    strangers = [s for s, micro in books.holdings.items() if micro and s not in securities]
    unvalued_positions = [p.security.symbol for p in positions if p.value_eur is None]
    unvalued_cash = [c.money.currency for c in cash if c.value_eur is None]
    cash_eur = _sum(c.value_eur for c in cash)
    held_eur = None if strangers else _sum(p.value_eur for p in positions)
    return PortfolioSnapshot(
        ledger_seq=books.ledger_seq,
        as_of=as_of,
        read_at_s=read_at_s,
        universe=market.universe,
        pairs=market.pairs,
        positions=positions,
        cash=cash,
        rates=rates,
        quotes=market.quotes,
        total_eur=None if cash_eur is None or held_eur is None else cash_eur + held_eur,
        cash_eur=cash_eur,
        pots_eur=_pots_eur(books.pots, rates),
        unvalued=tuple(sorted({*strangers, *unvalued_positions, *unvalued_cash})),
        differences=books.differences,
        stale=stale,
    )


def unfit(snapshot: PortfolioSnapshot) -> str | None:
    """Why this snapshot must not be acted on; None when it may."""
    if snapshot.stale is not None:
        return f"the account could not be read: {snapshot.stale}"
    if not snapshot.cash:
        return "the account shows no cash balance at all"
    if any(item.blocking for item in snapshot.differences):
        return "books and broker differ"
    return None


def _position(
    security: Security,
    quantity: Quantity,
    books: Books,
    quotes: Mapping[str, Quote],
    rates: RateTable,
) -> Position:
    quote = quotes.get(security.symbol)
    usable = (
        quote is not None
        and quote.last.currency == security.currency
        and is_known(security.currency)
    )
    price = quote.last if quote is not None and usable else None
    value = price.times(quantity, Rounding.HALF_EVEN) if price is not None else None
    cost = books.average_costs.get(security.symbol)
    return Position(
        security=security,
        quantity=quantity,
        average_cost=cost,
        price=price,
        price_at=quote.at if quote is not None and usable else None,
        value=value,
        value_eur=rates.to_eur(value) if value is not None else None,
        profit_eur=_profit_eur(value, cost, quantity, rates),
    )


def _profit_eur(
    value: Money | None, cost: Price | None, quantity: Quantity, rates: RateTable
) -> Money | None:
    """Value less cost, both at today's rate: what the currency itself did is not in it."""
    if value is None or cost is None or cost.currency != value.currency:
        return None
    return rates.to_eur(value - cost.times(quantity, Rounding.HALF_EVEN))


def _cash(money: Money, rates: RateTable) -> Cash:
    """Nothing is worth nothing in every currency, whether its rate is known or not."""
    return Cash(money, rates.to_eur(money) if money.minor else Money.zero(BASE))


def _sum(parts: Iterable[Money | None]) -> Money | None:
    total = Money.zero(BASE)
    for part in parts:
        if part is None:
            return None
        total += part
    return total


def _pots_eur(pots: tuple[Money, ...], rates: RateTable) -> Money:
    """Pots without a rate are left out; the cash they lie in makes the total unknown anyway."""
    total = Money.zero(BASE)
    for pot in pots:
        total += rates.to_eur(pot) or Money.zero(BASE)
    return total
