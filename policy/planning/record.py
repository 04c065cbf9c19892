"""What a plan is made from, as bytes that say the same for ever.

The canonical form is JSON with every mapping and set in order. Planning works on what is read back
from it, never on what it was written from, so that making a plan again needs nothing else.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, TypeVar

import msgspec

from ledger.errors import BadData
from ledger.plan import Plan
from policy.planner import PlanInput

DIGEST_BYTES = 16
# A record beyond this cannot be ours: 400 securities with all their correlations need a tenth.
MOST_BYTES = 64 * 1024 * 1024
# The usual level saves an eighth of the bytes and takes six times as long.
LEVEL = zlib.Z_BEST_SPEED
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class InputRecord:
    """`payload` is the compressed canonical form; `input_hash` names what it says."""

    input_hash: str
    payload: bytes


def record(given: PlanInput) -> InputRecord:
    text = _canonical(given)
    return InputRecord(_digest(text), zlib.compress(text, LEVEL))


def encode(given: PlanInput) -> bytes:
    """The canonical form of `given`, compressed."""
    return record(given).payload


def input_hash(given: PlanInput) -> str:
    """32 hex digits: BLAKE2b-128 of the canonical form, before it is compressed."""
    return _digest(_canonical(given))


def decode(payload: bytes, *, named: str | None = None) -> PlanInput:
    """The input behind `payload`; raises BadData when it is damaged, of another version, or not the
    one whose `input_hash` is `named`.
    """
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(payload, MOST_BYTES)
    except zlib.error as error:
        raise BadData(f"a stored input of a plan is damaged: {error}") from error
    if not unpacker.eof:
        raise BadData("a stored input of a plan is cut off, or too large")
    if unpacker.unused_data:
        raise BadData("something follows a stored input of a plan")
    if named is not None and _digest(text) != named:
        raise BadData(f"a stored input of a plan is not {named}, the one it was stored as")
    return _read(text, PlanInput)


def canonical_plan(plan: Plan) -> bytes:
    """What two plans have in common when they are the same, byte for byte."""
    return _canonical(plan)


def _canonical(value: Any) -> bytes:
    return msgspec.json.encode(value, order="deterministic")


def _digest(text: bytes) -> str:
    return blake2b(text, digest_size=DIGEST_BYTES).hexdigest()


def _read(text: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadData(f"a stored input of a plan cannot be read: {error}") from error
