"""Books and broker: every disagreement has a name, and only a rounding does not block."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.account import AccountSnapshot, CashBalance, Holding
from ledger.currency import exponent
from ledger.money import Money, Quantity
from policy.books import SETTLED_UNITS, Difference, compare, settles_itself
from tests.support.builders import NOW, account

balances = st.dictionaries(st.sampled_from(("EUR", "USD", "JPY")), st.integers(-(10**6), 10**6))
holdings = st.dictionaries(st.sampled_from(("A.EU", "B.EU", "C.US")), st.integers(0, 10**9))


def broker(cash: Mapping[str, int], held: Mapping[str, int]) -> AccountSnapshot:
    money = {code: Money(minor, code) for code, minor in cash.items()}
    return AccountSnapshot(
        as_of=NOW,
        read_at_s=1.0,
        complete=True,
        cash={code: CashBalance(amount, amount) for code, amount in money.items()},
        holdings={
            symbol: Holding(symbol, "XF0000000001", Quantity(micro), None, "EUR")
            for symbol, micro in held.items()
        },
    )


@given(balances, holdings)
def test_equal_books_differ_nowhere(cash: dict[str, int], held: dict[str, int]) -> None:
    assert compare(cash, held, broker(cash, held)) == ()


@given(balances, holdings, balances, holdings)
def test_books_and_broker_see_the_same_differences_from_both_sides(
    cash: dict[str, int], held: dict[str, int], cash_there: dict[str, int], there: dict[str, int]
) -> None:
    found = compare(cash, held, broker(cash_there, there))
    mirrored = compare(cash_there, there, broker(cash, held))
    assert [(d.account, d.key, d.books, d.broker) for d in found] == [
        (d.account, d.key, d.broker, d.books) for d in mirrored
    ]
    assert [d.blocking for d in found] == [d.blocking for d in mirrored]


@given(balances, holdings, balances, holdings)
def test_settling_every_difference_makes_the_books_equal(
    cash: dict[str, int], held: dict[str, int], cash_there: dict[str, int], there: dict[str, int]
) -> None:
    seen = broker(cash_there, there)
    books: dict[tuple[str, str], int] = {}
    books |= {("cash", key): minor for key, minor in cash.items()}
    books |= {("holding", key): micro for key, micro in held.items()}
    for item in compare(cash, held, seen):
        assert books.get((item.account, item.key), 0) == item.books != item.broker
        books[item.account, item.key] = item.broker
    settled_cash = {key: value for (kind, key), value in books.items() if kind == "cash"}
    settled = {key: value for (kind, key), value in books.items() if kind == "holding"}
    assert compare(settled_cash, settled, seen) == ()


@given(balances, holdings)
def test_differences_come_in_a_fixed_order(cash: dict[str, int], held: dict[str, int]) -> None:
    found = [(item.account, item.key) for item in compare(cash, held, broker({}, {}))]
    assert found == sorted(found)


def test_a_balance_of_nothing_equals_no_balance() -> None:
    assert compare({"EUR": 0}, {"A.EU": 0}, broker({}, {})) == ()
    assert compare({}, {}, broker({"EUR": 0}, {"A.EU": 0})) == ()


@given(st.sampled_from(("EUR", "USD", "JPY")), st.integers(-(10**6), 10**6), st.integers(-300, 300))
def test_cash_blocks_beyond_one_unit_of_its_currency(code: str, books: int, off: int) -> None:
    difference = Difference("cash", code, books, books + off)
    assert difference.blocking == (abs(off) > 10 ** exponent(code))


@pytest.mark.parametrize(("off", "blocking"), [(100, False), (101, True), (-100, False)])
def test_one_euro_is_rounding_and_a_cent_more_is_not(off: int, blocking: bool) -> None:
    assert Difference("cash", "EUR", 5_00, 5_00 + off).blocking is blocking


@given(st.integers(0, 10**9), st.integers(0, 10**9).filter(bool))
def test_any_difference_of_a_holding_blocks(books: int, off: int) -> None:
    assert Difference("holding", "A.EU", books, books + off).blocking


def test_what_may_be_spent_is_compared_not_what_is_settled() -> None:
    seen = account(EUR="10")
    both = CashBalance(available=Money(10_00, "EUR"), settled=Money(3_00, "EUR"))
    pending = AccountSnapshot(seen.as_of, 1.0, True, {"EUR": both}, {})
    assert compare({"EUR": 10_00}, {}, pending) == ()


@given(st.integers(-100, 100).filter(bool), st.integers(0, 600))
def test_small_differences_settle_themselves_up_to_five_units_in_all(off: int, before: int) -> None:
    difference = Difference("cash", "EUR", 0, off)
    assert settles_itself(difference, before) == (before + abs(off) <= SETTLED_UNITS * 100)


@pytest.mark.parametrize(
    "difference",
    [
        Difference("cash", "EUR", 0, 101),
        Difference("holding", "A.EU", 0, 1),
        Difference("journal", "core:cash:EUR", 0, 1),
        Difference("cash", "???", 0, 1),
    ],
)
def test_what_blocks_never_settles_itself(difference: Difference) -> None:
    assert difference.blocking
    assert not settles_itself(difference, 0)
