"""The figures that are recomputed are right by hand, and one that differs is found."""

from __future__ import annotations

import math
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tools import check_figures
from tools.figures import analytics, charts, measures, opinions, periods, scores
from tools.figures.books import Valuation, read_books
from tools.figures.daemon import Daemon
from tools.figures.market import Market
from tools.figures.sheet import Pair, Sheet

MONDAY = date(2009, 1, 5)
TABLES = {
    "securities": "symbol,isin,name,currency,country,industry,product_type\n"
    "AAA.US,,A,USD,US,\"Chips, Steel\",EQUITY\nBBB.EU,,B,EUR,DE,Steel,EQUITY\n",
    "prices": "date,symbol,open,high,low,close,volume\n"
    "2009-01-05,AAA.US,10,11,9,10,1\n2009-01-06,AAA.US,10,11,9,12,1\n"
    "2009-01-07,AAA.US,6,7,5,6.6,1\n2009-01-08,AAA.US,6,7,5,6,1\n"
    "2009-01-05,BBB.EU,20,20,20,20,1\n2009-01-06,BBB.EU,20,20,20,21,1\n"
    "2009-01-07,BBB.EU,20,20,20,20,1\n2009-01-08,BBB.EU,20,20,20,22,1\n",
    "splits": "date,symbol,ratio\n2009-01-07,AAA.US,2\n",
    "dividends": "ex_date,pay_date,symbol,amount,currency\n2009-01-06,2009-01-08,AAA.US,1,USD\n",
    "fx": "date,currency,per_eur\n2009-01-05,USD,1.25\n2009-01-06,USD,1.25\n"
    "2009-01-07,USD,1.6\n2009-01-08,USD,1.6\n",
    "opening": "kind,currency,symbol,quantity,price\ncash,EUR,,100,\nposition,,AAA.US,10,8\n",
    "cash": "date,currency,amount\n2009-01-07,EUR,500\n",
}  # fmt: skip


def flow(number: int, category: str, day: str, amount: float, currency: str) -> dict[str, Any]:
    symbol = "AAA.US" if category == "dividend" else None
    return {
        "id": number, "category": category, "date": day, "amount": amount, "currency": currency,
        "symbol": symbol, "status_c": 3, "supersedes": None,
    }  # fmt: skip


ANSWERS: dict[str, Any] = {
    "/api/portfolio/history": [{"date": "2009-01-05"}],
    "/api/cash-flows": [
        flow(1, "deposit", "2009-01-07", 500.0, "EUR"),
        flow(2, "dividend", "2009-01-08", 10.0, "USD"),
    ],
    "/api/trades": [
        {
            "id": 1, "symbol": "BBB.EU", "side": "BUY", "quantity": 5, "price": 20.5,
            "currency": "EUR", "mode": "live", "executed_at": "2009-01-07T12:00:00Z",
            "fees": [{"amount": 2.0, "currency": "EUR"}],
        }
    ],
}  # fmt: skip


class Told:
    """A daemon with one deposit, one dividend and one purchase in its journal."""

    def get(self, path: str, **_: object) -> Any:
        return ANSWERS[path]


@pytest.fixture
def market(tmp_path: Path) -> Market:
    for name, text in TABLES.items():
        (tmp_path / f"{name}.csv").write_text(text)
    return Market(tmp_path)


def verdict(pairs: list[Pair], **bounds: Any) -> bool:
    sheet = Sheet()
    sheet.compare("GET /x", "figure", pairs, **bounds)
    return sheet.good


def test_a_figure_that_is_off_by_more_than_its_bound_is_found() -> None:
    assert verdict([("a", 0.12344, 0.1234)], places=4)
    assert not verdict([("a", 0.12346, 0.1234)], places=4)
    assert verdict([("a", 1.0 + 1e-10, 1.0)])
    assert not verdict([("a", 1.0 + 1e-8, 1.0)])
    assert not verdict([("a", None, 0.0)])
    assert not verdict([("a", 0.0, None)])
    assert not verdict([("a", math.nan, 1.0)])
    assert verdict([("a", None, None), ("b", "up", "up")])
    assert not verdict([("b", "up", "down")])


def test_splits_dividends_and_rates_count_from_their_days(market: Market) -> None:
    last = date(2009, 1, 8)
    assert [v for _, v in market.closes("AAA.US", last)] == [5, 6, 6.6, 6]
    assert [v for _, v in market.closes("AAA.US", date(2009, 1, 6))] == [10, 12]
    assert market.paid("AAA.US", last) == {date(2009, 1, 6): 0.5}
    total = [v for _, v in market.total("AAA.US", last)]
    assert total == pytest.approx([5, 6.5, 6.6 * 6.5 / 6, 6.5])
    assert [v for _, v in market.in_eur("AAA.US", [(last, 8.0)])] == [5.0]
    assert market.per_eur("USD", date(2009, 1, 15)) == 1.6
    assert market.per_eur("USD", date(2009, 1, 16)) is None
    assert market.per_eur("CHF", last) is None


