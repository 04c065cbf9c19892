"""Every balance added up again from the journal, to catch a running balance that went wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from store.engine import Tx, scalar

_SUMS = """
SELECT bucket_id, account, key, sum(added) AS added, sum(running) AS running
FROM (
    SELECT bucket_id, account, key, sum(delta) AS added, 0 AS running
    FROM posting GROUP BY bucket_id, account, key
    UNION ALL SELECT bucket_id, account, key, 0, amount FROM balance)
GROUP BY bucket_id, account, key
ORDER BY bucket_id, account, key
"""


@dataclass(frozen=True, slots=True)
class WrongSum:
    """A running balance that is not what its postings add up to."""

    bucket_id: str
    account: str
    key: str
    running: int
    added: int


@dataclass(frozen=True, slots=True)
class Readded:
    """What all postings add up to, over all buckets, and where the running balance disagrees.

    `last_posting` is the newest posting included.
    """

    last_posting: int
    cash: Mapping[str, int]
    holdings: Mapping[str, int]
    wrong: tuple[WrongSum, ...]


async def last_posting(tx: Tx) -> int:
    """The newest posting's number; postings are only ever added."""
    return await scalar(tx, "SELECT coalesce(max(posting_id), 0) FROM posting")


async def readd(tx: Tx) -> Readded:
    sums: dict[str, defaultdict[str, int]] = {"cash": defaultdict(int), "holding": defaultdict(int)}
    wrong: list[WrongSum] = []
    for row in await tx.all(_SUMS):
        bucket, account, key = row["bucket_id"], row["account"], row["key"]
        running, added = row["running"], row["added"]
        sums[account][key] += added
        if running != added:
            wrong.append(WrongSum(bucket, account, key, running, added))
    return Readded(
        last_posting=await last_posting(tx),
        cash=dict(sums["cash"]),
        holdings={symbol: micro for symbol, micro in sums["holding"].items() if micro},
        wrong=tuple(wrong),
    )


async def rebuild(tx: Tx) -> None:
    """Make the running balances what the postings add up to."""
    await tx.execute("DELETE FROM balance")
    await tx.execute(
        "INSERT INTO balance SELECT bucket_id, account, key, sum(delta)"
        " FROM posting GROUP BY bucket_id, account, key"
    )
