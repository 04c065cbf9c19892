"""Shares of the total value: they add up, by every grouping, whatever the spelling of names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.allocation import OTHER, GroupKind, Groups, folded
from ledger.money import Money, Price, Quantity
from ledger.placement import Placement, available
from ledger.portfolio import Cash, PortfolioSnapshot, Position
from ledger.rate import RateTable
from ledger.security import Instrument, Security
from ledger.weights import (
    UNKNOWN,
    Severity,
    Standing,
    Weight,
    concentrations,
    sectors_of,
    split,
    values_by,
)

NOW = datetime(2026, 3, 2, tzinfo=UTC)
EXACT = Decimal("1e-20")
KINDS: tuple[GroupKind, ...] = ("country", "industry")
# country, industries, cents; None is not known.
Holding = tuple[str | None, str | None, int | None]


def eur(minor: int) -> Money:
    return Money(minor, "EUR")


def security(number: int, country: str | None, industry: str | None) -> Security:
    symbol = f"S{number}"
    instrument = Instrument(
        symbol, f"XX{number:010}", symbol, "EUR", "XETR", country, industry, "EQUITY",
        Quantity.of(1), Price.of("0.01", "EUR"),
    )  # fmt: skip
    return Security(number, instrument, True, True, True, True)


def portfolio(*held: Holding, cash: int = 0, listed: tuple[Holding, ...] = ()) -> PortfolioSnapshot:
    positions = tuple(
        Position(
            security(number, country, industry), Quantity.of(1), None, None, None, None,
            None if cents is None else eur(cents), None,
        )
        for number, (country, industry, cents) in enumerate(held)
    )  # fmt: skip
    values = [p.value_eur for p in positions]
    total = sum((value.minor for value in values if value), cash)
    others = tuple(security(90 + n, c, i) for n, (c, i, _) in enumerate(listed))
    return PortfolioSnapshot(
        ledger_seq=1,
        as_of=NOW,
        read_at_s=0.0,
        universe=(*(p.security for p in positions), *others),
        pairs=(),
        positions=positions,
        cash=(Cash(eur(cash), eur(cash)),),
        rates=RateTable({}),
        quotes={},
        total_eur=None if None in values else eur(total),
        cash_eur=eur(cash),
        pots_eur=eur(0),
        unvalued=(),
        differences=(),
        stale=None,
    )


def by_name(found: tuple[Weight, ...]) -> dict[str, Weight]:
    return {one.name: one for one in found}


NAMES = ("Spain", "SPAIN", " spain", "Japan", "japan", "Ägypten", "ägypten", "A\u0308gypten")
HOLDINGS = st.lists(
    st.tuples(
        st.none() | st.sampled_from(NAMES),
        st.none() | st.lists(st.sampled_from(NAMES), max_size=4).map(",".join),
        st.integers(0, 10**9),
    ),
    max_size=8,
)
GROUPS = st.fixed_dictionaries(
    {"A": st.just(("spain",)), "B": st.just(("ÄGYPTEN", "Nowhere"))}
).map(Groups) | st.just(Groups())
SYMBOLS = st.sampled_from(("S0", "S1", "S2", "GONE"))
PLANNED = st.none() | st.dictionaries(SYMBOLS, st.decimals(0, 1, places=4), max_size=4)


@given(held=HOLDINGS, cash=st.integers(-(10**6), 10**9), groups=GROUPS, planned=PLANNED)
def test_all_shares_and_that_of_cash_add_up_to_one(
    held: list[Holding], cash: int, groups: Groups, planned: dict[str, Decimal] | None
) -> None:
    snapshot = portfolio(*held, cash=cash)
    assert snapshot.total_eur is not None
    for kind in KINDS:
        placement = Placement(kind, snapshot, groups, planned)
        for rows in (placement.by_member(), placement.by_group()):
            if snapshot.total_eur.minor <= 0:
                assert {row.weight for row in rows} <= {None}
                continue
            worth = sum(row.value.minor for row in rows if row.value is not None)
            assert worth + cash == snapshot.total_eur.minor
            shares = sum((row.weight for row in rows if row.weight is not None), Decimal(0))
            assert abs(shares + Decimal(cash) / snapshot.total_eur.minor - 1) < EXACT


@given(held=HOLDINGS, planned=PLANNED, raw=st.tuples(st.integers(0, 9), st.integers(1, 9)))
def test_a_group_is_worth_and_wanted_what_its_members_are(
    held: list[Holding], planned: dict[str, Decimal] | None, raw: tuple[int, int]
) -> None:
    groups = Groups(
        {"A": ("spain",), "B": ("ÄGYPTEN", "Nowhere")},
        {"A": Decimal(raw[0]), "B": Decimal(raw[1])},
    )
    for own in (groups, Groups(groups.members)):
        for kind in KINDS:
            placement = Placement(kind, portfolio(*held, cash=1), own, planned)
            members, rows = placement.by_member(), placement.by_group()
            for row in rows:
                inside = [one for one in members if own.group_of(one.name) == row.name]
                assert row.value == eur(sum(one.value.minor for one in inside if one.value))
                if row.target is None:
                    assert {one.target for one in inside} <= {None}
                    continue
                wanted = sum((one.target for one in inside if one.target), Decimal(0))
                assert abs(wanted - row.target) < EXACT


@given(held=HOLDINGS, planned=PLANNED)
def test_what_the_planner_aims_at_is_all_shown(
    held: list[Holding], planned: dict[str, Decimal] | None
) -> None:
    snapshot = portfolio(*held, cash=1)
    known = {security.symbol for security in snapshot.universe}
    for kind in KINDS:
        rows = Placement(kind, snapshot, Groups(), planned).by_member()
        if planned is None:
            assert {row.target for row in rows} <= {None}
            continue
        aimed = sum((part for symbol, part in planned.items() if symbol in known), Decimal(0))
        shown = sum((row.target for row in rows if row.target), Decimal(0))
        assert abs(shown - aimed) < EXACT


@given(held=HOLDINGS, cash=st.integers(1, 10**6))
def test_the_spelling_of_names_moves_no_money(held: list[Holding], cash: int) -> None:
    def spelled(name: str | None) -> str | None:
        return None if name is None else ",".join(folded(part) for part in name.split(","))

    plain = [(spelled(country), spelled(industry), cents) for country, industry, cents in held]
    for kind in KINDS:
        shown = Placement(kind, portfolio(*held, cash=cash), Groups(), None).by_member()
        same = Placement(kind, portfolio(*plain, cash=cash), Groups(), None).by_member()
        assert {(folded(row.name), row.weight) for row in shown} == {
            (row.name, row.weight) for row in same
        }


@given(minor=st.integers(-(10**12), 10**12), parts=st.integers(1, 40))
def test_equal_parts_lose_no_cent_and_differ_by_one_at_most(minor: int, parts: int) -> None:
    cents = [part.minor for part in split(eur(minor), parts)]
    assert sum(cents) == minor
    assert max(cents) - min(cents) <= 1
    assert cents == sorted(cents, reverse=True)


def test_the_odd_cent_of_several_industries_is_always_in_the_same_one() -> None:
    forth, back = portfolio((None, "Oil, Gas,Coal", 100)), portfolio((None, "Coal,Gas, Oil", 100))
    wanted = {"Coal": eur(34), "Gas": eur(33), "Oil": eur(33)}
    assert values_by(forth.positions, sectors_of) == wanted
    assert values_by(back.positions, sectors_of) == wanted


def test_a_value_that_is_unknown_is_never_made_up() -> None:
    snapshot = portfolio(("Spain", "Oil", 100), ("Japan", "Gas", None), cash=50)
    groups = Groups({"A": ("Spain",)}, {"A": Decimal(1)})
    rows = Placement("country", snapshot, groups, None).by_member()
    assert {row.name for row in rows} == {"Spain", "Japan"}
    for row in rows:
        assert (row.value, row.weight, row.target, row.standing) == (None, None, None, "unknown")
    assert concentrations(snapshot.positions, snapshot.total_eur, Decimal("0.15")) == ()


def test_a_group_is_wanted_of_its_members_by_what_is_held_or_equally() -> None:
    groups = Groups(
        {"South": ("Spain", "Italy", "Greece"), "Asia": ("Japan", "Korea"), "Empty": ()},
        {"South": Decimal("0.6"), "Asia": Decimal("0.2"), "Empty": Decimal("0.2")},
    )
    snapshot = portfolio(("Spain", None, 300), ("Italy", None, 100), ("US", None, 600))
    found = by_name(Placement("country", snapshot, groups, {"S2": Decimal(1)}).by_member())
    assert {name: row.target for name, row in found.items()} == {
        "Spain": Decimal("0.45"), "Italy": Decimal("0.15"), "Greece": 0,
        "Japan": Decimal("0.1"), "Korea": Decimal("0.1"), "US": 0,
    }  # fmt: skip
    assert {found[name].standing for name in ("Spain", "Italy")} == {"underweight"}
    shown = by_name(Placement("country", snapshot, groups, None).by_group())
    assert (shown["Empty"].target, shown["Empty"].weight) == (Decimal("0.2"), 0)
    assert (shown[OTHER].target, shown[OTHER].weight) == (0, Decimal("0.6"))


def test_without_the_owners_weights_the_planners_targets_count() -> None:
    held: tuple[Holding, ...] = (("Spain", "Oil, Gas", 300), ("Japan", None, 100))
    snapshot = portfolio(*held, cash=600, listed=((None, "oil", 0),))
    planned = {"S0": Decimal("0.3"), "S90": Decimal("0.1"), "GONE": Decimal("0.6")}
    found = by_name(Placement("industry", snapshot, Groups(), planned).by_member())
    assert {name: row.target for name, row in found.items()} == {
        "Gas": Decimal("0.15"), "Oil": Decimal("0.25"), UNKNOWN: 0,
    }  # fmt: skip
    groups = Groups({"Energy": ("OIL", "gas")})
    shown = by_name(Placement("industry", snapshot, groups, planned).by_group())
    assert (shown["Energy"].target, shown[OTHER].target) == (Decimal("0.4"), 0)


def test_without_groups_every_name_of_the_universe_is_one() -> None:
    snapshot = portfolio(("Spain", None, 300), (None, None, 100), listed=(("Japan", "Oil,Gas", 0),))
    placement = Placement("country", snapshot, Groups(), None)
    assert placement.groups == {"Japan": ("Japan",), "Spain": ("Spain",)}
    assert [(row.name, row.weight) for row in placement.by_group()] == [
        ("Japan", 0), (OTHER, Decimal("0.25")), ("Spain", Decimal("0.75")),
    ]  # fmt: skip


def test_what_is_available_is_each_single_name_once() -> None:
    universe = portfolio(
        ("Spain", "Oil, Gas", 1), ("SPAIN", "gas ,Coal,", 1), (None, "", 1)
    ).universe
    assert available("country", universe) == ("SPAIN",)
    assert available("industry", universe) == ("Coal", "Gas", "Oil")


def test_an_index_that_is_only_looked_at_adds_no_name() -> None:
    known = security(1, "Spain", "Oil")
    index = replace(known, instrument=replace(known.instrument, product_type="INDEX", country="X"))
    assert available("country", (known, index)) == ("Spain",)


def test_a_security_that_is_not_active_adds_no_name() -> None:
    snapshot = portfolio(("Spain", None, 1), listed=(("Japan", None, 0),))
    gone = tuple(replace(s, active=s.instrument.country != "Japan") for s in snapshot.universe)
    rows = Placement("country", replace(snapshot, universe=gone), Groups(), None).by_member()
    assert [row.name for row in rows] == ["Spain"]


@pytest.mark.parametrize(
    ("cents", "severity"),
    [(2799, None), (2800, "warning"), (3149, "warning"), (3150, "critical"), (3499, "critical"),
     (3500, "breach"), (9000, "breach")],
)  # fmt: skip
def test_a_concentration_is_told_by_how_near_its_limit_is(
    cents: int, severity: Severity | None
) -> None:
    snapshot = portfolio(("Spain", None, cents), cash=10_000 - cents)
    found = concentrations(snapshot.positions, snapshot.total_eur, None)
    assert [(one.name, one.severity) for one in found] == (
        [("Spain", severity)] if severity else []
    )


def test_what_has_no_country_is_no_concentration_and_a_position_has_one_limit() -> None:
    snapshot = portfolio((None, None, 900), cash=100)
    found = concentrations(snapshot.positions, snapshot.total_eur, Decimal("0.15"))
    assert [(one.concern, one.name, one.limit) for one in found] == [
        ("position", "S0", Decimal("0.15"))
    ]


@pytest.mark.parametrize(
    ("held", "target", "standing"),
    [("0.10", "0.12", "balanced"), ("0.10", "0.1201", "underweight"), ("0.10", "0.08", "balanced"),
     ("0.10", "0.0799", "overweight")],
)  # fmt: skip
def test_within_two_hundredths_a_weight_is_balanced(
    held: str, target: str, standing: Standing
) -> None:
    assert Weight("A", eur(1), Decimal(held), Decimal(target)).standing == standing
    assert Weight("A", eur(1), Decimal(held), None).standing == "unknown"
