"""The loader of market folders: what it reads, and every way in which a file can be wrong."""

from __future__ import annotations

import gzip
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.market_data import Bar, MarketData, ReferenceRate
from broker.market_fields import BadField, isin
from broker.market_folder import MarketFolderError, load_market_folder
from ledger.errors import StartError

GOOD: dict[str, str] = {
    "securities.csv": (
        "symbol,isin,name,currency,exchange,country,industry,product_type,min_lot\n"
        "IBM.US,US4592001014,International Business Machines,USD,XNYS,United States,IT,EQUITY,1\n"
        'DEMO.AS,XF0000DEMO82,"DEMO (synthetic) Ports, Ltd",HKD,XHKG,,,EQUITY,100\n'
        "WORLD.IDX,,World,EUR,XETR,,,INDEX,1\n"
    ),
    "prices.csv": (
        "date,symbol,open,high,low,close,volume\n"
        "2009-01-06,IBM.US,88.00,90.50,87.25,89.23,8000000\n"
        "2009-01-05,IBM.US,87.17,87.87,85.96,86.82,7616900\n"
        "2009-01-05,DEMO.AS,23,24.5,22.75,23.85,2100000\n"
        "2009-01-08,IBM.US,89.1234565,92,89,91.5,0\n"
        "2009-01-05,WORLD.IDX,1000,1001,999,1000,0\n"
    ),
    "dividends.csv": (
        "ex_date,pay_date,symbol,amount,currency\n2009-02-06,2009-03-10,IBM.US,0.5,USD\n"
    ),
    "splits.csv": "date,symbol,ratio\n2009-03-02,DEMO.AS,0.1\n",
    "fx.csv": (
        "date,currency,per_eur\n"
        "2009-01-05,USD,1.3582\n"
        "2009-01-05,JPY,126.9\n"
        "2009-01-02,USD,1.3866\n"
    ),
    "cash.csv": "date,currency,amount\n2009-02-02,EUR,400.00\n2009-01-05,EUR,-10.5\n",
    "opening.csv": (
        "kind,currency,symbol,quantity,price\n"
        "cash,EUR,,4000.00,\n"
        "cash,USD,,-12.34,\n"
        "position,USD,IBM.US,2.5,119.27\n"
    ),
}


def write_folder(folder: Path, **changes: str | bytes | None) -> Path:
    """The good folder, with files replaced (`prices=...`) or left out (None)."""
    folder.mkdir(exist_ok=True)
    files: dict[str, str | bytes | None] = {**GOOD}
    files |= {f"{name}.csv": content for name, content in changes.items()}
    for name, content in files.items():
        if isinstance(content, bytes):
            (folder / name).write_bytes(content)
        elif content is not None:
            (folder / name).write_text(content, encoding="utf-8")
    return folder


def load(folder: Path, **changes: str | bytes | None) -> MarketData:
    return load_market_folder(write_folder(folder, **changes))


def problems(folder: Path, **changes: str | bytes | None) -> list[tuple[str, int, str]]:
    with pytest.raises(MarketFolderError) as caught:
        load(folder, **changes)
    return [(problem.file, problem.line, problem.reason) for problem in caught.value.problems]


def with_row(name: str, row: str) -> str:
    return GOOD[f"{name}.csv"] + row + "\n"


def test_a_good_folder_is_read(tmp_path: Path) -> None:
    data = load(tmp_path / "market")
    assert set(data.securities) == {"IBM.US", "DEMO.AS", "WORLD.IDX"}
    ports = data.securities["DEMO.AS"]
    assert (ports.name, ports.country, ports.min_lot) == ("DEMO (synthetic) Ports, Ltd", None, 100)
    assert ports.synthetic
    assert not data.securities["IBM.US"].synthetic
    assert data.cash[0].amount_minor == -1050
    assert [row.amount_minor for row in data.opening_cash] == [400000, -1234]
    assert data.opening_positions[0].quantity_micro == 2_500_000
    assert data.opening_positions[0].price_micro == 119_270_000
    assert data.dividends[0].amount_micro == 500_000
    assert data.splits[0].ratio == Decimal("0.1")
    assert (data.first_day, data.last_day) == (date(2009, 1, 5), date(2009, 1, 8))


