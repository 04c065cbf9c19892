"""The routes of currency exchange: what the configuration says, held against the broker's pairs.

    [[fx.route]]
    instrument = "EUR/USD"     a pair of the broker; the other keys have the broker's own values
    base = "EUR"
    quote = "USD"
    lot = 1                    units of the base
    min_quantity = 10          units of the base; one lot without it

Without a route in the file every pair of the broker is one. A route may ask for larger lots than
the broker does, never for finer ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TypeVar, cast

from daemon.config_values import Bad, shown
from ledger.currency import is_known
from ledger.errors import BadData, StartError
from ledger.money import Quantity
from ledger.security import FxPair
from policy.toml_lines import near

T = TypeVar("T")

KEYS = ("instrument", "base", "quote", "lot", "min_quantity")
Row = Mapping[str, object]
# Notes a mistake: the number of the route (0 is the first), the key, what is wrong with it.
Note = Callable[[int, str, str], None]


@dataclass(frozen=True, slots=True)
class FxRoute:
    """One route as configured; None leaves it to the broker."""

    instrument: str
    base: str | None = None
    quote: str | None = None
    lot: Quantity | None = None
    min_quantity: Quantity | None = None


def rows(value: object) -> tuple[Row, ...]:
    """The tables of [[fx.route]]; raises Bad when the value is anything else."""
    if not isinstance(value, list) or not value:
        raise Bad("must be one or more [[fx.route]] tables")
    found = cast("Sequence[object]", value)
    if not all(isinstance(row, Mapping) for row in found):
        raise Bad("must be one or more [[fx.route]] tables")
    return tuple(cast("Sequence[Row]", found))


def read_routes(tables: Sequence[Row], note: Note) -> tuple[FxRoute, ...]:
    """The routes that are right; every mistake in the others is noted."""
    found: list[FxRoute] = []
    for number, row in enumerate(tables):
        route = _read_route(row, number, note)
        if route is None:
            continue
        if any(route.instrument == other.instrument for other in found):
            note(number, "instrument", f"{route.instrument} is a route already")
        else:
            found.append(route)
    return tuple(found)


def _read_route(row: Row, number: int, note: Note) -> FxRoute | None:
    reader = _RowReader(row, partial(note, number))
    name = reader.get("instrument", _name)
    route = FxRoute(
        instrument=name or "",
        base=reader.get("base", _currency),
        quote=reader.get("quote", _currency),
        lot=reader.get("lot", _quantity),
        min_quantity=reader.get("min_quantity", _quantity),
    )
    if "instrument" not in row:
        reader.complain("instrument", "must name a pair of the broker")
    for key in sorted(row.keys() - set(KEYS)):
        reader.complain(key, f"unknown key{near(key, KEYS)}")
    if route.base is not None and route.base == route.quote:
        reader.complain("quote", f"{shown(route.quote)}: must differ from base")
    if route.lot and route.min_quantity and route.min_quantity < route.lot:
        text = f"{route.min_quantity}: must be at least the lot, {route.lot}"
        reader.complain("min_quantity", text)
    return None if reader.wrong else route


@dataclass(slots=True)
class _RowReader:
    """Hands out the values of one route and remembers whether one was wrong."""

    row: Row
    note: Callable[[str, str], None]
    wrong: bool = False

    def get(self, key: str, parse: Callable[[object], T]) -> T | None:
        """The value of `key`; None when it is absent or wrong (and noted)."""
        if key not in self.row:
            return None
        try:
            return parse(self.row[key])
        except Bad as error:
            self.complain(key, f"{shown(self.row[key])}: {error}")
            return None

    def complain(self, key: str, message: str) -> None:
        self.wrong = True
        self.note(key, message)


def _name(value: object) -> str:
    if not isinstance(value, str) or "/" not in value:
        raise Bad('must name a pair of the broker, such as "EUR/USD"')
    return value


def _currency(value: object) -> str:
    if not isinstance(value, str) or not is_known(value):
        raise Bad("must be the code of a known currency, such as EUR")
    return value


def _quantity(value: object) -> Quantity:
    """A whole number or a decimal one; a fraction is taken exactly as it is written."""
    if not isinstance(value, bool) and isinstance(value, int | float | str):
        try:
            quantity = Quantity.of(Decimal(str(value)))
        except (ArithmeticError, BadData):
            quantity = Quantity(0)
        if quantity.micro > 0:
            return quantity
    raise Bad("must be a number above 0, no finer than a millionth")


def routes_in_force(configured: Iterable[FxRoute], offered: Sequence[FxPair]) -> tuple[FxPair, ...]:
    """The pairs everybody converts on; raises StartError with one line per contradiction."""
    pairs = {pair.symbol: pair for pair in offered}
    found: list[FxPair] = []
    errors: list[str] = []
    for route in configured:
        pair = pairs.get(route.instrument)
        if pair is None:
            known = ", ".join(sorted(pairs)) or "none"
            errors.append(f"[[fx.route]] {route.instrument}: no pair of the broker; it has {known}")
            continue
        errors += [
            f"[[fx.route]] {route.instrument}: {text}" for text in _contradictions(route, pair)
        ]
        found.append(_restricted(pair, route))
    if errors:
        raise StartError("\n".join(errors))
    return tuple(found) or tuple(offered)


def _contradictions(route: FxRoute, pair: FxPair) -> Iterable[str]:
    if route.base not in (None, pair.base) or route.quote not in (None, pair.quote):
        yield f"is {pair.base} in {pair.quote} at the broker, the other way round or another pair"
    if route.lot is not None and not route.lot.is_multiple_of(pair.lot):
        yield f"lot {route.lot} is no multiple of the broker's lot, {pair.lot}"
    lot = route.lot or pair.lot
    if route.min_quantity is not None and route.min_quantity < lot:
        yield f"min_quantity {route.min_quantity} is below the lot, {lot}"


def _restricted(pair: FxPair, route: FxRoute) -> FxPair:
    """The broker's pair with the coarser lot and the larger minimum."""
    minima = [least for least in (pair.min_quantity, route.min_quantity) if least is not None]
    least = max(minima, key=lambda q: q.micro) if minima else None
    return replace(pair, lot=route.lot or pair.lot, min_quantity=least)
