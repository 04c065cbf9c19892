"""What an owner may say about groups."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.allocation import Groups
from ledger.errors import Refused
from policy.allocation import (
    LONGEST_NAME,
    MOST_GROUPS,
    MOST_MEMBERS,
    STEP,
    group_name,
    member_names,
    plain_name,
    wanted_weights,
)

NONE = Groups()
FULL = Groups({f"Group {number}": () for number in range(MOST_GROUPS)})


def weights(**texts: str) -> dict[str, Decimal]:
    return {name: Decimal(text) for name, text in texts.items()}


def test_names_lose_superfluous_spaces_only() -> None:
    assert group_name("  North   America ", NONE) == "North America"
    assert plain_name(" Öl/Gas ") == "Öl/Gas"
    assert group_name("x" * LONGEST_NAME, NONE)


@pytest.mark.parametrize(
    "text", ["", " \t", "x" * (LONGEST_NAME + 1), "a\x00b", "tail/", "OTHER", " other ", "\ud800"]
)
def test_a_name_that_no_group_can_have_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refused:
        group_name(text, NONE)
    assert refused.value.code == "group_name"


def test_there_are_only_so_many_groups_but_each_may_change() -> None:
    assert group_name("group 7", FULL) == "group 7"
    with pytest.raises(Refused, match=str(MOST_GROUPS)):
        group_name("One more", FULL)


def test_members_are_trimmed_and_each_is_one_whatever_its_case() -> None:
    assert member_names([" US", "", "us", "  ", "South  Korea", "Us "]) == ("US", "South Korea")


@pytest.mark.parametrize(
    "texts", [["x" * (LONGEST_NAME + 1)], ["\x07"], [str(n) for n in range(MOST_MEMBERS + 1)]]
)
def test_members_that_cannot_be_are_refused(texts: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        member_names(texts)
    assert refused.value.code == "members"


@pytest.mark.parametrize(
    "bad", ["-0.01", "1.000001", "NaN", "sNaN", "Infinity", "-Infinity", "1e9"]
)
def test_weights_outside_0_to_1_are_refused_with_the_names_of_all(bad: str) -> None:
    with pytest.raises(Refused, match="A, C") as refused:
        wanted_weights(weights(A=bad, B="0.5", C=bad))
    assert refused.value.code == "weights"


@pytest.mark.parametrize("nothing", [{}, {"A": "0"}, {"A": "0", "B": "-0"}])
def test_at_least_one_group_must_be_wanted(nothing: dict[str, str]) -> None:
    with pytest.raises(Refused, match="no weights provided"):
        wanted_weights(weights(**nothing))


def test_a_group_is_named_once_whatever_its_case() -> None:
    with pytest.raises(Refused, match="twice"):
        wanted_weights(weights(EU="0.5", eu="0.1"))


def test_a_weight_however_small_stays_one() -> None:
    assert wanted_weights(weights(A="1e-9999999", B="1")) == {"A": STEP, "B": 1}


@given(
    st.dictionaries(
        st.sampled_from("ABCDE"), st.decimals(0, 1, places=9), min_size=1, max_size=5
    ).filter(lambda found: any(found.values()))
)
def test_the_targets_of_any_weights_are_shares_of_one(given_: dict[str, Decimal]) -> None:
    found = Groups(wanted=wanted_weights(given_)).targets
    assert abs(sum(found.values()) - 1) < Decimal("1e-20")
    assert all(0 < part <= 1 for part in found.values())
    assert set(found) == {name for name, weight in given_.items() if weight}
