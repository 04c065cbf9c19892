"""Who may ask: host check, bearer token, dashboard session with CSRF, and the trigger rate.

Access goes by effect: whatever changes something needs the bearer token, or the session cookie
together with the CSRF header. Reading is open on a loopback address and closed on any other. The
daemon implements `Access`; this module only asks it.
"""

from __future__ import annotations

import hmac
import ipaddress
from dataclasses import dataclass, field
from typing import Protocol

from werkzeug.datastructures import Headers

from web.errors import Problem

COOKIE = "trimtab_session"
CSRF_HEADER = "X-CSRF-Token"
_READING = frozenset({"GET", "HEAD"})
# Paths that act although they are read: old clients start a sync that way. A link or an image on a
# hostile page could ask for them with the session's cookie, so that only the bearer token counts.
_ACTING = frozenset({"/api/cash-flows/sync"})
# Without these a browser could not even learn how to log in; none of them shows any state.
_PUBLIC = ("/login", "/static/")


@dataclass(frozen=True, slots=True)
class Session:
    """A logged-in dashboard; `csrf` is repeated by its scripts in a header."""

    session_id: str
    csrf: str


class Access(Protocol):
    """Token, one-time login codes and sessions; every comparison takes constant time."""

    def token_ok(self, text: str) -> bool: ...

    def redeem(self, code: str) -> Session | None:
        """A new session for a one-time code that was printed to the owner; None when unknown."""
        ...

    def session(self, session_id: str) -> Session | None: ...


def is_loopback(host: str) -> bool:
    """True for an address that only this machine can reach."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class Binding:
    """Where the server listens; `names` are further host names a browser may use for it."""

    host: str = "127.0.0.1"
    names: frozenset[str] = field(default_factory=frozenset[str])

    @property
    def protect_reads(self) -> bool:
        return not is_loopback(self.host)

    def knows(self, host: str) -> bool:
        """Whether a Host header may carry `host` (no port).

        Names that point here but were never given to us are refused: a hostile page could resolve
        its own name to this machine. Plain addresses cannot be forged that way.
        """
        if host in {"localhost", "127.0.0.1", "::1", self.host} or host in self.names:
            return True
        return self.protect_reads and _is_address(host)


def host_name(header: str) -> str:
    """The host part of a Host header, without port and brackets, in lower case."""
    text = header.strip().lower()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0]


def reads_only(method: str) -> bool:
    return method in _READING


def acts(method: str, path: str) -> bool:
    """Whether a request changes something or starts some work."""
    return not reads_only(method) or path.rstrip("/") in _ACTING


def cookie_counts(method: str, path: str) -> bool:
    """Whether the dashboard's session may stand in for the token: where a header can prove it."""
    return not (reads_only(method) and acts(method, path))


def needs_login(method: str, path: str, binding: Binding) -> bool:
    if acts(method, path):
        return True
    return binding.protect_reads and not path.startswith(_PUBLIC)


def authorise(access: Access, *, method: str, headers: Headers, cookie: str | None) -> str:
    """Return who asks ("token" or "dashboard"); raises Problem 401 or 403."""
    scheme, _, credential = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        if access.token_ok(credential.strip()):
            return "token"
        raise Problem(401, "bad_token", "the bearer token is not the one of this daemon")
    session = access.session(cookie) if cookie else None
    if session is None:
        raise Problem(
            401, "login_required", "send the bearer token, or open a link from `trimtab status`"
        )
    given = headers.get(CSRF_HEADER, "")
    if not reads_only(method) and not hmac.compare_digest(given.encode(), session.csrf.encode()):
        raise Problem(403, "csrf", f"the {CSRF_HEADER} header does not belong to this session")
    return "dashboard"
