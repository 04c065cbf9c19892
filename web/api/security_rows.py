"""A security as it leaves: one description for the list, for one of them and after a change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import msgspec

from ledger.opinion import Opinions
from ledger.portfolio import PortfolioSnapshot, Position
from ledger.score import PastScore, Score
from ledger.security import Listing, ListingState, Security
from web.api.opinion_rows import (
    PastScoreRow,
    SellRow,
    WindfallRow,
    past_row,
    sell_row,
    sell_total,
    windfall_row,
)
from web.context import Web
from web.encode import amount, price, score

_PLACES = 4


class SecurityRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One security. Scores are 0 to 1, shares are fractions of the total value, money is in EUR
    where the name says value and in `currency` otherwise; what is not known is null.

    `state` is delisted when the broker does not list it any more or nothing was traded for long,
    no_data without any bar, stale when some sessions passed without one; null before the bars were
    looked at. `sell_score` tells of what is held how much speaks for selling it. `journal_symbol`
    is the symbol its trades were made under, `names` are those it has no more. `yahoo_symbol` is
    the owner's, or derived from the exchange.
    """

    security_id: int
    symbol: str
    journal_symbol: str
    names: list[str]
    isin: str | None
    name: str
    yahoo_symbol: str | None
    yahoo_symbol_source: str | None
    product_type: str
    industry: str | None
    country: str | None
    fullExchangeName: str  # noqa: N815
    exchange: str
    currency: str
    priority_multiplier: Decimal
    min_lot: Decimal | None
    active: bool
    allow_buy: bool
    allow_sell: bool
    confirmed: bool
    needs_classification: bool
    listed: bool
    unlisted_at: datetime | None
    state: ListingState | None
    min_portfolio_target: Decimal | None
    max_portfolio_target: Decimal | None
    bucket_id: str
    last_synced: datetime | None
    created_at: datetime | None
    updated_at: datetime | None
    total_score: float | None
    priority_score: float | None
    quality_score: float | None
    opportunity_score: float | None
    analyst_score: float | None
    allocation_fit_score: float | None
    technical_score: float | None
    fundamental_score: float | None
    sell_score: float | None
    cagr_score: float | None
    consistency_score: float | None
    coverage: float | None
    volatility: float | None
    history_years: float | None
    last_bar: date | None
    calculated_at: date | None
    score_reason: str | None
    position_quantity: Decimal
    position_value: Decimal | None
    avg_price: Decimal | None
    current_price: Decimal | None
    synthetic: bool
    broker: str
    paper: bool


class HeldRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is held of it."""

    symbol: str
    quantity: Decimal
    avg_price: Decimal | None
    current_price: Decimal | None
    currency: str
    market_value_eur: Decimal | None
    profit_eur: Decimal | None
    weight: Decimal | None
    last_updated: datetime | None


class SecurityDetail(SecurityRow, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A security with its position, and with what its scores are made of.

    `sell` and `windfall` are null for what is not held, and before it was scored while it was;
    `windfall` also while cost or time of purchase are not known. `score_history` are the changes of
    the score, newest first.
    """

    position: HeldRow | None
    sell: SellRow | None
    windfall: WindfallRow | None
    score_history: list[PastScoreRow]
    groups: dict[str, float | None]
    parts: dict[str, dict[str, float | None]]
    metrics: dict[str, float | None]


