"""Dividend pots: net money that arrived and waits to be reinvested. Read by drip and planner.

A pot is filled by facts and spent by executions; both happen where those are recorded. A reversal
that comes after the money was spent leaves a pot with a negative rest: a debt, which other pots of
its security repay. The owner's notes are written by the drip actor alone; none of them moves money.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from ledger.currency import BASE
from ledger.dividend import DividendNote, DividendPot, PotState
from ledger.errors import BadData, Conflict, Missing
from ledger.fact import CorporateAction
from ledger.money import Money, Quantity
from store.codec import from_ms, to_json, to_ms
from store.dividend_notes import keep_note
from store.engine import Engine, Row, Tx
from store.fact_rows import fact_of

_OPEN = """
SELECT * FROM pot WHERE paid_ms IS NOT NULL AND (left_minor <> 0 OR reserved_minor > 0)
ORDER BY paid_ms, action_id
"""
_ACTIONS = """
SELECT f.kind, f.payload FROM corporate_action c JOIN fact f ON f.seq = c.fact_seq
WHERE c.symbol IN (SELECT value FROM json_each(?))
ORDER BY c.symbol, c.ex_date, c.kind, c.action_id
"""
_CLEAR_BONUS = """
UPDATE dividend SET bonus_minor = 0, bonus_cleared_ms = :at_ms
WHERE symbol = :symbol AND bonus_cleared_ms IS NULL AND marked_ms IS NULL
    AND (bonus_minor > 0 OR (bonus_minor IS NULL AND dividend_id IN (
        SELECT dividend_id FROM pot WHERE left_minor > 0)))
