"""The owner's settings: one typed registry, each naming the limit it sets, its unit and bounds.

Schedule stores the texts and publishes the limits that `limits_with` makes of them; everybody else
sees limits only. A key is here because something in a decision depends on it.

    money      euros with two decimals          share      a fraction, 0.05 is five percent
    minutes, days   whole numbers               switch     true or false
    symbols    one to five, with commas between them
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from ledger.errors import Missing, Refused
from ledger.money import Money
from policy.limits import DEFAULTS, Limits

Kind = Literal["int", "decimal", "bool", "symbols"]
Value = Decimal | bool | tuple[str, ...]
RESERVED = frozenset({"trading_mode"})
# Only to be set in research, and gone with it.
RESEARCH_CASH = "virtual_test_cash"
MOST_SYMBOLS = 5
_SYMBOL = re.compile(r"[A-Z0-9^][A-Z0-9.-]{0,23}")
_TRUE, _FALSE = frozenset({"true", "1", "on", "yes"}), frozenset({"false", "0", "off", "no"})


@dataclass(frozen=True, slots=True)
class Setting:
    """`field` is the limit it sets; `low` and `high` are inclusive bounds in `unit`."""

    key: str
    field: str
    kind: Kind
    unit: str
    low: Decimal | None
    high: Decimal | None
    description: str
    read: Callable[[Any], Value]
    write: Callable[[Decimal], Any]


def _money(key: str, field: str, high: int, description: str) -> Setting:
    return Setting(
        key, field, "decimal", "EUR", Decimal(0), Decimal(high), description,
        read=lambda money: money.amount,
        write=lambda value: Money.half_even(value, "EUR"),
    )  # fmt: skip


def _share(key: str, field: str, low: str, high: str, description: str) -> Setting:
    return Setting(
        key, field, "decimal", "fraction", Decimal(low), Decimal(high), description,
        read=lambda share: share,
        write=lambda value: value,
    )  # fmt: skip


def _number(key: str, field: str, low: str, high: str, description: str) -> Setting:
    return Setting(
        key, field, "decimal", "", Decimal(low), Decimal(high), description,
        read=lambda number: number,
        write=lambda value: value,
    )  # fmt: skip


def _loss(key: str, field: str, description: str) -> Setting:
    """A loss as its owner writes it, −0.20, for a limit that holds its size."""
    return Setting(
        key, field, "decimal", "fraction", Decimal(-1), Decimal(0), description,
        read=lambda size: -size,
        write=lambda value: -value,
    )  # fmt: skip


def _minutes(key: str, field: str, low: int, high: int, description: str) -> Setting:
    return Setting(
        key, field, "int", "minutes", Decimal(low), Decimal(high), description,
        read=lambda span: Decimal(span // timedelta(minutes=1)),
        write=lambda value: timedelta(minutes=int(value)),
    )  # fmt: skip


def _days(key: str, field: str, high: int, description: str) -> Setting:
    return Setting(
        key, field, "int", "days", Decimal(0), Decimal(high), description,
        read=lambda span: Decimal(span // timedelta(days=1)),
        write=lambda value: timedelta(days=int(value)),
    )  # fmt: skip


def _count(key: str, field: str, low: int, high: int, description: str) -> Setting:
    return Setting(key, field, "int", "", Decimal(low), Decimal(high), description, Decimal, int)


def _switch(key: str, field: str, description: str) -> Setting:
    return Setting(key, field, "bool", "", None, None, description, bool, bool)


def _symbols(key: str, field: str, description: str) -> Setting:
    return Setting(
        key, field, "symbols", "", None, None, description,
        read=lambda symbols: symbols,
        write=lambda value: value,
    )  # fmt: skip


SETTINGS: tuple[Setting, ...] = (
    _switch("trade_frequency_limits_enabled", "trade_frequency_limits", "the pace of trading"),
    _minutes("min_time_between_trades_minutes", "min_time_between_trades", 0, 10080,
          "between two trades of any security"),
    _count("max_trades_per_day", "max_trades_per_day", 1, 50, "on one day of the account's zone"),
    _count("max_trades_per_week", "max_trades_per_week", 1, 200, "within any 168 hours"),
    _days("buy_cooldown_days", "buy_cooldown", 365, "before a security is bought again"),
    _days("min_hold_days", "min_hold", 3650, "from the last purchase to a sale"),
    _days("sell_cooldown_days", "sell_cooldown", 3650, "before it is sold again"),
    _loss("max_loss_threshold", "max_sell_loss", "loss beyond which no plan sells"),
    _money("min_sell_value_eur", "min_sell_value", 1_000_000, "a planned sale is no smaller"),
    _money("min_cash_reserve", "min_cash_reserve", 100_000_000, "cash that planning leaves alone"),
    _money(RESEARCH_CASH, "virtual_test_cash", 100_000_000,
           "what orders in research may spend besides; 0 again when trading goes live"),
    _money("transaction_cost_fixed", "transaction_cost_fixed", 1000, "an order costs no less"),
    _share("transaction_cost_percent", "transaction_cost_percent", "0", "0.05",
           "of its value an order costs no less, besides"),
    _share("daily_loss_sell_halt", "daily_loss_sell_halt", "0", "1", "day's loss that stops sales"),
    _share("daily_loss_full_halt", "daily_loss_full_halt", "0", "1", "day's loss that stops all"),
    _share("limit_order_buffer_percent", "band", "0.001", "0.20", "a limit's distance from last"),
    _minutes("max_price_age_minutes", "max_quote_age", 1, 1440, "a quote may be so old"),
    _money("min_currency_reserve_eur", "min_currency_reserve", 1000, "each currency keeps this"),
    _share("fx_buffer_pct", "fx_buffer", "0", "0.20", "bought on top of what a conversion needs"),
    _money("min_fx_amount_eur", "min_fx_amount", 100_000, "the smallest sensible conversion"),
    _money("fx_first_amount_eur", "fx_first_amount", 100_000, "conversions on an unproven pair"),
    _share("max_position_share", "max_position_share", "0.01", "1", "the largest position"),
    _share("max_order_share", "max_order_share", "0.001", "1", "the largest order"),
    _share("emergency_max_sell_pct", "emergency_max_sell_share", "0", "1",
           "of the total that repairs of negative cash sell per day without asking"),
    _minutes("job_sync_cycle_minutes", "sync_every", 1, 1440, "between two looks at the broker"),
    _switch("core_hours_only", "core_hours_only", "orders leave in the core of a session only"),
    _switch("allow_offhours_buy", "allow_offhours_buy", "purchases may wait for the open"),
    _switch("event_driven_rebalancing_enabled", "event_driven_rebalancing",
            "drift and idle cash start a new plan"),
    _share("rebalance_position_drift_threshold", "rebalance_drift", "0.001", "1",
           "distance of a weight from its target that counts"),
    _share("rebalance_cash_threshold_multiplier", "rebalance_cash_multiplier", "0.1", "1000",
           "idle cash counts from so many smallest trades on"),
    _count("max_trades_per_cycle", "max_trades_per_cycle", 1, 50, "trades suggested at once"),
    _share("optimizer_blend", "optimizer_blend", "0", "1",
           "0 weighs risk against return only, 1 spreads risk by clusters only"),
    _share("optimizer_target_return", "optimizer_target_return", "0.001", "1",
           "what the portfolio is to earn a year"),
    _symbols("benchmark_symbols", "benchmark_symbols",
             "what portfolio and market are measured by; all indices when none of them is known"),
    _switch("market_regime_detection_enabled", "market_regime_detection",
            "the state of the market moves the cash reserve and what is expected"),
    _share("market_regime_bull_threshold", "market_regime_bull_threshold", "0", "0.5",
           "distance of the indices from their 200-day mean from which on it is a bull market"),
    _share("market_regime_bear_threshold", "market_regime_bear_threshold", "-0.5", "-0.001",
           "distance up to which it is a bear market"),
    _share("market_regime_bull_cash_reserve", "market_regime_bull_reserve", "0.01", "0.40",
           "of the total value, stays cash in a bull market"),
    _share("market_regime_bear_cash_reserve", "market_regime_bear_reserve", "0.01", "0.40",
           "of the total value, stays cash in a bear market"),
    _share("market_regime_sideways_cash_reserve", "market_regime_sideways_reserve", "0.01", "0.40",
           "of the total value, stays cash in a market without direction"),
    _share("target_annual_return", "target_annual_return", "0.01", "0.50",
           "growth per year that scores best"),
    _number("market_avg_pe", "market_avg_pe", "1", "200",
            "the market's price-earnings ratio, which others are compared with"),
    _share("risk_free_rate", "risk_free_rate", "-0.05", "0.20",
           "per year without risk, what Sharpe ratios count from"),
    _share("min_security_score", "min_security_score", "0", "1", "below it nothing is bought"),
    _share("min_score_coverage", "min_score_coverage", "0", "1",
           "part of a score that must be known before its security is bought"),
)  # fmt: skip
BY_KEY: Mapping[str, Setting] = {setting.key: setting for setting in SETTINGS}


def find(key: str) -> Setting:
    """Raises Refused for a reserved key, Missing with a suggestion for an unknown one."""
    if key in RESERVED:
        raise Refused(f"{key} is not an ordinary setting", code="reserved_key")
    if key not in BY_KEY:
        near = difflib.get_close_matches(key, BY_KEY, n=1)
        hint = f", did you mean {near[0]}?" if near else ""
        raise Missing(f"there is no setting {key!r}{hint}")
    return BY_KEY[key]


def parse(setting: Setting, text: str) -> Value:
    """The value of `text`; raises Refused `setting_value` naming key, value and bound."""
    if setting.kind == "symbols":
        return _parsed_symbols(setting, text)
    if setting.kind == "bool":
        if text.strip().casefold() not in _TRUE | _FALSE:
            raise _refused(setting, text, "must be true or false")
        return text.strip().casefold() in _TRUE
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise _refused(setting, text, "is not a number") from None
    if not value.is_finite():
        raise _refused(setting, text, "is not a number")
    assert setting.low is not None
    assert setting.high is not None
    if not setting.low <= value <= setting.high:
        unit = f" {setting.unit}" if setting.unit else ""
        raise _refused(setting, text, f"must be {setting.low} to {setting.high}{unit}")
    if setting.kind == "int" and value != value.to_integral_value():
        raise _refused(setting, text, "must be a whole number")
    if setting.unit == "EUR" and value != round(value, 2):
        raise _refused(setting, text, "has more than two decimals")
    return value


def _parsed_symbols(setting: Setting, text: str) -> tuple[str, ...]:
    symbols = tuple(dict.fromkeys(part.strip().upper() for part in text.split(",")))
    if not all(_SYMBOL.fullmatch(symbol) for symbol in symbols):
        raise _refused(setting, text, "must be symbols with commas between them")
    if len(symbols) > MOST_SYMBOLS:
        raise _refused(setting, text, f"must be at most {MOST_SYMBOLS} symbols")
    return symbols


def _refused(setting: Setting, text: str, why: str) -> Refused:
    return Refused(f"{setting.key} = {text[:40]!r}: {why}", code="setting_value")


def text_of(setting: Setting, limits: Limits) -> str:
    """The setting as `limits` has it, in the form `parse` reads."""
    value = setting.read(getattr(limits, setting.field))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ",".join(value)
    return format(value.normalize(), "f")


def limits_with(stored: Mapping[str, str], base: Limits = DEFAULTS) -> Limits:
    """`base` with the stored settings. Raises Refused for a text that is not valid.

    Together they must make sense: the full halt is never before the halt of sales.
    """
    changes: dict[str, Any] = {}
    for setting in SETTINGS:
        if setting.key in stored:
            value = parse(setting, stored[setting.key])
            changes[setting.field] = setting.write(value) if isinstance(value, Decimal) else value
    limits = replace(base, **changes)
    if limits.daily_loss_full_halt < limits.daily_loss_sell_halt:
        text = (
            f"daily_loss_full_halt = {limits.daily_loss_full_halt}: must be at least"
            f" daily_loss_sell_halt, which is {limits.daily_loss_sell_halt}"
        )
        raise Refused(text, code="setting_value")
    return replace(limits, wide_band=max(limits.wide_band, limits.band))
