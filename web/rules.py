"""Routes that are only matched: nothing builds a path from a route's name here.

The code that would build paths is most of what putting an application together costs, and on a
small board the greater part of a second of its start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from quart.routing import QuartRule


def _unbuilt(_rule: QuartRule, **_values: Any) -> NoReturn:
    raise RuntimeError("paths are not built from routes")


class MatchedRule(QuartRule):
    """A rule without builders."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: ARG002
        return _unbuilt
