"""The prices of one security, ready to be computed with: checked, and adjusted in memory only."""

from __future__ import annotations

from dataclasses import dataclass

from kernels.series import Series


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceHistory:
    """All series are on the same days, oldest first.

    `close`, `high` and `low` are adjusted for splits, in `currency`; `total` is `close` with every
    dividend reinvested at the close of its ex-date, so that total[t] / total[t-1] - 1 is the return
    of a day with what was paid. `close_eur` and `total_eur` are the same in EUR, on the days whose
    rate is known (all of `days` for a EUR security), None without any.

    `repaired` counts the bars of which something was repaired; `unusable` says why the series must
    not be scored, None when it may. `flagged` are the days of the repaired bars, ordinals; `notes`
    say what was left out of `total`.
    """

    security_id: int
    symbol: str
    currency: str
    close: Series
    high: Series
    low: Series
    total: Series
    close_eur: Series | None
    total_eur: Series | None
    repaired: int
    unusable: str | None
    flagged: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()
