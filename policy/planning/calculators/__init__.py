"""What could be traded, and why: six calculators over one snapshot.

    profit_taking      sells part of what gained far more than is usual for it
    rebalance_sells    sells out of country groups above their target
    averaging_down     buys more of a good holding that costs less than was paid for it
    rebalance_buys     buys into country groups below their target
    opportunity_buys   buys what is good enough
    weight_based       closes the gap of each security to its own target weight, on both sides

Targets of the optimizer know all that the others look at, so with them weight_based works alone.
Its trades are of the kind they come closest to: rebalance_sells, averaging_down, rebalance_buys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain

from policy.planning.calculators.groups import rebalance_buys, rebalance_sells
from policy.planning.calculators.profit_taking import profit_taking
from policy.planning.calculators.quality_buys import averaging_down, opportunity_buys
from policy.planning.calculators.trades import Buyer, scaled
from policy.planning.calculators.weight_based import weight_purchases, weight_sales
from policy.planning.candidates import Candidate, Scene
from policy.planning.selection import select

Seller = Callable[[Scene], Iterable[Candidate]]
Purchaser = Callable[[Scene, Buyer], Iterable[Candidate]]


def find_candidates(scene: Scene) -> tuple[Candidate, ...]:
    """The selected candidates of every kind: sales first, then by kind and priority, each once.

    A security has up to two sizes of a purchase: the whole, which sales may have to pay for, and
    what cash allows. A trade that several calculators want has the kind and reason of the one that
    wants it most, the tags of all, and the group of any.
    """
    sells = _selected(scene, (scaled(make(scene), weight) for make, weight in _sellers(scene)))
    buyer = Buyer(scene, more_cash=bool(sells))
    if buyer.idle:
        return _merged(sells)
    purchasers = _purchasers(scene)
    buys = _selected(scene, (scaled(make(scene, buyer), weight) for make, weight in purchasers))
    return _merged((*sells, *buys))


def _sellers(scene: Scene) -> Iterator[tuple[Seller, float]]:
    """The calculators that sell, each with the weight of its kind."""
    asked, alone = scene.config.calculators, _weights_alone(scene)
    if not scene.config.allow_sell:
        return
    if asked.profit_taking.enabled and not alone:
        yield profit_taking, asked.profit_taking.priority_weight
    if asked.rebalance_sells.enabled and not alone:
        yield rebalance_sells, asked.rebalance_sells.priority_weight
    if asked.weight_based.enabled:
        yield weight_sales, 1.0


def _purchasers(scene: Scene) -> Iterator[tuple[Purchaser, float]]:
    """The calculators that buy, each with the weight of its kind."""
    asked, alone = scene.config.calculators, _weights_alone(scene)
    if not scene.config.allow_buy:
        return
    if asked.averaging_down.enabled and not alone:
        yield averaging_down, asked.averaging_down.priority_weight
    if asked.rebalance_buys.enabled and not alone:
        yield rebalance_buys, asked.rebalance_buys.priority_weight
    if asked.opportunity_buys.enabled and not alone:
        yield opportunity_buys, asked.opportunity_buys.priority_weight
    if asked.weight_based.enabled:
        yield weight_purchases, 1.0


def _weights_alone(scene: Scene) -> bool:
    return scene.targets.optimized and scene.config.calculators.weight_based.enabled


def _selected(scene: Scene, found: Iterable[Iterable[Candidate]]) -> tuple[Candidate, ...]:
    return select(chain.from_iterable(found), scene.config)


def _merged(found: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Each trade once, in the place of its first."""
    unique: dict[bytes, Candidate] = {}
    for one in found:
        known = unique.setdefault(one.key, one)
        if known is not one:
            first, second = (known, one) if known.priority >= one.priority else (one, known)
            tags = tuple(dict.fromkeys((*first.tags, *second.tags)))
            unique[one.key] = replace(first, tags=tags, group=first.group or second.group)
    return tuple(unique.values())
