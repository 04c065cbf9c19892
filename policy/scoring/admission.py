"""Whether a score lets a security be bought at all."""

from __future__ import annotations

from ledger.score import Score
from policy.limits import Limits


def why_not_buy(score: Score | None, limits: Limits) -> str | None:
    """The reason why no plan may buy it; None when nothing speaks against it.

    What is not known is no reason to buy: without a score, or with too little behind it, no.
    Where the owner asks for neither score nor coverage, nothing does.
    """
    if not limits.min_security_score and not limits.min_score_coverage:
        return None
    if score is None:
        return "it has not been scored"
    if score.total is None:
        return f"it has no score: {score.reason}"
    if score.coverage < float(limits.min_score_coverage):
        return (
            f"only {score.coverage:.1%} of its score is known,"
            f" {limits.min_score_coverage:.1%} are needed"
        )
    if score.total < float(limits.min_security_score):
        return f"its score is {score.total:.2f}, {limits.min_security_score} is needed"
    return None
