"""/api/dividends: what was paid, what waits for reinvestment, and what the owner notes about it.

No route here moves money: they move what counts as waiting for reinvestment and what as cash.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta
from quart import Blueprint, Response

from ledger.currency import BASE
from ledger.dividend import DividendRecord, PotState, bonus_ratio
from ledger.errors import Missing
from ledger.money import Money, Quantity
from web.api.dividend_rows import DividendBody, DividendRow, check_amount, money_of, row_of, told_of
from web.api.orders import Limit
from web.asking import body, query
from web.context import here
from web.encode import amount
from web.errors import Problem
from web.guard import asked_by
from web.openapi import describe
from web.reply import reply
from wire.dividend_asks import ClearBonus, MarkReinvested, NoteDividend, SetPendingBonus

ASK_DEADLINE_S = 10.0
_ID_DIGITS = 15
_RATE_PLACES = Decimal("0.0001")
bp = Blueprint("dividends", __name__, url_prefix="/api/dividends")


class DividendsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    limit: Limit = 100


class UnreinvestedQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Only dividends of which at least this much waits, in EUR."""

    min_amount_eur: Decimal = Decimal(0)


class BonusBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What waits for reinvestment, in EUR."""

    amount: Decimal


class ReinvestedBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many shares the owner bought with it."""

    quantity: Annotated[int, Meta(ge=1, le=10**9)]


class BonusRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """EUR that wait to be reinvested, and what that adds to the security's expected return.

    `pending_bonus` is null when a rate is not known, `ratio` also without a valued position.
    """

    symbol: str
    pending_bonus: Decimal | None
    ratio: Decimal | None


class Cleared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    symbol: str
    rows_affected: int


class ReinvestmentRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Reinvested ÷ all, of the dividends whose value in EUR is known; 0 when there are none."""

    rate: Decimal


@bp.get("")
@describe(query=DividendsQuery, answer=list[DividendRow])
async def dividends() -> Response:
    """Dividends, newest payment first."""
    return _rows(await here().views.dividends.newest(query(DividendsQuery).limit))


@bp.get("/unreinvested")
@describe(query=UnreinvestedQuery, answer=list[DividendRow])
async def unreinvested() -> Response:
    """Dividends that wait for reinvestment, oldest payment first.

    One without a known value in EUR is only shown when no minimum is asked for.
    """
    least = query(UnreinvestedQuery).min_amount_eur
    check_amount("min_amount_eur", least, above=None)
    records = await here().views.dividends.all()
    return _rows([record for record in records if _waits(record, least)])


@bp.get("/symbol/<symbol>")
@describe(answer=list[DividendRow])
async def of_symbol(symbol: str) -> Response:
    """The dividends of one security, by symbol or ISIN, newest payment first."""
    return _rows(await here().views.dividends.of(symbol.strip().upper()))


@bp.get("/pending-bonuses")
@describe(answer=list[BonusRow])
async def pending_bonuses() -> Response:
    """What waits for reinvestment by security, as a bonus on its expected return."""
    sums = _sums((r.symbol, r.pending_bonus) for r in await here().views.dividends.all())
    portfolio = here().boards.portfolio.value
    held = portfolio.positions if portfolio is not None else ()
    values = {position.security.symbol: position.value_eur for position in held}
    rows = [
        BonusRow(symbol, amount(bonus), _ratio(bonus, values.get(symbol)))
        for symbol, bonus in sorted(sums.items())
        if bonus is None or bonus.minor > 0
    ]
    return reply(rows)


@bp.get("/analytics/total")
@describe(answer=dict[str, Decimal | None])
async def totals() -> Response:
    """Dividends by symbol in EUR; null where the value of one of them is not known."""
    records = await here().views.dividends.all()
    sums = _sums((r.symbol, r.amount_eur) for r in records if r.state is not PotState.CANCELLED)
    return reply({symbol: amount(total) for symbol, total in sorted(sums.items())})


@bp.get("/analytics/reinvestment-rate")
@describe(answer=ReinvestmentRate)
async def reinvestment_rate() -> Response:
    """The share of all dividends that became shares."""
    whole = part = 0
    for record in await here().views.dividends.all():
        if record.amount_eur is not None and record.reinvested_eur is not None:
            whole += max(record.amount_eur.minor, 0)
            part += record.reinvested_eur.minor
    rate = min(Decimal(part) / whole, Decimal(1)) if whole else Decimal(0)
    return reply(ReinvestmentRate(rate=rate.quantize(_RATE_PLACES)))


@bp.get("/<id>")
@describe(answer=DividendRow)
async def dividend(id: str) -> Response:
    """One dividend."""
    return reply(row_of(await _record(_id(id))))


@bp.post("")
@describe(body=DividendBody, created=DividendRow)
async def note() -> Response:
    """Record a dividend that the broker did not report as one."""
    asked = await body(DividendBody)
    told = await told_of(asked)
    dividend_id = await here().asks.drip.ask(
        NoteDividend(told, by=asked_by()), deadline_s=ASK_DEADLINE_S
    )
    return reply(row_of(await _record(dividend_id)), status=201)


@bp.post("/<id>/pending-bonus")
@describe(body=BonusBody, empty=True)
async def set_pending_bonus(id: str) -> Response:
    """Set what counts as waiting for reinvestment, instead of what is in the pot."""
    dividend_id = _id(id)
    asked = await body(BonusBody)
    bonus = money_of("amount", asked.amount, BASE, above=None)
    request = SetPendingBonus(dividend_id, bonus)
    await here().asks.drip.ask(request, deadline_s=ASK_DEADLINE_S)
    return _done()


@bp.post("/<id>/mark-reinvested")
@describe(body=ReinvestedBody, empty=True)
async def mark_reinvested(id: str) -> Response:
    """The owner bought shares with it: what is left in its pot is ordinary cash from now on."""
    dividend_id = _id(id)
    asked = await body(ReinvestedBody)
    request = MarkReinvested(dividend_id, Quantity.of(asked.quantity))
    await here().asks.drip.ask(request, deadline_s=ASK_DEADLINE_S)
    return _done()


@bp.post("/clear-bonus/<symbol>")
@describe(answer=Cleared)
async def clear_bonus(symbol: str) -> Response:
    """Clear the bonuses of a security, because it was bought."""
    name = symbol.strip().upper()
    count = await here().asks.drip.ask(ClearBonus(name), deadline_s=ASK_DEADLINE_S)
    return reply(Cleared(symbol=name, rows_affected=count))


def _id(text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()):
        raise Problem(400, "not_a_number", "the id of a dividend is a whole number")
    if len(digits) > _ID_DIGITS:
        raise Missing("there is no dividend with such an id")
    return int(text)


async def _record(dividend_id: int) -> DividendRecord:
    found = await here().views.dividends.one(dividend_id)
    if found is None:
        raise Missing(f"there is no dividend {dividend_id}")
    return found


def _waits(record: DividendRecord, least: Decimal) -> bool:
    if record.reinvested or record.state in {PotState.RELEASED, PotState.CANCELLED}:
        return False
    if record.left_eur is None:
        return least == 0
    return record.left_eur.amount >= least


def _sums(parts: Iterable[tuple[str, Money | None]]) -> Mapping[str, Money | None]:
    """By symbol; None when one of its parts is not known."""
    sums: dict[str, Money | None] = {}
    for symbol, part in parts:
        before = sums.get(symbol, Money.zero(BASE))
        sums[symbol] = None if before is None or part is None else before + part
    return sums


def _ratio(bonus: Money | None, position: Money | None) -> Decimal | None:
    ratio = None if bonus is None else bonus_ratio(bonus, position)
    return None if ratio is None else ratio.quantize(_RATE_PLACES)


def _done() -> Response:
    return Response(b"", status=204)


def _rows(records: Sequence[DividendRecord]) -> Response:
    return reply([row_of(record) for record in records])
