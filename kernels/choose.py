"""Picks the back end of the kernels, once per process.

`KERNELS` in the environment says which one is wanted; this module is the only reader of it:

    auto     compiled when the extension is there, else numpy (the default)
    cython   compiled, an ImportError when the extension is missing
    numpy    the numpy twins

Health shows `backend_report`, so a device that silently runs the slow twins is noticed.
"""

import os
from dataclasses import dataclass
from typing import Literal, Protocol, overload

from kernels import (
    indicators_numpy,
    risk_numpy,
    rolling_numpy,
    search_numpy,
    sequences_numpy,
)
from kernels.checks import Bools, Floats, Ints
from kernels.search_work import Extensions, SearchWork
from kernels.workload import Scores, Workload

Backend = Literal["cython", "numpy"]
WANTED_VALUES = ("auto", "cython", "numpy")


class SequenceKernel(Protocol):
    """A back end of `kernels.sequences`; arguments are already checked."""

    def run(self, work: Workload, sequences: Ints, out: Scores, /) -> None: ...


class SearchKernel(Protocol):
    """A back end of `kernels.search`; arguments are already checked."""

    def extend(
        self,
        work: SearchWork,
        parents: Ints,
        steps_left: int,
        blocked: Bools,
        out: Extensions,
        /,
    ) -> None: ...


class RiskKernel(Protocol):
    """A back end of `kernels.risk`; arguments are already checked."""

    def simple_returns(self, prices: Floats, out: Floats, /) -> bool: ...

    def scan(self, prices: Floats, shift: float, least: float, out: Floats, /) -> bool: ...


class IndicatorKernel(Protocol):
    """A back end of `kernels.indicators`; arguments are already checked."""

    def ema(self, values: Floats, window: int, out: Floats, /) -> None: ...

    def rsi(self, values: Floats, window: int, out: Floats, /) -> None: ...


class RollingKernel(Protocol):
    """A back end of `kernels.rolling`; arguments are already checked."""

    def moments(
        self, values: Floats, window: int, means: Floats, deviations: Floats, /
    ) -> None: ...

    def drawdowns(self, prices: Floats, window: int, out: Floats, /) -> None: ...

    def slopes(
        self, values: Floats, others: Floats, window: int, least: float, out: Floats, /
    ) -> None: ...


Kernel = SequenceKernel | SearchKernel | RiskKernel | IndicatorKernel | RollingKernel


@dataclass(frozen=True, slots=True)
class BackendReport:
    """What was asked for, what serves, and why."""

    wanted: str
    used: Backend
    reason: str


@dataclass(frozen=True, slots=True)
class Loaded:
    sequences: SequenceKernel
    search: SearchKernel
    risk: RiskKernel
    indicators: IndicatorKernel
    rolling: RollingKernel
    report: BackendReport


def load(wanted: str) -> Loaded:
    """Load all kernels of one back end; never some compiled and some not."""
    if wanted not in WANTED_VALUES:
        raise ValueError(f"KERNELS: {wanted!r}, expected one of {', '.join(WANTED_VALUES)}")
    if wanted == "numpy":
        return _numpy(wanted, "asked for")
    try:
        return _compiled(wanted)
    except ImportError as error:
        if wanted == "cython":
            raise ImportError(f"KERNELS=cython, but the extension is missing: {error}") from error
        return _numpy(wanted, f"extension not built: {error}")


def _compiled(wanted: str) -> Loaded:
    # Only when wanted, and may be absent; imported by full name, so that the error names them.
    import kernels._indicators as _indicators  # noqa: PLC0415, PLR0402
    import kernels._risk as _risk  # noqa: PLC0415, PLR0402
    import kernels._rolling as _rolling  # noqa: PLC0415, PLR0402
    import kernels._search as _search  # noqa: PLC0415, PLR0402
    import kernels._sequences as _sequences  # noqa: PLC0415, PLR0402

    report = BackendReport(wanted, "cython", "extension loaded")
    return Loaded(_sequences, _search, _risk, _indicators, _rolling, report)


def _numpy(wanted: str, reason: str) -> Loaded:
    report = BackendReport(wanted, "numpy", reason)
    return Loaded(
        sequences_numpy, search_numpy, risk_numpy, indicators_numpy, rolling_numpy, report
    )


_LOADED = load(os.environ.get("KERNELS", "auto"))


@overload
def choose(name: Literal["sequences"]) -> SequenceKernel: ...
@overload
def choose(name: Literal["search"]) -> SearchKernel: ...
@overload
def choose(name: Literal["risk"]) -> RiskKernel: ...
@overload
def choose(name: Literal["indicators"]) -> IndicatorKernel: ...
@overload
def choose(name: Literal["rolling"]) -> RollingKernel: ...
def choose(name: Literal["sequences", "search", "risk", "indicators", "rolling"]) -> Kernel:
    """The kernel of that name on the back end of this process."""
    kernel: Kernel = getattr(_LOADED, name)
    return kernel


def backend_report() -> BackendReport:
    """Which back end serves this process."""
    return _LOADED.report
