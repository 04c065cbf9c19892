"""What schedule shows of the exchanges of the universe: their sessions, bells and peculiarities."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from ledger.portfolio import PortfolioSnapshot
from ledger.security import Security
from policy.market_hours import STRICT_MICS, Calendars, names_of
from wire.messages import MarketView


def market_views(
    mics: Iterable[str], calendars: Calendars, portfolio: PortfolioSnapshot | None, now: datetime
) -> tuple[MarketView, ...]:
    """One view for each of `mics` at the market instant `now`."""
    return tuple(_view(mic, calendars, portfolio, now) for mic in mics)


def _view(
    mic: str, calendars: Calendars, portfolio: PortfolioSnapshot | None, now: datetime
) -> MarketView:
    state = calendars.state(mic, now)
    universe = () if portfolio is None else portfolio.universe
    listed = [security for security in universe if security.instrument.mic == mic]
    return MarketView(
        mic=mic,
        phase=state.phase,
        is_open=state.is_open,
        next_open=state.next_open,
        next_close=state.next_close,
        timezone=calendars.zone(mic) or "unknown",
        calendar_ends=calendars.ends_soon(mic, now.date()),
        known=state.known,
        name=next(iter(names_of(mic)), mic),
        opens_at=state.opens_at,
        closes_at=state.closes_at,
        lunch=calendars.lunch(mic, state.session_date),
        strict=mic in STRICT_MICS,
        early_close=state.early_close,
        has_securities=any(one.live for one in listed),
        broker_open=None if portfolio is None else _broker_open(portfolio, listed),
    )


def _broker_open(portfolio: PortfolioSnapshot, listed: Sequence[Security]) -> bool | None:
    """What the broker said of an exchange with its newest quote; None when it was not heard."""
    if portfolio.stale is not None:
        return None
    known = (portfolio.quotes.get(security.symbol) for security in listed)
    newest = max((quote for quote in known if quote), key=lambda quote: quote.at, default=None)
    return None if newest is None else newest.market_open
