"""Writes an invented market folder from a seed: `python -m tools.make_market OUT`.

    --securities N   besides two indices (200)
    --years N        of history, up to the end of 2025 (10)
    --seed N         the same seed writes the same bytes (5)

The paper exchange replays it: prices, dividends, splits, rates, fundamentals, an uneven portfolio
of half of the securities, and monthly deposits. The first line printed is the instant to begin at,
as the configuration wants it.
"""

from __future__ import annotations

import argparse
import csv
import sys
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import NoReturn

from policy.market_hours import Calendars
from policy.target_days import is_target_day
from tools.market_model import History, Invented, Model, Row, Size, dates

ROOT = Path(__file__).parent.parent
LAST = date(2025, 12, 31)
MOST_SECURITIES, MOST_YEARS = 1000, 25
# The last year of a market is there to be replayed, the rest is history.
REPLAYED = timedelta(days=365)
# Of the euros for every security, enough for some purchases above any cash reserve.
EUR_EACH = 100
OPENING_CASH = (("USD", "2500.00"), ("GBP", "800.00"), ("HKD", "9000.00"))
DEPOSIT, WITHDRAWAL = "900.00", "-1200.00"
POSITION_EUR = (400.0, 4000.0)
BOUGHT_AT = (0.55, 1.25)  # times the price of the day on which the account is opened


def write_market(folder: Path, size: Size, *, seed: int) -> date:
    """The whole folder; the day from which it is meant to be replayed."""
    calendars = Calendars.from_json((ROOT / "policy" / "calendars.json").read_text("utf-8"))
    model = Model(size, seed, calendars)
    start = opening_day(size)
    folder.mkdir(parents=True, exist_ok=True)
    everything = (*model.securities, *model.indices)
    _write(
        folder / "securities.csv",
        "symbol isin name currency exchange country industry product_type min_lot",
        map(_security, everything),
    )
    histories = ((item, model.history(item)) for item in everything)
    _write(
        folder / "prices.csv",
        "date symbol open high low close volume",
        (row for item, history in histories for row in _bars(model, item, history)),
    )
    paying = [(item, model.history(item)) for item in model.securities if item.payments]
    _write(
        folder / "dividends.csv",
        "ex_date pay_date symbol amount currency",
        sorted(row for item, history in paying for row in _dividends(model, item, history)),
    )
    _write(folder / "splits.csv", "date symbol ratio", sorted(_splits(model)))
    _write(folder / "fx.csv", "date currency per_eur", _rates(model))
    _write(folder / "cash.csv", "date currency amount", _flows(start, size.last))
    _write(folder / "opening.csv", "kind currency symbol quantity price", _opening(model, start))
    _write(folder / "fundamentals.csv", "symbol as_of metric value", _fundamentals(model))
    return start


def opening_day(size: Size) -> date:
    """A year before the end, or halfway of what is shorter than two years."""
    day = max(size.last - REPLAYED, size.first + (size.last - size.first) / 2)
    while not is_target_day(day):
        day += timedelta(days=1)
    return day


def _write(path: Path, header: str, rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header.split())
        writer.writerows(rows)


def _security(item: Invented) -> Row:
    return (
        item.symbol, item.isin, item.name, item.currency, item.mic, item.country, item.industry,
        item.product, str(item.lot),
    )  # fmt: skip


def _bars(model: Model, item: Invented, history: History) -> Iterator[Row]:
    columns = (history.open, history.high, history.low, history.close)
    prices = zip(*(column.tolist() for column in columns), strict=True)
    days = dates(model, history.sessions)
    for day, four, volume in zip(days, prices, history.volume.tolist(), strict=True):
        yield (day, item.symbol, *(f"{price:.2f}" for price in four), str(volume))


def _dividends(model: Model, item: Invented, history: History) -> Iterator[Row]:
    for day, amount in history.dividends:
        paid = model.pay_day(item.mic, day)
        if paid is not None and round(amount, 3) > 0:
            ex_day = model.days[day].isoformat()
            yield (ex_day, paid.isoformat(), item.symbol, f"{amount:.3f}", item.currency)


def _splits(model: Model) -> Iterator[Row]:
    for item in model.securities:
        history = model.history(item)
        ratio = history.ratio
        for at in range(1, len(ratio)):
            if ratio[at] != ratio[at - 1]:
                day = model.days[int(history.sessions[at])].isoformat()
                yield (day, item.symbol, f"{ratio[at] / ratio[at - 1]:.0f}")


