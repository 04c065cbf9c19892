"""The questions only the owner can answer, gathered from where they stand open.

Nothing is written here: an order is escalated by the trader, a difference found by sync, a repair
put on hold by the rebalancer, a purchase from dividends wanted by drip, and each of them closes its
own question when it is answered.
"""

from __future__ import annotations

from ledger.currency import BASE, is_known
from ledger.decision import Choice, Decision
from ledger.money import Money, Quantity
from ledger.order import Intent
from store.codec import from_ms
from store.engine import Engine, Row, Tx
from store.order_rows import intent_of

ORDER = (
    Choice("placed", "it is at the broker: it is followed like any other order"),
    Choice("not_placed", "it never arrived and executed nothing: its money is free again"),
    Choice("closed", "it has ended at the broker: what executed is recorded, the rest is free"),
)
BOOKS = (
    Choice("adjust", "the broker is right: the difference is booked to core as an adjustment"),
    Choice("recheck", "compare with the broker again; nothing is booked"),
)
SALE = (
    Choice("confirm", "sell for up to what is asked, above the daily share"),
    Choice("abort", "sell nothing; the negative cash stays until it is settled otherwise"),
)
REINVEST = (
    Choice("approve", "buy it once, for at most what is asked and 2 % more"),
    Choice("reject", "do not buy it with dividends for the next 30 days"),
)

_ORDERS = """
SELECT i.*, e.at_ms AS since_ms, e.note AS why FROM intent i
LEFT JOIN order_event e ON e.event_id = (
    SELECT max(event_id) FROM order_event WHERE intent_id = i.intent_id AND after = 'escalated'
        AND before IS NOT 'escalated')
WHERE i.state = 'escalated' ORDER BY i.intent_id
"""
_ITEMS = "SELECT * FROM book_item WHERE blocking = 1 AND resolved_ms IS NULL ORDER BY item_id"
_SALES = "SELECT * FROM emergency_run WHERE state = 'waiting_owner' ORDER BY started_ms, run_id"
_REINVESTMENTS = (
    "SELECT * FROM reinvestment_ask WHERE answer IS NULL AND intent_id IS NULL ORDER BY ask_id"
)


class Decisions:
    def __init__(self, ledger: Engine) -> None:
        self._ledger = ledger

    async def open(self) -> tuple[Decision, ...]:
        """Every open question: orders, sales, differences, then purchases; each oldest first."""
        return await self._ledger.read(_open)


async def _open(tx: Tx) -> tuple[Decision, ...]:
    return (
        *[_order(row) for row in await tx.all(_ORDERS)],
        *[_sale(row) for row in await tx.all(_SALES)],
        *[_difference(row) for row in await tx.all(_ITEMS)],
        *[_reinvestment(row) for row in await tx.all(_REINVESTMENTS)],
    )


def _order(row: Row) -> Decision:
    intent = intent_of(row)
    proposal = intent.proposal
    since = row["since_ms"]
    return Decision(
        decision_id=f"order:{intent.intent_id}",
        kind="order",
        title=f"Did {proposal.side} {proposal.quantity} {proposal.symbol} reach the broker?",
        detail=_told(intent, row["why"]),
        choices=ORDER,
        since=from_ms(row["proposed_ms"] if since is None else since),
    )


def _told(intent: Intent, why: str | None) -> str:
    """What identifies the order at the broker, and why it could not be settled without help."""
    parts = [f"client order id {intent.client_order_id}"]
    if intent.broker_order_id:
        parts.append(f"broker order {intent.broker_order_id}")
    if intent.limit is not None:
        parts.append(f"limit {intent.limit}")
    parts.append(f"{intent.filled} of {intent.proposal.quantity} executed as far as we know")
    return "; ".join([*parts, *(text for text in (why or intent.error,) if text)])


def _difference(row: Row) -> Decision:
    books, broker = (_figure(row, name) for name in ("books", "broker"))
    return Decision(
        decision_id=f"books:{row['item_id']}",
        kind="books",
        title=f"Books and broker differ about {row['account']} {row['key']}",
        detail=f"our books say {books}, the broker says {broker}",
        choices=BOOKS,
        since=from_ms(row["found_ms"]),
    )


def _figure(row: Row, name: str) -> str:
    """Minor units of a currency as money, millionths of an instrument as units."""
    if row["account"] == "cash" and is_known(row["key"]):
        return str(Money(row[name], row["key"]))
    return str(Quantity(row[name]))


def _asked(row: Row) -> str:
    minor = row["asked_minor"]
    return "" if minor is None else f"it would sell for up to {Money(minor, BASE)} in all"


def _sale(row: Row) -> Decision:
    return Decision(
        decision_id=f"sale:{row['run_id']}",
        kind="sale",
        title="Sell securities to cover negative cash?",
        detail="; ".join(text for text in (_asked(row), row["note"]) if text),
        choices=SALE,
        since=from_ms(row["updated_ms"]),
    )


def _reinvestment(row: Row) -> Decision:
    return Decision(
        decision_id=f"reinvest:{row['ask_id']}",
        kind="reinvest",
        title=f"Buy {row['symbol']} for {Money(row['value_minor'], BASE)} of dividends?",
        detail=row["detail"],
        choices=REINVEST,
        since=from_ms(row["asked_ms"]),
    )
