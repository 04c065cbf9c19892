"""Chance that depends on the seed and a name only, never on how often somebody asked before.

A running generator would make the ledger depend on the number of draws; a hash of what is drawn
for does not, so a restart and any order of calls see the same numbers.
"""

from __future__ import annotations

from hashlib import blake2b


def draw(seed: int, purpose: str, *, low: int, high: int) -> int:
    """A whole number of [low, high] for (seed, purpose)."""
    digest = blake2b(f"{seed}|{purpose}".encode(), digest_size=8).digest()
    return low + int.from_bytes(digest, "big") % (high - low + 1)
