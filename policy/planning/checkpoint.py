"""A search as bytes, so that a run that was interrupted goes on where it stopped.

A line of JSON, then the open ends as packed columns, all of it compressed. Sequences are kept as
numbers of candidates and are walked again when the search is resumed, so that nothing of what a
plan says of money comes from here. A checkpoint names what it was made for and fits nothing else.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

import numpy as np

from policy.planning.found import Found
from policy.planning.frontier import Frontier
from policy.planning.ground import Ground
from policy.planning.search import Search
from policy.planning.space import Combo

FORM = 1


def dump(search: Search, made_for: str) -> bytes:
    """The state, and what it was made for (see `fingerprint`)."""
    open_ = search.open
    head: dict[str, Any] = {
        "form": FORM,
        "made_for": made_for,
        "phase": search.phase,
        "explored": search.explored,
        "tried": search.tried,
        "found": [[one.combo, one.origins] for one in search.found],
        "beam": search.beam,
        "depth": search.depth,
        "proved_depth": search.proved_depth,
        "ceiling": search.ceiling.hex(),
    }
    body = b""
    if open_ is not None:
        head |= {"shape": open_.rows.shape, "lost": open_.lost.hex()}
        columns = (("<i2", open_.rows), ("<f8", open_.bound), ("<f8", open_.net))
        body = b"".join(column.astype(form).tobytes() for form, column in columns)
    return zlib.compress(json.dumps(head).encode() + b"\n" + body, level=1)


def load(ground: Ground, stored: bytes, made_for: str) -> Search | None:
    """The state as it was; None when it cannot be read or was made for something else."""
    try:
        line, _, body = zlib.decompress(stored).partition(b"\n")
        head = json.loads(line)
        if head["form"] != FORM or head["made_for"] != made_for:
            return None
        return Search(
            phase=head["phase"],
            explored=head["explored"],
            tried=head["tried"],
            found=_found(ground, head["found"]),
            beam=tuple(tuple(combo) for combo in head["beam"]),
            open=_frontier(head, body),
            depth=head["depth"],
            proved_depth=head["proved_depth"],
            ceiling=float.fromhex(head["ceiling"]),
        )
    except (zlib.error, ValueError, KeyError, TypeError):
        return None


def fingerprint(ground: Ground, *names: str) -> str:
    """Everything the search depends on: the names of its input, its candidates, their scores."""
    digest = blake2b("|".join(names).encode(), digest_size=16)
    for one in ground.space.candidates:
        digest.update(one.key + b"\n")
    problem, rules = ground.arrays.problem, ground.rules
    columns = (ground.arrays.tolls, problem.value, problem.worth, problem.score, problem.income)
    for column in columns:
        digest.update(column.tobytes())
    digest.update(rules.blocked.tobytes())
    return digest.hexdigest()


def _found(ground: Ground, rows: Iterable[tuple[list[int], list[str]]]) -> tuple[Found, ...]:
    pairs: list[tuple[Combo, tuple[str, ...]]] = [(tuple(c), tuple(o)) for c, o in rows]
    found = ground.found(pairs)
    if len(found) != len(pairs):
        raise ValueError("a sequence of the checkpoint cannot be walked any more")
    return tuple(found)


def _frontier(head: dict[str, Any], body: bytes) -> Frontier | None:
    if "shape" not in head:
        return None
    count, depth = head["shape"]
    width = 2 * count * depth
    rows = np.frombuffer(body[:width], dtype="<i2").reshape(count, depth).astype(np.int16)
    figures = np.frombuffer(body[width:], dtype="<f8").astype(np.float64)
    if len(figures) != 2 * count:
        raise ValueError("a checkpoint that was cut short")
    return Frontier(rows, figures[:count], figures[count:], float.fromhex(head["lost"]))
