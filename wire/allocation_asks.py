"""The owner's groups of countries and industries: what may be asked of the analyst about them.

Each is committed, and shown on the board `allocation`, before it is answered. `by` says who asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ledger.allocation import GroupKind
from wire.mailbox import Request


@dataclass(frozen=True, slots=True)
class GroupView:
    """A group as it was stored."""

    name: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PutGroup(Request[GroupView]):
    """Make `members` the whole of a group, new or not; it keeps its weight.

    Raises Refused `group_name` or `members` for names that cannot be, Conflict `member_taken`
    naming the groups in which members are already.
    """

    kind: GroupKind
    name: str
    members: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True)
class DeleteGroup(Request[str]):
    """Remove a group with its weight; the reply is its name, whether or not there was one.

    Raises Refused `group_name` for a blank name.
    """

    kind: GroupKind
    name: str
    by: str


@dataclass(frozen=True, slots=True)
class PutGroupTargets(Request[Mapping[str, Decimal]]):
    """Make `weights`, 0 to 1, all that is wanted of a kind; the reply is their share of the sum.

    A group not named is not wanted any more; one that is wanted at 0 is not in the reply. Raises
    Refused `weights` for values that cannot be, `unknown_groups` naming all of those that do not
    exist, `no_groups` when there are none.
    """

    kind: GroupKind
    weights: Mapping[str, Decimal]
    by: str


AllocationAsk = PutGroup | DeleteGroup | PutGroupTargets
