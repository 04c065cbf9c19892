"""Values and returns of past days: exact, unmoved by flows and splits, unknown where unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.analytics import UnknownDay
from ledger.holdings import BookedSplit, HoldingsHistory, Movement, Traded
from policy.balance_lines import AssetPrices
from policy.reconstruction import Reconstruction, reconstruct
from tests.policy.account_days import (
    Account,
    FixedRates,
    cash,
    day,
    history,
    random_account,
    series,
    shares,
    weekdays,
)

SEEDS = st.integers(0, 10_000)
CLOSE = 1e-12


def closes_of(account: Account) -> Reconstruction:
    return reconstruct(account.history, account.prices, account.rates)


class Slow:
    """The same by hand: one day after the other, in decimals, from the movements alone."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.moves = account.history.movements

    def level(self, kind: str, key: str, on: date) -> Decimal:
        moved = [m.delta for m in self.moves if (m.account, m.key) == (kind, key) and m.day <= on]
        return Decimal(sum(moved)) / (1_000_000 if kind == "holding" else 100)

    def price(self, symbol: str, on: date) -> Decimal:
        """The last close in the shares that the books count on that day."""
        asset = self.account.prices[symbol]
        levels = zip(asset.close.days.tolist(), asset.close.values.tolist(), strict=True)
        value = Decimal([level for at, level in levels if at <= on.toordinal()][-1])
        for ex_day, ratio in asset.splits:
            named = [s for s in self.account.history.splits if s.symbol == symbol]
            booked = named[0].day if named else date.fromordinal(ex_day)
            value *= Decimal(ratio) if on < booked else 1
        return value

    def rate(self, code: str, on: date) -> Decimal:
        return Decimal(1) if code == "EUR" else Decimal(self.account.rates.by_day[code][on])

    def value(self, on: date) -> Decimal:
        total = sum(self.level("cash", c, on) / self.rate(c, on) for c in ("EUR", "USD", "GBP"))
        for symbol, asset in self.account.prices.items():
            held = self.level("holding", symbol, on)
            total += held * self.price(symbol, on) / self.rate(asset.currency, on)
        return Decimal(total)

    def flow(self, after: date, on: date) -> Decimal:
        return sum(
            (
                Decimal(m.delta) / 100 / self.rate(m.key, on)
                for m in self.moves
                if m.cause == "external" and after < m.day <= on
            ),
            Decimal(0),
        )


@settings(max_examples=40)
@given(SEEDS)
def test_values_and_returns_are_those_of_a_slow_reckoning_in_decimals(seed: int) -> None:
    account = random_account(seed, length=45)
    closes, slow = closes_of(account), Slow(account)
    days = [date.fromordinal(int(one)) for one in closes.days]
    values = [slow.value(one) for one in days]
    assert closes.values == pytest.approx([float(v) for v in values], rel=CLOSE)
    expected = [
        float(
            (values[row] - values[row - 1] - slow.flow(days[row - 1], days[row])) / values[row - 1]
        )
        for row in range(1, len(days))
        if values[row - 1] > 0
    ]
    assert closes.returns == pytest.approx(expected, rel=1e-9, abs=CLOSE)


@settings(max_examples=40)
@given(SEEDS)
def test_the_parts_of_a_day_add_up_to_its_change(seed: int) -> None:
    closes = closes_of(random_account(seed))
    parts = closes.gains.sum(axis=1) + closes.cash_gains + closes.trading + closes.flows
    change = np.diff(closes.values)
    assert parts[1:] == pytest.approx(change, abs=CLOSE * float(abs(closes.values).max()))


@settings(max_examples=40)
@given(SEEDS, st.integers(0, 60), st.integers(1, 50_000), st.sampled_from(["EUR", "USD", "GBP"]))
def test_money_that_comes_and_goes_the_same_day_changes_nothing(
    seed: int, at: int, units: int, code: str
) -> None:
    account = random_account(seed)
    before = closes_of(account)
    extra = (
        cash(day(at), units, "external", code=code),
        cash(day(at), -units, "external", code=code),
    )
    more = replace(account.history, movements=(*account.history.movements, *extra))
    after = closes_of(replace(account, history=more))
    assert after.returns == pytest.approx(before.returns, abs=CLOSE)


