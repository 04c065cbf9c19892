"""Answers of the daemon as plain text for people. Pure: values in, lines out.

Amounts arrive as texts or numbers and are shown as they are; a figure that is not known is a
dash, never a zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, cast

Row = Mapping[str, Any]
Lines = list[str]

DASH = "–"
WIDTH_MAX = 48
LINE_MAX = 400
_LEFT = frozenset({"symbol", "name", "reason", "state", "actor", "job", "schedule", "status"})


def rows_of(record: Row, name: str) -> Sequence[Row]:
    """The list of records under `name`; empty when there is none."""
    return cast("Sequence[Row]", record.get(name) or ())


def row_of(value: object) -> Row | None:
    """`value` as a record; None when it is none."""
    return cast("Row", value) if isinstance(value, Mapping) else None


def cell(value: object, width: int = WIDTH_MAX) -> str:
    """One value, cut to `width` characters as tables need it."""
    if value is None or value == "":
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.2f}"
    if isinstance(value, list | tuple):
        return ", ".join(cell(item) for item in cast("Sequence[object]", value)) or DASH
    text = " ".join(str(value).split())
    return text if len(text) <= width else f"{text[: width - 1]}…"


def table(rows: Sequence[Row], columns: Sequence[str]) -> Lines:
    """Aligned columns under their names; a column in which nothing is known is left out."""
    shown = [name for name in columns if any(row.get(name) not in (None, "") for row in rows)]
    if not rows or not shown:
        return ["  none"]
    cells = [[cell(row.get(name)) for name in shown] for row in rows]
    head = [name.removesuffix("_eur").replace("_", " ") for name in shown]
    widths = [max(len(line[at]) for line in [head, *cells]) for at in range(len(shown))]

    def aligned(line: Sequence[str]) -> str:
        parts = (
            text.ljust(width) if _is_left(name, column) else text.rjust(width)
            for name, text, width, column in zip(
                shown, line, widths, zip(*cells, strict=True), strict=True
            )
        )
        return f"  {'  '.join(parts)}".rstrip()

    return [aligned(head), *(aligned(line) for line in cells)]


def _is_left(name: str, column: Iterable[str]) -> bool:
    return name in _LEFT or not all(_is_figure(text) for text in column)


def _is_figure(text: str) -> bool:
    return text == DASH or text.strip("+-−%").replace(",", "").replace(".", "", 1).isdigit()


def fields(record: Row, names: Sequence[str] | None = None) -> Lines:
    """One line per field that is known."""
    chosen = list(record) if names is None else [name for name in names if name in record]
    known = [name for name in chosen if record.get(name) not in (None, "", [], ())]
    width = max((len(name) for name in known), default=0)
    return [f"{name.replace('_', ' '):<{width}}  {cell(record[name], LINE_MAX)}" for name in known]


def status(answer: Row) -> Lines:
    place = "paper" if answer.get("paper") else "real money"
    stands = "HALTED" if answer.get("halted") else "running"
    lines = [
        f"trimtab {cell(answer.get('version'))}: {stands}, mode {cell(answer.get('mode'))}, "
        f"broker {cell(answer.get('broker'))} ({place})",
        f"market time {cell(answer.get('market_time'))}, total {cell(answer.get('total_eur'))} EUR",
    ]
    if answer.get("stale"):
        lines.append(f"figures are stale: {cell(answer['stale'])}")
    lines += [f"halt latch {cell(x.get('name'))}: {cell(x.get('reason'))}" for x in latched(answer)]
    lines += ["", "cash", *table(rows_of(answer, "cash"), ("currency", "amount", "value_eur"))]
    columns = ("symbol", "name", "quantity", "price", "currency", "value_eur", "profit_eur")
    lines += ["", "positions", *table(rows_of(answer, "positions"), columns)]
    actors = table(rows_of(answer, "actors"), ("actor", "state", "restarts", "note"))
    lines += ["", "actors", *actors]
    if answer.get("recovery"):
        lines += ["", "at start", *(f"  {line}" for line in answer["recovery"])]
    if answer.get("login_url"):
        lines += ["", f"dashboard {answer['login_url']}"]
    return lines


def latched(answer: Row | Sequence[Row]) -> Sequence[Row]:
    """The latches in an answer: the whole answer, or under their name."""
    record = row_of(answer)
    return cast("Sequence[Row]", answer) if record is None else rows_of(record, "latches")


def latches(answer: Row | Sequence[Row]) -> Lines:
    standing = latched(answer)
    if not standing:
        return ["not halted"]
    return ["halted by", *table(standing, ("name", "reason", "set_at"))]


def mode(answer: Row | str) -> Lines:
    name = answer if isinstance(answer, str) else answer.get("mode")
    return [f"mode {cell(name)}"]


def jobs(answer: Sequence[Row]) -> Lines:
    columns = ("job", "schedule", "next_due", "last", "ended_at", "consecutive_failures",
               "progress")  # fmt: skip
    return table([_job(view) for view in answer], columns)


def _job(view: Row) -> Row:
    last = row_of(view.get("last")) or {}
    return {**view, "last": last.get("status"), "ended_at": last.get("ended_at")}


def run(answer: Row) -> Lines:
    why = answer.get("error") or answer.get("result") or answer.get("reason")
    took = answer.get("duration_ms")
    seconds = f" in {took / 1000:.1f} s" if isinstance(took, int) else ""
    line = f"{cell(answer.get('job'))} {cell(answer.get('status'))}{seconds}"
    return [f"{line}: {why}" if why else line]


STEP = ("step", "number", "side", "symbol", "name", "quantity", "price", "estimated_price",
         "currency", "value_eur", "estimated_value", "fee_eur", "state", "reason")  # fmt: skip


def recommendations(answer: Row) -> Lines:
    steps = rows_of(answer, "steps")
    return table(steps, STEP) if steps else ["nothing recommended"]


def order(answer: Row) -> Lines:
    lines = fields({name: value for name, value in answer.items() if name != "blocked_by"})
    return [*lines, *(_verdict(verdict) for verdict in rows_of(answer, "blocked_by"))]


def _verdict(verdict: object) -> str:
    gate = row_of(verdict)
    if gate is None:
        return f"blocked by {cell(verdict)}"
    return f"blocked by {cell(gate.get('gate'))}: {gate.get('detail', '')}"


def display(answer: Row) -> Lines:
    """What the panel says; its pixels are painted by the caller, where colour is possible."""
    driver = row_of(answer.get("driver"))
    kind = answer.get("driver") if driver is None else driver.get("kind")
    return [
        f"{cell(answer.get('mode') or answer.get('pool'))}: {answer.get('text') or DASH}",
        f"driver {cell(kind)}, {cell(answer.get('rows'))} × {cell(answer.get('columns'))}",
    ]


def record(answer: object) -> Lines:
    """Any answer: a record by its fields, anything else as it is."""
    known = row_of(answer)
    return [cell(answer)] if known is None else fields(known)


Render = Callable[[Any], Lines]