def _rates(model: Model) -> Iterator[Row]:
    for currency, levels in sorted(model.rates().items()):
        for day, level in zip(model.days, levels.tolist(), strict=True):
            if is_target_day(day):
                yield (day.isoformat(), currency, f"{level:.4f}")


def _flows(start: date, last: date) -> list[Row]:
    """A deposit on the first bank day of every month, and one withdrawal."""
    rows: list[Row] = []
    first = date(start.year, start.month, 1)
    for month in range(first.month, first.month + 13):
        day = date(first.year + month // 12, month % 12 + 1, 1)
        while not is_target_day(day):
            day += timedelta(days=1)
        if day <= last:
            rows.append((day.isoformat(), "EUR", DEPOSIT))
    if len(rows) > 6:
        rows.insert(6, (rows[5][0], "EUR", WITHDRAWAL))
    return rows


def _opening(model: Model, start: date) -> Iterator[Row]:
    """Cash, and every second security: what was last traded before the start, bought at another
    price, so that there are gains and losses of every size.
    """
    euros = ("EUR", f"{EUR_EACH * len(model.securities)}.00")
    for currency, amount in (euros, *OPENING_CASH):
        yield ("cash", currency, "", amount, "")
    rates = model.rates()
    rng = model.noise(4)
    for item in model.securities[::2]:
        history = model.history(item)
        before = bisect_left(history.sessions, start, key=lambda at: model.days[int(at)]) - 1
        if before < 0:
            continue
        price = float(history.close[before])
        per_eur = rates.get(item.currency)
        rate = 1.0 if per_eur is None else float(per_eur[history.sessions[before]])
        lots = max(1, round(float(rng.uniform(*POSITION_EUR)) * rate / price / item.lot))
        cost = price * float(rng.uniform(*BOUGHT_AT))
        yield ("position", item.currency, item.symbol, str(lots * item.lot), f"{cost:.2f}")


def _fundamentals(model: Model) -> Iterator[Row]:
    """What companies report every spring; better ones earn more and owe less."""
    years = range(model.size.first.year, model.size.last.year + 1)
    for item in model.securities:
        if item.product != "EQUITY":
            continue
        rng = model.noise(5, item.number)
        for year in years:
            day = date(year, 3, 31)
            if model.size.first <= day <= model.size.last:
                q = min(max(item.quality + float(rng.normal(0, 0.04)), 0.02), 0.98)
                for metric, value in _reported(item, q).items():
                    yield (item.symbol, day.isoformat(), metric, f"{value:.4f}")


def _reported(item: Invented, q: float) -> dict[str, float]:
    return {
        "PE_RATIO": 32 - 20 * q,
        "FORWARD_PE": 30 - 19 * q,
        "PROFIT_MARGIN": 0.01 + 0.24 * q,
        "DEBT_TO_EQUITY": 2.2 - 2.0 * q,
        "CURRENT_RATIO": 0.7 + 1.6 * q,
        "PAYOUT_RATIO": 0.65 - 0.3 * q if item.payments else 0.0,
        "ANALYST_RECOMMENDATION": q,
    }


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}\n")


def _count(least: int, most: int) -> Callable[[str], int]:
    """A whole number within bounds, for argparse."""

    def read(text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() else -1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text!r} is not between {least} and {most}")
        return value

    return read


def main(argv: Sequence[str] | None = None) -> int:
    """Exits 2 with one line for arguments that cannot be used."""
    parser = _Parser(prog="python -m tools.make_market", description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--securities", type=_count(1, MOST_SECURITIES), default=200)
    parser.add_argument("--years", type=_count(1, MOST_YEARS), default=10)
    parser.add_argument("--seed", type=_count(0, 2**63 - 1), default=5)
    asked = parser.parse_args(argv)
    folder: Path = asked.out
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        parser.error(f"{folder} is there already and not an empty folder")
    first = date(LAST.year - asked.years + 1, 1, 1)
    size = Size(asked.securities, first, LAST)
    try:
        start = write_market(folder, size, seed=asked.seed)
    except OSError as error:
        parser.error(f"{folder} cannot be written: {error.strerror}")
    print(f'start = "{start.isoformat()}T07:55:00Z"')
    print(f"{asked.securities} securities from {first} to {LAST} in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
