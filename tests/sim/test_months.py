"""Device-months, and every invariant by its id: it was asked, often, and never found broken.

`python -m tests.sim.months` lives a thousand of them; the few here are lived once per process and
shared by all tests. A broken one prints the command that replays it.
"""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.sim.campaign import Campaign, Outcome, run
from tests.sim.conftest import MEMORY

# Together they give every invariant something to judge.
SHORT = (23, 29, 47, 49)
# Lived only while an invariant had nothing to judge in the months before.
FURTHER = range(30, 38)
LONG = range(2000, 2003)


@cache
def month(seed: int) -> Outcome:
    place = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(dir=place, prefix="trimtab-") as folder:
        return run(Campaign.month(seed), Path(folder))


def check(seed: int) -> Outcome:
    outcome = month(seed)
    if outcome.problems:
        print(f"replay: python -m tests.sim.replay {seed} --month")
    assert outcome.problems == ()
    return outcome


def asked(name: str) -> int:
    """How often the few months put this invariant to the test, and further ones where they must."""
    times = sum(check(seed).asked.get(name, 0) for seed in SHORT)
    for seed in FURTHER:
        if times:
            break
        times = check(seed).asked.get(name, 0)
    return times


@pytest.mark.parametrize("seed", SHORT)
def test_o1_to_s4_hold_through_a_device_month(seed: int) -> None:
    assert check(seed).filled > 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", LONG)
def test_o1_to_s4_hold_through_many_device_months(seed: int) -> None:
    check(seed)


def test_o1_one_decision_is_at_most_one_order() -> None:
    assert asked("O1") > 0


def test_o2_no_order_is_lost_between_sending_and_recording() -> None:
    assert asked("O2") > 0


def test_o3_no_order_is_sent_twice() -> None:
    assert asked("O3") > 0


def test_o4_no_order_leaves_on_a_failed_read() -> None:
    assert asked("O4") > 0


def test_o5_every_order_has_a_durable_intent_first() -> None:
    assert asked("O5") > 0


def test_o6_what_was_refused_moves_nothing() -> None:
    assert asked("O6") > 0


def test_o7_quantities_are_the_sum_of_fills() -> None:
    assert asked("O7") > 0


def test_o8_every_fill_is_one_row() -> None:
    assert asked("O8") > 0


def test_o9_what_ended_reserves_nothing() -> None:
    assert asked("O9") > 0


def test_o10_one_order_is_in_flight_at_most() -> None:
    assert asked("O10") > 0


def test_o11_nothing_unknown_is_sent() -> None:
    assert asked("O11") > 0


def test_o12_research_never_reaches_the_live_books() -> None:
    assert asked("O12") > 0


def test_o13_orders_leave_only_when_live_then_and_now() -> None:
    assert asked("O13") > 0


def test_c1_nothing_is_ever_sold_short() -> None:
    assert asked("C1") > 0


def test_c2_a_purchase_leaves_the_reserve() -> None:
    assert asked("C2") > 0


def test_c3_the_books_are_the_exchanges() -> None:
    assert asked("C3") > 0


def test_c4_a_conversion_leaves_its_source_the_reserve() -> None:
    assert asked("C4") > 0


def test_c5_a_conversion_is_as_large_as_the_need() -> None:
    assert asked("C5") > 0


def test_c6_sales_for_cash_need_negative_cash() -> None:
    assert asked("C6") > 0


def test_c7_a_deficit_is_covered_once() -> None:
    assert asked("C7") > 0


def test_c8_every_quantity_is_a_multiple_of_its_lot() -> None:
    assert asked("C8") > 0


def test_c9_the_buckets_add_up() -> None:
    assert asked("C9") > 0


def test_c10_no_value_without_a_rate() -> None:
    assert asked("C10") > 0


def test_m1_nothing_is_sent_to_a_closed_market() -> None:
    assert asked("M1") > 0


def test_m2_nothing_is_sent_far_from_the_price() -> None:
    assert asked("M2") > 0


def test_m3_every_fill_keeps_its_limit() -> None:
    assert asked("M3") > 0


def test_m4_cool_offs_and_holds_are_kept() -> None:
    assert asked("M4") > 0


def test_m5_the_pace_is_kept() -> None:
    assert asked("M5") > 0


def test_m6_a_day_of_losses_stops_trading() -> None:
    assert asked("M6") > 0


def test_m7_a_wrong_clock_shortens_nothing() -> None:
    assert asked("M7") > 0


def test_k1_the_postings_are_the_balances() -> None:
    assert asked("K1") > 0


def test_k2_a_flow_is_booked_as_it_stands() -> None:
    assert asked("K2") > 0


def test_k3_every_deposit_is_divided_once() -> None:
    assert asked("K3") > 0


def test_k4_the_parts_of_a_deposit_add_up() -> None:
    assert asked("K4") > 0


def test_k5_a_dividend_is_spent_once() -> None:
    assert asked("K5") > 0


def test_k6_reinvestments_cost_what_their_pots_give() -> None:
    assert asked("K6") > 0


def test_k7_fees_are_not_withdrawals() -> None:
    assert asked("K7") > 0


def test_k8_writers_leave_each_other_alone() -> None:
    assert asked("K8") > 0


def test_k9_a_portfolio_is_seen_whole() -> None:
    assert asked("K9") > 0


def test_k10_a_backup_holds_every_table() -> None:
    assert asked("K10") > 0


def test_s1_an_actor_that_dies_is_started_again() -> None:
    assert asked("S1") > 0


def test_s2_a_hanging_call_holds_up_nobody() -> None:
    assert asked("S2") > 0


def test_s3_a_folder_has_one_holder() -> None:
    assert asked("S3") > 0


def test_s4_nothing_is_sent_while_halted() -> None:
    assert asked("S4") > 0
