"""Figures of a window that moves along a series, as rows of an answer."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import msgspec

from ledger.analytics import RollingDay


class RollingRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Figures of the 63 returns up to `date`: per year, but the drawdown; null over nothing."""

    date: datetime.date
    volatility: float
    sharpe_ratio: float | None
    max_drawdown: float
    beta: float | None


def rolling_rows(days: Sequence[RollingDay]) -> list[RollingRow]:
    return [RollingRow(d.day, d.volatility, d.sharpe, d.max_drawdown, d.beta) for d in days]
