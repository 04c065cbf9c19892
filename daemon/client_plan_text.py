"""Plans, their proof and what they change as plain text for people. Pure: values in, lines out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from daemon.client_text import DASH, STEP, Lines, Row, cell, row_of, rows_of, table


def plan(answer: Row | None) -> Lines:
    """The plan, how good it is, its steps, what it changes, and its words."""
    if not answer:
        return ["no plan yet"]
    steps = rows_of(answer, "steps")
    lines = [f"plan {cell(answer.get('plan_id'))} of {cell(answer.get('created_at'))}"]
    if answer.get("superseded"):
        lines[0] += ", superseded"
    score = f"score {cell(answer.get('current_score'))} → {cell(answer.get('end_score'))}"
    lines.append(f"{score}, {cell(answer.get('evaluated'))} sequences evaluated")
    proof = row_of(answer.get("proof"))
    lines += [proven(proof)] if proof else []
    lines += _waiting(answer)
    lines += table(steps, STEP) if steps else ["hold: nothing beats doing nothing"]
    for more in (_alternatives(answer), _money(answer), _robust(answer), difference(answer)):
        lines += ["", *more] if more else []
    lines += [f"note: {note}" for note in answer.get("notes") or ()]
    narrative = str(answer.get("narrative") or "").splitlines()
    return [*lines, "", *narrative] if narrative else lines


def report(answer: Row | None) -> Lines:
    """The document as it is."""
    return str(answer["markdown"]).splitlines() if answer else ["no plan yet"]


def proven(proof: Row) -> str:
    """How good the plan is, in one line."""
    many, depth = proof.get("candidates", 0), proof.get("depth", 0)
    few = f"up to {depth} of {many} candidate trades"
    every = "the only candidate trade" if many == 1 else f"the {many} candidate trades"
    sets = few if depth < many else every
    looked = f"{proof.get('explored', 0):,} sequences looked at"
    if proof.get("proved"):
        return f"best of all allowed sets of {sets}; {looked}"
    line = f"not proved best: within {proof.get('gap', 0.0):.2f} points of the best possible"
    known = proof.get("proved_depth")
    proved = f"; proved best up to {known} trades" if known else ""
    return f"{line} of {sets}; {looked}{proved}"


def _waiting(answer: Row) -> Lines:
    lines: Lines = []
    if answer.get("awaiting_approval"):
        step = answer.get("next_step")
        lines.append(f"step {step} waits for your word: trimtab approve {step}")
    elif answer.get("autonomy") == "advise":
        lines.append("only advice: nothing leaves until the autonomy is changed")
    if answer.get("postponed_until"):
        lines.append(f"postponed until {answer['postponed_until']}")
    return lines


def _alternatives(answer: Row) -> Lines:
    others = rows_of(answer, "alternatives")
    if not others:
        return []
    rows = [
        {
            "net": f"{other.get('net', 0.0):+.2f}",
            "trades": other.get("trades"),
            "found_by": other.get("origins"),
            "note": None if other.get("executable", True) else "breaks a rule",
        }
        for other in others
    ]
    count = len(rows)
    head = "1 alternative" if count == 1 else f"{count} alternatives"
    return [f"{head}, worth in points", *table(rows, ("net", "trades", "found_by", "note"))]


def _money(answer: Row) -> Lines:
    money = row_of(answer.get("new_money"))
    if money is None:
        return []
    lines = [f"new money: {money.get('free_eur')} EUR free, {money.get('spent_eur')} EUR spent"]
    deposit, blocked = money.get("deposit_eur"), cell(money.get("blocked_by"))
    share = money.get("deposit_share") or 0.0
    if deposit is not None and share > 1:
        lines.append(f"no sensible deposit reaches every target: {deposit} EUR, {share:,.1f} times")
        lines[-1] += " what the portfolio is worth"
    elif deposit is not None:
        lines.append(f"a deposit of {deposit} EUR would reach every target without a sale")
    elif blocked != DASH:
        lines.append(f"no deposit alone reaches every target, because of {blocked}")
    return lines


def _robust(answer: Row) -> Lines:
    found = row_of(answer.get("robustness"))
    if found is None:
        return []
    mean, low, high = (100 * found.get(name, 0.0) for name in ("mean", "p10", "p90"))
    points = f"{mean:+.2f} points on average, 80 % between {low:+.2f} and {high:+.2f}"
    method = str(found.get("method")).replace("_", " ")
    return [f"{method}, {found.get('scenarios')} scenarios: {points}"]


def difference(answer: Row) -> Lines:
    """What the plan changes: weights, cash, fees and risk before and after it."""
    found = row_of(answer.get("difference"))
    if found is None:
        why = answer.get("no_difference")
        return [f"what it changes is not known: {why}"] if why else []
    lines = ["what it changes"]
    for kind in ("securities", "countries", "industries"):
        rows = [_weight(row) for row in rows_of(found, kind)]
        if rows:
            lines += table([{kind: row.pop("name"), **row} for row in rows],
                           (kind, "before", "after", "target"))  # fmt: skip
    lines += table(rows_of(found, "cash"), ("currency", "before", "after"))
    costs = f"fees {found.get('fees_eur')} EUR, traded {found.get('traded_eur')} EUR"
    lines.append(f"  {costs}, turnover {_percent(found.get('turnover'))}")
    return [*lines, *_risk(row_of(found.get("risk")) or {})]


def _weight(row: Row) -> dict[str, Any]:
    shares = {name: _percent(row.get(name)) for name in ("before", "after")}
    target = row.get("target")
    return {
        "name": row.get("name"),
        **shares,
        "target": None if target is None else _percent(target),
    }


def _risk(risk: Row) -> Lines:
    told = {"volatility": "volatility a year", "largest": "largest position", "drift": "drift"}
    lines: Lines = []
    for name, label in told.items():
        before, after = risk.get(name) or (None, None)
        lines.append(f"  {label} {_percent(before)} → {_percent(after)}")
    covered = risk.get("covered", 1.0)
    if covered < 1.0:
        lines[0] += f" (known for {_percent(covered)} of the holdings)"
    return lines


def _percent(share: float | None) -> str:
    return DASH if share is None else f"{100 * share:.1f} %"


def autonomy(answer: Sequence[Row]) -> Lines:
    rows = [
        {
            "bucket": row.get("bucket_id"),
            "autonomy": row.get("autonomy"),
            "below": row.get("act_below_eur"),
            "means": _MEANING.get(str(row.get("autonomy"))),
        }
        for row in answer
    ]
    return table(rows, ("bucket", "autonomy", "below", "means"))


_MEANING = {
    "advise": "nothing leaves, plans are only shown",
    "approve": "each step waits for your word",
    "act_below": "steps worth less leave by themselves",
    "act": "every step leaves by itself",
}


def recomputed(answer: Row) -> Lines:
    plan_id, looked = answer.get("plan_id"), f"{answer.get('explored', 0):,} sequences"
    came = f"from input {cell(answer.get('input_hash'))}, {looked}"
    if answer.get("same"):
        return [f"plan {plan_id}: the same plan, byte for byte, {came}"]
    return [f"plan {plan_id}: another plan came out, first in {answer.get('differs')}, {came}"]


def configs(answer: Sequence[Row]) -> Lines:
    rows = [{**row, "bucket": row.get("bucket_id") or "template"} for row in answer]
    return table(rows, ("id", "name", "bucket", "version", "applied", "updated_at"))


def config(answer: Row) -> Lines:
    stands = "applied" if answer.get("applied") else "not applied"
    place = answer.get("bucket_id") or "template"
    named = f"{answer.get('name')} ({answer.get('id')})"
    return [f"{named}, {place}, version {answer.get('version')}, {stands}"]


def past(answer: Sequence[Row]) -> Lines:
    return table(answer, ("version", "saved_at", "name", "summary"))


def checked(answer: Row, source: str) -> Lines:
    """Findings as FILE:LINE, then what a dry run found."""
    lines = [located(source, one) for one in rows_of(answer, "errors")]
    lines += [located(source, one, "warning: ") for one in rows_of(answer, "warnings")]
    counts = row_of(answer.get("counts"))
    if counts is not None:
        found = row_of(counts.get("by_kind")) or {}
        kinds = ", ".join(f"{kind} {count}" for kind, count in found.items())
        lines.append(f"candidates {counts.get('candidates')}" + (f" ({kinds})" if kinds else ""))
        lines.append(
            f"sequences {counts.get('seeds')}, after the filters {counts.get('filtered')},"
            f" explored {counts.get('explored'):,}"
        )
        score = f"{cell(counts.get('current_score'))} → {cell(counts.get('end_score'))}"
        lines.append(f"a plan of {counts.get('steps')} steps, score {score}")
    elif answer.get("not_run"):
        lines.append(f"not tried: {answer['not_run']}")
    return lines or [f"{source}: in order"]


def located(source: str, finding: Row, kind: str = "") -> str:
    """FILE:LINE: path: message."""
    line, path = finding.get("line"), finding.get("path")
    place = source if line is None else f"{source}:{line}"
    said = f"{path}: {finding.get('message')}" if path else finding.get("message")
    return f"{place}: {kind}{said}"
