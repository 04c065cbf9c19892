"""The error tree. Every failure this project raises on purpose is one of these.

TrimtabError
├── BadData            numbers that cannot be trusted: crash the actor, never guess
│   ├── CurrencyMismatch   two currencies met without a rate
│   ├── UnknownCurrency    a code without a known exponent
│   └── IllegalMove        an order was asked to make a move its state does not allow
├── Refused            a rule said no; a normal result that carries its reasons
│   └── ConfigRefused      a planner configuration has mistakes (in `planner_config`)
├── Missing            something that was asked for by name does not exist
├── Busy               the same work is already running
├── Conflict           the world moved on: stale plan, wrong state, duplicate key
├── ActorUnavailable   an actor is restarting, busy or too slow to answer
│   └── Unanswered         it took the request; whether it was done must be looked up
├── StartError         the daemon cannot start; one clear line and exit code 2
├── StoreFailed        the store cannot be written; the daemon must stop
└── BrokerError        an outside call failed; `outcome` says whether anything may have happened
    ├── Unavailable        nothing was executed, or the read failed; retry later
    ├── RejectedByBroker   the broker read the order and said no
    ├── BrokerNotFound     the broker does not know the id
    ├── NotCancelable      the order is already final
    ├── MalformedAnswer    an answer that does not fit its shape
    └── OutcomeUnknown     a write was sent and its fate is not known
"""

from __future__ import annotations

from typing import Literal

Outcome = Literal["not_executed", "unknown"]


class TrimtabError(Exception):
    """Root of every error raised on purpose."""


class BadData(TrimtabError):
    """Numbers that cannot be trusted."""


class CurrencyMismatch(BadData):
    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"cannot combine {left} with {right} without a rate")


class UnknownCurrency(BadData):
    def __init__(self, code: str) -> None:
        super().__init__(f"unknown currency {code!r}")


class IllegalMove(BadData):
    def __init__(self, before: str, after: str) -> None:
        super().__init__(f"an order cannot move from {before} to {after}")


class Refused(TrimtabError):
    """A rule said no. `code` is a slug for programs."""

    def __init__(self, detail: str, *, code: str = "refused") -> None:
        super().__init__(detail)
        self.code = code


class Missing(TrimtabError):
    """Something that was asked for by name does not exist."""


class Busy(TrimtabError):
    """The same work is already running."""

    def __init__(self, detail: str, *, run_id: str | None = None) -> None:
        super().__init__(detail)
        self.run_id = run_id


class Conflict(TrimtabError):
    """The world moved on since the caller looked."""

    def __init__(self, detail: str, *, code: str = "conflict") -> None:
        super().__init__(detail)
        self.code = code


class ActorUnavailable(TrimtabError):
    """An actor is restarting, busy or too slow to answer."""


class Unanswered(ActorUnavailable):
    """An actor took the request and gave no answer; whether it was done must be looked up."""


class StartError(TrimtabError):
    """The daemon cannot start; the text is the one line its owner sees."""


class StoreFailed(TrimtabError):
    """The store cannot be written: disk full, file damaged or taken away. The daemon must stop."""


class BrokerError(TrimtabError):
    """An outside call failed."""

    outcome: Outcome = "not_executed"

    def __init__(self, detail: str, *, broker_code: str | None = None) -> None:
        super().__init__(detail)
        self.broker_code = broker_code


class Unavailable(BrokerError):
    """The broker or a store cannot be reached; nothing was executed."""


class RejectedByBroker(BrokerError):
    """The broker read the order and said no; its text is kept verbatim."""


class BrokerNotFound(BrokerError):
    """The broker does not know the id."""


class NotCancelable(BrokerError):
    """The order is already final, or may not be cancelled here."""


class MalformedAnswer(BrokerError):
    """An answer that does not fit its shape. For a write, raise OutcomeUnknown instead."""


class OutcomeUnknown(BrokerError):
    """A write was sent and its fate is not known; only reconciliation may decide."""

    outcome: Outcome = "unknown"
