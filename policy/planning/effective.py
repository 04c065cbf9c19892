"""The limits a bucket trades by: of each threshold that stands in two places, the stricter value.

Settings hold for the whole account, a configuration for its bucket. The planner filters and the
gates refuse with what is made here, so that no step is planned that a gate would stop.

    hold, waits      the longer; a bucket's own counts only while its filter enforces it
    largest loss     the smaller, likewise
    fees             the dearer, part by part
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from policy.limits import Limits
from policy.planning.config import PlannerConfig


def effective_limits(limits: Limits, config: PlannerConfig) -> Limits:
    """`limits`, no laxer than the bucket's configuration asks for."""
    return _with_fees(_with_recent(_with_eligibility(limits, config), config), config)


def _with_eligibility(limits: Limits, config: PlannerConfig) -> Limits:
    """The filter's own values, else those of the planner."""
    rules = config.filters.eligibility
    if not rules.enabled:
        return limits
    hold, wait, loss = rules.min_hold_days, rules.sell_cooldown_days, rules.max_loss_threshold
    if rules.enforce_min_hold:
        days = config.min_hold_days if hold is None else hold
        limits = replace(limits, min_hold=_longer(limits.min_hold, days))
    if rules.enforce_cooldown:
        days = config.sell_cooldown_days if wait is None else wait
        limits = replace(limits, sell_cooldown=_longer(limits.sell_cooldown, days))
    if rules.enforce_max_loss:
        size: Decimal = -(config.max_loss_threshold if loss is None else loss)
        limits = replace(limits, max_sell_loss=min(limits.max_sell_loss, size))
    return limits


def _with_recent(limits: Limits, config: PlannerConfig) -> Limits:
    rules = config.filters.recently_traded
    if rules.enabled and rules.enforce_buy_cooldown:
        longer = _longer(limits.buy_cooldown, rules.buy_cooldown_days)
        limits = replace(limits, buy_cooldown=longer)
    if rules.enabled and rules.enforce_sell_cooldown:
        longer = _longer(limits.sell_cooldown, rules.sell_cooldown_days)
        limits = replace(limits, sell_cooldown=longer)
    return limits


def _with_fees(limits: Limits, config: PlannerConfig) -> Limits:
    return replace(
        limits,
        transaction_cost_fixed=max(limits.transaction_cost_fixed, config.transaction_cost_fixed),
        transaction_cost_percent=max(
            limits.transaction_cost_percent, config.transaction_cost_percent
        ),
    )


def _longer(span: timedelta, days: int) -> timedelta:
    return max(span, timedelta(days=days))
