"""Deposits, splits and dividends as they change the account. Each function is one event."""

from __future__ import annotations

from decimal import Decimal

from broker.market_data import CashRow, DividendRow, MarketData, SplitRow
from broker.paper.account import resized
from broker.paper.agenda import BOOKED, AgendaItem
from broker.paper.books import Books, Moment
from broker.paper.instants import at_utc, to_ms
from broker.paper.tables import ActionRow, Entitlement
from broker.paper.withholding import withholding_micro
from ledger.money import MICRO, Money, Price, Quantity, Rounding, divide
from ledger.security import Instrument


def book_cash(books: Books, row: CashRow, moment: Moment) -> None:
    money = Money(row.amount_minor, row.currency)
    with books.event(moment):
        if row.amount_minor > 0:
            books.flow("deposit", money, at_ms=moment.ms, description="deposit")
        else:
            books.flow("withdrawal", money, at_ms=moment.ms, description="withdrawal")


def entitle(books: Books, row: DividendRow, item: AgendaItem) -> None:
    """At the ex-date's opening: who held at the close before is paid on the pay date."""
    held = books.account.held(row.symbol)
    if held == 0 or books.knows_action(item.moment.name):
        return
    pay_ms = max(to_ms(at_utc(row.pay_date, BOOKED)), item.moment.ms + 1)
    with books.event(item.moment):
        books.entitle(
            Entitlement(
                action_id=item.moment.name,
                symbol=row.symbol,
                ex_date=row.ex_date.isoformat(),
                pay_date=row.pay_date.isoformat(),
                pay_ms=pay_ms,
                held_micro=held,
                per_share_micro=row.amount_micro,
                currency=row.currency,
            )
        )


def pay(books: Books, due: Entitlement, *, country: str | None, moment: Moment) -> None:
    """The money of a dividend: gross and tax as two flows, and the row that explains them."""
    per_share = Price(due.per_share_micro, due.currency)
    gross = per_share.times(Quantity(due.held_micro), Rounding.FLOOR)
    rate = withholding_micro(country)
    tax = Money(divide(gross.minor * rate, MICRO, Rounding.HALF_EVEN), due.currency)
    with books.event(moment):
        books.paid(due)
        books.action(_dividend_row(due, gross, tax, moment.ms))
        for category, money in (("dividend", gross), ("tax", -tax)):
            if money.minor:
                books.flow(
                    "dividend" if category == "dividend" else "tax",
                    money,
                    at_ms=moment.ms,
                    symbol=due.symbol,
                    reference=due.action_id,
                    description=f"{category} {due.symbol} {due.ex_date}",
                )


def _dividend_row(due: Entitlement, gross: Money, tax: Money, at_ms: int) -> ActionRow:
    return ActionRow(
        action_id=due.action_id,
        kind="dividend",
        symbol=due.symbol,
        ex_date=due.ex_date,
        pay_date=due.pay_date,
        effective_ms=at_ms,
        per_share_micro=due.per_share_micro,
        held_micro=due.held_micro,
        currency=due.currency,
        gross_minor=gross.minor,
        tax_minor=tax.minor,
    )


def split(
    books: Books, row: SplitRow, item: AgendaItem, *, instrument: Instrument, market: MarketData
) -> None:
    """New shares for old ones; a fraction of a share is paid in cash."""
    stake = books.account.stakes.get(row.symbol)
    if stake is None or books.knows_action(item.moment.name):
        return
    numerator, denominator = row.ratio.as_integer_ratio()
    exact = divide(stake.quantity_micro * numerator, denominator, Rounding.FLOOR)
    whole = stake.quantity_micro % MICRO == 0
    kept = exact // MICRO * MICRO if whole else exact
    with books.event(item.moment):
        books.hold(row.symbol, resized(stake, exact_micro=exact, kept_micro=kept))
        books.action(_split_row(row, item, kept - stake.quantity_micro))
        lieu = _cash_in_lieu(row, exact - kept, instrument=instrument, market=market)
        if lieu.minor:
            books.flow(
                "other",
                lieu,
                at_ms=item.moment.ms,
                symbol=row.symbol,
                reference=item.moment.name,
                description=f"fraction of a share after the split of {row.symbol}",
            )


def _split_row(row: SplitRow, item: AgendaItem, delta_micro: int) -> ActionRow:
    return ActionRow(
        action_id=item.moment.name,
        kind="split",
        symbol=row.symbol,
        ex_date=row.day.isoformat(),
        pay_date=None,
        effective_ms=item.moment.ms,
        ratio=str(row.ratio),
        delta_micro=delta_micro,
    )


def _cash_in_lieu(
    row: SplitRow, fraction_micro: int, *, instrument: Instrument, market: MarketData
) -> Money:
    """The fraction at the first price in new shares: the day's open, else the close before."""
    if fraction_micro == 0:
        return Money.zero(instrument.currency)
    bar = market.bar_on(row.symbol, row.day)
    if bar is not None:
        price = Price(bar.open_micro, instrument.currency)
        return price.times(Quantity(fraction_micro), Rounding.FLOOR)
    before = market.last_bar_before(row.symbol, row.day)
    if before is None:
        return Money.zero(instrument.currency)
    price = Price(before.close_micro, instrument.currency).scaled(Decimal(1) / row.ratio)
    return price.times(Quantity(fraction_micro), Rounding.FLOOR)
