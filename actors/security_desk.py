"""What the owner asks of the universe: search, add, change, take out.

Served by sync between its cycles. The broker is asked under a deadline of its own. What was changed
is shown on the portfolio's board at once, and what was added or changed is fetched and scored soon.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import trio

from actors.universe import Universe
from ledger.errors import Conflict, Refused, Unavailable
from ledger.isin import looks_like_isin
from ledger.portfolio import PortfolioSnapshot
from ledger.run import Job
from ledger.security import Instrument, Keep, Security, SecurityPatch, find_security
from policy.identifiers import (
    choose_listing,
    completed,
    identifier,
    normal,
    quote_symbol,
)
from store.buckets import Buckets
from wire.mailbox import NudgeBox
from wire.messages import Boards, Nudge, nudge_for
from wire.security_asks import (
    AddSecurity,
    DeleteSecurity,
    FoundSecurity,
    SearchSecurities,
    SecurityChange,
    UpdateSecurity,
)

# Asks come one at a time, and nobody may wait long behind a broker that does not answer.
FIND_S = 8.0
MOST_FOUND = 20
MOST_SYMBOL = 40


@dataclass(frozen=True, slots=True)
class SecurityDesk:
    """`nudges` wake who fetches prices and who scores."""

    universe: Universe
    buckets: Buckets
    boards: Boards
    nudges: Mapping[Job, NudgeBox[Nudge]]

    async def search(self, asked: SearchSecurities) -> tuple[FoundSecurity, ...]:
        found = await self._found(asked.text)
        return tuple(FoundSecurity(one, self._known(one)) for one in found[:MOST_FOUND])

    async def change(self, asked: SecurityChange) -> Security:
        """Carry it out, and show it; the caller sees to it that no cycle runs meanwhile."""
        match asked:
            case AddSecurity():
                done = await self._add(asked)
                self._wake("prices", done)
            case UpdateSecurity():
                done = await self._update(asked)
                self._wake("score", done)
            case DeleteSecurity():
                known = find_security(self.universe.securities, asked.name)
                done = await self._write(known, SecurityPatch(active=False))
        await self.universe.load()
        self._show()
        self._tell(asked, done)
        return done

    async def _add(self, asked: AddSecurity) -> Security:
        name = identifier(asked.identifier)
        known = self._named(name)
        if known is not None and known.active and known.confirmed:
            raise Conflict(f"{known.name_now} is in the universe already", code="exists")
        wanted = name if known is None else known.broker_symbol or known.symbol
        one = choose_listing(
            await self._found(wanted), wanted, currency=asked.currency, mic=asked.mic
        )
        if asked.isin is not None and one.isin != asked.isin:
            text = f"{one.symbol} has the ISIN {one.isin or 'none'}, not {asked.isin}"
            raise Refused(text, code="isin_mismatch")
        now = self.universe.intake.clock.market_now()
        return await self.universe.store.add(
            completed(one), asked.patch, at=now, quote_of=quote_symbol
        )

    async def _update(self, asked: UpdateSecurity) -> Security:
        known = find_security(self.universe.securities, asked.name)
        if asked.patch == SecurityPatch():
            raise Refused("nothing was given to change", code="no_updates")
        bucket = asked.patch.bucket_id
        if not isinstance(bucket, Keep) and await self.buckets.get(bucket) is None:
            raise Refused(f"there is no bucket {bucket!r}", code="unknown_bucket")
        _check_names(asked.patch)
        return await self._write(known, asked.patch)

    async def _write(self, known: Security, patch: SecurityPatch) -> Security:
        now = self.universe.intake.clock.market_now()
        return await self.universe.store.update(
            known.security_id, patch, at=now, quote_of=quote_symbol
        )

    async def _found(self, text: str) -> Sequence[Instrument]:
        """The broker's answer; Unavailable when it gives none in time."""
        try:
            with self.universe.intake.step(), trio.fail_after(FIND_S):
                return await self.universe.intake.broker.find(text)
        except trio.TooSlowError:
            raise Unavailable("the broker did not answer in time") from None

    def _known(self, instrument: Instrument) -> Security | None:
        """The active security an instrument is, by the broker's name for it or by its listing."""
        for one in self.universe.securities:
            same = one.instrument
            listing = (same.isin, same.currency, same.mic)
            if one.active and (
                instrument.symbol == (one.broker_symbol or one.symbol)
                or (same.isin and listing == (instrument.isin, instrument.currency, instrument.mic))
            ):
                return one
        return None

    def _named(self, name: str) -> Security | None:
        """The security of that symbol; an ISIN may have a further listing."""
        if looks_like_isin(name):
            return None
        return next((one for one in self.universe.securities if one.is_named(name)), None)

    def _wake(self, job: Job, security: Security) -> None:
        nudge_for(self.nudges[job], f"{security.name_now} was changed", security.security_id)

    def _show(self) -> None:
        before = self.boards.portfolio.value
        if before is not None:
            self.boards.portfolio.publish(described(before, self.universe.securities))

    def _tell(self, asked: SecurityChange, done: Security) -> None:
        what = {AddSecurity: "added", UpdateSecurity: "changed", DeleteSecurity: "taken out"}
        self.universe.intake.events.emit(
            "SECURITY_CHANGED",
            source="sync",
            at=self.universe.intake.clock.machine_now(),
            data={"symbol": done.name_now, "what": what[type(asked)], "by": asked.by},
        )


def described(portfolio: PortfolioSnapshot, securities: Sequence[Security]) -> PortfolioSnapshot:
    """`portfolio` with its securities as they are described now; what it holds stays as it is."""
    by_id = {security.security_id: security for security in securities}
    positions = tuple(
        replace(one, security=by_id.get(one.security.security_id, one.security))
        for one in portfolio.positions
    )
    return replace(portfolio, universe=tuple(securities), positions=positions)


def _check_names(patch: SecurityPatch) -> None:
    """Raise Refused for a symbol or a quote symbol that can be none."""
    symbol, quote = patch.symbol, patch.quote_symbol
    if isinstance(symbol, str):
        spaced = symbol != normal(symbol) or " " in symbol or "/" in symbol
        if spaced or looks_like_isin(symbol) or not 0 < len(symbol) <= MOST_SYMBOL:
            raise Refused(f"{symbol!r} cannot be a symbol", code="symbol")
    if isinstance(quote, str) and looks_like_isin(quote):
        raise Refused(f"{quote} is an ISIN, which no quote source lists", code="quote_symbol")
