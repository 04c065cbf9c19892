"""What executions do to their order, its bucket and the dividend money set aside for it.

Everything here is computed again from all executions that are known, so the order in which facts,
views and answers arrive makes no difference to where it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from ledger.fact import CORE
from ledger.money import Price, Quantity, Rounding, divide
from ledger.order import TERMINAL, OrderState
from store.codec import sql_list, to_json
from store.engine import Row, Tx
from store.moves import move, note_event

# An execution proves that the broker had accepted the order.
_PROVEN_BY_FILLS = frozenset({OrderState.UNKNOWN, OrderState.ESCALATED})
# An execution of an order that we took for one that never existed: our picture is wrong.
_PROVED_UNSENT = frozenset({OrderState.NOT_PLACED, OrderState.REJECTED})
_FOLLOWS_FILLS = frozenset({OrderState.ACCEPTED, OrderState.ACTIVE, OrderState.PARTIALLY_FILLED})

_MATCHES = """
SELECT f.fact_seq, i.intent_id, i.bucket_id
FROM fill f JOIN intent i
    ON (i.client_order_id = f.client_order_id OR i.broker_order_id = f.broker_order_id)
    AND i.symbol = f.symbol AND i.side = f.side
WHERE f.intent_id IS NULL AND {which}
ORDER BY f.fact_seq, i.client_order_id IS f.client_order_id
"""
_SHARES = """
SELECT a.dividend_id, a.minor, a.reinvested_minor, d.currency AS pot_currency, i.state,
    i.quantity_micro, i.filled_micro, i.claimed_micro, i.currency, i.decision_micro,
    i.value_minor, i.value_currency
FROM drip_allocation a JOIN intent i USING (intent_id) JOIN dividend d USING (dividend_id)
WHERE intent_id = ? ORDER BY a.dividend_id
"""
_PAID = """
SELECT gross_currency AS currency, sum(gross_minor) AS minor FROM fill
WHERE intent_id = :id GROUP BY 1
UNION ALL
SELECT e.currency, sum(e.minor) FROM fill f JOIN fill_fee e USING (fact_seq)
WHERE f.intent_id = :id GROUP BY 1
"""


async def link_new_fills(tx: Tx, after_seq: int) -> set[int]:
    """Link the fills after the fact `after_seq` to their orders; returns those orders."""
    return await _link(tx, await tx.all(_MATCHES.format(which="f.fact_seq > ?"), (after_seq,)))


async def link_waiting_fills(tx: Tx, broker_order_id: str) -> set[int]:
    """Link fills that arrived before we knew the broker's number of their order."""
    sql = _MATCHES.format(which="f.broker_order_id = ?")
    return await _link(tx, await tx.all(sql, (broker_order_id,)))


async def _link(tx: Tx, matches: Sequence[Row]) -> set[int]:
    # A match by our own tag sorts after one by the broker's number and so replaces it.
    chosen = {row["fact_seq"]: row for row in matches}
    await tx.execute_many(
        "UPDATE fill SET intent_id = ? WHERE fact_seq = ?",
        [(row["intent_id"], seq) for seq, row in chosen.items()],
    )
    for seq, row in chosen.items():
        if row["bucket_id"] != CORE:
            await _rebook(tx, seq, row["bucket_id"])
    return {row["intent_id"] for row in chosen.values()}


async def _rebook(tx: Tx, seq: int, bucket_id: str) -> None:
    """Move what a fact posted from core, where everything is booked first, to its bucket."""
    sql = (
        "INSERT INTO posting (fact_seq, bucket_id, account, key, delta)"
        " SELECT fact_seq, ?, account, key, delta * ? FROM posting"
        " WHERE fact_seq = ? AND bucket_id = ?"
    )
    await tx.execute(sql, (bucket_id, 1, seq, CORE))
    await tx.execute(sql, (CORE, -1, seq, CORE))


async def settle(tx: Tx, intent_id: int, at: datetime) -> None:
    """Bring the order's executed quantity, its state and its pot shares up to date."""
    row = await tx.one(
        "SELECT i.state, i.quantity_micro, i.filled_micro,"
        " (SELECT coalesce(sum(quantity_micro), 0) FROM fill f"
        "  WHERE f.intent_id = i.intent_id) AS known_micro"
        " FROM intent i WHERE intent_id = ?",
        (intent_id,),
    )
    assert row is not None
    state, known = OrderState(row["state"]), row["known_micro"]
    if known != row["filled_micro"]:
        await _raise_filled(tx, intent_id, known)
        if state in TERMINAL and state is not OrderState.FILLED:
            note = "executed although the order was final"
            await note_event(tx, intent_id, before=state, after=state, at=at, note=note)
    if known and state in _PROVEN_BY_FILLS:
        note = "an execution proves that it was accepted"
        await move(tx, intent_id, state, OrderState.ACCEPTED, at=at, note=note)
        state = OrderState.ACCEPTED
    after = _state_after(known, row["quantity_micro"])
    if state in _FOLLOWS_FILLS and after not in {None, state}:
        assert after is not None
        await move(tx, intent_id, state, after, at=at, note="execution recorded")
    await settle_shares(tx, intent_id)