class SecurityChanged(SecurityRow, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A security after it was added, changed or taken out."""

    message: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the rows of one answer are made from."""

    snapshot: PortfolioSnapshot
    scores: Mapping[int, Score]
    scored_on: date | None
    held: Mapping[int, Position]
    listings: Mapping[int, Listing]
    opinions: Opinions | None
    broker: str

    @classmethod
    def now(cls, web: Web, snapshot: PortfolioSnapshot) -> Shelf:
        scores = web.boards.scores.value
        return cls(
            snapshot=snapshot,
            scores={} if scores is None else scores.by_id,
            scored_on=None if scores is None else scores.as_of,
            held={one.security.security_id: one for one in snapshot.positions},
            listings=web.boards.listings.value or {},
            opinions=web.boards.opinions.value,
            broker=web.broker,
        )

    def rows(self, *, inactive: bool) -> list[SecurityRow]:
        """In the order of their symbols; the inactive ones only when wanted."""
        wanted = (one for one in self.snapshot.universe if one.active or inactive)
        return [self.row(one) for one in sorted(wanted, key=lambda one: one.name_now)]

    def row(self, security: Security) -> SecurityRow:
        return SecurityRow(**self._fields(security))

    def changed(self, security: Security, message: str) -> SecurityChanged:
        return SecurityChanged(message=message, **self._fields(security))

    def detail(self, security: Security, past: Iterable[PastScore]) -> SecurityDetail:
        """`past` are the changes of its score, newest first."""
        scored = self.scores.get(security.security_id)
        held = self.held.get(security.security_id)
        known = self._thought(security)
        return SecurityDetail(
            position=None if held is None else self._held(held),
            sell=sell_row(known, security),
            windfall=windfall_row(known, security),
            score_history=[past_row(one) for one in past],
            groups={} if scored is None else _rounded(scored.groups),
            parts={} if scored is None else {k: _rounded(v) for k, v in scored.parts.items()},
            metrics={} if scored is None else dict(scored.metrics),
            **self._fields(security),
        )

    def _fields(self, security: Security) -> dict[str, Any]:
        return {
            **_identity(security),
            **_terms(security),
            **self._seen(security),
            **_scores(security, self.scores.get(security.security_id), self.scored_on),
            **self._position(security),
            "sell_score": sell_total(self._thought(security), security),
            "broker": self.broker,
            "paper": self.broker == "paper",
        }

    def _seen(self, security: Security) -> dict[str, Any]:
        quote = self.snapshot.quotes.get(security.symbol)
        listing = self.listings.get(security.security_id)
        return {
            "last_synced": None if quote is None else quote.at,
            "state": "delisted" if not security.listed else listing and listing.state,
            "last_bar": None if listing is None else listing.last_bar,
        }

    def _position(self, security: Security) -> dict[str, Any]:
        held = self.held.get(security.security_id)
        quote = self.snapshot.quotes.get(security.symbol)
        last = None if quote is None else quote.last
        return {
            "position_quantity": Decimal(0) if held is None else held.quantity.units,
            "position_value": None if held is None else amount(held.value_eur),
            "avg_price": None if held is None else price(held.average_cost),
            "current_price": price(last if held is None or held.price is None else held.price),
        }

    def _thought(self, security: Security) -> Opinions | None:
        """Opinions of a holding; None for what is not held any more."""
        return self.opinions if security.security_id in self.held else None

    def _held(self, held: Position) -> HeldRow:
        total = self.snapshot.total_eur
        known = held.value_eur is not None and total is not None and total.minor > 0
        weight = None
        if known and held.value_eur is not None and total is not None:
            weight = _share(Decimal(held.value_eur.minor) / total.minor)
        return HeldRow(
            symbol=held.security.name_now,
            quantity=held.quantity.units,
            avg_price=price(held.average_cost),
            current_price=price(held.price),
            currency=held.security.currency,
            market_value_eur=amount(held.value_eur),
            profit_eur=amount(held.profit_eur),
            weight=weight,
            last_updated=held.price_at,
        )


def _identity(security: Security) -> dict[str, Any]:
    told = security.instrument
    return {
        "security_id": security.security_id,
        "symbol": security.name_now,
        "journal_symbol": security.symbol,
        "names": sorted(({security.symbol} | security.names) - {security.name_now}),
        "isin": told.isin or None,
        "name": told.name,
        "yahoo_symbol": security.quote_symbol,
        "yahoo_symbol_source": security.quote_source,
        "product_type": told.product_type,
        "industry": told.industry,
        "country": told.country,
        "fullExchangeName": security.exchange_name or told.mic,
        "exchange": told.mic,
        "currency": told.currency,
        "synthetic": told.synthetic,
    }


def _terms(security: Security) -> dict[str, Any]:
    lot = security.instrument.lot
    return {
        "priority_multiplier": security.priority,
        "min_lot": None if lot is None else lot.units,
        "active": security.active,
        "allow_buy": security.allow_buy,
        "allow_sell": security.allow_sell,
        "confirmed": security.confirmed,
        "needs_classification": security.needs_classification,
        "listed": security.listed,
        "unlisted_at": security.unlisted_at,
        "min_portfolio_target": security.min_target,
        "max_portfolio_target": security.max_target,
        "bucket_id": security.bucket_id,
        "created_at": security.created_at,
        "updated_at": security.updated_at,
    }


def _scores(security: Security, scored: Score | None, day: date | None) -> dict[str, Any]:
    def group(name: str) -> float | None:
        return None if scored is None else score(scored.groups.get(name), _PLACES)

    def part(name: str, inner: str) -> float | None:
        return None if scored is None else score(scored.parts.get(name, {}).get(inner), _PLACES)

    total = None if scored is None else scored.total
    return {
        "total_score": score(total, _PLACES),
        "priority_score": None if total is None else score(total * float(security.priority), 3),
        "quality_score": None if scored is None else score(scored.quality, _PLACES),
        "opportunity_score": group("opportunity"),
        "analyst_score": group("opinion"),
        "allocation_fit_score": group("diversification"),
        "technical_score": group("technicals"),
        "fundamental_score": group("fundamentals"),
        "cagr_score": part("long_term", "cagr"),
        "consistency_score": part("fundamentals", "consistency"),
        "coverage": None if scored is None else score(scored.coverage, _PLACES),
        "volatility": None if scored is None else score(scored.volatility, _PLACES),
        "history_years": None if scored is None else score(scored.history_years),
        "calculated_at": None if scored is None else day,
        "score_reason": "it has not been scored yet" if scored is None else scored.reason,
    }


def _rounded(scores: Mapping[str, float | None]) -> dict[str, float | None]:
    return {name: score(value, _PLACES) for name, value in scores.items()}


def _share(share: Decimal) -> Decimal:
    return share.quantize(Decimal("0.0001"), ROUND_HALF_EVEN)
