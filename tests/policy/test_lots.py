"""Lots under four methods: every share and every cent that came in is left or was sold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import Missing, Refused
from ledger.fact import Adjustment, CorporateAction, Fact, Fill, Opening, postings
from ledger.lot import LOT_METHODS, LotBook, LotMethod, Pick
from ledger.money import Money, Price, Quantity, Rounding
from ledger.order import Side
from policy.lots import all_methods, average_costs, check_choice, lot_book
from tests.policy.accounts import NOON, eur


def fill(
    name: str, side: Side, units: str, price: str, *, fee: str = "0", currency: str = "EUR"
) -> Fill:
    at, quantity = Price.of(price, currency), Quantity.of(units)
    gross = at.times(quantity, Rounding.HALF_EVEN)
    fees = (Money.of(fee, currency),)
    return Fill(name, "b", None, "AAA", side, quantity, at, gross, fees, NOON)


def buy(name: str, units: str, price: str, *, fee: str = "0", currency: str = "EUR") -> Fill:
    return fill(name, "BUY", units, price, fee=fee, currency=currency)


def sell(name: str, units: str, price: str, *, fee: str = "0") -> Fill:
    return fill(name, "SELL", units, price, fee=fee)


def opening(units: str, cost: str | None) -> Opening:
    price = Price.of(cost, "EUR") if cost else None
    return Opening("AAA", None, "AAA", Quantity.of(units), price, NOON)


def split(delta: str, ratio: str | None = None) -> CorporateAction:
    day, grown = date(2026, 3, 4), Quantity.of(delta)
    exact = None if ratio is None else Decimal(ratio)
    return CorporateAction("a", "split", "AAA", day, None, NOON, exact, grown)


def adjusted(units: str) -> Adjustment:
    return Adjustment(1, None, NOON, "found", "AAA", Quantity.of(units), "owner")


TWO = [buy("f1", "10", "20", fee="1"), buy("f2", "10", "40", fee="1")]


@pytest.mark.parametrize(
    ("method", "cost", "left"),
    [
        ("fifo", "201", {"fill:f2": ("10", "401")}),
        ("highest_cost", "401", {"fill:f1": ("10", "201")}),
        ("average", "301", {"pool": ("10", "301")}),
        ("chosen", "361", {"fill:f1": ("8", "160.80"), "fill:f2": ("2", "80.20")}),
    ],
)
def test_each_method_sells_its_own_lots(
    method: LotMethod, cost: str, left: dict[str, tuple[str, str]]
) -> None:
    facts = [*TWO, sell("s", "10", "50", fee="2")]
    picks = {"s": [Pick("fill:f2", Quantity.of(8))]}
    book = lot_book(facts, method, picks)
    (sale,) = book.sales
    assert (sale.cost, sale.gain) == (eur(cost), eur("498") - eur(cost))
    assert {lot.key: (str(lot.quantity), lot.cost) for lot in book.lots} == {
        key: (units, eur(money)) for key, (units, money) in left.items()
    }


def test_what_was_not_chosen_goes_by_age_and_a_lot_that_is_gone_too() -> None:
    facts = [*TWO, sell("s", "10", "50")]
    picks = {"s": [Pick("fill:f2", Quantity.of(3)), Pick("fill:gone", Quantity.of(5))]}
    taken = lot_book(facts, "chosen", picks).sales[0].taken
    assert [(t.key, str(t.quantity)) for t in taken] == [("fill:f2", "3"), ("fill:f1", "7")]


def test_the_cost_of_a_lot_includes_its_fees() -> None:
    (lot,) = lot_book([buy("f1", "3", "10", fee="2")], "fifo").lots
    assert (lot.key, lot.opened_at, lot.cost) == ("fill:f1", NOON, eur("32"))
    assert lot.unit_cost == Price.of("10.666667", "EUR")


def test_a_split_changes_the_shares_and_keeps_the_cost() -> None:
    for book in all_methods([*TWO, split("20")], {}).values():
        assert book.quantity == Quantity.of(40)
        assert sum(lot.cost.minor for lot in book.lots if lot.cost) == 602_00
        assert book.average_cost == Price.of("15.05", "EUR")


def test_a_reverse_split_to_less_than_a_share_per_lot_loses_nothing() -> None:
    facts: list[Fact] = [
        buy("f1", "0.000001", "1000000"),
        buy("f2", "10", "40"),
        split("-9.999999"),
    ]
    (lot,) = lot_book(facts, "fifo").lots
    assert (lot.quantity.micro, lot.cost) == (2, eur("401"))


@pytest.mark.parametrize("method", LOT_METHODS)
def test_a_split_of_what_is_not_known_yet_spreads_no_cost_over_it(method: LotMethod) -> None:
    """Ten of 55 shares are known when the account splits; the opening comes at the end."""
    doubled: list[Fact] = [buy("f1", "10", "100"), split("55", "2"), sell("s", "20", "60")]
    (sale,) = lot_book(doubled, method).sales
    pooled = method == "average"
    assert (sale.cost, sale.gain) == ((None, None) if pooled else (eur("1000"), eur("200")))
    whole = lot_book([*doubled, opening("45", "50")], method)
    assert whole.quantity == Quantity.of(90)
    assert whole.average_cost is None


def test_a_fraction_of_a_share_paid_out_in_a_split_keeps_the_cost() -> None:
    for ratio in ("0.5", "1.5"):
        left = Decimal(7) * Decimal(ratio)
        change = str(int(left) - 7)
        book = lot_book([buy("f1", "7", "10"), split(change, ratio)], "fifo")
        assert [(lot.quantity, lot.cost) for lot in book.lots] == [
            (Quantity.of(int(left)), eur("70"))
        ]


def test_a_part_without_a_known_cost_makes_the_gain_unknown() -> None:
    facts: list[Fact] = [
        opening("5", None),
        buy("f1", "5", "10"),
        sell("s1", "7", "20"),
        sell("s2", "3", "20"),
    ]
    first, second = lot_book(facts, "fifo").sales
    assert (first.cost, first.gain) == (None, None)
    assert (second.cost, second.gain) == (eur("30"), eur("30"))
    assert lot_book(facts, "highest_cost").sales[0].taken[0].key == "fill:f1"
    assert lot_book(facts[:2], "average").average_cost is None


def test_o11_an_opening_that_cost_an_unknown_currency_has_no_known_cost() -> None:
    odd = replace(opening("5", "10"), cost=Price.of("10", "QQQ"))
    for book in all_methods([odd], {}).values():
        assert [(lot.quantity, lot.cost) for lot in book.lots] == [(Quantity.of(5), None)]
        assert book.average_cost is None


def test_a_cost_in_another_currency_is_no_cost_of_this_sale() -> None:
    facts = [buy("f1", "5", "10", currency="USD"), sell("s", "5", "20")]
    (sale,) = lot_book(facts, "fifo").sales
    assert (sale.cost, sale.gain) == (Money.of("50", "USD"), None)


def test_shares_that_come_by_adjustment_have_no_cost_and_those_that_go_no_gain() -> None:
    book = lot_book([*TWO, adjusted("-4"), adjusted("1")], "fifo")
    (gone,) = book.sales
    assert (gone.fill_id, gone.proceeds, gone.gain) == (None, None, None)
    assert gone.cost == eur("80.40")
    assert book.lots[-1].cost is None
    assert book.quantity == Quantity.of(17)


def test_a_sale_of_what_was_not_known_yet_is_covered_by_what_comes_later() -> None:
    book = lot_book([sell("s", "5", "20"), opening("8", "10")], "fifo")
    assert book.sales[0].gain is None
    assert [(t.quantity, t.cost) for t in book.covered] == [(Quantity.of(5), eur("50"))]
    assert [(lot.quantity, lot.cost) for lot in book.lots] == [(Quantity.of(3), eur("30"))]


def test_currency_pairs_and_dividends_open_no_lots() -> None:
    pair = Fill(
        "x", "b", None, "EUR/USD", "BUY", Quantity.of(5), Price.of("1.1", "USD"),
        Money.of("5.50", "USD"), (), NOON,
    )  # fmt: skip
    paid = CorporateAction("d", "dividend", "AAA", date(2026, 3, 4), None, NOON)
    assert lot_book([pair, paid], "fifo") == LotBook((), ())


def test_the_average_cost_is_absent_when_nothing_is_held_or_known() -> None:
    history: dict[str, Sequence[Fact]] = {
        "AAA": TWO,
        "OUT": [*TWO, sell("s", "20", "1")],
        "NEW": [opening("1", None)],
    }
    assert average_costs(history) == {"AAA": Price.of("30.1", "EUR")}


# Choosing


def test_a_choice_that_fits_is_accepted_and_can_be_taken_back() -> None:
    facts = [*TWO, sell("s", "10", "50")]
    check_choice(facts, {}, "s", [Pick("fill:f2", Quantity.of(10))])
    check_choice(facts, {"s": [Pick("fill:f2", Quantity.of(10))]}, "s", [])


@pytest.mark.parametrize(
    ("picks", "text"),
    [
        ([Pick("fill:f2", Quantity.of(11))], "quantity: 11 in all, at most 10"),
        ([Pick("fill:f3", Quantity.of(1))], "lot_key: 'fill:f3' .* fill:f1, fill:f2"),
        ([Pick("fill:f1", Quantity.of(6))], "quantity: 6 of fill:f1, at most 5"),
        ([Pick("fill:f1", Quantity.of(0))], "quantity: 0, it must be above 0"),
        ([Pick("fill:f1", Quantity.of(1)), Pick("fill:f1", Quantity.of(1))], "lot_key: each lot"),
    ],
)
def test_a_choice_the_sale_cannot_have_taken_names_its_bound(picks: list[Pick], text: str) -> None:
    bought = [*TWO, sell("s0", "5", "50"), sell("s", "10", "50"), buy("f3", "10", "1")]
    with pytest.raises(Refused, match=text):
        check_choice(bought, {}, "s", picks)


def test_a_choice_does_not_take_from_under_a_later_one() -> None:
    facts = [*TWO, sell("s1", "5", "50"), sell("s2", "10", "50")]
    later = {"s2": [Pick("fill:f2", Quantity.of(10))]}
    with pytest.raises(Refused, match="sale s2 has chosen 10 of fill:f2"):
        check_choice(facts, later, "s1", [Pick("fill:f2", Quantity.of(1))])
    check_choice(facts, later, "s1", [Pick("fill:f1", Quantity.of(5))])


@pytest.mark.parametrize("name", ["nothing", "f1"])
def test_only_a_sale_has_lots_to_choose(name: str) -> None:
    with pytest.raises(Missing):
        check_choice([*TWO, sell("s", "1", "1")], {}, name, [])


# What always holds

UNITS = st.integers(1, 5_000_000)
EVENTS = st.lists(
    st.tuples(st.sampled_from(("BUY", "BUY", "SELL", "SPLIT")), UNITS, st.integers(1, 10**6)),
    max_size=14,
)


def played(events: list[tuple[str, int, int]]) -> list[Fact]:
    """Facts of one holding that never sells more than it has; quantities in millionths."""
    facts: list[Fact] = []
    held = 0
    for number, (kind, micro, cents) in enumerate(events):
        price = Price(cents * 10_000, "EUR")
        at = NOON + timedelta(minutes=number)
        if kind == "SPLIT":
            delta = micro if number % 2 else -min(micro, held // 2)
            if held and delta:
                facts.append(split(str(Decimal(delta).scaleb(-6))))
                held += delta
            continue
        side: Side = "BUY" if kind == "BUY" or not held else "SELL"
        moved = micro if side == "BUY" else min(micro, held)
        quantity, fee = Quantity(moved), (Money(cents % 300, "EUR"),)
        gross = price.times(quantity, Rounding.HALF_EVEN)
        facts.append(Fill(f"f{number}", "b", None, "AAA", side, quantity, price, gross, fee, at))
        held += moved if side == "BUY" else -moved
    return facts


def chosen_at_random(facts: list[Fact], seed: int) -> dict[str, list[Pick]]:
    """Picks of existing and missing lots, some of them impossible."""
    fills = [fact for fact in facts if isinstance(fact, Fill)]
    keys = [f"fill:{fact.fill_id}" for fact in fills if fact.side == "BUY"]
    return {
        fact.fill_id: [Pick(keys[(seed + n) % len(keys)], Quantity(1 + seed % 3_000_000))]
        for n, fact in enumerate(fills)
        if fact.side == "SELL" and keys
    }


def cost_of(money: Money | None) -> int:
    assert money is not None
    return money.minor


@settings(max_examples=150, deadline=None)
@given(EVENTS, st.integers(0, 10**7))
def test_no_cost_is_ever_lost_and_shares_add_up_to_the_holding(
    events: list[tuple[str, int, int]], seed: int
) -> None:
    facts = played(events)
    fills = [fact for fact in facts if isinstance(fact, Fill)]
    bought = sum(f.gross.minor + f.fees[0].minor for f in fills if f.side == "BUY")
    received = sum(f.gross.minor - f.fees[0].minor for f in fills if f.side == "SELL")
    held = sum(p.delta for f in facts for p in postings(f) if p.account == "holding")
    for book in all_methods(facts, chosen_at_random(facts, seed)).values():
        left = sum(cost_of(lot.cost) for lot in book.lots)
        assert sum(cost_of(sale.cost) for sale in book.sales) + left == bought
        assert sum(cost_of(sale.gain) for sale in book.sales) == received - (bought - left)
        assert book.quantity.micro == held
        assert all(lot.quantity.micro > 0 for lot in book.lots)
        for sale in book.sales:
            assert sum(part.quantity.micro for part in sale.taken) == sale.quantity.micro


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(UNITS, st.integers(1, 10**6)), min_size=1, max_size=8), UNITS)
def test_highest_cost_never_realises_more_than_another_method_would(
    lots: list[tuple[int, int]], sold: int
) -> None:
    """Up to the rounding of the lots it takes: half a cent for each."""
    bought = played([("BUY", micro, cents) for micro, cents in lots])
    facts = played([*(("BUY", m, c) for m, c in lots), ("SELL", sold, 1)])
    gains = {method: cost_of(lot_book(facts, method).sales[0].gain) for method in LOT_METHODS}
    assert gains["highest_cost"] <= min(gains.values()) + len(lots)
    before = {lot.key: lot for lot in lot_book(bought, "highest_cost").lots}
    after = lot_book(facts, "highest_cost")
    unit = {key: Fraction(cost_of(lot.cost), lot.quantity.micro) for key, lot in before.items()}
    cheapest_sold = min(unit[part.key] for part in after.sales[0].taken)
    assert all(unit[lot.key] <= cheapest_sold for lot in after.lots)


@settings(max_examples=60, deadline=None)
@given(EVENTS)
def test_the_average_lies_between_the_prices_paid(events: list[tuple[str, int, int]]) -> None:
    buys = [("BUY", micro + 10**6, cents) for _, micro, cents in events]
    facts = [fact for fact in played(buys) if isinstance(fact, Fill)]
    average = lot_book(facts, "average").average_cost
    if facts:
        assert average is not None
        units = [
            Fraction((f.gross.minor + f.fees[0].minor) * 10**10, f.quantity.micro) for f in facts
        ]
        assert min(units) - 1 <= average.micro <= max(units) + 1
