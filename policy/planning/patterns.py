"""Thirteen ways to compose a sequence of at most D trades from a menu.

Sales precede purchases, and lists are walked by priority: what cannot be paid for, or is not
allowed beside what is kept already, is passed over. A pattern that sells in order to buy gives half
of the steps to sales, rounded down but at least one, whenever there is anything of its list to buy;
only without purchases may sales take all of them. So however many sales there are, what they bring
is reinvested.

Each makes one sequence at most, `adaptive` two: for all thirteen no more than 14 × D at D = 1 … .
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from policy.planning.filters import Gaps
from policy.planning.menu import Menu
from policy.planning.space import Combo

Maker = Callable[[Menu, int], tuple[Combo, ...]]

# Groups looked at, and how far below target one must be.
MOST_GROUPS: Final = 3
COUNTRY_GAP: Final = Decimal("0.02")
INDUSTRY_GAP: Final = Decimal("0.01")
# Candidates of one kind that the state of the market may choose from, and sales it calls for.
REGIME_MOST: Final = 10
REGIME_SALES: Final = 2


def direct_buy(menu: Menu, depth: int) -> tuple[Combo, ...]:
    """Cash only: what fell, then what is underweight, then what is good."""
    return _made(menu.fill((), _all_buys(menu), depth))


def profit_taking(menu: Menu, depth: int) -> tuple[Combo, ...]:
    """Take profits, buy what fell and what is underweight."""
    buys = menu.averaging_down + menu.rebalance_buys
    return _reinvested(menu, menu.profit_taking, buys, depth)


def rebalance(menu: Menu, depth: int) -> tuple[Combo, ...]:
    """From what is overweight to what is underweight; without the latter, to cash."""
    return _reinvested(menu, menu.rebalance_sells, menu.rebalance_buys, depth)


def averaging_down(menu: Menu, depth: int) -> tuple[Combo, ...]:
    """Buy what fell, paid for by one profit when cash alone does not reach the strongest."""
    buys = menu.averaging_down
    short = bool(buys) and menu.plus((), buys[0]) is None
    # A sale that takes the only step buys nothing.
    begin = menu.fill((), menu.profit_taking[:1], 1) if short and depth > 1 else ()
    combo = menu.fill(begin, buys, depth)
    return _made(combo if combo != begin else ())


def single_best(menu: Menu, _: int) -> tuple[Combo, ...]:
    """The strongest trade of all that is possible."""
    return _made(menu.fill((), menu.everything, 1))


def multi_sell(menu: Menu, depth: int) -> tuple[Combo, ...]:
    """Every kind of sale, then every kind of purchase."""
    return _reinvested(menu, menu.sells, _all_buys(menu), depth)


def mixed_strategy(menu: Menu, depth: int) -> tuple[Combo, ...]:
    """Half of the steps to sales if there are any, the rest to every kind of purchase."""
    return _made(menu.fill(menu.fill((), menu.sells, _half(depth)), _all_buys(menu), depth))


def opportunity_first(menu: Menu, depth: int) -> tuple[Combo, ...]:
    """Cash only: what is good, then what fell, then what is underweight."""
    return _made(menu.fill((), _good_first(menu), depth)) if menu.opportunity_buys else ()


def deep_rebalance(menu: Menu, depth: int) -> tuple[Combo, ...]:
    """From what is overweight to what is underweight, never to cash alone."""
    if not menu.rebalance_buys:
        return ()
    return _reinvested(menu, menu.rebalance_sells, menu.rebalance_buys, depth)


def cash_generation(menu: Menu, depth: int) -> tuple[Combo, ...]:
    """Every kind of sale, then what is good before what fell and what is underweight."""
    return _reinvested(menu, menu.sells, _good_first(menu), depth)


def cost_optimized(menu: Menu, depth: int) -> tuple[Combo, ...]:
    """Sales if there are any, then the strongest purchases of any kind: the most for each fee."""
    return _made(menu.fill(_sales(menu, menu.sells, menu.buys, depth), menu.buys, depth))


def adaptive(menu: Menu, depth: int) -> tuple[Combo, ...]:
    """Cash only: into the countries, and again into the industries, furthest below target."""
    return (
        *_into_gaps(menu, depth, menu.countries, COUNTRY_GAP),
        *_into_gaps(menu, depth, menu.industries, INDUSTRY_GAP),
    )


def market_regime(menu: Menu, depth: int) -> tuple[Combo, ...]:
    """What suits the state of the market; nothing when it is not known.

    bull      two profits, into what is good and what is underweight
    bear      up to half in sales of every kind, into what fell
    sideways  two of what is overweight, into what is underweight and what is good
    """
    taking, over = menu.profit_taking[:REGIME_MOST], menu.rebalance_sells[:REGIME_MOST]
    fell, under = menu.averaging_down[:REGIME_MOST], menu.rebalance_buys[:REGIME_MOST]
    good = menu.opportunity_buys[:REGIME_MOST]
    suited: Mapping[str, tuple[Combo, int, Combo]] = {
        "bull": (taking, REGIME_SALES, good + under),
        "bear": (taking + over, depth // 2, fell),
        "sideways": (over, REGIME_SALES, under + good),
    }
    if menu.regime not in suited:
        return ()
    sells, most, buys = suited[menu.regime]
    begin = menu.fill((), sells, min(most, _half(depth) if buys else depth))
    return _made(menu.fill_strictly(begin, buys, depth))


MAKERS: Final[Mapping[str, Maker]] = {
    maker.__name__: maker
    for maker in (
        direct_buy,
        profit_taking,
        rebalance,
        averaging_down,
        single_best,
        multi_sell,
        mixed_strategy,
        opportunity_first,
        deep_rebalance,
        cash_generation,
        cost_optimized,
        adaptive,
        market_regime,
    )
}


def _half(depth: int) -> int:
    return max(1, depth // 2)


def _all_buys(menu: Menu) -> Combo:
    return menu.averaging_down + menu.rebalance_buys + menu.opportunity_buys


def _good_first(menu: Menu) -> Combo:
    return menu.opportunity_buys + menu.averaging_down + menu.rebalance_buys


def _sales(menu: Menu, sells: Combo, buys: Combo, depth: int) -> Combo:
    return menu.fill((), sells, _half(depth) if buys else depth)


def _reinvested(menu: Menu, sells: Combo, buys: Combo, depth: int) -> tuple[Combo, ...]:
    """Sales and what they pay for; nothing without a sale."""
    begin = _sales(menu, sells, buys, depth)
    return _made(menu.fill(begin, buys, depth)) if begin else ()


def _into_gaps(menu: Menu, depth: int, gaps: Gaps, least: Decimal) -> tuple[Combo, ...]:
    """Purchases of the groups with the largest gaps above `least`, group by group."""
    found = {name: gap for name, gap in gaps.below.items() if gap > least}
    largest = sorted(found, key=lambda name: (-found[name], name))[:MOST_GROUPS]
    wanted = [
        number
        for name in largest
        for number in menu.rebalance_buys + menu.opportunity_buys
        if name in gaps.groups_of.get(menu.candidate(number).symbol, ())
    ]
    return _made(menu.fill_strictly((), wanted, depth))


def _made(combo: Combo) -> tuple[Combo, ...]:
    return (combo,) if combo else ()