@settings(max_examples=40)
@given(SEEDS, st.integers(3, 60), st.sampled_from(["EUR", "USD"]))
def test_a_deposit_changes_no_return_of_its_day(seed: int, at: int, code: str) -> None:
    account = random_account(seed)
    before = closes_of(account)
    moves = (*account.history.movements, cash(day(at), 10_000, "external", code=code))
    after = closes_of(replace(account, history=replace(account.history, movements=moves)))
    row = int(np.searchsorted(before.days, day(at).toordinal()))
    assert after.values[row] > before.values[row] + 5_000
    upto = before.counted <= row
    assert after.returns[: upto.sum()] == pytest.approx(before.returns[upto], abs=CLOSE)


@settings(max_examples=40)
@given(SEEDS)
def test_an_account_that_always_counted_in_new_shares_has_the_same_returns(seed: int) -> None:
    account = random_account(seed)
    booked = {one.symbol: one.day for one in account.history.splits}
    ex_dates = {
        symbol: date.fromordinal(asset.splits[0][0]) for symbol, asset in account.prices.items()
    }

    def in_new_shares(move: Movement) -> Movement:
        old = move.account == "holding" and move.day < booked.get(move.key, ex_dates[move.key])
        return replace(move, delta=move.delta * 2) if old else move

    moves = tuple(in_new_shares(m) for m in account.history.movements if m.cause != "split")
    plain = {symbol: replace(asset, splits=()) for symbol, asset in account.prices.items()}
    without = reconstruct(
        replace(account.history, movements=moves, splits=()), plain, account.rates
    )
    whole = closes_of(account)
    assert whole.values == pytest.approx(without.values, rel=CLOSE)
    assert whole.returns == pytest.approx(without.returns, abs=CLOSE)


@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 500), min_size=10, max_size=10),
    st.integers(1, 9),
    st.integers(-10, 400),
)
def test_trading_at_the_close_without_a_fee_changes_no_return_of_its_day(
    levels: list[int], at: int, wanted: int
) -> None:
    days = weekdays(14)
    closes = dict(zip(days, map(float, levels), strict=True))
    kept = one_security(*BEGIN, closes=closes)
    traded = one_security(
        *BEGIN,
        *(
            move
            for move in (
                shares(days[at], wanted, "trade"),
                cash(days[at], -wanted * levels[at], "trade"),
            )
            if move.delta
        ),
        closes=closes,
    )
    assert traded.returns[:at] == pytest.approx(kept.returns[:at], abs=CLOSE)
    assert traded.trading == pytest.approx(0.0, abs=1e-9)


def test_closes_that_run_backwards_cannot_be_given() -> None:
    days = dict.fromkeys(reversed(weekdays(5)), 10.0)
    with pytest.raises(ValueError, match="is followed by"):
        AssetPrices("EUR", series(days))


def one_security(
    *moves: object, closes: dict[date, float] | None = None, **changes: object
) -> Reconstruction:
    levels = closes or {one: 10.0 + number for number, one in enumerate(weekdays(12))}
    splits = changes.pop("splits", ())
    booked = changes.pop("booked", ())
    past = history(*moves, splits=booked, **changes)  # type: ignore[arg-type]
    return reconstruct(past, {"AAA": AssetPrices("EUR", series(levels), splits)}, FixedRates())  # type: ignore[arg-type]


BEGIN = (cash(day(0), 1_000, "external"), shares(day(0), 10, "external"))


def test_what_the_account_began_with_is_no_gain() -> None:
    closes = one_security(*BEGIN)
    assert closes.values[0] == 1_100
    assert closes.returns[0] == pytest.approx(10 / 1_100)
    assert closes.flows.tolist() == [0.0] * len(closes.days)


