"""The order in which ready tasks run, drawn from a seed and put back afterwards.

Trio shuffles on purpose. Its generator is private and its module replaces the sorting that makes
a seed mean anything, so both names are set here and nowhere else.
"""

from __future__ import annotations

import importlib
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any


@contextmanager
def task_order(seed: int) -> Generator[None]:
    """Inside, one seed gives one interleaving of tasks."""
    run: Any = importlib.import_module("trio._core._run")
    state, deterministic = run._r.getstate(), run._ALLOW_DETERMINISTIC_SCHEDULING
    run._r.seed(seed)
    run._ALLOW_DETERMINISTIC_SCHEDULING = True
    try:
        yield
    finally:
        run._r.setstate(state)
        run._ALLOW_DETERMINISTIC_SCHEDULING = deterministic
