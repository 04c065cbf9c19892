"""Errors of commands as the control socket tells them: one slug and one line each."""

from __future__ import annotations

import re

import msgspec

from daemon.frames import ErrorBody
from ledger.errors import (
    ActorUnavailable,
    BrokerError,
    Busy,
    Conflict,
    Missing,
    OutcomeUnknown,
    Refused,
    RejectedByBroker,
    StoreFailed,
    TrimtabError,
    Unavailable,
)


class BadArgument(TrimtabError):
    """An argument of a command is missing, unknown or out of bounds."""

    def __init__(self, field: str, detail: str) -> None:
        super().__init__(detail)
        self.field = field


# The first kind that fits names the error.
_CODES: tuple[tuple[type[TrimtabError], str], ...] = (
    (Missing, "not_found"),
    (ActorUnavailable, "unavailable"),
    (StoreFailed, "store_failed"),
    (OutcomeUnknown, "outcome_unknown"),
    (RejectedByBroker, "broker_rejected"),
    (Unavailable, "broker_unavailable"),
    (BrokerError, "broker_error"),
)


def body_of(error: Exception) -> ErrorBody | None:
    """What the caller is told; None when the error is ours to look into."""
    if isinstance(error, BadArgument):
        return ErrorBody("bad_argument", str(error), field=error.field)
    if isinstance(error, msgspec.ValidationError):
        return _of_validation(error)
    if isinstance(error, Busy):
        return ErrorBody("busy", str(error), run_id=error.run_id)
    if isinstance(error, Refused | Conflict):
        return ErrorBody(error.code, str(error))
    code = next((code for kind, code in _CODES if isinstance(error, kind)), None)
    return None if code is None else ErrorBody(code, str(error))


def _of_validation(error: msgspec.ValidationError) -> ErrorBody:
    """The decoder writes `what - at `$.field``; both halves are useful."""
    text = str(error)
    at = re.search(r" - at `\$\.?(.*)`$", text)
    named = re.search(r"(?:field|argument) `(\w+)`", text)
    field = (at[1] if at else "") or (named[1] if named else None)
    return ErrorBody("bad_argument", text[: at.start()] if at else text, field=field)
