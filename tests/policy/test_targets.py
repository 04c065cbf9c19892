"""Target weights: equal, capped, and grouped."""

from __future__ import annotations

from decimal import Decimal

from ledger.allocation import AllocationBook, Groups
from policy.limits import DEFAULTS
from policy.targets import equal_targets
from tests.policy.accounts import dozen, security


def test_every_buyable_security_weighs_the_same() -> None:
    targets = equal_targets(dozen(), DEFAULTS)
    assert len(targets.weights) == 12
    assert set(targets.weights.values()) == {Decimal(1) / 12}
    assert abs(sum(targets.countries.values(), Decimal(-1))) < Decimal("1e-20")
    assert list(targets.countries) == ["Canada", "France", "Germany", "Japan"]
    assert abs(targets.industries["Banks"] - Decimal(1) / 3) < Decimal("1e-20")


def test_no_target_exceeds_the_largest_position_and_the_rest_stays_cash() -> None:
    targets = equal_targets([security("A"), security("B", country=None)], DEFAULTS)
    assert targets.weights == {"A": Decimal("0.15"), "B": Decimal("0.15")}
    assert targets.countries == {"Germany": Decimal("0.15")}


def test_what_may_not_be_bought_has_no_target() -> None:
    universe = [
        security("IDX", product="INDEX"),
        security("OFF", active=False),
        security("NEW", confirmed=False),
        security("NOT", buy=False),
        security("LOT", lot=None),
    ]
    assert equal_targets(universe, DEFAULTS).weights == {}


def test_the_weight_of_a_security_is_split_equally_among_its_industries() -> None:
    mixed = security("MIX", industry="Software, Banks")
    targets = equal_targets([mixed, security("ONE", industry="Banks")], DEFAULTS)
    assert targets.industries == {"Banks": Decimal("0.225"), "Software": Decimal("0.075")}
    assert targets.industry_of == {"MIX": "Software", "ONE": "Banks"}
    assert targets.industries_of == {"MIX": ("Software", "Banks"), "ONE": ("Banks",)}


def test_industries_stand_in_the_groups_of_the_owner() -> None:
    groups = Groups(
        members={"Tech": ("Software", "Chips"), "Money": ("Banks",)},
        wanted={"Tech": Decimal(3), "Money": Decimal(1)},
    )
    mixed = security("MIX", industry="Software, Chips, Banks, Mining")
    targets = equal_targets([mixed], DEFAULTS, AllocationBook(industry=groups))
    assert targets.industries_of == {"MIX": ("Tech", "Tech", "Money", "OTHER")}
    assert targets.industries == {"Money": Decimal("0.0375"), "Tech": Decimal("0.1125")}
