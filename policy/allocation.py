"""What an owner may say about groups: which names, which weights, and how many of both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal

from ledger.allocation import OTHER, Groups, folded
from ledger.errors import Refused

LONGEST_NAME = 80
MOST_MEMBERS = 400
MOST_GROUPS = 100
# Weights are kept to the millionth.
STEP = Decimal("0.000001")


def plain_name(text: str) -> str:
    """`text` without superfluous spaces; raises Refused `group_name` when nothing is left."""
    name = " ".join(text.split())
    if not name:
        raise Refused("the name of a group must not be blank", code="group_name")
    return name


def group_name(text: str, groups: Groups) -> str:
    """The name of a group that may stand beside `groups`, without superfluous spaces.

    Raises Refused `group_name` for one that is blank, too long, not printable or that of the group
    of all that is in none, and when there are too many groups.
    """
    name = plain_name(text)
    if (fault := _fault(name)) is not None:
        raise Refused(fault, code="group_name")
    if folded(name) == folded(OTHER):
        raise Refused(f"{OTHER} is what is in no group", code="group_name")
    known = {folded(one) for one in groups.members}
    if folded(name) not in known and len(known) >= MOST_GROUPS:
        raise Refused(f"there are {MOST_GROUPS} groups already", code="group_name")
    return name


def member_names(texts: Iterable[str]) -> tuple[str, ...]:
    """Trimmed, without empty ones, each once whatever its case, in the order given.

    Raises Refused `members` for a name that cannot be one and for too many of them.
    """
    names: dict[str, str] = {}
    for text in texts:
        name = " ".join(text.split())
        if not name:
            continue
        if (fault := _fault(name)) is not None:
            raise Refused(fault, code="members")
        names.setdefault(folded(name), name)
    if len(names) > MOST_MEMBERS:
        raise Refused(f"a group has at most {MOST_MEMBERS} members", code="members")
    return tuple(names.values())


def wanted_weights(weights: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """What is wanted of each group, rounded to the millionth.

    Raises Refused `weights`, naming all groups concerned, for weights outside 0 to 1, for a group
    that is named twice, and when nothing at all is wanted.
    """
    outside = [name for name, weight in weights.items() if not _is_fraction(weight)]
    if outside:
        raise Refused(f"not from 0 to 1: {', '.join(outside)}", code="weights")
    if len({folded(name) for name in weights}) < len(weights):
        raise Refused("a group is named twice", code="weights")
    rounded = {" ".join(name.split()): _to_step(weight) for name, weight in weights.items()}
    if not any(rounded.values()):
        raise Refused("no weights provided: at least one must be above 0", code="weights")
    return rounded


def _is_fraction(weight: Decimal) -> bool:
    return weight.is_finite() and 0 <= weight <= 1


def _to_step(weight: Decimal) -> Decimal:
    """Half to even, but what is wanted at all stays so."""
    return max(weight.quantize(STEP, ROUND_HALF_EVEN), STEP) if weight else Decimal(0)


def _fault(name: str) -> str | None:
    if len(name) > LONGEST_NAME:
        return f"a name has at most {LONGEST_NAME} characters"
    if not name.isprintable():
        return "a name has printable characters only"
    # Names of groups are parts of addresses, which may end in a slash.
    return f"{name!r}: a name must not end in a slash" if name.endswith("/") else None
