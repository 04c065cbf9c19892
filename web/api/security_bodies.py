"""What is sent to add or change a security, and the patches it stands for."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.money import Quantity
from ledger.security import (
    KEEP,
    MOST_MAX_TARGET,
    MOST_MIN_TARGET,
    Keep,
    ProductType,
    SecurityPatch,
)
from web.errors import invalid

Kind = Literal["EQUITY", "ETF", "ETC", "MUTUALFUND", "BOND", "COMMODITY", "INDEX", "UNKNOWN", ""]
Symbol = Annotated[str, Meta(max_length=40)]
Text = Annotated[str, Meta(max_length=200)]
Lot = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Exchange = Annotated[str, Meta(min_length=1, max_length=40)]
Isin = Annotated[str, Meta(pattern="^[A-Z]{2}[A-Z0-9]{9}[0-9]$")]


class AddBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`symbol` is the broker's, `isin` the one it must have. Without `min_lot` the lot is the
    broker's; `currency` has to be the one it trades in.
    """

    symbol: Annotated[str, Meta(min_length=1, max_length=40)]
    name: Annotated[str, Meta(min_length=1, max_length=200)]
    yahoo_symbol: Symbol | None = None
    min_lot: Lot | None = None
    allow_buy: bool = True
    allow_sell: bool = False
    isin: Isin | None = None
    currency: Currency | None = None

    def patch(self) -> SecurityPatch:
        return SecurityPatch(
            name=_text(self.name),
            quote_symbol=KEEP if self.yahoo_symbol is None else _symbol(self.yahoo_symbol),
            lot=KEEP if self.min_lot is None else Quantity.of(self.min_lot),
            allow_buy=self.allow_buy,
            allow_sell=self.allow_sell,
        )


class IdentifierBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`identifier` is the broker's symbol or an ISIN; `currency` and `exchange` (a MIC) tell the
    listings of one ISIN apart.
    """

    identifier: Annotated[str, Meta(max_length=100)]
    min_lot: Lot | None = None
    allow_buy: bool = True
    allow_sell: bool = True
    currency: Currency | None = None
    exchange: Exchange | None = None

    def patch(self) -> SecurityPatch:
        return SecurityPatch(
            lot=KEEP if self.min_lot is None else Quantity.of(self.min_lot),
            allow_buy=self.allow_buy,
            allow_sell=self.allow_sell,
        )


class UpdateBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is absent stays. Null, or an empty text, takes back what the owner said before.

    `new_symbol` renames; the security stays known under every name it had. Targets are fractions
    of the total value, 0 to 0.20 and 0 to 0.30; `priority_multiplier` is kept within 0.1 to 3.
    `confirmed` lets a holding that joined by itself be traded.
    """

    new_symbol: Symbol | UnsetType | None = UNSET
    name: Text | UnsetType | None = UNSET
    yahoo_symbol: Symbol | UnsetType | None = UNSET
    product_type: Kind | UnsetType | None = UNSET
    country: Text | UnsetType | None = UNSET
    industry: Text | UnsetType | None = UNSET
    fullExchangeName: Text | UnsetType | None = UNSET  # noqa: N815
    priority_multiplier: Decimal | UnsetType | None = UNSET
    min_lot: Lot | UnsetType | None = UNSET
    active: bool | UnsetType = UNSET
    allow_buy: bool | UnsetType = UNSET
    allow_sell: bool | UnsetType = UNSET
    confirmed: bool | UnsetType = UNSET
    min_portfolio_target: Decimal | UnsetType | None = UNSET
    max_portfolio_target: Decimal | UnsetType | None = UNSET
    bucket_id: Annotated[str, Meta(min_length=1, max_length=40)] | UnsetType = UNSET

    def patch(self) -> SecurityPatch:
        """Raises Problem 422 for a number out of its bounds."""
        low = _share("min_portfolio_target", self.min_portfolio_target, MOST_MIN_TARGET)
        high = _share("max_portfolio_target", self.max_portfolio_target, MOST_MAX_TARGET)
        return SecurityPatch(
            symbol=_symbol(self.new_symbol),
            name=_text(self.name),
            quote_symbol=_symbol(self.yahoo_symbol),
            product_type=_kind(self.product_type),
            country=_text(self.country),
            industry=_text(self.industry),
            exchange_name=_text(self.fullExchangeName),
            priority=_finite("priority_multiplier", self.priority_multiplier),
            lot=_lot(self.min_lot),
            active=_flag(self.active),
            allow_buy=_flag(self.allow_buy),
            allow_sell=_flag(self.allow_sell),
            confirmed=_flag(self.confirmed),
            min_target=low,
            max_target=high,
            bucket_id=KEEP if isinstance(self.bucket_id, UnsetType) else self.bucket_id,
        )


def _text(given: str | UnsetType | None) -> str | Keep | None:
    if isinstance(given, UnsetType):
        return KEEP
    return None if given is None else given.strip() or None


def _symbol(given: str | UnsetType | None) -> str | Keep | None:
    text = _text(given)
    return text.upper() if isinstance(text, str) else text


def _kind(given: Kind | UnsetType | None) -> ProductType | Keep | None:
    if isinstance(given, UnsetType):
        return KEEP
    return None if given is None or given == "" else given


def _lot(given: int | UnsetType | None) -> Quantity | Keep | None:
    if isinstance(given, UnsetType):
        return KEEP
    return None if given is None else Quantity.of(given)


def _flag(given: bool | UnsetType) -> bool | Keep:
    return KEEP if isinstance(given, UnsetType) else given


def _finite(field: str, given: Decimal | UnsetType | None) -> Decimal | Keep | None:
    if isinstance(given, UnsetType):
        return KEEP
    if given is not None and not given.is_finite():
        raise invalid([{"field": field, "value": str(given)[:40], "message": "must be a number"}])
    return given


def _share(field: str, given: Decimal | UnsetType | None, most: Decimal) -> Decimal | Keep | None:
    share = _finite(field, given)
    if isinstance(share, Decimal) and not 0 <= share <= most:
        bound = Decimal(0) if share < 0 else most
        message = f"must be a fraction between 0 and {most}"
        shown = str(share)[:40]
        raise invalid([{"field": field, "value": shown, "message": message, "bound": bound}])
    return share
