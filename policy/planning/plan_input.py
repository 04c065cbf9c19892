"""Everything one plan depends on, and whether it can be planned on at all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from ledger.correlation import Correlations
from ledger.money import Money
from ledger.order import Side
from ledger.portfolio import PortfolioSnapshot
from ledger.rate import RateTable
from policy.fees import FeeTerms
from policy.fx import FxMarket
from policy.limits import Limits
from policy.planning.candidates import Scene, make_scene
from policy.planning.config import DEFAULT_CONFIG, PlannerConfig
from policy.planning.facts import SecurityFacts
from policy.targets import Targets
from policy.valuation import unfit

# A seed is stored as a signed integer of 64 bits.
SEED_BITS = 63


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInput:
    """Everything one plan depends on.

    `trade_rates` holds only rates fresh enough to trade on; `markets` the exchanges whose hours
    are known; `barred` the (symbol, side) pairs not to propose now; `pots` and `reserved` the cash
    of unspent dividends and of open orders, per currency; `opens` when each exchange can be traded
    on next, so that a plan begins with what can be done soonest. `portfolio_hash`, `market_hash`
    and `config_hash` name holdings and rules, prices and scores, and the configuration's text.
    """

    plan_id: str
    bucket_id: str
    now: datetime
    portfolio_hash: str
    snapshot: PortfolioSnapshot
    trade_rates: RateTable
    targets: Targets
    fees: FeeTerms
    fx_fees: FeeTerms
    limits: Limits
    markets: frozenset[str]
    barred: frozenset[tuple[str, Side]] = frozenset()
    pots: tuple[Money, ...] = ()
    reserved: tuple[Money, ...] = ()
    opens: Mapping[str, datetime] = field(default_factory=dict[str, datetime])
    config: PlannerConfig = DEFAULT_CONFIG
    config_hash: str = ""
    facts: Mapping[str, SecurityFacts] = field(default_factory=dict[str, SecurityFacts])
    correlations: Correlations | None = None
    regime: str = "unknown"
    market_hash: str = ""

    @property
    def seed(self) -> int:
        """What drives sampling: the configured seed, else one that the input itself gives."""
        if self.config.seed is not None:
            return self.config.seed
        named = "|".join((self.portfolio_hash, self.market_hash, self.config_hash))
        digest = blake2b(named.encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") >> (64 - SEED_BITS)


def why_unfit(given: PlanInput) -> str | None:
    """Why this snapshot must not be planned on; None when it may."""
    snapshot = given.snapshot
    wrong = unfit(snapshot)
    if wrong is not None:
        return wrong
    if snapshot.total_eur is None or snapshot.cash_eur is None:
        return f"the value of {', '.join(snapshot.unvalued)} is not known"
    return _overdrawn(snapshot) or (
        "the account is empty" if snapshot.total_eur.minor <= 0 else None
    )


def _overdrawn(snapshot: PortfolioSnapshot) -> str | None:
    short = [p.security.symbol for p in snapshot.positions if p.quantity.micro < 0]
    if short:
        return f"the books show a negative holding of {', '.join(short)}"
    owed = [cash.money.currency for cash in snapshot.cash if cash.money.minor < 0]
    return f"negative cash in {', '.join(owed)} is repaired first" if owed else None


def scene_of(given: PlanInput) -> Scene | None:
    """What candidates are sized against; None without a rate for the fee or a positive total."""
    snapshot = given.snapshot
    fx = FxMarket(snapshot.pairs, snapshot.quotes, given.trade_rates, given.fx_fees, given.limits)
    return make_scene(
        snapshot,
        given.targets,
        fx,
        fees=given.fees,
        markets=given.markets,
        barred=given.barred,
        pots=given.pots,
        reserved=given.reserved,
        config=given.config,
        facts=given.facts,
        today=given.now.date(),
    )