def test_the_value_is_explained_to_the_last_cent(market: Market) -> None:
    daemon: Any = Told()
    books = read_books(daemon, market)
    closes = Valuation(books, market, date(2009, 1, 8)).closes()
    assert [round(close.value, 2) for close in closes] == [180.0, 196.0, 678.0, 686.75]
    assert [close.flow for close in closes] == [0, 0, 500, 0]
    daily = periods.daily_returns(closes)
    # 20 shares at 6.60 USD and 1.60 are 82.50, five bought for 104.50 with their fee are worth 100.
    assert daily[1][1] == pytest.approx((82.5 - 96.0 + 100 - 104.5) / 196)
    rates = [rate for _, rate in daily]
    for by in ("country", "industry", "currency"):
        parts = analytics.contributions(market, by, closes)
        assert math.fsum(parts.values()) == pytest.approx(periods.compounded(rates), abs=1e-15)
        assert parts["trading"] < 0
    assert books.cash("USD", date(2009, 1, 8)) == Decimal(10)


def test_indicators_are_those_of_their_definitions() -> None:
    assert measures.ema([1.0, 2.0, 3.0, 7.0], 3) == 2.0 + 0.5 * 5.0
    assert measures.ema([1.0, 2.0], 3) == 1.5
    assert measures.rsi([1.0, 2.0, 3.0, 4.0], 3) == 100.0
    assert measures.rsi([1.0, 2.0, 1.0], 2) == 50.0
    assert measures.rsi([1.0, 2.0], 2) is None
    assert measures.drawdowns([4.0, 5.0, 4.0, 6.0]) == pytest.approx([0, 0, -0.2, 0])
    assert measures.under_water([5.0, 4.0, 4.5]) == 2
    line = [(date(2008, 1, 1), 100.0), (date(2009, 1, 1), 121.0)]
    assert measures.growth(line, 5) == pytest.approx(1.21 ** (365.25 / 366) - 1)
    assert measures.beta([0.02, -0.01, 0.03], [0.01, -0.005, 0.015]) == pytest.approx(2.0)
    assert measures.correlation([1.0, 2.0, 3.0], [-1.0, -2.0, -3.0]) == pytest.approx(-1.0)


def test_a_total_is_drawn_to_the_middle_by_what_is_missing() -> None:
    def all_of(value: float | None, *groups: str) -> dict[str, dict[str, float | None]]:
        return {group: dict.fromkeys(scores.PARTS[group], value) for group in groups}

    full = all_of(0.8, *scores.GROUPS)
    assert list(scores.total_of(full, {})) == pytest.approx([0.8, 1.0])
    gap = {**full, **all_of(None, "long_term")}
    assert list(scores.total_of(gap, {})) == pytest.approx([0.5 + 0.8 * 0.3, 0.8])
    fund = {group: of for group, of in full.items() if group != "fundamentals"}
    assert scores.total_of(fund, {})[1] == pytest.approx(1.0)


def test_a_sale_and_a_windfall_are_judged_by_gain_time_and_figures() -> None:
    told = {
        **dict.fromkeys(opinions.SELL, 0.6), "drawdown": None,
        "eligible": True, "days_held": 730, "profit_pct": 0.21,
    }  # fmt: skip
    figures = {"CURRENT_DRAWDOWN": -0.20, "DAYS_IN_DRAWDOWN": 135.0, "CAGR_5Y": None}
    found = opinions.sell_of(told, figures, -0.2)
    total = 0.5 + 0.85 * 0.1
    assert found == pytest.approx(
        {
            "time_held": 0.8 + 0.2 * (730 - 547.5) / 365,
            "drawdown": 0.7,
            "underperformance": 0.5 - 0.4 * (0.10 - 0.04) / 0.075,
            "total_score": total,
            "suggested_sell_pct": 0.1 + 0.4 * total,
        }
    )
    barred = opinions.sell_of({**told, "eligible": False, "profit_pct": -0.21}, figures, -0.2)
    assert (barred["total_score"], barred["underperformance"]) == (0.0, 0.0)
    gained = opinions.windfall_of({"current_gain_pct": 0.56}, figures, 730)
    assert gained["historical_cagr_pct"] is None
    assert gained["expected_gain_pct"] == pytest.approx(0.21)
    assert gained["windfall_score"] == pytest.approx(0.7)
    assert (gained["suggested_sell_pct"], gained["take_profits"]) == (0.20, True)


def test_a_point_that_is_not_the_largest_triangle_is_found() -> None:
    line = [(date.fromordinal(MONDAY.toordinal() + at), 10.0) for at in range(12)]
    line[5] = (line[5][0], 99.0)
    right = [line[0], line[5], line[11]]
    wrong = [line[0], line[4], line[11]]
    assert verdict(charts.largest(line, right))
    assert not verdict(charts.largest(line, wrong))


def test_a_daemon_that_does_not_answer_is_told_and_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token = tmp_path / "api.token"
    token.write_text("secret\n")
    asked = ["--url", "http://127.0.0.1:9", "--token", str(token), "--market", str(tmp_path)]
    assert check_figures.main([*asked, "--only", "securities"]) == 1
    assert "DIFFERS" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        check_figures.main([*asked, "--only", "weather"])
    assert Daemon("http://127.0.0.1:9/", token)
