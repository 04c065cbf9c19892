"""What the matrix says when nothing is wrong: the ticker line and short event texts.

The ticker actor gathers the figures from the boards and calls `compose`; the trader's and
sync's events become texts through `fill_text` and `cash_text`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Literal

SEPARATOR = " * "
MAX_TEXT_BYTES = 180  # what one message to a small display carries, UTF-8 bytes
MAX_ACTIONS = 10
SIMULATED = "SIM "
FOREIGN = "FOREIGN "

Side = Literal["BUY", "SELL"]
CashEvent = Literal["DEPOSIT", "WITHDRAWAL", "DIVIDEND", "INTEREST", "FEE", "TAX"]

_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}
_PAST = {"BUY": "BOUGHT", "SELL": "SOLD"}
_UNIT = Decimal(1)


@dataclass(frozen=True, slots=True)
class TickerAction:
    """One step of the recommended sequence."""

    side: Side
    symbol: str
    value_eur: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TickerInput:
    """The figures and settings of the ticker line; a figure that is not known is None."""

    total_value_eur: Decimal | None = None
    cash_eur: Decimal | None = None
    actions: tuple[TickerAction, ...] = ()
    show_value: bool = True
    show_cash: bool = True
    show_actions: bool = True
    show_amounts: bool = True
    max_actions: int = 3
    research: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.max_actions <= MAX_ACTIONS:
            raise ValueError(f"max_actions {self.max_actions}: must be 1–{MAX_ACTIONS}")


def compose(data: TickerInput, *, max_bytes: int = MAX_TEXT_BYTES) -> str:
    """The ticker line, empty when there is nothing to say.

    A line longer than `max_bytes` loses whole parts from its end, so no figure is ever cut.
    In research mode every line starts with SIM.
    """
    prefix = SIMULATED if data.research else ""
    parts = [part.upper() for part in _parts(data)]
    while parts:
        line = prefix + SEPARATOR.join(parts)
        if len(line.encode()) <= max_bytes:
            return line
        parts.pop()
    return ""


def fill_text(
    side: Side,
    *,
    quantity: Decimal,
    symbol: str,
    value: Decimal | None,
    currency: str = "EUR",
    research: bool = False,
    foreign: bool = False,
) -> str:
    """A fill in words, such as `BOUGHT 12 DEMO-BOND €345`; an unknown value is left out.

    One that no order of ours made starts with FOREIGN.
    """
    words = [_PAST[side], plain_number(quantity), short_symbol(symbol)]
    if value is not None:
        words.append(amount_text(value, currency))
    return (SIMULATED if research else "") + (FOREIGN if foreign else "") + " ".join(words).upper()


def cash_text(event: CashEvent, *, amount: Decimal, currency: str = "EUR") -> str:
    """A movement of cash in words, such as `DEPOSIT €1,000`; the event tells the direction."""
    return f"{event} {amount_text(abs(amount), currency)}".upper()


def amount_text(amount: Decimal, currency: str = "EUR") -> str:
    """A whole amount with its sign, rounded half to even: `€12,346`, `-€5`, `CHF 1,000`."""
    rounded = amount.quantize(_UNIT, rounding=ROUND_HALF_EVEN)
    minus = "-" if rounded < 0 else ""
    unit = _SIGNS.get(currency, f"{currency} ")
    return f"{minus}{unit}{abs(rounded):,}"


def plain_number(quantity: Decimal) -> str:
    """A quantity without exponent and without needless zeros: `12`, `0.5`, `1,200`."""
    text = f"{quantity:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def short_symbol(symbol: str) -> str:
    """The symbol without its exchange: what stands before the first dot."""
    return symbol.split(".", 1)[0]


def _parts(data: TickerInput) -> Iterator[str]:
    if data.show_value and data.total_value_eur is not None:
        yield f"PORTFOLIO {amount_text(data.total_value_eur)}"
    if data.show_cash and data.cash_eur is not None and data.cash_eur != 0:
        yield f"CASH {_cash_amount(data.cash_eur)}"
    if data.show_actions:
        for action in data.actions[: data.max_actions]:
            yield _action(action, show_amount=data.show_amounts)


def _cash_amount(cash: Decimal) -> str:
    """Cash below zero by less than a rounding still reads as below zero."""
    if cash < 0 and cash.quantize(_UNIT, rounding=ROUND_HALF_EVEN) == 0:
        return "<€0"
    return amount_text(cash)


def _action(action: TickerAction, *, show_amount: bool) -> str:
    text = f"{action.side} {short_symbol(action.symbol)}"
    return f"{text} {amount_text(action.value_eur)}" if show_amount else text
