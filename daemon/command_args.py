"""The arguments of a command, checked: a wrong one is refused by its name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from daemon.control_errors import BadArgument
from wire.order_asks import fault_in

TEXT_MAX = 200
# Who asks, for the audit.
BY = "socket"
ASK_S = 10.0

Args = Mapping[str, Any]
Command = Callable[[Args], Awaitable[Any]]


def text(args: Args, name: str, default: str | None) -> str | None:
    value = args.get(name, default)
    if value is not None and (not isinstance(value, str) or len(value) > TEXT_MAX):
        raise BadArgument(name, f"must be a text of at most {TEXT_MAX} characters")
    return value


def number(args: Args, name: str, default: float, *, low: float, high: float) -> float:
    value = args.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadArgument(name, f"{value!r} is not between {low:g} and {high:g}")
    return float(value)


def required(args: Args, name: str) -> str:
    """A text that must be there."""
    value = text(args, name, None)
    if not value:
        raise BadArgument(name, "is missing")
    return value


def one_of(args: Args, name: str, choices: tuple[str, ...]) -> str | None:
    """One of `choices`, or nothing."""
    value = text(args, name, None)
    if value is not None and value not in choices:
        raise BadArgument(name, f"{value!r} is none of {', '.join(choices)}")
    return value


def amount(args: Args, name: str, most: Decimal) -> Decimal | None:
    """A positive decimal, sent as a text so that it stays exact; None when it was not sent."""
    value = text(args, name, None)
    if value is None:
        return None
    try:
        exact = Decimal(value)
    except InvalidOperation:
        raise BadArgument(name, f"{value!r} is not a number") from None
    fault = fault_in(exact, most)
    if fault is not None:
        raise BadArgument(name, f"{value!r} {fault}")
    return exact


def texts(args: Args, name: str, choices: tuple[str, ...]) -> frozenset[str]:
    """A list of some of `choices`."""
    given: object = args.get(name) or []
    if not isinstance(given, list | tuple):
        raise BadArgument(name, "must be a list")
    named = cast("list[object]", given)
    unknown = [value for value in named if value not in choices]
    if unknown:
        raise BadArgument(name, f"{unknown[0]!r} is none of {', '.join(choices)}")
    return frozenset(str(value) for value in named)
