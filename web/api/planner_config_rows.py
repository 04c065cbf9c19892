"""Configurations of the planner as JSON, and what is found wrong with one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from ledger.planner_config import (
    ConfigCheck,
    ConfigFinding,
    PastConfig,
    StageCounts,
    StoredConfig,
)


class ConfigRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`bucket_id` null makes it a template. `applied`: its bucket plans by this very text."""

    id: str
    name: str
    toml_config: str
    bucket_id: str | None
    version: int
    applied: bool
    text_hash: str
    applied_hash: str | None
    created_at: datetime
    updated_at: datetime


class PastRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A version as it was until `saved_at`; `summary` is what changed then."""

    id: str
    planner_config_id: str
    name: str
    toml_config: str
    version: int
    text_hash: str
    summary: str
    saved_at: datetime


class FindingRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`line` counts from 1; null when it is about what is absent."""

    path: str
    message: str
    line: int | None


class CountsRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What it finds in the portfolio as it is: how many are left after each stage."""

    candidates: int
    by_kind: dict[str, int]
    seeds: int
    filtered: int
    explored: int
    steps: int
    current_score: float
    end_score: float


class CheckRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`error` is the first of `errors`; `not_run` says why a dry run has no `counts`."""

    valid: bool
    error: str | None
    errors: list[FindingRow]
    warnings: list[FindingRow]
    counts: CountsRow | None
    not_run: str | None


class AppliedRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The bucket plans by the text of `applied_hash` from its next plan on."""

    message: str
    bucket_id: str
    config_id: str
    name: str
    version: int
    applied: bool
    applied_hash: str | None


def config_row(stored: StoredConfig) -> ConfigRow:
    return ConfigRow(
        id=stored.config_id,
        name=stored.name,
        toml_config=stored.toml,
        bucket_id=stored.bucket_id,
        version=stored.version,
        applied=stored.applied,
        text_hash=stored.text_hash,
        applied_hash=stored.applied_hash,
        created_at=stored.created_at,
        updated_at=stored.updated_at,
    )


def past_row(past: PastConfig) -> PastRow:
    return PastRow(
        id=past.history_id,
        planner_config_id=past.config_id,
        name=past.name,
        toml_config=past.toml,
        version=past.version,
        text_hash=past.text_hash,
        summary=past.summary,
        saved_at=past.saved_at,
    )


def check_row(check: ConfigCheck) -> CheckRow:
    return CheckRow(
        valid=check.valid,
        error=_told(check.errors[0]) if check.errors else None,
        errors=_findings(check.errors),
        warnings=_findings(check.warnings),
        counts=None if check.counts is None else _counts(check.counts),
        not_run=check.not_run,
    )


def _told(finding: ConfigFinding) -> str:
    """A finding in one line."""
    said = f"{finding.path}: {finding.message}" if finding.path else finding.message
    return said if finding.line is None else f"line {finding.line}: {said}"


def _findings(findings: Sequence[ConfigFinding]) -> list[FindingRow]:
    return [FindingRow(one.path, one.message, one.line) for one in findings]


def _counts(counts: StageCounts) -> CountsRow:
    return CountsRow(
        candidates=counts.candidates,
        by_kind=dict(counts.by_kind),
        seeds=counts.seeds,
        filtered=counts.filtered,
        explored=counts.explored,
        steps=counts.steps,
        current_score=round(counts.current_score, 2),
        end_score=round(counts.end_score, 2),
    )


def applied_row(stored: StoredConfig, bucket_id: str) -> AppliedRow:
    return AppliedRow(
        message=f"{bucket_id} plans by {stored.name!r} from its next plan on",
        bucket_id=bucket_id,
        config_id=stored.config_id,
        name=stored.name,
        version=stored.version,
        applied=stored.applied,
        applied_hash=stored.applied_hash,
    )
