"""A question that only the owner can answer, open until it is answered or answers itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

DecisionKind = Literal["order", "books", "sale", "reinvest"]


@dataclass(frozen=True, slots=True)
class Choice:
    """One possible answer and what it would do, in words."""

    choice: str
    effect: str


@dataclass(frozen=True, slots=True)
class Decision:
    """`decision_id` is the kind, a colon and a name within the kind; `since` is market time."""

    decision_id: str
    kind: DecisionKind
    title: str
    detail: str
    choices: tuple[Choice, ...]
    since: datetime


def kind_of(decision_id: str) -> tuple[str, str]:
    """(kind, name) of an id; a text without a colon has an empty name."""
    kind, _, name = decision_id.partition(":")
    return kind, name
