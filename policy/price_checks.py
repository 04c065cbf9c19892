"""Which stored prices may be believed, and what stands in for the others.

The rules, on prices adjusted for every known split, so that no split is mistaken for an error:

 * a bar is wrong as a whole when its close is not above zero, is more than 1,000 % above or 90 %
   below the close believed before it, or is beyond ten times, or below a tenth of, the mean of the
   30 closes believed before it (without 30 there is no such mean);
 * its open, high or low alone is wrong when it is not above zero, does not fit the other figures of
   the day, or is ten times away from them.

A wrong close becomes the middle of the nearest good closes on either side, or the one there is; a
wrong part takes the ratio to the close that it has on the days beside it. What is only missing is
not wrong: the day then spans what is known of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from math import prod
from typing import Literal

import numpy as np

from kernels.checks import Bools, Floats
from ledger.bar import Bar, Split
from ledger.money import MICRO

MOST_RISE = 11.0
"""A close may be this many times the one before: a rise of 1,000 %."""
MOST_FALL = 0.1
"""And this part of it: a fall of 90 %."""
FAR_ABOVE = 10.0
FAR_BELOW = 0.1
"""How far a price may be from the mean of `MEAN_BARS` closes."""
MEAN_BARS = 30
OLDEST_MEAN_DAYS = 45
"""A month of bars that ended before is no month of now."""
USUAL_HIGH = 1.02
USUAL_LOW = 0.98
"""Ratio to the close, where no day beside it tells one."""
MOST_REPAIRED = 0.5
"""A series of which more is repaired is not to be scored."""
LOST_BARS = 5
"""So many newest bars in a row that are wrong are not errors: the price has another level now."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Prices of the same days, (n,) float64 each; NaN is a missing part, a close is never NaN."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats


@dataclass(frozen=True, slots=True)
class Checked:
    """Repaired columns, low ≤ open, close ≤ high; where a whole bar and where a part was wrong.

    `unusable` says why nothing should be concluded from them, None when something may.
    """

    columns: Columns
    wrong_bars: Bools
    wrong_parts: Bools
    unusable: str | None

    @property
    def repaired(self) -> Bools:
        return self.wrong_bars | self.wrong_parts


def check(columns: Columns) -> Checked | None:
    """`columns`, oldest first, checked and repaired; None when no close can be believed."""
    wrong = wrong_closes(columns.close)
    if wrong.all():
        return None
    part = _wrong_parts(columns) & ~wrong
    close = _closes(columns.close, wrong)
    opened = _part(columns.open, part[0] | wrong, close, usual=1.0)
    high = _part(columns.high, part[1] | wrong, close, usual=USUAL_HIGH)
    low = _part(columns.low, part[2] | wrong, close, usual=USUAL_LOW)
    opened = np.where(np.isnan(opened), close, opened)
    repaired = Columns(
        open=opened,
        high=np.fmax(high, np.maximum(opened, close)),
        low=np.fmin(low, np.minimum(opened, close)),
        close=close,
    )
    parts = part[0] | part[1] | part[2]
    return Checked(repaired, wrong, parts, _unusable(wrong, wrong | parts))


def wrong_closes(close: Floats) -> Bools:
    """Which closes cannot be believed, each judged by those before it alone."""
    wrong = np.zeros(len(close), dtype=np.bool_)
    suspects = np.flatnonzero(_suspects(close))
    if suspects.size:
        # Up to the first suspect every close is believed; from there each depends on the last.
        _judge_one_by_one(close, wrong, int(suspects[0]))
    return wrong


def _suspects(close: Floats) -> Bools:
    """What would be wrong if every close before it were believed."""
    suspect = np.zeros(len(close), dtype=np.bool_)
    suspect |= close <= 0
    if len(close) < 2:
        return suspect
    last, after = close[:-1], close[1:]
    suspect[1:] |= (after > MOST_RISE * last) | (after < MOST_FALL * last)
    if len(close) > MEAN_BARS:
        sums = np.concatenate(([0.0], np.cumsum(close)))
        before = (sums[MEAN_BARS:-1] - sums[: -MEAN_BARS - 1]) / MEAN_BARS
        later = close[MEAN_BARS:]
        suspect[MEAN_BARS:] |= (later > FAR_ABOVE * before) | (later < FAR_BELOW * before)
    return suspect


def _judge_one_by_one(close: Floats, wrong: Bools, first: int) -> None:
    believed: list[float] = close[max(first - MEAN_BARS, 0) : first].tolist()
    for index, price in enumerate(close[first:].tolist(), first):
        if _believable(price, believed):
            believed.append(price)
            if len(believed) > MEAN_BARS:
                del believed[0]
        else:
            wrong[index] = True


