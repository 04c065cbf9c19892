"""What sync makes of bars that a source has answered, before they are stored.

A source may adjust the prices it gives for splits, and for dividends, and then all of them change
whenever there is a new one. So a few days are always read again: when they differ from what is
stored by one and the same ratio, the stored series is on another basis and is read anew as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

from ledger.bar import Bar, BarRead, ShareDividend, Split, split_basis
from ledger.errors import BadData
from ledger.fact import MOST

OVERLAP = 5
"""So many stored bars are read again."""
MOST_SPLIT = Decimal(100_000)
SAME = 0.001
"""Closes that differ by less are the same, rounded in another way."""


def arranged(read: BarRead, *, symbol: str, currency: str, last: date) -> BarRead:
    """`read` with one bar per day, oldest first.

    Raises BadData for what cannot be what was asked for: another symbol or currency, two different
    bars of a day, a day after `last`, or a price that no security has.
    """
    if (read.symbol, read.currency) != (symbol, currency):
        got = f"{read.symbol} in {read.currency}"
        raise BadData(f"bars of {got} came for {symbol} in {currency}")
    bars = read.bars
    if any(a.day >= b.day for a, b in pairwise(bars)):
        bars = tuple(sorted(set(bars), key=lambda bar: bar.day))
        twice = next((b.day for a, b in pairwise(bars) if a.day == b.day), None)
        if twice is not None:
            raise BadData(f"{symbol}: there are two different bars of {twice}")
        read = replace(read, bars=bars)
    if bars and bars[-1].day > last:
        raise BadData(f"{symbol}: a bar is of {bars[-1].day}, a day to come")
    absurd = next((bar.day for bar in bars if not _plausible(bar)), None)
    if absurd is not None:
        raise BadData(f"{symbol}: the bar of {absurd} holds a figure that no price is")
    return read


def _plausible(bar: Bar) -> bool:
    figures = (bar.open_micro, bar.high_micro, bar.low_micro, bar.close_micro, bar.volume)
    return all(figure is None or -MOST <= figure <= MOST for figure in figures)


def sound_actions(splits: Iterable[Split], dividends: Iterable[ShareDividend]) -> None:
    """Raise BadData for a split or a dividend that cannot be one."""
    for split in splits:
        if not (split.ratio.is_finite() and 1 / MOST_SPLIT <= split.ratio <= MOST_SPLIT):
            raise BadData(f"the ratio of the split of {split.ex_date} is {split.ratio}")
    for dividend in dividends:
        if not 0 < dividend.per_share.micro <= MOST:
            raise BadData(f"the dividend of {dividend.ex_date} is {dividend.per_share}")


def on_another_basis(stored: Iterable[Bar], received: BarRead, splits: Sequence[Split]) -> bool:
    """Whether the raw bars `stored` and what was `received` of their days tell of different shares.

    So it is when the closes of all days they have in common differ by one ratio, and when they have
    no day in common. A day that differs by itself was corrected.
    """
    known = {bar.day: bar.close_micro for bar in stored}
    if not known or not received.bars:
        return False
    ratios: list[float] = []
    for bar in received.bars:
        if known.get(bar.day, 0) > 0 and bar.close_micro > 0:
            numerator, denominator = split_basis(bar.day, splits, received.adjusted_to)
            ratios.append(bar.close_micro * numerator / denominator / known[bar.day])
    if not ratios:
        return True
    low, high = min(ratios), max(ratios)
    return high - low <= SAME * high and abs(high - 1) > SAME
