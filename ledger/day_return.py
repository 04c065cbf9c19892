"""What a day earned: the change of the total value that no deposit or withdrawal explains."""

from __future__ import annotations

from decimal import Decimal

from ledger.money import Money


def day_return(before: Money | None, after: Money | None, flow: Money | None) -> Decimal | None:
    """(after − before − flow) ÷ before as a fraction.

    `before` and `after` are the totals at the ends of two days that follow each other, `flow` the
    money that came (+) or went (−) between them, counted as if it had come at the end. None when a
    part of it is not known, or when there was nothing to earn with.
    """
    if before is None or after is None or flow is None or before.minor <= 0:
        return None
    return Decimal((after - before - flow).minor) / before.minor