@pytest.mark.parametrize("booked", [2, 4, 8])
def test_a_split_makes_no_return_however_late_it_is_booked(booked: int) -> None:
    flat = dict.fromkeys(weekdays(15), 5.0)
    closes = one_security(
        cash(day(0), 1_000, "external"),
        shares(day(0), 10, "external"),
        shares(day(booked), 10, "split"),
        closes=flat,
        splits=((day(2).toordinal(), 2.0),),
        booked=(BookedSplit("AAA", day(2), day(booked)),),
    )
    assert closes.values == pytest.approx([1_100.0] * len(closes.days))
    assert closes.returns == pytest.approx([0.0] * (len(closes.days) - 1))
    assert closes.trading.tolist() == [0.0] * len(closes.days)


def test_shares_bought_after_a_split_that_was_never_held_count_as_they_are() -> None:
    closes = one_security(
        cash(day(0), 1_000, "external"),
        shares(day(8), 10, "trade"),
        cash(day(8), -50, "trade"),
        closes=dict.fromkeys(weekdays(15), 5.0),
        splits=((day(2).toordinal(), 2.0),),
    )
    assert closes.values == pytest.approx([1_000.0] * len(closes.days))


def test_a_fraction_left_over_by_a_split_is_the_securitys_own() -> None:
    closes = one_security(
        cash(day(0), 1_000, "external"),
        shares(day(0), 3, "external"),
        shares(day(2), 1, "split"),
        cash(day(2), "2.50", "income", by="AAA"),
        closes=dict.fromkeys(weekdays(5), 5.0),
        splits=((day(2).toordinal(), 1.5),),
        booked=(BookedSplit("AAA", day(2), day(2)),),
    )
    assert closes.values == pytest.approx([1_022.5] * len(closes.days))
    assert closes.gains == pytest.approx(0.0)
    assert closes.trading == pytest.approx(0.0)


def test_buying_at_the_close_without_a_fee_changes_no_value() -> None:
    levels = {one: 10.0 + number for number, one in enumerate(weekdays(12))}
    kept = one_security(*BEGIN)
    bought = one_security(
        *BEGIN,
        shares(day(2), 7, "trade"),
        cash(day(2), Decimal(str(-7 * levels[day(2)])), "trade"),
    )
    assert bought.values[2] == kept.values[2]
    assert bought.trading == pytest.approx(0.0)
    assert bought.gains[3].sum() == pytest.approx(kept.gains[3].sum() * 1.7)


def test_what_a_purchase_cost_beyond_the_close_is_its_days_trading() -> None:
    closes = one_security(*BEGIN, shares(day(1), 5, "trade"), cash(day(1), "-58.75", "trade"))
    assert closes.trading.tolist()[:3] == pytest.approx([0.0, 5 * 11 - 58.75, 0.0])


def test_a_sold_out_holding_is_gone_from_the_next_close_on() -> None:
    closes = one_security(*BEGIN, shares(day(3), -10, "trade"), cash(day(3), 130, "trade"))
    assert closes.holdings[:, 0].tolist()[:5] == [100, 110, 120, 0, 0]
    assert closes.values[3] == 1_130
    assert closes.gains[3, 0] == pytest.approx(10)
    assert closes.gains[4:].sum() == 0


def test_the_last_day_of_the_window_is_in_it_and_the_next_is_not() -> None:
    bought = (shares(day(3), 10, "trade"), cash(day(3), -130, "trade"))
    assert len(one_security(*BEGIN, *bought, until=day(4)).days) == 4
    assert one_security(*BEGIN, *bought, until=day(4)).holdings[3, 0] == 260
    assert len(one_security(*BEGIN, *bought, until=day(3)).days) == 3


