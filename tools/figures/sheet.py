"""What was compared, how far apart it was at worst, and whether that is too far."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

Figure = float | int | Decimal | str | bool | None
Pair = tuple[str, Figure, Figure]
"""What it is of, as it was recomputed, as the daemon told it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`compared` counts figures; the differences are the largest, `note` says of what."""

    route: str
    figure: str
    compared: int
    absolute: float
    relative: float
    good: bool
    note: str


class Sheet:
    """Every comparison; `good` when all of them are within what they may differ."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    @property
    def good(self) -> bool:
        return all(finding.good for finding in self.findings)

    def compare(
        self,
        route: str,
        figure: str,
        pairs: Iterable[Pair],
        *,
        places: int | None = None,
        absolute: float = 0.0,
        relative: float = 1e-9,
    ) -> None:
        """Note how far apart `pairs` are: figures may differ by `absolute` + `relative` of theirs.

        `places`: the daemon rounds to so many decimals, which is half of the last one more.
        """
        if places is not None:
            absolute += 0.5000001 * 10.0**-places
        worst_absolute = worst_relative = 0.0
        count, bad = 0, ""
        for name, ours, theirs in pairs:
            count += 1
            apart, off = _apart(ours, theirs)
            worst_absolute, worst_relative = max(worst_absolute, apart), max(worst_relative, off)
            bound = absolute + relative * abs(_number(theirs) or 0.0)
            if not apart <= bound and not bad:
                bad = f"{name}: {_shown(ours)} here, {_shown(theirs)} there"
        note = bad or ("" if count else "there was nothing to compare")
        self._add(route, figure, count, (worst_absolute, worst_relative), good=not bad, note=note)

    def holds(self, route: str, figure: str, claims: Iterable[tuple[str, bool]]) -> None:
        """Note whether every named claim is true."""
        told = list(claims)
        wrong = [name for name, true in told if not true]
        self._add(route, figure, len(told), (0.0, 0.0), good=not wrong, note="; ".join(wrong[:3]))

    def failed(self, route: str, reason: str) -> None:
        """Note that a route did not answer as it should."""
        self._add(route, "answer", 0, (0.0, 0.0), good=False, note=reason)

    def _add(
        self,
        route: str,
        figure: str,
        count: int,
        worst: tuple[float, float],
        *,
        good: bool,
        note: str,
    ) -> None:
        self.findings.append(Finding(route, figure, count, *worst, good, note))

    def text(self) -> str:
        """One line per comparison, and the sum of them."""
        head = ("route", "figure", "compared", "absolute", "relative", "verdict")
        rows = [
            (f.route, f.figure, str(f.compared), f"{f.absolute:.2e}", f"{f.relative:.2e}",
             ("ok" if f.good else "DIFFERS") + (f"  {f.note}" if f.note else ""))
            for f in self.findings
        ]  # fmt: skip
        widths = [max(len(row[i]) for row in [head, *rows]) for i in range(5)]
        lines = [
            "  ".join(
                [*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[5]]
            )
            for row in [head, *rows]
        ]
        wrong = sum(not finding.good for finding in self.findings)
        figures = sum(finding.compared for finding in self.findings)
        lines.append(f"{figures} figures in {len(rows)} comparisons, {wrong} of them differ")
        return "\n".join(lines)


def _apart(ours: Figure, theirs: Figure) -> tuple[float, float]:
    """The difference, and by what part of the larger; both infinite for what cannot be compared."""
    if ours is None or theirs is None or isinstance(ours, str) or isinstance(theirs, str):
        same = ours == theirs
        return (0.0, 0.0) if same else (math.inf, math.inf)
    first, second = float(ours), float(theirs)
    apart = abs(first - second)
    if math.isnan(apart):
        return math.inf, math.inf
    size = max(abs(first), abs(second))
    return apart, apart / size if size else 0.0


def _number(value: Figure) -> float | None:
    return None if value is None or isinstance(value, str) else float(value)


def _shown(value: Figure) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)
