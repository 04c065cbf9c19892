"""The names of a planning situation: when one changes, a plan made for it is out of date.

`portfolio_hash` covers what the account holds, what is under way and what the owner decided,
`market_hash` what is known and thought of the securities. Each has one call site per plan. Prices
are in neither: `policy.replan` watches how far they move.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from hashlib import blake2b

from ledger.allocation import AllocationBook
from ledger.correlation import Correlations
from ledger.money import Money
from ledger.order import OrderView, Side
from ledger.portfolio import PortfolioSnapshot
from ledger.security import Security
from policy.fees import FeeTerms
from policy.limits import Limits
from policy.planning.facts import SecurityFacts
from policy.targets import Targets

FORMAT = 5
DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What the owner, the broker and the rules contribute to a plan.

    `limits` are the owner's settings, `config_hash` names the configuration of the bucket and
    `book` is how he groups countries and industries; `cooldown` are the (symbol, side) pairs that
    wait because of earlier trades.
    """

    limits: Limits
    fees: FeeTerms
    fx_fees: FeeTerms
    config_hash: str = ""
    book: AllocationBook = field(default_factory=AllocationBook)
    cooldown: frozenset[tuple[str, Side]] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """What is known and thought of the securities, and of the market as a whole.

    `unfit` are those whose score does not carry a purchase.
    """

    targets: Targets
    regime: str = ""
    unfit: frozenset[str] = frozenset()
    facts: Mapping[str, SecurityFacts] = field(default_factory=dict[str, SecurityFacts])
    correlations: Correlations | None = None


def portfolio_hash(
    snapshot: PortfolioSnapshot,
    configuration: Configuration,
    *,
    bucket_id: str,
    open_orders: Iterable[OrderView] = (),
    pots: Iterable[Money] = (),
) -> str:
    """32 hex digits over a canonical text; equal situations give equal names.

    `open_orders` are foreign: while one of ours is under way nothing is planned.
    """
    lines = [
        f"format {FORMAT}",
        f"bucket {bucket_id!r}",
        *sorted(f"held {p.security.symbol!r} {p.quantity.micro}" for p in snapshot.positions),
        *sorted(f"cash {c.money.currency} {c.money.minor}" for c in snapshot.cash if c.money.minor),
        *sorted(f"pot {m.currency} {m.minor}" for m in pots if m.minor),
        *sorted(_order(order) for order in open_orders),
        *sorted(_security(security) for security in snapshot.universe),
        *_configuration(configuration),
    ]
    return _name(lines)


def market_hash(market: Market) -> str:
    """32 hex digits over facts, target weights, correlations and the market's state.

    Correlations are named by their day and their securities: they are made once a day.
    """
    known = market.correlations
    lines = [
        f"format {FORMAT}",
        f"regime {market.regime}",
        *(f"weight {s!r} {w.normalize()}" for s, w in sorted(market.targets.weights.items())),
        f"optimized {market.targets.optimized}",
        *(f"unfit {symbol!r}" for symbol in sorted(market.unfit)),
        *(
            f"facts {symbol!r} {_timeless(facts)!r}"
            for symbol, facts in sorted(market.facts.items())
        ),
        f"correlations {None if known is None else (known.as_of, known.days, known.symbols)!r}",
    ]
    return _name(lines)


def with_refused(market: str, refused: frozenset[tuple[str, Side]]) -> str:
    """The name of the market together with what a gate said no to lately."""
    return _name([market, *(f"refused {symbol!r} {side}" for symbol, side in sorted(refused))])


def _timeless(facts: SecurityFacts) -> SecurityFacts:
    """Since when it is held follows from the holdings."""
    return replace(facts, bought_on=None)


def fingerprint(bucket_id: str, portfolio: str, market: str) -> str:
    """The name of all that one plan is made for, but for prices and the time."""
    return _name([f"bucket {bucket_id!r}", portfolio, market])


def _name(lines: Iterable[str]) -> str:
    return blake2b("\n".join(lines).encode(), digest_size=DIGEST_BYTES).hexdigest()


def _order(order: OrderView) -> str:
    rest = order.quantity - order.filled
    return f"order {order.broker_order_id!r} {order.side} {order.symbol!r} {rest.micro}"


def _security(security: Security) -> str:
    instrument = security.instrument
    lot = instrument.lot.micro if instrument.lot else None
    flags = (
        security.allow_buy,
        security.allow_sell,
        security.active,
        security.confirmed,
        security.listed,
    )
    wishes = (security.priority, security.min_target, security.max_target)
    parts = (
        security.symbol,
        *flags,
        *(None if wish is None else f"{wish.normalize():f}" for wish in wishes),
        lot,
        security.bucket_id,
        instrument.currency,
        instrument.mic,
        instrument.country,
        instrument.industry,
        instrument.product_type,
    )
    return f"security {parts!r}"


def _configuration(configuration: Configuration) -> Iterator[str]:
    limits, book = configuration.limits, configuration.book
    for limit in fields(limits):
        yield f"limit {limit.name} {getattr(limits, limit.name)!r}"
    for name, groups in (("country", book.country), ("industry", book.industry)):
        for group, weight in groups.targets.items():
            yield f"{name} target {group!r} {weight.normalize()}"
        for group, members in sorted(groups.members.items()):
            yield f"{name} group {group!r} {sorted(members)!r}"
    for name, terms in (("fees", configuration.fees), ("fx_fees", configuration.fx_fees)):
        yield f"{name} {terms!r}"
    yield f"config {configuration.config_hash}"
    for symbol, side in sorted(configuration.cooldown):
        yield f"cooldown {symbol!r} {side}"
