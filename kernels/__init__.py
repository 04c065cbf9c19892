"""Number crunching for the planner and the scorers: arrays in, arrays out.

Every kernel exists twice, compiled and as a numpy twin; `backend_report` says which one serves.
"""

from kernels.choose import BackendReport, backend_report

__all__ = ["BackendReport", "backend_report"]
