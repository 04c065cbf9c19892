"""What the owner changes of a security, checked against what it would become and written."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from ledger.errors import Conflict, Refused
from ledger.money import Quantity
from ledger.security import (
    KEEP,
    LEAST_PRIORITY,
    MOST_MAX_TARGET,
    MOST_MIN_TARGET,
    MOST_PRIORITY,
    Keep,
    Security,
    SecurityPatch,
)
from store.codec import to_ms
from store.engine import Tx, Value
from store.security_rows import load, micro_of


async def apply(
    tx: Tx, known: Security, patch: SecurityPatch, *, at: datetime, quote: str | None
) -> Security:
    """Write `patch`; the security as it is then. `quote` is its quote symbol without the owner's.

    See Securities.update for what it raises; nothing is written then.
    """
    columns: dict[str, Value] = {**_texts(patch), **_numbers(patch), **_flags(patch)}
    columns |= _quote(patch, quote)
    columns |= await _names(tx, known, patch)
    if not isinstance(patch.lot, Keep):
        columns["own_lot_micro"] = await _lot(tx, known, patch.lot)
    wanted = await _check(tx, known, patch, columns)
    if wanted:
        columns["updated_ms"] = to_ms(at)
        sets = ", ".join(f"{name} = :{name}" for name in columns)
        sql = f"UPDATE security SET {sets} WHERE security_id = :security_id"
        await tx.execute(sql, {**columns, "security_id": known.security_id})
    return await load(tx, known.security_id)


def _texts(patch: SecurityPatch) -> dict[str, Value]:
    given = {
        "own_name": patch.name,
        "own_country": patch.country,
        "own_industry": patch.industry,
        "own_product_type": patch.product_type,
        "own_exchange": patch.exchange_name,
        "bucket_id": patch.bucket_id,
    }
    return {name: value for name, value in given.items() if not isinstance(value, Keep)}


def _flags(patch: SecurityPatch) -> dict[str, Value]:
    given = {
        "active": patch.active,
        "allow_buy": patch.allow_buy,
        "allow_sell": patch.allow_sell,
        "confirmed": patch.confirmed,
    }
    return {name: value for name, value in given.items() if not isinstance(value, Keep)}


def _numbers(patch: SecurityPatch) -> dict[str, Value]:
    columns: dict[str, Value] = {}
    if not isinstance(patch.priority, Keep):
        wanted = Decimal(1) if patch.priority is None else patch.priority
        columns["priority_micro"] = micro_of(min(max(wanted, LEAST_PRIORITY), MOST_PRIORITY))
    for name, share, most in (
        ("min_target", patch.min_target, MOST_MIN_TARGET),
        ("max_target", patch.max_target, MOST_MAX_TARGET),
    ):
        if isinstance(share, Keep):
            continue
        if share is not None and not 0 <= share <= most:
            raise Refused(f"{name}: {share} is not between 0 and {most}", code="targets")
        columns[f"{name}_micro"] = micro_of(share)
    return columns


def _quote(patch: SecurityPatch, derived: str | None) -> dict[str, Value]:
    if isinstance(patch.quote_symbol, Keep):
        return {}
    own = patch.quote_symbol
    shown = derived if own is None else own
    source = None if shown is None else "derived" if own is None else "owner"
    return {"quote_symbol": shown, "quote_source": source}


async def _names(tx: Tx, known: Security, patch: SecurityPatch) -> dict[str, Value]:
    """The alias that a new symbol is; the security stays known under every name it had."""
    if isinstance(patch.symbol, Keep):
        return {}
    wanted = known.broker_symbol if patch.symbol is None else patch.symbol
    if wanted is None or wanted == known.symbol:
        return {"alias": None}
    other = await tx.one(
        "SELECT symbol FROM security WHERE security_id <> :own"
        " AND (:name IN (symbol, alias, broker_symbol) OR security_id ="
        " (SELECT security_id FROM symbol_alias WHERE name = :name))",
        {"own": known.security_id, "name": wanted},
    )
    if other is not None:
        raise Conflict(f"{wanted} is {other['symbol']} already", code="symbol_exists")
    await tx.execute(
        "INSERT INTO symbol_alias (name, security_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (wanted, known.security_id),
    )
    return {"alias": wanted}


async def _lot(tx: Tx, known: Security, wanted: Quantity | None) -> int | None:
    if wanted is None:
        return None
    row = await tx.one("SELECT lot_micro FROM security WHERE security_id = ?", (known.security_id,))
    broker: int | None = None if row is None else row["lot_micro"]
    if broker is None:
        raise Refused(f"{known.name_now} cannot be traded, so it has no lot", code="lot")
    if wanted.micro <= 0 or wanted.micro % broker:
        units = Quantity(broker).units.normalize()
        text = f"the lot of {known.name_now} has to be a multiple of {units:f}, the broker's"
        raise Refused(text, code="lot")
    return wanted.micro


async def _check(tx: Tx, known: Security, patch: SecurityPatch, columns: dict[str, Value]) -> bool:
    """Whether anything is to be written; raises Refused for what cannot be so together."""
    low = known.min_target if patch.min_target is KEEP else patch.min_target
    high = known.max_target if patch.max_target is KEEP else patch.max_target
    if isinstance(low, Decimal) and isinstance(high, Decimal) and low > high:
        raise Refused(f"the least target {low} is above the largest {high}", code="targets")
    active = known.active if isinstance(patch.active, Keep) else patch.active
    if active and await _kind(tx, known, patch) == "UNKNOWN":
        text = f"{known.name_now} needs a product_type before it can be active"
        raise Refused(text, code="needs_classification")
    return bool(columns)


async def _kind(tx: Tx, known: Security, patch: SecurityPatch) -> str:
    if isinstance(patch.product_type, Keep):
        return known.instrument.product_type
    if patch.product_type is not None:
        return patch.product_type
    row = await tx.one(
        "SELECT product_type FROM security WHERE security_id = ?", (known.security_id,)
    )
    assert row is not None, "it was read in this transaction"
    kind: str = row["product_type"]
    return kind
