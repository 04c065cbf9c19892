"""The universe: instruments as the broker describes them, and what the owner allows."""

from __future__ import annotations

from collections.abc import Sequence

from ledger.errors import Conflict, Missing
from ledger.money import Price, Quantity
from ledger.security import Instrument, Security
from store.engine import Engine, Row, Tx, Value

_COLUMNS = (
    "symbol", "isin", "name", "currency", "mic", "country", "industry", "product_type",
    "lot_micro", "tick_micro", "tick_currency", "synthetic",
)  # fmt: skip
_INSERT = (
    f"INSERT INTO security ({', '.join(_COLUMNS)}, allow_buy, allow_sell, active, confirmed)"
    f" VALUES ({', '.join(f':{name}' for name in _COLUMNS)}, :allow, :allow, 1, :confirmed)"
)
_UPDATE = (
    f"UPDATE security SET {', '.join(f'{name} = :{name}' for name in _COLUMNS)}"
    " WHERE security_id = :security_id"
)


class Securities:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def upsert(
        self, instruments: Sequence[Instrument], *, allow_trading: bool, confirmed: bool
    ) -> tuple[Security, ...]:
        """Add or refresh; the flags count for new ones only. Returns these, in this order.

        An instrument is known by its symbol, or by ISIN, currency and exchange when the symbol
        changed. Conflict when the two name different securities.
        """

        async def work(tx: Tx) -> tuple[Security, ...]:
            known = _Index(await _all(tx))
            ids: list[int] = []
            for instrument in instruments:
                found = known.find(instrument)
                ids.append(await _write(tx, instrument, found, allow_trading, confirmed))
            by_id = {security.security_id: security for security in await _all(tx)}
            return tuple(by_id[security_id] for security_id in ids)

        return await self._engine.transaction(work)

    async def all(self) -> tuple[Security, ...]:
        """In the order of their symbols."""
        return await self._engine.read(_all)

    async def set_flags(
        self,
        security_id: int,
        *,
        allow_buy: bool | None = None,
        allow_sell: bool | None = None,
        active: bool | None = None,
        confirmed: bool | None = None,
    ) -> Security:
        """Change the owner's flags that are given; raises Missing."""

        async def work(tx: Tx) -> Security:
            await tx.execute(
                "UPDATE security SET allow_buy = coalesce(?, allow_buy),"
                " allow_sell = coalesce(?, allow_sell), active = coalesce(?, active),"
                " confirmed = coalesce(?, confirmed) WHERE security_id = ?",
                (allow_buy, allow_sell, active, confirmed, security_id),
            )
            row = await tx.one("SELECT * FROM security WHERE security_id = ?", (security_id,))
            if row is None:
                raise Missing(f"there is no security {security_id}")
            return _security_of(row)

        return await self._engine.transaction(work)


class _Index:
    """Known securities by symbol and by listing."""

    def __init__(self, securities: Sequence[Security]) -> None:
        self._by_symbol = {s.symbol: s for s in securities}
        self._by_listing = {_listing(s.instrument): s for s in securities if s.instrument.isin}

    def find(self, instrument: Instrument) -> Security | None:
        named = self._by_symbol.get(instrument.symbol)
        listed = self._by_listing.get(_listing(instrument))
        if named is not None and listed is not None and named is not listed:
            raise Conflict(
                f"{instrument.symbol} is known with another ISIN, which is {listed.symbol}",
                code="security_identity",
            )
        return named or listed


def _listing(instrument: Instrument) -> tuple[str, str, str]:
    return (instrument.isin, instrument.currency, instrument.mic)


async def _all(tx: Tx) -> tuple[Security, ...]:
    return tuple(_security_of(r) for r in await tx.all("SELECT * FROM security ORDER BY symbol"))


async def _write(
    tx: Tx, instrument: Instrument, known: Security | None, allow: bool, confirmed: bool
) -> int:
    if known is None:
        flags: dict[str, Value] = {"allow": allow, "confirmed": confirmed}
        return await tx.insert(_INSERT, {**_values(instrument), **flags})
    if known.instrument != instrument:
        await tx.execute(_UPDATE, {**_values(instrument), "security_id": known.security_id})
    return known.security_id


def _values(instrument: Instrument) -> dict[str, Value]:
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


def _security_of(row: Row) -> Security:
    instrument = Instrument(
        symbol=row["symbol"],
        isin=row["isin"],
        name=row["name"],
        currency=row["currency"],
        mic=row["mic"],
        country=row["country"],
        industry=row["industry"],
        product_type=row["product_type"],
        lot=None if row["lot_micro"] is None else Quantity(row["lot_micro"]),
        tick=Price(row["tick_micro"], row["tick_currency"]),
        synthetic=bool(row["synthetic"]),
    )
    return Security(
        security_id=row["security_id"],
        instrument=instrument,
        allow_buy=bool(row["allow_buy"]),
        allow_sell=bool(row["allow_sell"]),
        active=bool(row["active"]),
        confirmed=bool(row["confirmed"]),
    )
