"""/api/allocation: shares of countries, industries and groups beside what is wanted of them.

Shares are fractions of the total value, positions and cash together. The owner's weights say what
is wanted, without them the planner's targets do; a single country or industry is wanted in its
part of its group's target, by what is held of the group, or equally while nothing is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec
from quart import Blueprint, Response

from ledger.allocation import AllocationBook, GroupKind
from ledger.money import Money
from ledger.placement import Placement
from ledger.portfolio import PortfolioSnapshot
from ledger.weights import Standing, Weight
from web.api.allocation import AlertRow, alert_rows, share
from web.api.portfolio import current
from web.context import here
from web.encode import amount, fraction
from web.errors import not_ready
from web.openapi import describe
from web.reply import from_boards
from wire.messages import TargetWeights

bp = Blueprint("allocation_views", __name__, url_prefix="/api/allocation")
_KINDS: tuple[GroupKind, GroupKind] = ("country", "industry")


class AllocationRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One name. `current_pct` is its part of the total value, `invested_pct` that of the
    positions alone, `deviation` current less target; what is not known is null.
    """

    name: str
    target_pct: Decimal | None
    current_pct: Decimal | None
    invested_pct: Decimal | None
    current_value: Decimal | None
    deviation: Decimal | None


class DeviationRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Current less target, what is missing to the target, and which side of it that is: within
    0.02 it is balanced.
    """

    deviation: Decimal | None
    need: Decimal | None
    status: Standing


class CurrentAllocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In EUR, by single country and industry. `unvalued` names the securities and currencies
    without a value: while there are any, neither the total nor a share is known.
    """

    total_value: Decimal | None
    cash_balance: Decimal | None
    country: list[AllocationRow]
    industry: list[AllocationRow]
    alerts: list[AlertRow]
    unvalued: list[str]
    broker: str
    paper: bool


class GroupAllocation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In EUR, by group; what is in none is in `OTHER`."""

    total_value: Decimal | None
    cash_balance: Decimal | None
    country: list[AllocationRow]
    industry: list[AllocationRow]
    unvalued: list[str]
    broker: str
    paper: bool


class Deviations(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """By single country and industry."""

    country: dict[str, DeviationRow]
    industry: dict[str, DeviationRow]


class GroupTargets(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is wanted of each group, as fractions of the total value. Those of the owner's weights
    add up to 1; the planner's stand in for them, and are absent before the first plan.
    """

    country: dict[str, Decimal]
    industry: dict[str, Decimal]


class GroupList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Members by group. `own`: the owner made them; else every name is a group of its own."""

    groups: dict[str, list[str]]
    own: bool


@dataclass(frozen=True, slots=True)
class Sources:
    """The newest of everything that an allocation is made of."""

    snapshot: PortfolioSnapshot
    book: AllocationBook
    targets: TargetWeights | None

    def of(self, kind: GroupKind) -> Placement:
        planned = None if self.targets is None else self.targets.weights
        return Placement(kind, self.snapshot, self.book.of(kind), planned)


def sources() -> Sources:
    """Raises Problem 503 before portfolio and groups are known."""
    boards = here().boards
    book = boards.allocation.value
    if book is None:
        raise not_ready("the allocation")
    return Sources(current(), book, boards.targets.value)


@bp.get("/targets")
@describe(answer=GroupTargets)
async def targets() -> Response:
    """What is wanted of each group."""
    found = sources()
    return _answer("targets", lambda: GroupTargets(*(_targets(found.of(k)) for k in _KINDS)))


@bp.get("/current")
@describe(answer=CurrentAllocation)
async def allocation_now() -> Response:
    """Shares by country and industry beside their targets, and what is too much in one place."""
    found = sources()
    return _answer("current", lambda: show_current(found, here().broker))


@bp.get("/deviations")
@describe(answer=Deviations)
async def deviations() -> Response:
    """How far each country and industry is from its target."""
    found = sources()
    return _answer("deviations", lambda: Deviations(*(_deviations(found.of(k)) for k in _KINDS)))


@bp.get("/groups/allocation")
@describe(answer=GroupAllocation)
async def group_allocation() -> Response:
    """Shares by group beside their targets."""
    found = sources()
    return _answer("by group", lambda: show_groups(found, here().broker))


@bp.get("/groups/country")
@describe(answer=GroupList)
async def country_groups() -> Response:
    """Countries by group, both by name."""
    found = sources()
    return _answer("country groups", lambda: _groups(found.of("country")))


@bp.get("/groups/industry")
@describe(answer=GroupList)
async def industry_groups() -> Response:
    """Industries by group, both by name."""
    found = sources()
    return _answer("industry groups", lambda: _groups(found.of("industry")))


def _answer(name: str, build: Callable[[], object]) -> Response:
    boards = here().boards
    made_of = (boards.portfolio, boards.allocation, boards.targets, boards.trading)
    return from_boards(f"allocation: {name}", made_of, build)


def show_current(found: Sources, broker: str) -> CurrentAllocation:
    snapshot = found.snapshot
    return CurrentAllocation(
        total_value=amount(snapshot.total_eur),
        cash_balance=amount(snapshot.cash_eur),
        country=_rows(found.of("country").by_member(), snapshot),
        industry=_rows(found.of("industry").by_member(), snapshot),
        alerts=alert_rows(snapshot, found.targets),
        unvalued=list(snapshot.unvalued),
        broker=broker,
        paper=broker == "paper",
    )


def show_groups(found: Sources, broker: str) -> GroupAllocation:
    snapshot = found.snapshot
    return GroupAllocation(
        total_value=amount(snapshot.total_eur),
        cash_balance=amount(snapshot.cash_eur),
        country=_rows(found.of("country").by_group(), snapshot),
        industry=_rows(found.of("industry").by_group(), snapshot),
        unvalued=list(snapshot.unvalued),
        broker=broker,
        paper=broker == "paper",
    )


def _rows(found: Iterable[Weight], snapshot: PortfolioSnapshot) -> list[AllocationRow]:
    held = _held(snapshot)
    return [
        AllocationRow(
            name=one.name,
            target_pct=share(one.target),
            current_pct=share(one.weight),
            invested_pct=fraction(one.value, held),
            current_value=amount(one.value),
            deviation=share(one.deviation),
        )
        for one in found
    ]


def _held(snapshot: PortfolioSnapshot) -> Money | None:
    if snapshot.total_eur is None or snapshot.cash_eur is None:
        return None
    return snapshot.total_eur - snapshot.cash_eur


def _targets(placement: Placement) -> dict[str, Decimal]:
    found = placement.group_targets() or {}
    return {
        name: part.quantize(Decimal("0.000001"), ROUND_HALF_EVEN)
        for name, part in sorted(found.items())
    }


def _deviations(placement: Placement) -> dict[str, DeviationRow]:
    return {one.name: _deviation(one) for one in placement.by_member()}


def _deviation(one: Weight) -> DeviationRow:
    deviation = share(one.deviation)
    need = None if deviation is None else max(-deviation, Decimal(0))
    return DeviationRow(deviation=deviation, need=need, status=one.standing)


def _groups(placement: Placement) -> GroupList:
    listed = {name: sorted(members) for name, members in sorted(placement.groups.items())}
    return GroupList(groups=listed, own=bool(placement.own.members))
