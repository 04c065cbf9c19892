"""ISINs (ISO 6166): two letters, nine letters or digits, and a check digit.

The check digit follows the Luhn rule over the text with every letter written as its number
(A = 10 … Z = 35).
"""

from __future__ import annotations

import re

_FORM = re.compile(r"[A-Z]{2}[A-Z0-9]{9}[0-9]")


def check_digit(body: str) -> int:
    """The check digit of the first eleven characters of an ISIN."""
    digits = "".join(str(int(letter, 36)) for letter in body)
    doubled = (int(d) * (2 if at % 2 == 0 else 1) for at, d in enumerate(reversed(digits)))
    return -sum(value // 10 + value % 10 for value in doubled) % 10


def looks_like_isin(text: str) -> bool:
    """Whether it has the form of an ISIN, its check digit right or wrong."""
    return _FORM.fullmatch(text) is not None


def is_isin(text: str) -> bool:
    """Whether it is an ISIN with the right check digit."""
    return looks_like_isin(text) and int(text[-1]) == check_digit(text[:-1])
