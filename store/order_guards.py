"""What an order needs inside the transaction that moves it: money, permission, tag and number."""

from __future__ import annotations

from datetime import datetime, timedelta

from ledger.dividend import PotShare
from ledger.errors import Conflict, Refused
from ledger.ids import next_client_order_id
from ledger.order import IN_FLIGHT, Intent, Mode, OrderState
from store.codec import sql_list, to_ms
from store.engine import Tx, scalar
from store.settings import stored_mode
from store.settle import link_waiting_fills

# How far an execution's instant at the broker may lie before our submission.
CLOCKS_APART = timedelta(seconds=30)


async def reserve_share(tx: Tx, intent_id: int, share: PotShare) -> None:
    """Set money of one pot aside for an order; Conflict when the pot does not have it."""
    pot = await tx.one(
        "SELECT currency, left_minor FROM pot WHERE dividend_id = ?", (share.dividend_id,)
    )
    money = share.money
    if pot is None or pot["currency"] != money.currency or pot["left_minor"] < money.minor:
        raise Conflict(f"dividend {share.dividend_id} has less than {money}", code="pot_spent")
    await tx.execute(
        "INSERT INTO drip_allocation (dividend_id, intent_id, minor, reserved_minor)"
        " VALUES (?, ?, ?, ?)",
        (share.dividend_id, intent_id, money.minor, money.minor),
    )


async def check_key(tx: Tx, key: str | None, intent_id: int | None) -> None:
    """Raise Conflict when the owner's key became another order than `intent_id` before."""
    row = await tx.one("SELECT intent_id FROM order_key WHERE key = ?", (key,))
    if row is not None and row["intent_id"] != intent_id:
        raise Conflict(f"key {key!r} belongs to another order", code="key_reused")


async def keep_key(tx: Tx, key: str | None, intent_id: int) -> None:
    """Remember for ever which order the owner's key became."""
    if key is not None:
        await tx.execute(
            "INSERT INTO order_key VALUES (?, ?) ON CONFLICT DO NOTHING", (key, intent_id)
        )


async def check_not_stale(tx: Tx, seen_seq: int | None) -> None:
    """Raise Conflict when the journal has gone on since the fact `seen_seq`."""
    if seen_seq is None:
        return
    newest = await scalar(tx, "SELECT coalesce(max(seq), 0) FROM fact")
    if newest > seen_seq:
        raise Conflict(
            f"decided on fact {seen_seq}, the newest is {newest}", code="stale_portfolio"
        )


async def check_alone(tx: Tx) -> None:
    """Raise Conflict while another order is about to leave, or on its way."""
    states = sql_list(IN_FLIGHT | {OrderState.PROPOSED})
    other = await tx.one(f"SELECT intent_id FROM intent WHERE state IN ({states}) LIMIT 1")
    if other is not None:
        raise Conflict(f"order {other['intent_id']} goes first", code="in_flight")


async def check_may_leave(tx: Tx, intent: Intent, mode: Mode) -> None:
    """Raise Refused unless this order, and no other, may go to the broker now."""
    if intent.state is not OrderState.PROPOSED:
        raise Refused(f"order {intent.intent_id} is {intent.state}", code="not_proposed")
    latch = await tx.one("SELECT name, reason FROM latch ORDER BY set_ms LIMIT 1")
    if latch is not None:
        raise Refused(f"halted by {latch['name']}: {latch['reason']}", code="halted")
    stored = await stored_mode(tx)
    if not stored == mode == intent.mode == "live":
        raise Refused(f"mode is {stored}, the order was {intent.mode}", code="mode")
    other = await tx.one(f"SELECT intent_id FROM intent WHERE state IN ({sql_list(IN_FLIGHT)})")
    if other is not None:
        raise Refused(f"order {other['intent_id']} is in flight", code="in_flight")


async def next_tag(tx: Tx, machine_at: datetime) -> int:
    """The next client order id; the last one is remembered for ever."""
    last = await tx.one("SELECT value FROM meta WHERE key = 'last_client_order_id'")
    tag = next_client_order_id(0 if last is None else int(last["value"]), machine_at)
    await tx.execute("INSERT OR REPLACE INTO meta VALUES ('last_client_order_id', ?)", (str(tag),))
    return tag


async def lone_stranger(tx: Tx, intent: Intent) -> str | None:
    """The one order at the broker that is nobody's and has executed what this one may have.

    None when there are several, when more was executed, or when its own number is known.
    """
    if intent.broker_order_id is not None or intent.submitted_at is None:
        return None
    rows = await tx.all(
        "SELECT broker_order_id, sum(quantity_micro) AS micro FROM fill"
        " WHERE intent_id IS NULL AND client_order_id IS NULL AND symbol = ? AND side = ?"
        " AND executed_ms >= ? GROUP BY broker_order_id",
        (intent.proposal.symbol, intent.proposal.side, to_ms(intent.submitted_at - CLOCKS_APART)),
    )
    if len(rows) != 1 or rows[0]["micro"] > intent.proposal.quantity.micro:
        return None
    number: str = rows[0]["broker_order_id"]
    return number


async def link_broker_order(tx: Tx, intent: Intent, broker_order_id: str) -> None:
    """Join the order with the broker's number and with fills that came under that number."""
    taken = await tx.one(
        "SELECT intent_id FROM intent WHERE broker_order_id = ? AND intent_id <> ?",
        (broker_order_id, intent.intent_id),
    )
    if taken is not None or intent.broker_order_id not in {None, broker_order_id}:
        raise Conflict(
            f"order {intent.intent_id} cannot be {broker_order_id} at the broker",
            code="other_order",
        )
    await tx.execute(
        "UPDATE intent SET broker_order_id = ? WHERE intent_id = ?",
        (broker_order_id, intent.intent_id),
    )
    await link_waiting_fills(tx, broker_order_id)
