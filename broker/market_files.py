"""Finds and reads the files of a market folder line by line, plain or gzip.

Knows names, headers and everything that can be wrong with a file as such; what a row means is
decided in `market_folder`.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from broker.market_fields import BadField

HEADERS: dict[str, tuple[str, ...]] = {
    "securities.csv": (
        "symbol", "isin", "name", "currency", "exchange", "country", "industry", "product_type",
        "min_lot",
    ),
    "prices.csv": ("date", "symbol", "open", "high", "low", "close", "volume"),
    "dividends.csv": ("ex_date", "pay_date", "symbol", "amount", "currency"),
    "splits.csv": ("date", "symbol", "ratio"),
    "fx.csv": ("date", "currency", "per_eur"),
    "cash.csv": ("date", "currency", "amount"),
    "opening.csv": ("kind", "currency", "symbol", "quantity", "price"),
    "fundamentals.csv": ("symbol", "as_of", "metric", "value"),
    "outages.csv": ("from", "to"),
}  # fmt: skip
REQUIRED = frozenset({"securities.csv", "prices.csv", "fx.csv"})
PACKED = ".gz"

Take = Callable[[Sequence[str], int], None]
"""Receives the fields of one row and its line number; raises BadField."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a market folder. Line 0 means the file as a whole."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return (
            f"{self.file}:{self.line}: {self.reason}"
            if self.line
            else f"{self.file}: {self.reason}"
        )


def find_files(folder: Path, problems: list[Problem]) -> dict[str, Path]:
    """The market files that exist, by plain name."""
    if not folder.is_dir():
        problems.append(Problem(str(folder), 0, "is not a folder"))
        return {}
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        name = path.name.removesuffix(PACKED)
        if not name.endswith(".csv"):
            continue
        if name not in HEADERS:
            problems.append(Problem(path.name, 0, "is not a file of a market folder"))
        elif name in found:
            problems.append(Problem(path.name, 0, f"exists both plain and as {PACKED}"))
        else:
            found[name] = path
    missing = sorted(REQUIRED - found.keys())
    problems.extend(Problem(name, 0, "is missing") for name in missing)
    return found


def read_rows(path: Path, name: str, take: Take, problems: list[Problem]) -> None:
    """Hands every row of `path` to `take`; whatever is wrong goes to `problems`."""
    line = 0
    width = len(HEADERS[name])
    try:
        with _open(path) as stream:
            reader = csv.reader(stream, strict=True)
            if tuple(next(reader, ())) != HEADERS[name]:
                reason = f"header must be {','.join(HEADERS[name])}"
                problems.append(Problem(path.name, 1, reason))
                return
            for row in filter(None, reader):  # blank lines say nothing
                line = reader.line_num
                try:
                    _check_width(row, width)
                    take(row, line)
                except BadField as error:
                    problems.append(Problem(path.name, line, str(error)))
    except UnicodeDecodeError:
        problems.append(Problem(path.name, line + 1, "is not UTF-8 text"))
    except csv.Error as error:
        problems.append(Problem(path.name, line + 1, f"is not CSV: {error}"))
    except (OSError, EOFError, zlib.error) as error:
        problems.append(Problem(path.name, line + 1, f"cannot be read: {error}"))


def _check_width(row: list[str], width: int) -> None:
    if len(row) != width:
        raise BadField(f"has {len(row)} fields instead of {width}")


def _open(path: Path) -> TextIO:
    if path.suffix == PACKED:
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")