"""


class Dividends:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def pots(self) -> tuple[DividendPot, ...]:
        """Pots with money left, reserved or owed (negative `left`), oldest payment first."""
        rows = await self._engine.read(lambda tx: tx.all(_OPEN))
        return tuple(pot_of(row) for row in rows)

    async def earmarked(self) -> Mapping[str, int]:
        """Minor units by currency that belong to reinvestment: left + reserved, never negative."""
        totals: defaultdict[str, int] = defaultdict(int)
        for row in await self._engine.read(lambda tx: tx.all(_OPEN)):
            totals[row["currency"]] += max(row["left_minor"], 0) + row["reserved_minor"]
        return dict(totals)

    async def repay(self, at: datetime) -> None:
        """Pay what pots owe out of the other pots of the same security and currency.

        What a pot gives for it is ordinary cash, which had become short when money was taken back.
        """

        async def work(tx: Tx) -> None:
            rows = await tx.all(_OPEN)
            left = {row["dividend_id"]: row["left_minor"] for row in rows}
            for debtor, lender in _debts(rows):
                paid = min(-left[debtor], left[lender])
                if paid <= 0:
                    continue
                left[debtor] += paid
                left[lender] -= paid
                await tx.execute(
                    "UPDATE dividend SET repaid_minor = repaid_minor + ? WHERE dividend_id = ?",
                    (paid, debtor),
                )
                await _give(tx, lender, paid, at)

        await self._engine.transaction(work)

    async def actions(self, symbols: Sequence[str]) -> Mapping[str, tuple[CorporateAction, ...]]:
        """By symbol, every dividend and split that the broker reported, oldest ex date first."""
        rows = await self._engine.read(lambda tx: tx.all(_ACTIONS, (to_json(symbols),)))
        found: dict[str, list[CorporateAction]] = {symbol: [] for symbol in symbols}
        for row in rows:
            action = fact_of(row["kind"], row["payload"])
            if not isinstance(action, CorporateAction):
                raise BadData(f"{action} stands among the corporate actions")
            found[action.symbol].append(action)
        return {symbol: tuple(actions) for symbol, actions in found.items()}

    async def release(self, dividend_id: int, at: datetime) -> Money:
        """Give what is left of a pot back to the planner; returns it, zero when nothing is left.

        Raises Missing for a dividend that does not exist or was not paid yet.
        """

        async def work(tx: Tx) -> Money:
            row = await _pot_row(tx, dividend_id)
            if row["paid_ms"] is None:
                raise Missing(f"dividend {dividend_id} was not paid yet")
            left = max(row["left_minor"], 0)
            if left:
                await _give(tx, dividend_id, left, at)
            return Money(left, row["currency"])

        return await self._engine.transaction(work)

    async def note(self, note: DividendNote, *, at: datetime, by: str) -> int:
        """Keep what the owner tells, with the cash flow that brought its money; returns its id.

        Raises Missing for an unknown cash flow, Conflict `duplicate` for what is recorded already,
        `linked` for a cash flow that has its dividend, and `cash_flow_mismatch` for one that did
        not arrive, is no dividend or differs in symbol, currency or amount.
        """
        return await self._engine.transaction(lambda tx: keep_note(tx, note, at=at, by=by))

    async def set_bonus(self, dividend_id: int, bonus: Money) -> None:
        """Note the bonus in EUR. Raises Missing; Conflict once the dividend is reinvested."""
        assert bonus.currency == BASE

        async def work(tx: Tx) -> None:
            _check_not_reinvested(await _pot_row(tx, dividend_id))
            await tx.execute(
                "UPDATE dividend SET bonus_minor = ?, bonus_cleared_ms = NULL"
                " WHERE dividend_id = ?",
                (bonus.minor, dividend_id),
            )

        await self._engine.transaction(work)

    async def mark_reinvested(self, dividend_id: int, bought: Quantity, *, at: datetime) -> None:
        """The owner bought shares with it: what its pot still holds is ordinary cash from now on.

        Raises Missing; Conflict `already_reinvested`, `reserved` while an order holds a part of
        it, `cancelled` when the broker took it back.
        """

        async def work(tx: Tx) -> None:
            row = await _pot_row(tx, dividend_id)
            if row["reserved_minor"]:
                text = f"dividend {dividend_id} is reserved for an open order"
                raise Conflict(text, code="reserved")
            _check_not_reinvested(row)
            if state_of(row) is PotState.CANCELLED:
                raise Conflict(f"dividend {dividend_id} was taken back", code="cancelled")
            await tx.execute(
                "UPDATE dividend SET marked_micro = ?, marked_ms = ?, bonus_minor = 0"
                " WHERE dividend_id = ?",
                (bought.micro, to_ms(at), dividend_id),
            )

        await self._engine.transaction(work)

    async def clear_bonus(self, symbol: str, *, at: datetime) -> int:
        """Clear every bonus of a security; how many there were."""
        return await self._engine.write(_CLEAR_BONUS, {"symbol": symbol, "at_ms": to_ms(at)})


def _debts(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """(debtor, lender) for every pot that owes and every one that could pay, oldest first."""
    return [
        (debtor["dividend_id"], lender["dividend_id"])
        for debtor in rows
        for lender in rows
        if debtor["left_minor"] < 0 < lender["left_minor"]
        and (debtor["symbol"], debtor["currency"]) == (lender["symbol"], lender["currency"])
    ]


async def _give(tx: Tx, dividend_id: int, minor: int, at: datetime) -> None:
    """Turn part of a pot into ordinary cash."""
    await tx.execute(
        "UPDATE dividend SET released_minor = released_minor + ?, released_ms = ?"
        " WHERE dividend_id = ?",
        (minor, to_ms(at), dividend_id),
    )


async def _pot_row(tx: Tx, dividend_id: int) -> Row:
    row = await tx.one("SELECT * FROM pot WHERE dividend_id = ?", (dividend_id,))
    if row is None:
        raise Missing(f"there is no dividend {dividend_id}")
    return row


def _check_not_reinvested(row: Row) -> None:
    if state_of(row) is PotState.REINVESTED:
        text = f"dividend {row['dividend_id']} is reinvested already"
        raise Conflict(text, code="already_reinvested")


def pot_of(row: Row) -> DividendPot:
    """A row of the view `pot` whose money has arrived."""
    currency = row["currency"]
    return DividendPot(
        dividend_id=row["dividend_id"],
        action_id=row["action_id"],
        symbol=row["symbol"],
        paid_at=from_ms(row["paid_ms"]),
        net=Money(row["net_minor"], currency),
        left=Money(row["left_minor"], currency),
        state=state_of(row),
    )


def state_of(row: Row) -> PotState:
    """Of a row of the view `pot`; money that waits or is promised comes first."""
    if row["reserved_minor"]:
        return PotState.RESERVED
    if row["left_minor"] > 0:
        return PotState.ACCUMULATING
    if row["reinvested_minor"] or row["marked_ms"] is not None:
        return PotState.REINVESTED
    if row["paid_ms"] is None:
        return PotState.RECEIVED
    return PotState.RELEASED if row["released_minor"] else PotState.CANCELLED
