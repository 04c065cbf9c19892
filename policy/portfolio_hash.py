"""The name of a planning situation: when it changes, a plan made for it is out of date.

One function with one call site per plan. It covers what the account holds, what is under way and
what the owner decided; prices are not in it, `moved` watches them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from hashlib import blake2b

from ledger.money import Money
from ledger.order import Intent, Side
from ledger.portfolio import PortfolioSnapshot
from ledger.quote import Quote
from ledger.security import Security
from policy.fees import FeeTerms
from policy.limits import Limits
from policy.pricing import drift
from policy.targets import Targets

FORMAT = 3
DIGEST_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Configuration:
    """What the owner, the broker and the rules contribute to a plan.

    `limits` are the owner's own: what the market adds to them follows from `regime` and prices.
    """

    limits: Limits
    targets: Targets
    fees: FeeTerms
    fx_fees: FeeTerms
    barred: frozenset[tuple[str, Side]] = frozenset()
    regime: str = ""


def portfolio_hash(
    snapshot: PortfolioSnapshot,
    configuration: Configuration,
    *,
    bucket_id: str,
    open_orders: Iterable[Intent] = (),
    pots: Iterable[Money] = (),
) -> str:
    """32 hex digits over a canonical text; equal situations give equal names."""
    lines = [
        f"format {FORMAT}",
        f"bucket {bucket_id!r}",
        *sorted(f"held {p.security.symbol!r} {p.quantity.micro}" for p in snapshot.positions),
        *sorted(f"cash {c.money.currency} {c.money.minor}" for c in snapshot.cash if c.money.minor),
        *sorted(f"pot {m.currency} {m.minor}" for m in pots if m.minor),
        *sorted(_order(intent) for intent in open_orders),
        *sorted(_security(security) for security in snapshot.universe),
        *_configuration(configuration),
    ]
    return blake2b("\n".join(lines).encode(), digest_size=DIGEST_BYTES).hexdigest()


def moved(
    planned: Mapping[str, Quote], now: Mapping[str, Quote], *, limit: Decimal
) -> tuple[str, ...]:
    """The symbols, pairs included, whose price moved more than `limit` since they were planned on.

    A quote that is missing now says nothing about the price, so it does not count.
    """
    return tuple(
        symbol
        for symbol, then in sorted(planned.items())
        if (quote := now.get(symbol)) is not None and drift(then.last, quote.last) > limit
    )


def _order(intent: Intent) -> str:
    wanted = intent.proposal
    return f"order {intent.intent_id} {wanted.side} {wanted.symbol!r} {intent.remaining.micro}"


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
        instrument.currency,
        instrument.mic,
        instrument.country,
        instrument.industry,
        instrument.product_type,
    )
    return f"security {parts!r}"


def _configuration(configuration: Configuration) -> Iterator[str]:
    limits = configuration.limits
    for field in fields(limits):
        yield f"limit {field.name} {getattr(limits, field.name)!r}"
    targets = configuration.targets
    groups = (targets.weights, targets.countries, targets.industries)
    for name, weights in zip(("weight", "country", "industry"), groups, strict=True):
        for key, weight in sorted(weights.items()):
            yield f"{name} {key!r} {weight.normalize()}"
    for name, placed in (("in", targets.country_of), ("of", targets.industry_of)):
        for symbol, group in sorted(placed.items()):
            yield f"{name} {symbol!r} {group!r}"
    for name, terms in (("fees", configuration.fees), ("fx_fees", configuration.fx_fees)):
        yield f"{name} {terms!r}"
    yield f"regime {configuration.regime}"
    for symbol, side in sorted(configuration.barred):
        yield f"barred {symbol!r} {side}"