def test_bars_are_found_by_day(tmp_path: Path) -> None:
    data = load(tmp_path / "market")
    assert data.bar_on("IBM.US", date(2009, 1, 5)) == Bar(
        date(2009, 1, 5), 87_170_000, 87_870_000, 85_960_000, 86_820_000, 7_616_900
    )
    assert data.bar_on("IBM.US", date(2009, 1, 7)) is None
    assert data.bar_on("NONE.US", date(2009, 1, 5)) is None
    assert data.bar_on("IBM.US", date(2010, 1, 1)) is None


def test_the_last_bar_before_a_day_excludes_that_day(tmp_path: Path) -> None:
    data = load(tmp_path / "market")
    before = data.last_bar_before("IBM.US", date(2009, 1, 8))
    assert before is not None
    assert before.day == date(2009, 1, 6)
    assert data.last_bar_before("IBM.US", date(2009, 1, 5)) is None
    assert data.last_bar_before("NONE.US", date(2009, 1, 8)) is None
    days = [bar.day.day for bar in data.bars["IBM.US"].between(date(2009, 1, 6), date(2009, 1, 8))]
    assert days == [6, 8]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("90,91,89.12345,90.5,7", (90_000_000, 91_000_000, 89_123_450, 90_500_000, 7)),
        ("430000,430000,1,2,7", (430_000_000_000, 430_000_000_000, 1_000_000, 2_000_000, 7)),
        ("90,91,89,90,5000000000", (90_000_000, 91_000_000, 89_000_000, 90_000_000, 5 * 10**9)),
    ],
    ids=["five decimals", "a very dear share", "a very large volume"],
)
def test_a_bar_that_does_not_fit_changes_none_before_or_after_it(
    tmp_path: Path, row: str, expected: tuple[int, ...]
) -> None:
    extra = f"2009-01-07,IBM.US,{row}\n2009-01-09,IBM.US,91.0001,92,91,91.5,1\n"
    narrow = GOOD["prices.csv"].replace("89.1234565", "89.12")
    market = load(tmp_path / "market", prices=narrow + extra)
    bars = market.bars["IBM.US"]
    assert bars[1] == Bar(date(2009, 1, 6), 88_000_000, 90_500_000, 87_250_000, 89_230_000, 8000000)
    assert bars[2] == Bar(date(2009, 1, 7), *expected)
    assert bars[4] == Bar(date(2009, 1, 9), 91_000_100, 92_000_000, 91_000_000, 91_500_000, 1)


def test_pence_are_hundredths_of_a_pound_wherever_a_price_is_given_in_them(tmp_path: Path) -> None:
    data = load(
        tmp_path / "market",
        securities=with_row("securities", "HSBA.L,GB0005405286,HSBC,GBX,XLON,,,EQUITY,1"),
        prices=with_row("prices", "2009-01-05,HSBA.L,650,662.5,649.75,651.05,100"),
        dividends=with_row("dividends", "2009-02-06,2009-03-10,HSBA.L,12.345,GBX"),
        opening=with_row("opening", "position,GBX,HSBA.L,10,600.5")
        + "position,HKD,DEMO.AS,100,23\n",
    )
    assert data.securities["HSBA.L"].currency == "GBP"
    assert data.bar_on("HSBA.L", date(2009, 1, 5)) == Bar(
        date(2009, 1, 5), 6_500_000, 6_625_000, 6_497_500, 6_510_500, 100
    )
    (paid,) = [row for row in data.dividends if row.symbol == "HSBA.L"]
    assert (paid.amount_micro, paid.currency) == (123_450, "GBP")
    (held,) = [row for row in data.opening_positions if row.symbol == "HSBA.L"]
    assert (held.price_micro, held.currency) == (6_005_000, "GBP")


@pytest.mark.parametrize(
    ("name", "row"),
    [("cash", "2009-02-03,GBX,400"), ("opening", "cash,GBX,,400,"), ("fx", "2009-01-05,GBX,85")],
)
def test_nobody_holds_or_converts_pence(tmp_path: Path, name: str, row: str) -> None:
    ((_, _, reason),) = problems(tmp_path / "market", **{name: with_row(name, row)})
    assert reason == "currency 'GBX' is not known"


def test_a_rate_is_the_last_one_published(tmp_path: Path) -> None:
    data = load(tmp_path / "market")
    expected = ReferenceRate(date(2009, 1, 2), Decimal("1.3866"))
    assert data.rate_at("USD", date(2009, 1, 4)) == expected
    assert data.rate_at("USD", date(2009, 1, 1)) is None
    assert data.rate_at("GBP", date(2009, 1, 5)) is None
    assert data.rate_at("EUR", date(2009, 1, 5)) is None


