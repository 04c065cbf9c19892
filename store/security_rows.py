"""Rows of the table `security`, and the values they stand for.

What the owner says goes before what the broker says, column by column.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ledger.errors import Missing
from ledger.money import Price, Quantity
from ledger.security import Instrument, Security
from store.codec import from_json, maybe_instant
from store.engine import Row, Tx, Value

SELECT = """
SELECT s.*, (SELECT json_group_array(name) FROM symbol_alias a
    WHERE a.security_id = s.security_id) AS names
FROM security s
"""
_MICRO = 1_000_000


def share_of(micro: int | None) -> Decimal | None:
    return None if micro is None else Decimal(micro) / _MICRO


def micro_of(share: Decimal | None) -> int | None:
    return None if share is None else int((share * _MICRO).to_integral_value())


async def load_all(tx: Tx) -> tuple[Security, ...]:
    """In the order of their symbols."""
    return tuple(security_of(r) for r in await tx.all(f"{SELECT} ORDER BY symbol"))


async def load(tx: Tx, security_id: int) -> Security:
    """Raises Missing."""
    row = await tx.one(f"{SELECT} WHERE security_id = ?", (security_id,))
    if row is None:
        raise Missing(f"there is no security {security_id}")
    return security_of(row)


def broker_values(instrument: Instrument) -> dict[str, Value]:
    """The columns that are the broker's."""
    return {
        "symbol": instrument.symbol,
        "isin": instrument.isin,
        "name": instrument.name,
        "currency": instrument.currency,
        "mic": instrument.mic,
        "country": instrument.country,
        "industry": instrument.industry,
        "product_type": instrument.product_type,
        "lot_micro": None if instrument.lot is None else instrument.lot.micro,
        "tick_micro": instrument.tick.micro,
        "tick_currency": instrument.tick.currency,
        "synthetic": instrument.synthetic,
    }


def security_of(row: Row) -> Security:
    return Security(
        security_id=row["security_id"],
        instrument=_instrument_of(row),
        allow_buy=bool(row["allow_buy"]),
        allow_sell=bool(row["allow_sell"]),
        active=bool(row["active"]),
        confirmed=bool(row["confirmed"]),
        priority=Decimal(row["priority_micro"]) / _MICRO,
        min_target=share_of(row["min_target_micro"]),
        max_target=share_of(row["max_target_micro"]),
        quote_symbol=row["quote_symbol"],
        bucket_id=row["bucket_id"],
        listed=bool(row["listed"]),
        quote_source=row["quote_source"],
        exchange_name=row["own_exchange"],
        alias=row["alias"],
        broker_symbol=row["broker_symbol"],
        names=frozenset(from_json(row["names"], list[str])),
        unlisted_at=maybe_instant(row["unlisted_ms"]),
        created_at=maybe_instant(row["created_ms"]),
        updated_at=maybe_instant(row["updated_ms"]),
    )


def _instrument_of(row: Row) -> Instrument:
    return Instrument(
        symbol=row["symbol"],
        isin=row["isin"],
        name=_own(row, "name"),
        currency=row["currency"],
        mic=row["mic"],
        country=_own(row, "country"),
        industry=_own(row, "industry"),
        product_type=_own(row, "product_type"),
        lot=_lot(row["lot_micro"], row["own_lot_micro"]),
        tick=Price(row["tick_micro"], row["tick_currency"]),
        synthetic=bool(row["synthetic"]),
    )


def _own(row: Row, column: str) -> Any:
    own = row[f"own_{column}"]
    return row[column] if own is None else own


def _lot(broker: int | None, own: int | None) -> Quantity | None:
    """The owner's lot in whole lots of the broker; without one of the broker there is none."""
    if broker is None:
        return None
    return Quantity(broker if own is None else -(-own // broker) * broker)
