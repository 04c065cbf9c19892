"""Rules of trading for worlds: none of the slow ones, or a draw of all of them."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from policy.limits import DEFAULTS, Limits
from policy.planning.config_text import text_hash
from store.store import Store

# Without pace, cool-offs and core hours a world is full of orders, which is what it is for.
LOOSE = replace(
    DEFAULTS,
    trade_frequency_limits=False,
    buy_cooldown=timedelta(0),
    min_hold=timedelta(0),
    sell_cooldown=timedelta(0),
    repeat_guard=timedelta(0),
    manual_sell_guard=timedelta(0),
    daily_loss_sell_halt=Decimal(1),
    daily_loss_full_halt=Decimal(1),
    core_hours_only=False,
    min_security_score=Decimal(0),
    min_score_coverage=Decimal(0),
)

# A configuration that adds no rule of its own to those of the account.
PLAIN = """
[filters.eligibility]
enabled = false

[filters.recently_traded]
enabled = false
"""


async def keep_plain(store: Store, at: datetime) -> None:
    """Core plans by PLAIN, so that a world's limits are all there is."""
    await store.planner_configs.create(
        "plain",
        name="Plain",
        toml=PLAIN,
        text_hash=text_hash(PLAIN),
        bucket_id="core",
        at=at,
        applied=True,
    )


def drawn(seed: int) -> Limits:
    """Everything that an owner may set, from hardly felt to strict."""
    rng = random.Random(f"limits {seed}")
    days = (0, 1, 3, 7, 30)
    sells = rng.choice((Decimal("0.005"), Decimal("0.02")))
    return replace(
        DEFAULTS,
        trade_frequency_limits=rng.random() < 0.8,
        min_time_between_trades=timedelta(minutes=rng.choice((0, 15, 60, 240))),
        max_trades_per_day=rng.choice((1, 2, 4, 10)),
        max_trades_per_week=rng.choice((3, 10, 40)),
        buy_cooldown=timedelta(days=rng.choice(days)),
        min_hold=timedelta(days=rng.choice(days)),
        sell_cooldown=timedelta(days=rng.choice(days)),
        daily_loss_sell_halt=sells,
        daily_loss_full_halt=rng.choice((sells, Decimal("0.05"))),
        max_position_share=rng.choice((Decimal("0.15"), Decimal("0.40"), Decimal(1))),
        max_order_share=rng.choice((Decimal("0.10"), Decimal("0.50"))),
        core_hours_only=rng.random() < 0.5,
        min_security_score=rng.choice((Decimal(0), Decimal("0.4"), Decimal("0.5"))),
        min_score_coverage=rng.choice((Decimal(0), Decimal("0.5"))),
    )
