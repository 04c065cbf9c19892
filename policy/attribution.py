"""Where the return came from: by country, industry, currency or group of them.

A security adds w_(i,t−1) × r_(i,t) to a day, in EUR with what it paid; cash and trading are
buckets of their own, so that a day's parts add up to its return and, linked, to the total.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from kernels.checks import Floats
from ledger.allocation import OTHER, AllocationBook, industries_of
from ledger.analytics import CASH_BUCKET, TRADING_BUCKET, Attribution, Contribution, Dimension
from ledger.security import Security
from policy.linking import annual, annual_scale, compounded, linked
from policy.reconstruction import Reconstruction

UNKNOWN = "unknown"
"""The bucket of what has no country or industry."""
Shares = Mapping[str, Mapping[str, float]]
"""By symbol, which part of it belongs to which bucket; the parts add up to 1."""


def bucket_shares(universe: Iterable[Security], by: Dimension, book: AllocationBook) -> Shares:
    """Whole securities by country, currency and country group; equal parts by their industries.

    Raises ValueError for `factor`, which is no property of a security.
    """
    names = _NAMES.get(by)
    if names is None:
        raise ValueError(f"by: {by!r}, expected one of {', '.join(_NAMES)}")
    return {one.symbol: _equal(names(one, book)) for one in universe}


def _equal(names: tuple[str, ...]) -> dict[str, float]:
    shares: dict[str, float] = {}
    for name in names:
        shares[name] = shares.get(name, 0.0) + 1.0 / len(names)
    return shares


def _country(one: Security, book: AllocationBook) -> tuple[str, ...]:
    del book
    return (one.instrument.country or UNKNOWN,)


def _country_group(one: Security, book: AllocationBook) -> tuple[str, ...]:
    country = one.instrument.country
    return (book.country.group_of(country) if country else OTHER,)


def _industry(one: Security, book: AllocationBook) -> tuple[str, ...]:
    del book
    return industries_of(one.instrument.industry) or (UNKNOWN,)


def _industry_group(one: Security, book: AllocationBook) -> tuple[str, ...]:
    names = industries_of(one.instrument.industry)
    return tuple(book.industry.group_of(name) for name in names) or (OTHER,)


def _currency(one: Security, book: AllocationBook) -> tuple[str, ...]:
    del book
    return (one.currency,)


_NAMES: Mapping[Dimension, Callable[[Security, AllocationBook], tuple[str, ...]]] = {
    "country": _country,
    "country_group": _country_group,
    "industry": _industry,
    "industry_group": _industry_group,
    "currency": _currency,
}


def attribute(closes: Reconstruction, shares: Shares, *, by: Dimension, days: int) -> Attribution:
    """The return of `closes` by bucket; what `shares` do not know is in the bucket `unknown`.

    The largest contribution comes first, then by name; cash and trading come last. Unavailable
    with a reason when there is no return, or when a day lost everything.
    """
    returns = closes.returns
    if not len(returns):
        return _unavailable(closes, by, days, "there are no two closes with a known value")
    names, matrix = _matrix(closes.symbols, shares)
    before = closes.counted - 1
    base = closes.values[before]
    parts = np.column_stack(
        (
            closes.gains[before + 1] @ matrix,
            closes.cash_gains[before + 1],
            closes.trading[before + 1],
        )
    )
    totals = linked(parts / base[:, None], returns)
    if totals is None:
        return _unavailable(closes, by, days, "a day lost everything, no return can follow it")
    held = np.column_stack((closes.holdings[before] @ matrix, closes.cash[before].sum(axis=1)))
    weights: list[float | None] = [*(held / base[:, None]).mean(axis=0).tolist(), None]
    total = compounded(returns)
    scale = annual_scale(total, len(returns))
    rows = [
        Contribution(name, float(part), None if scale is None else float(part) * scale, weight)
        for name, part, weight in zip(
            (*names, CASH_BUCKET, TRADING_BUCKET), totals, weights, strict=True
        )
    ]
    first, last = closes.span
    return Attribution(
        by=by,
        available=True,
        days=days,
        first=first,
        last=last,
        total=total,
        annual=annual(total, len(returns)),
        parts=(*sorted(rows[:-2], key=lambda row: (-row.total, row.name)), *rows[-2:]),
        unknown=closes.unknown,
    )


def _matrix(symbols: tuple[str, ...], shares: Shares) -> tuple[tuple[str, ...], Floats]:
    """The buckets, and which part of each symbol is in which: (m, buckets)."""
    of_each = [shares.get(symbol, {UNKNOWN: 1.0}) for symbol in symbols]
    names = tuple(sorted({name for parts in of_each for name in parts}))
    matrix = np.zeros((len(symbols), len(names)))
    for row, parts in enumerate(of_each):
        for name, share in parts.items():
            matrix[row, names.index(name)] = share
    return names, matrix


def _unavailable(closes: Reconstruction, by: Dimension, days: int, reason: str) -> Attribution:
    return Attribution(by=by, available=False, reason=reason, days=days, unknown=closes.unknown)
