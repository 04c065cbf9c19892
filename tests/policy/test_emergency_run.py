"""A repair of negative cash, step by step: what it does next, and what it must never do."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.emergency import FINAL, EmergencyRun, EmergencyState, Shortfall
from ledger.fact import is_pair
from ledger.money import Money, Quantity, Rounding
from ledger.order import Intent, OrderState, Proposal
from ledger.portfolio import PortfolioSnapshot
from ledger.quote import Quote
from ledger.rate import RateTable
from ledger.security import FxPair
from policy.emergency import Severity, Sources, available_cash, detect
from policy.emergency_run import confirmed, next_action, pause_until, sightings
from policy.emergency_sales import SaleMarket
from policy.emergency_view import (
    PASSES,
    Action,
    AskOwner,
    Blind,
    EmergencyView,
    Exchange,
    Finish,
    Recommend,
    Sell,
    Wait,
)
from policy.fx import reserve
from policy.limits import DEFAULTS, Limits
from tests.policy.accounts import (
    FEES,
    FREE,
    MIC,
    NOON,
    PAIRS,
    eur,
    fx_market,
    pair,
    quote,
    security,
    snapshot,
)
from tests.support.builders import intent

S = EmergencyState
LATER = NOON + timedelta(hours=2)
UNIVERSE = (security("AAA", number=1), security("USA", number=2, currency="USD"))


def world(
    cash: dict[str, str],
    held: dict[str, str] | None = None,
    *,
    limits: Limits = DEFAULTS,
    opens: datetime = NOON,
    shot: PortfolioSnapshot | None = None,
    quotes: Any = (),
    **changes: Any,
) -> EmergencyView:
    """A live account at noon, looked at twice, with every market open."""
    prices = {"AAA": "100", "USA": "50"}
    seen = shot or snapshot(UNIVERSE, prices=prices, held=held or {}, cash=cash, quotes=quotes)
    fx = replace(fx_market(limits=limits, quotes=quotes), pairs=seen.pairs, rates=seen.rates)
    found = detect(seen, seen.rates, limits)
    negative = tuple(d for d in found if d.severity is Severity.NEGATIVE)
    made = EmergencyView(
        mode="live",
        halted=False,
        age_s=1.0,
        deficits=negative,
        sources=Sources(free=available_cash(seen), market=fx),
        market=SaleMarket(
            now=NOON,
            snapshot=seen,
            rates=seen.rates,
            fees=FREE,
            limits=limits,
            opens={MIC: opens},
            barred={},
        ),
        orders=(),
        pending=(),
        confirmed=frozenset(d.currency for d in negative),
        fx_opens=NOON,
        sold_today=eur(0),
    )
    return replace(made, **changes)


def run_of(view: EmergencyView, **changes: Any) -> EmergencyRun:
    made = EmergencyRun(
        run_id="RUN",
        mode="live",
        state=S.DETECTED,
        started_at=NOON,
        updated_at=NOON,
        deficits=tuple(Shortfall(d.balance, d.need, d.need_eur) for d in view.deficits),
    )
    return replace(made, **changes)


def done(wanted: Proposal, state: OrderState = OrderState.FILLED, units: str = "all") -> Intent:
    filled = wanted.quantity if units == "all" else Quantity.of(units)
    return intent(state, proposal=wanted, filled=filled, intent_id=wanted.step)


def barring(view: EmergencyView, *keys: tuple[Any, Any]) -> EmergencyView:
    return replace(view, market=replace(view.market, barred=dict.fromkeys(keys, LATER)))


def first(view: EmergencyView, **changes: Any) -> Action:
    return next_action(run_of(view, **changes), view)


def a_sale(units: str = "all", step: int = 1) -> Intent:
    made = first(world({"EUR": "-500"}, {"AAA": "90"}))
    assert isinstance(made, Sell)
    return done(replace(made.proposal, step=step), units=units)


# The first step: exchange


def test_a_shortfall_is_exchanged_from_what_another_currency_can_spare() -> None:
    action = first(world({"EUR": "900", "USD": "-104.50"}))
    assert isinstance(action, Exchange)
    assert action.state is S.EXCHANGING
    wanted = action.proposal
    assert (wanted.order_class, wanted.source_id, wanted.step, wanted.attempt) == (
        "emergency", "RUN", 1, 1,
    )  # fmt: skip
    assert (wanted.symbol, wanted.side, wanted.quantity) == ("EUR/USD", "SELL", Quantity.of(102))
    assert action.before == (eur("900"), Money.of("-104.50", "USD"))


def test_the_largest_shortfall_is_cured_first_and_each_order_has_the_next_step() -> None:
    view = world({"EUR": "900", "USD": "-100", "GBP": "-300"})
    earlier = first(world({"EUR": "900", "USD": "-104.50"}))
    assert isinstance(earlier, Exchange)
    again = replace(
        view, orders=(done(replace(earlier.proposal, step=4), OrderState.REFUSED, "0"),)
    )
    action = first(again)
    assert isinstance(action, Exchange)
    assert (action.proposal.symbol, action.proposal.step) == ("EUR/GBP", 5)


def test_an_exchange_is_never_larger_than_one_order_may_be() -> None:
    action = first(world({"EUR": "90000", "USD": "-20000"}))
    assert isinstance(action, Exchange)
    total = Decimal("90000") - Decimal("20000") / Decimal("1.10")
    assert action.proposal.quantity.units <= total / 10
    assert action.proposal.quantity.units > total * Decimal("0.09")


def test_a_refused_exchange_waits_for_its_time_while_another_source_is_used() -> None:
    view = barring(world({"EUR": "900", "USD": "-100", "GBP": "600"}), ("EUR/USD", "SELL"))
    other = first(view)
    assert isinstance(other, Exchange)
    assert other.proposal.symbol == "GBP/USD"
    none = first(barring(view, ("EUR/USD", "SELL"), ("GBP/USD", "SELL")))
    assert none == Wait(S.EXCHANGING, "every conversion was refused lately", LATER)


def test_a_closed_currency_market_is_waited_for() -> None:
    action = first(world({"EUR": "900", "USD": "-100"}, fx_opens=LATER))
    assert isinstance(action, Wait)
    assert (action.state, action.until) == (S.WAITING_MARKET, LATER)


def test_twenty_conversions_end_the_run_and_sell_nothing() -> None:
    view = world({"EUR": "900", "USD": "-100"}, {"AAA": "90"})
    order = first(view)
    assert isinstance(order, Exchange)
    made = tuple(
        done(replace(order.proposal, step=n + 1), OrderState.REFUSED, "0") for n in range(PASSES)
    )
    action = first(replace(view, orders=made))
    assert isinstance(action, Finish)
    assert action.state is S.FAILED


@pytest.mark.parametrize(
    ("eur_now", "usd_now"), [("900", "-104.50"), ("850", "-104.50"), ("900", "-50"), ("950", "-90")]
)
def test_a_conversion_whose_money_went_astray_ends_the_run(eur_now: str, usd_now: str) -> None:
    order = first(world({"EUR": "900", "USD": "-104.50"}))
    assert isinstance(order, Exchange)
    now = world({"EUR": eur_now, "USD": usd_now}, orders=(done(order.proposal),))
    run = run_of(now, state=S.EXCHANGING, before=order.before)
    assert isinstance(next_action(run, now), Finish)


def test_a_conversion_that_moved_both_balances_goes_on_where_it_left_off() -> None:
    order = first(world({"EUR": "900", "USD": "-104.50"}))
    assert isinstance(order, Exchange)
    now = world({"EUR": "850", "USD": "-49.50"}, orders=(done(order.proposal, units="50"),))
    run = run_of(now, state=S.EXCHANGING, before=order.before)
    action = next_action(run, now)
    assert isinstance(action, Exchange)
    assert (action.proposal.quantity, action.proposal.step) == (Quantity.of(51), 2)


# The second step: sell


def test_c6_what_no_exchange_can_bring_is_sold_for() -> None:
    action = first(world({"EUR": "-500"}, {"AAA": "90"}))
    assert isinstance(action, Sell)
    # 505 EUR with the reserve, and a tenth more.
    assert (action.proposal.symbol, action.proposal.quantity) == ("AAA", Quantity.of(6))
    assert action.sale.number == action.proposal.step == 1
    assert "Emergency rebalancing: negative cash balance" in action.proposal.reason


def test_c6_nothing_is_sold_on_a_single_look() -> None:
    action = first(world({"EUR": "-500"}, {"AAA": "90"}, confirmed=frozenset[str]()))
    assert isinstance(action, Wait)
    assert action.look_again


def test_c6_nothing_is_sold_while_an_exchange_is_possible() -> None:
    view = world({"EUR": "-500", "USD": "20"}, {"AAA": "90"})
    assert isinstance(first(view), Exchange)
    assert isinstance(first(barring(view, ("EUR/USD", "BUY"))), Wait)
    assert isinstance(first(replace(view, fx_opens=LATER)), Wait)


def test_nothing_is_sold_while_any_other_order_is_open() -> None:
    other = intent(OrderState.ACTIVE)
    action = first(world({"EUR": "-500"}, {"AAA": "90"}, pending=(other,)))
    assert action == Wait(S.DETECTED, "another order is in flight", withdraw=True)
    unsure = first(
        world({"EUR": "-500"}, {"AAA": "90"}, pending=(other,), confirmed=frozenset[str]())
    )
    assert unsure == Wait(S.DETECTED, "another order is in flight", look_again=True)


def test_no_order_that_rests_is_withdrawn_for_an_exchange_on_a_single_look() -> None:
    view = world({"EUR": "900", "USD": "-100"}, pending=(intent(OrderState.ACTIVE),))
    assert isinstance(first(view), Exchange)
    unsure = first(replace(view, confirmed=frozenset[str]()))
    assert unsure == Wait(S.DETECTED, "another order is in flight", look_again=True)


def test_c7_the_same_shortfall_with_an_unfilled_sale_sells_once() -> None:
    view = world({"EUR": "-500"}, {"AAA": "90"})
    run = run_of(view)
    sale = next_action(run, view)
    assert isinstance(sale, Sell)
    for state in (OrderState.PROPOSED, OrderState.ACTIVE, OrderState.UNKNOWN, OrderState.ESCALATED):
        open_order = intent(state, proposal=sale.proposal)
        again = replace(view, orders=(open_order,), pending=(open_order,))
        for _ in range(5):
            action = next_action(run, again)
            assert isinstance(action, Wait)
            run = replace(run, state=action.state, note=action.why)
    assert run.state is S.AWAITING_FILL


def test_c7_an_open_order_of_an_earlier_run_is_waited_for_too() -> None:
    earlier = intent(OrderState.ACTIVE, proposal=replace(a_sale().proposal, source_id="OLD"))
    action = first(world({"EUR": "-500"}, {"AAA": "90"}, pending=(earlier,)))
    assert isinstance(action, Wait)
    assert action.state is S.DETECTED


def test_a_closed_exchange_is_waited_for_until_its_earliest_open() -> None:
    action = first(world({"EUR": "-500"}, {"AAA": "90"}, opens=LATER))
    assert isinstance(action, Wait)
    assert (action.state, action.until) == (S.WAITING_MARKET, LATER)


def test_a_refused_sale_waits_for_its_time() -> None:
    action = first(barring(world({"EUR": "-500"}, {"AAA": "90"}), ("AAA", "SELL")))
    assert isinstance(action, Wait)
    assert (action.state, action.until) == (S.SELLING, LATER)


def test_with_nothing_to_sell_the_run_fails() -> None:
    action = first(world({"EUR": "-500"}))
    assert isinstance(action, Finish)
    assert action.state is S.FAILED


def test_a_run_that_improved_a_balance_ends_partial() -> None:
    before = run_of(world({"EUR": "-900"}))
    action = next_action(before, world({"EUR": "-500"}))
    assert isinstance(action, Finish)
    assert action.state is S.PARTIAL


def test_a_source_that_only_lacks_a_rate_is_never_taken_one_to_one_and_delays_a_sale() -> None:
    prices, cash = {"AAA": "100"}, {"EUR": "-500", "USD": "5000"}
    shot = snapshot(UNIVERSE, prices=prices, held={"AAA": "90"}, cash=cash, per_eur={"GBP": "0.85"})
    view = world(cash, shot=shot)
    action = first(view)
    assert isinstance(action, Wait)
    assert action.until == NOON + timedelta(hours=1)
    assert "USD" in action.why


def test_an_unknown_rate_of_the_shortfall_itself_orders_nothing() -> None:
    cash = {"EUR": "500", "USD": "-100"}
    shot = snapshot(UNIVERSE, held={"AAA": "90"}, cash=cash, per_eur={})
    assert isinstance(first(world(cash, shot=shot)), Wait)


def test_the_day_s_share_is_sold_without_the_owner_and_no_more() -> None:
    view = world({"EUR": "-5000"}, {"AAA": "100"})
    total = view.snapshot.total_eur
    assert total == eur("5000")
    share = first(view, state=S.SELLING)
    assert isinstance(share, Sell)
    assert share.proposal.quantity.units == 9  # one order is at most 1,000 EUR
    asked = first(replace(view, sold_today=eur("900")))
    assert isinstance(asked, Sell)
    assert asked.proposal.quantity.units == 1
    spent = replace(view, sold_today=eur("1000"))
    question = first(spent)
    assert isinstance(question, AskOwner)
    assert question.most == eur("5755.75")  # 5,005 EUR, a tenth more and what an exchange costs
    assert isinstance(first(spent, asked=question.most), AskOwner)
    assert isinstance(first(spent, asked=question.most, owner="confirm"), Sell)


def test_the_owner_s_word_holds_for_what_was_asked_and_for_no_more() -> None:
    """However long the run goes on: a shortfall that grows is another question."""
    spent = world({"EUR": "-5000"}, {"AAA": "100"}, sold_today=eur("1000"))
    said = {"asked": eur("800"), "owner": "confirm"}
    action = first(spent, **said)
    assert isinstance(action, Sell)
    assert action.proposal.quantity.units == 8
    again = first(replace(spent, orders=(a_sale("6"),)), **said)
    assert isinstance(again, Sell)
    assert again.proposal.quantity.units == 2
    more = first(replace(spent, orders=(a_sale("6"), a_sale("2", step=2))), **said)
    assert isinstance(more, AskOwner)
    assert more.most > eur("800") + eur("5000")


def test_a_question_stays_open_while_nothing_can_be_sold_anyway() -> None:
    view = world({"EUR": "-5000"}, {"AAA": "100"}, sold_today=eur("1000"))
    for quiet in (
        replace(view, market=replace(view.market, opens={MIC: LATER})),
        barring(view, ("AAA", "SELL")),
    ):
        action = first(quiet, state=S.WAITING_OWNER)
        assert isinstance(action, Wait)
        assert (action.state, action.until) == (S.WAITING_OWNER, LATER)


@pytest.mark.parametrize("room", ["1.50", "3", "40"])
def test_a_crumb_of_the_day_s_share_is_not_sold_for_its_fee(room: str) -> None:
    shot = snapshot(UNIVERSE, prices={"AAA": "1"}, held={"AAA": "10000"}, cash={"EUR": "-5000"})
    view = world({"EUR": "-5000"}, shot=shot, sold_today=eur("1000") - eur(room))
    dear = replace(view, market=replace(view.market, fees=FEES))
    assert isinstance(first(dear), AskOwner)


def test_what_waits_for_the_owner_goes_on_by_itself_on_the_next_day() -> None:
    view = world({"EUR": "-5000"}, {"AAA": "100"})
    assert isinstance(first(view, state=S.WAITING_OWNER), Sell)


def test_a_lot_that_is_more_than_one_order_may_be_is_not_sold() -> None:
    listed = (security("AAA", lot="50"),)
    shot = snapshot(listed, prices={"AAA": "100"}, held={"AAA": "100"}, cash={"EUR": "-500"})
    action = first(world({"EUR": "-500"}, shot=shot))
    assert isinstance(action, Finish)


@pytest.mark.parametrize("dear", ["5000", "1100"])
def test_a_holding_whose_lot_is_too_large_for_one_order_does_not_hide_the_others(
    dear: str,
) -> None:
    """It would be proposed first, for being worth most, and refused for ever."""
    listed = (security("BIG", number=3), security("AAA", number=1))
    shot = snapshot(
        listed,
        prices={"AAA": "20", "BIG": dear},
        held={"BIG": "1", "AAA": "4"},
        cash={"EUR": "-50"},
    )
    action = first(world({"EUR": "-50"}, shot=shot))
    assert isinstance(action, Sell)
    assert (action.proposal.symbol, action.proposal.quantity) == ("AAA", Quantity.of(4))


@pytest.mark.parametrize(
    ("dollar", "known"),
    [
        (quote("EUR/USD", "1.30", "USD"), pair("EUR/USD")),
        (None, pair("EUR/USD", lot="10000")),
        (None, replace(pair("EUR/USD"), min_quantity=Quantity.of(100), proven=False)),
    ],
    ids=["a price nobody believes", "less than a lot", "below the minimum"],
)
def test_c6_nothing_is_sold_for_money_that_could_not_be_exchanged(
    dollar: Quote | None, known: FxPair
) -> None:
    """With euros enough that cannot become dollars, more euros are no help."""
    cash, quotes = {"EUR": "5000", "USD": "-500"}, () if dollar is None else (dollar,)
    prices = {"AAA": "100", "USA": "50"}
    for held, sells in (({"AAA": "90"}, False), ({"AAA": "90", "USA": "40"}, True)):
        shot = snapshot(
            UNIVERSE, prices=prices, held=held, cash=cash, quotes=quotes, pairs=(known,)
        )
        view = world(cash, shot=shot, quotes=quotes)
        action = first(view, started_at=NOON - timedelta(hours=2))
        if sells:
            assert isinstance(action, Sell)
            assert action.proposal.symbol == "USA"
        else:
            assert isinstance(action, Finish)


def test_c6_nothing_is_sold_when_the_fee_of_the_exchange_could_not_be_paid() -> None:
    cash = {"EUR": "2", "GBP": "-500"}
    shot = snapshot(UNIVERSE, prices={"USA": "50"}, held={"USA": "90"}, cash=cash)
    free = world(cash, shot=shot)
    assert isinstance(first(free), Sell)
    dear = replace(free.sources.market, fees=FEES)
    charged = replace(free, sources=replace(free.sources, market=dear))
    assert isinstance(first(charged), Finish)


def test_c6_in_each_currency_only_that_is_sold_for_which_its_money_can_cure() -> None:
    cash, held = {"EUR": "-20", "USD": "-500"}, {"AAA": "90", "USA": "40"}
    prices = {"AAA": "100", "USA": "50"}
    shot = snapshot(UNIVERSE, prices=prices, held=held, cash=cash, pairs=())
    action = first(world(cash, shot=shot))
    assert isinstance(action, Sell)
    assert (action.proposal.symbol, action.proposal.quantity) == ("AAA", Quantity.of(1))


def test_c6_what_was_sold_is_not_sold_for_again_when_its_price_is_not_believed_any_more() -> None:
    """Nor does the run end: the next one would not know what was sold for already."""
    cash, quotes = {"EUR": "600", "USD": "-500"}, (quote("EUR/USD", "1.30", "USD"),)
    prices, held = {"AAA": "100", "USA": "50"}, {"AAA": "84", "USA": "40"}
    shot = snapshot(UNIVERSE, prices=prices, held=held, cash=cash, quotes=quotes)
    view = world(cash, shot=shot, quotes=quotes, orders=(a_sale(),))
    for state in (S.AWAITING_FILL, S.FINAL_EXCHANGE):
        action = first(view, state=state, started_at=NOON - timedelta(hours=2))
        assert action == Wait(state, "no trustworthy rate of EUR")


def test_c6_what_was_sold_is_not_sold_for_again_when_its_rate_is_too_old_to_trade_on() -> None:
    cash, sold = {"EUR": "-500", "USD": "620"}, a_sale()
    dollars = replace(sold, proposal=replace(sold.proposal, symbol="USA", currency="USD"))
    prices, held = {"AAA": "100", "USA": "50"}, {"AAA": "84", "USA": "40"}
    view = world(
        cash, shot=snapshot(UNIVERSE, prices=prices, held=held, cash=cash), orders=(dollars,)
    )
    fresh = RateTable({c: r for c, r in view.snapshot.rates.per_eur.items() if c != "USD"})
    stale = replace(
        view,
        sources=replace(view.sources, market=replace(view.sources.market, rates=fresh)),
        market=replace(view.market, rates=fresh),
    )
    action = first(stale, state=S.AWAITING_FILL, started_at=NOON - timedelta(hours=2))
    assert action == Wait(S.AWAITING_FILL, "no trustworthy rate of USD")
    assert isinstance(first(view, state=S.AWAITING_FILL), Exchange)


# The third step


def test_what_a_sale_brought_in_another_currency_is_exchanged_at_last() -> None:
    view = world({"EUR": "600", "USD": "-500"}, {"AAA": "84"}, orders=(a_sale(),))
    action = first(view, state=S.AWAITING_FILL)
    assert isinstance(action, Exchange)
    assert action.state is S.FINAL_EXCHANGE


def test_a_partly_executed_sale_is_followed_by_one_for_the_rest() -> None:
    view = world({"EUR": "-400"}, {"AAA": "89"}, orders=(a_sale("1"),))
    action = first(view, state=S.AWAITING_FILL)
    assert isinstance(action, Sell)
    assert (action.proposal.quantity, action.proposal.step) == (Quantity.of(5), 2)


def test_a_withdrawn_sale_is_made_anew_with_the_next_step() -> None:
    order = a_sale()
    gone = replace(order, state=OrderState.CANCELLED, filled=Quantity(0))
    action = first(world({"EUR": "-500"}, {"AAA": "90"}, orders=(gone,)), state=S.AWAITING_FILL)
    assert isinstance(action, Sell)
    assert (action.proposal.quantity, action.proposal.step) == (Quantity.of(6), 2)


def test_after_the_last_exchange_nothing_is_sold_any_more() -> None:
    view = world({"EUR": "-100"}, {"AAA": "84"}, orders=(a_sale(),))
    action = first(view, state=S.FINAL_EXCHANGE)
    assert isinstance(action, Finish)


# What stops or ends it


def test_no_balance_below_zero_is_resolved() -> None:
    healthy = world({"EUR": "2", "USD": "100"})
    assert first(healthy) == Finish(S.RESOLVED, "no balance is below zero")


def test_an_unknown_situation_changes_nothing() -> None:
    view = world({"EUR": "900", "USD": "-100"})
    for state in S:
        if state not in FINAL:
            action = next_action(run_of(view, state=state), Blind("live", "no line"))
            assert action == Wait(state, "the situation is unknown: no line")


def test_a_halt_and_an_old_account_stop_every_order() -> None:
    view = world({"EUR": "900", "USD": "-100"})
    assert isinstance(first(replace(view, halted=True)), Wait)
    old = first(replace(view, age_s=61.0))
    assert isinstance(old, Wait)
    assert old.look_again


def test_a_change_of_the_mode_aborts_before_the_next_order() -> None:
    view = world({"EUR": "900", "USD": "-100"})
    for changed in (
        next_action(run_of(view), replace(view, mode="research")),
        next_action(run_of(view), Blind("research", "no line")),
        next_action(run_of(view, mode="research"), view),
    ):
        assert isinstance(changed, Finish)
        assert changed.state is S.ABORTED


def test_research_exchanges_nothing_and_only_shows_what_it_would_sell() -> None:
    curable = world({"EUR": "900", "USD": "-100"}, {"AAA": "90"}, mode="research")
    assert first(curable, mode="research") == Recommend(
        (), "research: an exchange would cure it, nothing is ordered"
    )
    broke = world({"EUR": "-500"}, {"AAA": "90"}, mode="research")
    action = first(broke, mode="research")
    assert isinstance(action, Recommend)
    assert [(s.number, s.symbol, s.quantity) for s in action.sales] == [(1, "AAA", Quantity.of(6))]


def test_two_looks_must_be_ten_seconds_apart_without_a_good_one_between() -> None:
    def look(at_s: float, usd: str) -> PortfolioSnapshot:
        shot = snapshot(UNIVERSE, cash={"EUR": "100", "USD": usd})
        return replace(shot, read_at_s=at_s)

    seen = sightings({}, look(0, "-1"))
    assert confirmed(seen, look(9.9, "-1")) == frozenset()
    assert confirmed(sightings(seen, look(10, "-2")), look(10, "-2")) == {"USD"}
    cured = sightings(seen, look(5, "1"))
    assert confirmed(sightings(cured, look(12, "-1")), look(12, "-1")) == frozenset()


def ended(state: EmergencyState, minutes: int, **changes: Any) -> EmergencyRun:
    at = NOON + timedelta(minutes=minutes)
    return run_of(world({"EUR": "-1"}), state=state, ended_at=at, **changes)


def test_after_failures_the_pauses_grow_to_half_an_hour() -> None:
    for failures, minutes in enumerate((5, 10, 20, 30, 30), start=1):
        recent = [ended(S.FAILED, 0)] * failures
        pause = pause_until(recent, frozenset({"EUR"}), NOON)
        assert pause == NOON + timedelta(minutes=minutes)
        assert pause_until(recent, frozenset({"EUR"}), pause) is None
    cured_before = [ended(S.PARTIAL, 0), ended(S.RESOLVED, -60), ended(S.FAILED, -90)]
    assert pause_until(cured_before, frozenset({"EUR"}), NOON) == NOON + timedelta(minutes=5)


def test_another_shortfall_or_a_cured_one_that_comes_back_does_not_wait() -> None:
    assert pause_until([], frozenset({"EUR"}), NOON) is None
    assert pause_until([ended(S.FAILED, 0)], frozenset({"USD"}), NOON) is None
    assert pause_until([ended(S.RESOLVED, 0)], frozenset({"EUR"}), NOON) is None
    assert pause_until([ended(S.ABORTED, 0)], frozenset({"EUR"}), NOON) is None


def test_after_the_owner_s_no_the_rest_of_the_day_is_quiet() -> None:
    said_no = [ended(S.ABORTED, 0, owner="abort")]
    assert pause_until(said_no, frozenset({"EUR"}), NOON) == datetime(
        2026, 3, 5, tzinfo=NOON.tzinfo
    )


# Whole runs


@dataclass
class Life:
    """An account that lives through a run; every order executes as the test says."""

    cash: dict[str, int]
    held: dict[str, int]
    prices: dict[str, str]
    per_eur: dict[str, str]
    orders: list[Intent] = field(default_factory=list[Intent])
    sold: list[Money] = field(default_factory=list[Money])

    def view(self) -> EmergencyView:
        shot = snapshot(
            UNIVERSE,
            prices=self.prices,
            held={s: str(units) for s, units in self.held.items() if units},
            cash={c: str(Money(minor, c).amount) for c, minor in self.cash.items()},
            per_eur=self.per_eur,
            pairs=PAIRS,
        )
        return world({}, shot=shot, orders=tuple(self.orders))

    def execute(self, wanted: Proposal, part: Decimal) -> None:
        """`part` of the order at its decision price, a lot at least."""
        lot = Quantity.of(1)
        quantity = max(Quantity(int(wanted.quantity.micro * part)).floor_to_lot(lot), lot)
        state = OrderState.FILLED if quantity == wanted.quantity else OrderState.CANCELLED
        self.orders.append(intent(state, proposal=wanted, filled=quantity, intent_id=wanted.step))
        sign = 1 if wanted.side == "BUY" else -1
        rounding = Rounding.CEIL if sign > 0 else Rounding.FLOOR
        gross = wanted.decision_price.times(quantity, rounding)
        self.cash[gross.currency] -= sign * gross.minor
        if is_pair(wanted.symbol):
            self.cash[wanted.symbol.split("/")[0]] += sign * quantity.micro // 10_000
        else:
            self.held[wanted.symbol] -= int(quantity.units)
            self.sold.append(gross)


def live_through(life: Life, parts: list[Decimal]) -> tuple[EmergencyRun, EmergencyView]:
    """Run to the end or to a wait; each order executes in the next part."""
    run, view = run_of(life.view()), life.view()
    for number in range(4 * PASSES):
        view = life.view()
        action = next_action(run, view)
        if isinstance(action, Finish | Wait):
            state = action.state
            return replace(run, state=state), view
        if isinstance(action, AskOwner):
            run = replace(run, asked=action.most, owner="confirm", state=S.SELLING)
            continue
        assert isinstance(action, Exchange | Sell)
        part = parts[number % len(parts)]
        if isinstance(action, Exchange):
            _check_exchange(action, view)
            run = replace(run, state=action.state, before=action.before)
            # A conversion of which nothing executes is not what is looked at here.
            part = max(part, Decimal("0.5"))
        else:
            run = replace(run, state=S.AWAITING_FILL)
        life.execute(action.proposal, part)
    raise AssertionError("the run did not end")


def _check_exchange(action: Exchange, view: EmergencyView) -> None:
    """The source is the one with a surplus, and keeps its reserve after the order."""
    source, target = action.before
    keep = reserve(source.currency, view.snapshot.rates, DEFAULTS)
    assert keep is not None
    wanted = action.proposal
    base = wanted.symbol.split("/")[0]
    if wanted.side == "SELL":
        spent = Money(wanted.quantity.micro // 10_000, base)
    else:
        spent = wanted.decision_price.times(wanted.quantity, Rounding.CEIL)
    assert spent.currency == source.currency
    assert source - spent >= keep
    assert spent.minor > 0
    assert target.currency != source.currency


@settings(max_examples=60, deadline=None)
@given(
    balances=st.lists(st.integers(-3_000_00, 3_000_00), min_size=4, max_size=4),
    held=st.tuples(st.integers(0, 200), st.integers(0, 200)),
    prices=st.tuples(st.integers(1, 400), st.integers(1, 400)),
    usd=st.sampled_from(["0.5", "1.10", "7.25"]),
    parts=st.lists(st.sampled_from(["1", "0.5", "0.9"]), min_size=1, max_size=3),
)
def test_c4_c6_c7_whole_runs_keep_reserves_and_never_sell_more_than_is_missing(
    balances: list[int],
    held: tuple[int, int],
    prices: tuple[int, int],
    usd: str,
    parts: list[str],
) -> None:
    life = Life(
        cash=dict(zip(("EUR", "USD", "GBP", "HKD"), balances, strict=True)),
        held={"AAA": held[0], "USA": held[1]},
        prices={"AAA": str(prices[0]), "USA": str(prices[1])},
        per_eur={"USD": usd, "GBP": "0.85", "HKD": "8.50"},
    )
    start = life.view()
    need = sum(d.need_eur.minor for d in start.deficits if d.need_eur is not None)
    run, view = live_through(life, [Decimal(part) for part in parts])
    rates = view.snapshot.rates
    proceeds = sum(money.minor for money in map(rates.to_eur, life.sold) if money is not None)
    lots = [rates.to_eur(Money.of(p, c)) for p, c in zip(prices, ("EUR", "USD"), strict=True)]
    one_lot = max(lot.minor for lot in lots if lot is not None)
    if not any(balance < 0 for balance in balances):
        assert (run.state, proceeds, life.orders) == (S.RESOLVED, 0, [])
        return
    assert proceeds <= need * Decimal("1.10") + one_lot + 5
    # Reserves of 5 EUR and fractions of a lot may swallow what is sold for less than this.
    if need >= 400_00 and held[0] * prices[0] * 100 >= 3 * need + one_lot:
        assert run.state is S.RESOLVED
    if run.state is S.RESOLVED:
        assert min(life.cash.values()) >= 0
    for currency, before in zip(("EUR", "USD", "GBP", "HKD"), balances, strict=True):
        if before >= 0:
            assert life.cash[currency] >= 0
