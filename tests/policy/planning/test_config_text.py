"""The text of a configuration: strict, with every mistake at once, and no text that hurts."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import Money
from ledger.planner_config import ConfigFinding
from policy.planning.config import DEFAULT_CONFIG, PlannerConfig
from policy.planning.config_schema import KEYS, Key, Setting, value_at, with_values
from policy.planning.config_text import (
    MAX_BYTES,
    MAX_FINDINGS,
    config_hash,
    read_config,
    text_hash,
)
from policy.planning.presets import PRESETS, preset_text
from tests.policy.planning.config_cases import other_value, written


def errors(text: str) -> tuple[ConfigFinding, ...]:
    result = read_config(text)
    assert result.config is None
    return result.errors


def only_error(text: str) -> ConfigFinding:
    (found,) = errors(text)
    return found


def config(text: str) -> PlannerConfig:
    result = read_config(text)
    assert result.errors == ()
    assert result.config is not None
    return result.config


def test_an_empty_text_is_the_default_configuration() -> None:
    assert config("") == DEFAULT_CONFIG


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_key_is_read_and_changes_nothing_else(key: Key) -> None:
    value = other_value(key)
    found = config(written({key: value}))
    assert value_at(found, key.where) == value
    assert with_values(found, {key.where: key.default}) == DEFAULT_CONFIG


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_every_key_refuses_what_it_may_not_hold_and_names_value_and_bound(key: Key) -> None:
    for raw in ('"x"' if key.kind != "text" else "5", "{}", "1979-05-27"):
        found = only_error(written({key: raw}, raw=True))
        assert (found.path, found.line) == (key.name, 2)
        assert found.message.startswith(f"{key.path[-1]} = ")
        assert "must be" in found.message
    if key.kind in {"count", "number", "share", "euro"}:
        for bound, beyond in ((key.low, key.low - 1), (key.high, key.high + 1)):
            found = only_error(written({key: str(beyond)}, raw=True))
            assert str(beyond) in found.message
            assert str(bound) in found.message


def test_every_mistake_is_told_at_once_with_its_line() -> None:
    text = """\
[planner]
max_depht = 3
max_depth = 12  # too deep

