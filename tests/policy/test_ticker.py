"""The ticker line says what is known, whole figures only."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.ticker import (
    SEPARATOR,
    TickerAction,
    TickerInput,
    amount_text,
    cash_text,
    compose,
    fill_text,
    plain_number,
)

ACTIONS = (
    TickerAction("BUY", "XIAO.1810.HK", Decimal(855)),
    TickerAction("SELL", "abc.de", Decimal("199.5")),
)
FULL = TickerInput(total_value_eur=Decimal(12345), cash_eur=Decimal(675), actions=ACTIONS)

amounts = st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, places=2)
actions = st.builds(
    TickerAction,
    side=st.sampled_from(["BUY", "SELL"]),
    symbol=st.text(st.characters(codec="utf-8", exclude_characters="*"), max_size=12),
    value_eur=amounts,
)
inputs = st.builds(
    TickerInput,
    total_value_eur=st.none() | amounts,
    cash_eur=st.none() | amounts,
    actions=st.lists(actions, max_size=12).map(tuple),
    show_amounts=st.booleans(),
    max_actions=st.integers(1, 10),
    research=st.booleans(),
)


def test_the_whole_line() -> None:
    assert compose(FULL) == "PORTFOLIO €12,345 * CASH €675 * BUY XIAO €855 * SELL ABC €200"


def test_nothing_known_is_an_empty_line_even_in_research() -> None:
    assert compose(TickerInput()) == ""
    assert compose(TickerInput(research=True)) == ""


def test_an_unknown_figure_is_left_out_not_shown_as_zero() -> None:
    assert compose(TickerInput(cash_eur=Decimal(5))) == "CASH €5"


@pytest.mark.parametrize(
    ("cash", "text"),
    [
        ("0", ""),
        ("0.3", "CASH €0"),
        ("-0.3", "CASH <€0"),
        ("-675.2", "CASH -€675"),
        ("-1234.5", "CASH -€1,234"),
    ],
)
def test_negative_cash_is_shown_as_such_and_none_is_not_shown(cash: str, text: str) -> None:
    assert compose(TickerInput(cash_eur=Decimal(cash))) == text


def test_each_part_can_be_switched_off() -> None:
    hidden = TickerInput(
        total_value_eur=Decimal(1),
        cash_eur=Decimal(2),
        actions=ACTIONS,
        show_value=False,
        show_cash=False,
        show_amounts=False,
    )
    assert compose(hidden) == "BUY XIAO * SELL ABC"
    silent = TickerInput(total_value_eur=Decimal(1), actions=ACTIONS, show_actions=False)
    assert compose(silent) == "PORTFOLIO €1"


def test_no_more_actions_than_asked_for() -> None:
    assert compose(TickerInput(actions=ACTIONS, max_actions=1)) == "BUY XIAO €855"


def test_simulated_figures_say_so() -> None:
    line = compose(TickerInput(total_value_eur=Decimal(9), research=True))
    assert line == "SIM PORTFOLIO €9"


def test_a_line_too_long_loses_whole_parts_from_its_end() -> None:
    assert compose(FULL, max_bytes=40) == "PORTFOLIO €12,345 * CASH €675"
    assert compose(FULL, max_bytes=5) == ""


@given(data=inputs, max_bytes=st.integers(0, 300))
def test_every_line_fits_and_consists_of_whole_leading_parts(
    data: TickerInput, max_bytes: int
) -> None:
    line = compose(data, max_bytes=max_bytes)
    whole = compose(data, max_bytes=100_000)
    assert len(line.encode()) <= max_bytes
    assert line == line.upper()
    assert whole == line or not line or whole.startswith(line + SEPARATOR)
    assert not data.research or not line or line.startswith("SIM ")


@pytest.mark.parametrize("count", [0, 11])
def test_the_number_of_actions_is_bounded(count: int) -> None:
    with pytest.raises(ValueError, match="must be 1–10"):
        TickerInput(max_actions=count)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        ("0.5", "EUR", "€0"),
        ("1.5", "EUR", "€2"),
        ("2.5", "EUR", "€2"),
        ("-0.4", "EUR", "€0"),
        ("-5.4", "EUR", "-€5"),
        ("1234567.89", "USD", "$1,234,568"),
        ("99.5", "GBP", "£100"),
        ("1000", "CHF", "CHF 1,000"),
    ],
)
def test_amounts_are_rounded_half_to_even_with_the_sign_of_their_currency(
    amount: str, currency: str, text: str
) -> None:
    assert amount_text(Decimal(amount), currency) == text


@pytest.mark.parametrize(
    ("quantity", "text"), [("12", "12"), ("0.50", "0.5"), ("1E+3", "1,000"), ("100", "100")]
)
def test_quantities_read_plainly(quantity: str, text: str) -> None:
    assert plain_number(Decimal(quantity)) == text


def test_a_fill_in_words() -> None:
    bought = fill_text("BUY", quantity=Decimal(12), symbol="demo-bond.eu", value=Decimal("345.20"))
    assert bought == "BOUGHT 12 DEMO-BOND €345"
    sold = fill_text("SELL", quantity=Decimal("0.5"), symbol="ABC", value=None, research=True)
    assert sold == "SIM SOLD 0.5 ABC"
    abroad = fill_text("BUY", quantity=Decimal(1), symbol="X.US", value=Decimal(20), currency="USD")
    assert abroad == "BOUGHT 1 X $20"


def test_a_fill_of_no_order_of_ours_says_so() -> None:
    bought = fill_text("BUY", quantity=Decimal(3), symbol="X.EU", value=Decimal(20), foreign=True)
    assert bought == "FOREIGN BOUGHT 3 X €20"


def test_cash_movements_in_words() -> None:
    assert cash_text("DEPOSIT", amount=Decimal(1000)) == "DEPOSIT €1,000"
    assert cash_text("WITHDRAWAL", amount=Decimal(-50)) == "WITHDRAWAL €50"
    assert cash_text("DIVIDEND", amount=Decimal(7), currency="SEK") == "DIVIDEND SEK 7"
