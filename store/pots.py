"""What a dividend's pot holds: always the sum of all cash flows that are known to be its money.

Those that name its action, and those of the transaction that the owner linked; tax that was
announced and did not come yet is not its money. Called inside the transaction that records flows,
actions or links, so that their order makes no difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from store.engine import Row, Tx

_TOUCHED = """
SELECT d.dividend_id FROM cash_flow c JOIN dividend d ON d.action_id = c.reference
WHERE c.fact_seq > :after
UNION
SELECT d.dividend_id FROM flow_fact f JOIN dividend d USING (transaction_id)
WHERE f.fact_seq > :after
UNION
SELECT dividend_id FROM dividend WHERE fact_seq > :after
ORDER BY 1
"""
_FLOWS = """
SELECT c.flow_id, c.category, c.minor, c.currency, c.booked_ms
FROM dividend d JOIN cash_flow c ON c.reference = d.action_id
WHERE d.dividend_id = :id AND c.category IN ('dividend', 'tax')
UNION
SELECT c.flow_id, c.category, c.minor, c.currency, c.booked_ms
FROM dividend d JOIN flow_fact f USING (transaction_id) JOIN cash_flow c ON c.fact_seq = f.fact_seq
WHERE d.dividend_id = :id AND c.category IN ('dividend', 'tax')
ORDER BY 1
"""
_ANNOUNCED = """
SELECT a.gross_minor, a.tax_minor, a.tax_currency
FROM dividend d JOIN corporate_action a USING (fact_seq)
WHERE d.dividend_id = ? AND a.tax_minor > 0 AND a.gross_currency = a.tax_currency
"""


async def refresh_pots(tx: Tx, after_seq: int) -> None:
    """Count the pots again that the facts after `after_seq` may change."""
    for row in await tx.all(_TOUCHED, {"after": after_seq}):
        await refresh_pot(tx, row["dividend_id"])


async def refresh_pot(tx: Tx, dividend_id: int) -> None:
    """Count one pot again, in the currency in which its dividend was really paid."""
    flows = await tx.all(_FLOWS, {"id": dividend_id})
    paid = [row for row in flows if row["category"] == "dividend"]
    if not paid:
        return
    currency: str = paid[0]["currency"]
    net = _sum(flows, currency) - _awaited_tax(
        await tx.one(_ANNOUNCED, (dividend_id,)), flows, currency
    )
    await tx.execute(
        "UPDATE dividend SET currency = ?, paid_ms = ?, net_minor = ? WHERE dividend_id = ?",
        (currency, _first_ms(paid, currency), net, dividend_id),
    )


def _first_ms(paid: Iterable[Row], currency: str) -> int:
    booked: list[int] = [row["booked_ms"] for row in paid if row["currency"] == currency]
    return min(booked)


def _sum(flows: Iterable[Row], currency: str) -> int:
    """Money in two currencies is never summed: a tax in another one is ordinary cash."""
    return sum(row["minor"] for row in flows if row["currency"] == currency)


def _awaited_tax(announced: Row | None, flows: Sequence[Row], currency: str) -> int:
    """What will still be withheld from a dividend of which the announced gross has come."""
    if announced is None or announced["tax_currency"] != currency:
        return 0
    gross = _sum((row for row in flows if row["category"] == "dividend"), currency)
    if gross != announced["gross_minor"]:
        return 0
    taxes = (row for row in flows if row["category"] == "tax" and row["minor"] < 0)
    awaited: int = announced["tax_minor"] + _sum(taxes, currency)
    return max(awaited, 0)
