"""Who may act over HTTP: the bearer token on disk, one-time login codes, dashboard sessions.

The wiring hands these to the web front; codes and sessions live in memory only, so a restart logs
everybody out. This is the one place that draws secrets from the operating system.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ledger.errors import StartError

TOKEN_NAME = "api.token"  # noqa: S105 — a file name
TOKEN_MIN = 32  # characters
SECRET_BYTES = 32
CODE_BYTES = 18
CODE_LIFE_S = 600.0
CODES_MAX = 16
SESSION_LIFE_S = 12 * 3600.0
SESSIONS_MAX = 32


def load_or_create_token(folder: Path) -> str:
    """The bearer token of `folder`, made at the first start and readable by its owner only.

    Raises StartError when it cannot be made, when others can read it, or when it is damaged: it
    would guard nothing.
    """
    path = folder / TOKEN_NAME
    if not path.exists():
        _create(path)
    return _existing(path)


def _create(path: Path) -> None:
    """Only a whole token gets the name: one cut short would keep the daemon from starting again."""
    fresh = path.with_suffix(".new")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{secrets.token_urlsafe(SECRET_BYTES)}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise StartError(f"{path}: cannot be created: {error.strerror}") from error


def _existing(path: Path) -> str:
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        token = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise StartError(f"{path}: cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise StartError(f"{path}: mode {mode:o} lets others read it; must be 600")
    if len(token) < TOKEN_MIN or not token.isascii():
        raise StartError(f"{path}: holds no token of {TOKEN_MIN} characters; delete it")
    return token


def same_secret(given: str, expected: str) -> bool:
    """Compare in constant time."""
    return secrets.compare_digest(given.encode(), expected.encode())


@dataclass(frozen=True, slots=True)
class Session:
    """A logged-in browser. `csrf` must come back with everything that changes something."""

    session_id: str
    csrf: str
    expires_s: float


class LoginCodes:
    """One-time codes that become sessions. `now_s` is the monotonic clock."""

    def __init__(self, *, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._codes: dict[str, float] = {}
        self._sessions: dict[str, Session] = {}

    def issue(self) -> str:
        """A fresh code, good once within CODE_LIFE_S; the oldest of CODES_MAX gives way."""
        self._forget_expired()
        code = secrets.token_urlsafe(CODE_BYTES)
        self._codes[code] = self._now_s() + CODE_LIFE_S
        _trim(self._codes, CODES_MAX)
        return code

    def redeem(self, code: str) -> str | None:
        """Use up `code`: the id of a new session, or None when it is not good (any more)."""
        self._forget_expired()
        known = _find(code, self._codes)
        if known is None:
            return None
        del self._codes[known]
        session = Session(
            session_id=secrets.token_urlsafe(SECRET_BYTES),
            csrf=secrets.token_urlsafe(SECRET_BYTES),
            expires_s=self._now_s() + SESSION_LIFE_S,
        )
        self._sessions[session.session_id] = session
        _trim(self._sessions, SESSIONS_MAX)
        return session.session_id

    def session(self, session_id: str) -> Session | None:
        """The living session of this cookie."""
        self._forget_expired()
        known = _find(session_id, self._sessions)
        return None if known is None else self._sessions[known]

    def csrf_ok(self, session_id: str, csrf: str) -> bool:
        """Whether `csrf` is the token of this session."""
        session = self.session(session_id)
        return session is not None and same_secret(csrf, session.csrf)

    def log_out(self, session_id: str) -> None:
        known = _find(session_id, self._sessions)
        if known is not None:
            del self._sessions[known]

    def _forget_expired(self) -> None:
        now_s = self._now_s()
        self._codes = {code: until for code, until in self._codes.items() if until > now_s}
        self._sessions = {
            name: session for name, session in self._sessions.items() if session.expires_s > now_s
        }


def _find(given: str, known: Iterable[str]) -> str | None:
    """The equal entry; every entry is compared, so that time tells nothing."""
    matches = [entry for entry in known if same_secret(given, entry)]
    return matches[0] if matches else None


def _trim(entries: dict[str, float] | dict[str, Session], limit: int) -> None:
    while len(entries) > limit:
        del entries[next(iter(entries))]
