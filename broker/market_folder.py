"""Reads a market folder: the CSV files, plain or gzip, that the paper exchange replays.

Every bad row of every file is reported at once, with file, line and reason, and then nothing is
loaded: a market with a hole in it would trade at prices nobody ever saw. The paper broker calls
`load_market_folder` at start.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType

from broker import market_fields as fields
from broker.market_columns import BarColumns, Columns
from broker.market_data import (
    RATE_DIGITS,
    CashRow,
    DividendRow,
    FundamentalRow,
    MarketData,
    OpeningCash,
    OpeningPosition,
    OutageRow,
    SecurityRow,
    SplitRow,
)
from broker.market_fields import BadField
from broker.market_files import Problem, find_files, read_rows
from ledger.currency import BASE
from ledger.errors import StartError

SHOWN_PROBLEMS = 5
PRODUCT_TYPES = frozenset(
    {"EQUITY", "ETF", "ETC", "BOND", "COMMODITY", "MUTUALFUND", "INDEX", "UNKNOWN"}
)
LARGEST_SPLIT = 1000
LARGEST_LOT = 1_000_000


class MarketFolderError(StartError):
    """The folder cannot be used; `problems` holds every bad row that was found."""

    def __init__(self, folder: Path, problems: tuple[Problem, ...]) -> None:
        shown = "; ".join(str(problem) for problem in problems[:SHOWN_PROBLEMS])
        rest = len(problems) - SHOWN_PROBLEMS
        more = f"; and {rest} more" if rest > 0 else ""
        super().__init__(f"market folder {folder} cannot be loaded: {shown}{more}")
        self.problems = problems


def demo_folder() -> Path:
    """The market that ships with the package."""
    return Path(__file__).parent / "demo"


def load_market_folder(folder: Path, *, opening: Path | None = None) -> MarketData:
    """Everything in `folder`; `opening` replaces its opening.csv. Raises MarketFolderError."""
    loader = _Loader(folder, opening)
    data = loader.load()
    if loader.problems:
        raise MarketFolderError(folder, tuple(loader.problems))
    return data


class _Loader:
    """One pass over the files; securities first, because every other file refers to them."""

    def __init__(self, folder: Path, opening: Path | None) -> None:
        self.problems: list[Problem] = []
        self._files = find_files(folder, self.problems)
        if opening is not None:
            self._files["opening.csv"] = opening
        self._days = fields.DayMemo()
        self._securities: dict[str, SecurityRow] = {}
        self._digits: dict[str, int] = {}  # of the prices, by symbol
        self._bars: dict[str, BarColumns] = {}
        self._rates: dict[str, Columns] = {}
        self._dividends: list[DividendRow] = []
        self._splits: list[SplitRow] = []
        self._cash: list[CashRow] = []
        self._opening_cash: list[OpeningCash] = []
        self._opening_positions: list[OpeningPosition] = []
        self._fundamentals: list[FundamentalRow] = []
        self._outages: list[OutageRow] = []
        self._seen: set[Hashable] = set()

    def load(self) -> MarketData:
        takers = {
            "securities.csv": self._security,
            "prices.csv": self._price,
            "dividends.csv": self._dividend,
            "splits.csv": self._split,
            "fx.csv": self._rate,
            "cash.csv": self._cash_flow,
            "opening.csv": self._opening,
            "fundamentals.csv": self._fundamental,
            "outages.csv": self._outage,
        }
        for name, take in takers.items():
            if name in self._files:
                read_rows(self._files[name], name, take, self.problems)
        self._finish("prices.csv", self._bars)
        self._finish("fx.csv", self._rates)
        return self._data()

    def _data(self) -> MarketData:
        return MarketData(
            securities=MappingProxyType(self._securities),
            bars=MappingProxyType({key: columns.bars() for key, columns in self._bars.items()}),
            dividends=tuple(sorted(self._dividends, key=lambda row: (row.ex_date, row.symbol))),
            splits=tuple(sorted(self._splits, key=lambda row: (row.day, row.symbol))),
            rates=MappingProxyType({key: columns.rates() for key, columns in self._rates.items()}),
            cash=tuple(sorted(self._cash, key=lambda row: (row.day, row.currency))),
            opening_cash=tuple(self._opening_cash),
            opening_positions=tuple(self._opening_positions),
            fundamentals=tuple(
                sorted(self._fundamentals, key=lambda row: (row.as_of, row.symbol, row.metric))
            ),
            outages=tuple(sorted(self._outages, key=lambda row: row.since)),
        )

    def _finish(self, name: str, tables: Mapping[str, Columns]) -> None:
        """Sorts and slims the columns; a day that appears twice is a bad row."""
        if name in self._files and not tables and not self.problems:
            self.problems.append(Problem(self._files[name].name, 0, "has no rows"))
        days: dict[bytes, array[int]] = {}
        for key, columns in tables.items():
            columns.sort()
            columns.share_days(days)
            self.problems.extend(
                Problem(
                    self._files[name].name,
                    line,
                    f"{key} already has a row for {date.fromordinal(ordinal)}",
                )
                for ordinal, line in columns.repeated()
            )

    def _once(self, *key: Hashable, what: str) -> None:
        if key in self._seen:
            raise BadField(f"{what} appears twice")
        self._seen.add(key)

    def _known(self, symbol: str) -> SecurityRow:
        if symbol not in self._securities:
            raise BadField(f"symbol {symbol!r} is not in securities.csv")
        return self._securities[symbol]

    def _security(self, row: Sequence[str], _line: int) -> None:
        symbol, isin, name, currency, exchange, country, industry, product_type, min_lot = row
        if product_type not in PRODUCT_TYPES:
            raise BadField(f"product_type {product_type!r} is none of {sorted(PRODUCT_TYPES)}")
        lot = fields.whole(min_lot, "min_lot")
        if not 1 <= lot <= LARGEST_LOT:
            raise BadField(f"min_lot {min_lot} is not between 1 and {LARGEST_LOT}")
        code, digits = fields.quoted(currency)
        security = SecurityRow(
            symbol=fields.symbol(symbol),
            isin="" if product_type == "INDEX" and not isin else fields.isin(isin),
            name=fields.required(name, "name"),
            currency=code,
            exchange=fields.required(exchange, "exchange"),
            country=fields.optional(country, "country"),
            industry=fields.optional(industry, "industry"),
            product_type=product_type,
            min_lot=lot,
        )
        self._once("symbol", symbol, what=f"symbol {symbol}")
        if security.isin:
            listing = (security.isin, code, security.exchange)
            self._once("listing", *listing, what=f"listing {' '.join(listing)}")
        self._securities[symbol], self._digits[symbol] = security, digits

    def _price(self, row: Sequence[str], line: int) -> None:
        day, symbol, *prices, volume = row
        ordinal, price = self._days.ordinal(day), fields.scaled
        self._known(symbol)
        digits = self._digits[symbol]
        opens, high = price(prices[0], digits, "open"), price(prices[1], digits, "high")
        low, close = price(prices[2], digits, "low"), price(prices[3], digits, "close")
        if low > opens or low > close or high < opens or high < close:
            raise BadField(f"open {row[2]} and close {row[5]} are not within {row[4]} to {row[3]}")
        values = (opens, high, low, close, fields.volume(volume))
        columns = self._bars.get(symbol)
        if columns is None:
            columns = self._bars[symbol] = BarColumns()
        columns.append(ordinal, line, values)

    def _dividend(self, row: Sequence[str], _line: int) -> None:
        ex_date, pay_date, symbol, amount, currency = row
        code, digits = fields.quoted(currency)
        dividend = DividendRow(
            symbol=self._known(symbol).symbol,
            ex_date=fields.day(ex_date),
            pay_date=fields.day(pay_date),
            amount_micro=fields.scaled(amount, digits, "amount"),
            currency=code,
        )
        if dividend.pay_date < dividend.ex_date:
            raise BadField(f"is paid on {pay_date}, before its ex_date {ex_date}")
        self._once("dividend", dividend, what=f"dividend of {symbol} on {ex_date}")
        self._dividends.append(dividend)

    def _split(self, row: Sequence[str], _line: int) -> None:
        day, symbol, text = row
        ratio = fields.positive(text, "ratio")
        if ratio == 1 or not 1 <= max(ratio, 1 / ratio) <= LARGEST_SPLIT:
            raise BadField(f"ratio {text} is not a split")
        split = SplitRow(self._known(symbol).symbol, fields.day(day), ratio)
        self._once("split", symbol, day, what=f"split of {symbol} on {day}")
        self._splits.append(split)

    def _rate(self, row: Sequence[str], line: int) -> None:
        day, currency, per_eur = row
        ordinal = self._days.ordinal(day)
        if fields.currency(currency) == BASE:
            raise BadField(f"{BASE} is the base and has no rate")
        scaled = fields.scaled(per_eur, RATE_DIGITS, "per_eur")
        if scaled >= 1 << 63:
            raise BadField(f"per_eur {per_eur} is out of range")
        columns = self._rates.get(currency)
        if columns is None:
            columns = self._rates[currency] = Columns(1)
        columns.append(ordinal, line, (scaled,))

    def _cash_flow(self, row: Sequence[str], _line: int) -> None:
        day, currency, text = row
        amount = fields.minor(text, fields.currency(currency), "amount")
        if amount == 0:
            raise BadField("amount is zero")
        self._cash.append(CashRow(fields.day(day), currency, amount))

    def _opening(self, row: Sequence[str], _line: int) -> None:
        kind, currency, symbol, quantity, price = row
        if kind == "cash":
            fields.currency(currency)
            if symbol or price:
                raise BadField("a cash row leaves symbol and price empty")
            self._once("cash", currency, what=f"opening cash in {currency}")
            amount = fields.minor(quantity, currency, "quantity")
            self._opening_cash.append(OpeningCash(currency, amount))
        elif kind == "position":
            self._opening_position(symbol, currency, quantity=quantity, price=price)
        else:
            raise BadField(f"kind {kind!r} is neither cash nor position")

    def _opening_position(self, symbol: str, currency: str, *, quantity: str, price: str) -> None:
        code, digits = fields.quoted(currency)
        security = self._known(symbol)
        if security.product_type == "INDEX":
            raise BadField(f"{symbol} is an index and cannot be held")
        if code != security.currency:
            raise BadField(f"{symbol} trades in {security.currency}, not {currency}")
        position = OpeningPosition(
            symbol=symbol,
            currency=code,
            quantity_micro=fields.exact_micro(quantity, "quantity"),
            price_micro=fields.scaled(price, digits, "price"),
        )
        self._once("position", symbol, what=f"opening position in {symbol}")
        self._opening_positions.append(position)

    def _fundamental(self, row: Sequence[str], _line: int) -> None:
        symbol, as_of, metric, value = row
        figure = FundamentalRow(
            symbol=self._known(symbol).symbol,
            as_of=fields.day(as_of),
            metric=fields.required(metric, "metric"),
            value=fields.decimal(value, "value"),
        )
        self._once("fundamental", symbol, as_of, metric, what=f"{metric} of {symbol} on {as_of}")
        self._fundamentals.append(figure)

    def _outage(self, row: Sequence[str], _line: int) -> None:
        outage = OutageRow(fields.instant(row[0], "from"), fields.instant(row[1], "to"))
        if outage.until <= outage.since:
            raise BadField(f"ends at {row[1]}, not after its start")
        self._outages.append(outage)
