"""Weighted means of what is known, with how much that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

NEUTRAL = 0.5


@dataclass(frozen=True, slots=True)
class Mixed:
    """`value` is the mean of what is known; `known` the part of the weights behind it, 0 to 1."""

    value: float | None
    known: float

    @property
    def shrunk(self) -> float | None:
        """`value` drawn towards 0.5 by what is missing; None when everything is.

        0.5 + known × (value - 0.5), which is the mean with 0.5 in the place of all that is missing.
        """
        return None if self.value is None else NEUTRAL + self.known * (self.value - NEUTRAL)


def one(value: float | None) -> Mixed:
    return Mixed(value, 0.0 if value is None else 1.0)


NOTHING = Mixed(None, 0.0)


@dataclass(frozen=True, slots=True)
class Part:
    weight: float
    score: Mixed


def mix(parts: Iterable[Part]) -> Mixed:
    """The parts' mean by weight, each counting by as much of it as is known.

    Weights need not add up to 1. Mixing mixtures is the same as mixing all their parts at once.
    """
    whole = known = total = 0.0
    for part in parts:
        whole += part.weight
        if part.score.value is not None:
            share = part.weight * part.score.known
            known += share
            total += share * part.score.value
    if known <= 0.0:
        return NOTHING
    return Mixed(min(max(total / known, 0.0), 1.0), min(known / whole, 1.0))


def mix_named(weights: Mapping[str, float], values: Mapping[str, float | None]) -> Mixed:
    """The mean of `values` with the weight of their names."""
    return mix(Part(weight, one(values[name])) for name, weight in weights.items())
