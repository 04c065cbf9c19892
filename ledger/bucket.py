"""A bucket: a part of the account that is managed on its own. Core is the one that always is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BucketStatus = Literal["research", "accumulating", "active", "hibernating", "paused", "retired"]


@dataclass(frozen=True, slots=True)
class Bucket:
    bucket_id: str
    name: str
    status: BucketStatus
