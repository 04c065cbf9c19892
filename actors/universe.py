"""The instruments of the account: as the broker lists them, and what is held besides.

Sync refreshes them once a market day. What joins later waits for the owner before it is traded, and
what the broker does not list any more is kept, valued while it is held, and never traded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from actors.intake import Intake
from ledger.errors import Conflict, MalformedAnswer, Missing
from ledger.portfolio import PortfolioSnapshot
from ledger.security import Instrument, Security, find_security
from policy.identifiers import completed, quote_symbol
from store.securities import Securities

# More than that are not dropped by one look; a list that short is not a list.
MOST_LOOKED_UP = 10


class Universe:
    """`securities` is everything that is known, as last read by way of `intake`.

    `learn` is told what the broker calls each of them before anything is read under its symbol.
    """

    def __init__(
        self, intake: Intake, store: Securities, learn: Callable[[Iterable[Security]], None]
    ) -> None:
        self.intake = intake
        self.store = store
        self._learn = learn
        self._day: date | None = None
        self._sought: set[str] = set()
        self.securities: tuple[Security, ...] = ()

    async def load(self) -> None:
        """What the store knows."""
        self.securities = await self.store.all()
        self._learn(self.securities)

    def symbol_of(self, name: str) -> str:
        """The symbol that `name` stands for, any name or an ISIN; what is unknown is a symbol.

        Raises Conflict `ambiguous` for an ISIN with several active listings.
        """
        try:
            return find_security(self.securities, name).symbol
        except Missing:
            return name

    def mics(self, portfolio: PortfolioSnapshot | None) -> tuple[str, ...]:
        """The exchanges of the universe, in a fixed order; before the first read as last known."""
        known = portfolio.universe if portfolio else self.securities
        return tuple(sorted({security.instrument.mic for security in known}))

    async def refresh(self) -> None:
        """Read the broker's list unless it was read this market day."""
        today = self.intake.clock.market_now().date()
        if self._day != today:
            await self._read(first=not self.securities)
            self._day, self._sought = today, set()

    async def include(self, held: Iterable[str]) -> None:
        """What is held belongs to it, as the broker lists it.

        A stranger is looked for once a market day.
        """
        strangers = set(held) - {security.symbol for security in self.securities}
        if not strangers <= self._sought:
            await self._read(first=False, strangers=strangers)
            self._sought |= strangers

    async def _read(self, *, first: bool, strangers: Iterable[str] = ()) -> None:
        with self.intake.step():
            instruments = list(await self.intake.broker.instruments())
        names = {instrument.symbol for instrument in instruments}
        instruments += await self._look_up(sorted(set(strangers) - names))
        # Nothing is given up because a list was too short: it is asked for by its name first.
        missed = [one for one in self.securities if one.listed and _theirs(one) not in names]
        instruments += await self._look_up([_theirs(one) for one in missed])
        now = self.intake.clock.market_now()
        try:
            listed = await self.store.upsert(
                [completed(instrument) for instrument in instruments],
                allow_trading=first,
                confirmed=first,
                at=now,
                quote_of=quote_symbol,
            )
        except Conflict as error:
            raise MalformedAnswer(f"the list of instruments makes no sense: {error}") from error
        doubtful = missed[MOST_LOOKED_UP:]
        kept = [one.security_id for one in (*listed, *doubtful)]
        await self.store.drop_others(kept, at=now)
        await self.load()

    async def _look_up(self, symbols: Sequence[str]) -> list[Instrument]:
        """What the broker lists under the first MOST_LOOKED_UP of `symbols`."""
        found: list[Instrument] = []
        for symbol in symbols[:MOST_LOOKED_UP]:
            with self.intake.step():
                hits = await self.intake.broker.find(symbol)
            found += [hit for hit in hits if hit.symbol == symbol][:1]
        return found


def _theirs(security: Security) -> str:
    return security.broker_symbol or security.symbol
