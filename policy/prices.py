"""From stored bars to what is computed with: raw, checked, adjusted for splits, with dividends,
in EUR. Nothing that is derived here is ever stored, and no float of it becomes an amount of money.

Called through the runner, since a whole universe takes tenths of a second on a board.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from kernels.checks import Bools, Floats, Ints
from kernels.series import Series
from ledger.bar import MISSING, BarColumns, PriceBook, Split, StoredPrices
from ledger.money import MICRO
from policy.fx_history import FxHistory, unpacked
from policy.price_checks import Checked, Columns, check
from policy.price_history import PriceHistory

NO_BARS = "no bars are stored"
NO_CLOSE = "no close of it can be believed"
_NOTHING = Series(np.zeros(0, np.int32), np.zeros(0))


def derive_all(book: PriceBook, symbols: Mapping[int, str]) -> tuple[PriceHistory, ...]:
    """The history of every security of `book`, in its order; `symbols` names them by id."""
    fx = FxHistory(book.rates)
    return tuple(derive(one, fx, symbol=symbols[one.security_id]) for one in book.prices)


def derive(stored: StoredPrices, fx: FxHistory, *, symbol: str) -> PriceHistory:
    """The history of one security; empty and `unusable` when there is nothing to derive it from.

    A split counts from its day on: prices before it are divided by its ratio. Raises ValueError
    when the days of the bars do not ascend.
    """
    days: Ints = unpacked(stored.columns.days).astype(np.int32)
    if not len(days):
        return _empty(stored, symbol, NO_BARS)
    checked = check(_adjusted(stored.columns, days, stored.splits))
    if checked is None:
        return _empty(stored, symbol, NO_CLOSE)
    close = checked.columns.close
    paid, notes = _paid(stored, days, close, fx)
    total = _with_dividends(close, paid)
    rates, known = fx.per_eur(stored.currency, days)
    return PriceHistory(
        security_id=stored.security_id,
        symbol=symbol,
        currency=stored.currency,
        close=Series(days, close),
        high=Series(days, checked.columns.high),
        low=Series(days, checked.columns.low),
        total=Series(days, total),
        close_eur=_in_eur(days, close, rates, known),
        total_eur=_in_eur(days, total, rates, known),
        repaired=int(checked.repaired.sum()),
        unusable=checked.unusable,
        flagged=_flagged(days, checked),
        notes=notes,
    )


def _empty(stored: StoredPrices, symbol: str, why: str) -> PriceHistory:
    return PriceHistory(
        security_id=stored.security_id,
        symbol=symbol,
        currency=stored.currency,
        close=_NOTHING,
        high=_NOTHING,
        low=_NOTHING,
        total=_NOTHING,
        close_eur=None,
        total_eur=None,
        repaired=0,
        unusable=why,
    )


def _adjusted(columns: BarColumns, days: Ints, splits: tuple[Split, ...]) -> Columns:
    """Prices in whole units, in the shares of after the last split; a missing one is NaN."""
    scale = _split_factors(days, splits) * (1 / MICRO)
    if columns.numerators:
        scale *= unpacked(columns.numerators) / unpacked(columns.denominators)

    def part(column: str) -> Floats:
        whole = unpacked(column)
        return np.where(whole == MISSING, np.nan, whole * scale)

    close: Floats = unpacked(columns.close) * scale
    return Columns(part(columns.open), part(columns.high), part(columns.low), close)


def _split_factors(days: Ints, splits: tuple[Split, ...], *, held_before: bool = False) -> Floats:
    """(n,) what a raw price of each day is multiplied by to be one of today's shares.

    With `held_before` it is about the shares that were held before each day, in which its dividend
    is told: a split of the same day has not changed them yet.
    """
    factors = np.ones(len(days))
    for split in splits:
        ex_day = split.ex_date.toordinal()
        before = days <= ex_day if held_before else days < ex_day
        factors[before] /= float(split.ratio)
    return factors


def _paid(
    stored: StoredPrices, days: Ints, close: Floats, fx: FxHistory
) -> tuple[Floats, tuple[str, ...]]:
    """(n,) what today's share paid on each ex-date, in the currency of the bars; what is left out.

    A dividend before the second bar belongs to no return, and one after the last will, later.
    """
    paid = np.zeros(len(days))
    ex_days = np.array([one.ex_date.toordinal() for one in stored.dividends], dtype=np.int32)
    rows = days.searchsorted(ex_days)
    factors = _split_factors(ex_days, stored.splits, held_before=True)
    rates = _rates_into(stored, ex_days, fx)
    notes: list[str] = []
    for dividend, row, factor, rate in zip(stored.dividends, rows, factors, rates, strict=True):
        if not 0 < row < len(days):
            continue
        amount = dividend.per_share.micro / MICRO * factor * rate
        if amount < close[row - 1]:
            paid[row] += amount
        else:
            why = "it is more than the price" if amount > 0 else "no rate is known"
            notes.append(f"the dividend of {dividend.ex_date} is left out: {why}")
    return paid, tuple(notes)


def _rates_into(stored: StoredPrices, ex_days: Ints, fx: FxHistory) -> Floats:
    """(n,) units of the currency of the bars for one of each dividend's; NaN where unknown."""
    rates = np.ones(len(ex_days))
    foreign = [n for n, d in enumerate(stored.dividends) if d.per_share.currency != stored.currency]
    for row in foreign:
        source, _ = fx.per_eur(stored.dividends[row].per_share.currency, ex_days[row : row + 1])
        target, _ = fx.per_eur(stored.currency, ex_days[row : row + 1])
        rates[row] = target[0] / source[0]
    return rates


def _with_dividends(close: Floats, paid: Floats) -> Floats:
    """`close` with every payment reinvested at the close of its ex-date; equal on the first day."""
    if not paid.any():
        return close
    shares = np.cumprod(1 + paid / close)
    return close * shares


def _in_eur(days: Ints, values: Floats, rates: Floats, known: Bools) -> Series | None:
    if not known.any():
        return None
    return Series(days[known], values[known] / rates[known])


def _flagged(days: Ints, checked: Checked) -> frozenset[int]:
    repaired = checked.repaired
    return frozenset(days[repaired].tolist()) if repaired.any() else frozenset()