def test_prices_are_rounded_half_to_even_at_a_millionth(tmp_path: Path) -> None:
    bar = load(tmp_path / "market").bar_on("IBM.US", date(2009, 1, 8))
    assert bar is not None
    assert bar.open_micro == 89_123_456


def test_packed_and_plain_files_give_the_same_market(tmp_path: Path) -> None:
    plain = load(tmp_path / "plain")
    packed_folder = write_folder(tmp_path / "packed", prices=None, fx=None)
    for name in ("prices.csv", "fx.csv"):
        (packed_folder / f"{name}.gz").write_bytes(gzip.compress(GOOD[name].encode()))
    packed = load_market_folder(packed_folder)
    for symbol, series in plain.bars.items():
        assert list(packed.bars[symbol]) == list(series)
    assert list(packed.rates["USD"]) == list(plain.rates["USD"])


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    text = "\ufeff" + GOOD["prices.csv"].replace("\n", "\r\n") + "\r\n"
    assert len(load(tmp_path / "market", prices=text.encode()).bars["IBM.US"]) == 3


def test_fundamentals_are_optional(tmp_path: Path) -> None:
    assert load(tmp_path / "without").fundamentals == ()
    text = "symbol,as_of,metric,value\nIBM.US,2009-01-20,roe,-0.12\n"
    data = load(tmp_path / "with", fundamentals=text)
    assert data.fundamentals[0].value == Decimal("-0.12")


def test_an_opening_of_ones_own_replaces_that_of_the_folder(tmp_path: Path) -> None:
    own = tmp_path / "mine.csv"
    own.write_text("kind,currency,symbol,quantity,price\ncash,GBP,,7,\n", encoding="utf-8")
    data = load_market_folder(write_folder(tmp_path / "market"), opening=own)
    assert [(row.currency, row.amount_minor) for row in data.opening_cash] == [("GBP", 700)]
    assert data.opening_positions == ()