@pytest.mark.parametrize(
    ("sold", "shown"), [(False, [day(0), day(1)]), (True, [day(0), day(1), day(2)])]
)
def test_the_newest_day_counts_when_everything_held_has_told_its_close(
    sold: bool, shown: list[date]
) -> None:
    levels = {day(0): 10.0, day(1): 11.0, day(2): 12.0}
    prices = {
        "AAA": AssetPrices("EUR", series(levels)),
        "BBB": AssetPrices("EUR", series({day(0): 5.0, day(1): 5.0})),
    }
    out = (shares(day(2), -1, "trade", "BBB"), cash(day(2), 5, "trade")) if sold else ()
    past = history(*BEGIN, shares(day(0), 1, "external", "BBB"), *out, until=day(3))
    days = reconstruct(past, prices, FixedRates()).days
    assert [date.fromordinal(one) for one in days.tolist()] == shown


@pytest.mark.parametrize(("last", "count"), [(4, 2), (7, 6)])
def test_a_holding_that_stays_silent_is_not_waited_for(last: int, count: int) -> None:
    levels = dict.fromkeys(weekdays(last + 1), 10.0)
    prices = {
        "AAA": AssetPrices("EUR", series(levels)),
        "BBB": AssetPrices("EUR", series({day(0): 5.0, day(1): 5.0})),
    }
    past = history(*BEGIN, shares(day(0), 1, "external", "BBB"))
    found = reconstruct(past, prices, FixedRates())
    assert (len(found.days), found.unknown) == (count, ())


def test_weekends_and_what_happened_on_them_belong_to_the_next_trading_day() -> None:
    closes = one_security(*BEGIN, cash(day(5), 100, "external"), cash(day(6), 3, "other"))
    assert [date.fromordinal(int(one)).weekday() for one in closes.days] == [0, 1, 2, 3, 4] * 2
    assert closes.flows.tolist() == [0, 0, 0, 0, 0, 100, 0, 0, 0, 0]
    assert closes.cash_gains[5] == 3


def test_rates_move_the_cash_and_the_holdings_of_their_currency() -> None:
    rates = {"USD": {day(0): 1.25, day(1): 1.0, day(2): 1.0}}
    past = history(cash(day(0), 100, "external", code="USD"), shares(day(0), 2, "external"))
    prices = {"AAA": AssetPrices("USD", series({day(0): 50.0, day(1): 50.0}))}
    closes = reconstruct(past, prices, FixedRates(rates))
    assert closes.values.tolist() == [160.0, 200.0]
    assert (closes.gains[1, 0], closes.cash_gains[1]) == pytest.approx((20.0, 20.0))


def test_a_day_without_a_rate_is_reported_and_joined_to_the_next() -> None:
    rates = {"USD": {day(0): 1.0, day(2): 0.5}}
    past = history(
        cash(day(0), 100, "external", code="USD"),
        shares(day(0), 1, "external"),
        cash(day(1), 50, "external"),
        until=day(3),
    )
    prices = {"AAA": AssetPrices("EUR", series(dict.fromkeys(weekdays(5), 10.0)))}
    closes = reconstruct(past, prices, FixedRates(rates))
    assert closes.unknown == (UnknownDay(day(1), ("USD",)),)
    assert closes.values.tolist() == [110.0, 260.0]
    assert closes.returns.tolist() == [pytest.approx(100 / 110)]


def test_a_holding_without_prices_leaves_its_days_unknown_and_no_others() -> None:
    past = history(
        *BEGIN,
        shares(day(2), 1, "trade", "BBB"),
        cash(day(2), -7, "trade"),
        shares(day(4), -1, "trade", "BBB"),
        cash(day(4), 9, "trade"),
        until=day(10),
    )
    levels = dict.fromkeys(weekdays(10), 10.0)
    closes = reconstruct(past, {"AAA": AssetPrices("EUR", series(levels))}, FixedRates())
    assert closes.unknown == tuple(UnknownDay(day(n), ("BBB",)) for n in (2, 3))
    assert closes.values[:3].tolist() == [1_100, 1_100, 1_102]


