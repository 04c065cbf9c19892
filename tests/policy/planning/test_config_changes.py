"""What the history of a configuration says of a change."""

from __future__ import annotations

import pytest

from ledger.planner_config import StoredConfig
from policy.planning.config_changes import change_summary
from tests.support.builders import NOW

TEXT = "[planner]\nmax_depth = 5\nbeam_width = 10\n"
BEFORE = StoredConfig("1", "Mine", TEXT, "core", 1, "", None, NOW, NOW)


def summary(toml: str = TEXT, name: str = "Mine", bucket_id: str | None = "core") -> str:
    return change_summary(BEFORE, name=name, toml=toml, bucket_id=bucket_id)


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        (TEXT.replace("5", "7"), "max_depth 5 → 7, +1 −1 lines"),
        (TEXT + "seed = 3\n", "seed unset → 3, +1 −0 lines"),
        (TEXT + "allow_sell = false\n", "allow_sell on → off, +1 −0 lines"),
        (TEXT + "transaction_cost_fixed = 3\n", "transaction_cost_fixed 2.00 EUR → 3.00 EUR"),
        (TEXT + "min_improvement = 0.0500\n", "+1 −0 lines"),
        ("# mine\n" + TEXT, "+1 −0 lines"),
        ("", "+0 −3 lines"),
        (
            TEXT + "[filters.diversity.params]\nmax_sequences = 9\n",
            "diversity.max_sequences 50 → 9",
        ),
        ("[broken", "+1 −3 lines"),
    ],
)
def test_a_change_of_the_text_names_the_keys(toml: str, told: str) -> None:
    assert summary(toml).startswith(told)


def test_of_many_changes_the_first_are_named() -> None:
    toml = (
        "[planner]\nmax_depth = 4\nbeam_width = 9\nnode_budget = 5000\nseed = 1\nallow_buy = false"
    )
    told = "max_depth 5 → 4, beam_width 10 → 9, node_budget 200000 → 5000, 2 more keys, +5 −2 lines"
    assert summary(toml) == told


def test_names_and_buckets_are_named() -> None:
    assert summary(name="Ours") == "name Mine → Ours"
    assert summary(bucket_id=None) == "bucket core → none"
    assert summary() == "nothing"
