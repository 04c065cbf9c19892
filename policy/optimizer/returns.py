"""What a security is expected to earn a year: one sum, in which a better input never hurts.

base      a × growth + b × target × score / 0.5, a + b = 1; growth is that of the total return in
          EUR, so dividends and currency are in it once. a is 0.70, up to 0.80 in a bull market.
tilts     each a part of the target return, added: -25 % in a bear market, the outlook's ±20 %,
          and (priority - 1) of it for what the owner thinks
bonus     dividend money that waits for the security, as a part of its value

Tilts are added and not multiplied with the base: a negative base times a factor above 1 would
punish what the owner favours.
"""

from __future__ import annotations

from ledger.regime import Regime
from policy.optimizer.given import Member

LEAST, MOST = -0.10, 0.30
NEUTRAL_SCORE = 0.5
HISTORY_PART, BULL_PART = 0.70, 0.10
BEAR_TILT = -0.25


def expected_return(
    member: Member, *, target: float, regime: Regime, outlook: float
) -> float | None:
    """A fraction per year within -0.10 to 0.30; None without a growth to go by.

    Bull and bear count by the confidence in them. `outlook` is the forward adjustment.
    """
    if member.growth is None:
        return None
    bull = regime.confidence if regime.regime == "bull" else 0.0
    bear = regime.confidence if regime.regime == "bear" else 0.0
    history = HISTORY_PART + BULL_PART * bull
    score = NEUTRAL_SCORE if member.score is None else max(member.score, 0.0)
    base = history * member.growth + (1.0 - history) * target * score / NEUTRAL_SCORE
    tilt = BEAR_TILT * bear + outlook + float(member.priority) - 1.0
    return max(LEAST, min(MOST, base + target * tilt + member.bonus))
