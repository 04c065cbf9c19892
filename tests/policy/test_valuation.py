"""Valuation: totals only from known prices and rates, everything else stays unknown."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ledger.money import Money, Price
from ledger.portfolio import BookDifference, PortfolioSnapshot
from ledger.quote import Quote
from ledger.rate import Rate, RateTable
from policy.limits import DEFAULTS
from policy.valuation import (
    Books,
    MarketView,
    ended_quotes,
    known_rates,
    unfit,
    value_portfolio,
)
from tests.policy.accounts import NOON, PAIRS, TODAY, eur, quote, rates, security, snapshot

AAA = security("AAA")
USA = security("USA", number=2, currency="USD")


def test_totals_add_positions_and_cash_in_euros() -> None:
    shot = snapshot(
        [AAA, USA],
        prices={"AAA": "50", "USA": "110"},
        held={"AAA": "10", "USA": "2"},
        costs={"AAA": "40"},
        cash={"EUR": "100", "USD": "55"},
    )
    assert shot.cash_eur == eur(150)
    assert shot.total_eur == eur(850)
    held = shot.held("AAA")
    assert held is not None
    assert (held.value_eur, held.profit_eur) == (eur(500), eur(100))
    assert shot.unvalued == ()
    assert unfit(shot) is None


def test_a_missing_price_makes_the_total_unknown_and_is_named() -> None:
    shot = snapshot([AAA, USA], prices={"AAA": "50"}, held={"AAA": "1", "USA": "2"})
    held = shot.held("USA")
    assert held is not None
    assert (held.price, held.value, held.value_eur) == (None, None, None)
    assert shot.total_eur is None
    assert shot.unvalued == ("USA",)
    assert shot.cash_eur == eur(0)


def test_o11_a_holding_in_an_unknown_currency_has_no_value_and_spoils_no_other() -> None:
    odd = security("ODD", number=2, currency="QQQ")
    shot = snapshot(
        [AAA, odd],
        prices={"AAA": "50", "ODD": "110"},
        held={"AAA": "1", "ODD": "2"},
        costs={"AAA": "40"},
    )
    held, strange = shot.held("AAA"), shot.held("ODD")
    assert held is not None
    assert strange is not None
    assert held.value_eur == eur(50)
    assert (strange.price, strange.value, strange.value_eur) == (None, None, None)
    assert (shot.total_eur, shot.unvalued) == (None, ("ODD",))


def test_a_missing_rate_is_unknown_and_never_one() -> None:
    shot = snapshot(
        [AAA, USA],
        prices={"AAA": "50", "USA": "110"},
        held={"USA": "2"},
        cash={"EUR": "10", "GBP": "5"},
        per_eur={"GBP": "0.85"},
    )
    held = shot.held("USA")
    assert held is not None
    assert held.value == Money.of("220", "USD")
    assert held.value_eur is None
    assert shot.total_eur is None
    assert shot.unvalued == ("USA",)


def test_cash_without_a_rate_makes_all_totals_unknown_unless_it_is_zero() -> None:
    assert snapshot(cash={"EUR": "10", "CHF": "5"}).cash_eur is None
    assert snapshot(cash={"EUR": "10", "CHF": "5"}).unvalued == ("CHF",)
    assert snapshot(cash={"EUR": "10", "CHF": "0"}).total_eur == eur(10)


def test_a_holding_outside_the_universe_is_named_and_blocks_the_total() -> None:
    shot = _valued(holdings={"ZZZ": 1_000_000}, days=0)
    assert shot.total_eur is None
    assert shot.unvalued == ("ZZZ",)


def test_a_price_in_the_wrong_currency_is_no_price() -> None:
    shot = snapshot([USA], quotes=[quote("USA", "110", "EUR")], held={"USA": "2"})
    assert shot.unvalued == ("USA",)


@pytest.mark.parametrize(("days", "known"), [(0, True), (3, True), (4, False)])
def test_valuation_takes_rates_up_to_three_days_old(days: int, known: bool) -> None:
    shot = _valued(holdings={"USA": 1_000_000}, days=days)
    assert (shot.total_eur is not None) is known
    assert (shot.rates.rate("USD", "EUR") is not None) is known


def _valued(*, holdings: dict[str, int], days: int) -> PortfolioSnapshot:
    table = RateTable(
        {c: replace(r, as_of=TODAY - timedelta(days=days)) for c, r in rates().per_eur.items()}
    )
    books = Books(ledger_seq=1, holdings=holdings, cash={"EUR": 100}, average_costs={})
    market = MarketView(
        universe=(USA,), pairs=PAIRS, quotes={"USA": quote("USA", "110", "USD")}, rates=table
    )
    return value_portfolio(books, market, as_of=NOON, read_at_s=0.0, days_old=_age, max_rate_days=3)


def _age(rate: Rate) -> int:
    return (TODAY - rate.as_of).days


def test_fresher_rules_leave_fewer_rates() -> None:
    table = RateTable({"USD": replace(rates().per_eur["USD"], as_of=date(2026, 3, 2))})
    assert known_rates(table, _age, most=1).per_eur == {}
    assert known_rates(table, _age, most=2).per_eur == table.per_eur


def test_pots_are_valued_apart_and_stay_in_the_cash() -> None:
    shot = snapshot(cash={"USD": "110"}, pots=(Money.of("55", "USD"), eur(5)))
    assert shot.pots_eur == eur(55)
    assert shot.cash_eur == eur(100)


def test_profit_needs_a_cost_in_the_same_currency() -> None:
    shot = snapshot([AAA], prices={"AAA": "50"}, held={"AAA": "1"})
    held = shot.held("AAA")
    assert held is not None
    assert held.profit_eur is None
    assert held.price == Price.of("50", "EUR")


def test_a_stale_differing_or_empty_account_is_not_fit_to_act_on() -> None:
    cash = {"EUR": "10"}
    item = BookDifference(1, "cash", "EUR", 0, 5, True, NOON)
    assert unfit(snapshot(cash=cash, stale="no line")) == "the account could not be read: no line"
    assert unfit(snapshot(cash=cash, differences=(item,))) == "books and broker differ"
    assert unfit(snapshot(cash=cash, differences=(replace(item, blocking=False),))) is None
    assert unfit(snapshot()) == "the account shows no cash balance at all"


@pytest.mark.parametrize(("days", "known"), [(0, True), (10, True), (11, False)])
def test_c10_what_is_not_quoted_any_more_counts_at_its_last_price_for_ten_days(
    days: int, known: bool
) -> None:
    last = replace(quote("AAA", "50"), at=NOON - timedelta(days=days))
    ended = ended_quotes({"AAA": last}, {}, now=NOON, most=DEFAULTS.max_value_price_age)
    shot = _unquoted(ended)
    (held,) = shot.positions
    assert held.price_at == (last.at if known else None)
    assert shot.total_eur == (eur(501) if known else None)
    assert shot.unvalued == (() if known else ("AAA",))
    assert "AAA" not in shot.quotes


def test_a_live_quote_is_never_replaced_by_an_older_one() -> None:
    stored = {"AAA": quote("AAA", "1"), "USA": quote("USA", "2")}
    found = ended_quotes(stored, {"AAA": quote("AAA", "50")}, now=NOON, most=timedelta(days=10))
    assert set(found) == {"USA"}


def _unquoted(ended: dict[str, Quote]) -> PortfolioSnapshot:
    books = Books(ledger_seq=1, holdings={"AAA": 10_000_000}, cash={"EUR": 100}, average_costs={})
    market = MarketView(universe=(AAA,), pairs=PAIRS, quotes={}, rates=rates(), ended=ended)
    return value_portfolio(books, market, as_of=NOON, read_at_s=0.0, days_old=_age, max_rate_days=3)
