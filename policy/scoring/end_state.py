"""How good a whole portfolio is, from 0 to 1: what planning compares end states by.

    score = wT × total return + wD × diversification + wP × promise + wS × stability + wO × 0.5

Total return, promise and stability are sums over positions of weight (of the total value, cash
included) times the security's own score. Diversification is that of the whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from ledger.opinion import EndState, EndStateComponent
from policy.metric_registry import Metrics
from policy.scoring.mappings import total_return
from policy.scoring.mix import NEUTRAL

READS = frozenset({"TOTAL_RETURN", "LONG_TERM_PROMISE", "STABILITY_SCORE"})

ProfileName = Literal["conservative", "balanced", "aggressive"]
# The mean deviation of group weights from their targets at which nothing of the score is left.
WORST_DEVIATION = 0.3
COUNTRY_SHARE, INDUSTRY_SHARE = 0.40, 0.30


@dataclass(frozen=True, slots=True)
class Profile:
    """The weights of the components; they add up to 1."""

    total_return: float
    diversification: float
    promise: float
    stability: float
    opinion: float


PROFILES: Final[Mapping[ProfileName, Profile]] = {
    "conservative": Profile(0.25, 0.30, 0.20, 0.20, 0.05),
    "balanced": Profile(0.35, 0.25, 0.20, 0.15, 0.05),
    "aggressive": Profile(0.45, 0.20, 0.25, 0.05, 0.05),
}


@dataclass(frozen=True, slots=True)
class EndStateParts:
    """The three scores of one security; None where it is not known."""

    total_return: float | None
    promise: float | None
    stability: float | None

    def worth(self, profile: Profile) -> float:
        """What one unit of weight in this security adds to the score of a portfolio.

        An unknown score counts as 0.5: neither bought nor sold for what is not known of it.
        """
        return (
            profile.total_return * _known(self.total_return)
            + profile.promise * _known(self.promise)
            + profile.stability * _known(self.stability)
        )


def parts_of(metrics: Metrics) -> EndStateParts:
    earned = metrics["TOTAL_RETURN"]
    return EndStateParts(
        total_return=None if earned is None else total_return(earned),
        promise=metrics["LONG_TERM_PROMISE"],
        stability=metrics["STABILITY_SCORE"],
    )


def end_state(
    weights: Mapping[int, float],
    parts: Mapping[int, EndStateParts],
    *,
    diversification: float | None,
    profile: Profile = PROFILES["balanced"],
) -> EndState:
    """The score of a portfolio that holds `weights` of its total value, by security id."""
    held = {key: weight for key, weight in weights.items() if weight > 0}
    if not held:
        return EndState(NEUTRAL, {}, 0.0, "nothing is held")
    scores = [(weight, parts.get(key, _UNKNOWN)) for key, weight in held.items()]
    components = {
        "total_return": EndStateComponent(
            sum(w * _known(p.total_return) for w, p in scores), profile.total_return
        ),
        "diversification": EndStateComponent(_known(diversification), profile.diversification),
        "long_term_promise": EndStateComponent(
            sum(w * _known(p.promise) for w, p in scores), profile.promise
        ),
        "stability": EndStateComponent(
            sum(w * _known(p.stability) for w, p in scores), profile.stability
        ),
        "opinion": EndStateComponent(NEUTRAL, profile.opinion),
    }
    invested = sum(held.values())
    known = sum(w for w, p in scores if None not in (p.total_return, p.promise, p.stability))
    total = sum(component.contribution for component in components.values())
    reason = "no group has a target" if diversification is None else None
    return EndState(min(1.0, total), components, known / invested, reason)


def spread(targets: Mapping[str, float], current: Mapping[str, float]) -> float | None:
    """max(0, 1 - mean over the targeted groups of |current - target| / 0.3); None without any."""
    deviation = mean_deviation(targets, current)
    return None if deviation is None else max(0.0, 1.0 - deviation / WORST_DEVIATION)


def mean_deviation(targets: Mapping[str, float], current: Mapping[str, float]) -> float | None:
    if not targets:
        return None
    return sum(abs(current.get(name, 0.0) - wanted) for name, wanted in targets.items()) / len(
        targets
    )


def diversification(country: float | None, industry: float | None) -> float | None:
    """Both spreads, 0.4 to 0.3; one of them alone when the other is not known."""
    known = [
        (share, value)
        for share, value in ((COUNTRY_SHARE, country), (INDUSTRY_SHARE, industry))
        if value is not None
    ]
    if not known:
        return None
    return sum(share * value for share, value in known) / sum(share for share, _ in known)


_UNKNOWN = EndStateParts(None, None, None)


def _known(value: float | None) -> float:
    return NEUTRAL if value is None else value
