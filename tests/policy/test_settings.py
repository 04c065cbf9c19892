"""The registry of settings: bounds, texts there and back, and that each one reaches a limit."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Missing, Refused
from ledger.money import Money
from policy.limits import DEFAULTS, Limits
from policy.settings import SETTINGS, Setting, find, limits_with, parse, text_of

NUMBERS = [setting for setting in SETTINGS if setting.kind in {"int", "decimal"}]


def other_value(setting: Setting) -> str:
    """A valid text that differs from the default."""
    default = text_of(setting, DEFAULTS)
    if setting.kind == "bool":
        return "false" if default == "true" else "true"
    if setting.kind == "symbols":
        return "OTHER.US"
    assert setting.low is not None
    assert setting.high is not None
    step = Decimal(1) if setting.kind == "int" else Decimal("0.01")
    value = Decimal(default) + step
    return str(value if value <= setting.high else Decimal(default) - step)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.key)
def test_every_setting_changes_its_limit_and_no_other(setting: Setting) -> None:
    if setting.key == "daily_loss_sell_halt":
        changed = limits_with({setting.key: "0.03"})
    else:
        changed = limits_with({setting.key: other_value(setting)})
    differ = {
        f.name for f in fields(Limits) if getattr(changed, f.name) != getattr(DEFAULTS, f.name)
    }
    assert differ == {setting.field}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.key)
def test_the_shown_text_is_read_back_as_the_same_limits(setting: Setting) -> None:
    assert limits_with({setting.key: text_of(setting, DEFAULTS)}) == DEFAULTS


@pytest.mark.parametrize("setting", NUMBERS, ids=lambda s: s.key)
def test_a_value_beyond_a_bound_is_refused_by_name_value_and_bound(setting: Setting) -> None:
    assert setting.low is not None
    assert setting.high is not None
    for outside, bound in ((setting.low - 1, setting.low), (setting.high + 1, setting.high)):
        with pytest.raises(Refused) as refusal:
            parse(setting, str(outside))
        assert refusal.value.code == "setting_value"
        for part in (setting.key, str(outside), str(bound)):
            assert part in str(refusal.value)


@pytest.mark.parametrize("text", ["", "many", "NaN", "Infinity", "1e999999", "0x10", "1,5"])
@pytest.mark.parametrize("setting", NUMBERS, ids=lambda s: s.key)
def test_what_is_not_a_number_is_refused(setting: Setting, text: str) -> None:
    with pytest.raises(Refused):
        parse(setting, text)


@given(st.text(max_size=12))
def test_no_text_breaks_the_reader(text: str) -> None:
    for setting in SETTINGS:
        with suppress(Refused):
            limits_with({setting.key: text})


def test_a_fraction_of_a_count_or_of_a_cent_is_refused() -> None:
    with pytest.raises(Refused, match="whole number"):
        parse(find("max_trades_per_day"), "2.5")
    with pytest.raises(Refused, match="two decimals"):
        parse(find("min_cash_reserve"), "10.001")


def test_symbols_are_trimmed_upper_case_and_each_one_once() -> None:
    benchmarks = find("benchmark_symbols")
    assert parse(benchmarks, " spy.us, 700.HK,SPY.US ,^GSPC") == ("SPY.US", "700.HK", "^GSPC")
    assert text_of(benchmarks, DEFAULTS) == "SPY.US,QQQ.US"


@pytest.mark.parametrize("text", ["", ",", "A,,B", "A B", "A;B", "Ä", "A,B,C,D,E,F", "X" * 25])
def test_what_is_no_short_list_of_symbols_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="benchmark_symbols"):
        parse(find("benchmark_symbols"), text)


def test_the_full_halt_never_comes_before_the_halt_of_sales() -> None:
    with pytest.raises(Refused, match="daily_loss_sell_halt"):
        limits_with({"daily_loss_full_halt": "0.01"})
    together = {"daily_loss_full_halt": "0.01", "daily_loss_sell_halt": "0.01"}
    assert limits_with(together).daily_loss_full_halt == Decimal("0.01")


def test_units_are_those_of_the_owner() -> None:
    limits = limits_with(
        {"buy_cooldown_days": "7", "max_loss_threshold": "-0.1", "min_cash_reserve": "12.50"}
    )
    assert limits.buy_cooldown == timedelta(days=7)
    assert limits.max_sell_loss == Decimal("0.1")
    assert limits.min_cash_reserve == Money(12_50, "EUR")


def test_a_wide_band_is_never_narrower_than_the_band() -> None:
    assert limits_with({"limit_order_buffer_percent": "0.1"}).wide_band == Decimal("0.1")


def test_an_unknown_key_comes_with_a_suggestion_and_the_mode_is_reserved() -> None:
    with pytest.raises(Missing, match="did you mean buy_cooldown_days"):
        find("buy_cooldown_day")
    with pytest.raises(Refused) as refusal:
        find("trading_mode")
    assert refusal.value.code == "reserved_key"
