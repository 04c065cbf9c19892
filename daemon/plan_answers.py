"""Plans, what they change, and configurations of the planner as plain values for the client."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from daemon.answers import instant_of, money_of
from ledger.bucket import Autonomy
from ledger.plan import Alternative, NewMoney, Plan, Proof, Robustness, StoredPlan, StoredStep
from ledger.plan_difference import PlanDifference, WeightChange
from ledger.planner_config import ConfigCheck, ConfigFinding, PastConfig, StoredConfig
from wire.planner_asks import Recomputed

# Less is not seen in a tenth of a percent: the fees alone move every share a little.
SHOWN = Decimal("0.0005")


def plan_of(stored: StoredPlan) -> dict[str, Any]:
    plan, following = stored.plan, stored.next_step
    return {
        "plan_id": plan.plan_id,
        "bucket_id": plan.bucket_id,
        "created_at": instant_of(plan.created_at),
        "narrative": plan.narrative,
        "superseded": stored.superseded,
        "postponed_until": instant_of(stored.postponed_until),
        "current_score": plan.current_score,
        "end_score": plan.end_score,
        "evaluated": plan.evaluated,
        "next_step": None if following is None else following.step.number,
        "steps": [step_of(step) for step in stored.steps],
        **_insight(plan),
    }


def step_of(stored: StoredStep) -> dict[str, Any]:
    step = stored.step
    return {
        "number": step.number,
        "step_id": stored.step_id,
        "kind": step.kind,
        "side": step.side,
        "symbol": step.symbol,
        "name": step.name,
        "quantity": str(step.quantity),
        "price": f"{step.price.value.normalize():f}",
        "currency": step.price.currency,
        "value_eur": money_of(step.value_eur),
        "fee_eur": money_of(step.fee_eur),
        "reason": step.reason,
        "score_before": step.score_before,
        "score_after": step.score_after,
        "state": stored.state.value,
    }


def _insight(plan: Plan) -> dict[str, Any]:
    return {
        "proof": None if plan.proof is None else _proof(plan.proof),
        "origins": list(plan.origins),
        "alternatives": [_alternative(other) for other in plan.alternatives],
        "robustness": None if plan.robustness is None else _robustness(plan.robustness),
        "new_money": None if plan.new_money is None else _new_money(plan.new_money),
        "notes": list(plan.notes),
        "config_name": plan.config_name,
        "config_hash": plan.config_hash,
        "input_hash": plan.input_hash,
        "seed": plan.seed,
    }


def _proof(proof: Proof) -> dict[str, Any]:
    return {
        "proved": proof.proved,
        "gap": proof.gap,
        "bound": proof.bound,
        "explored": proof.explored,
        "budget": proof.budget,
        "depth": proof.depth,
        "proved_depth": proof.proved_depth,
        "candidates": proof.candidates,
    }


def _alternative(other: Alternative) -> dict[str, Any]:
    trades = (f"{one.side} {one.quantity} {one.symbol}" for one in other.trades)
    return {
        "net": other.net,
        "score": 100 * other.end.total,
        "trades": ", ".join(trades),
        "origins": list(other.origins),
        "executable": other.executable,
    }


def _robustness(found: Robustness) -> dict[str, Any]:
    return {
        "method": found.method,
        "scenarios": found.scenarios,
        "horizon_days": found.horizon_days,
        "mean": found.mean,
        "worst": found.worst,
        "p10": found.p10,
        "p90": found.p90,
        "final": found.final,
        "standard_error": found.standard_error,
    }


def _new_money(money: NewMoney) -> dict[str, Any]:
    return {
        "free_eur": money_of(money.free_eur),
        "spent_eur": money_of(money.spent_eur),
        "deposit_eur": money_of(money.deposit_eur),
        "deposit_share": None if money.deposit_share is None else float(money.deposit_share),
        "blocked_by": list(money.blocked_by),
    }


def difference_of(found: PlanDifference) -> dict[str, Any]:
    """Of the securities only those that change by what is shown; ratios are fractions."""
    moved = [one for one in found.securities if abs(one.after - one.before) >= SHOWN]
    risk = found.risk
    return {
        "securities": _weights(moved),
        "countries": _weights(found.countries),
        "industries": _weights(found.industries),
        "cash": [
            {"currency": one.currency, "before": money_of(one.before), "after": money_of(one.after)}
            for one in found.cash
        ],
        "fees_eur": money_of(found.fees_eur),
        "traded_eur": money_of(found.traded_eur),
        "turnover": float(found.turnover),
        "risk": {
            "volatility": [risk.volatility_before, risk.volatility_after],
            "covered": risk.covered,
            "largest": [float(risk.largest_before), float(risk.largest_after)],
            "drift": [float(risk.drift_before), float(risk.drift_after)],
        },
    }


def _weights(changes: Iterable[WeightChange]) -> list[dict[str, Any]]:
    return [
        {
            "name": one.name,
            "before": float(one.before),
            "after": float(one.after),
            "target": None if one.target is None else float(one.target),
        }
        for one in changes
    ]


def autonomy_of(bucket_id: str, holds: Autonomy) -> dict[str, Any]:
    return {
        "bucket_id": bucket_id,
        "autonomy": holds.mode,
        "act_below_eur": money_of(holds.act_below),
    }


def recomputed_of(found: Recomputed) -> dict[str, Any]:
    return {
        "plan_id": found.plan_id,
        "input_hash": found.input_hash,
        "same": found.same,
        "differs": found.differs,
        "explored": found.explored,
    }


def config_of(stored: StoredConfig) -> dict[str, Any]:
    """Without its text, of which several would be too much for one answer."""
    return {
        "id": stored.config_id,
        "name": stored.name,
        "bucket_id": stored.bucket_id,
        "version": stored.version,
        "applied": stored.applied,
        "text_hash": stored.text_hash,
        "applied_hash": stored.applied_hash,
        "created_at": instant_of(stored.created_at),
        "updated_at": instant_of(stored.updated_at),
    }


def past_of(past: PastConfig) -> dict[str, Any]:
    return {
        "version": past.version,
        "name": past.name,
        "summary": past.summary,
        "saved_at": instant_of(past.saved_at),
    }


def check_of(check: ConfigCheck) -> dict[str, Any]:
    counts = check.counts
    return {
        "valid": check.valid,
        "errors": findings_of(check.errors),
        "warnings": findings_of(check.warnings),
        "not_run": check.not_run,
        "counts": None
        if counts is None
        else {
            "candidates": counts.candidates,
            "by_kind": dict(counts.by_kind),
            "seeds": counts.seeds,
            "filtered": counts.filtered,
            "explored": counts.explored,
            "steps": counts.steps,
            "current_score": counts.current_score,
            "end_score": counts.end_score,
        },
    }


def findings_of(findings: Iterable[ConfigFinding]) -> list[dict[str, Any]]:
    return [{"path": one.path, "message": one.message, "line": one.line} for one in findings]
