"""Target weights: equal, capped, and grouped."""

from __future__ import annotations

from decimal import Decimal

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
