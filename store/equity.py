"""The account's value to compare today's with, and the money that came and went since."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ledger.currency import BASE
from ledger.money import Money
from store.engine import Engine, Tx

_EARLIER_DAY = """
SELECT total_minor, ledger_seq FROM snapshot
WHERE day < ? AND total_minor > 0 AND ledger_seq IS NOT NULL
ORDER BY day DESC LIMIT 1
"""
_FIRST_KNOWN = """
SELECT total_minor, ledger_seq FROM snapshot_point
WHERE total_minor > 0 AND ledger_seq IS NOT NULL
ORDER BY at_ms LIMIT 1
"""
_FLOWS = """
SELECT currency, sum(minor) AS minor FROM cash_flow
WHERE fact_seq > ? AND fact_seq <= ? AND category IN ('deposit', 'withdrawal')
GROUP BY currency ORDER BY currency
"""


@dataclass(frozen=True, slots=True)
class EquityBase:
    """A total in EUR, and the newest fact that is in it."""

    total: Money
    ledger_seq: int


class Equity:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def base(self, day: date) -> EquityBase | None:
        """The newest known total of a market day before `day`, else the ledger's first.

        None before anything was known. A total of nothing is no base: nothing can be lost of it.
        """
        earlier = await self._engine.read(lambda tx: tx.one(_EARLIER_DAY, (day.isoformat(),)))
        row = earlier or await self._engine.read(lambda tx: tx.one(_FIRST_KNOWN))
        return (
            None if row is None else EquityBase(Money(row["total_minor"], BASE), row["ledger_seq"])
        )

    async def flows_between(self, after_seq: int, upto_seq: int) -> tuple[Money, ...]:
        """Deposits (+) and withdrawals (−) among the facts (after_seq, upto_seq], per currency."""
        return await self._engine.read(lambda tx: flows_between(tx, after_seq, upto_seq))


async def flows_between(tx: Tx, after_seq: int, upto_seq: int) -> tuple[Money, ...]:
    """Deposits less withdrawals among the facts (after_seq, upto_seq], per currency."""
    rows = await tx.all(_FLOWS, (after_seq, upto_seq))
    return tuple(Money(row["minor"], row["currency"]) for row in rows)