def test_the_market_cannot_be_changed(tmp_path: Path) -> None:
    data = load(tmp_path / "market")
    with pytest.raises(TypeError):
        data.securities["X"] = data.securities["IBM.US"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("name", "row", "reason"),
    [
        ("prices", "05.01.2009,IBM.US,1,1,1,1,1", "is not a date like"),
        ("prices", "2009-W01-1,IBM.US,1,1,1,1,1", "is not a date like"),
        ("prices", "2009-02-30,IBM.US,1,1,1,1,1", "is not a day of the calendar"),
        ("prices", "2009-01-09,AAPL.US,1,1,1,1,1", "is not in securities.csv"),
        ("prices", "2009-01-09,IBM.US,nan,1,1,1,1", "is not a plain decimal"),
        ("prices", "2009-01-09,IBM.US,inf,1,1,1,1", "is not a plain decimal"),
        ("prices", "2009-01-09,IBM.US,1e3,1,1,1,1", "is not a plain decimal"),
        ("prices", "2009-01-09,IBM.US,,1,1,1,1", "is not a plain decimal"),
        ("prices", "2009-01-09,IBM.US,0,1,0,1,1", "is not above zero"),
        ("prices", "2009-01-09,IBM.US,-1,1,1,1,1", "is not above zero"),
        ("prices", "2009-01-09,IBM.US,0.0000001,1,1,1,1", "is too small"),
        ("prices", "2009-01-09,IBM.US,9999999999999,1,1,1,1", "is out of range"),
        ("prices", "2009-01-09,IBM.US,5,6,5.5,5.6,1", "are not within"),
        ("prices", "2009-01-09,IBM.US,5,5.5,4,6,1", "are not within"),
        ("prices", "2009-01-09,IBM.US,5,6,4,5,-3", "is not a whole number"),
        ("prices", "2009-01-09,IBM.US,5,6,4,5,1.5", "is not a whole number"),
        ("prices", "2009-01-09,IBM.US,5,6,4,5", "has 6 fields instead of 7"),
        ("prices", "2009-01-05,IBM.US,87,88,85,86,1", "IBM.US already has a row for 2009-01-05"),
        ("fx", "2009-01-05,USD,1.3582", "USD already has a row for 2009-01-05"),
        ("fx", "2009-01-06,EUR,1", "EUR is the base"),
        ("fx", "2009-01-06,XYZ,1", "is not known"),
        ("fx", "2009-01-06,USD,0", "is not above zero"),
        ("fx", "2009-01-06,USD,0.00000000001", "is too small"),
        ("fx", "2009-01-06,USD,1000000000", "is out of range"),
        ("dividends", "2009-02-06,2009-02-05,IBM.US,0.5,USD", "before its ex_date"),
        ("dividends", "2009-02-06,2009-03-10,IBM.US,0.5,USD", "appears twice"),
        ("dividends", "2009-02-06,2009-03-10,IBM.US,-0.5,USD", "is not above zero"),
        ("splits", "2009-03-02,DEMO.AS,0.5", "appears twice"),
        ("splits", "2009-03-03,DEMO.AS,1", "is not a split"),
        ("splits", "2009-03-03,DEMO.AS,5000", "is not a split"),
        ("splits", "2009-03-03,DEMO.AS,2:1", "is not a plain decimal"),
        ("cash", "2009-03-03,EUR,0", "amount is zero"),
        ("cash", "2009-03-03,EUR,1.005", "finer than the smallest unit of EUR"),
        ("cash", "2009-03-03,JPY,1.5", "finer than the smallest unit of JPY"),
        ("opening", "cash,EUR,,1,", "opening cash in EUR appears twice"),
        ("opening", "cash,GBP,IBM.US,1,", "leaves symbol and price empty"),
        ("opening", "loan,EUR,,1,", "is neither cash nor position"),
        ("opening", "position,USD,IBM.US,1,1", "opening position in IBM.US appears twice"),
        ("opening", "position,EUR,DEMO.AS,100,1", "trades in HKD, not EUR"),
        ("opening", "position,EUR,WORLD.IDX,1,1", "is an index"),
        ("opening", "position,HKD,DEMO.AS,0.0000001,1", "finer than a millionth"),
        ("opening", "position,HKD,DEMO.AS,-100,1", "is not above zero"),
        ("opening", "position,HKD,NONE.AS,100,1", "is not in securities.csv"),
        ("securities", "A.US,US0378331006,A,USD,XNAS,,,EQUITY,1", "wrong check digit"),
        ("securities", "A.US,0378331005,A,USD,XNAS,,,EQUITY,1", "is not two letters"),
        ("securities", "A.US,,A,USD,XNAS,,,EQUITY,1", "is not two letters"),
        ("securities", "A.US,US0378331005,A,DOL,XNAS,,,EQUITY,1", "is not known"),
        ("securities", "A.US,US0378331005,A,USD,XNAS,,,EQUITY,0", "is not between 1"),
        ("securities", "A.US,US0378331005,A,USD,XNAS,,,EQUITY,0.5", "is not a whole number"),
        ("securities", "A.US,US0378331005,A,USD,XNAS,,,INDX,1", "product_type 'INDX' is none of"),
        ("securities", "A.US,US0378331005, ,USD,XNAS,,,EQUITY,1", "name is empty"),
        ("securities", "A.US,US0378331005,A,USD,,,,EQUITY,1", "exchange is empty"),
        ("securities", "A/B,US0378331005,A,USD,XNAS,,,EQUITY,1", "is not a ticker"),
        ("securities", "IBM.US,US0378331005,A,USD,XNAS,,,EQUITY,1", "symbol IBM.US appears twice"),
        ("securities", "I.US,US4592001014,I,USD,XNYS,,,EQUITY,1", "listing US4592001014 USD XNYS"),
    ],
)
def test_a_bad_row_is_reported_with_its_line(
    tmp_path: Path, name: str, row: str, reason: str
) -> None:
    text = with_row(name, row)
    found = problems(tmp_path / "market", **{name: text})
    assert [(file, line) for file, line, _ in found] == [(f"{name}.csv", text.count("\n"))]
    assert reason in found[0][2]


def test_every_bad_row_of_every_file_is_reported(tmp_path: Path) -> None:
    found = problems(
        tmp_path / "market",
        prices=with_row("prices", "x,IBM.US,1,1,1,1,1\n2009-01-09,IBM.US,1,1,1,1,x"),
        splits=with_row("splits", "2009-03-02,NONE,2"),
        cash=None,
        fx=with_row("fx", "2009-01-06,USD,-1"),
    )
    assert [(file, line) for file, line, _ in found] == [
        ("prices.csv", 7),
        ("prices.csv", 8),
        ("splits.csv", 3),
        ("fx.csv", 5),
    ]


def test_the_message_names_the_first_problems_and_counts_the_rest(tmp_path: Path) -> None:
    rows = "\n".join(f"2009-02-{day:02},IBM.US,1,1,1,1,x" for day in range(1, 9))
    with pytest.raises(StartError, match=r"prices.csv:7: volume 'x'.*; and 3 more"):
        load(tmp_path / "market", prices=with_row("prices", rows))


