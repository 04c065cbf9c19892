"""New money buys what is furthest below its target, and the deposit that would do the rest."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ledger.money import Money
from policy.funding import buy
from policy.limits import DEFAULTS, Limits
from policy.planning.candidates import Candidate, Scene
from policy.planning.config import PlannerConfig
from policy.planning.new_money import new_money_fill, new_money_report
from policy.planning.space import TradeSequence
from policy.targets import Targets
from tests.policy.accounts import dozen, eur, scene, security, snapshot
from tests.policy.planning.drift import can_be_bought_away

OPEN_CAPS = replace(DEFAULTS, max_position_share=Decimal(1), max_order_share=Decimal(1))


def account(
    held: dict[str, str],
    cash: dict[str, str],
    *,
    targets: dict[str, str] | None = None,
    limits: Limits = OPEN_CAPS,
    price: str = "10",
) -> Scene:
    """Securities S00 to S11 at one price, equal targets unless others are given."""
    universe = dozen()
    shot = snapshot(universe, prices={s.symbol: price for s in universe}, held=held, cash=cash)
    made = scene(shot, limits=limits)
    if targets is None:
        return made
    weights = {symbol: Decimal(weight) for symbol, weight in targets.items()}
    return replace(made, targets=Targets(weights, {}, {}))


def sequence(*trades: Candidate) -> TradeSequence:
    traded = Money(sum(t.value_eur.minor for t in trades), "EUR")
    cost = Money(sum(t.fee_eur.minor for t in trades), "EUR")
    return TradeSequence(tuple(range(len(trades))), trades, traded, cost, b"")


def test_the_largest_gap_is_filled_first_and_cash_is_the_only_bound() -> None:
    made = account(
        {"S00": "100"}, {"EUR": "9500"}, targets={"S00": "0.2", "S01": "0.5", "S02": "0.3"}
    )
    bought = new_money_fill(made, 5)
    assert [c.symbol for c in bought] == ["S01", "S02", "S00"]
    assert [str(c.quantity) for c in bought[:2]] == ["525", "315"]
    assert bought[2].value_eur < eur(1100)  # the rest of the cash, not its whole gap
    assert [c.priority for c in bought] == sorted((c.priority for c in bought), reverse=True)
    assert bought[0].priority == 1.0


def test_equal_gaps_are_filled_in_the_order_of_symbols() -> None:
    made = account({}, {"EUR": "3500"})
    assert [c.symbol for c in new_money_fill(made, 3)] == ["S00", "S01", "S02"]


def test_no_more_trades_than_the_depth_and_no_security_twice() -> None:
    made = account({}, {"EUR": "30000"})
    bought = new_money_fill(made, 4)
    assert len(bought) == 4
    assert len({c.symbol for c in bought}) == 4


def test_less_than_the_smallest_trade_buys_nothing() -> None:
    assert new_money_fill(account({}, {"EUR": "749"}, targets={"S00": "1"}), 5) == ()
    assert len(new_money_fill(account({}, {"EUR": "800"}, targets={"S00": "1"}), 5)) == 1


def test_pots_reservations_and_reserves_are_no_new_money() -> None:
    universe = dozen()
    shot = snapshot(universe, prices={s.symbol: "10" for s in universe}, cash={"EUR": "3000"})
    made = scene(shot, limits=OPEN_CAPS, pots=(eur(1000),), reserved=(eur(1000),))
    assert new_money_report(made, None).free_eur == eur(500)
    assert [c.value_eur for c in new_money_fill(made, 5)] == [eur(250)]


def test_nothing_is_bought_where_purchases_are_not_allowed() -> None:
    made = account({}, {"EUR": "9000"})
    assert new_money_fill(replace(made, config=PlannerConfig(allow_buy=False)), 5) == ()
    barred = replace(made, barred=frozenset({("S00", "BUY")}))
    assert "S00" not in {c.symbol for c in new_money_fill(barred, 12)}


def test_a_purchase_abroad_is_funded_by_a_conversion() -> None:
    universe = (security("USA", currency="USD"),)
    shot = snapshot(universe, prices={"USA": "10"}, cash={"EUR": "5000"})
    made = scene(shot, limits=OPEN_CAPS)
    (bought,) = new_money_fill(made, 5)
    paid = buy(made.purse, made.rules, cost=bought.worst, fee=bought.fee)
    assert paid is not None
    assert paid.conversions


def test_the_words_and_tags_say_why() -> None:
    universe = dozen()
    prices = {s.symbol: "10" for s in universe}
    shot = snapshot(
        universe, prices=prices, held={"S00": "20"}, costs={"S00": "12"}, cash={"EUR": "9800"}
    )
    targets = Targets({"S00": Decimal("0.5")}, {"Germany": Decimal("0.5")}, {}, {"S00": "Germany"})
    made = replace(scene(shot, limits=OPEN_CAPS), targets=targets)
    (bought,) = new_money_fill(made, 1)
    assert bought.kind == "rebalance_buys"
    assert bought.tags[:2] == ("new_money", "averaging_down")
    assert "underweight_germany" in bought.tags
    assert bought.reason == (
        "S00 is 2.0% of the portfolio, target 50.0%, €4,800 short of it: free cash buys €4,800"
    )


def test_a_gap_that_one_order_may_not_fill_says_so() -> None:
    limits = replace(OPEN_CAPS, max_order_share=Decimal("0.2"))
    scene = account({}, {"EUR": "10000"}, targets={"S00": "0.5"}, limits=limits)
    (bought,) = new_money_fill(scene, 1)
    assert bought.reason.endswith("free cash buys €1,990, one order €2,000 at most")


CASES = st.tuples(
    st.lists(st.integers(0, 900), min_size=12, max_size=12),
    st.integers(0, 40_000),
    st.lists(st.integers(0, 12), min_size=12, max_size=12),
    st.sampled_from(["3.70", "10", "41", "260"]),
)


def drawn(case: tuple[list[int], int, list[int], str]) -> Scene:
    shares, cash, parts, price = case
    assume(any(parts))
    symbols = [f"S{i:02d}" for i in range(12)]
    held = {s: str(n) for s, n, part in zip(symbols, shares, parts, strict=True) if n and part}
    assume(held or cash)
    whole = max(sum(parts), 20)
    targets = {s: str(Decimal(p) / whole) for s, p in zip(symbols, parts, strict=True) if p}
    return account(held, {"EUR": str(cash)}, targets=targets, price=price)


@settings(max_examples=40)
@given(CASES)
def test_what_is_bought_can_be_paid_in_turn_and_ends_nearer_to_its_target(
    case: tuple[list[int], int, list[int], str],
) -> None:
    made = drawn(case)
    purse = made.purse
    for bought in new_money_fill(made, 5):
        funded = buy(purse, made.rules, cost=bought.worst, fee=bought.fee)
        assert funded is not None
        purse = funded.purse
        target = made.targets.weights[bought.symbol]
        before = target - made.weight(bought.security)
        after = before - Decimal(bought.value_eur.minor) / made.total.minor
        assert abs(after) < before
        assert bought.value_eur >= made.min_trade
    assert made.rules.total_eur(purse) >= min(
        made.rules.total_floor, made.rules.total_eur(made.purse)
    )


@settings(max_examples=25)
@given(st.tuples(*(st.integers(0, 9_000) for _ in range(3))), st.integers(0, 400))
def test_no_currency_falls_below_what_it_keeps(cash: tuple[int, int, int], held: int) -> None:
    currencies = ("EUR", "USD", "GBP")
    universe = tuple(
        security(f"S{i:02d}", number=i + 1, currency=currencies[i % 3]) for i in range(9)
    )
    assume(held or any(cash))
    shot = snapshot(
        universe,
        prices={s.symbol: "7.50" for s in universe},
        held={"S00": str(held)} if held else {},
        cash={code: str(amount) for code, amount in zip(currencies, cash, strict=True)},
    )
    made = scene(shot, limits=OPEN_CAPS)
    purse = made.purse
    for bought in new_money_fill(made, 9):
        funded = buy(purse, made.rules, cost=bought.worst, fee=bought.fee)
        assert funded is not None
        purse = funded.purse
        assert made.rules.total_eur(purse) >= made.rules.total_floor
        for code in currencies:
            before = made.rules.surplus(made.purse, code)
            assert made.rules.surplus(purse, code) >= min(before, 0)


def require_the_least(made: Scene) -> None:
    """The deposit suffices, and no smaller one that is tried does."""
    deposit = new_money_report(made, None).deposit_eur
    assume(deposit is not None)
    assert deposit is not None
    assert can_be_bought_away(made, deposit)
    for less in (1, 100, 10_000, deposit.minor // 3, deposit.minor):
        if 0 < less <= deposit.minor:
            assert not can_be_bought_away(made, Money(deposit.minor - less, "EUR"))


@settings(max_examples=40)
@given(CASES)
def test_with_the_deposit_drift_can_be_bought_away_and_with_less_it_cannot(
    case: tuple[list[int], int, list[int], str],
) -> None:
    require_the_least(drawn(case))


@settings(max_examples=40)
@given(
    st.tuples(st.integers(300, 900), st.integers(0, 300), st.integers(0, 300)),
    st.integers(0, 900),
    st.sampled_from([("0.5", "0.5", "0"), ("0.2", "0.8", "0"), ("0.3", "0.3", "0.4")]),
    st.sampled_from(["3.70", "10", "41", "260"]),
)
def test_where_targets_leave_nothing_the_deposit_pays_for_reserve_and_fees_too(
    shares: tuple[int, int, int], cash: int, weights: tuple[str, str, str], price: str
) -> None:
    symbols = ("S00", "S01", "S02")
    targets = {s: w for s, w in zip(symbols, weights, strict=True) if w != "0"}
    held = {s: str(n) for s, n in zip(symbols, shares, strict=True) if n and s in targets}
    require_the_least(account(held, {"EUR": str(cash)}, targets=targets, price=price))


@settings(max_examples=40)
@given(CASES)
def test_spending_new_money_makes_no_deposit_necessary_that_was_not(
    case: tuple[list[int], int, list[int], str],
) -> None:
    made = drawn(case)
    bought = new_money_fill(made, 12)
    before = new_money_report(made, None)
    after = new_money_report(made, sequence(*bought))
    assert before.spent_eur == eur(0)
    assert before.free_eur == after.free_eur >= after.spent_eur
    paid = sum(c.value_eur.minor + c.fee_eur.minor for c in bought)
    assert after.spent_eur.minor == paid


def test_sales_are_spent_before_new_money() -> None:
    made = account({"S00": "500"}, {"EUR": "1500"}, targets={"S00": "0.5", "S01": "0.5"})
    (bought,) = new_money_fill(made, 1)
    sale = replace(bought, side="SELL")
    report = new_money_report(made, sequence(sale, bought))
    assert report.spent_eur.minor == 2 * bought.fee_eur.minor


def test_a_deposit_dilutes_what_is_too_large() -> None:
    made = account(
        {"S00": "400", "S01": "100"}, {"EUR": "500"}, targets={"S00": "0.5", "S01": "0.5"}
    )
    found = new_money_report(made, None)
    # 4000 is half of 8000 at most, less one smallest trade of 250: 7500, of which 5500 is there.
    assert found.deposit_eur is not None
    assert eur(2000) <= found.deposit_eur <= eur(2600)
    assert found.deposit_share == (found.deposit_eur.amount / 5500).quantize(Decimal("0.0001"))


def test_what_no_deposit_can_dilute_is_named() -> None:
    made = account({"S00": "400", "S01": "100"}, {"EUR": "500"}, targets={"S00": "0.5"})
    found = new_money_report(made, None)
    assert (found.deposit_eur, found.blocked_by) == (None, ("S01",))


def test_what_cannot_be_bought_is_named_when_it_is_short() -> None:
    universe = (security("NEW", number=1, buy=False), security("OLD", number=2))
    shot = snapshot(
        universe, prices={"NEW": "10", "OLD": "10"}, held={"OLD": "500"}, cash={"EUR": "500"}
    )
    half = Decimal("0.5")
    made = replace(scene(shot), targets=Targets({"NEW": half, "OLD": half}, {}, {}))
    assert new_money_report(made, None).blocked_by == ("NEW",)


def test_what_cannot_be_bought_is_named_in_the_same_order_whatever_that_of_the_universe() -> None:
    universe = (
        security("B", number=1, buy=False),
        security("A", number=2, buy=False),
        security("OLD", number=3),
    )
    prices = {"A": "10", "B": "10", "OLD": "10"}
    shot = snapshot(universe, prices=prices, held={"OLD": "500"}, cash={"EUR": "500"})
    third = Decimal("0.33")
    made = replace(scene(shot), targets=Targets(dict.fromkeys(prices, third), {}, {}))
    assert new_money_report(made, None).blocked_by == ("A", "B")


def test_nothing_is_missing_when_everything_is_at_its_target() -> None:
    made = account(
        {"S00": "500", "S01": "500"}, {"EUR": "500"}, targets={"S00": "0.48", "S01": "0.48"}
    )
    assert new_money_report(made, None).deposit_eur == eur(0)
