"""One figure with its budget, and the tables they are shown in: text to read, Markdown to keep."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["goal", "floor", "missed", "-"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One figure. `floor` must hold, `goal` is wanted; without them it is there to compare with."""

    name: str
    value: float
    unit: str
    floor: float | None = None
    goal: float | None = None
    more_is_better: bool = False

    @property
    def verdict(self) -> Verdict:
        """The best budget that the figure keeps."""
        if self.floor is None and self.goal is None:
            return "-"
        if self.goal is not None and self._keeps(self.goal):
            return "goal"
        return "floor" if self.floor is not None and self._keeps(self.floor) else "missed"

    def _keeps(self, bound: float) -> bool:
        return self.value >= bound if self.more_is_better else self.value <= bound

    def cells(self) -> tuple[str, ...]:
        """As many as HEAD has."""
        bounds = [_bound(bound, more=self.more_is_better) for bound in (self.floor, self.goal)]
        return (self.name, number(self.value), self.unit, *bounds, self.verdict)


@dataclass(frozen=True, slots=True)
class Section:
    """What one benchmark found; `note` says what exactly was measured."""

    title: str
    note: str
    measurements: tuple[Measurement, ...]


HEAD = ("", "measured", "unit", "floor", "goal", "verdict")


def number(value: float) -> str:
    """Three figures and no more: nothing here repeats to the fourth."""
    if value >= 1000:
        return f"{value:,.0f}"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _bound(bound: float | None, *, more: bool) -> str:
    if bound is None:
        return ""
    sign = "≥" if more else "≤"
    return f"{sign} {bound:,.0f}" if bound >= 10 else f"{sign} {bound:g}"


def as_text(section: Section) -> str:
    """The section for a terminal."""
    rows = [HEAD, *(item.cells() for item in section.measurements)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([f"{section.title}: {section.note}", *lines, ""])


def as_markdown(sections: Iterable[Section]) -> str:
    """All sections for docs/performance.md."""
    return "\n".join(line for section in sections for line in _markdown(section))


def _markdown(section: Section) -> Sequence[str]:
    rows = (f"| {' | '.join(item.cells())} |" for item in section.measurements)
    return [
        f"### {section.title}",
        "",
        section.note,
        "",
        f"| {' | '.join(HEAD)} |",
        "|---|--:|---|--:|--:|---|",
        *rows,
        "",
    ]