def test_a_holding_that_lost_its_prices_counts_again_once_it_is_sold() -> None:
    levels = dict.fromkeys(weekdays(30), 10.0)
    prices = {
        "AAA": AssetPrices("EUR", series(levels)),
        "BBB": AssetPrices("EUR", series({day(0): 20.0, day(1): 21.0})),
    }
    past = history(
        *BEGIN,
        shares(day(0), 3, "external", "BBB"),
        shares(day(22), -3, "trade", "BBB"),
        cash(day(22), 72, "trade"),
        until=day(30),
    )
    closes = reconstruct(past, prices, FixedRates())
    assert [one.day for one in closes.unknown] == [day(14 + n) for n in (0, 1, 2, 3, 4, 7)]
    row = closes.days.tolist().index(day(22).toordinal())
    assert closes.values[row - 1 : row + 1].tolist() == [1_163, 1_172]
    assert closes.trading[row] == pytest.approx(9)


def test_a_close_counts_for_ten_days_and_no_longer() -> None:
    past = history(*BEGIN, shares(day(0), 1, "external", "BBB"), until=day(16))
    prices = {
        "AAA": AssetPrices("EUR", series(dict.fromkeys(weekdays(16), 10.0))),
        "BBB": AssetPrices("EUR", series({day(0): 3.0})),
    }
    closes = reconstruct(past, prices, FixedRates())
    assert [one.day for one in closes.unknown] == [day(11), day(14), day(15)]
    assert date.fromordinal(int(closes.days[-1])) == day(10)


def test_shares_that_the_owner_brought_need_a_price_even_when_they_are_sold_at_once() -> None:
    closes = one_security(
        *BEGIN,
        shares(day(2), 3, "external", "BBB"),
        shares(day(2), -3, "trade", "BBB"),
        cash(day(2), 33, "trade"),
        until=day(3),
    )
    assert closes.unknown == (UnknownDay(day(2), ("BBB",)),)


def test_income_belongs_to_the_security_even_after_it_is_sold() -> None:
    closes = one_security(
        *BEGIN,
        shares(day(1), -10, "trade"),
        cash(day(1), 110, "trade"),
        cash(day(3), 4, "income", by="AAA"),
    )
    assert closes.gains[3, 0] == 4
    assert closes.cash_gains.sum() == 0


def test_half_of_what_was_bought_and_sold_is_turned_over() -> None:
    closes = one_security(*BEGIN, trades=(Traded(day(1), "EUR", 30_00, 10_00),))
    assert closes.turnover.tolist()[:3] == [0, 20, 0]


def test_an_account_without_anything_has_no_days() -> None:
    closes = reconstruct(history(), {}, FixedRates())
    assert (len(closes.days), len(closes.returns)) == (0, 0)


def test_nothing_is_earned_while_nothing_is_there() -> None:
    closes = one_security(
        shares(day(0), 10, "external"),
        shares(day(1), -10, "external"),
        cash(day(4), 100, "external"),
    )
    assert closes.values[:5].tolist() == [100, 0, 0, 0, 100]
    assert closes.returns[:2].tolist() == [pytest.approx(0.1), 0.0]
    assert closes.counted.tolist()[0] == 1
    assert 2 not in closes.counted.tolist()[1:]


@settings(max_examples=40)
@given(SEEDS, st.integers(1, 80))
def test_a_window_is_the_end_of_the_whole(seed: int, start: int) -> None:
    whole = closes_of(random_account(seed))
    cut = whole.since(day(start))
    row = len(whole.days) - len(cut.days)
    assert cut.days[0] < day(start).toordinal() or row == 0
    assert np.array_equal(cut.values, whole.values[row:])
    assert np.array_equal(cut.gains[1:], whole.gains[row + 1 :])
    assert not cut.gains[0].any()
    assert not cut.flows[0]


def test_the_history_names_the_zero_when_something_is_sold_out() -> None:
    past: HoldingsHistory = history(
        *BEGIN, shares(day(3), -10, "trade"), cash(day(3), -1_000, "trade")
    )
    assert past.quantities("AAA") == ((day(0), 10_000_000), (day(3), 0))
    assert past.balances("EUR") == ((day(0), 100_000), (day(3), 0))
    assert past.quantities("BBB") == ((day(0), 0),)
