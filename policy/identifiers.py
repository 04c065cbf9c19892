"""What a text that names a security is, and what can be told from it. All pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from ledger.errors import Conflict, Refused
from ledger.isin import check_digit, is_isin, looks_like_isin
from ledger.security import Instrument, ProductType

Kind = Literal["isin", "broker", "quote"]

_BROKER = re.compile(r".+\.[A-Z]{2,3}")

# Suffix of a quote symbol by exchange. US listings have none.
_SUFFIX_OF_MIC = {
    "XNAS": "", "XNYS": "", "XASE": "", "ARCX": "", "BATS": "",
    "XETR": ".DE", "XFRA": ".F", "XLON": ".L", "XPAR": ".PA", "XAMS": ".AS", "XBRU": ".BR",
    "XLIS": ".LS", "XMIL": ".MI", "XMAD": ".MC", "BMEX": ".MC", "XATH": ".AT", "ASEX": ".AT",
    "XCSE": ".CO", "XHEL": ".HE", "XSTO": ".ST", "XOSL": ".OL", "XSWX": ".SW", "XVTX": ".SW",
    "XWBO": ".VI", "XDUB": ".IR", "XHKG": ".HK", "XTKS": ".T", "XTSE": ".TO", "XASX": ".AX",
    "XWAR": ".WA",
}  # fmt: skip
# Endings of broker symbols that name one exchange; .EU, for one, names none.
_SUFFIX_OF_BROKER = {".US": "", ".GR": ".AT"}
# Endings of a broker's symbols that no quote source knows.
_BROKER_ONLY = (".US", ".GR", ".EU", ".UK", ".AS")

_COUNTRY_OF = {
    "Amsterdam": "Netherlands", "Athens": "Greece", "Brussels": "Belgium",
    "Copenhagen": "Denmark", "Frankfurt": "Germany", "XETRA": "Germany", "Helsinki": "Finland",
    "Hong Kong": "Hong Kong", "Lisbon": "Portugal", "London": "United Kingdom",
    "LSE": "United Kingdom", "Madrid": "Spain", "Milan": "Italy", "NASDAQ": "United States",
    "NYSE": "United States", "NasdaqGS": "United States", "NasdaqGM": "United States",
    "Oslo": "Norway", "Paris": "France", "Stockholm": "Sweden", "Swiss": "Switzerland",
    "Tokyo": "Japan", "Toronto": "Canada", "Vienna": "Austria",
}  # fmt: skip
_COUNTRY_OF_MIC = {
    "XAMS": "Netherlands", "XATH": "Greece", "ASEX": "Greece", "XBRU": "Belgium",
    "XCSE": "Denmark", "XFRA": "Germany", "XETR": "Germany", "XHEL": "Finland",
    "XHKG": "Hong Kong", "XLIS": "Portugal", "XLON": "United Kingdom", "XMAD": "Spain",
    "BMEX": "Spain", "XMIL": "Italy", "XNAS": "United States", "XNYS": "United States",
    "XASE": "United States", "ARCX": "United States", "BATS": "United States", "XOSL": "Norway",
    "XPAR": "France", "XSTO": "Sweden", "XSWX": "Switzerland", "XVTX": "Switzerland",
    "XTKS": "Japan", "XTSE": "Canada", "XWBO": "Austria",
}  # fmt: skip
_COUNTRIES = {name.casefold(): country for name, country in _COUNTRY_OF.items()} | {
    mic.casefold(): country for mic, country in _COUNTRY_OF_MIC.items()
}

# Whole words of a name that say what a listed product holds.
_RAW = (
    "ETC", "COMMODITY", "COMMODITIES", "GOLD", "SILVER", "PLATINUM", "PALLADIUM", "COPPER",
    "ALUMINIUM", "ALUMINUM", "OIL", "CRUDE", "BRENT", "WTI", "NATURAL GAS", "CORN", "WHEAT",
    "SOYBEAN",
)  # fmt: skip
_RAW_WORD = re.compile(rf"\b(?:{'|'.join(_RAW)})\b")
_FUND_WORD = re.compile(r"\b(?:ETF|UCITS)\b")


def normal(text: str) -> str:
    """As identifiers are written: trimmed, upper case."""
    return text.strip().upper()


def kind_of_identifier(text: str) -> Kind:
    """isin by its form, broker for what ends in a point and two or three letters, else quote."""
    name = normal(text)
    if looks_like_isin(name):
        return "isin"
    return "broker" if _BROKER.fullmatch(name) else "quote"


def identifier(text: str) -> str:
    """`text` as an identifier to search by.

    Raises Refused: `identifier` for what is empty, `isin` for a wrong check digit, `quote_symbol`
    for a symbol that no broker lists anything under.
    """
    name, kind = normal(text), kind_of_identifier(text)
    if not name:
        raise Refused("an identifier is needed: a broker's symbol or an ISIN", code="identifier")
    if kind == "isin" and not is_isin(name):
        expected = f"{name[:-1]}{check_digit(name[:-1])}"
        raise Refused(f"{name} is no ISIN: with its check digit it is {expected}", code="isin")
    if kind == "quote":
        text = f"{name} is neither an ISIN nor a broker's symbol, such as {name}.US"
        raise Refused(text, code="quote_symbol")
    return name


def quote_symbol(instrument: Instrument) -> str | None:
    """The symbol a quote source knows it by, from its exchange; None when that is not known."""
    symbol = instrument.symbol
    if instrument.product_type in {"INDEX", "FX"}:
        return None
    base, dot, ending = symbol.rpartition(".")
    if not dot:
        return symbol
    known = _SUFFIX_OF_BROKER.get(f".{ending}")
    suffix = _SUFFIX_OF_MIC.get(instrument.mic, known)
    if suffix is not None:
        return f"{base}{suffix}"
    return None if f".{ending}" in _BROKER_ONLY else symbol


def country_of(exchange: str) -> str | None:
    """The country of an exchange, by its name or its MIC; None when it is not known."""
    return _COUNTRIES.get(exchange.strip().casefold())


def product_type(told: str | None, name: str) -> ProductType:
    """What a source's word for it and its name make of it; UNKNOWN when neither says.

    A word that is a type of ours stands. A fund whose name speaks of a raw material is an ETC, one
    whose name says ETF is that. Without a word only a name that says ETC or ETF decides.
    """
    upper = name.upper()
    if told == "EQUITY":
        return "EQUITY"
    if told == "ETF":
        return "ETF"
    if told == "MUTUALFUND":
        if _RAW_WORD.search(upper):
            return "ETC"
        return "ETF" if _FUND_WORD.search(upper) else "MUTUALFUND"
    if re.search(r"\bETC\b", upper):
        return "ETC"
    return "ETF" if _FUND_WORD.search(upper) else "UNKNOWN"


def completed(instrument: Instrument) -> Instrument:
    """What the broker left open filled in, where name and exchange tell: country, product type."""
    kind = instrument.product_type
    if kind in {"MUTUALFUND", "UNKNOWN"}:
        kind = product_type(kind, instrument.name)
    country = instrument.country or country_of(instrument.mic)
    return replace(instrument, product_type=kind, country=country)


def choose_listing(
    found: Sequence[Instrument], name: str, *, currency: str | None = None, mic: str | None = None
) -> Instrument:
    """The one instrument of a broker's answer that `name`, a symbol or an ISIN, means.

    Only instruments with exactly that symbol or ISIN count, and of these only those in `currency`
    and on `mic` where given. Raises Refused `unresolvable` when none is left and Conflict
    `ambiguous` when several are.
    """
    by_symbol = [one for one in found if normal(one.symbol) == name]
    exact = by_symbol or [one for one in found if normal(one.isin) == name]
    left = [one for one in exact if currency in (None, one.currency) and mic in (None, one.mic)]
    if len(left) > 1:
        names = ", ".join(sorted(f"{one.symbol} ({one.currency}, {one.mic})" for one in left))
        raise Conflict(f"{name} is listed as {names}: name one of them", code="ambiguous")
    if not left:
        raise Refused(f"the broker lists nothing as {name}", code="unresolvable")
    return left[0]
