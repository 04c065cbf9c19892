"""A market whose bars are in a file is the market it was, as far as anybody can see."""

from __future__ import annotations

import os
from array import array
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.market_data import BAR_WIDTH, ROWS_AT_ONCE, Bar, BarSeries, MarketData
from broker.market_folder import load_market_folder
from broker.market_spill import LEAST_VALUES, Spill, Stretch, spilled
from ledger.errors import Unavailable
from tests.broker.test_market_folder import write_folder

FIRST = date(2001, 1, 1).toordinal()


def series(rows: int, *, unit: int, seed: int) -> BarSeries:
    """Every value is another one; days are one or two apart."""
    days = array("i", (FIRST + place + place // 3 for place in range(rows)))
    values = array("I" if unit > 1 else "q", (seed + v for v in range(rows * BAR_WIDTH)))
    return BarSeries(days, values, unit_micro=unit)


@pytest.fixture
def market(tmp_path: Path) -> MarketData:
    """Over the bound, of both widths, with one that has no bars at all."""
    rows = LEAST_VALUES // BAR_WIDTH // 2 + 1
    bars = {
        "A": series(rows, unit=100, seed=1),
        "NONE": series(0, unit=100, seed=0),
        "B": series(rows, unit=1, seed=7),
        "C": series(ROWS_AT_ONCE + 3, unit=100, seed=50),
    }
    return replace(load_market_folder(write_folder(tmp_path / "small")), bars=bars)


def test_every_bar_of_every_security_stays_the_same(market: MarketData, tmp_path: Path) -> None:
    moved = spilled(market, tmp_path)
    assert moved is not market
    for symbol, bars in market.bars.items():
        assert moved.bars[symbol].values is not bars.values
        assert [*moved.bars[symbol]] == [*bars]


@settings(max_examples=30)
@given(st.integers(-5, 400), st.integers(-5, 400))
def test_any_stretch_is_that_of_the_bars_one_by_one(first: int, last: int) -> None:
    bars = series(ROWS_AT_ONCE + 30, unit=100, seed=3)
    since, until = (date.fromordinal(FIRST + offset) for offset in (first, last))
    wanted = [bars[place] for place in range(len(bars))]
    assert bars.between(since, until) == tuple(b for b in wanted if since <= b.day <= until)


def test_questions_for_one_day_are_answered_out_of_the_file(
    market: MarketData, tmp_path: Path
) -> None:
    moved = spilled(market, tmp_path)
    known, gap = date.fromordinal(FIRST + 4), date.fromordinal(FIRST + 3)
    assert moved.bar_on("C", known) == Bar(known, 6500, 6600, 6700, 6800, 69)
    assert moved.bar_on("C", gap) is None
    assert moved.last_bar_before("C", known) == moved.bars["C"][2]


def test_nothing_is_left_in_the_folder(market: MarketData, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    moved = spilled(market, folder)
    assert [*folder.iterdir()] == []
    assert moved.bars["A"][0] == market.bars["A"][0]


def test_a_small_market_needs_no_file(tmp_path: Path) -> None:
    small = load_market_folder(write_folder(tmp_path / "small"))
    assert spilled(small, tmp_path / "nowhere") is small


def test_without_a_place_for_the_file_the_market_stays_in_memory(
    market: MarketData, tmp_path: Path
) -> None:
    assert spilled(market, tmp_path / "nowhere") is market


def test_a_file_that_cannot_be_read_is_a_market_that_cannot_be_reached(tmp_path: Path) -> None:
    unreadable = Spill(os.open(tmp_path / "bars", os.O_WRONLY | os.O_CREAT))
    bars = BarSeries(array("i", [FIRST]), Stretch(unreadable, 0, "q", BAR_WIDTH))
    with pytest.raises(Unavailable, match="cannot be read"):
        bars.on(date.fromordinal(FIRST))
