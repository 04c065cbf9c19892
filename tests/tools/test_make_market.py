"""An invented market is one the paper exchange can replay, and the same seed is the same market."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from broker.market_data import MarketData
from broker.market_folder import load_market_folder
from ledger.isin import is_isin
from policy.market_hours import Calendars
from policy.metric_registry import DEFINED
from tools import make_market
from tools.market_model import INDICES, SECTORS, Size

SMALL = Size(24, date(2022, 1, 3), date(2023, 12, 29))
ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("market") / "small"
    make_market.write_market(made, SMALL, seed=5)
    return made


@pytest.fixture(scope="module")
def data(folder: Path) -> MarketData:
    return load_market_folder(folder)


def test_every_file_of_the_folder_is_accepted(data: MarketData) -> None:
    tradable = [row for row in data.securities.values() if row.product_type != "INDEX"]
    assert len(tradable) == SMALL.securities
    assert len(data.securities) == SMALL.securities + len(INDICES)
    assert len({row.currency for row in tradable}) == 4
    assert all(data.bars[row.symbol] for row in tradable)
    assert data.dividends
    assert data.splits
    assert data.fundamentals
    assert data.cash
    assert len(data.opening_positions) == SMALL.securities // 2


def test_it_has_sectors_countries_lots_funds_and_mixed_companies(data: MarketData) -> None:
    rows = list(data.securities.values())
    industries = {row.industry for row in rows}
    assert set(SECTORS) <= {(industry or "").partition(",")[0] for industry in industries}
    assert any(", " in (industry or "") for industry in industries)
    assert len({row.country for row in rows}) >= 5
    assert {row.product_type for row in rows} == {"EQUITY", "ETF", "INDEX"}
    assert any(row.min_lot > 1 for row in rows)
    assert all(is_isin(row.isin) for row in rows)


def test_prices_are_of_sessions_that_the_calendars_know(data: MarketData) -> None:
    calendars = Calendars.from_json((ROOT / "policy" / "calendars.json").read_text("utf-8"))
    for row in list(data.securities.values())[:7]:
        days = [bar.day for bar in data.bars[row.symbol]]
        assert len(days) > 400
        assert all(calendars.session(row.exchange, day) is not None for day in days)


def test_fundamentals_are_figures_that_scores_read(data: MarketData) -> None:
    known = {metric.name for metric in DEFINED}
    assert {row.metric for row in data.fundamentals} <= known


def test_a_price_falls_by_its_split(data: MarketData) -> None:
    for split in data.splits:
        bars = {bar.day: bar for bar in data.bars[split.symbol]}
        days = sorted(bars)
        before = bars[days[days.index(split.day) - 1]].close_micro
        after = bars[split.day].close_micro * split.ratio
        assert abs(after / before - 1) < 0.2


def test_the_same_seed_writes_the_same_bytes_and_another_does_not(
    folder: Path, tmp_path: Path
) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    make_market.write_market(again, SMALL, seed=5)
    make_market.write_market(other, SMALL, seed=6)
    names = sorted(path.name for path in folder.iterdir())
    assert names == sorted(path.name for path in again.iterdir())
    for name in names:
        assert (folder / name).read_bytes() == (again / name).read_bytes()
    assert (folder / "prices.csv").read_bytes() != (other / "prices.csv").read_bytes()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["{out}", "--securities", "0"],
        ["{out}", "--securities", "many"],
        ["{out}", "--years", "26"],
        ["{out}", "--seed", "-1"],
        ["{out}", "--seed"],
        ["{full}"],
        ["{file}/below"],
    ],
)
def test_what_cannot_be_done_is_one_line_and_exit_2(
    arguments: list[str],
    folder: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"out": tmp_path / "out", "full": folder, "file": folder / "fx.csv"}
    with pytest.raises(SystemExit) as ended:
        make_market.main([argument.format(**places) for argument in arguments])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_the_instant_to_begin_at_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [str(tmp_path / "out"), "--securities", "3", "--years", "1", "--seed", "9"]
    assert make_market.main(arguments) == 0
    assert capsys.readouterr().out.startswith('start = "2025-07-02T07:55:00Z"\n')
    assert load_market_folder(tmp_path / "out").opening_positions
