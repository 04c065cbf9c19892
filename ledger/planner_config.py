"""Configurations of the planner as they are stored: their text, where they apply, their past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from ledger.errors import Refused


@dataclass(frozen=True, slots=True)
class StoredConfig:
    """`toml` is the text as its owner wrote it; without a bucket it is a template.

    `version` counts its changes, `text_hash` names its text, `applied_hash` the text its bucket
    plans by now; it is applied when both are the same.
    """

    config_id: str
    name: str
    toml: str
    bucket_id: str | None
    version: int
    text_hash: str
    applied_hash: str | None
    created_at: datetime
    updated_at: datetime

    @property
    def applied(self) -> bool:
        return self.bucket_id is not None and self.applied_hash == self.text_hash


@dataclass(frozen=True, slots=True)
class PastConfig:
    """A version that was replaced, as it was until `saved_at`; `summary` is what changed then."""

    history_id: str
    config_id: str
    version: int
    name: str
    toml: str
    text_hash: str
    summary: str
    saved_at: datetime


@dataclass(frozen=True, slots=True)
class ConfigFinding:
    """An error or a warning; `line` is where in the text, None when it is about what is absent."""

    path: str
    message: str
    line: int | None


@dataclass(frozen=True, slots=True)
class StageCounts:
    """What a configuration finds in the portfolio as it is: how many are left after each stage."""

    candidates: int
    by_kind: tuple[tuple[str, int], ...]
    seeds: int
    filtered: int
    explored: int
    steps: int
    current_score: float
    end_score: float


@dataclass(frozen=True, slots=True)
class ConfigCheck:
    """Every error and warning at once. `counts` comes with a dry run that had a portfolio."""

    errors: tuple[ConfigFinding, ...]
    warnings: tuple[ConfigFinding, ...]
    counts: StageCounts | None = None
    not_run: str | None = None

    @property
    def valid(self) -> bool:
        return not self.errors


class ConfigRefused(Refused):
    """A configuration has mistakes; `findings` are all of them."""

    def __init__(self, findings: tuple[ConfigFinding, ...]) -> None:
        first, more = findings[0], len(findings) - 1
        line = "" if first.line is None else f"line {first.line}"
        told = ": ".join(part for part in (line, first.path, first.message) if part)
        super().__init__(told + (f" (and {more} more)" if more else ""), code="planner_config")
        self.findings = findings
