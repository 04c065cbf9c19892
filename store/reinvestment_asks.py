"""Purchases from dividends that wait for the owner's word, and the one way from there to an order.

An ask is open until an order was made of it or the owner rejected it; the yes covers one order of
that security, up to the sum he was asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from ledger.bucket import Autonomy
from ledger.currency import BASE
from ledger.dividend import PotShare
from ledger.errors import Conflict, Missing
from ledger.money import Money
from ledger.order import Intent, Proposal
from store.buckets import autonomy_of
from store.codec import maybe_instant, to_ms
from store.engine import Engine, Row, Tx
from store.order_guards import check_alone
from store.proposals import Circumstances, propose

Answer = Literal["approve", "reject"]
# How much dearer than asked an approved purchase may be: prices move while one thinks.
LEEWAY = Decimal("1.02")
# So long a no stands; the dividend may buy something else meanwhile.
NO_STANDS = timedelta(days=30)

_OPEN = "intent_id IS NULL AND answer IS NOT 'reject'"


@dataclass(frozen=True, slots=True)
class ReinvestmentAsk:
    """`value` in EUR is what the purchase was to cost; instants are market time."""

    ask_id: int
    symbol: str
    value: Money
    answer: Answer | None
    answered_at: datetime | None

    def covers(self, value: Money) -> bool:
        """Whether the sum that was asked for is enough for an order of `value`."""
        return value.minor <= self.value.minor * LEEWAY

    def stands_for(self, value: Money) -> bool:
        """Whether it need not be asked anew for an order of `value`."""
        smaller = self.value.minor > value.minor * LEEWAY
        return self.covers(value) and not (smaller and self.answer is None)


class ReinvestmentAsks:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def ask(
        self, bucket_id: str, symbol: str, value: Money, *, detail: str, at: datetime
    ) -> ReinvestmentAsk:
        """The open ask for this purchase, which replaces every other one of the bucket.

        One that was asked for a smaller sum is asked anew, under another id: an answer to what was
        shown before is no answer to it.
        """

        async def work(tx: Tx) -> ReinvestmentAsk:
            known = await _open(tx, bucket_id, symbol)
            stands = known if known is not None and known.stands_for(value) else None
            await tx.execute(
                f"DELETE FROM reinvestment_ask WHERE bucket_id = ? AND ask_id IS NOT ? AND {_OPEN}",
                (bucket_id, stands.ask_id if stands else None),
            )
            if stands is not None:
                return stands
            await tx.execute(
                "INSERT INTO reinvestment_ask (bucket_id, symbol, value_minor, detail, asked_ms)"
                " VALUES (?, ?, ?, ?, ?)",
                (bucket_id, symbol, value.minor, detail, to_ms(at)),
            )
            made = await _open(tx, bucket_id, symbol)
            assert made is not None
            return made

        return await self._engine.transaction(work)

    async def answer(self, ask_id: int, answer: Answer, at: datetime) -> None:
        """The owner's word; raises Missing when the ask is not open (any more)."""
        changed = await self._engine.write(
            "UPDATE reinvestment_ask SET answer = ?, answered_ms = ?"
            " WHERE ask_id = ? AND answer IS NULL AND intent_id IS NULL",
            (answer, to_ms(at), ask_id),
        )
        if changed != 1:
            raise Missing(f"there is no open decision reinvest:{ask_id}")

    async def withdraw(self, bucket_id: str) -> int:
        """Forget every open ask, since nothing is to be bought from dividends; how many."""
        return await self._engine.write(
            f"DELETE FROM reinvestment_ask WHERE bucket_id = ? AND {_OPEN}", (bucket_id,)
        )

    async def rejected(self, bucket_id: str, now: datetime) -> frozenset[str]:
        """The symbols whose purchase was rejected not long before the market instant `now`."""
        rows = await self._engine.read(
            lambda tx: tx.all(
                "SELECT DISTINCT symbol FROM reinvestment_ask"
                " WHERE bucket_id = ? AND answer = 'reject' AND answered_ms > ?",
                (bucket_id, to_ms(now - NO_STANDS)),
            )
        )
        return frozenset(row["symbol"] for row in rows)

    async def hand_over(
        self,
        proposal: Proposal,
        how: Circumstances,
        *,
        shares: Sequence[PotShare],
        default: Autonomy,
    ) -> Intent:
        """The purchase as an intent with its part of the pots; an approved ask is used up by it.

        Raises Conflict `not_approved` when its owner's word is missing, `in_flight` beside another
        order, and what proposing raises. A purchase whose value in EUR is not known is nobody's.
        """

        async def work(tx: Tx) -> Intent:
            autonomy = await autonomy_of(tx, proposal.bucket_id, default)
            value, used = proposal.value_eur, None
            if value is None or not autonomy.acts_alone(value):
                used = await _approved(tx, proposal, autonomy)
            await check_alone(tx)
            intent = await propose(tx, proposal, how, shares)
            if used is not None:
                await tx.execute(
                    "UPDATE reinvestment_ask SET intent_id = ? WHERE ask_id = ?",
                    (intent.intent_id, used.ask_id),
                )
            return intent

        return await self._engine.transaction(work)


async def _approved(tx: Tx, proposal: Proposal, autonomy: Autonomy) -> ReinvestmentAsk:
    """The ask whose yes covers the purchase; Conflict without one."""
    value = proposal.value_eur
    known = await _open(tx, proposal.bucket_id, proposal.symbol)
    said_yes = known is not None and known.answer == "approve" and autonomy.mode != "advise"
    if known is None or value is None or not said_yes or not known.covers(value):
        raise Conflict(f"the purchase waits for its owner ({autonomy.mode})", code="not_approved")
    return known


async def _open(tx: Tx, bucket_id: str, symbol: str) -> ReinvestmentAsk | None:
    row = await tx.one(
        f"SELECT * FROM reinvestment_ask WHERE bucket_id = ? AND symbol = ? AND {_OPEN}",
        (bucket_id, symbol),
    )
    return None if row is None else _ask_of(row)


def _ask_of(row: Row) -> ReinvestmentAsk:
    return ReinvestmentAsk(
        ask_id=row["ask_id"],
        symbol=row["symbol"],
        value=Money(row["value_minor"], BASE),
        answer=row["answer"],
        answered_at=maybe_instant(row["answered_ms"]),
    )
