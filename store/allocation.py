"""The owner's groups of countries and industries with their weights. Written by the planner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from ledger.allocation import AllocationBook, GroupKind, Groups, folded
from ledger.errors import Conflict, Refused
from store.codec import to_json, to_ms
from store.engine import Engine, Row, Tx

MICRO = 1_000_000

_PUT_GROUP = """
INSERT INTO allocation_group (kind, key, name) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET name = excluded.name
"""
_TAKEN = """
SELECT m.name, g.name AS group_name FROM allocation_member m
JOIN allocation_group g ON g.kind = m.kind AND g.key = m.group_key
WHERE m.kind = ? AND m.group_key <> ? AND m.key IN (SELECT value FROM json_each(?))
ORDER BY m.key
"""


class AllocationStore:
    """`by` is who asks for a change, for the audit; `at` machine time."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def book(self) -> AllocationBook:
        """Both ways of grouping, groups and members by name."""
        return await self._engine.read(_book)

    async def put_group(
        self, kind: GroupKind, name: str, members: Sequence[str], *, by: str, at: datetime
    ) -> AllocationBook:
        """Make `members` the whole of a group, which keeps its weight; the new book.

        A group is found whatever the case of its name, and takes on the spelling given. Raises
        Conflict, naming the other groups, when a member is already in another one.
        """
        key = folded(name)
        keys = {folded(member): member for member in members}

        async def work(tx: Tx) -> AllocationBook:
            taken = await tx.all(_TAKEN, (kind, key, to_json(list(keys))))
            if taken:
                told = "; ".join(f"{row['name']} is in {row['group_name']}" for row in taken)
                raise Conflict(f"one group for each {kind}: {told}", code="member_taken")
            before = await _shown(tx, kind, key)
            await tx.execute(_PUT_GROUP, (kind, key, name))
            await tx.execute(
                "DELETE FROM allocation_member WHERE kind = ? AND group_key = ?", (kind, key)
            )
            await tx.execute_many(
                "INSERT INTO allocation_member (kind, key, name, group_key) VALUES (?, ?, ?, ?)",
                [(kind, member, spelled, key) for member, spelled in keys.items()],
            )
            what = f"{kind} group {name}"
            await _audit(tx, at, who=by, what=what, before=before, after=to_json(members))
            return await _book(tx)

        return await self._engine.transaction(work)

    async def delete_group(
        self, kind: GroupKind, name: str, *, by: str, at: datetime
    ) -> AllocationBook:
        """Remove a group, its members and its weight; one that is not there changes nothing."""
        key = folded(name)

        async def work(tx: Tx) -> AllocationBook:
            before = await _shown(tx, kind, key)
            if before is not None:
                await tx.execute(
                    "DELETE FROM allocation_group WHERE kind = ? AND key = ?", (kind, key)
                )
                what = f"{kind} group {name}"
                await _audit(tx, at, who=by, what=what, before=before, after=None)
            return await _book(tx)

        return await self._engine.transaction(work)

    async def put_wanted(
        self, kind: GroupKind, weights: Mapping[str, Decimal], *, by: str, at: datetime
    ) -> AllocationBook:
        """Make `weights`, 0 to 1, all that is wanted of this kind; a group not named has none.

        Raises Refused `no_groups` when there are no groups, `unknown_groups` naming all of those
        that do not exist.
        """
        micro = {folded(name): int(weight * MICRO) for name, weight in weights.items()}

        async def work(tx: Tx) -> AllocationBook:
            before = (await _book(tx)).of(kind)
            if not before.members:
                raise Refused(f"no {kind} groups are defined yet", code="no_groups")
            known = {folded(name) for name in before.members}
            unknown = [name for name in weights if folded(name) not in known]
            if unknown:
                told = f"there are no {kind} groups named {', '.join(unknown)}"
                raise Refused(told, code="unknown_groups")
            await tx.execute(
                "UPDATE allocation_group SET wanted_micro = NULL WHERE kind = ?", (kind,)
            )
            await tx.execute_many(
                "UPDATE allocation_group SET wanted_micro = ? WHERE kind = ? AND key = ?",
                [(value, kind, key) for key, value in micro.items()],
            )
            book = await _book(tx)
            old, new = to_json(before.wanted), to_json(book.of(kind).wanted)
            await _audit(tx, at, who=by, what=f"{kind} targets", before=old, after=new)
            return book

        return await self._engine.transaction(work)


async def _book(tx: Tx) -> AllocationBook:
    groups = await tx.all("SELECT * FROM allocation_group ORDER BY kind, name")
    members = await tx.all("SELECT * FROM allocation_member ORDER BY kind, name")
    return AllocationBook(
        country=_groups("country", groups, members),
        industry=_groups("industry", groups, members),
    )


def _groups(kind: GroupKind, groups: Sequence[Row], members: Sequence[Row]) -> Groups:
    inside: dict[str, list[str]] = {}
    for row in members:
        if row["kind"] == kind:
            inside.setdefault(row["group_key"], []).append(row["name"])
    own = [row for row in groups if row["kind"] == kind]
    return Groups(
        members={row["name"]: tuple(inside.get(row["key"], ())) for row in own},
        wanted={
            row["name"]: Decimal(row["wanted_micro"]) / MICRO
            for row in own
            if row["wanted_micro"] is not None
        },
    )


async def _shown(tx: Tx, kind: GroupKind, key: str) -> str | None:
    """A group as the audit shows it; None when there is none."""
    group = await tx.one("SELECT 1 FROM allocation_group WHERE kind = ? AND key = ?", (kind, key))
    if group is None:
        return None
    rows = await tx.all(
        "SELECT name FROM allocation_member WHERE kind = ? AND group_key = ? ORDER BY name",
        (kind, key),
    )
    return to_json([row["name"] for row in rows])


async def _audit(
    tx: Tx, at: datetime, *, who: str, what: str, before: str | None, after: str | None
) -> None:
    await tx.insert(
        "INSERT INTO audit (at_ms, who, what, before, after) VALUES (?, ?, ?, ?, ?)",
        (to_ms(at), who, what, before, after),
    )
