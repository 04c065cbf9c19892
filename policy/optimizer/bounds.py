"""Between which weights a security may move: the owner's word, the lot, the largest position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from policy.optimizer.given import PLACES, Member

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Bounds:
    """`floor` <= `lower` <= `upper`, millionths of the total value.

    The floor is what may not be sold; the lower bound adds what the owner wants at least.
    """

    floor: Decimal
    lower: Decimal
    upper: Decimal

    @property
    def fixed(self) -> bool:
        return self.lower == self.upper


def held(member: Member) -> Bounds:
    """A security whose weight stays as it is."""
    return Bounds(member.current, member.current, member.current)


def bounds(member: Member, largest: Decimal) -> Bounds:
    """The bounds of a security that takes part; `largest` is what any position may reach.

    The owner's own bounds can only be narrower than `largest`. What contradicts itself (held above
    its maximum but not to be sold) stays at its current weight.
    """
    wanted = member.max_target
    upper = largest if wanted is None else min(wanted, largest)
    least = min(member.min_target or ZERO, largest)
    if not member.allow_buy:
        upper = min(upper, member.current)
    floor = _unsellable(member, upper)
    lower = max(least, floor)
    if lower > upper:
        return held(member)
    return Bounds(_up(floor), _up(lower), max(_down(upper), _up(lower)))


def _unsellable(member: Member, upper: Decimal) -> Decimal:
    """All of it while sales are barred or one lot is held, else the last lot if it fits."""
    if not member.allow_sell or member.single_lot:
        return member.current
    one = member.lot_share
    return one if member.current and one is not None and one <= upper else ZERO


def within(found: Sequence[Bounds], room: Decimal) -> tuple[tuple[Bounds, ...], bool]:
    """The bounds with minima that fit into `room`, and whether they had to be lowered.

    Only what the owner wants at least gives way, each by the same part; what may not be sold is
    held whatever the room.
    """
    floors = sum((one.floor for one in found), ZERO)
    wishes = sum((one.lower - one.floor for one in found), ZERO)
    spare = max(room - floors, ZERO)
    if wishes <= spare:
        return tuple(found), False
    part = spare / wishes
    return tuple(
        replace(one, lower=one.floor + _down((one.lower - one.floor) * part)) for one in found
    ), True


def _up(share: Decimal) -> Decimal:
    return share.quantize(PLACES, ROUND_CEILING)


def _down(share: Decimal) -> Decimal:
    return share.quantize(PLACES, ROUND_FLOOR)
