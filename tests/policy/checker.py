"""An independent accountant: replays a sequence in exact fractions and reports what is wrong.

It knows nothing of purses: only balances, rates, floors and what each order does at its worst.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ledger.currency import exponent
from ledger.money import Money
from ledger.portfolio import PortfolioSnapshot
from policy.fx import Conversion
from policy.planning.candidates import Candidate, Scene
from policy.planning.space import TradeSequence


def minor(value: Fraction, currency: str) -> Fraction:
    return value * Fraction(10) ** exponent(currency)


class Accountant:
    """Balances in minor units, as fractions, so that nothing is rounded but by the orders."""

    def __init__(self, scene: Scene, *, kept: Mapping[str, int]) -> None:
        self.scene = scene
        shot: PortfolioSnapshot = scene.snapshot
        self.per_eur = {"EUR": Fraction(1)} | {
            c: Fraction(r.value) for c, r in shot.rates.per_eur.items()
        }
        self.cash = {c.money.currency: Fraction(c.money.minor) for c in shot.cash}
        self.held = {p.security.symbol: p.quantity.micro for p in shot.positions}
        self.start = dict(self.cash)
        self.kept = kept
        self.band = 1 + Fraction(scene.limits.wide_band)

    def eur(self, balance: Fraction, currency: str) -> Fraction:
        """Euro cents."""
        return balance * 100 / Fraction(10) ** exponent(currency) / self.per_eur[currency]

    def floor(self, currency: str) -> Fraction:
        reserve = Fraction(self.scene.limits.min_currency_reserve.minor, 100)
        own = minor(reserve * self.per_eur[currency], currency)
        return own + self.kept.get(currency, 0)

    def _move(self, money: Money, sign: int) -> None:
        self.cash[money.currency] = self.cash.get(money.currency, Fraction(0)) + sign * money.minor

    def problems(self, sequence: TradeSequence) -> list[str]:
        found: list[str] = []
        symbols: list[str] = []
        for step in sequence.steps:
            if isinstance(step, Conversion):
                found += self._convert(step)
            else:
                symbols.append(step.symbol)
                found += self._trade(step)
        if len(set(symbols)) != len(symbols):
            found.append(f"a symbol twice: {symbols}")
        if not isinstance(sequence.steps[-1], Candidate):
            found.append("a conversion funds nothing")
        return found

    def _convert(self, step: Conversion) -> list[str]:
        base, other = step.leg.pair.symbol.split("/")
        units = Fraction(step.quantity.micro, 10**6)
        price = Fraction(step.price.micro, 10**6)
        if step.quantity.micro <= 0 or not step.quantity.is_multiple_of(step.leg.pair.lot):
            return [f"not a lot: {step.quantity}"]
        if step.leg.source == base:
            paid, got, source, target = units, units * price / self.band, base, other
            fair = step.receive.minor <= minor(units * price, other)
        else:
            paid, got, source, target = units * price * self.band, units, other, base
            fair = step.spend.minor >= minor(units * price, other)
        if not fair or (step.spend.currency, step.receive.currency) != (source, target):
            return [f"an unfair or crossed conversion: {step}"]
        # The accountant takes the worst of its own figures and those of the step.
        self.cash[source] -= max(Fraction(step.spend.minor), Fraction(int(minor(paid, source))))
        worst = min(Fraction(step.receive.minor), minor(got, target))
        self.cash[target] = self.cash.get(target, Fraction(0)) + worst
        self._move(step.fee, -1)
        return self._short(source) + self._short(step.fee.currency if step.fee.minor else source)

    def _trade(self, step: Candidate) -> list[str]:
        lot = step.security.instrument.lot
        assert lot is not None
        if step.quantity.micro <= 0 or not step.quantity.is_multiple_of(lot):
            return [f"not a lot: {step.quantity}"]
        value = minor(
            Fraction(step.price.micro * step.quantity.micro, 10**12), step.security.currency
        )
        terms = self.scene.fees
        charged = self.eur(value, step.security.currency) * terms.percent_micro / 10**6
        if step.fee.minor < terms.fixed.minor + charged:
            return [f"fee {step.fee} is too small"]
        if step.side == "SELL":
            return self._sale(step, lot.micro, value)
        if step.worst.minor < value:
            return [f"worst cost {step.worst} below the value"]
        self._move(step.worst, -1)
        self._move(step.fee, -1)
        total = sum(self.eur(b, c) for c, b in self.cash.items())
        least = Fraction(self.scene.limits.min_cash_reserve.minor)
        least += sum(self.eur(Fraction(m), c) for c, m in self.kept.items())
        short = [f"total {float(total)} below {float(least)}"] if total < least else []
        return short + self._short(step.worst.currency) + self._short(step.fee.currency)

    def _sale(self, step: Candidate, lot: int, value: Fraction) -> list[str]:
        left = self.held.get(step.symbol, 0) - step.quantity.micro
        self.held[step.symbol] = left
        self._move(step.fee, -1)
        found = [] if left >= lot else [f"{step.symbol}: less than a lot left"]
        if step.fee.currency != step.worst.currency:
            found += self._short(step.fee.currency)
        self._move(step.worst, 1)
        return found + ([] if step.worst.minor <= value else ["proceeds above the value"])

    def _short(self, currency: str) -> list[str]:
        if self.cash[currency] >= self.floor(currency):
            return []
        return [f"{currency} {float(self.cash[currency])} < {float(self.floor(currency))}"]