@pytest.mark.parametrize("name", ["securities", "prices", "fx"])
def test_a_market_needs_securities_prices_and_rates(tmp_path: Path, name: str) -> None:
    found = problems(tmp_path / "market", **{name: None})
    assert (f"{name}.csv", 0, "is missing") in found


def test_the_other_files_may_be_absent(tmp_path: Path) -> None:
    data = load(tmp_path / "market", dividends=None, splits=None, cash=None, opening=None)
    assert [data.dividends, data.splits, data.cash, data.opening_cash] == [(), (), (), ()]


def test_a_file_without_rows_is_no_market(tmp_path: Path) -> None:
    header = GOOD["prices.csv"].splitlines()[0] + "\n"
    assert problems(tmp_path / "market", prices=header) == [("prices.csv", 0, "has no rows")]


def test_another_header_is_refused(tmp_path: Path) -> None:
    swapped = GOOD["prices.csv"].replace("high,low", "low,high")
    (found,) = problems(tmp_path / "market", prices=swapped)
    assert found[:2] == ("prices.csv", 1)
    assert "date,symbol,open,high,low,close,volume" in found[2]


def test_a_misspelt_file_is_not_ignored(tmp_path: Path) -> None:
    found = problems(tmp_path / "market", dividend="x\n")
    assert found == [("dividend.csv", 0, "is not a file of a market folder")]


def test_a_file_that_exists_twice_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "market")
    (folder / "fx.csv.gz").write_bytes(gzip.compress(GOOD["fx.csv"].encode()))
    with pytest.raises(MarketFolderError, match="exists both plain and as"):
        load_market_folder(folder)


def test_a_truncated_archive_is_reported(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "market", prices=None)
    packed = gzip.compress(GOOD["prices.csv"].encode())
    (folder / "prices.csv.gz").write_bytes(packed[:-12])
    with pytest.raises(MarketFolderError, match=r"prices.csv.gz:\d+: cannot be read"):
        load_market_folder(folder)
    (folder / "prices.csv.gz").write_bytes(b"no archive")
    with pytest.raises(MarketFolderError, match=r"prices.csv.gz:\d+: cannot be read"):
        load_market_folder(folder)


def test_text_that_is_not_utf_8_is_reported(tmp_path: Path) -> None:
    found = problems(tmp_path / "market", cash=b"date,currency,amount\n2009-01-05,EUR,1\xe9\n")
    assert [(file, reason) for file, _, reason in found] == [("cash.csv", "is not UTF-8 text")]


def test_a_broken_quotation_is_reported(tmp_path: Path) -> None:
    found = problems(tmp_path / "market", cash=with_row("cash", '2009-01-06,"EUR"x,1'))
    assert found[0][:2] == ("cash.csv", 4)
    assert "is not CSV" in found[0][2]


def test_a_folder_that_does_not_exist_is_reported(tmp_path: Path) -> None:
    with pytest.raises(MarketFolderError, match="is not a folder"):
        load_market_folder(tmp_path / "nowhere")


@given(st.text(alphabet="0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=9, max_size=9))
def test_one_digit_in_ten_completes_an_isin(body: str) -> None:
    accepted: list[str] = []
    for digit in "0123456789":
        try:
            accepted.append(isin(f"XF{body}{digit}"))
        except BadField:
            continue
    assert len(accepted) == 1


PRICES = st.integers(min_value=1, max_value=10**12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(st.dictionaries(st.integers(0, 4000), st.tuples(PRICES, PRICES), min_size=1, max_size=30))
def test_rows_in_any_order_give_exact_prices(
    tmp_path: Path, rows: dict[int, tuple[int, int]]
) -> None:
    start = date(2000, 1, 3)
    lines = ["date,symbol,open,high,low,close,volume"]
    for offset, (a, b) in rows.items():
        low, high = sorted((a, b))
        texts = ",".join(str(Decimal(value).scaleb(-6).quantize(Decimal("0.000001")))
                         for value in (a, high, low, b))  # fmt: skip
        lines.append(f"{start + timedelta(days=offset)},IBM.US,{texts},{offset}")
    series = load(tmp_path / "market", prices="\n".join(lines)).bars["IBM.US"]
    assert [(bar.day, bar.open_micro, bar.close_micro, bar.volume) for bar in series] == [
        (start + timedelta(days=offset), *rows[offset], offset) for offset in sorted(rows)
    ]