async def contradiction(tx: Tx, intent_ids: Sequence[int]) -> str | None:
    """Why these orders, which were just executed, mean that nobody may go on trading."""
    rows = await tx.all(
        "SELECT intent_id, client_order_id, symbol, state FROM intent"
        f" WHERE state IN ({sql_list(_PROVED_UNSENT)})"
        " AND intent_id IN (SELECT value FROM json_each(?))",
        (to_json(intent_ids),),
    )
    texts = [
        f"order {row['client_order_id']} ({row['symbol']}) was executed although it is"
        f" {row['state']}"
        for row in rows
    ]
    return "; ".join(texts) or None


def _state_after(filled_micro: int, quantity_micro: int) -> OrderState | None:
    if filled_micro == 0:
        return None
    return OrderState.FILLED if filled_micro >= quantity_micro else OrderState.PARTIALLY_FILLED


async def _raise_filled(tx: Tx, intent_id: int, filled_micro: int) -> None:
    await tx.execute(
        "UPDATE OR IGNORE intent SET broker_order_id ="
        " (SELECT min(broker_order_id) FROM fill f WHERE f.intent_id = intent.intent_id)"
        " WHERE intent_id = ? AND broker_order_id IS NULL",
        (intent_id,),
    )
    await tx.execute(
        "UPDATE intent SET filled_micro = ? WHERE intent_id = ?", (filled_micro, intent_id)
    )


async def settle_shares(tx: Tx, intent_id: int) -> None:
    """Divide the dividend money set aside for this order into spent, still waiting and free."""
    rows = await tx.all(_SHARES, (intent_id,))
    if not rows:
        return
    shares = divide_shares(
        [row["minor"] for row in rows],
        filled=rows[0]["filled_micro"],
        claimed=rows[0]["claimed_micro"],
        quantity=rows[0]["quantity_micro"],
        final=OrderState(rows[0]["state"]) in TERMINAL,
        cost=_cost(rows, await tx.all(_PAID, {"id": intent_id})),
    )
    await tx.execute_many(
        "UPDATE drip_allocation SET reserved_minor = ?, reinvested_minor = ?"
        " WHERE dividend_id = ? AND intent_id = ?",
        [
            (waiting, spent, row["dividend_id"], intent_id)
            for row, (waiting, spent) in zip(rows, shares, strict=True)
        ],
    )
    # What the owner said of a bonus held until the money bought something.
    await tx.execute_many(
        "UPDATE dividend SET bonus_minor = NULL WHERE dividend_id = ?",
        [
            (row["dividend_id"],)
            for row, (_, spent) in zip(rows, shares, strict=True)
            if spent > row["reinvested_minor"]
        ],
    )


def _cost(shares: Sequence[Row], paid: Sequence[Row]) -> int:
    """What the executions cost in the currency of the pots; 0 when that cannot be told.

    A fee in EUR counts at the rate at which the order was decided.
    """
    order, total = shares[0], 0
    currency: str = order["currency"]
    if any(row["pot_currency"] != currency for row in shares):
        return 0
    decided = Price(order["decision_micro"], currency).times(
        Quantity(order["quantity_micro"]), Rounding.CEIL
    )
    for row in paid:
        if row["currency"] == currency:
            total += row["minor"]
        elif row["currency"] == order["value_currency"] and order["value_minor"]:
            total += divide(row["minor"] * decided.minor, order["value_minor"], Rounding.CEIL)
        else:
            return 0
    return total


def divide_shares(
    amounts: Sequence[int], *, filled: int, claimed: int, quantity: int, final: bool, cost: int = 0
) -> list[tuple[int, int]]:
    """(waiting, spent) in minor units for each amount, with quantities in millionths.

    Executions spend pro rata, and at least their `cost`: the first of them pays what an order
    costs however small it is. While the order lives the rest waits; once it is final only what
    the broker claims to have executed beyond our executions waits, and the rest is free again.
    """
    spent = pro_rata(amounts, min(filled, quantity), quantity)
    if sum(spent) < cost:
        spent = pro_rata(amounts, min(cost, sum(amounts)), sum(amounts))
    if not final:
        return [(amount - used, used) for amount, used in zip(amounts, spent, strict=True)]
    kept = pro_rata(amounts, min(max(filled, claimed), quantity), quantity)
    return [(max(keep - used, 0), used) for keep, used in zip(kept, spent, strict=True)]


def pro_rata(amounts: Sequence[int], part: int, whole: int) -> list[int]:
    """`part/whole` of the sum, floored, over the amounts by largest remainder (first wins)."""
    total = divide(sum(amounts) * part, whole, Rounding.FLOOR)
    shares = [amount * part // whole for amount in amounts]
    by_remainder = sorted(range(len(amounts)), key=lambda i: -(amounts[i] * part % whole))
    for index in by_remainder[: total - sum(shares)]:
        shares[index] += 1
    return shares