def _believable(price: float, before: list[float]) -> bool:
    if not price > 0:
        return False
    if before and not MOST_FALL * before[-1] <= price <= MOST_RISE * before[-1]:
        return False
    if len(before) < MEAN_BARS:
        return True
    mean = sum(before) / MEAN_BARS
    return FAR_BELOW * mean <= price <= FAR_ABOVE * mean


def _wrong_parts(columns: Columns) -> Bools:
    """(3, n): whether the open, the high and the low of each day are wrong by themselves."""
    opened, high, low, close = columns.open, columns.high, columns.low, columns.close
    bad_open = (opened <= 0) | (opened > FAR_ABOVE * close) | (opened < FAR_BELOW * close)
    known = np.where(np.isnan(opened) | bad_open, close, opened)
    top, bottom = np.maximum(known, close), np.minimum(known, close)
    crossed = high < low
    bad_high = crossed | (high < top) | (high > FAR_ABOVE * top)
    bad_low = crossed | (low > bottom) | (low < FAR_BELOW * bottom)
    return np.stack([bad_open, bad_high, bad_low])


def _closes(close: Floats, wrong: Bools) -> Floats:
    """Wrong closes half way between the good ones beside them, or equal to the one there is."""
    if not wrong.any():
        return close
    before, after = _neighbours(~wrong)
    middle = (close[before] + close[after]) / 2
    return np.where(wrong, middle, close)


def _part(values: Floats, wrong: Bools, close: Floats, *, usual: float) -> Floats:
    """Wrong values by the ratio to the close on the days beside them; missing ones stay NaN."""
    if not wrong.any():
        return values
    good = ~wrong & ~np.isnan(values)
    if not good.any():
        return np.where(wrong, usual * close, values)
    before, after = _neighbours(good)
    ratios = values / close
    return np.where(wrong, (ratios[before] + ratios[after]) / 2 * close, values)


def _neighbours(good: Bools) -> tuple[np.ndarray[tuple[int], np.dtype[np.intp]], ...]:
    """For every row the nearest good one at or before it and at or after it.

    Where one side has none it is that of the other side, so that the middle of both is that one.
    """
    rows = np.arange(len(good))
    before = np.maximum.accumulate(np.where(good, rows, -1))
    after = np.minimum.accumulate(np.where(good, rows, len(good))[::-1])[::-1]
    return np.where(before < 0, after, before), np.where(after == len(good), before, after)


def _unusable(wrong: Bools, repaired: Bools) -> str | None:
    count, bars = int(repaired.sum()), len(repaired)
    if count > MOST_REPAIRED * bars:
        return f"{count} of {bars} bars had to be repaired"
    if len(wrong) >= LOST_BARS and wrong[-LOST_BARS:].all():
        return f"the last {LOST_BARS} bars and more are at another level than all before them"
    return None


@dataclass(frozen=True, slots=True)
class PriceVerdict:
    """Whether a price of now may be traded on; `text` says why not, or what is odd about it."""

    kind: Literal["ok", "warn", "block"]
    text: str = ""


def live_price_verdict(price_micro: int, mean: float | None) -> PriceVerdict:
    """What a price in millionths is beside the `mean` of the last closes in whole units.

    `mean` None (fewer than MEAN_BARS closes are known) judges nothing but the sign.
    """
    if price_micro <= 0:
        return PriceVerdict("block", "the price is not above zero")
    if mean is None:
        return PriceVerdict("ok")
    price = price_micro / MICRO
    if price >= FAR_ABOVE * mean:
        return PriceVerdict(
            "block", f"{price:g} is ten times the mean of {MEAN_BARS} days, {mean:g}"
        )
    if price <= FAR_BELOW * mean:
        return PriceVerdict(
            "warn", f"{price:g} is a tenth of the mean of {MEAN_BARS} days, {mean:g}"
        )
    return PriceVerdict("ok")


def mean_close(bars: Sequence[Bar], splits: Iterable[Split], *, today: date) -> float | None:
    """The mean of the last MEAN_BARS closes of raw `bars`, oldest first, in units of today's share.

    None when there are fewer, when one is not above zero, or when the newest is older than
    OLDEST_MEAN_DAYS: such a mean says nothing about a price of today.
    """
    last = bars[-MEAN_BARS:]
    if len(last) < MEAN_BARS or (today - last[-1].day).days > OLDEST_MEAN_DAYS:
        return None
    if any(bar.close_micro <= 0 for bar in last):
        return None
    changed = list(splits)
    ratios = (prod(float(s.ratio) for s in changed if bar.day < s.ex_date) for bar in last)
    closes = [bar.close_micro / ratio for bar, ratio in zip(last, ratios, strict=True)]
    return sum(closes) / MEAN_BARS / MICRO
