"""Tax kept at the source of a dividend, as a private investor in the EU meets it."""

from __future__ import annotations

# Country of issue as code and as name, and the rate in millionths.
_RATES = (
    ("US", "United States", 150_000),
    ("GB", "United Kingdom", 0),
    ("HK", "Hong Kong", 0),
    ("SG", "Singapore", 0),
    ("IE", "Ireland", 0),
    ("LU", "Luxembourg", 0),
    ("NL", "Netherlands", 150_000),
    ("DE", "Germany", 263_750),
    ("FR", "France", 250_000),
    ("IT", "Italy", 260_000),
    ("ES", "Spain", 190_000),
    ("CH", "Switzerland", 350_000),
    ("DK", "Denmark", 270_000),
    ("GR", "Greece", 50_000),
    ("CA", "Canada", 150_000),
    ("JP", "Japan", 153_150),
    ("CN", "China", 100_000),
    ("KR", "South Korea", 150_000),
    ("TW", "Taiwan", 210_000),
    ("AU", "Australia", 150_000),
    ("IN", "India", 100_000),
)
USUAL_MICRO = 150_000  # the usual treaty rate, where no other is known
_BY_COUNTRY = {key.casefold(): rate for code, name, rate in _RATES for key in (code, name)}


def withholding_micro(country: str | None) -> int:
    """The rate in millionths for a country's code or English name."""
    return _BY_COUNTRY.get((country or "").casefold(), USUAL_MICRO)
