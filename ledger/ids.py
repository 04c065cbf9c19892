"""Identifiers: ULIDs and tags, which sort by the time they were made, and UUIDs."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime
from hashlib import blake2b

from ledger.errors import BadData

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TAG_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
TAG_LIMIT = 2**53


def ulid(at: datetime, rng: random.Random) -> str:
    """A 26-character ULID: 48 bits of milliseconds, 80 random bits from the seeded generator."""
    value = (int(at.timestamp() * 1000) << 80) | rng.getrandbits(80)
    return "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -1, -5))


def uuid4(at: datetime, rng: random.Random) -> str:
    """A UUID of version 4 from instant and seeded generator: two lives of the daemon draw the same
    numbers, but not at the same instant.
    """
    digest = blake2b(ulid(at, rng).encode(), digest_size=16).digest()
    return str(uuid.UUID(bytes=digest, version=4))


def next_client_order_id(last: int, at: datetime) -> int:
    """A tag that rises strictly even when the clock steps back, below 2**53.

    Seconds since 2024 times 1000, or one above the last tag when that is not larger.
    Raises BadData when `last` leaves no tag below the limit.
    """
    tag = max(last + 1, int((at - _TAG_EPOCH).total_seconds()) * 1000)
    if tag >= TAG_LIMIT:
        raise BadData(f"no client order id is left above {last}")
    return tag
