"""Currencies and the number of decimals of their smallest unit (ISO 4217)."""

from __future__ import annotations

from ledger.errors import UnknownCurrency

BASE = "EUR"

_EXPONENTS = {
    **dict.fromkeys(
        (
            "EUR", "USD", "GBP", "HKD", "CHF", "CAD", "AUD", "NZD", "SEK", "NOK", "DKK", "PLN",
            "CZK", "HUF", "RON", "SGD", "CNY", "INR", "ZAR", "BRL", "MXN", "ILS", "TRY", "TWD",
            "THB", "MYR", "PHP", "IDR",
        ),
        2,
    ),
    "JPY": 0,
    "KRW": 0,
    "ISK": 0,
}  # fmt: skip


def exponent(code: str) -> int:
    """Decimals of the smallest unit of `code`; raises UnknownCurrency."""
    try:
        return _EXPONENTS[code]
    except KeyError:
        raise UnknownCurrency(code) from None


def is_known(code: str) -> bool:
    return code in _EXPONENTS
