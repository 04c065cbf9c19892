"""The universe: instruments as the broker describes them, and what the owner says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ledger.errors import Conflict
from ledger.security import Instrument, Security, SecurityPatch
from store.codec import maybe_ms
from store.engine import Engine, Tx, Value
from store.security_patch import apply
from store.security_rows import broker_values, load, load_all

QuoteOf = Callable[[Instrument], str | None]

_COLUMNS = (
    "symbol", "isin", "name", "currency", "mic", "country", "industry", "product_type",
    "lot_micro", "tick_micro", "tick_currency", "synthetic",
)  # fmt: skip
_INSERT = (
    f"INSERT INTO security ({', '.join(_COLUMNS)}, allow_buy, allow_sell, active, confirmed,"
    " quote_symbol, quote_source, created_ms, updated_ms)"
    f" VALUES ({', '.join(f':{name}' for name in _COLUMNS)}, :allow, :allow, :active, :confirmed,"
    " :quote, CASE WHEN :quote IS NULL THEN NULL ELSE 'derived' END, :at_ms, :at_ms)"
)
_SETS = ", ".join(
    f"{name} = :{name}" for name in _COLUMNS if name not in {"symbol", "product_type"}
)
# Its symbol is for ever, and what was known of its kind is not forgotten.
_UPDATE = (
    f"UPDATE security SET {_SETS}, listed = 1, unlisted_ms = NULL, broker_symbol = :broker_symbol,"
    " product_type = CASE WHEN :product_type = 'UNKNOWN' THEN product_type ELSE :product_type END"
    " WHERE security_id = :security_id"
)
_DERIVED = (
    "UPDATE security SET quote_symbol = :quote,"
    " quote_source = CASE WHEN :quote IS NULL THEN NULL ELSE 'derived' END"
    " WHERE security_id = :security_id AND quote_source IS NOT 'owner'"
)
_RENAMED = "UPDATE security SET alias = :alias WHERE security_id = :security_id"
_ALIAS = "INSERT INTO symbol_alias (name, security_id) VALUES (?, ?) ON CONFLICT DO NOTHING"
_DROPPED = (
    "UPDATE security SET listed = 0, unlisted_ms = ?"
    " WHERE listed = 1 AND security_id NOT IN (SELECT value FROM json_each(?))"
)


def _no_quote(_: Instrument) -> None:
    return None


class Securities:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def upsert(
        self,
        instruments: Sequence[Instrument],
        *,
        allow_trading: bool,
        confirmed: bool,
        at: datetime | None = None,
        quote_of: QuoteOf = _no_quote,
    ) -> tuple[Security, ...]:
        """Add or refresh; the flags count for new ones only. Returns these, in this order.

        An instrument is known by what the broker calls it, or by ISIN, currency and exchange when
        the broker changed its symbol: the security keeps its own and is called by the new one from
        then on. What the owner says of a security stands. One that nobody can classify joins
        without being active. Conflict `security_identity` when symbol and listing name different
        securities, or two instruments the same one. `quote_of` derives the quote symbol where the
        owner gave none.
        """
        terms = _Terms(allow_trading, confirmed, maybe_ms(at), quote_of)

        async def work(tx: Tx) -> tuple[Security, ...]:
            known = _Index(await load_all(tx))
            found = {one: known.find(one) for one in instruments}
            _check_told_apart(found)
            ids = {one: await _write(tx, one, found[one], terms) for one in found}
            by_id = {security.security_id: security for security in await load_all(tx)}
            return tuple(by_id[ids[one]] for one in instruments)

        return await self._engine.transaction(work)

    async def drop_others(self, listed: Sequence[int], *, at: datetime) -> int:
        """Whatever is not among `listed` is not listed any more; how many that changed."""
        ids = f"[{','.join(map(str, listed))}]"
        return await self._engine.write(_DROPPED, (maybe_ms(at), ids))

    async def all(self) -> tuple[Security, ...]:
        """In the order of their symbols."""
        return await self._engine.read(load_all)

    async def add(
        self,
        instrument: Instrument,
        patch: SecurityPatch,
        *,
        at: datetime,
        quote_of: QuoteOf = _no_quote,
    ) -> Security:
        """Add what the owner wants, take back in what was taken out, or confirm what joined.

        Conflict `exists` when it is there, active and confirmed; see `update` for what `patch` may
        raise.
        """
        terms = _Terms(False, True, maybe_ms(at), quote_of)

        async def work(tx: Tx) -> Security:
            known = _Index(await load_all(tx)).find(instrument)
            if known is not None and known.active and known.confirmed:
                raise Conflict(f"{known.name_now} is in the universe already", code="exists")
            security_id = await _write(tx, instrument, known, terms)
            now = await load(tx, security_id)
            wanted = replace(patch, active=not now.needs_classification, confirmed=True)
            return await apply(tx, now, wanted, at=at, quote=quote_of(now.instrument))

        return await self._engine.transaction(work)

    async def update(
        self,
        security_id: int,
        patch: SecurityPatch,
        *,
        at: datetime,
        quote_of: QuoteOf = _no_quote,
    ) -> Security:
        """Change what the owner says.

        Raises Missing; Conflict `symbol_exists`; Refused `targets`, `lot`, `needs_classification`
        for what cannot be so.
        """

        async def work(tx: Tx) -> Security:
            known = await load(tx, security_id)
            return await apply(tx, known, patch, at=at, quote=quote_of(known.instrument))

        return await self._engine.transaction(work)

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
            return await load(tx, security_id)

        return await self._engine.transaction(work)


class _Terms:
    """What an instrument that is new gets."""

    def __init__(self, allow: bool, confirmed: bool, at_ms: int | None, quote_of: QuoteOf) -> None:
        self.allow = allow
        self.confirmed = confirmed
        self.at_ms = at_ms
        self.quote_of = quote_of


class _Index:
    """Known securities by what the broker calls them and by listing."""

    def __init__(self, securities: Sequence[Security]) -> None:
        self._by_symbol = {s.symbol: s for s in securities}
        self._by_symbol |= {s.broker_symbol: s for s in securities if s.broker_symbol}
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


def _check_told_apart(found: Mapping[Instrument, Security | None]) -> None:
    """Raise Conflict when different instruments share a symbol, a listing or a security."""
    seen: dict[object, Instrument] = {}
    for instrument, known in found.items():
        keys: list[object] = [instrument.symbol]
        keys += [_listing(instrument)] if instrument.isin else []
        keys += [known.security_id] if known is not None else []
        for key in keys:
            other = seen.setdefault(key, instrument)
            if other is not instrument:
                text = f"{other.symbol} and {instrument.symbol} cannot be told apart"
                raise Conflict(text, code="security_identity")


def _listing(instrument: Instrument) -> tuple[str, str, str]:
    return (instrument.isin, instrument.currency, instrument.mic)


async def _write(tx: Tx, instrument: Instrument, known: Security | None, terms: _Terms) -> int:
    """Insert or refresh one instrument; its id."""
    if known is None:
        return await _insert(tx, instrument, terms)
    security_id = known.security_id
    row = await tx.one("SELECT * FROM security WHERE security_id = ?", (security_id,))
    assert row is not None, "it was read in this transaction"
    told = broker_values(instrument)
    renamed = None if instrument.symbol == known.symbol else instrument.symbol
    wanted = {**told, "symbol": known.symbol, "listed": True, "broker_symbol": renamed}
    if any(row[name] != value for name, value in wanted.items()):
        params = {**wanted, "security_id": security_id}
        del params["listed"], params["symbol"]
        await tx.execute(_UPDATE, params)
    if renamed != known.broker_symbol:
        await _renamed(tx, known, renamed)
    await _derive(tx, known, terms.quote_of(instrument))
    return security_id


async def _derive(tx: Tx, known: Security, quote: str | None) -> None:
    if known.quote_source != "owner" and quote != known.quote_symbol:
        params: dict[str, Value] = {"quote": quote, "security_id": known.security_id}
        await tx.execute(_DERIVED, params)


async def _renamed(tx: Tx, known: Security, name: str | None) -> None:
    """The broker calls it `name` now, None for its own symbol; so do we, unless the owner chose."""
    if name is not None:
        await _free(tx, name)
        await tx.execute(_ALIAS, (name, known.security_id))
    if known.alias == known.broker_symbol:
        params: dict[str, Value] = {"alias": name, "security_id": known.security_id}
        await tx.execute(_RENAMED, params)


async def _free(tx: Tx, symbol: str) -> None:
    """A symbol of the broker goes before a name that somebody gave to another security."""
    await tx.execute("DELETE FROM symbol_alias WHERE name = ?", (symbol,))
    await tx.execute("UPDATE security SET alias = NULL WHERE alias = ?", (symbol,))


async def _insert(tx: Tx, instrument: Instrument, terms: _Terms) -> int:
    await _free(tx, instrument.symbol)
    return await tx.insert(
        _INSERT,
        {
            **broker_values(instrument),
            "allow": terms.allow,
            "confirmed": terms.confirmed,
            "active": instrument.product_type != "UNKNOWN",
            "quote": terms.quote_of(instrument),
            "at_ms": terms.at_ms,
        },
    )
