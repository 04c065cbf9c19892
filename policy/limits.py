"""Every bound and default of a trading decision, with its unit and its reason."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from ledger.money import Money


@dataclass(frozen=True, slots=True)
class Limits:
    """One immutable set of limits; every decision receives it, none has a hidden number."""

    # Cash that planning leaves alone, over all currencies.
    min_cash_reserve: Money = Money(500_00, "EUR")
    # EUR that orders may spend besides what is there while the mode is research; none when live.
    virtual_test_cash: Money = Money(0, "EUR")
    # What each trading currency should keep; below it the reserve is repaired by exchange only.
    min_currency_reserve: Money = Money(5_00, "EUR")
    # A conversion below this size is not worth its fee.
    min_fx_amount: Money = Money(10_00, "EUR")
    # Until a pair is seen to move the money the right way, no conversion on it is larger.
    fx_first_amount: Money = Money(20_00, "EUR")
    # Bought on top of a conversion's need, so that a moving rate does not leave it short.
    fx_buffer: Decimal = Decimal("0.02")
    # An order is reckoned to cost no less than this, however cheap the broker's own terms are.
    transaction_cost_fixed: Money = Money(2_00, "EUR")
    transaction_cost_percent: Decimal = Decimal("0.002")
    # A trade must be at least this large for its fee to stay within 1 % of its value.
    max_fee_share: Decimal = Decimal("0.01")
    # Share of the total value that one position may reach.
    max_position_share: Decimal = Decimal("0.15")
    # Quotes older than this do not carry an order.
    max_quote_age: timedelta = timedelta(minutes=5)
    max_fx_quote_age: timedelta = timedelta(seconds=60)
    # Machine seconds since the account was read, at the moment of the decision.
    max_snapshot_age_s: float = 60.0
    max_spread: Decimal = Decimal("0.02")
    # A limit order may sit this far beyond the last price; more for wide spreads and emergencies.
    band: Decimal = Decimal("0.005")
    wide_band: Decimal = Decimal("0.015")
    wide_spread: Decimal = Decimal("0.005")
    # The quote may have moved this far since the decision.
    max_drift: Decimal = Decimal("0.01")
    # A move beyond this between two quotes is taken for an error of the feed.
    quarantine_drift: Decimal = Decimal("0.05")
    # TARGET days a reference rate may be old: to trade with, and to value with.
    max_trade_rate_days: int = 1
    max_value_rate_days: int = 3
    # Market time for which a holding without a quote counts at its last one; unknown after that.
    max_value_price_age: timedelta = timedelta(days=10)
    # Largest single order: a share of the portfolio, but never less than the floor.
    max_order_share: Decimal = Decimal("0.10")
    max_order_floor: Money = Money(1_000_00, "EUR")
    # Our own unfilled planner, DRIP and manual orders are withdrawn after this market time …
    order_life: timedelta = timedelta(minutes=20)
    # … and at the latest this long before the close.
    before_close: timedelta = timedelta(minutes=5)
    # A repair of cash may use those minutes, but must reach its exchange before the bell.
    repair_before_close: timedelta = timedelta(seconds=30)
    # A plan is made anew after this long in market hours, or when a price moved this far.
    plan_life: timedelta = timedelta(minutes=60)
    replan_move: Decimal = Decimal("0.01")
    # A dividend that was not reinvested within this time is given back to planning.
    pot_life: timedelta = timedelta(days=90)
    # Dividend yield from which a dividend buys more of the security that paid it.
    drip_same_yield: Decimal = Decimal("0.03")
    # The opening minutes of a session, with their wide spreads, are left to others.
    drip_after_open: timedelta = timedelta(minutes=30)
    # A pair's quote further than this from the reference rate is taken for an error: no conversion.
    max_fx_deviation: Decimal = Decimal("0.03")
    # A reference rate this far from the last one waits until the pair's own quote confirms it.
    max_rate_jump: Decimal = Decimal("0.10")
    # Three pairs whose quotes do not close their triangle within this are not traded.
    max_triangle_error: Decimal = Decimal("0.005")
    # A position this far below its cost is never sold by plan: the owner decides about losses.
    max_sell_loss: Decimal = Decimal("0.20")
    # Pace of trading: orders of planner, DRIP and owner, none of which may hurry.
    trade_frequency_limits: bool = True
    min_time_between_trades: timedelta = timedelta(minutes=60)
    max_trades_per_day: int = 4
    max_trades_per_week: int = 10
    # After a purchase the security is not bought again, nor sold; after a sale not sold again.
    buy_cooldown: timedelta = timedelta(days=30)
    min_hold: timedelta = timedelta(days=90)
    sell_cooldown: timedelta = timedelta(days=180)
    # A planned sale is at least this large, and at most this share of the position.
    min_sell_value: Money = Money(100_00, "EUR")
    max_planned_sell_share: Decimal = Decimal("0.50")
    # The same symbol and side again this soon is taken for the same decision made twice.
    repeat_guard: timedelta = timedelta(minutes=5)
    manual_sell_guard: timedelta = timedelta(hours=2)
    # Loss of total equity since the last day's close from which sales, then everything, stops.
    daily_loss_sell_halt: Decimal = Decimal("0.02")
    daily_loss_full_halt: Decimal = Decimal("0.05")
    # Our clock may differ from the broker's by this much.
    max_clock_skew: timedelta = timedelta(seconds=30)
    # Orders leave only in the calm core of a session; off, in the whole session.
    core_hours_only: bool = True
    # Purchases of flexible markets may be sent before the open, to wait for it.
    allow_offhours_buy: bool = False
    # Share of the total value that repairs of negative cash may sell per day without the owner.
    emergency_max_sell_share: Decimal = Decimal("0.20")
    # What makes the portfolio worth a look: a weight this far off, or idle cash of so many trades.
    event_driven_rebalancing: bool = True
    rebalance_drift: Decimal = Decimal("0.05")
    rebalance_cash_multiplier: Decimal = Decimal("2.0")
    max_trades_per_cycle: int = 5
    # Market time between two routine reads of the account.
    sync_every: timedelta = timedelta(minutes=5)
    # Between risk and return on one side and spreading risk by clusters on the other: 0 to 1.
    optimizer_blend: Decimal = Decimal("0.5")
    # What the portfolio is to earn a year, of its total value.
    optimizer_target_return: Decimal = Decimal("0.11")
    # What portfolio and market are measured by; every index of the universe when none is in it.
    benchmark_symbols: tuple[str, ...] = ("SPY.US", "QQQ.US")
    # The state of the market: distance of its indices from their 200-day mean, and the share of
    # the total value that stays cash in each state when that is more than the cash reserve.
    market_regime_detection: bool = True
    market_regime_bull_threshold: Decimal = Decimal("0.05")
    market_regime_bear_threshold: Decimal = Decimal("-0.05")
    market_regime_bull_reserve: Decimal = Decimal("0.02")
    market_regime_bear_reserve: Decimal = Decimal("0.05")
    market_regime_sideways_reserve: Decimal = Decimal("0.03")
    # What growth per year is aimed at, and what the market pays for a year's earnings.
    target_annual_return: Decimal = Decimal("0.11")
    market_avg_pe: Decimal = Decimal("22")
    # What money earns per year without risk; Sharpe ratios count what goes beyond it.
    risk_free_rate: Decimal = Decimal("0")
    # No plan buys what scores below this, or of whose score less than this part is known.
    min_security_score: Decimal = Decimal("0.5")
    min_score_coverage: Decimal = Decimal("0.50")


DEFAULTS = Limits()
