"""Dividends into shares: which security, how much, and never more than the pots hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.dividend import DividendPot, PotShare, PotState
from ledger.fact import CorporateAction
from ledger.money import Money, Price, Quantity, Rounding
from ledger.order import Side
from ledger.portfolio import PortfolioSnapshot
from policy.dividend_history import analyse
from policy.drip import NoReinvestment, Reinvestment, dividend_yield, payer, reinvest
from policy.fees import FeeTerms, fee
from policy.limits import DEFAULTS
from policy.planning.candidates import Scene
from tests.policy.accounts import FEES, NOON, TODAY, dozen, eur, rates, scene, snapshot

HIGH = {"S00": Decimal("0.03")}
OPEN = timedelta(hours=2)


def pot(
    amount: str,
    *,
    number: int = 1,
    symbol: str = "S00",
    currency: str = "EUR",
    state: PotState = PotState.ACCUMULATING,
) -> DividendPot:
    money = Money.of(amount, currency)
    paid_at = NOON - timedelta(days=100 - number)
    return DividendPot(number, f"a{number}", symbol, paid_at, money, money, state)


def account(
    pots: tuple[DividendPot, ...],
    *,
    currency: str = "EUR",
    cash: Mapping[str, str] | None = None,
    price: str = "40",
    held: Mapping[str, str] | None = None,
    fees: FeeTerms = FEES,
    barred: frozenset[tuple[str, Side]] = frozenset(),
    stale: str | None = None,
) -> Scene:
    universe = dozen(currency)
    shot: PortfolioSnapshot = snapshot(
        universe,
        prices={s.symbol: price for s in universe},
        held={"S00": "2", "S01": "5", "S11": "60"} if held is None else held,
        cash=cash or {"EUR": "2000"},
        stale=stale,
    )
    kept = tuple(p.left for p in pots)
    return scene(shot, fees=fees, barred=barred, pots=kept)


def decide(
    pots: tuple[DividendPot, ...],
    where: Scene,
    *,
    yields: Mapping[str, Decimal] = HIGH,
    opened: timedelta | None = OPEN,
) -> Reinvestment | NoReinvestment:
    return reinvest(
        pots,
        where,
        payers={name: analyse(name, None, current=y, today=TODAY) for name, y in yields.items()},
        open_for=lambda _: opened,
        source_id="D1",
        attempt=1,
        bucket_id="core",
    )


def order(found: Reinvestment | NoReinvestment) -> Reinvestment:
    assert isinstance(found, Reinvestment), found
    return found


def reason(found: Reinvestment | NoReinvestment) -> str:
    assert isinstance(found, NoReinvestment), found
    return found.reason


def test_a_high_yield_buys_more_of_the_security_that_paid() -> None:
    pots = (pot("400"),)
    found = order(decide(pots, account(pots)))
    assert (found.proposal.symbol, found.proposal.order_class) == ("S00", "drip")
    # 9 × 40.20 EUR at worst and 2.73 EUR of fee; a tenth share would not fit.
    assert found.proposal.quantity == Quantity.of(9)
    assert found.shares == (PotShare(1, eur("364.53")),)
    assert "it yields 3.0%" in found.proposal.reason


@pytest.mark.parametrize("yields", [{}, {"S00": Decimal("0.0299")}])
def test_a_low_or_unknown_yield_buys_what_is_most_under_target(
    yields: Mapping[str, Decimal],
) -> None:
    pots = (pot("400"),)
    found = order(decide(pots, account(pots), yields=yields))
    assert found.proposal.symbol == "S02"
    assert "below its target" in found.proposal.reason


def test_a_security_that_may_not_be_bought_gives_way() -> None:
    pots = (pot("400"),)
    where = account(pots, barred=frozenset({("S00", "BUY"), ("S02", "BUY")}))
    assert order(decide(pots, where)).proposal.symbol == "S03"


def test_small_pots_of_one_security_add_up_and_those_of_others_do_not() -> None:
    apart = (pot("200", number=1), pot("200", number=2, symbol="S01"))
    assert "waits for 250.00 EUR" in reason(decide(apart, account(apart)))
    together = (pot("100", number=1), pot("300", number=2))
    found = order(decide(together, account(together)))
    assert found.shares == (PotShare(1, eur(100)), PotShare(2, eur("264.53")))


def test_only_waiting_pots_are_used() -> None:
    pots = (pot("400", state=PotState.RESERVED), pot("400", number=2, state=PotState.RELEASED))
    assert reason(decide(pots, account(pots))) == "no dividend waits for reinvestment"


@pytest.mark.parametrize(
    ("opened", "words"),
    [
        (None, "waits for its market to open"),
        (timedelta(minutes=29), "waits for the end of its opening"),
    ],
)
def test_nothing_is_bought_while_closed_or_in_the_first_half_hour(
    opened: timedelta | None, words: str
) -> None:
    pots = (pot("400"),)
    assert words in reason(decide(pots, account(pots), opened=opened))
    assert order(decide(pots, account(pots), opened=timedelta(minutes=30)))


def test_lots_too_dear_for_the_pot_leave_it_waiting() -> None:
    pots = (pot("400"),)
    assert "does not buy a lot" in reason(decide(pots, account(pots, price="399")))


def test_a_group_that_cannot_buy_does_not_hold_up_the_next() -> None:
    pots = (pot("900", number=1, symbol="S05", currency="USD"), pot("400", number=2))
    where = account(pots, cash={"EUR": "410", "USD": "900"})
    found = order(decide(pots, where))
    assert found.shares[0].dividend_id == 2


def test_a_foreign_pot_pays_in_its_own_currency_with_the_fee() -> None:
    pots = (pot("500", currency="USD"),)
    where = account(pots, currency="USD", cash={"EUR": "2000", "USD": "600"})
    found = order(decide(pots, where))
    assert found.proposal.currency == "USD"
    worst = Price.of("40.2", "USD").micro * found.proposal.quantity.micro // 10**10
    charged = fee(FEES, Money(worst, "USD"), rates())
    assert charged is not None
    (share,) = found.shares
    assert share.money.currency == "USD"
    assert share.money.minor >= worst + charged.minor * 11 // 10
    assert share.money <= pots[0].left


def test_a_pot_in_another_currency_uses_only_cash_that_is_free() -> None:
    pots = (pot("500", currency="USD"),)
    free = order(decide(pots, account(pots, cash={"EUR": "600", "USD": "600"})))
    assert free.proposal.currency == "EUR"
    assert free.shares[0].money.currency == "USD"
    short = account(pots, cash={"EUR": "200", "USD": "900"})
    assert "does not buy" in reason(decide(pots, short))


def test_pots_without_a_rate_wait() -> None:
    pots = (pot("4000", currency="CHF"),)
    where = account((), cash={"EUR": "2000"})
    assert reason(decide(pots, where)) == "no dividend waits for reinvestment"


def test_a_stale_account_reinvests_nothing() -> None:
    pots = (pot("400"),)
    assert "could not be read" in reason(decide(pots, account(pots, stale="no line")))


def test_the_yield_of_a_year_is_dividends_by_price() -> None:
    paid = [Price.of("0.5", "EUR"), Price.of("0.7", "EUR")]
    assert dividend_yield(paid, Price.of("40", "EUR")) == Decimal("0.03")
    assert dividend_yield(paid, None) is None
    assert dividend_yield(paid, Price.of("40", "USD")) is None
    assert dividend_yield([], Price.of("40", "EUR")) == 0


def told(
    per_share: str | None, day: date, *, ratio: str | None = None, number: int = 1
) -> CorporateAction:
    """A dividend, or with `ratio` a split, as the broker reports it."""
    return CorporateAction(
        action_id=f"{day}:{number}",
        kind="dividend" if ratio is None else "split",
        symbol="S00",
        ex_date=day,
        pay_date=None,
        effective_at=NOON,
        ratio=None if ratio is None else Decimal(ratio),
        per_share=None if per_share is None else Price.of(per_share, "EUR"),
    )


def test_the_yield_counts_the_last_365_days_in_shares_of_today() -> None:
    actions = [
        told("9", TODAY - timedelta(days=365)),
        told("1.2", TODAY - timedelta(days=364)),
        told(None, TODAY - timedelta(days=100), ratio="2"),
        told("0.6", TODAY - timedelta(days=10)),
        told("7", TODAY + timedelta(days=1)),
        told(None, TODAY + timedelta(days=2), ratio="4"),
    ]
    known = payer("S00", actions, Price.of("40", "EUR"), TODAY)
    assert known.current_yield_pct == Decimal("0.03")


@pytest.mark.parametrize(
    ("actions", "price"),
    [
        ([], "40"),
        ([told(None, TODAY)], "40"),
        ([told("1", TODAY)], None),
    ],
)
def test_a_yield_is_unknown_without_payments_their_amounts_or_a_price(
    actions: list[CorporateAction], price: str | None
) -> None:
    at = None if price is None else Price.of(price, "EUR")
    assert payer("S00", actions, at, TODAY).current_yield_pct is None


def test_a_payer_that_stopped_yields_nothing() -> None:
    known = payer("S00", [told("1", date(2023, 5, 2))], Price.of("40", "EUR"), TODAY)
    assert known.current_yield_pct == 0
    assert known.yield_assessment == "no_dividend"


def test_the_reason_names_what_is_known_of_the_payer() -> None:
    pots = (pot("400"),)
    text = order(decide(pots, account(pots))).proposal.reason
    assert text.endswith("; S00: above average, stability 0.500")
    unknown = order(decide(pots, account(pots), yields={})).proposal.reason
    assert "stability" not in unknown


def test_what_has_reached_its_largest_share_is_not_bought_with_dividends() -> None:
    """The payer holds 15 % of the portfolio: its money goes elsewhere."""
    pots = (pot("400"),)
    held = {"S00": "15", "S01": "5", "S11": "30"}
    found = order(decide(pots, account(pots, held=held)))
    assert found.proposal.symbol == "S02"
    full = {f"S{number:02d}": "8" for number in range(12)}
    where = account(pots, held=full, cash={"EUR": "400"})
    tight = replace(
        where,
        rules=replace(
            where.rules,
            fx=replace(
                where.rules.fx, limits=replace(DEFAULTS, max_position_share=Decimal("0.06"))
            ),
        ),
    )
    assert "does not buy a lot" in reason(decide(pots, tight))


def test_a_debt_is_no_pot() -> None:
    pots = (pot("400"), replace(pot("400", number=2), left=eur("-350")))
    found = order(decide(pots, account((pots[0],))))
    assert {share.dividend_id for share in found.shares} == {1}


@settings(max_examples=80, deadline=None)
@given(
    amounts=st.lists(st.integers(1, 3_000_00), min_size=1, max_size=5),
    price=st.integers(1, 600),
    pot_currency=st.sampled_from(["EUR", "USD"]),
    currency=st.sampled_from(["EUR", "USD"]),
    cash=st.integers(0, 4_000),
    fixed=st.integers(0, 4_00),
    high=st.booleans(),
)
def test_k6_an_order_never_costs_more_than_its_pots_fee_included(
    *,
    amounts: list[int],
    price: int,
    pot_currency: str,
    currency: str,
    cash: int,
    fixed: int,
    high: bool,
) -> None:
    pots = tuple(
        pot(str(Decimal(a) / 100), number=i, currency=pot_currency) for i, a in enumerate(amounts)
    )
    fees = FeeTerms(Money(fixed, "EUR"), 2_000, Money(0, "EUR"))
    balances = {"EUR": Decimal(cash), "USD": Decimal(cash)}
    balances[pot_currency] += Decimal(sum(amounts)) / 100
    where = account(
        pots,
        currency=currency,
        cash={c: str(b) for c, b in balances.items()},
        price=str(price),
        fees=fees,
        held={"S00": "2", "S11": "60"},
    )
    found = decide(pots, where, yields=HIGH if high else {})
    if isinstance(found, NoReinvestment):
        return
    left = {p.dividend_id: p.left for p in pots}
    assert all(Money.zero(pot_currency) < s.money <= left[s.dividend_id] for s in found.shares)
    quantity = found.proposal.quantity
    assert quantity.is_multiple_of(Quantity.of(1))
    value = Money.of(price * quantity.units, currency)
    charged = fee(fees, value, rates())
    assert charged is not None
    given_up = sum(s.money.minor for s in found.shares)
    table = rates()
    # Nor when it is sent later: it accepts no price at which they would not pay for it.
    if pot_currency == currency:
        assert found.proposal.asked_limit is not None
        worst = found.proposal.asked_limit.times(quantity, Rounding.CEIL)
        dearest = fee(fees, worst, table)
        assert dearest is not None
        in_full = table.convert(dearest, currency, Rounding.CEIL)
        assert in_full is not None
        assert given_up >= worst.minor + in_full.minor
    cost_eur = table.to_eur(value)
    given_eur = table.to_eur(Money(given_up, pot_currency))
    assert cost_eur is not None
    assert given_eur is not None
    assert given_eur.minor >= cost_eur.minor + charged.minor
    # No more than the worst case, a cent per rounding apart.
    bound = cost_eur.amount * (1 + DEFAULTS.wide_band) + charged.amount * Decimal("1.02")
    assert given_eur.amount <= bound + Decimal("0.10")