[filter.diversity]
enabled = true
[filters.diversty]
[filters.diversity.params]
max_sequences = "many"
maxsequences = 5
[pattern_generators]
adaptive = { enabled = 1, params = { max_depth = 0 } }
"""
    told = [(one.path, one.line) for one in errors(text)]
    assert told == [
        ("planner.max_depht", 2),
        ("planner.max_depth", 3),
        ("filter", 5),
        ("filters.diversty", 7),
        ("filters.diversity.params.max_sequences", 9),
        ("filters.diversity.params.maxsequences", 10),
        ("pattern_generators.adaptive.enabled", 12),
        ("pattern_generators.adaptive.params.max_depth", 12),
    ]


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("[planer]", "unknown table planer, did you mean planner?"),
        ("[filters.diversty]", "unknown module diversty, did you mean diversity?"),
        ("planner.max_depht = 3", "unknown key max_depht, did you mean max_depth?"),
        ("[filters.diversity.param]", "unknown key param, did you mean params?"),
        ("speed = 'x'", "unknown key speed; known are filters, opportunity_calculators"),
        ("max_depth = 3", "unknown key max_depth, it belongs in [planner]"),
        (
            "[filters.diversity]\nmax_sequences = 3",
            "unknown key max_sequences, it belongs in [filters.diversity.params]",
        ),
        ('planner.objective = "endstate"', "did you mean end_state?"),
    ],
)
def test_what_is_unknown_comes_with_a_suggestion(text: str, hint: str) -> None:
    assert hint in only_error(text).message


def test_a_line_inside_a_string_or_a_comment_is_no_key() -> None:
    text = '''\
# max_depth = 99
[planner]
name = """\\
max_depth = 99 \\
"""
description = "max_depth = 99"
max_depth = 99
'''
    assert only_error(text).line == 7


@pytest.mark.parametrize(
    ("text", "line"),
    [("[planner]\nname = \n", 2), ("[planner]\n\n[planner]\n", 3), ("[planner]\nname = 'x", 2)],
)
def test_what_is_no_toml_is_told_with_its_line(text: str, line: int) -> None:
    found = only_error(text)
    assert found.message.startswith("not valid TOML")
    assert (found.path, found.line) == ("", line)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("#" * (MAX_BYTES + 1), "at most 65536"),
        ("x = " + "[" * 50_000, "nested too deeply"),
        ("x = " + "9" * 5_000, "beyond all bounds"),
        ("x = 1e99999999999999999999", "beyond all bounds"),
        ("a" + ".a" * 30_000 + " = 1", "dots in one line"),
        ("# \ud800", "UTF-8"),
    ],
)
def test_a_text_that_would_keep_a_board_busy_is_refused_unread(text: str, words: str) -> None:
    assert words in only_error(text).message


@pytest.mark.parametrize("raw", ["nan", "inf", "-inf", "1e9999", "1e-9999", "0x" + "f" * 50_000])
def test_numbers_without_bounds_are_refused_and_not_written_out(raw: str) -> None:
    found = only_error(f"[planner]\nmin_improvement = {raw}")
    assert len(found.message) < 150


def test_of_very_many_mistakes_the_first_are_told_and_how_many_more() -> None:
    found = errors("\n".join(f"k{number} = 1" for number in range(MAX_FINDINGS + 7)))
    assert len(found) == MAX_FINDINGS + 1
    assert found[-1].message == "and 7 more like these"


@given(text=st.text(max_size=200))
def test_any_text_at_all_is_answered(text: str) -> None:
    result = read_config(text)
    assert (result.config is None) == bool(result.errors)


@given(lines=st.lists(st.sampled_from(preset_text("aggressive").splitlines()), max_size=30))
def test_any_lines_of_a_valid_text_are_answered(lines: list[str]) -> None:
    result = read_config("\n".join(lines))
    assert (result.config is None) == bool(result.errors)
    count = len(lines)
    assert all(one.line is None or 1 <= one.line <= max(count, 1) for one in result.errors)


def test_amounts_are_exact_and_fractions_stay_decimal() -> None:
    found = config(
        "[planner]\ntransaction_cost_fixed = 2.5\nmax_loss_threshold = -0.1\nmin_trade_eur = 300"
    )
    assert found.transaction_cost_fixed == Money(2_50, "EUR")
    assert found.max_loss_threshold == Decimal("-0.1")
    assert found.min_trade_eur == Money(300_00, "EUR")
    assert "two decimals" in only_error("[planner]\ntransaction_cost_fixed = 2.005").message


@pytest.mark.parametrize("name", PRESETS)
def test_a_configuration_is_named_by_its_meaning_and_a_text_by_its_letters(name: str) -> None:
    text = next(preset_text(one) for one in PRESETS if one == name)
    other = "# mine\n" + text.replace("0.30\n", "0.300\n").replace('name = "', 'name = "My ')
    assert text_hash(other) != text_hash(text)
    assert config_hash(config(other)) == config_hash(config(text))


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_the_name_of_a_configuration_changes_with_every_value_but_words(key: Key) -> None:
    changed = with_values(DEFAULT_CONFIG, {key.where: other_value(key)})
    words = key.name in {"planner.name", "planner.description"}
    assert (config_hash(changed) == config_hash(DEFAULT_CONFIG)) == words


def test_the_same_number_written_otherwise_is_the_same_configuration() -> None:
    one = replace(DEFAULT_CONFIG, max_loss_threshold=Decimal("-0.2"))
    other: Setting = Decimal("-0.2000")
    assert config_hash(one) == config_hash(replace(one, max_loss_threshold=other))
