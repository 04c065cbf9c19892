"""What a refused or rejected order is answered with: one status for all that stopped it.

The first that fits decides: the security is unknown (404), trading is halted (423), the broker
could not be read (503), something is under way or out of date (409), any other gate (400).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ledger.order import Intent, OrderState, Verdict
from web.encode import Json
from web.errors import HALTED, Problem
from wire.kill_switch import BROKER_AWAY, HALTED_BEFORE_SENT

Applies = Callable[[Verdict], bool]


def _unknown(verdict: Verdict) -> bool:
    return verdict.gate == "L7"


def _halted(verdict: Verdict) -> bool:
    return verdict.gate in {"G0b", "COMMIT"} and verdict.detail.startswith("halted")


def _unreadable(verdict: Verdict) -> bool:
    if verdict.gate in {"G0b", "SNAP"}:
        return not _halted(verdict)
    if verdict.gate == "G9":
        return verdict.detail.startswith("no quote")
    return verdict.gate in {"L3", "G13"} and "could not be read" in verdict.detail


def _in_the_way(verdict: Verdict) -> bool:
    if verdict.gate == "COMMIT":
        return "in flight" in verdict.detail
    return verdict.gate in {"L3", "G13", "AGE", "WORD"}


# In this order; AGE says that the plan behind the order is too old, WORD that it was taken back.
_RANKS: tuple[tuple[Applies, int, str], ...] = (
    (_unknown, 404, "unknown_security"),
    (_halted, 423, HALTED),
    (_unreadable, 503, "broker_unavailable"),
    (_in_the_way, 409, "in_the_way"),
)


def problem_of(intent: Intent) -> Problem | None:
    """The problem an order ended in; None when it is on its way, was simulated, or is done."""
    if intent.state is OrderState.REFUSED:
        return _with_ids(refusal(intent.blocked_by), intent)
    if intent.state is OrderState.REJECTED:
        return _with_ids(_rejection(intent.error), intent)
    if intent.state is OrderState.NOT_PLACED:
        text = intent.error or "the order never reached the broker"
        return _with_ids(Problem(502, "not_placed", text), intent)
    return None


def refusal(blocked: Sequence[Verdict]) -> Problem:
    status, code = next(
        (
            (status, code)
            for applies, status, code in _RANKS
            if any(applies(verdict) for verdict in blocked)
        ),
        (400, "blocked"),
    )
    text = "; ".join(f"{verdict.gate}: {verdict.detail}" for verdict in blocked)
    return Problem(status, code, text or "refused", extra={"blocked_by": blocked_by(blocked)})


def blocked_by(verdicts: Sequence[Verdict]) -> list[Json]:
    """Every gate that said no, its reason, and from when on it might say yes."""
    rows: list[Json] = []
    for verdict in verdicts:
        after = verdict.retry_after
        again = None if after is None else after.isoformat().replace("+00:00", "Z")
        rows.append({"gate": verdict.gate, "reason": verdict.detail, "retry_after": again})
    return rows


def _rejection(reason: str | None) -> Problem:
    """The switch may have stopped it after it was committed; otherwise the broker said no."""
    if reason == HALTED_BEFORE_SENT:
        return refusal((Verdict("G0b", passed=False, detail=reason),))
    if reason is not None and reason.startswith(BROKER_AWAY):
        return Problem(503, "broker_unavailable", reason)
    return Problem(502, "rejected_by_broker", reason or "the broker gave no reason")


def _with_ids(problem: Problem, intent: Intent) -> Problem:
    problem.extra |= {
        "intent_id": intent.intent_id,
        "client_order_id": intent.client_order_id,
        "order_state": intent.state.value,
    }
    return problem
