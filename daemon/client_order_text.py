"""Orders and decisions as plain text for people. Pure: values in, lines out."""

from __future__ import annotations

from collections.abc import Sequence

from daemon.client_text import Lines, Row, cell, fields, rows_of, table

_LISTED = ("intent_id", "client_order_id", "side", "quantity", "symbol", "limit", "state", "filled",
           "submitted_at")  # fmt: skip
_TOLD = frozenset({"events", "verdicts", "fills", "blocked_by"})


def orders(answer: Sequence[Row]) -> Lines:
    """A table, and below it what stopped those that were stopped."""
    lines = table(answer, _LISTED)
    for row in answer:
        why = "; ".join(
            f"{gate.get('gate')}: {gate.get('detail')}" for gate in rows_of(row, "blocked_by")
        )
        if why:
            again = row.get("retry_after")
            when = f", again from {again}" if again else ""
            number, what = row.get("intent_id"), f"{row.get('side')} {row.get('symbol')}"
            lines.append(f"  {number} {what} blocked by {why}{when}")
    return lines


def story(answer: Row) -> Lines:
    """Everything about one order."""
    lines = fields({name: value for name, value in answer.items() if name not in _TOLD})
    lines += ["", "what happened"]
    for event in rows_of(answer, "events"):
        note = event.get("note")
        line = f"  {cell(event.get('at'))}  {cell(event.get('after'))}"
        lines.append(f"{line}: {note}" if note else line)
    if rows_of(answer, "verdicts"):
        lines += ["", "what the gates said", *map(_said, rows_of(answer, "verdicts"))]
    if rows_of(answer, "fills"):
        columns = ("executed_at", "quantity", "price", "value", "fees")
        lines += ["", "executions", *table(rows_of(answer, "fills"), columns)]
    return lines


def _said(verdict: Row) -> str:
    word = "yes" if verdict.get("passed") else "overruled" if verdict.get("forced") else "NO"
    again = verdict.get("retry_after")
    line = f"  {cell(verdict.get('gate')):<6} {word:<9} {verdict.get('detail', '')}"
    return f"{line} (again from {again})" if again else line


def decisions(answer: Sequence[Row]) -> Lines:
    if not answer:
        return ["nothing waits for you"]
    lines: Lines = []
    for decision in answer:
        lines += [
            f"{decision.get('id')}: {decision.get('title')}",
            f"  {decision.get('detail')} (since {cell(decision.get('since'))})",
            *(
                f"  trimtab decide {decision.get('id')} {choice.get('choice')}"
                f"  {choice.get('effect')}"
                for choice in rows_of(decision, "choices")
            ),
            "",
        ]
    return lines[:-1]
