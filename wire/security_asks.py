"""What may be asked about securities. All of it is answered by sync, which keeps the universe."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.security import Instrument, Security, SecurityPatch
from wire.mailbox import Request


@dataclass(frozen=True, slots=True)
class FoundSecurity:
    """An instrument the broker lists; `known` is the security it is, when it is active."""

    instrument: Instrument
    known: Security | None


@dataclass(frozen=True, slots=True)
class SearchSecurities(Request[tuple[FoundSecurity, ...]]):
    """What the broker lists under a symbol, a name or an ISIN, the best first and only a few.

    Raises Unavailable when the broker does not answer, MalformedAnswer when it makes no sense.
    """

    text: str


@dataclass(frozen=True, slots=True)
class AddSecurity(Request[Security]):
    """Add what the broker lists under an identifier: its symbol, or an ISIN.

    `currency` and `mic` tell listings of one ISIN apart; `isin` is the one it has to have. The
    flags and the name in `patch` are the owner's. The reply is not active when nobody knows what
    kind of thing it is. Raises Refused `identifier`, `isin`, `quote_symbol`, `unresolvable`,
    `isin_mismatch`; Conflict `exists`, `ambiguous`; see SearchSecurities for the rest.
    """

    identifier: str
    patch: SecurityPatch
    by: str
    currency: str | None = None
    mic: str | None = None
    isin: str | None = None


@dataclass(frozen=True, slots=True)
class UpdateSecurity(Request[Security]):
    """Change what the owner says of a security, named by symbol, former symbol or ISIN.

    Raises Missing; Conflict `ambiguous`, `symbol_exists`; Refused `no_updates`, `unknown_bucket`,
    `quote_symbol`, `symbol`, `targets`, `lot`, `needs_classification`.
    """

    name: str
    patch: SecurityPatch
    by: str


@dataclass(frozen=True, slots=True)
class DeleteSecurity(Request[Security]):
    """Take a security out. What is held of it stays held and valued, and is never bought or sold.

    Raises Missing, Conflict `ambiguous`; taking out twice is no error.
    """

    name: str
    by: str


SecurityChange = AddSecurity | UpdateSecurity | DeleteSecurity
