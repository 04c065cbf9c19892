"""Every failure as application/problem+json: one table from error class to status.

The only broad handler of the web is here. An unforeseen error is logged under the request's
correlation id and answered with that id; its text never leaves the process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

import structlog
from quart import Quart, Response, g
from werkzeug.exceptions import HTTPException

from ledger.errors import (
    ActorUnavailable,
    BrokerNotFound,
    Busy,
    Conflict,
    MalformedAnswer,
    Missing,
    NotCancelable,
    OutcomeUnknown,
    Refused,
    RejectedByBroker,
    StoreFailed,
    TrimtabError,
    Unavailable,
)
from web.encode import Json, encode

PROBLEM_JSON = "application/problem+json"
_log = structlog.get_logger("web")

# Class → (status, code); a code of its own on the error wins.
TABLE: tuple[tuple[type[TrimtabError], int, str], ...] = (
    (Missing, 404, "missing"),
    (Busy, 409, "already_running"),
    (Conflict, 409, "conflict"),
    (Refused, 400, "refused"),
    (ActorUnavailable, 503, "actor_unavailable"),
    (StoreFailed, 503, "store_unavailable"),
    (Unavailable, 503, "broker_unavailable"),
    (RejectedByBroker, 502, "rejected_by_broker"),
    (BrokerNotFound, 404, "unknown_to_broker"),
    (NotCancelable, 409, "not_cancelable"),
    (MalformedAnswer, 502, "malformed_answer"),
    (OutcomeUnknown, 502, "outcome_unknown"),
)
HALTED = "halted"
# Codes that have a status of their own, whatever class they come with.
STATUS_OF = {
    HALTED: 423,
    "core_config": 403,
    "stale_version": 412,
    "planner_config": 422,
    "name": 422,
    "until": 422,
    "act_below": 422,
}
# Which field of the request such a 422 is about.
FIELD_OF = {"name": "name", "until": "until", "act_below": "act_below_eur"}


class Problem(Exception):
    """An answer that is not a success; `extra` are further members of the problem document."""

    def __init__(
        self, status: int, code: str, detail: str, *, extra: Mapping[str, Json] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.extra = dict(extra or {})
        self.headers: dict[str, str] = {}


def invalid(errors: Sequence[Mapping[str, Json]]) -> Problem:
    """422: `errors` name field, value, message and, where there is one, the bound."""
    first = errors[0]
    detail = f"{first.get('field') or 'body'}: {first.get('message')}"
    return Problem(422, "invalid", detail, extra={"errors": [dict(error) for error in errors]})


def not_ready(what: str) -> Problem:
    """503: the daemon has just started and `what` has not been read yet."""
    problem = Problem(503, "starting", f"{what} is not known yet; the daemon has just started")
    problem.headers["Retry-After"] = "2"
    return problem


def too_many(wait_s: float, limit: int) -> Problem:
    problem = Problem(429, "too_many_requests", f"more than {limit} requests in one minute")
    problem.headers["Retry-After"] = str(max(1, round(wait_s)))
    return problem


def from_error(error: TrimtabError) -> Problem | None:
    """The problem for an error raised on purpose; None when it is a fault of ours."""
    for kind, status, code in TABLE:
        if isinstance(error, kind):
            own = getattr(error, "code", code)
            problem = Problem(STATUS_OF.get(own, status), own, str(error))
            if own in FIELD_OF:
                problem.extra["errors"] = [{"field": FIELD_OF[own], "message": str(error)}]
            run_id = getattr(error, "run_id", None)
            if run_id is not None:
                problem.extra["run_id"] = run_id
            return problem
    return None


def answer(problem: Problem) -> Response:
    document: dict[str, Json] = {
        "type": "about:blank",
        "title": HTTPStatus(problem.status).phrase,
        "status": problem.status,
        "detail": problem.detail,
        "code": problem.code,
        "correlation_id": g.get("correlation_id"),
        **problem.extra,
    }
    response = Response(
        encode(document), status=problem.status, headers=problem.headers, mimetype=PROBLEM_JSON
    )
    if problem.status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="trimtab"'
    return response


def _from_http(error: HTTPException) -> Problem:
    status = error.code or 500
    known = HTTPStatus(status)
    problem = Problem(status, known.name.lower(), known.description or known.phrase)
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        problem.headers["Allow"] = ", ".join(sorted(allowed))
    return problem


async def _on_problem(error: Problem) -> Response:
    return answer(error)


async def _on_http(error: HTTPException) -> Response:
    return answer(_from_http(error))


async def _on_anything(error: Exception) -> Response:
    known = from_error(error) if isinstance(error, TrimtabError) else None
    if known is not None:
        return answer(known)
    _log.error("request failed", correlation_id=g.get("correlation_id"), exc_info=error)
    return answer(Problem(500, "internal", "an internal error; its id is in the daemon's log"))


def install(app: Quart) -> None:
    app.register_error_handler(Problem, _on_problem)
    app.register_error_handler(HTTPException, _on_http)
    app.register_error_handler(Exception, _on_anything)
